"""What a task may ask for, before any git is started."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from workflow.git import message
from workflow.git.branches import is_allowed
from workflow.git.surroundings import environment
from workflow.handlers.git_commit import EXAMPLE, OUTPUTS, Params
from workflow.settings.git import Git


def refused(**params: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Params.model_validate({"paths": ["content"], "message": "x", **params})
    return str(caught.value)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "~/x", "../x", "content/../../x", "content/./x", "a//b", ".", "./", "/", "",
        ".git/config", "content/.GIT/hooks/pre-commit", "GIT~1/config", "a\0b", "a\nb", "a\x1b[2J",
        "a\x9b", "\ud800", "x" * 501,
    ],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    assert refused(paths=[path])


def test_a_path_may_end_with_a_slash_and_stand_alone() -> None:
    assert Params.model_validate({"paths": "content/", "message": "x"}).paths == ("content",)
    assert refused(paths=[])
    assert refused(paths=["x"] * 201)


@pytest.mark.parametrize(
    "given",
    [
        {"message": ""}, {"message": "  "}, {"message": "a\nb"}, {"message": "a\x1b[31m"},
        {"message": "x" * 501}, {"message": "a\u202eb"}, {"body": "a\rb"}, {"body": "a\0"},
        {"body": "x\nworkflow-task: other"}, {"message": "Workflow-Task: other"},
        {"trailers": {"Workflow-Task": "x"}}, {"trailers": {"Workflow-Any": "x"}},
        {"trailers": {"Signed-off-by": "Ada"}}, {"trailers": {"a b": "x"}},
        {"trailers": {"-x": "x"}}, {"trailers": {"X": "a\nWorkflow-Task: other"}},
        {"trailers": {"X": " "}}, {"create": True}, {"branch": ""}, {"amend": True},
        {"repository": "/etc"}, {"force": True},
    ],
)  # fmt: skip
def test_what_is_not_a_task_s_to_say_is_refused(given: dict[str, Any]) -> None:
    assert refused(**given)


def test_a_message_is_made_of_subject_body_and_trailers() -> None:
    whole = message.compose("Subject", "Body", {"Refs": "T-1"}, "id-1")
    assert whole == "Subject\n\nBody\n\nRefs: T-1\nWorkflow-Task: id-1\n"
    assert message.compose("Subject", "", {}, "id-1") == "Subject\n\nWorkflow-Task: id-1\n"
    assert message.pattern("a.b+c") == "^Workflow-Task: a[.]b[+]c[[:space:]]*$"


@pytest.mark.parametrize(
    ("pattern", "allowed", "forbidden"),
    [
        ("main", ["main"], ["x/main", "main/x", "Main", "mainly"]),
        ("claude/*", ["claude/menu"], ["claude", "claude/menu/two", "x/claude/menu", "Claude/x"]),
        ("claude/**", ["claude/menu", "claude/menu/two"], ["claude", "claudes/x"]),
        ("release-?", ["release-1"], ["release-10", "release-/"]),
        ("*/wip", ["ada/wip"], ["a/b/wip", "wip"]),
        ("**", ["main", "a/b/c"], []),
    ],
)
def test_patterns_of_branches(pattern: str, allowed: list[str], forbidden: list[str]) -> None:
    assert [name for name in allowed if not is_allowed(name, (pattern,))] == []
    assert [name for name in forbidden if is_allowed(name, (pattern,))] == []


@pytest.mark.parametrize(
    "pattern", ["", "-x", "/x", "x/", "a b", "a..b", "x.lock", ".x", "a/.b", "a~1", "a[b", "a\\b"]
)
def test_a_pattern_that_no_branch_could_match_is_an_error_of_workflow_yaml(pattern: str) -> None:
    with pytest.raises(ValidationError):
        Git.model_validate({"branches": [pattern]})


@pytest.mark.parametrize("remote", ["--force", "https://x/y.git", "", "a b", "ext::sh -c x"])
def test_a_remote_is_a_name(remote: str) -> None:
    with pytest.raises(ValidationError):
        Git.model_validate({"remote": remote})


def test_git_s_environment_has_nothing_that_leads_it_elsewhere_or_asks_somebody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("GIT_DIR", "GIT_CONFIG_PARAMETERS", "SSH_ASKPASS", "EMAIL", "CLAUDECODE"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -i key")
    monkeypatch.setenv("PATH", f"relative{os.pathsep}/usr/bin")
    told = environment({"MORE": "y"})
    assert not {"GIT_DIR", "GIT_CONFIG_PARAMETERS", "SSH_ASKPASS", "EMAIL", "CLAUDECODE"} & set(
        told
    )
    assert (told["GIT_SSH_COMMAND"], told["MORE"]) == ("ssh -i key", "y")
    assert told["GIT_ASKPASS"] == "" and told["SSH_ASKPASS_REQUIRE"] == "never"
    assert "relative" not in told["PATH"].split(os.pathsep)


def test_the_example_and_the_outputs_are_told() -> None:
    assert len(EXAMPLE) % 2 == 0
    assert all(": " in text for text in OUTPUTS.values())


def test_every_error_of_git_stands_in_its_page_and_no_other() -> None:
    sources = [*Path(message.__file__).parent.glob("*.py")]
    call = re.compile(r'(?:refusal|TaskError|_environment|_Reason)\(\s*"([a-z_]+)"')
    codes = {code for path in sources for code in call.findall(path.read_text())}
    codes.add("bad_config")  # settings that were left out are every handler's to refuse
    page = (Path(__file__).parents[2] / "docs/git.md").read_text()
    table = page[page.index("## When it fails") :]
    told = {code for row in re.findall(r"(?m)^\| (`.*?) \|", table)
            for code in re.findall("`([a-z_]+)`", row)}  # fmt: skip
    assert len(codes) > 30
    assert codes == told

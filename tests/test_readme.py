"""What the documents say is so."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.program import Program, make_exchange
from workflow import document
from workflow.claude import texts
from workflow.claude.install import GUIDE
from workflow.claude.sections import signed
from workflow.cli import COMMANDS
from workflow.config import load_config
from workflow.handlers import TASK_TYPES
from workflow.task import build_task

REPOSITORY = Path(__file__).parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def _commands(text: str) -> list[str]:
    """Every `workflow …` in a text: in code blocks, and between backticks."""
    blocks = re.findall(r"```(?:sh)?\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [
        line.removeprefix("$ ") for line in lines if line.removeprefix("$ ").startswith("workflow ")
    ]


def test_the_readme_has_exactly_two_set_up_commands() -> None:
    assert re.findall(r"^make (\w+)$", README, re.MULTILINE) == ["demo", "test"]
    makefile = (REPOSITORY / "Makefile").read_text()
    assert all(f"\n{target}:" in makefile for target in ("demo", "test"))


def test_every_command_and_every_type_is_in_the_readme() -> None:
    assert [n for n in COMMANDS if f"workflow {n}" not in README] == []
    assert [n for n in TASK_TYPES if f"`{n}`" not in README] == []


def test_no_document_names_a_command_or_an_option_that_is_not_there(program: Program) -> None:
    for words in re.findall(r"`workflow ([^`]+)`", README) + [
        line.removeprefix("workflow ") for line in _commands(README)
    ]:
        parts = [word for word in shlex.split(words) if word not in ("--root", "~/site-tasks")]
        if parts[0].startswith("-"):
            assert parts[0] in program("--help").out
            continue
        assert parts[0] in COMMANDS, words
        help_text = program(parts[0], "--help").out
        assert [o for o in parts if o.startswith("-") and o not in help_text] == [], words


def test_the_readmes_task_is_a_valid_one(program: Program) -> None:
    (example,) = (
        b for b in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "task_type" in b
    )
    read = document.parse(example.encode())
    task = build_task(read, "2026-01-19-1430-hugo-build-dev", load_config(program.root))
    assert (task.kind.name, task.environment, task.rank) == ("hugo-build", "dev", 1)


def test_the_repositorys_guide_is_the_one_that_init_writes() -> None:
    guide = (REPOSITORY / GUIDE).read_text(encoding="utf-8")
    assert guide == signed(texts.guide(load_config(REPOSITORY))), "python -m workflow.claude"


def test_the_readmes_own_set_up_for_a_site_works(tmp_path: Path) -> None:
    program = make_exchange(tmp_path)
    site = program.root / "site"
    for words in (
        ["init", str(tmp_path / "site-tasks"), "--site", str(site)],
        ["--root", str(tmp_path / "site-tasks"), "doctor"],
    ):
        ran = program(*words)
        assert ran.code == 0, ran.out + ran.err


def test_the_repository_is_a_ready_exchange() -> None:
    config = load_config(REPOSITORY)
    assert config.problems == ()
    assert list(config.environments) == ["dev", "staging", "production"]
    for state in ("pending", "waiting", "in-progress", "completed", "failed", "templates"):
        assert (REPOSITORY / "tasks" / state).is_dir()


@pytest.mark.parametrize("name", ["hugo-build", "hugo-deploy-staging", "hugo-deploy-production"])
def test_the_repositorys_templates_are_those_that_the_package_carries(name: str) -> None:
    shown = REPOSITORY / f"tasks/templates/{name}.md"
    assert shown.resolve() == REPOSITORY / f"workflow/data/templates/{name}.md"


def test_the_project_speaks_of_itself_alone() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    secret_words = re.compile(r"/root/|/home/\w+/|pypi\.org|registry\.npmjs|files\.pythonhosted")
    guilty = [
        name
        for name in listed.stdout.splitlines()
        if (path := REPOSITORY / name).is_file()
        and secret_words.search(path.read_text(encoding="utf-8", errors="replace"))
        and name != "tests/test_readme.py"
    ]
    assert guilty == []

"""Completion, by the scripts that we generate, in the shells themselves."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.program import CONFIG, Program
from tests.terminal.screen import Screen, plain
from workflow.commands import choices


@pytest.fixture
def shells(program: Program) -> Program:
    """An exchange with two tasks, and `workflow` on the PATH."""
    program.submit("noop", "--description", "first")
    program("sweep")
    program.write("2026-01-19-1430-ask.md", "---\ntask_type: noop\nrequires_approval: true\n---\n")
    program("sweep")
    (program.root.parent / "bin").mkdir()
    command = program.root.parent / "bin/workflow"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m workflow "$@"\n')
    command.chmod(0o755)
    return program


def _environ(program: Program) -> dict[str, str]:
    environ = program.environ
    return {**environ, "PATH": f"{program.root.parent}/bin:{environ['PATH']}"}


def _script(program: Program, shell: str) -> Path:
    path = program.root.parent / f"_workflow.{shell}"
    made = subprocess.run(
        ["workflow"],
        env={**_environ(program), "_WORKFLOW_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        check=True,
    )
    path.write_text(made.stdout)
    return path


def _bash(program: Program, *words: str) -> list[str]:
    quoted = " ".join(f"'{word}'" for word in words)
    code = (
        f"source {_script(program, 'bash')}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; "
        "_workflow_completion workflow; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    ran = subprocess.run(
        ["bash", "--norc", "-c", code],
        cwd=program.root,
        env=_environ(program),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stderr == ""
    return ran.stdout.split()


def test_bash_completes_commands_ids_types_environments_and_states(shells: Program) -> None:
    assert _bash(shells, "workflow", "stat") == ["status"]
    assert "latest" in _bash(shells, "workflow", "show", "")
    assert _bash(shells, "workflow", "show", "2026-01-19") == ["2026-01-19-1430-ask"]
    assert "hugo-build" in _bash(shells, "workflow", "submit", "hugo-b")
    assert _bash(shells, "workflow", "submit", "noop", "--env", "st") == ["staging"]
    assert _bash(shells, "workflow", "list", "--state", "wa") == ["waiting"]


def test_a_completion_says_nothing_where_something_is_wrong(shells: Program) -> None:
    (shells.root / "workflow.yaml").write_text("version: [\n")
    assert _bash(shells, "workflow", "submit", "noop", "--env", "") == []
    assert "hugo-build" in _bash(shells, "workflow", "submit", "hugo-b")


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes_an_id_and_runs_nothing_of_what_it_is_offered(shells: Program) -> None:
    mark = shells.root.parent / "owned"
    evil = f"https://a.example.com/\\$(touch${{IFS}}{mark})`touch${{IFS}}{mark}`"
    (shells.root / "workflow.yaml").write_text(
        CONFIG + f"  evil: {{base_url: '{evil}'}}\n  stable: {{base_url: '{evil}'}}\n"
    )
    environ = {**_environ(shells), "PS1": "> "}
    screen = Screen(["zsh", "-f", "-i"], shells.root, environ, 120, 30)
    screen.press("unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; ")
    screen.press(f"source {_script(shells, 'zsh')}; echo rea''dy\n")
    screen.read("ready\n")
    screen.press("workflow show 2026-01-19\t")
    screen.read("2026-01-19-1430-ask")
    screen.press("\x15workflow submit noop --env \t")
    screen.read("stable")
    screen.press("\x15exit\n")
    screen.read()
    screen.close()
    assert not mark.exists()


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes_an_id(shells: Program) -> None:
    code = f"source {_script(shells, 'fish')}; complete -C 'workflow show 2026-01-19'"
    ran = subprocess.run(
        ["fish", "--no-config", "-c", code],
        cwd=shells.root,
        env=_environ(shells),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "2026-01-19-1430-ask" in ran.stdout


def _context(root: Path, **given: str) -> SimpleNamespace:
    return SimpleNamespace(params={"root": str(root), **given}, parent=None)


def test_digests_settings_branches_and_releases_are_offered(shells: Program) -> None:
    digest = shells("plan", "latest", "--field", "data.digest").out[:8]
    context = _context(shells.root, task_id="2026-01-19-1430-ask")
    assert [offer[0] for offer in choices.plan_digests(context, "")] == [digest]
    site = shells.root / "site"
    for words in (
        ["init", "-q", "-b", "main"],
        ["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "--allow-empty", "-m", "x"],
        ["branch", "claude/summer"],
        ["branch", "bad$(touch${IFS}x)"],
    ):
        subprocess.run(["git", "-C", str(site), *words], check=True)
    context = _context(shells.root, task_type="git-commit")
    offered = [one if isinstance(one, str) else one[0] for one in choices.settings(context, "b")]
    assert "branch=claude/summer" in offered
    assert not any("$" in one for one in offered)
    folder = shells.root / ".workflow/releases/staging"
    folder.mkdir(parents=True)
    (folder / "staging-0001-3f9a12c4.json").write_text("{}")
    context = _context(shells.root, environment="staging")
    assert choices.releases(context, "staging-0001") == ["staging-0001-3f9a12c4"]
    assert choices.releases(_context(shells.root, environment="../../x"), "") == []


def test_screens_escapes_are_seen_by_the_tests() -> None:
    assert plain("\x1b[31mx\x1b[0m\r\n") == "x\n"

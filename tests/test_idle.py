"""The idle tick: what it reads, what it changes, what it never imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import CONFIG, Program

HEAVY = (
    "typer",
    "pydantic",
    "filelock",
    "rich",
    "yaml",
    "ruamel",
    "json",
    "re",
    "pathlib",
    "typing",
)


def _loaded_by(program: Program, *words: str, bare: bool = False) -> set[str]:
    """What modules a run has loaded in the end; `bare`: without what site-packages loads."""
    code = (
        "import os, sys\n"
        "leave = os._exit\n"
        "def tell(code):\n"
        "    sys.stdout.write(' '.join(sys.modules)); sys.stdout.flush(); leave(code)\n"
        "os._exit = tell\n"
        f"sys.argv = ['workflow', *{list(words)!r}]\n"
        "from workflow.__main__ import main\n"
        "main()\n"
    )
    ran = subprocess.run(
        [sys.executable, *(["-S"] if bare else []), "-c", code],
        cwd=program.root,
        env=program.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    return set(ran.stdout.split())


def _snapshot(root: Path) -> dict[str, tuple[int, int, int]]:
    return {
        str(path): (seen.st_mtime_ns, seen.st_size, seen.st_ino)
        for path in [root, *root.rglob("*")]
        if path.name != "last-sweep"
        for seen in [path.lstat()]
    }


def test_an_idle_sweep_loads_no_heavy_module(program: Program) -> None:
    program("sweep")
    loaded = _loaded_by(program, "sweep", bare=True)
    assert "workflow.layout" in loaded
    assert not loaded & set(HEAVY)


def test_an_idle_sweep_changes_nothing_but_its_sign_of_life(program: Program) -> None:
    program.submit("noop")
    program.write("later.md", "---\ntask_type: noop\nnot_before: 2999-01-01\n---\n")
    program("sweep")
    last = program.root / ".workflow/last-sweep"
    program.age(last, 100)
    before, aged = _snapshot(program.root), last.stat().st_mtime

    ran = program("sweep")

    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert _snapshot(program.root) == before
    assert last.stat().st_mtime > aged


def _is_idle(program: Program) -> bool:
    return "workflow.sweep" not in _loaded_by(program, "--root", str(program.root), "sweep")


def test_the_tick_after_a_sweep_is_idle(program: Program) -> None:
    program.submit("noop")
    assert not _is_idle(program), "a task in pending is something to do"
    assert _is_idle(program)


@pytest.mark.parametrize(
    "happening",
    ["pending", "orphan", "waiting file edited", "waiting task due", "configuration", "new day",
     "clock set back", "predecessor settled", "stamp lost", "stamp torn"],
)  # fmt: skip
def test_a_tick_is_not_idle_when_there_may_be_something_to_do(
    program: Program, happening: str
) -> None:
    program.write("later.md", "---\ntask_type: noop\nnot_before: 2999-01-01\n---\n")
    program("sweep")
    assert _is_idle(program)
    stamp = program.root / ".workflow/parked"
    times, signature = stamp.read_text().split("\n", 1)
    written, due = map(float, times.split())
    match happening:
        case "pending":
            program.write("new.md", "---\ntask_type: noop\n---\n")
        case "orphan":
            program.write("new.md", "---\ntask_type: noop\n---\n", "tasks/in-progress")
        case "waiting file edited":
            program.write("later.md", "---\ntask_type: noop\n---\n", "tasks/waiting")
        case "waiting task due":
            stamp.write_text(f"{written} {written}\n{signature}")
        case "configuration":
            (program.root / "workflow.yaml").write_text(CONFIG + "\n# changed\n")
        case "new day":
            assert due - written <= 86_400, "the archive is looked at once a day"
            stamp.write_text(f"{written - 86_400} {due - 86_400}\n{signature}")
        case "clock set back":
            stamp.write_text(f"{written + 3600} {due + 3600}\n{signature}")
        case "predecessor settled":
            program.write("other.md", "---\ntask_type: noop\n---\n", "tasks/completed")
        case "stamp lost":
            stamp.unlink()
        case "stamp torn":
            stamp.write_text(f"{written} ")
    assert not _is_idle(program)


def test_a_tick_beside_a_running_sweep_ends_without_loading_anything(program: Program) -> None:
    program.submit("noop")
    with program.exchange.sweeping() as alone:
        assert alone
        assert _is_idle(program)
    assert len(os.listdir(program.root / "tasks/pending")) == 1


@pytest.mark.parametrize("words", [["--help"], ["list"], ["show", "latest"]])
def test_commands_load_only_what_they_need(program: Program, words: list[str]) -> None:
    program.submit("noop")
    program("sweep")
    loaded = set(
        subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "workflow", *words],
            cwd=program.root, env=program.environ, capture_output=True, text=True, check=True,
        ).stderr.split()
    )  # fmt: skip
    assert "typer" in loaded
    assert not loaded & {"pydantic", "filelock", "ruamel.yaml", "workflow.sweep", "regex"}
    if words == ["--help"]:
        assert not any(name.startswith("workflow.commands.") for name in loaded)

"""The timer's log: who moves it aside, and when."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.program import Program
from workflow.service.log import TIMER_LOG, last_words, rotate


def _log(root: Path, size: int) -> tuple[Path, int]:
    path = root / TIMER_LOG
    path.parent.mkdir()
    path.write_bytes(b"x" * size)
    return path, os.open(path, os.O_WRONLY | os.O_APPEND)


def test_a_log_over_the_limit_is_moved_aside_and_what_comes_goes_to_its_end(tmp_path: Path) -> None:
    path, descriptor = _log(tmp_path, 200)
    assert rotate(str(tmp_path), descriptor, limit=100)
    os.write(descriptor, b"more\n")
    os.close(descriptor)
    assert not path.exists()
    assert Path(f"{path}.1").read_bytes() == b"x" * 200 + b"more\n"


def test_a_log_below_the_limit_stays(tmp_path: Path) -> None:
    path, descriptor = _log(tmp_path, 100)
    assert not rotate(str(tmp_path), descriptor, limit=100)
    os.close(descriptor)
    assert path.exists()


def test_a_sweep_that_does_not_write_there_moves_nothing(tmp_path: Path) -> None:
    path, descriptor = _log(tmp_path, 200)
    os.close(descriptor)
    with open(os.devnull, "wb") as elsewhere:
        assert not rotate(str(tmp_path), elsewhere.fileno(), limit=100)
    assert path.exists()
    # Another sweep was first: what lies there now is not what we write to.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    path.rename(f"{path}.1")
    path.write_bytes(b"y" * 200)
    assert not rotate(str(tmp_path), descriptor, limit=100)
    os.close(descriptor)
    assert path.read_bytes() == b"y" * 200


def test_no_log_and_a_closed_descriptor_are_no_error(tmp_path: Path) -> None:
    assert not rotate(str(tmp_path))
    assert not rotate(str(tmp_path), 987)
    assert last_words(str(tmp_path)) == ""


def test_its_last_words_are_fit_to_be_shown(tmp_path: Path) -> None:
    path, descriptor = _log(tmp_path, 9_000)
    os.write(descriptor, b"\nerror: \x1b[31mno\x1b[0m \x07 \xff AKIAIOSFODNN7EXAMPLE\n\n")
    os.close(descriptor)
    said = last_words(str(tmp_path))
    assert said.startswith("error: no")
    assert said.isprintable()
    assert "AKIAIOSFODNN7EXAMPLE" not in said
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert last_words(str(tmp_path)) == ""


def test_it_costs_nothing_to_import() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "import sys, workflow.service.log; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not {"typer", "yaml", "pydantic", "json", "workflow.redact"} & set(ran.stdout.split())


def test_a_sweep_of_the_timer_that_has_something_to_do_rotates_its_log(program: Program) -> None:
    program.submit("noop")
    program("sweep")
    log = program.root / TIMER_LOG
    for due in (False, True):
        log.write_bytes(b"x" * 1_000_001)
        if due:
            program.submit("noop")
        with log.open("ab") as stderr:
            subprocess.run(
                program.argv("--root", str(program.root), "sweep"),
                env=program.environ, stderr=stderr, check=True,
            )  # fmt: skip
        assert log.exists() is not due, "an idle sweep prints nothing, and looks at nothing"
    assert b"success" in Path(f"{log}.1").read_bytes()[-500:]

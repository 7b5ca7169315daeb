"""The page that sweeps write where workflow.yaml asks for it: never a sweep's failure or delay."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.program import Program
from tests.report.test_writing import configure
from workflow.config import load_config
from workflow.report import making


def page_of(program: Program) -> Path:
    return program.root / "results/report.html"


def test_a_sweep_that_did_something_writes_the_page(program: Program) -> None:
    configure(program, "after_sweep: true")
    task_id = program.submit("noop")
    assert program("sweep").code == 0
    assert task_id in page_of(program).read_text()


def test_a_sweep_that_parked_something_writes_it_too(program: Program) -> None:
    configure(program, "after_sweep: true")
    program.write("asks.md", "---\ntask_type: noop\nrequires_approval: true\n---\n")
    assert program("sweep").code == 0
    assert "workflow approve asks - " in page_of(program).read_text()


def test_without_being_asked_for_no_sweep_writes_it(program: Program) -> None:
    program.submit("noop")
    assert program("sweep").code == 0
    assert not page_of(program).exists()


def test_an_idle_sweep_does_nothing_for_it(program: Program) -> None:
    configure(program, "after_sweep: true")
    program.submit("noop")
    program("sweep")
    before = page_of(program).stat().st_mtime_ns
    for words in (("sweep",), ("sweep", "--jobs", "1")):  # by the gate, and past it
        assert program(*words).code == 0
    assert page_of(program).stat().st_mtime_ns == before
    loaded = subprocess.run(
        program.argv("sweep"), cwd=program.root, capture_output=True, text=True, check=True,
        env={**program.environ, "PYTHONPROFILEIMPORTTIME": "1"},
    ).stderr  # fmt: skip
    assert "workflow.layout" in loaded and "report" not in loaded


def test_where_it_cannot_be_written_the_sweep_succeeds_and_says_so(program: Program) -> None:
    configure(program, "after_sweep: true")
    page_of(program).write_text("mine")
    task_id = program.submit("noop")
    ran = program("sweep")
    assert ran.code == 0 and program.states(task_id) == ["completed"]
    assert "is no page of ours" in ran.err and page_of(program).read_text() == "mine"


def test_a_defect_of_the_page_is_no_failure_of_the_sweep(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(making, "board", broken)
    told = making.after_sweep(program.exchange, load_config(program.root))
    assert told == "the report was not written: RecursionError: too deep"


def test_a_place_that_hangs_is_given_up(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "_PATIENCE", 0.2)
    lock = os.open(program.root / ".workflow/report.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    began = time.monotonic()
    told = making.after_sweep(program.exchange, load_config(program.root))
    assert time.monotonic() - began < 5
    assert told is not None and "the next sweep tries again" in told
    os.close(lock)
    until = time.monotonic() + 60
    while not page_of(program).exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert page_of(program).exists(), "the lock is free: the thread goes on"


def test_the_next_sweep_need_not_wait_for_the_page(program: Program) -> None:
    configure(program, "after_sweep: true")
    lock = os.open(program.root / ".workflow/report.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    first = program.submit("noop")
    sweep = program.start("sweep")
    try:
        until = time.monotonic() + 30
        while program.states(first) != ["completed"] and time.monotonic() < until:
            time.sleep(0.02)
        (program.root / "workflow.yaml").write_text(
            (program.root / "workflow.yaml").read_text().replace("after_sweep: true", "")
        )
        second = program.submit("noop")
        ran = program("sweep")
        assert "Another sweep" not in ran.err and program.states(second) == ["completed"]
        assert sweep.poll() is None, "the first one still waits for its page"
    finally:
        os.close(lock)
        assert sweep.wait(30) == 0


def test_doctor_and_the_journal_have_nothing_against_it(program: Program) -> None:
    configure(program, "after_sweep: true")
    program.submit("noop", "--wait", "60")
    task_id = program.submit("noop", "--wait", "60")
    program("report", task_id)
    found = program("doctor", "--json").json["data"]["findings"]
    assert any(one["subject"] == "journal" and one["state"] == "ok" for one in found), found
    assert not any("report" in one["message"] for one in found)


def test_two_at_once_leave_a_whole_page(program: Program) -> None:
    program.submit("noop", "--wait", "60")
    running = [program.start("report") for _ in range(4)]
    while any(one.poll() is None for one in running):
        if page_of(program).exists():
            assert page_of(program).read_text().endswith("</html>\n")
        time.sleep(0.005)
    assert [one.returncode for one in running] == [0] * 4

"""The journal: a line a move, chained, and what doctor can prove with it."""

from __future__ import annotations

import json
import multiprocessing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.program import Program
from workflow import journal
from workflow.journal import Journal, Move

NOW = datetime.now(UTC)


def _lines(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def _write(folder: Path, count: int, start: int = 0) -> None:
    writer = Journal(str(folder))
    for number in range(start, start + count):
        writer.write([Move(f"task-{number}", "claimed", "pending", "in-progress", "d")])


def _file(folder: Path) -> Path:
    (file,) = folder.glob("*.jsonl")
    return file


def test_each_move_of_a_task_has_one_line_and_the_chain_holds(program: Program) -> None:
    first = program.submit("noop")
    second = program.submit("noop", "--after", first)
    assert program("sweep").code == 0
    told = [(e["task"], e["what"], e["from"], e["to"]) for e in _lines(program.journal)]
    assert told == [
        (second, "parked", "pending", "waiting"),
        (first, "claimed", "pending", "in-progress"),
        (first, "settled", "in-progress", "completed"),
        (second, "claimed", "waiting", "in-progress"),
        (second, "settled", "in-progress", "completed"),
    ]
    assert journal.check(str(program.journal)).broken == []


def test_a_line_says_who_when_and_the_digest_of_what_lies_there_now(program: Program) -> None:
    task_id = program.submit("noop")
    program("sweep")
    last = _lines(program.journal)[-1]
    assert last["digest"] == journal.digest(
        (program.root / f"tasks/completed/{task_id}.md").read_bytes()
    )
    assert last["result"] == journal.digest(
        Path(program.exchange.result(task_id) or "").read_bytes()
    )
    assert abs((datetime.fromisoformat(last["at"]) - NOW).total_seconds()) < 3600
    host, _, process = last["who"].rpartition(":")
    assert host and process.isdigit()


def test_an_idle_sweep_writes_no_line(program: Program) -> None:
    program.submit("noop")
    program("sweep")
    before = _file(program.journal).read_bytes()
    program("sweep")
    assert _file(program.journal).read_bytes() == before


@pytest.mark.parametrize(
    "tamper",
    [
        lambda lines: [lines[0].replace(b"task-0", b"task-9"), *lines[1:]],
        lambda lines: [*lines[:1], *lines[2:]],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [*lines[:2], lines[1], *lines[2:]],
        lambda lines: lines[1:],
    ],
    ids=["altered", "taken out", "exchanged", "put in", "beginning taken away"],
)
def test_a_change_of_the_journal_is_found(tmp_path: Path, tamper: Any) -> None:
    _write(tmp_path, 4)
    file = _file(tmp_path)
    assert journal.check(str(tmp_path)).broken == []
    file.write_bytes(b"".join(tamper(file.read_bytes().splitlines(keepends=True))))
    assert journal.check(str(tmp_path)).broken


def test_a_torn_line_is_no_damage_and_the_chain_goes_on_behind_it(tmp_path: Path) -> None:
    _write(tmp_path, 2)
    file = _file(tmp_path)
    whole = file.read_bytes()
    for cut in range(2, len(whole.splitlines()[1]), 11):
        file.write_bytes(whole[:-cut])
        _write(tmp_path, 2, start=2)
        checked = journal.check(str(tmp_path))
        assert (checked.broken, checked.torn) == ([], 1)
        assert [e["task"] for e in _whole_lines(file)] == ["task-0", "task-2", "task-3"]


def _whole_lines(file: Path) -> list[dict[str, Any]]:
    found = []
    for line in file.read_bytes().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def test_what_stands_before_a_torn_line_cannot_be_altered_either(tmp_path: Path) -> None:
    _write(tmp_path, 2)
    file = _file(tmp_path)
    file.write_bytes(file.read_bytes() + b'{"at":"2026')
    _write(tmp_path, 1, start=2)
    file.write_bytes(file.read_bytes().replace(b'"task-1"', b'"task-9"'))
    assert journal.check(str(tmp_path)).broken


def test_a_month_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    _write(tmp_path, 2)
    _file(tmp_path).rename(tmp_path / "2020-01.jsonl")
    _write(tmp_path, 2, start=2)
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    assert journal.check(str(tmp_path)).broken == []
    (tmp_path / "2020-01.jsonl").unlink()
    (broken,) = journal.check(str(tmp_path)).broken
    assert "what came before this line is gone" in broken


def test_where_the_clock_was_set_back_the_newest_file_goes_on(tmp_path: Path) -> None:
    _write(tmp_path, 1)
    _file(tmp_path).rename(tmp_path / "2999-12.jsonl")
    _write(tmp_path, 1, start=1)
    assert [e["task"] for e in _lines(tmp_path)] == ["task-0", "task-1"]
    assert _file(tmp_path).name == "2999-12.jsonl"


def test_writers_at_once_make_one_chain(tmp_path: Path) -> None:
    writers = [
        multiprocessing.get_context("spawn").Process(target=_write, args=(tmp_path, 40, n * 40))
        for n in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    checked = journal.check(str(tmp_path))
    assert (checked.lines, checked.broken, checked.torn) == (160, [], 0)


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_whatever_lies_in_the_file_the_next_line_can_be_checked(rubbish: list[bytes]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, 1)
        for number, raw in enumerate(rubbish, 1):
            file = _file(folder)
            file.write_bytes(file.read_bytes() + raw)
            _write(folder, 1, start=number)
        assert journal.check(name).broken == []


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    from tests.test_disk_full import fill, mounted

    with mounted(tmp_path) as disk:
        _write(disk / "journal", 2)
        before = _file(disk / "journal").read_bytes()
        ballast = fill(disk)
        with pytest.raises(OSError, match="No space left"):
            _write(disk / "journal", 200, start=2)
        now = _file(disk / "journal").read_bytes()
        assert now.startswith(before)
        assert now.endswith(b"\n")
        ballast.unlink()
        _write(disk / "journal", 1, start=999)
        checked = journal.check(str(disk / "journal"))
        assert (checked.broken, checked.torn) == ([], 0)


def _doctor(program: Program, subject: str) -> dict[str, Any]:
    findings = program("doctor", "--json").data["findings"]
    return next(f for f in findings if f["subject"] == subject)


@pytest.mark.parametrize("what", ["task", "result"])
def test_doctor_finds_a_task_or_result_that_was_changed_afterwards(
    program: Program, what: str
) -> None:
    task_id = program.submit("noop")
    program("sweep")
    assert _doctor(program, "journal")["state"] == "ok"
    path = (
        program.root / f"tasks/completed/{task_id}.md"
        if what == "task"
        else Path(program.exchange.result(task_id) or "")
    )
    path.write_text(path.read_text().replace("noop", "nope", 1))
    found = _doctor(program, "audit trail")
    assert found["state"] == "failed"
    assert str(path.relative_to(program.root)) in found["message"]


def test_doctor_finds_a_journal_that_was_changed(program: Program) -> None:
    program.submit("noop")
    program("sweep")
    file = _file(program.journal)
    file.write_bytes(file.read_bytes().replace(b'"claimed"', b'"dreamed"'))
    assert _doctor(program, "journal")["state"] == "failed"


def test_doctor_is_content_with_results_that_were_cleared_away_or_archived(
    program: Program,
) -> None:
    for _ in range(2):
        task_id = program.submit("noop")
        program("sweep")
    Path(program.exchange.result(task_id) or "").unlink()
    found = _doctor(program, "journal")
    assert (found["state"], "1 files were cleared away" in found["message"]) == ("ok", True)

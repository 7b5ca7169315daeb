"""An exchange with a long past: months in the archive, the month before, and this one.

Copies of one real task and its real result under other names, as a life of that length would have
left them: files, folders and the journal's lines. Nothing of it is synced.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks.measure import run
from benchmarks.workshop import submit_noop
from workflow import layout
from workflow.exchange import Exchange
from workflow.journal import Move, digest

_BATCH = 2_000


@dataclass(frozen=True)
class Model:
    """What is copied."""

    task_id: str
    task: str
    result: str
    day: str

    def copies(self, task_id: str, day: str) -> tuple[bytes, bytes]:
        texts = (self.task, self.result)
        return (
            texts[0].replace(self.task_id, task_id).replace(self.day, day).encode(),
            texts[1].replace(self.task_id, task_id).replace(self.day, day).encode(),
        )


def months_back(today: date, number: int) -> list[str]:
    """Months before that of `today`, the newest first, as YYYY-MM."""
    found, day = [], today.replace(day=1)
    for _ in range(number):
        day = (day - timedelta(days=1)).replace(day=1)
        found.append(f"{day:%Y-%m}")
    return found


def give_past(root: Path, program: Path, finished: int, a_month: int) -> None:
    """Let an exchange have `finished` tasks behind it, `a_month` of them in each month.

    This month's and those of the month before lie where they ended; older ones are archived.
    """
    model = _model(root, program)
    exchange, today = Exchange(root), datetime.now(UTC).date()
    left, months = finished, [f"{today:%Y-%m}", *months_back(today, finished // a_month + 1)]
    for age, month in enumerate(months):
        count = min(a_month, left)
        left -= count
        last = today.day if age == 0 else 28
        days = [f"{month}-{day:02}" for day in range(1, last + 1)]
        if count:
            _give_month(exchange, model, days, count, archived=age > 1)


def _model(root: Path, program: Path) -> Model:
    task_id = submit_noop(root)
    run([program, "sweep"], cwd=root)
    exchange = Exchange(root)
    task, result = exchange.find(task_id), exchange.result(task_id)
    assert task is not None
    assert result is not None
    return Model(
        task_id,
        Path(task.path).read_text(encoding="utf-8"),
        Path(result).read_text(encoding="utf-8"),
        os.path.basename(os.path.dirname(result)),
    )


def _give_month(
    exchange: Exchange, model: Model, days: Sequence[str], count: int, *, archived: bool
) -> None:
    below = f"{layout.ARCHIVE}/{days[0][:7]}" if archived else ""
    tasks = exchange.path(below, "tasks") if archived else exchange.folder("completed")
    results = exchange.path(below, layout.RESULTS)
    for day in days:
        os.makedirs(os.path.join(results, day), exist_ok=True)
    os.makedirs(tasks, exist_ok=True)
    for start in range(0, count, _BATCH):
        moves: list[Move] = []
        for number in range(start, min(start + _BATCH, count)):
            day = days[number * len(days) // count]
            task_id = f"{day}-{number // 60 % 24:02}{number % 60:02}-noop-past-{number}"
            task, result = model.copies(task_id, day)
            _write(os.path.join(tasks, task_id + layout.SUFFIX), task)
            _write(os.path.join(results, day, task_id + layout.RESULT_SUFFIX), result)
            moves += _moves(task_id, digest(task), digest(result), below)
        with exchange.journal.written(moves):
            pass


def _moves(task_id: str, task: str, result: str, archive: str) -> Iterator[Move]:
    yield Move(task_id, "claimed", "pending", "in-progress", task)
    yield Move(task_id, "ended", "in-progress", "completed", task, result)
    if archive:
        yield Move(task_id, "archived", "completed", archive)


def _write(path: str, raw: bytes) -> None:
    with open(path, "wb") as file:
        file.write(raw)

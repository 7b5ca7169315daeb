"""Many tasks that do nothing: how fast they are submitted, and drained by one sweep.

Beside us: the same steps on files in a bare loop (what durability costs, taken one task at a time)
and peers as they come. A drain of ours counts from the start of the sweep's process to its end.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks import peers, raw
from benchmarks.measure import Pair, Row, compared, pairs, rate, run
from benchmarks.workshop import Workshop, open_exchange, submit_noop
from workflow.submission import Wish, submit

RAW_BAR = 1 / 0.6
"""Of the bare loop's time: at least 60 % of its rate."""
AHEAD = 1.0
RAW = "the same steps on files in a bare loop, all fsyncs"
HUEY = "huey FileStorage: no fsync, one process"
SQLITE = "huey SQLite, each commit synced, one process"
NQ = "nq: no fsync, a process a task"
SPOOLER = "task-spooler: in memory, a process a task"
BARS = {RAW: RAW_BAR, NQ: AHEAD, SPOOLER: AHEAD}
"""For draining."""

Step = Literal["submit", "drain"]
STEPS: tuple[Step, ...] = ("submit", "drain")


@dataclass(frozen=True)
class Both:
    """Seconds for submitting and for draining the same tasks."""

    submit: float
    drain: float


def measure(workshop: Workshop) -> Iterator[Row]:
    count = 50 if workshop.quick else 1_000
    rounds = 2 if workshop.quick else 3
    others: dict[str, Callable[[Path, int], tuple[float, float]]] = {
        RAW: raw.measure,
        SQLITE: peers.huey_sqlite,
        HUEY: peers.huey,
        NQ: peers.nq,
        SPOOLER: peers.task_spooler,
    }
    ours: list[Both] = []
    took: dict[str, list[Both]] = {name: [] for name in others}
    absent: dict[str, peers.Absent] = {}
    for number in range(rounds):
        ours.append(_ours(workshop, workshop.exchange(f"throughput-{number}"), count))
        for name, other in others.items():
            try:
                folder = workshop.scratch / f"{other.__module__}.{other.__name__}-{number}"
                took[name].append(Both(*other(folder, count)))
            except peers.Absent as reason:
                absent[name] = reason
    for name in others:
        if name in absent:
            yield Row(f"{count:,} no-op tasks", "-", f"{name}: skipped, {absent[name]}")
            continue
        for what in STEPS:
            pair = Pair(_each(ours, what), _each(took[name], what))
            bar = BARS.get(name) if what == "drain" else None
            yield Row(
                f"{what} {count:,} no-op tasks",
                rate(pair.ours, count),
                f"{rate(pair.other, count)} ({name})",
                pair,
                "-" if bar is None else f"{bar:.2f}",
                None if bar is None or workshop.quick else pair.ratio <= bar,
            )
    yield _one_task(workshop)


def _each(took: list[Both], step: Step) -> list[float]:
    return [both.submit if step == "submit" else both.drain for both in took]


def _ours(workshop: Workshop, root: Path, count: int) -> Both:
    """Submitted in this process, drained by a real sweep, whose start counts."""
    exchange, config = open_exchange(root)
    began = time.perf_counter()
    for _ in range(count):
        submit(exchange, config, Wish("noop"))
    submitted = time.perf_counter() - began
    drained = workshop.sweep(root)
    done = exchange.count("completed")
    if done != count:
        raise RuntimeError(f"{done} of {count} tasks were completed in {root}")
    return Both(submitted, drained)


def _one_task(workshop: Workshop) -> Row:
    """What a lone task pays: the start of everything that an idle tick does without."""
    root = workshop.exchange("one-task")

    def ours() -> float:
        submit_noop(root)
        return workshop.sweep(root)

    def floor() -> float:
        return run([sys.executable, "-c", "pass"])

    pair = pairs(ours, floor, workshop.large_pairs)
    return compared("sweep with one no-op task", pair, "`python -c pass`")

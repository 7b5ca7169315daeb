"""What a long history costs those who look, and the sweep that has something to do."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.measure import Row, compared, pairs, run
from benchmarks.workshop import Workshop, submit_noop
from workflow.exchange import Exchange

BAR = 1.5
SHORT = 100


def measure(workshop: Workshop) -> Iterator[Row]:
    short, long = workshop.swept("hundred", finished=SHORT), workshop.longest
    history = f"at {workshop.long_history:,} finished tasks"
    ids = {root: min(Exchange(root).names("completed")) for root in (short, long)}

    def listing(root: Path) -> float:
        return run([workshop.program, "list"], cwd=root)

    def showing(root: Path) -> float:
        return run([workshop.program, "show", ids[root]], cwd=root)

    def sweeping(root: Path) -> float:
        submit_noop(root)
        return workshop.sweep(root)

    for what, timed in (
        ("`workflow list`", listing),
        ("`workflow show ID`", showing),
        ("sweep with one no-op task", sweeping),
    ):
        pair = pairs(partial(timed, long), partial(timed, short), workshop.large_pairs)
        yield compared(f"{what} {history}", pair, f"at {SHORT}", BAR)

"""Timing in pairs: ours, theirs, theirs, ours, … so that a busy machine slows both alike.

Single figures mean little on a machine that does other work; the ratio of two medians from one
run means something. Every ratio here is time by time: below 1 we are the quicker ones.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

Timed = Callable[[], float]
"""Does a thing once and returns the seconds that it took."""


@dataclass(frozen=True)
class Pair:
    """The seconds that each took, pair by pair."""

    each_of_ours: Sequence[float]
    each_of_others: Sequence[float]

    @property
    def ours(self) -> float:
        return median(self.each_of_ours)

    @property
    def other(self) -> float:
        return median(self.each_of_others)

    @property
    def ratio(self) -> float:
        return self.ours / self.other

    def __str__(self) -> str:
        """The ratio of the medians, and between what half of the single pairs lie."""
        single = [a / b for a, b in zip(self.each_of_ours, self.each_of_others, strict=True)]
        if len(single) == 1:
            return f"{self.ratio:.2f} (one pair)"
        low, _, high = quantiles(single, n=4)
        return f"{self.ratio:.2f} ({low:.2f} to {high:.2f})"


@dataclass(frozen=True)
class Row:
    """A line of the table. `passed` is None where there is no bar."""

    what: str
    ours: str
    other: str
    pair: Pair | None = None
    bar: str = "-"
    passed: bool | None = None

    def markdown(self) -> str:
        verdict = {True: "ok", False: "over", None: ""}[self.passed]
        cells = (self.what, self.ours, self.other, str(self.pair or "-"), self.bar, verdict)
        return f"| {' | '.join(cells)} |"


def pairs(ours: Timed, other: Timed, count: int) -> Pair:
    """Each once to warm up, then `count` times, the order turned round every time."""
    ours()
    other()
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(count):
        for who in (0, 1) if number % 2 == 0 else (1, 0):
            times[who].append((ours, other)[who]())
    return Pair(*times)


def compared(what: str, pair: Pair, other: str, bar: float | None = None) -> Row:
    """The row for two times of the same order, with a bar for their ratio."""
    return Row(
        what,
        duration(pair.ours),
        f"{duration(pair.other)} ({other})",
        pair,
        "-" if bar is None else f"{bar:g}",
        None if bar is None else pair.ratio <= bar,
    )


def run(
    argv: Sequence[str | os.PathLike[str]],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> float:
    """Run a program to its end and return its wall time. Raises RuntimeError if it fails."""
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        code = subprocess.call(
            argv,
            cwd=cwd,
            env=environment() if env is None else env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        took = time.perf_counter() - began
        if code != 0:
            said.seek(0)
            tail = said.read()[-2000:].decode("utf-8", "replace")
            raise RuntimeError(f"{' '.join(map(str, argv))} ended with {code}:\n{tail}")
    return took


def environment() -> dict[str, str]:
    """Ours, without what would lead a child to another exchange or away from its .pyc files."""
    theirs = ("WORKFLOW_ROOT", "PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME")
    return {key: value for key, value in os.environ.items() if key not in theirs}


def duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def rate(seconds: float, count: int) -> str:
    return f"{count / seconds:,.0f}/s"

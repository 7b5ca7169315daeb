"""The newest results, within bounds: what a page costs must not grow with what was ever done.

Of most results only the head is read, the few lines before `outputs:`, which say how and when a
task ended.
"""

from __future__ import annotations

import heapq
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from workflow import document, layout, yaml12
from workflow.exchange import Exchange
from workflow.report.inert import inert
from workflow.result import verdict_of

DAYS = 28
"""UTC days that are looked at, today included: four weeks."""
RESULTS = 400
"""Most results of which the head is read."""
_HEAD_BYTES = 4_096
_WHOLE_BYTES = 256 * 1024
"""Largest result that is read in full. Ours keep 8 kB of log and mostly have 3 kB."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH = re.compile(r"\d{4}-\d{2}")
_HEAD_END = re.compile(rb"\n(?:outputs:|---[ \t]*\n)")


@dataclass(frozen=True, slots=True)
class Ended:
    """How one task ended, from the head of its result."""

    task_id: str
    task_type: str
    environment: str | None
    status: str
    completed_at: str
    seconds: float | None
    path: str

    @property
    def day(self) -> str:
        return self.completed_at[:10]

    @property
    def well(self) -> bool:
        return self.status == "success"

    @property
    def failed(self) -> bool:
        """Whether it was run, or could not be, and did not succeed; nobody called it off."""
        return self.status in ("failed", "timeout")


@dataclass(frozen=True)
class History:
    """The newest results, the newest first."""

    ended: tuple[Ended, ...]
    first_day: str
    """The first day that was looked at, whether or not anything ended on it."""
    cut: bool
    """There are more within these days; the first day that is named is not whole."""
    unreadable: int = 0


def read_history(exchange: Exchange, today: datetime) -> History:
    """The results of the last DAYS days, RESULTS at most. `today` is in UTC."""
    first = f"{today - timedelta(days=DAYS - 1):%Y-%m-%d}"
    found: dict[str, Ended] = {}
    unreadable = 0
    for day, folder in _days(exchange, first):
        names, more = _newest_names(folder, RESULTS - len(found))
        for name in names:
            ended = _head(os.path.join(folder, name), name.removesuffix(layout.RESULT_SUFFIX), day)
            if ended is None:
                unreadable += 1
            else:
                found.setdefault(ended.task_id, ended)
        if more or len(found) >= RESULTS:
            return History(_ordered(found), day, True, unreadable)
    return History(_ordered(found), first, False, unreadable)


def _ordered(found: dict[str, Ended]) -> tuple[Ended, ...]:
    newest_first = sorted(found.values(), key=lambda e: (e.completed_at, e.task_id), reverse=True)
    return tuple(newest_first)


def _days(exchange: Exchange, first: str) -> Iterator[tuple[str, str]]:
    """Days with the folders of their results, newest first; the archive's too."""
    places = [exchange.path(layout.RESULTS)]
    archive = exchange.path(layout.ARCHIVE)
    months = [m for m in _listed(archive) if _MONTH.fullmatch(m) and m >= first[:7]]
    places += [os.path.join(archive, month, "results") for month in months]
    days = [
        (day, os.path.join(place, day))
        for place in places
        for day in _listed(place)
        if _DAY.fullmatch(day) and day >= first
    ]
    yield from sorted(days, reverse=True)


def _newest_names(folder: str, most: int) -> tuple[list[str], bool]:
    """The names of the newest results in a folder, by the dates in them; whether there are more."""
    names = [name for name in _listed(folder) if name.endswith(layout.RESULT_SUFFIX)]
    return heapq.nlargest(max(most, 0), names), len(names) > most


def _listed(folder: str) -> list[str]:
    with suppress(OSError):
        return os.listdir(folder)
    return []


def _head(path: str, task_id: str, day: str) -> Ended | None:
    """None for a result that cannot be read."""
    raw = read_start(path, _HEAD_BYTES)
    if raw is None:
        return None
    end = _HEAD_END.search(raw)
    try:
        if raw.startswith(b"---\n") and end is not None:
            said = yaml12.load(raw[4 : end.start() + 1].decode("utf-8")).data
        else:
            said = document.parse(read_start(path, _WHOLE_BYTES) or b"").data
    except (yaml12.InvalidYaml, document.InvalidDocument, UnicodeDecodeError):
        return None
    if not isinstance(said, dict) or not isinstance(said.get("status"), str):
        return None
    said = inert(said)
    seconds = said.get("duration_seconds")
    completed = said.get("completed_at")
    environment = said.get("environment")
    return Ended(
        task_id=inert(task_id),
        task_type=str(said.get("task_type") or "unknown")[:80],
        environment=environment[:40] if isinstance(environment, str) else None,
        status=said["status"][:20],
        completed_at=completed if is_time(completed) else f"{day}T00:00:00Z",
        seconds=seconds_of(seconds),
        path=path,
    )


def seconds_of(value: Any) -> float | None:
    """A duration that a file names; None for what is none."""
    there = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e9
    return float(value) if there else None


def is_time(text: Any) -> bool:
    """Whether it is a time as our files write it."""
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return False
    return True


def read_whole(path: str) -> dict[str, Any] | None:
    """All that a result says, harmless, with `body` and `verdict`; None if it cannot be read, or
    is larger than a page may hold."""
    raw = read_start(path, _WHOLE_BYTES + 1)
    if raw is None or len(raw) > _WHOLE_BYTES:
        return None
    try:
        read = document.parse(raw)
    except document.InvalidDocument:
        return None
    told: dict[str, Any] = inert({**read.data, "body": read.body})
    return {**told, "verdict": verdict_of(str(told["body"]))}


def read_start(path: str, most: int) -> bytes | None:
    """The first bytes of a plain file; None for a link, a pipe, or one that cannot be read."""
    return _read(path, lambda size: (0, min(size, most)))


def read_end(path: str, most: int) -> tuple[bytes, int] | None:
    """The last bytes of a plain file, and how many there are in all; None as for `read_start`."""
    sizes: list[int] = []

    def last(size: int) -> tuple[int, int]:
        sizes.append(size)
        return max(0, size - most), min(size, most)

    raw = _read(path, last)
    return None if raw is None else (raw, sizes[0])


def _read(path: str, where: Any) -> bytes | None:
    # A link must not lead the page to another file, nor a pipe hang us.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return None
    try:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode):
            return None
        start, length = where(seen.st_size)
        chunks = []
        while length > 0 and (chunk := os.pread(descriptor, length, start)):
            chunks.append(chunk)
            start += len(chunk)
            length -= len(chunk)
        return b"".join(chunks)
    except OSError:
        return None
    finally:
        os.close(descriptor)

"""The journal: one line for each move of a task, each line chained to the one before it.

    .workflow/journal/YYYY-MM.jsonl

A line is a JSON object: `at` (UTC), `who` (host:process), `task`, `what`, `from`, `to` (states),
`digest` (SHA-256 of the task file as it came to lie there), `result` (of the result file, where
there is one), `approval` (of a step that has to do with one: who agreed to which plan, by which
way), `prev`. `prev` is the SHA-256 of everything from the start of the last whole line to
the start of this one: of that line, and of whatever a crash left torn behind it. So a line cannot
be altered, taken out or put in without all later ones telling. It proves nothing against somebody
who writes the whole file anew; whoever fears that keeps the last `prev` elsewhere (`workflow
doctor` shows it).

The folders are the truth: nothing that a sweep does depends on the journal. Its lines are written
before what they tell of is shown, so after a crash it may tell of a step that the next sweep made.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from workflow import durable
from workflow.result import hostname

START = "0" * 64
"""`prev` of the first line of all."""
SUFFIX = ".jsonl"

_TAIL = 65_536
"""Bytes from the end in which the last whole line is found: lines are far shorter."""


@dataclass(frozen=True, slots=True)
class Move:
    """One task's step from a state to the next."""

    task: str
    what: str
    source: str | None
    target: str | None
    digest: str | None = None
    result: str | None = None
    approval: Mapping[str, Any] | None = None


def digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


class Journal:
    """The writer. `folder` is made when the first line is written."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.who = f"{hostname()}:{os.getpid()}"

    @contextmanager
    def written(self, moves: Iterable[Move]) -> Iterator[int]:
        """Append a line for each move; gives the file's descriptor, to be synced with the rest.

        Raises OSError, and then nothing was written that counts.
        """
        durable.make_folder(self.folder)
        path = self._newest(datetime.now(UTC))
        new = not os.path.exists(path)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o644)
        try:
            # Until it is closed: nobody may add a line between our look at the end and our write.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if new:
                durable.sync_folders([self.folder])
            self._append(path, descriptor, list(moves))
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            yield descriptor
        finally:
            os.close(descriptor)

    def write(self, moves: Iterable[Move]) -> None:
        """Append a line for each move, durably."""
        with self.written(moves) as descriptor:
            durable.sync_all([descriptor])

    def _append(self, path: str, descriptor: int, moves: Sequence[Move]) -> None:
        size = os.fstat(descriptor).st_size
        end = os.pread(descriptor, _TAIL, max(0, size - _TAIL))
        lines = [] if not end or end.endswith(b"\n") else [b"\n"]  # a torn line, now ended
        end += b"".join(lines)
        if _last_line(end) is None:
            end = self._end_of_the_month_before(path) + end
        previous = _link(end)
        at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
        for move in moves:
            line = self._line(move, at, previous)
            lines.append(line)
            previous = hashlib.sha256(line).hexdigest()
        view = memoryview(b"".join(lines))
        try:
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:
            os.ftruncate(descriptor, size)  # a full disk: what is half-written goes again
            raise

    def _line(self, move: Move, at: str, previous: str) -> bytes:
        said = {
            "at": at,
            "who": self.who,
            "task": move.task,
            "what": move.what,
            "from": move.source,
            "to": move.target,
            "digest": move.digest,
            "result": move.result,
            "approval": move.approval,
            "prev": previous,
        }
        for key in ("result", "approval"):
            if said[key] is None:
                del said[key]
        return json.dumps(said, separators=(",", ":")).encode() + b"\n"

    def _newest(self, now: datetime) -> str:
        """This month's file; where the clock was set back, the newest there is: one chain."""
        months = _months(self.folder)
        name = max([f"{now:%Y-%m}{SUFFIX}", *months[-1:]])
        return os.path.join(self.folder, name)

    def _end_of_the_month_before(self, path: str) -> bytes:
        end = b""
        for name in reversed(_months(self.folder)):
            earlier = os.path.join(self.folder, name)
            if earlier < path and _last_line(end) is None:
                with open(earlier, "rb") as file:
                    file.seek(max(0, os.path.getsize(earlier) - _TAIL))
                    end = file.read() + end
        return end


@dataclass
class Checked:
    """What a look at the whole journal found."""

    lines: int = 0
    torn: int = 0
    broken: list[str] = field(default_factory=list)
    """Where the chain does not hold: `FILE:LINE: what`."""
    head: str = START
    """What the next line's `prev` will be."""
    ended: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    """Task id -> digests of the file and of the result of a task that has ended."""


def check(folder: str) -> Checked:
    """Read the whole journal and see whether its chain holds. Raises OSError."""
    checked = Checked()
    held = b""  # the last whole line, and what was torn behind it
    for name in _months(folder):
        with open(os.path.join(folder, name), "rb") as file:
            for number, raw in enumerate(file, 1):
                said = _parsed(raw)
                if said is None:
                    checked.torn += 1
                    held += raw
                    continue
                expected = _link(held)
                if said["prev"] != expected:
                    checked.broken.append(f"{name}:{number}: {_what_is_wrong(held, said)}")
                checked.lines += 1
                held = raw
                if said.get("to") in ("completed", "failed"):
                    checked.ended[str(said.get("task"))] = (said.get("digest"), said.get("result"))
    checked.head = _link(held)
    return checked


def _what_is_wrong(held: bytes, said: dict[str, Any]) -> str:
    if not held:
        return "what came before this line is gone"
    return f"does not follow from what stands before it (task {said.get('task')})"


def _parsed(raw: bytes) -> dict[str, Any] | None:
    """A whole line of ours; None for a torn one."""
    if not raw.endswith(b"\n"):
        return None
    try:
        said = json.loads(raw)
    except ValueError:
        return None
    return said if isinstance(said, dict) and isinstance(said.get("prev"), str) else None


def _link(end: bytes) -> str:
    """The `prev` of what follows `end`: of its last whole line and all that is torn behind it."""
    if not end:
        return START
    return hashlib.sha256(end[_last_line(end) or 0 :]).hexdigest()


def _last_line(end: bytes) -> int | None:
    """Where the last whole line starts; None if there is none."""
    stop = len(end)
    while stop > 0:
        start = end.rfind(b"\n", 0, stop - 1) + 1
        if _parsed(end[start:stop]) is not None:
            return start
        stop = start
    return None


def _months(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(name for name in names if re.fullmatch(r"\d{4}-\d{2}\.jsonl", name))

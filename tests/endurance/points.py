"""Where a run can be struck: each call of it that changes something, and how it is met again.

A call is known by its thread, its name, and its number among the calls of that name on that file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.endurance import strace
from tests.endurance.scenarios import Scenario, normal
from tests.endurance.strace import Call
from tests.endurance.warm import MAIN, Child

PROGRAM = "program"
"""The role of whatever a task runs."""
_PEERS = 3
"""Threads beside its own in which a sync is looked for."""


@dataclass(frozen=True)
class Point:
    """One call that changes something: the how-many-th of its name in its thread (on its file)."""

    scenario: Scenario
    role: str
    name: str
    ordinal: int
    paths: tuple[str, ...]
    """Without what differs between two runs."""
    text: str
    file: str | None
    """Below the exchange: only calls on it are counted. None where its name is never the same."""

    peers: tuple[tuple[str, int], ...] = ()
    """Threads that share a batch of syncs with this one, in an order that is anybody's, and the
    ordinal that the call has there."""

    def __str__(self) -> str:
        return f"{self.role} {self.name} {self.ordinal}: {self.text[:240]}"


def find_points(
    scenario: Scenario, calls: Sequence[Call], child: Child, root: Path
) -> Iterator[Point]:
    roles = {child.pid: MAIN, **child.threads}
    on_file: Counter[tuple[int, str, str]] = Counter()
    for call, ordinal in strace.ordinals(calls):
        ours = [path for path in call.paths if path.startswith(f"{root}/")]
        on_file.update({(call.thread, call.name, path) for path in ours})
        if not ours or not call.changes or not call.ok:
            continue
        role = roles.get(call.thread, PROGRAM)
        # strace looks at the first name only where there are two.
        steady = [p for p in ours if p == call.paths[0] and _is_steady(scenario, p, root)]
        file = None
        if steady:
            ordinal = on_file[call.thread, call.name, steady[0]]
            file = steady[0].removeprefix(f"{root}/")
        elif role == PROGRAM:
            continue  # in a folder of its own making: nothing of the exchange yet
        paths = tuple(normal(path, root) for path in call.paths)
        text = normal(call.text, root)
        peers = tuple(_peers(call, calls, roles)) if steady else ()
        yield Point(scenario, role, call.name, ordinal, paths, text, file, peers)


def _peers(
    call: Call, calls: Sequence[Call], roles: Mapping[int, str]
) -> Iterator[tuple[str, int]]:
    """The threads that synced something else at about the same time, the nearest first."""
    if call.name not in strace.SYNCS:
        return
    others = [c for c in calls if c.name == call.name and c.thread != call.thread]
    others.sort(key=lambda other: abs(other.order - call.order))
    near = list(dict.fromkeys(other.thread for other in others if other.thread in roles))
    for thread in near[:_PEERS]:
        earlier = [c for c in others if c.thread == thread and c.paths == call.paths]
        yield roles[thread], 1 + sum(c.order < call.order for c in earlier)


def _is_steady(scenario: Scenario, path: str, root: Path) -> bool:
    """Whether the file has the same name in every run."""
    varying = ("RANDOM", "PID", *(("DATE",) if scenario.words[0] == "submit" else ()))
    return not any(word in normal(path, root) for word in varying)


def is_same(call: Call, point: Point, root: Path) -> bool:
    return call.name == point.name and tuple(normal(p, root) for p in call.paths) == point.paths


def aim_again(calls: Sequence[Call], point: Point, root: Path, ordinal: int) -> int:
    """The number to try next: where the call was met before the one that was struck, or later."""
    for number, call in enumerate(calls, 1):
        if is_same(call, point, root) and number != ordinal:
            return number
    return ordinal + 1 if len(calls) >= ordinal else ordinal

"""Which open tasks this machine may take now."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from workflow import agreement
from workflow.admission import Doomed, Parked, admit
from workflow.config import Config
from workflow.exchange import Exchange
from workflow.sync.branch import Claim, View, ended
from workflow.sync.machine import RUNNER, Machine
from workflow.sync.server import Server
from workflow.task import InvalidTask, Task, read_task

LONGEST_BEGIN = 60.0
UNREADABLE_SECONDS = 60.0
"""For a file that is no task, to be refused."""
MOST_QUICK = 25
"""Tasks that are over at once, taken together."""


@dataclass
class Taken:
    """What a look at the open tasks came to."""

    claims: dict[str, Claim] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    """Environment -> tasks that could run and that this sweep was told to leave to others."""
    left_alone: dict[str, str] = field(default_factory=dict)
    """Task id -> why this machine may not run it."""
    next_due: float | None = None
    """When another look is worth it by itself, in seconds since the epoch."""

    def due(self, moment: float) -> None:
        self.next_due = moment if self.next_due is None else min(moment, self.next_due)


def claim_seconds(task: Task) -> float:
    """How long a claim lasts: as long as an attempt may, and until it has to begin.

    One that begins later has its claim renewed first.
    """
    return task.timeout_seconds + min(LONGEST_BEGIN, task.timeout_seconds)


class Taking:
    """The rules by which this machine takes tasks; `environments`: for which, None for all."""

    def __init__(
        self,
        exchange: Exchange,
        config: Config,
        server: Server,
        machine: Machine,
        environments: frozenset[str] | None,
    ) -> None:
        self.exchange, self.config, self.server, self.machine = exchange, config, server, machine
        self.environments = environments
        self.only: str | None = None
        self._homes: dict[str, str | None] = {}
        self._read: dict[str, tuple[bytes, Task | None]] = {}
        assert config.sync is not None
        self._grace = config.sync.grace_seconds

    def choose(self, seen: View, free: int, set_aside: Iterable[str]) -> Taken:
        """The claims to make now, for `free` places. `set_aside`: tasks not to be looked at."""
        taken, skip = Taken(), set(set_aside)
        most = MOST_QUICK if free > 0 else 0
        readable: list[tuple[str, Task | None, Claim]] = []
        for task_id in (*seen.pending, *seen.running):
            note = seen.claims.get(task_id)
            if task_id in skip or self.only not in (None, task_id):
                continue
            if self.exchange.result(task_id) is not None:
                if task_id in seen.pending:
                    taken.left_alone[task_id] = "there was a task of this name before: rename it"
                continue
            if task_id in seen.running:
                if note is None:
                    taken.left_alone[task_id] = "nobody knows who runs it: its claim is missing"
                    continue
                if note.machine == self.machine.id:
                    continue
                wait = note.seconds_left() + self._grace
                if wait >= 0:
                    taken.due(datetime.now(UTC).timestamp() + wait)
                    continue
            raw = seen.pending.get(task_id) or seen.running[task_id]
            readable.append((task_id, self._task(task_id, raw), note or Claim()))
        readable.sort(key=lambda one: (one[1].rank if one[1] else 0, one[0]))
        slow = 0
        for task_id, task, note in readable:
            quick = task is None or task.kind.quick
            if (slow >= free and not quick) or len(taken.claims) >= most:
                continue
            claim = self._claim(task, task_id, note, seen, taken)
            if claim is not None:
                taken.claims[task_id] = claim
                slow += not quick
        return taken

    def _claim(
        self, task: Task | None, task_id: str, note: Claim, seen: View, taken: Taken
    ) -> Claim | None:
        orphaned = task_id in seen.running
        if task is None:  # to be refused, here as well as anywhere
            return note.taken(self.machine, UNREADABLE_SECONDS, begun=False)
        attempts = note.cut_off() if orphaned else note.attempts
        if orphaned and note.begun:
            may = task.kind.safe_to_repeat and note.approval is None and not note.interrupted
            if not may or len(attempts) >= task.retry.max_attempts:
                ends = replace(note, attempts=attempts, interrupted=True)
                return ends.taken(self.machine, UNREADABLE_SECONDS, begun=False)
        if orphaned and note.interrupted:  # whoever was to write its end is gone, too
            return note.taken(self.machine, UNREADABLE_SECONDS, begun=False)
        if not self._may_here(task, note, seen, taken):
            return None
        begun = not agreement.asks(task)
        claim = replace(note, attempts=attempts)
        return claim.taken(self.machine, claim_seconds(task), begun=begun)

    def _may_here(self, task: Task, note: Claim, seen: View, taken: Taken) -> bool:
        task_id, environment = task.task_id, task.environment
        elsewhere = self._elsewhere(task, note)
        if elsewhere is not None:
            taken.left_alone[task_id] = elsewhere
        decision = admit(task, self.exchange, self.config, datetime.now(UTC))
        if isinstance(decision, Doomed):  # its end can be written anywhere
            return True
        if isinstance(decision, Parked):
            if decision.until is not None:
                taken.due(decision.until.timestamp())
            # Agreed to for the machine that planned it, which is not this one.
            if decision.waits_for != "approval" or task_id not in seen.approvals:
                return False
        served = self.environments is None or environment is None
        if served or environment in (self.environments or ()):
            return elsewhere is None and decision is None
        if elsewhere is None or _may_return(note.home):
            taken.left[str(environment)] = taken.left.get(str(environment), 0) + 1
        return False

    def _elsewhere(self, task: Task, note: Claim) -> str | None:
        """Why the task cannot be run here; None if it can.

        A task that follows others goes on with what they left on a disk, the built site say: on
        another machine an older one would lie there, and be published.
        """
        if note.home not in (None, self.machine.home):
            return f"belongs to {note.worker}, which made its plan"
        for before in task.file.after:
            home = self._home(before)
            if home not in (None, self.machine.home):
                return (
                    f"follows {before}, which {home} ran, and goes on with what that left there; "
                    f"if that machine does not come back: workflow retry {task.task_id}"
                )
        return None

    def _home(self, task_id: str) -> str | None:
        """The machine that ran a task that has ended; None if that is not known."""
        if task_id not in self._homes:
            path = self.exchange.result(task_id)
            if path is None:
                return None
            day = os.path.basename(os.path.dirname(path))
            raw = self.server.ended_file(ended(task_id, day, ".json"))
            try:
                home = json.loads(raw or b"{}").get("home")
            except (ValueError, AttributeError):
                home = None
            self._homes[task_id] = home if isinstance(home, str) else None
        return self._homes[task_id]

    def _task(self, task_id: str, raw: bytes) -> Task | None:
        """The task in a file of the branch; None for what is none."""
        known = self._read.get(task_id)
        if known is None or known[0] != raw:
            try:
                task: Task | None = read_task(raw, task_id, self.config)[0]
            except InvalidTask:
                task = None
            known = self._read[task_id] = raw, task
        return known[1]


def _may_return(home: str | None) -> bool:
    """Whether the worker that a task belongs to may begin anew on another disk, as runners do."""
    return home is None or home.startswith(RUNNER)

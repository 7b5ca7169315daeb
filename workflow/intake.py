"""Taking in what lies in pending and waiting: run it now, park it, refuse it, or leave it alone."""

from __future__ import annotations

import heapq
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from workflow import durable, layout
from workflow.admission import Doomed, Parked, admit
from workflow.config import Config
from workflow.errors import Problem, TaskError
from workflow.exchange import TASK_ID, Exchange
from workflow.lease import Lease
from workflow.settle import refuse, set_status, settle
from workflow.swept import Swept
from workflow.task import InvalidTask, Task, load_task
from workflow.unrun import safe_id, unrun_result


@dataclass(order=True)
class Candidate:
    """A task that may run, in the order in which it should: the urgent, then the old."""

    rank: int
    age: int
    task_id: str
    state: str = field(compare=False)
    resources: frozenset[str] = field(compare=False, default=frozenset())


class Intake:
    """The tasks that may run, and the look that finds them. `only` restricts it to one task."""

    def __init__(
        self, exchange: Exchange, config: Config, swept: Swept, only: str | None = None
    ) -> None:
        self.exchange = exchange
        self.config = config
        self.swept = swept
        self.only = only
        self.next_due: float | None = None
        """When the first parked task becomes due, in seconds since the epoch."""
        self._ready: list[Candidate] = []
        self._known: set[tuple[str, str]] = set()
        """Candidates by state and id, so that a later look does not read them again."""

    def look(self) -> bool:
        """Find what may run among pending and waiting; whether there is anything new."""
        before = len(self._ready)
        self.next_due = None
        self.swept.unsettled = []
        for state in ("pending", "waiting"):
            for task_id in self._names(state):
                if (state, task_id) not in self._known:
                    try:
                        self._admit(state, task_id)
                    except OSError as error:
                        self.swept.tell_trouble(task_id, error)
        return len(self._ready) > before

    def _names(self, state: str) -> list[str]:
        names = self.exchange.names(state)
        return names if self.only is None else [name for name in names if name == self.only]

    def _admit(self, state: str, task_id: str) -> None:
        try:
            task = self.read(state, task_id)
        except FileNotFoundError:
            return  # RACE: cancelled, or claimed by another, since we listed it
        except InvalidTask as error:
            if self._is_being_written(state, task_id, error):
                self.swept.unsettled.append(task_id)
                return
            lease = self._lease(task_id)
            if lease is not None:
                with self.swept.alone(task_id, lease):
                    self.refuse(task_id, state, error, lease)
            return
        if state == "pending" and self._is_used(task_id):
            return
        self._decide(state, task)

    def _decide(self, state: str, task: Task) -> None:
        decision = admit(task, self.exchange, datetime.now(UTC))
        if decision is None:
            self.offer(task, state)
        elif isinstance(decision, Doomed):
            self._end_unrun(task, state, decision.error)
        else:
            self._park(task, state, decision)

    def read(self, state: str, task_id: str) -> Task:
        if not TASK_ID.fullmatch(task_id):
            raise InvalidTask(
                "invalid_name",
                [
                    Problem(
                        f"the file name {task_id + layout.SUFFIX!r} cannot serve as a task's id",
                        hint="use letters, digits, '-', '_' and '.', at most 180 of them",
                    )
                ],
            )
        return load_task(self.exchange.task_path(state, task_id), task_id, self.config)[0]

    def _is_being_written(self, state: str, task_id: str, error: InvalidTask) -> bool:
        """An unreadable file that changed within settle_seconds may be half-written."""
        if error.code != "unreadable_task":
            return False
        try:
            changed = os.lstat(self.exchange.task_path(state, task_id)).st_mtime
        except FileNotFoundError:
            return True
        # A time in the future (a clock that was set back) must not park it for ever.
        return 0 <= time.time() - changed < self.config.policies.settle_seconds

    def _is_used(self, task_id: str) -> bool:
        """Whether another task, past or present, has this id; then the new file is refused."""
        elsewhere = any(
            os.path.lexists(self.exchange.task_path(state, task_id))
            for state in ("waiting", "in-progress", "completed", "failed")
        )
        if not (elsewhere or self.exchange.result(task_id) or self.exchange.archived(task_id)):
            return False
        lease = self._lease(task_id)
        if lease is None:
            return True
        with self.swept.alone(task_id, lease):
            problem = Problem(
                f"there was a task {task_id} before",
                hint="give the file another name; a task is never run twice under one id",
            )
            self.refuse(task_id, "pending", InvalidTask("duplicate_id", [problem]), lease)
        return True

    def take(self, busy: frozenset[str]) -> Candidate | None:
        """The next task to run, passing over those that need what is `busy`."""
        blocked: list[Candidate] = []
        found = None
        while self._ready and found is None:
            candidate = heapq.heappop(self._ready)
            if busy & candidate.resources:
                blocked.append(candidate)
            else:
                found = candidate
                self._known.discard((candidate.state, candidate.task_id))
        for candidate in blocked:
            heapq.heappush(self._ready, candidate)
        return found

    def pass_over(self, candidate: Candidate) -> None:
        """Do not look at it again in this sweep."""
        self._known.add((candidate.state, candidate.task_id))

    def offer(self, task: Task, state: str) -> None:
        path = self.exchange.task_path(state, task.task_id)
        try:
            age = os.lstat(path).st_mtime_ns
        except FileNotFoundError:
            return
        self._known.add((state, task.task_id))
        heapq.heappush(self._ready, Candidate(task.rank, age, task.task_id, state, task.resources))

    def _park(self, task: Task, state: str, parked: Parked) -> None:
        if parked.until is not None:
            due = parked.until.timestamp()
            self.next_due = due if self.next_due is None else min(due, self.next_due)
        self.swept.parked[task.task_id] = parked.reason
        if state == "waiting":
            return
        lease = self._lease(task.task_id)
        if lease is None:
            return
        set_status(self.exchange, task.task_id, state, "waiting")
        durable.move(
            self.exchange.task_path(state, task.task_id),
            self.exchange.task_path("waiting", task.task_id),
        )
        lease.release(remove=True)
        self.swept.moves += 1
        self.swept.notice("parked", task.task_id, parked.reason)

    def _end_unrun(self, task: Task, state: str, error: TaskError) -> None:
        """End a task that will never run, as `cancelled`."""
        lease = self.exchange.claim(task.task_id, state)
        if lease is not None:
            with self.swept.alone(task.task_id, lease):
                result = unrun_result(task, error)
                settle(self.exchange, lease, result)
                self.swept.tell_ended("ended", result)

    def refuse(self, task_id: str, state: str, error: InvalidTask, lease: Lease) -> None:
        result = refuse(self.exchange, lease, task_id, state, error)
        self.swept.tell_ended("refused", result)

    def _lease(self, task_id: str) -> Lease | None:
        """The lease of a file that may have any name."""
        return self.exchange.lease(safe_id(task_id))

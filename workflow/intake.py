"""Taking in what lies in pending and waiting: run it now, park it, refuse it, or leave it alone."""

from __future__ import annotations

import heapq
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from workflow import document, layout
from workflow.admission import Doomed, Parked, admit
from workflow.config import Config
from workflow.errors import Problem
from workflow.exchange import TASK_ID, Exchange
from workflow.lease import Lease, read_record
from workflow.park import Parking, park
from workflow.result import Result
from workflow.settle import Ending, ended, refused, settle
from workflow.swept import Happening, Swept
from workflow.task import InvalidTask, Task, load_task
from workflow.unrun import safe_id, unrun_result

GROUP = 50
"""Tasks that share their syncs. Each holds up to three open files, and macOS allows us 256."""
_ENOUGH = 500
"""Tasks that may lie ready. The rest are looked at when these have run, so that the first begins
soon, and that what a sweep needs of memory does not grow with the number of tasks."""


@dataclass(order=True, slots=True)
class Candidate:
    """A task that may run, in the order in which it should: the urgent, then those that have
    waited, such as the rest of a chain, then the old."""

    rank: int
    fresh: bool
    age: int
    task_id: str
    state: str = field(compare=False)
    task: Task = field(compare=False, repr=False)


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
        self.awaited: set[str] = set()
        """Tasks for which others were seen to wait."""
        self._known: dict[str, set[str]] = {state: set() for state in layout.STATE_FOLDERS}
        """Ids of candidates by state, so that a later look does not read them again."""
        self.passed_over = False
        """Whether somebody had the lease of a task that could run."""
        self._to_park: list[tuple[Parking, str]] = []
        self._to_end: list[tuple[Ending, Happening, Result]] = []

    def look(self) -> bool:
        """Find what may run among pending and waiting; whether there is anything new."""
        before = len(self._ready)
        self.next_due = None
        self.swept.unsettled = []
        for state in ("pending", "waiting"):
            for task_id in sorted(self._names(state)):
                if len(self._ready) >= _ENOUGH:
                    break
                if task_id not in self._known[state]:
                    try:
                        self._admit(state, task_id)
                    except OSError as error:
                        self.swept.tell_trouble(task_id, error)
                if len(self._to_park) + len(self._to_end) >= GROUP:
                    self._move_on()
        self._move_on()
        return len(self._ready) > before

    def _move_on(self) -> None:
        """Park and end what this look found to be parked and ended, as groups."""
        parkings, self._to_park = self._to_park, []
        endings, self._to_end = self._to_end, []
        for parking, reason in self.swept.together(
            parkings,
            lambda some: park(self.exchange, [parking for parking, _ in some]),
            lambda one: one[0].lease,
        ):
            # What it says of attempts that were made must outlive the wait.
            parking.lease.release(remove=not read_record(parking.lease.read()).attempts)
            self.swept.moves += 1
            self.swept.notice("parked", parking.task_id, reason)
        for _, happening, result in self.swept.together(
            endings,
            lambda some: settle(self.exchange, [ending for ending, _, _ in some]),
            lambda one: one[0].lease,
        ):
            self.swept.tell_ended(happening, result)

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
                self._refuse_later(task_id, state, error, lease)
            return
        if state == "pending" and self._is_used(task_id):
            return
        self.decide(state, task)

    def decide(self, state: str, task: Task) -> None:
        """Offer, park or end a task, as its keys say."""
        decision = admit(task, self.exchange, self.config, datetime.now(UTC))
        if decision is None:
            self.offer(task, state)
        elif isinstance(decision, Doomed):
            self._end_unrun(task, state, decision)
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

    def read_again(self, state: str, candidate: Candidate) -> Task:
        """The task as its file says now. Raises InvalidTask, FileNotFoundError."""
        task = candidate.task
        try:
            path = self.exchange.task_path(state, candidate.task_id)
            if document.read_regular(path) == task.raw:
                return task
        except document.NotAFile as error:
            raise InvalidTask("not_a_file", error.problems) from error
        return self.read(state, candidate.task_id)

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
        problem = Problem(
            f"there was a task {task_id} before",
            hint="give the file another name; a task is never run twice under one id",
        )
        error = InvalidTask("duplicate_id", [problem])
        self._refuse_later(task_id, "pending", error, lease)
        return True

    def take(self, busy: frozenset[str]) -> list[Candidate]:
        """What to run next: one task, or a group of quick ones; none that needs what is `busy`."""
        group: list[Candidate] = []
        blocked: list[Candidate] = []
        while self._ready and len(group) < GROUP:
            candidate = heapq.heappop(self._ready)
            task = candidate.task
            if busy & task.resources or (group and not task.kind.quick):
                blocked.append(candidate)
                if group:
                    break
                continue
            group.append(candidate)
            self._known[candidate.state].discard(candidate.task_id)
            busy |= task.resources
            if not task.kind.quick:
                break
        for candidate in blocked:
            heapq.heappush(self._ready, candidate)
        return group

    def pass_over(self, candidate: Candidate) -> None:
        """Do not look at it again in this sweep."""
        self._known[candidate.state].add(candidate.task_id)
        self.passed_over = True

    def offer(self, task: Task, state: str) -> None:
        path = self.exchange.task_path(state, task.task_id)
        try:
            age = os.lstat(path).st_mtime_ns
        except FileNotFoundError:
            return
        self._known[state].add(task.task_id)
        heapq.heappush(
            self._ready,
            Candidate(task.rank, state == "pending", age, task.task_id, state, task),
        )

    def _park(self, task: Task, state: str, parked: Parked) -> None:
        if parked.until is not None:
            due = parked.until.timestamp()
            self.next_due = due if self.next_due is None else min(due, self.next_due)
        self.swept.parked[task.task_id] = parked.reason
        if parked.waits_for == "task":
            self.awaited.update(task.file.after)
        if state == "waiting":
            return
        lease = self._lease(task.task_id)
        if lease is None:
            self.passed_over = True
        else:
            self._to_park.append((Parking(lease, state), parked.reason))

    def _end_unrun(self, task: Task, state: str, doomed: Doomed) -> None:
        """End a task that will never run, as `cancelled`."""
        lease = self._lease(task.task_id)
        if lease is not None:
            attempts = read_record(lease.read()).attempts
            result = unrun_result(
                task,
                doomed.error,
                attempts,
                outputs={"failed_task": doomed.failed_task},
                next_steps=[
                    f"Read the whole of what went wrong: `workflow show {doomed.failed_task}`",
                    f"Mend it, then run the chain again: `workflow retry {task.task_id}`",
                ],
            )
            ending = ended(lease, result, state, task.status_key)
            self._to_end.append((ending, "ended", result))

    def refuse(self, task_id: str, state: str, error: InvalidTask, lease: Lease) -> None:
        """End what cannot be run, at once."""
        self._refuse_later(task_id, state, error, lease)
        self._move_on()

    def _refuse_later(self, task_id: str, state: str, error: InvalidTask, lease: Lease) -> None:
        ending, result = refused(self.exchange, lease, task_id, state, error)
        self._to_end.append((ending, "refused", result))

    def _lease(self, task_id: str) -> Lease | None:
        """The lease of a file that may have any name."""
        return self.exchange.lease(safe_id(task_id))

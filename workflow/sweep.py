"""One pass over the exchange: recover -> admit -> claim -> run -> settle -> archive.

Started every few seconds, never resident. It goes on until nothing is runnable, what arrives
meanwhile included, and ends. Attempts run in threads of this process (their programs in process
groups of their own); every move of a file is made by the main thread.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import queue
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from workflow import archive, document, durable, layout
from workflow.admission import Doomed, Parked, admit
from workflow.config import Config
from workflow.errors import Problem, TaskError
from workflow.exchange import TASK_ID, Exchange
from workflow.lease import Lease, attempts_of, cut_off, with_status
from workflow.lease import record as lease_record
from workflow.process import Cancel
from workflow.result import Attempt, Result, read_result, utc
from workflow.runner import Attempting, run_attempt
from workflow.settle import finish, refuse, rewrite, set_status, settle
from workflow.task import InvalidTask, Task, read_regular, read_task
from workflow.unrun import interrupted_result, safe_id, unrun_result

LOOK_SECONDS = 0.2
"""How often a sweep looks for what has arrived, and for cancellations, while attempts run."""
LIFE_SECONDS = 2.0
"""How often it leaves a sign of life meanwhile."""

Happening = Literal["started", "progress", "ended", "parked", "refused", "recovered", "archived"]
Notice = Callable[[Happening, str, str], None]
"""Told what happens: which kind, to which task, and one line about it."""


@dataclass
class Report:
    """What a sweep did."""

    ended: dict[str, str] = field(default_factory=dict)
    """Task id -> the status that it ended with."""
    parked: dict[str, str] = field(default_factory=dict)
    """Task id -> what it waits for."""
    unsettled: list[str] = field(default_factory=list)
    """Names of files in pending that somebody seems to be writing still."""
    archived: int = 0
    trouble: str | None = None
    """What the system refused us: said in the exit code, since it is no task's failure."""
    stopped: bool = False
    """Ended early by a signal; what ran is recovered by the next sweep."""


@dataclass
class _Running:
    task: Task
    lease: Lease
    cancel: Cancel
    thread: threading.Thread


@dataclass(order=True)
class _Candidate:
    """A task that may run, in the order in which it should: the urgent, then the old."""

    rank: int
    age: int
    task_id: str
    state: str = field(compare=False)
    resources: frozenset[str] = field(compare=False, default=frozenset())


class Sweep:
    """One pass. `only` restricts it to one task."""

    def __init__(
        self,
        exchange: Exchange,
        config: Config,
        *,
        jobs: int | None = None,
        only: str | None = None,
        notice: Notice = lambda *_: None,
    ) -> None:
        self.exchange = exchange
        self.config = config
        self.jobs = jobs or config.policies.jobs
        self.only = only
        self.notice = notice
        self.report = Report()
        self._ready: list[_Candidate] = []
        self._known: set[tuple[str, str]] = set()
        """Candidates by state and id, so that a later look does not read them again."""
        self._running: dict[str, _Running] = {}
        self._done: queue.SimpleQueue[tuple[str, Result | BaseException]] = queue.SimpleQueue()
        self._next_due: float | None = None
        self._stop: str | None = None
        self._moves = 0
        """Files moved so far; each may have made another task runnable, or changed the folders."""
        self._signature = ""

    def run(self) -> Report:
        """Do the pass. The caller holds the sweep's lock. Raises OSError if the folders fail us."""
        self.exchange.remove_leftovers()
        with _signals(self._stop_for):
            self._recover()
            self._look()
            self._drain()
        if self._stop is None:
            self._archive_if_due()
            self._write_parked_stamp()
        self.report.stopped = self._stop is not None
        return self.report

    def _drain(self) -> None:
        looked = lived = time.monotonic()
        while True:
            self._start_what_can_run()
            if not self._running:
                if self._stop or self._nothing_left():
                    return
                continue
            try:
                task_id, ended = self._done.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                pass
            else:
                self._settle_attempt(task_id, ended)
            now = time.monotonic()
            if now - looked >= LOOK_SECONDS:
                looked = now
                self._cancel_what_was_asked()
                self._look()
            if now - lived >= LIFE_SECONDS:
                lived = now
                self.exchange.touch_last_sweep()

    def _nothing_left(self) -> bool:
        """Whether a last look finds nothing; only then may the next tick trust our stamp."""
        signature, moves = layout.parked_signature(self.exchange.root), self._moves
        if self._look() or moves != self._moves:
            return False
        self._signature = signature
        return True

    # -- recover -----------------------------------------------------------------------------

    def _recover(self) -> None:
        """See to every task in in-progress whose lease is free: the attempt at it is dead."""
        for task_id in self.exchange.names("in-progress"):
            lease = self.exchange.lease(task_id)
            if lease is None:
                continue  # it lives
            with self._alone(task_id, lease):
                self._recover_one(task_id, lease)

    def _recover_one(self, task_id: str, lease: Lease) -> None:
        published = self.exchange.result(task_id)
        if published is not None:
            # It was killed between publishing the result and moving the task.
            finish(self.exchange, lease, _status_of(published))
            self.notice("recovered", task_id, "its result was there; settled")
            return
        try:
            task = self._read("in-progress", task_id)
        except InvalidTask as error:
            self._refuse(task_id, "in-progress", error, lease)
            return
        attempts = cut_off(lease.read())
        made = len(attempts)
        if task.kind.safe_to_repeat and made < task.retry.max_attempts:
            lease.write(lease_record(attempts))
            lease.release()
            self._offer(task, "in-progress")
            self.notice("recovered", task_id, f"attempt {made} was cut off; runs again")
            return
        self._settle(task, lease, interrupted_result(task, attempts))

    # -- admit -------------------------------------------------------------------------------

    def _look(self) -> bool:
        """Find what may run among pending and waiting; whether there is anything new."""
        if self._stop:
            return False
        before = len(self._ready)
        self._next_due = None
        self.report.unsettled = []
        for state in ("pending", "waiting"):
            for task_id in self._names(state):
                if (state, task_id) not in self._known:
                    try:
                        self._admit(state, task_id)
                    except OSError as error:
                        self._leave(task_id, error)
        return len(self._ready) > before

    def _names(self, state: str) -> list[str]:
        names = self.exchange.names(state)
        return names if self.only is None else [name for name in names if name == self.only]

    def _admit(self, state: str, task_id: str) -> None:
        try:
            task = self._read(state, task_id)
        except FileNotFoundError:
            return  # RACE: cancelled, or claimed by another, since we listed it
        except InvalidTask as error:
            if self._is_being_written(state, task_id, error):
                self.report.unsettled.append(task_id)
                return
            lease = self._lease(task_id)
            if lease is not None:
                with self._alone(task_id, lease):
                    self._refuse(task_id, state, error, lease)
            return
        if state == "pending" and self._is_used(task_id):
            return
        self._decide(state, task)

    def _decide(self, state: str, task: Task) -> None:
        decision = admit(task, self.exchange, datetime.now(UTC))
        if decision is None:
            self._offer(task, state)
        elif isinstance(decision, Doomed):
            self._end_unrun(task, state, decision.error)
        else:
            self._park(task, state, decision)

    def _read(self, state: str, task_id: str) -> Task:
        raw = read_regular(self.exchange.task_path(state, task_id))
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
        return read_task(raw, task_id, self.config)[0]

    def _is_being_written(self, state: str, task_id: str, error: InvalidTask) -> bool:
        """An unreadable file that changed within settle_seconds may be half-written."""
        if state != "pending" or error.code not in ("unreadable_task", "invalid_task"):
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
        if not elsewhere and self.exchange.result(task_id) is None:
            return False
        lease = self._lease(task_id)
        if lease is None:
            return True
        with self._alone(task_id, lease):
            problem = Problem(
                f"there was a task {task_id} before",
                hint="give the file another name; a task is never run twice under one id",
            )
            self._refuse(task_id, "pending", InvalidTask("duplicate_id", [problem]), lease)
        return True

    def _offer(self, task: Task, state: str) -> None:
        path = self.exchange.task_path(state, task.task_id)
        try:
            age = os.lstat(path).st_mtime_ns
        except FileNotFoundError:
            return
        self._known.add((state, task.task_id))
        heapq.heappush(self._ready, _Candidate(task.rank, age, task.task_id, state, task.resources))

    def _park(self, task: Task, state: str, parked: Parked) -> None:
        if parked.until is not None:
            due = parked.until.timestamp()
            self._next_due = due if self._next_due is None else min(due, self._next_due)
        self.report.parked[task.task_id] = parked.reason
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
        self._moves += 1
        self.notice("parked", task.task_id, parked.reason)

    # -- claim and run -----------------------------------------------------------------------

    def _start_what_can_run(self) -> None:
        """Fill the free places, the most urgent first, passing over what shares a busy site."""
        busy = frozenset[str]().union(*(r.task.resources for r in self._running.values()))
        blocked: list[_Candidate] = []
        while self._ready and len(self._running) < self.jobs and not self._stop:
            candidate = heapq.heappop(self._ready)
            if busy & candidate.resources:
                blocked.append(candidate)
                continue
            self._known.discard((candidate.state, candidate.task_id))
            started = self._start(candidate)
            if started is not None:
                busy |= started.resources
        for candidate in blocked:
            heapq.heappush(self._ready, candidate)

    def _start(self, candidate: _Candidate) -> Task | None:
        task_id, state = candidate.task_id, candidate.state
        if state == "in-progress":
            lease = self.exchange.lease(task_id)
        else:
            lease = self.exchange.claim(task_id, state)
        if lease is None:
            return None
        task: Task | None = None
        with self._alone(task_id, lease):
            try:
                # Read again: what counts is the file that was claimed, not the one that was seen.
                task = self._read("in-progress", task_id)
            except InvalidTask as error:
                self._refuse(task_id, "in-progress", error, lease)
                return None
            set_status(self.exchange, task_id, "in-progress", "in-progress")
            earlier = attempts_of(lease.read())
            attempting = Attempting(
                number=len(earlier) + 1,
                folder=Path(self.exchange.run_folder(task_id)),
                worker_id=task.worker_id,
                config=self.config,
                cancel=Cancel(),
                lease=lease.descriptor,
                earlier=earlier,
                say=lambda line: self.notice("progress", task_id, line),
            )
            now = Attempt(
                attempting.number,
                utc(datetime.now(UTC)),
                "running",
                worker_id=attempting.worker_id,
            )
            deadline = datetime.now(UTC) + timedelta(seconds=task.timeout_seconds)
            lease.write(lease_record(earlier, now, deadline))
            thread = threading.Thread(
                target=self._attempt, args=(task, attempting), name=task_id, daemon=True
            )
            self._running[task_id] = _Running(task, lease, attempting.cancel, thread)
            self.notice("started", task_id, f"attempt {attempting.number}")
            thread.start()
        # None as well if the lines above met an error that was dealt with.
        return task if task_id in self._running else None

    def _attempt(self, task: Task, attempting: Attempting) -> None:
        """The body of an attempt's thread."""
        try:
            ended: Result | BaseException = run_attempt(task, attempting)
        except BaseException as error:
            ended = error
        self._done.put((task.task_id, ended))

    def _cancel_what_was_asked(self) -> None:
        for task_id, running in self._running.items():
            if not running.cancel.is_set() and self.exchange.asked_to_cancel(task_id):
                running.cancel.set("cancelled")

    def _stop_for(self, signal_name: str) -> None:
        """A signal: claim nothing more and end what runs."""
        self._stop = signal_name
        for running in self._running.values():
            running.cancel.set(f"the sweep was ended by {signal_name}")

    # -- settle ------------------------------------------------------------------------------

    def _settle_attempt(self, task_id: str, ended: Result | BaseException) -> None:
        running = self._running.pop(task_id)
        running.thread.join()
        task, lease = running.task, running.lease
        with self._alone(task_id, lease):
            if isinstance(ended, BaseException):
                raise ended
            if self._stop and ended.status == "cancelled":
                self._leave_for_recovery(task, lease, ended)
            elif self._may_retry(task, ended):
                self._back_off(task, lease, ended)
            else:
                self._settle(task, lease, ended)

    def _leave_for_recovery(self, task: Task, lease: Lease, ended: Result) -> None:
        if task.kind.safe_to_repeat:
            lease.release()  # what the lease says stays: the next sweep counts this attempt
            return
        attempts = with_status(ended.attempts, "interrupted")
        result = interrupted_result(task, attempts)
        result.outputs, result.logs = ended.outputs, ended.logs
        self._settle(task, lease, result)

    def _may_retry(self, task: Task, ended: Result) -> bool:
        passing = ended.error is not None and ended.error.action == "retry"
        return passing and len(ended.attempts) < task.retry.max_attempts

    def _back_off(self, task: Task, lease: Lease, ended: Result) -> None:
        """Park until a time that doubles with each attempt, spread so that retries do not meet."""
        wait = task.retry.backoff_seconds * 2 ** (len(ended.attempts) - 1)
        due = datetime.now(UTC) + timedelta(seconds=wait * random.uniform(0.75, 1.25))
        lease.write(lease_record(ended.attempts))
        path = self.exchange.task_path("in-progress", task.task_id)
        rewrite(path, {"status": "waiting"}, {"not_before": utc(due + timedelta(seconds=1))})
        durable.move(path, self.exchange.task_path("waiting", task.task_id))
        lease.release()
        reason = f"{ended.verdict} Tried again after {utc(due)}."
        self.report.parked[task.task_id] = reason
        self.notice("parked", task.task_id, reason)

    def _settle(self, task: Task, lease: Lease, result: Result) -> None:
        settle(self.exchange, lease, result)
        self._moves += 1
        self.report.ended[task.task_id] = result.status
        self.notice("ended", task.task_id, f"{result.status}: {result.verdict}")

    def _end_unrun(self, task: Task, state: str, error: TaskError) -> None:
        """End a task that will never run, as `cancelled`."""
        lease = self.exchange.claim(task.task_id, state)
        if lease is not None:
            with self._alone(task.task_id, lease):
                self._settle(task, lease, unrun_result(task, error))

    def _refuse(self, task_id: str, state: str, error: InvalidTask, lease: Lease) -> None:
        result = refuse(self.exchange, lease, task_id, state, error)
        self._moves += 1
        self.report.ended[result.task_id] = result.status
        self.notice("refused", result.task_id, result.verdict)

    @contextlib.contextmanager
    def _alone(self, task_id: str, lease: Lease) -> Iterator[None]:
        """One bad task never stops the others: what it breaks is said, and its lease let go."""
        try:
            yield
        except OSError as error:
            with contextlib.suppress(OSError):
                lease.release()
            self._running.pop(task_id, None)
            self._leave(task_id, error)

    def _leave(self, task_id: str, error: OSError) -> None:
        """The disk is full, a folder cannot be written, …: the task stays where it is."""
        if error.errno is None:
            raise error
        said = f"left where it is: {error.strerror}: {error.filename or task_id}"
        if self.report.parked.get(task_id) != said:
            self.report.parked[task_id] = said
            self.notice("parked", task_id, said)
        self.report.trouble = f"{task_id} {said}"

    def _lease(self, task_id: str) -> Lease | None:
        """The lease of a file that may have any name."""
        return self.exchange.lease(safe_id(task_id))

    # -- afterwards --------------------------------------------------------------------------

    def _archive_if_due(self) -> None:
        if self.config.policies.archive == "monthly" and self.only is None:
            self.report.archived = len(archive.archive(self.exchange, datetime.now(UTC)))

    def _write_parked_stamp(self) -> None:
        """What the next idle tick needs to know: until when nothing can become due."""
        if self.only is not None or self.report.unsettled:
            return
        now = time.time()
        midnight = now - now % 86_400 + 86_400  # when the archive is looked at again
        due = midnight if self._next_due is None else min(midnight, self._next_due)
        text = f"{now} {due}\n{self._signature}\n"
        path = self.exchange.path(layout.PARKED)
        aside = f"{path}.{os.getpid()}"
        with open(aside, "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(aside, path)


def _status_of(result_path: str) -> str:
    try:
        return str(read_result(result_path).get("status"))
    except document.InvalidDocument:
        return "failed"


@contextlib.contextmanager
def _signals(stop: Callable[[str], None]) -> Iterator[None]:
    """TERM, INT and HUP end the sweep in good order; only the main thread can listen for them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in names}
    for number in names:
        signal.signal(number, lambda received, _: stop(signal.Signals(received).name))
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)

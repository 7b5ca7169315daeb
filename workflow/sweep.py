"""One pass over the exchange: recover -> admit -> claim -> run -> settle -> archive.

Started every few seconds, never resident. It goes on until nothing is runnable, what arrives
meanwhile included, and ends. Attempts run in threads of this process (their programs in process
groups of their own); every move of a file is made by the main thread.
"""

from __future__ import annotations

import contextlib
import os
import queue
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from workflow import archive, document, durable, layout
from workflow.config import Config
from workflow.exchange import Exchange
from workflow.intake import Candidate, Intake
from workflow.lease import Lease, attempts_of, cut_off, with_status
from workflow.lease import record as lease_record
from workflow.process import Cancel
from workflow.result import Attempt, Result, read_result, utc
from workflow.runner import Attempting, run_attempt
from workflow.settle import finish, rewrite, set_status, settle
from workflow.swept import Notice, Swept
from workflow.task import InvalidTask, Task
from workflow.unrun import interrupted_result

LOOK_SECONDS = 0.2
"""How often a sweep looks for what has arrived, and for cancellations, while attempts run."""
LIFE_SECONDS = 2.0
"""How often it leaves a sign of life meanwhile."""


@dataclass
class _Running:
    task: Task
    lease: Lease
    cancel: Cancel
    thread: threading.Thread


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
        self.swept = Swept(notice=notice)
        self.intake = Intake(exchange, config, self.swept, only)
        self._running: dict[str, _Running] = {}
        self._done: queue.SimpleQueue[tuple[str, Result | BaseException]] = queue.SimpleQueue()
        self._stop: str | None = None
        self._signature = ""
        """What the folders looked like before a look that found nothing."""

    def run(self) -> Swept:
        """Do the pass. The caller holds the sweep's lock. Raises OSError if the folders fail us."""
        self.exchange.remove_leftovers()
        # Beside the work, and given up with it: what it does not get done is done another time.
        threading.Thread(target=self.exchange.empty_trash, daemon=True).start()
        with _signals(self._stop_for):
            self._recover()
            self.intake.look()
            self._drain()
        if self._stop is None:
            self._archive_if_due()
            self._write_parked_stamp()
        self.swept.stopped = self._stop is not None
        return self.swept

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
                self.intake.look()
            if now - lived >= LIFE_SECONDS:
                lived = now
                self.exchange.touch_last_sweep()

    def _nothing_left(self) -> bool:
        """Whether a last look finds nothing; only then may the next tick trust our stamp."""
        signature, moves = layout.parked_signature(self.exchange.root), self.swept.moves
        if self.intake.look() or moves != self.swept.moves:
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
            with self.swept.alone(task_id, lease):
                self._recover_one(task_id, lease)

    def _recover_one(self, task_id: str, lease: Lease) -> None:
        published = self.exchange.result(task_id)
        if published is not None:
            # It was killed between publishing the result and moving the task.
            finish(self.exchange, lease, _status_of(published))
            self.swept.notice("recovered", task_id, "its result was there; settled")
            return
        try:
            task = self.intake.read("in-progress", task_id)
        except InvalidTask as error:
            self.intake.refuse(task_id, "in-progress", error, lease)
            return
        attempts = cut_off(lease.read())
        made = len(attempts)
        if task.kind.safe_to_repeat and made < task.retry.max_attempts:
            lease.write(lease_record(attempts))
            lease.release()
            self.intake.offer(task, "in-progress")
            self.swept.notice("recovered", task_id, f"attempt {made} was cut off; runs again")
            return
        self._settle(task, lease, interrupted_result(task, attempts))

    # -- claim and run -----------------------------------------------------------------------

    def _start_what_can_run(self) -> None:
        """Fill the free places; what shares a running task's site waits for its end."""
        while len(self._running) < self.jobs and not self._stop:
            busy = frozenset[str]().union(*(r.task.resources for r in self._running.values()))
            candidate = self.intake.take(busy)
            if candidate is None:
                return
            self._start(candidate)

    def _start(self, candidate: Candidate) -> None:
        task_id, state = candidate.task_id, candidate.state
        if state == "in-progress":
            lease = self.exchange.lease(task_id)
        else:
            lease = self.exchange.claim(task_id, state)
        if lease is None:
            # Somebody has it, for as long as they like: not looked at again by this sweep.
            self.intake.pass_over(candidate)
            return
        with self.swept.alone(task_id, lease):
            try:
                # Read again: what counts is the file that was claimed, not the one that was seen.
                task = self.intake.read("in-progress", task_id)
            except InvalidTask as error:
                self.intake.refuse(task_id, "in-progress", error, lease)
                return
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
                say=lambda line: self.swept.notice("progress", task_id, line),
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
            self.swept.notice("started", task_id, f"attempt {attempting.number}")
            thread.start()

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
        with self.swept.alone(task_id, lease):
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
        self.swept.parked[task.task_id] = reason
        self.swept.notice("parked", task.task_id, reason)

    def _settle(self, task: Task, lease: Lease, result: Result) -> None:
        settle(self.exchange, lease, result)
        self.swept.tell_ended("ended", result)

    # -- afterwards --------------------------------------------------------------------------

    def _archive_if_due(self) -> None:
        """Once a day: it looks at every ended task that is not of this month."""
        due = self.config.policies.archive == "monthly" and self.only is None
        if due and not self._stamped_today():
            self.swept.archived = len(archive.archive(self.exchange, datetime.now(UTC)))

    def _stamped_today(self) -> bool:
        """Whether an earlier sweep of this UTC day has looked at the archive."""
        try:
            with open(self.exchange.path(layout.PARKED), encoding="utf-8") as file:
                written = float(file.readline().split()[0])
        except (OSError, ValueError, IndexError):
            return False
        return written // 86_400 == time.time() // 86_400

    def _write_parked_stamp(self) -> None:
        """What the next idle tick needs to know: until when nothing can become due."""
        if self.only is not None or self.swept.unsettled:
            return
        now = time.time()
        midnight = now - now % 86_400 + 86_400  # when the archive is looked at again
        due = midnight if self.intake.next_due is None else min(midnight, self.intake.next_due)
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
        if before[number] == signal.SIG_IGN:
            continue  # nohup, say: whoever started us wants it so
        signal.signal(number, lambda received, _: stop(signal.Signals(received).name))
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)

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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from workflow import agreement, archive, durable, layout, leftovers
from workflow.attempt import Attempting
from workflow.claim import Claim, claim
from workflow.config import Config
from workflow.exchange import Exchange
from workflow.handler import AwaitsApproval
from workflow.intake import Candidate, Intake
from workflow.lease import Lease, read_record, utc_now, with_status
from workflow.park import Parking, park
from workflow.process import Cancel
from workflow.recover import recover
from workflow.result import Attempt, Result, clean, utc
from workflow.runner import run_attempt
from workflow.settle import end_task, ended, settle
from workflow.swept import Notice, Swept
from workflow.task import Task
from workflow.unrun import cancelled, interrupted_result, note_outputs, unrun_result

LOOK_SECONDS = 0.2
"""How often a sweep looks for what has arrived, and for cancellations, while attempts run."""
LIFE_SECONDS = 2.0
"""How often it leaves a sign of life meanwhile."""
LONGEST_BACKOFF = 86_400.0
"""Seconds: however often it was tried, it is tried again within a day or so."""


Ended = Result | AwaitsApproval | BaseException | None
"""What came of an attempt; None if it was not begun, since the sweep was stopped."""


@dataclass
class _Running:
    """A task whose attempt runs in a thread."""

    claim: Claim
    cancel: Cancel
    thread: threading.Thread | None = None


class Sharing(Protocol):
    """What other machines have to do with a sweep, where they share the exchange: see `sync`."""

    def intake(self, swept: Swept) -> Intake: ...

    def look(self, free: int, *, idle: bool) -> bool:
        """Tell the others, and take what may be taken for `free` places; whether there is news."""

    def may_begin(self, task: Task) -> bool:
        """Whether it is still ours, and for long enough."""

    def passes(self, task: Task) -> None:
        """Pass the task's point of no return for all of them. Raises TaskFailed."""


class Sweep:
    """One pass. `only` restricts it to one task, `sharing` to those that no other machine has."""

    def __init__(
        self,
        exchange: Exchange,
        config: Config,
        *,
        jobs: int | None = None,
        only: str | None = None,
        notice: Notice = lambda *_: None,
        sharing: Sharing | None = None,
    ) -> None:
        self.exchange = exchange
        self.config = config
        self.jobs = jobs or config.policies.jobs
        self.only = only
        self.swept = Swept(notice=notice)
        self.sharing = sharing
        if sharing is None:
            self.intake = Intake(exchange, config, self.swept, only)
        else:
            self.intake = sharing.intake(self.swept)
        self._running: list[_Running] = []
        self._taken = frozenset[str]()
        """What programs use that outlived their sweep."""
        self._done: queue.SimpleQueue[tuple[_Running, Ended]] = queue.SimpleQueue()
        self._stop: str | None = None
        self._signature = ""
        """What the folders looked like before a look that found nothing."""

    def run(self) -> Swept:
        """Do the pass. The caller holds the sweep's lock. Raises OSError if the folders fail us."""
        # Beside the work, and given up with it: what it does not get done is done another time.
        threading.Thread(target=leftovers.empty_trash, args=(self.exchange,), daemon=True).start()
        archive.finish(self.exchange)
        with _signals(self._stop_for):
            self._taken = recover(self.exchange, self.intake, self.swept)
            self.intake.look()
            self._drain()
        if self._stop is None:
            self._archive_if_due()
            # Last: what this sweep could not remove either, and after it nobody may look for long.
            leftovers.remove_leftovers(self.exchange)
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
                running, came_of_it = self._done.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                pass
            else:
                self._running.remove(running)
                assert running.thread is not None
                running.thread.join()
                self._settle_group([(running.claim, came_of_it)])
            now = time.monotonic()
            if now - looked >= LOOK_SECONDS:
                looked = now
                self._cancel_what_was_asked()
                self.intake.look()
                if self.sharing is not None and not self._stop:
                    self.sharing.look(self.jobs - len(self._running), idle=False)
            if now - lived >= LIFE_SECONDS:
                lived = now
                self._give_signs_of_life()

    def _nothing_left(self) -> bool:
        """Whether a last look finds nothing; only then may the next tick trust our stamp."""
        signature, moves = layout.parked_signature(self.exchange.root), self.swept.moves
        if self.intake.look() or moves != self.swept.moves:
            return False
        if self.sharing is not None and self.sharing.look(self.jobs, idle=True):
            return False
        self._signature = signature
        return True

    # -- claim and run -----------------------------------------------------------------------

    def _start_what_can_run(self) -> None:
        """Fill the free places; what shares a running task's site waits for its end."""
        while len(self._running) < self.jobs and not self._stop:
            used = (running.claim.task.resources for running in self._running)
            busy = self._taken.union(*used)
            group = self.intake.take(busy)
            if not group:
                return
            self._start(group)

    def _start(self, group: Sequence[Candidate]) -> None:
        try:
            claims = claim(self.exchange, self.intake, group)
        except OSError as error:
            for candidate in group:
                self.intake.pass_over(candidate)
                self.swept.tell_trouble(candidate.task_id, error)
            return
        if claims and claims[0].task.kind.quick:
            # A thread for each would take longer than all of them.
            never = Cancel()
            self._settle_group([(one, self._attempt_safely(one, never)) for one in claims])
            return
        for one in claims:
            running = _Running(one, Cancel())
            running.thread = threading.Thread(
                target=self._attempt_in_thread, args=(running,), name=one.task.task_id, daemon=True
            )
            self._running.append(running)
            running.thread.start()

    def _attempt_in_thread(self, running: _Running) -> None:
        self._done.put((running, self._attempt_safely(running.claim, running.cancel)))

    def _attempt_safely(self, one: Claim, cancel: Cancel) -> Ended:
        try:
            return self._attempt(one, cancel)
        except BaseException as error:
            return error

    def _attempt(self, claimed: Claim, cancel: Cancel) -> Result | AwaitsApproval | None:
        task, lease, earlier = claimed.task, claimed.lease, claimed.record.attempts
        if self.exchange.asked_to_cancel(task.task_id):
            return unrun_result(task, cancelled(task.task_id), earlier)
        if self._stop or (self.sharing is not None and not self.sharing.may_begin(task)):
            return None
        number = len(earlier) + 1
        now = Attempt(number, utc_now(), "running", worker_id=task.worker_id)
        lease.begins(
            earlier,
            now,
            task.timeout_seconds,
            synced=not task.kind.safe_to_repeat,
            planning=agreement.asks(task),
        )
        self.swept.notice("started", task.task_id, f"attempt {number}")
        attempting = Attempting(
            number=number,
            folder=Path(self.exchange.run_folder(task.task_id)),
            worker_id=task.worker_id,
            config=self.config,
            cancel=cancel,
            lease=lease.descriptor,
            runs_program=lease.runs_program,
            earlier=earlier,
            say=lambda line: self.swept.notice("progress", task.task_id, line),
            approve=lambda planned, ready=lambda: None: agreement.agree(
                task, self.config, planned, self.exchange, lease, lambda: self._passes(task, ready)
            ),
            record=lambda outputs: note_outputs(self.exchange, task.task_id, outputs),
            outdated=lambda error: agreement.outdated(task, self.exchange, error),
            ask=agreement.to_ask_first(task),
        )
        return run_attempt(task, attempting)

    def _passes(self, task: Task, ready: Callable[[], object]) -> None:
        ready()
        if self.sharing is not None:
            self.sharing.passes(task)

    def _cancel_what_was_asked(self) -> None:
        for running in self._running:
            task_id = running.claim.task.task_id
            if not running.cancel.is_set() and self.exchange.asked_to_cancel(task_id):
                running.cancel.set("cancelled")

    def _give_signs_of_life(self) -> None:
        self.exchange.touch_last_sweep()
        for running in self._running:
            running.claim.lease.beat()

    def _stop_for(self, signal_name: str) -> None:
        """A signal: claim nothing more and end what runs."""
        self._stop = signal_name
        for running in self._running:
            running.cancel.set(f"the sweep was ended by {signal_name}")

    # -- settle ------------------------------------------------------------------------------

    def _settle_group(self, came_of_it: Sequence[tuple[Claim, Ended]]) -> None:
        to_settle: list[tuple[Claim, Result]] = []
        for one, result in came_of_it:
            with self.swept.alone(one.task.task_id, one.lease):
                if isinstance(result, AwaitsApproval):
                    self._await_approval(one, result)
                elif isinstance(result, BaseException):
                    raise result
                elif result is None:
                    one.lease.release()  # claimed and not begun, as its lease says
                elif self._stop and result.attempts and result.attempts[-1].status == "cancelled":
                    self._leave_for_recovery(one.task, one.lease, result)
                elif self._may_retry(one, result):
                    self._back_off(one.task, one.lease, result)
                else:
                    to_settle.append((one, result))
        for _, result in self.swept.together(to_settle, self._settle_all, lambda e: e[0].lease):
            self.swept.tell_ended("ended", result)
        if any(result.task_id in self.intake.awaited for _, result in to_settle):
            # At once: the rest of a chain comes before another task that wants the same site.
            self.intake.look()

    def _settle_all(self, some: Sequence[tuple[Claim, Result]]) -> None:
        settle(
            self.exchange,
            [ended(one.lease, result, status_key=one.task.status_key) for one, result in some],
        )

    def _leave_for_recovery(self, task: Task, lease: Lease, came: Result) -> None:
        if read_record(lease.read()).may_repeat(task.kind.safe_to_repeat):
            lease.release()  # what the lease says stays: the next sweep counts this attempt
            return
        attempts = with_status(came.attempts, "interrupted")
        result = interrupted_result(task, attempts)
        result.outputs, result.logs = came.outputs, came.logs
        end_task(self.exchange, self.swept, lease, result, task)

    def _may_retry(self, one: Claim, came: Result) -> bool:
        if came.error is None or came.error.action != "retry":
            return False
        # Whoever agreed to it agreed to one time.
        spent = read_record(one.lease.read()).spent_approval
        return not spent and len(came.attempts) < one.task.retry.max_attempts

    def _await_approval(self, one: Claim, came: AwaitsApproval) -> None:
        """Park a task that has planned and may do nothing yet; its plan is kept already."""
        plan = {"digest": came.planned.digest, "plan": came.planned.summary}
        park(self.exchange, [Parking(one.lease, "in-progress", "planned", approval=plan)])
        one.lease.release(remove=not one.record.attempts)
        self.swept.parked[one.task.task_id] = came.reason
        self.swept.notice("parked", one.task.task_id, came.reason)

    def _back_off(self, task: Task, lease: Lease, came: Result) -> None:
        """Park until a time that doubles with each attempt, spread so that retries do not meet."""
        wait = task.retry.backoff_seconds * 2 ** (len(came.attempts) - 1)
        wait = min(wait, LONGEST_BACKOFF) * random.uniform(0.75, 1.25)
        due = utc(datetime.now(UTC) + timedelta(seconds=wait + 1))
        why = str(clean(came.verdict))
        lease.backs_off(came.attempts, due, wait + 1, why)
        park(self.exchange, [Parking(lease, "in-progress", "backed-off", {"not_before": due})])
        lease.release()
        reason = f"{why} Tried again after {due}."
        self.swept.parked[task.task_id] = reason
        self.swept.notice("parked", task.task_id, reason)

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
        undone = self.swept.unsettled or self.swept.trouble or self.intake.passed_over
        if self.only is not None or undone:
            return
        now = time.time()
        midnight = now - now % 86_400 + 86_400  # when the archive is looked at again
        due = midnight if self.intake.next_due is None else min(midnight, self.intake.next_due)
        text = f"{now} {due}\n{self._signature}\n"
        path = self.exchange.path(layout.PARKED)
        aside = self.exchange.path(layout.RUNTIME, f".{os.getpid()}{durable.TEMPORARY}")
        with open(aside, "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(aside, path)


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

"""A lease: the exclusive right to change one task's state, and what it says of the attempt.

The right is an flock(2) on .workflow/leases/ID.json. The programs of an attempt inherit the
descriptor, so the kernel gives the right free when the last of them has gone, and not before: no
age, no clock and no process number has to be trusted. What is written in the file serves people,
and the next sweep: how many attempts were made, and which programs to end when one of them
outlives both its sweep and its deadline. The file's own time is the heartbeat.
"""

from __future__ import annotations

import errno
import fcntl
import functools
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from workflow import durable, kinship
from workflow.result import Attempt, hostname, utc

_LONGEST = 65_536
_LONGEST_WHY = 1_000


class Lease:
    """The exclusive right to change one task's state; see rule 4. Closed by `release` or death."""

    def __init__(self, task_id: str, path: str, descriptor: int) -> None:
        self.task_id = task_id
        self.path = path
        self.descriptor = descriptor
        self._record: dict[str, Any] = {}

    @classmethod
    def take(cls, task_id: str, path: str) -> Lease | None:
        """The lease whose file is `path`; None while somebody holds it."""
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(descriptor)
                if error.errno in (errno.EAGAIN, errno.EACCES):
                    return None
                raise
            if os.fstat(descriptor).st_nlink:
                return cls(task_id, path, descriptor)
            # RACE: its last holder removed the file between our open and our lock.
            os.close(descriptor)

    def read(self) -> bytes:
        return os.pread(self.descriptor, _LONGEST, 0)

    def claimed(self, earlier: Sequence[Attempt], worker_id: str) -> None:
        """Say that the task is ours and no attempt at it has begun."""
        self._write({"attempts": _dicts(earlier), "claimed": True, **_holder(worker_id)})

    def begins(
        self,
        earlier: Sequence[Attempt],
        attempt: Attempt,
        seconds: float,
        *,
        synced: bool,
        planning: bool = False,
    ) -> None:
        """Say that an attempt begins now and may take so many seconds.

        `synced`: even a power cut must not let it look as if it had never begun. `planning`: it
        does nothing to the world until it `commits`.
        """
        deadline = datetime.now(UTC) + timedelta(seconds=seconds)
        record = {
            "attempts": _dicts(earlier),
            "running": attempt.as_dict(),
            **_holder(attempt.worker_id or ""),
            "deadline": utc(deadline),
            "deadline_since_boot": round(kinship.since_boot() + seconds, 1),
        }
        self._write({**record, "planning": True} if planning else record)
        if synced:
            durable.sync_all([self.descriptor])

    def commits(self, agreed: Mapping[str, Any]) -> None:
        """Say durably that the attempt passes its point of no return, and how that was agreed."""
        kept = {key: said for key, said in self._record.items() if key != "planning"}
        self._write({**kept, "agreed": dict(agreed)})
        durable.sync_all([self.descriptor])

    def runs_program(self, pid: int) -> None:
        """Say which process group the attempt has started."""
        programs = [*self._record.get("programs", ()), {"pid": pid, "start": _start(pid)}]
        self._write({**self._record, "programs": programs[-8:]})

    def rests(self, attempts: Sequence[Attempt]) -> None:
        """Say which attempts were made.

        Made durable: a task that takes the whole machine down must not be tried for ever.
        """
        self._write({"attempts": _dicts(attempts)})
        durable.sync_all([self.descriptor])

    def backs_off(
        self, attempts: Sequence[Attempt], not_before: str, seconds: float, why: str
    ) -> None:
        """Say which attempts were made, why the last one failed, and that the next is due in so
        many seconds.

        `not_before` is what the clock will say then, unless it is set meanwhile. `why` is a
        sentence without secrets.
        """
        self._write(
            {
                "attempts": _dicts(attempts),
                "boot": kinship.boot(),
                "not_before": not_before,
                "due_since_boot": kinship.since_boot() + seconds,
                "why": why[:_LONGEST_WHY],
            }
        )
        durable.sync_all([self.descriptor])

    def beat(self) -> None:
        """Leave a sign of life."""
        os.utime(self.descriptor)

    def _write(self, record: dict[str, Any]) -> None:
        self._record = record
        raw = json.dumps(record).encode()
        # In place and never truncated first: a power cut leaves the old words or the new ones.
        os.pwrite(self.descriptor, raw.ljust(os.fstat(self.descriptor).st_size), 0)

    def release(self, *, remove: bool = False) -> None:
        """Let go; `remove` when the task has ended and nothing is left to say of it.

        Once is enough: what comes later does nothing, since the number may be another file's.
        """
        if self.descriptor < 0:
            return
        if remove:
            # Unlinked while locked: whoever waits for this very file sees that it has no name
            # any more (`take`) and opens the next one.
            with suppress(FileNotFoundError):
                os.unlink(self.path)
        os.close(self.descriptor)
        self.descriptor = -1


@dataclass(frozen=True)
class Record:
    """What a lease says, whoever holds it now."""

    attempts: Sequence[Attempt] = ()
    """Those that ended, however they did."""
    running: Attempt | None = None
    claimed: bool = False
    """Claimed, and certainly not begun."""
    pid: int | None = None
    process_start: str | None = None
    boot: str | None = None
    host: str | None = None
    deadline: str | None = None
    deadline_since_boot: float | None = None
    programs: Sequence[dict[str, Any]] = ()
    planning: bool = False
    """Begun, and certainly nothing done to the world."""
    agreed: Mapping[str, Any] | None = None
    """How it was agreed to what the attempt did, or was about to do."""
    not_before: str | None = None
    due_since_boot: float | None = None
    why: str | None = None
    """A sentence: what made the last attempt fail that is to be made again."""

    @property
    def may_have_begun(self) -> bool:
        """Whether the attempt that the lease was taken for was started, for all we know."""
        return self.running is not None or not (self.claimed or self.due_since_boot is not None)

    @property
    def spent_approval(self) -> bool:
        """Whether somebody's approval was used up by the attempt."""
        return self.agreed is not None and self.agreed.get("way") in ("approved", "declared")

    def may_repeat(self, safe_to_repeat: bool) -> bool:
        """Whether an attempt that was cut off may be made again without asking anybody."""
        return self.planning or (safe_to_repeat and not self.spent_approval)

    def sweep_lives(self) -> bool:
        """Whether the process that made this attempt still runs, on this machine."""
        return self.pid is not None and _start(self.pid) == self.process_start

    def is_overdue(self) -> bool:
        """Whether the attempt should have ended. By the time since boot: clocks may be set."""
        due = self.deadline_since_boot
        return due is None or self.boot != kinship.boot() or kinship.since_boot() > due

    def seconds_to_go(self, not_before: str) -> float | None:
        """How long a retry that is due at `not_before` has to wait, whatever the clock says now.

        None if it cannot be told: another boot, or somebody else's `not_before`.
        """
        if self.due_since_boot is None or (not_before, kinship.boot()) != (
            self.not_before,
            self.boot,
        ):
            return None
        return self.due_since_boot - kinship.since_boot()

    def programs_live(self) -> bool:
        """Whether a program of the attempt still runs, though it may have let go of the lease."""
        return bool(self._living())

    def end_left_overs(self, lease_path: str) -> None:
        """End what a dead sweep's attempt left running, so that its lease becomes free."""
        for pid in self._living():
            kinship.end_group(pid)
        kinship.end_holders(lease_path)

    def _living(self) -> list[int]:
        known = [(program.get("pid"), program.get("start")) for program in self.programs]
        return [
            pid
            for pid, start in known
            if isinstance(pid, int) and pid > 1 and start and kinship.program_lives(pid, start)
        ]


def read_record(raw: bytes) -> Record:
    """What a lease says; an empty record for one that was torn by a crash."""
    try:
        said = json.loads(raw)
        known = {key: said[key] for key in Record.__dataclass_fields__ if key in said}
        known["attempts"] = [Attempt(**made) for made in said.get("attempts", ())]
        if "running" in known:
            known["running"] = Attempt(**known["running"])
        return Record(**known)
    except (ValueError, TypeError, AttributeError):
        return Record()


def cut_off(record: Record) -> list[Attempt]:
    """The attempts that a dead lease tells of, the last one as cut off."""
    attempts = list(record.attempts)
    if record.running is not None:
        attempts.append(replace(record.running, status="interrupted", error="interrupted"))
    elif not record.claimed and record.due_since_boot is None:
        # In in-progress without a word: it was claimed, so it may have been started.
        number = attempts[-1].number + 1 if attempts else 1
        attempts.append(Attempt(number, utc_now(), "interrupted", error="interrupted"))
    return attempts


def with_status(attempts: Sequence[Attempt], status: str) -> list[Attempt]:
    """The attempts, the last of them ended as `status`."""
    *earlier, last = attempts
    return [*earlier, replace(last, status=status, error=status)]


def utc_now() -> str:
    return utc(datetime.now(UTC))


def _dicts(attempts: Sequence[Attempt]) -> list[dict[str, Any]]:
    return [attempt.as_dict() for attempt in attempts]


def _holder(worker_id: str) -> dict[str, Any]:
    pid = os.getpid()
    return {
        "worker_id": worker_id,
        "host": hostname(),
        "boot": kinship.boot(),
        "pid": pid,
        "process_start": _own_start(pid),
    }


@functools.cache
def _own_start(pid: int) -> str | None:
    """By number, since `submit` may have forked us."""
    return _start(pid)


def _start(pid: int) -> str | None:
    return kinship.process_start(pid)

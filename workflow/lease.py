"""A lease: the exclusive right to change one task's state, and what it says of the attempt."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from workflow.result import Attempt, hostname, utc


class Lease:
    """The exclusive right to change one task's state; see rule 4. Closed by `release` or death."""

    def __init__(self, task_id: str, path: str, descriptor: int) -> None:
        self.task_id = task_id
        self.path = path
        self.descriptor = descriptor

    def write(self, raw: bytes) -> None:
        """Replace what the lease says of its attempt. Not durable: a crash may leave less."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, raw, 0)

    def read(self) -> bytes:
        return os.pread(self.descriptor, 65_536, 0)

    def release(self, *, remove: bool = False) -> None:
        """Let go; `remove` when the task has ended and nothing is left to say of it.

        Once is enough: what comes later does nothing, since the number may be another file's.
        """
        if self.descriptor < 0:
            return
        if remove:
            # Unlinked while locked: whoever waits for this very file sees that it has no name
            # any more (`lease`, below) and opens the next one.
            with suppress(FileNotFoundError):
                os.unlink(self.path)
        os.close(self.descriptor)
        self.descriptor = -1


def record(
    earlier: Sequence[Attempt],
    running: Attempt | None = None,
    deadline: datetime | None = None,
) -> bytes:
    """What a lease says: the attempts made so far, and who runs the task now, until when."""
    record: dict[str, Any] = {"attempts": [attempt.as_dict() for attempt in earlier]}
    if running is not None:
        record["running"] = running.as_dict()
        record |= {"pid": os.getpid(), "host": hostname()}
    if deadline is not None:
        record["deadline"] = utc(deadline)
    return json.dumps(record).encode()


def read_record(raw: bytes) -> dict[str, Any]:
    """What a lease says of its attempts; {} for one that was torn by a crash."""
    try:
        record = json.loads(raw)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def attempts_of(raw: bytes) -> list[Attempt]:
    """The attempts that were made before the one that holds the lease."""
    return [Attempt(**made) for made in read_record(raw).get("attempts", ())]


def cut_off(raw: bytes) -> list[Attempt]:
    """The attempts that a dead lease tells of, the last one as cut off."""
    record = read_record(raw)
    attempts = attempts_of(raw)
    running = record.get("running")
    if running:
        attempts.append(Attempt(**{**running, "status": "interrupted", "error": "interrupted"}))
    if not attempts:
        # In in-progress without a word: it was claimed, so it may have been started.
        attempts.append(Attempt(1, utc(datetime.now(UTC)), "interrupted", error="interrupted"))
    return attempts


def with_status(attempts: Sequence[Attempt], status: str) -> list[Attempt]:
    """The attempts, the last of them ended as `status`."""
    *earlier, last = attempts
    return [*earlier, replace(last, status=status, error=status)]

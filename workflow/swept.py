"""What a sweep did, and to whom it tells it while it does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from workflow.errors import told
from workflow.lease import Lease
from workflow.result import Result

Happening = Literal["started", "progress", "ended", "parked", "refused", "recovered", "archived"]
Entry = TypeVar("Entry")
Notice = Callable[[Happening, str, str], None]
"""Told what happens: which kind, to which task, and one line about it."""


@dataclass
class Swept:
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
    notice: Notice = lambda *_: None
    moves: int = 0
    """Files moved; each may have made another task runnable."""

    def tell_ended(self, happening: Happening, result: Result) -> None:
        """A task has its result and has been moved."""
        self.moves += 1
        self.ended[result.task_id] = result.status
        self.parked.pop(result.task_id, None)
        self.notice(happening, result.task_id, f"{result.status}: {result.verdict}")

    @contextlib.contextmanager
    def alone(self, task_id: str, lease: Lease) -> Iterator[None]:
        """One bad task never stops the others: what the system refuses is told, its lease let go.

        The task stays where it is, for a later sweep.
        """
        try:
            yield
        except OSError as error:
            with contextlib.suppress(OSError):
                lease.release()
            self.tell_trouble(task_id, error)

    def together(
        self,
        entries: Sequence[Entry],
        do: Callable[[Sequence[Entry]], None],
        lease_of: Callable[[Entry], Lease],
    ) -> list[Entry]:
        """Do something to many tasks with the syncs of one; gives those for which it was done.

        Where the system refuses it for all, each is tried by itself: one bad task never stops the
        others. The lease of one that fails is let go.
        """
        if not entries:
            return []
        if len(entries) > 1:
            try:
                do(entries)
            except OSError:
                pass
            else:
                return list(entries)
        done = []
        for entry in entries:
            lease = lease_of(entry)
            with self.alone(lease.task_id, lease):
                do([entry])
                done.append(entry)
        return done

    def tell_trouble(self, task_id: str, error: OSError) -> None:
        """The disk is full, a folder cannot be written, …: the task stays where it is."""
        said = f"left where it is: {told(error)}"
        if self.parked.get(task_id) != said:
            self.parked[task_id] = said
            self.notice("parked", task_id, said)
        self.trouble = f"{task_id} {said}"

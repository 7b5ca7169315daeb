"""How tasks come to wait: for a predecessor, an approval, a time, the next attempt."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from workflow import durable
from workflow.document import NotAFile, read_regular
from workflow.durable import Stage, Staged
from workflow.exchange import Exchange
from workflow.journal import Move, digest
from workflow.lease import Lease
from workflow.status_key import rewrite


@dataclass
class Parking:
    """A task whose lease we hold, and that is to wait."""

    lease: Lease
    state: str
    """Where it lies now."""
    what: str = "parked"
    keys: dict[str, Any] = field(default_factory=dict)
    """What its file is to say besides."""
    approval: dict[str, Any] | None = None
    """What the journal is to say of the plan that waits."""

    @property
    def task_id(self) -> str:
        return self.lease.task_id


def park(exchange: Exchange, parkings: Sequence[Parking]) -> None:
    """Move tasks to waiting, with the syncs of one. Their leases stay held.

    Raises OSError if the disk is full, …: then each is still in one state or the other.
    """
    with ExitStack() as open_until_synced:
        stage = open_until_synced.enter_context(Stage(exchange.staged))
        moves: list[Move] = []
        files: list[tuple[Parking, Staged | None]] = []
        for parking in parkings:
            try:
                old = read_regular(exchange.task_path(parking.state, parking.task_id))
            except (FileNotFoundError, NotAFile):
                continue  # RACE: somebody took it, or put something else there
            new = rewrite(old, {"status": "waiting"}, parking.keys)
            files.append((parking, stage.write(new) if new != old else None))
            moves.append(
                Move(
                    parking.task_id,
                    parking.what,
                    parking.state,
                    "waiting",
                    digest(new),
                    approval=parking.approval,
                )
            )
        journal = open_until_synced.enter_context(exchange.journal.written(moves))
        stage.sync(also=[journal])
        for parking, file in files:
            source = exchange.task_path(parking.state, parking.task_id)
            if file is not None:
                file.replace(source)
            durable.rename(source, exchange.task_path("waiting", parking.task_id))
        folders = {exchange.folder(parking.state) for parking in parkings}
        durable.sync_folders([exchange.folder("waiting"), *folders])

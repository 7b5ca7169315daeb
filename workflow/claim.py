"""Taking tasks out of pending or waiting to run them: a lease each, then one rename each.

Several are claimed with the syncs of one. None is started before its claim is durable: a deploy
that a power cut ended must not lie in pending as if it had never begun.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from workflow import durable
from workflow.durable import Stage, Staged
from workflow.exchange import Exchange
from workflow.intake import Candidate, Intake
from workflow.journal import Move, digest
from workflow.lease import Lease, Record, read_record
from workflow.status_key import follow
from workflow.task import InvalidTask, Task


@dataclass(frozen=True)
class Claim:
    """A task that is ours to run."""

    task: Task
    lease: Lease
    record: Record
    """What its lease said before: the attempts made so far."""


def claim(exchange: Exchange, intake: Intake, group: Sequence[Candidate]) -> list[Claim]:
    """Those of the group that are ours now. Losing one to somebody else is no error.

    Raises OSError if the disk is full, …: then each lies where it was, or in in-progress with a
    lease that says that it was not begun.
    """
    exchange.check_room()
    leased: list[tuple[Candidate, Lease]] = []
    claims: list[Claim] = []
    try:
        for candidate in group:
            lease = exchange.lease(candidate.task_id)
            if lease is None:
                # Somebody has it, for as long as they like: not looked at again by this sweep.
                intake.pass_over(candidate)
            else:
                leased.append((candidate, lease))
        with ExitStack() as open_until_synced:
            stage = open_until_synced.enter_context(Stage(exchange.staged))
            said = open_until_synced.enter_context(
                exchange.journal.written(_said(candidate) for candidate, _ in leased)
            )
            files: list[tuple[Staged, str]] = []
            for candidate, lease in leased:
                try:
                    claimed = _take(exchange, intake, candidate, lease)
                except OSError as error:  # of this one file: the others go on
                    lease.release()
                    intake.pass_over(candidate)
                    intake.swept.tell_trouble(candidate.task_id, error)
                    continue
                if claimed is not None:
                    claims.append(claimed)
                    if not claimed.task.kind.quick:
                        files += _follow(exchange, stage, claimed)
            states = {"in-progress", *(candidate.state for candidate, _ in leased)}
            stage.sync((exchange.folder(state) for state in states), also=[said])
            for file, path in files:
                file.replace(path)
    except BaseException:
        for _, lease in leased:
            lease.release()
        raise
    return claims


def _said(candidate: Candidate) -> Move:
    return Move(
        candidate.task_id, "claimed", candidate.state, "in-progress", digest(candidate.task.raw)
    )


def _take(exchange: Exchange, intake: Intake, candidate: Candidate, lease: Lease) -> Claim | None:
    """Move it and read it again: what counts is the file that was claimed, not the one seen."""
    task_id, state = candidate.task_id, candidate.state
    record = read_record(lease.read())
    lease.claimed(record.attempts, candidate.task.worker_id)
    if state != "in-progress":
        source = exchange.task_path(state, task_id)
        if not durable.rename(source, exchange.task_path("in-progress", task_id)):
            lease.release(remove=not os.path.lexists(source))
            intake.pass_over(candidate)
            return None
    try:
        task = intake.read_again("in-progress", candidate)
    except InvalidTask as error:
        intake.refuse(task_id, "in-progress", error, lease)
        return None
    return Claim(task, lease, record)


def _follow(exchange: Exchange, stage: Stage, claimed: Claim) -> list[tuple[Staged, str]]:
    """Let `status:` say in-progress. Not for what ends before anybody could read it."""
    task = claimed.task
    path = exchange.task_path("in-progress", task.task_id)
    new = follow(task.raw, "in-progress", task.status_key)
    return [(stage.write(new), path)] if new != task.raw else []

"""workflow archive"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

import typer

from workflow.archive import archive
from workflow.cli import Place, command
from workflow.errors import Exit, WorkflowError
from workflow.exchange import Exchange
from workflow.figures import counted
from workflow.reply import Reply


@command
def run(
    place: Place,
    month: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help="This month only; else every past one.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would move; move nothing.")
    ] = False,
    shared: Annotated[
        bool,
        typer.Option(
            "--shared", help="Out of the branch that machines share, too: to refs/archive/…"
        ),
    ] = False,
) -> Reply:
    """Move tasks and results of past months to archive/YYYY-MM/. `show` finds them there too.

    \b
    workflow archive --dry-run
    workflow archive --month 2026-01
    workflow archive --shared
    """
    if month is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise WorkflowError("usage", f"{month!r} is not a month", hint="write it as 2026-01")
    exchange = place.exchange()
    exchange.prepare()
    with exchange.sweeping() as alone:
        if not alone:
            raise WorkflowError(
                "still_running",
                "a sweep is running",
                Exit.RUNNING,
                hint="ask again",
                retryable=True,
            )
        now = datetime.now(UTC)
        left = _of_branch(place, exchange, now, month, dry_run) if shared else Reply()
        moved = archive(exchange, now, month=month, dry_run=dry_run)
    verb = "would move" if dry_run else "moved"
    return Reply(
        data={"tasks": moved, "dry_run": dry_run, **left.data},
        text="\n".join(moved),
        notes=[f"{len(moved)} tasks {verb}.", *left.notes],
        rest="workflow archive --json",
    )


def _of_branch(
    place: Place, exchange: Exchange, now: datetime, month: str | None, dry_run: bool
) -> Reply:
    """What leaves the branch, as a part of the answer."""
    from workflow.sync.archive import archive_branch

    left = archive_branch(exchange, place.config(), now, month=month, dry_run=dry_run)
    notes = []
    if left.days:
        verb = "would leave" if dry_run else "left"
        notes.append(
            f"{counted(len(left.days), 'day')} of ended/ {verb} the branch, {left.days[0]} to "
            f"{left.days[-1]}: {left.place} keeps them."
        )
    else:
        notes.append("Nothing of the branch is old enough.")
    if left.kept:
        notes.append(f"Kept there, since open tasks follow: {', '.join(left.kept)}.")
    data = {"days": left.days, "kept": left.kept, "archive": left.place if left.days else None}
    return Reply(data={"shared": data | {"commit": left.tip}}, notes=notes)

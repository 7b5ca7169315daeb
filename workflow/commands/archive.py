"""workflow archive"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

import typer

from workflow.archive import archive
from workflow.cli import Place, command
from workflow.errors import Exit, WorkflowError
from workflow.reply import Reply


@command
def run(
    place: Place,
    month: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help="This month only; else every past one.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Say what would move; move nothing.")] = False,
) -> Reply:
    """Move tasks and results of past months to archive/YYYY-MM/. `show` finds them there too.

    \b
    workflow archive --dry-run
    workflow archive --month 2026-01
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
        moved = archive(exchange, datetime.now(UTC), month=month, dry_run=dry_run)
    verb = "would move" if dry_run else "moved"
    return Reply(
        data={"tasks": moved, "dry_run": dry_run},
        text="\n".join(moved),
        notes=[f"{len(moved)} tasks {verb}."],
        rest="workflow archive --json",
    )

"""workflow reject"""

from __future__ import annotations

from typing import Annotated

import typer

from workflow.cli import Place, command
from workflow.commands import choices, waiting
from workflow.reply import Reply


@command
def run(
    place: Place,
    task_id: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="An id, its beginning, or `latest`: the newest that waits.",
            autocompletion=choices.open_ids,
        ),
    ],
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why; stands in the result.")
    ] = None,
) -> Reply:
    """Say no to a task that has not begun: it ends as rejected, and nothing of it is done.

    \b
    workflow reject 2026-01-19-1430-hugo-deploy-production --reason "not on a Friday"
    """
    from workflow.approval import LONGEST_REASON, whoami
    from workflow.lease import read_record
    from workflow.settle import ended, settle
    from workflow.unrun import rejected, unrun_result

    exchange, config = place.exchange(), place.config()
    exchange.prepare()
    task_id = waiting.meant(exchange, config, task_id).task_id
    said = reason[:LONGEST_REASON] if reason else None
    with waiting.held(exchange, task_id) as (lease, found):
        task = waiting.load(found, config)
        result = unrun_result(
            task,
            rejected(task_id, whoami(), said),
            read_record(lease.read()).attempts,
            status="rejected",
        )
        ending = ended(lease, result, found.state, task.status_key)
        ending.what = "rejected"
        exchange.ask_to_cancel(task_id)  # should we die, the next sweep knows: a no stays a no
        settle(exchange, [ending])
    return Reply(
        data={"task_id": task_id, "status": "rejected", "reason": said},
        notes=[f"{task_id} is rejected."],
        next=[(f"workflow retry {task_id}", "submit it again, once that is mended")],
    )

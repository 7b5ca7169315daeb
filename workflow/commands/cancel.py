"""workflow cancel"""

from __future__ import annotations

from typing import Annotated

import typer

from workflow.cli import Place, command
from workflow.commands import choices
from workflow.errors import Exit, WorkflowError
from workflow.overview import ENDED, resolve
from workflow.reply import Reply


@command
def run(
    place: Place,
    task_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="An id or its beginning.", autocompletion=choices.unended_ids
        ),
    ],
) -> Reply:
    """End a task that has not ended. One that runs is asked to stop; its programs are ended.

    \b
    workflow cancel 2026-01-19-1430-hugo-build-staging
    """
    from workflow.lease import read_record
    from workflow.settle import ended, refused, settle
    from workflow.task import InvalidTask, load_task
    from workflow.unrun import cancelled, unrun_result

    exchange = place.exchange()
    exchange.prepare()
    found = resolve(exchange, task_id)
    task_id = found.task_id
    if found.state in ENDED:
        raise WorkflowError(
            "already_ended",
            f"{task_id} has ended already",
            Exit.CONFLICT,
            hint=f"workflow show {task_id}",
        )
    exchange.ask_to_cancel(task_id)  # first: should we die, the next sweep knows
    lease = exchange.lease(task_id)
    again = exchange.find(task_id)
    dead = lease is not None and again is not None and again.state == "in-progress"
    if lease is None or dead:
        said = f"{task_id} runs; it was asked to stop."
        if lease is not None:
            lease.release()
            said = f"The sweep that ran {task_id} is gone; the next one ends it."
        return Reply(
            data={"task_id": task_id, "status": "in-progress", "asked": True},
            notes=[said],
            next=[(f"workflow wait {task_id}", "see it end")],
        )
    if again is None or again.state in ENDED:  # RACE: it ended while we took the lease
        exchange.clear_run(task_id)
        lease.release(remove=True)
        raise WorkflowError(
            "already_ended", f"{task_id} has just ended", Exit.CONFLICT, hint="workflow list"
        )
    try:
        task, _ = load_task(again.path, task_id, place.config())
    except InvalidTask as error:
        ending, verdict = refused(exchange, lease, task_id, again.state, error)
        settle(exchange, [ending])
        return Reply(data={"task_id": verdict.task_id, "status": "failed"}, notes=[verdict.verdict])
    attempts = read_record(lease.read()).attempts
    result = unrun_result(task, cancelled(task_id), attempts)
    settle(exchange, [ended(lease, result, again.state, task.status_key)])
    return Reply(
        data={"task_id": task_id, "status": "cancelled"}, notes=[f"{task_id} is cancelled."]
    )

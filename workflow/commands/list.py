"""workflow list"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from workflow import layout
from workflow.cli import Place, command
from workflow.commands import choices
from workflow.errors import WorkflowError, nearest
from workflow.exchange import Found
from workflow.overview import ENDED, select, summaries, sweeper_warning, waits_for
from workflow.reply import Reply


@command
def run(
    place: Place,
    state: Annotated[
        str | None,
        typer.Option(
            metavar="S",
            help=f"One of {', '.join(layout.STATE_FOLDERS)}.",
            autocompletion=choices.states,
        ),
    ] = None,
    task_type: Annotated[
        str | None, typer.Option("--type", metavar="T", autocompletion=choices.task_types)
    ] = None,
    environment: Annotated[
        str | None, typer.Option("--env", metavar="E", autocompletion=choices.environments)
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="How many at most.")] = 20,
) -> Reply:
    """The tasks, newest first.

    \b
    workflow list
    workflow list --state failed --type hugo-build --limit 5
    """
    if state is not None and state not in layout.STATE_FOLDERS:
        raise WorkflowError(
            "usage",
            f"there is no state {state!r}",
            hint="states are: " + ", ".join(layout.STATE_FOLDERS),
            did_you_mean=nearest(state, list(layout.STATE_FOLDERS)),
        )
    states = [state] if state else list(layout.STATE_FOLDERS)
    tasks = list(
        select(place.exchange(), states, limit=limit, task_type=task_type, environment=environment)
    )
    silent = _reasons(place, tasks)
    reply = Reply(data={"tasks": tasks}, rest=f"workflow list --limit {limit} --json")
    if not tasks:
        reply.notes = ["No tasks."]
        reply.next = [("workflow types", "see what can be asked for")]
        return reply
    rows = [
        [
            task["task_id"],
            str(task["status"]),
            "" if task.get("duration_seconds") is None else f"{task['duration_seconds']:.1f} s",
            summary or str(task.get("reason") or task.get("created_at") or ""),
        ]
        for task, summary in zip(tasks, summaries(tasks), strict=True)
    ]
    reply.table = (("TASK", "STATUS", "TOOK", ""), rows)
    reply.next = [(f"workflow show {tasks[0]['task_id']}", "one of them in full")]
    if silent is not None:
        reply.warnings.append(silent)
    return reply


def _reasons(place: Place, tasks: list[dict[str, Any]]) -> str | None:
    """Add to each task that has not ended what keeps it from that.

    What to say if nobody sweeps where a task waits to be run.
    """
    still = [task for task in tasks if task["state"] not in ENDED]
    if not still:
        return None
    exchange = place.exchange()
    try:
        config = place.config()
    except WorkflowError:
        return None  # the tasks are there, whatever is wrong with workflow.yaml
    for task in still:
        path = exchange.task_path(task["state"], task["task_id"])
        reason = waits_for(exchange, config, Found(task["task_id"], task["state"], path))
        if reason is not None:
            task["waits_for"], task["reason"] = reason
    return sweeper_warning(exchange, config)

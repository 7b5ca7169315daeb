"""workflow retry"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from workflow.cli import Place, command
from workflow.commands import choices, wait
from workflow.errors import Exit, WorkflowError
from workflow.overview import ENDED, resolve
from workflow.pending import publish_task, submitting
from workflow.reply import Reply
from workflow.result import utc


@command
def run(
    place: Place,
    task_id: Annotated[
        str,
        typer.Argument(metavar="ID", help="An id or `latest`.", autocompletion=choices.task_ids),
    ],
    seconds: Annotated[
        float | None, typer.Option("--wait", metavar="SECONDS", help="Wait for the result.", min=0)
    ] = None,
) -> Reply:
    """Submit a task that has ended once more, under a new id; prints that id.

    \b
    workflow retry latest
    workflow retry 2026-01-19-1430-hugo-build-staging --wait 60
    """
    from workflow.task import InvalidTask, load_task

    exchange, config = place.exchange(), place.config()
    found = resolve(exchange, task_id)
    if found.state not in ENDED:
        raise WorkflowError(
            "not_ended",
            f"{found.task_id} has not ended yet ({found.state})",
            Exit.CONFLICT,
            hint=f"workflow wait {found.task_id}",
        )
    now = datetime.now(UTC)
    try:
        _, read = load_task(found.path, found.task_id, config)
    except InvalidTask as error:
        raise WorkflowError(
            error.code,
            f"{found.task_id} cannot be run as it is: {error}",
            Exit.INVALID_TASK,
            hint=f"mend {found.path} and put it into tasks/pending/ under a new name",
            problems=error.problems,
        ) from error
    context = read.data.get("context")
    changes: dict[str, Any] = {
        "created_at": utc(now),
        "context": {**(context if isinstance(context, dict) else {}), "retry_of": found.task_id},
    }
    # What belonged to that one run: a new one is neither approved nor due by it.
    spent = (
        "status", "approval", "approval_confirmed", "not_before", "idempotency_key", "after",
    )  # fmt: skip
    fresh = {"status": "pending", "after": [], "approval_confirmed": False}
    changes |= {key: fresh.get(key) for key in spent if key in read.data}

    def render(new_id: str) -> bytes:
        return read.replace({"task_id": new_id, **changes}).encode()

    with submitting(exchange):
        new_id = publish_task(exchange, _fresh_name(found.task_id, now), render)
    reply = Reply(
        data={"task_id": new_id, "retry_of": found.task_id},
        text=new_id,
        next=[(f"workflow wait {new_id}", "wait for the result")],
    )
    return wait.sweep_and_wait(place, reply, [new_id], seconds)


def _fresh_name(task_id: str, now: datetime) -> str:
    """The old name with today's minute, without the suffixes that made it unique."""
    name = re.sub(r"^\d{4}-\d{2}-\d{2}-\d{4}-", "", task_id)
    name = re.sub(r"(-k[0-9a-f]{10})?(-\d{1,3})?(-k[0-9a-f]{10})?$", "", name) or name
    return f"{now:%Y-%m-%d-%H%M}-{name}"

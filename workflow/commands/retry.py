"""workflow retry"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workflow.chains import incomplete, leading_to
from workflow.cli import Place, command
from workflow.commands import choices, wait
from workflow.document import Document
from workflow.errors import Exit, WorkflowError
from workflow.exchange import Exchange, Found
from workflow.handlers import NEEDS_A_BUILD
from workflow.overview import ENDED, overview, resolve
from workflow.pending import publish_task, submitting
from workflow.reply import Reply
from workflow.result import utc

if TYPE_CHECKING:
    from workflow.task import Task


@command
def run(
    place: Place,
    task_id: Annotated[
        str,
        typer.Argument(metavar="ID", help="An id or `latest`.", autocompletion=choices.failed_ids),
    ],
    seconds: Annotated[
        float | None, typer.Option("--wait", metavar="SECONDS", help="Wait for the result.", min=0)
    ] = None,
) -> Reply:
    """Submit a task that has ended once more, under a new id; prints that id.

    A task that was not run because one before it failed, or a deploy that refused what was built:
    the chain up to it once more.

    \b
    workflow retry latest
    workflow retry 2026-01-19-1430-hugo-build-staging --wait 60
    """
    exchange = place.exchange()
    found = resolve(exchange, task_id)
    if found.state not in ENDED:
        raise WorkflowError(
            "not_ended",
            f"{found.task_id} has not ended yet ({found.state})",
            Exit.CONFLICT,
            hint=f"workflow wait {found.task_id}",
        )
    links = _links(place, exchange, found)
    publishes = len(links) > 1 and links[-1][0].kind.publishes
    now = datetime.now(UTC)
    new: dict[str, str] = {}
    with submitting(exchange):
        for task, read in links:
            old = task.task_id
            after = [new[before] for before in read.data.get("after") or () if before in new]
            chain = next(iter(new.values()), None)
            try:
                new[old] = publish_task(
                    exchange,
                    _fresh_name(old, now),
                    _renewed(read, old, now, after, chain, published=publishes),
                )
            except OSError as error:
                if not new:
                    raise
                raise incomplete(list(new.values()), f"{old} again", error) from error
    ids = list(new.values())
    last = ids[-1]
    reply = Reply(
        data={"task_id": last, "task_ids": ids, "retry_of": found.task_id},
        text=last,
        notes=[f"after {task_id}" for task_id in ids[:-1]],
        next=[(f"workflow wait {last}", "wait for the result")],
    )
    return wait.sweep_and_wait(place, reply, [last], seconds)


def _links(place: Place, exchange: Exchange, found: Found) -> list[tuple[Task, Document]]:
    """What is to be run again: the task; the chain up to it where it only followed another, or
    where what an earlier link made is what has to become another.

    Of a chain that is all that did not succeed, and all besides that may be repeated: what was
    mended may be what an earlier link works on. What must not be is done already.
    """
    asked, read = _loaded(place, found)
    known = overview(exchange, found)
    if known.get("error_code") not in ("predecessor_failed", *NEEDS_A_BUILD):
        return [(asked, read)]
    links = []
    for link in leading_to(exchange, found.task_id):
        task, its_read = _loaded(place, link)
        succeeded = overview(exchange, link).get("status") == "success"
        if not succeeded or task.kind.safe_to_repeat:
            links.append((task, its_read))
    return links


def _loaded(place: Place, found: Found) -> tuple[Task, Document]:
    """The task as its file says now. Raises WorkflowError if it cannot be run as it is."""
    from workflow.task import InvalidTask, load_task

    try:
        return load_task(found.path, found.task_id, place.config())
    except InvalidTask as error:
        raise WorkflowError(
            error.code,
            f"{found.task_id} cannot be run as it is: {error}",
            Exit.INVALID_TASK,
            hint=f"mend {found.path} and put it into tasks/pending/ under a new name",
            problems=error.problems,
        ) from error


def _renewed(
    read: Document, old: str, now: datetime, after: list[str], chain: str | None, *, published: bool
) -> Callable[[str], bytes]:
    """What makes the file of the new task. What belonged to that one run is left out: a new one is
    neither approved nor due by it. In a chain that is published, so is the address for which it is
    built: only the environment's own can be, and workflow.yaml may say another by now."""
    context = read.data.get("context")
    changes: dict[str, Any] = {
        "created_at": utc(now),
        "context": {**(context if isinstance(context, dict) else {}), "retry_of": old},
    }
    spent = ("status", "approval", "approval_confirmed", "not_before", "idempotency_key")
    fresh = {"status": "pending", "approval_confirmed": False}
    changes |= {key: fresh.get(key) for key in spent if key in read.data}
    params = read.data.get("params")
    if published and isinstance(params, dict) and "base_url" in params:
        changes["params"] = {key: value for key, value in params.items() if key != "base_url"}
    if after or "after" in read.data:
        changes["after"] = after
    if chain or "chain" in read.data:
        changes["chain"] = chain

    def render(new_id: str) -> bytes:
        return read.replace({"task_id": new_id, **changes}).encode()

    return render


def _fresh_name(task_id: str, now: datetime) -> str:
    """The old name with today's minute, without the suffixes that made it unique."""
    name = re.sub(r"^\d{4}-\d{2}-\d{2}-\d{4}-", "", task_id)
    name = re.sub(r"(-k[0-9a-f]{10})?(-\d{1,3})?(-k[0-9a-f]{10})?$", "", name) or name
    return f"{now:%Y-%m-%d-%H%M}-{name}"

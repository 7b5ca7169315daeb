"""workflow show"""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from workflow import document
from workflow.cli import Place, command
from workflow.commands import choices
from workflow.overview import (
    ENDED,
    approval_next,
    overview,
    resolve,
    sweeper_warning,
    waits_for,
)
from workflow.reply import Reply
from workflow.result import read_result


@command
def run(
    place: Place,
    task_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="An id, its beginning, or `latest`.", autocompletion=choices.task_ids
        ),
    ],
) -> Reply:
    """One task with its result, wherever it lies (the archive too).

    \b
    workflow show latest
    workflow show latest --field data.result.outputs.file_count
    """
    exchange = place.exchange()
    found = resolve(exchange, task_id)
    told: dict[str, Any] = overview(exchange, found)
    path = os.path.relpath(found.path, exchange.root)
    told |= {"path": path, "task": _front_matter(found.path)}
    reply = Reply(data=told, rest=f"the file {told.get('result') or path}")
    head = f"{found.task_id}: {told['status']}"
    if found.state not in ENDED:
        reply.text = head
        config = place.config()
        reason = waits_for(exchange, config, found)
        if reason is not None:
            told["waits_for"], told["reason"] = reason
            reply.text += f", {reason[1]}"
        if (silent := sweeper_warning(exchange, config)) is not None:
            reply.warnings.append(silent)
        reply.text += f"\nfile: {path}"
        reply.next = [(f"workflow wait {found.task_id}", "wait for its result")]
        if told.get("waits_for") == "approval":
            reply.next = approval_next(exchange, found.task_id)
        return reply
    result_path = exchange.result(found.task_id, everywhere=True)
    if result_path is None:
        reply.text = f"{head}\nfile: {path}"
        return reply
    try:
        result = read_result(result_path)
    except document.InvalidDocument as error:
        reply.warnings.append(f"its result cannot be read: {error}")
        reply.text = f"{head}\nresult: {told.get('result')}"
        return reply
    body = str(result.pop("body"))
    told["result_path"] = told.pop("result")
    told["result"] = result
    seconds = result.get("duration_seconds")
    took = f"   took {seconds} s" if seconds is not None else ""
    reply.text = f"{head}{took}\n{body.rstrip()}\n\nresult: {told['result_path']}\ntask:   {path}"
    reply.next = [(f"workflow verify {found.task_id}", "check it and see what comes next")]
    return reply


def _front_matter(path: str) -> dict[str, Any]:
    try:
        return document.parse(document.read_regular(path)).data
    except (document.InvalidDocument, FileNotFoundError):
        return {}

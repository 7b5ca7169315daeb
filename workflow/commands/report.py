"""workflow report"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from workflow.cli import Place, command
from workflow.commands import choices
from workflow.errors import WorkflowError
from workflow.overview import resolve
from workflow.reply import Reply


@command
def run(
    place: Place,
    task_id: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help="Of this task alone: an id, its beginning, or `latest`.",
            autocompletion=choices.task_ids,
        ),
    ] = None,
    open_it: Annotated[
        bool, typer.Option("--open", help="Show it in the browser of this machine.")
    ] = False,
) -> Reply:
    """Write one self-contained HTML page, made for a phone: what waits for you, what happened.

    It needs no network and no script. Without ID it goes to results/report.html, or to where
    workflow.yaml says.

    \b
    workflow report --open
    workflow report latest
    """
    from workflow.report.making import make_board, make_dossier

    exchange, config = place.exchange(), place.config()
    exchange.prepare()
    if task_id is None:
        path, told = make_board(exchange, config)
        notes = [f"{told['verdict']['headline']}. {told['verdict']['sentence']}".strip()]
    else:
        path, told = make_dossier(exchange, config, resolve(exchange, task_id))
        notes = [f"{told['task_id']}: {told['status']}"]
    reply = Reply(data={"path": path, "bytes": os.path.getsize(path), **told}, text=path)
    reply.notes = notes
    if open_it:
        from workflow.report.opening import open_page

        try:
            open_page(path)
        except WorkflowError as error:
            reply.error, reply.exit = error, error.exit
    else:
        again = "workflow report" + (f" {told['task_id']}" if task_id is not None else "")
        reply.next = [(f"{again} --open", "look at it")]
    return reply

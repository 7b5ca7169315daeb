"""workflow logs"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from workflow.cli import Place, command
from workflow.commands import choices
from workflow.exchange import Exchange
from workflow.overview import ENDED, resolve
from workflow.reply import MAX_PLAIN_CHARACTERS, Reply, is_plain

_LOOK_SECONDS = 0.2
_CHUNK = 65_536


@command
def run(
    place: Place,
    task_id: Annotated[
        str,
        typer.Argument(metavar="ID", help="An id or `latest`.", autocompletion=choices.task_ids),
    ],
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on until it has ended.")
    ] = False,
    tail: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="The last N lines only.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All of it, also where no terminal reads along.")
    ] = False,
) -> Reply:
    """All that a task printed, attempt by attempt.

    \b
    workflow logs latest --tail 20
    workflow logs latest -f
    """
    exchange = place.exchange()
    found = resolve(exchange, task_id)
    if follow:
        _follow(exchange, found.task_id)
        return Reply(data={"task_id": found.task_id})
    files = log_files(exchange, found.task_id)
    folder = exchange.logs(found.task_id)
    where = os.path.relpath(folder, exchange.root) if folder else None
    reply = Reply(
        data={"task_id": found.task_id, "folder": where, "files": [f.name for f in files]}
    )
    if not files:
        reply.notes = ["It printed nothing."]
        return reply
    text = "\n".join(_titled(file, len(files)) for file in files)
    if tail is not None:
        text = "\n".join(text.splitlines()[-tail:] if tail else [])
    if is_plain(sys.stdout) and not everything and len(text) >= MAX_PLAIN_CHARACTERS:
        # The end is what one looks for in a log, so here it is the beginning that is left out.
        shown = text[-MAX_PLAIN_CHARACTERS + 400 :].split("\n", 1)[-1]
        text = f"[earlier lines: workflow logs {found.task_id} --all, or {where}/]\n{shown}"
    reply.data["log"] = text
    reply.text = text
    reply.whole, reply.verbatim = everything, True
    return reply


def log_files(exchange: Exchange, task_id: str) -> list[Path]:
    """The logs of a task's attempts, in their order."""
    folder = exchange.logs(task_id)
    if folder is None:
        return []
    return sorted(Path(folder).glob("attempt-*.log"), key=lambda p: (len(p.name), p.name))


def _titled(file: Path, of: int) -> str:
    text = file.read_bytes().decode("utf-8", "backslashreplace").rstrip("\n")
    return text if of == 1 else f"== {file.stem} ==\n{text}"


def _follow(exchange: Exchange, task_id: str) -> None:
    for chunk in _growing(exchange, task_id):
        sys.stdout.write(chunk.decode("utf-8", "backslashreplace"))
        sys.stdout.flush()


def _growing(exchange: Exchange, task_id: str) -> Iterator[bytes]:
    """What is in the logs, and what comes, until the task has ended. Files may move meanwhile."""
    read: dict[str, int] = {}
    while True:
        found = exchange.find(task_id)
        ended = found is None or found.state in ENDED
        for file in log_files(exchange, task_id):
            try:
                with file.open("rb") as log:
                    log.seek(read.get(file.name, 0))
                    while chunk := log.read(_CHUNK):
                        read[file.name] = read.get(file.name, 0) + len(chunk)
                        yield chunk
            except FileNotFoundError:
                continue  # RACE: moved beside its result; found there at the next look
        if ended:
            return
        time.sleep(_LOOK_SECONDS)

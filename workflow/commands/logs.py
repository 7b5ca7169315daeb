"""workflow logs"""

from __future__ import annotations

import codecs
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from workflow.cli import Place, command
from workflow.columns import printable
from workflow.commands import choices
from workflow.exchange import Exchange, Found
from workflow.overview import ENDED, overview, resolve
from workflow.reply import MAX_PLAIN_CHARACTERS, Reply, is_plain

_LOOK_SECONDS = 0.2
_CHUNK = 65_536
_LONGEST_ESCAPE = 256
"""Letters of a terminal's escape sequence that are waited for."""


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
    """All that a task printed, attempt by attempt, without what a terminal would obey.

    With -f it goes on until the task has ended, and says how; Ctrl-C leaves the task alone.

    \b
    workflow logs latest --tail 20
    workflow logs latest -f
    """
    exchange = place.exchange()
    found = resolve(exchange, task_id)
    if follow:
        return _following(exchange, found)
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


def _following(exchange: Exchange, found: Found) -> Reply:
    """Print what is there and what comes; what is said of its end is known when that has come."""
    task_id = found.task_id
    reply = Reply(data={"task_id": task_id})

    def follow() -> None:
        if found.state in ("pending", "waiting"):
            print(f"{task_id} has not begun: see `workflow show {task_id}`", file=sys.stderr)
        try:
            for text in _texts(_growing(exchange, task_id)):
                sys.stdout.write(text)
                sys.stdout.flush()
        except KeyboardInterrupt:
            reply.notes.append("It goes on without you.")
            return
        ended = exchange.find(task_id, everywhere=True)
        if ended is not None:
            told = overview(exchange, ended)
            reply.notes.append(f"{told['status']}: {told.get('summary') or ''}".rstrip(": "))
            reply.next.append((f"workflow verify {task_id}", "check it and see what comes next"))

    reply.live = follow
    return reply


def _texts(chunks: Iterator[bytes]) -> Iterator[str]:
    """The chunks as text that no terminal obeys, wherever they were cut."""
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    held = ""
    for chunk in chunks:
        held += decoder.decode(chunk)
        # An escape sequence may go on in the next chunk.
        cut = held.rfind("\x1b")
        if cut < 0 or len(held) - cut > _LONGEST_ESCAPE or "\n" in held[cut:]:
            cut = len(held)
        yield printable(held[:cut])
        held = held[cut:]
    yield printable(held + decoder.decode(b"", final=True))


def _growing(exchange: Exchange, task_id: str) -> Iterator[bytes]:
    """What is in the logs, and what comes, until the task has ended. Files may move meanwhile."""
    read: dict[str, int] = {}
    while True:
        found = exchange.find(task_id)
        ended = found is None or found.state in ENDED
        for file in log_files(exchange, task_id):
            try:
                with file.open("rb") as log:
                    if file.name not in read and read:
                        yield f"== {file.stem} ==\n".encode()
                    log.seek(read.setdefault(file.name, 0))
                    while chunk := log.read(_CHUNK):
                        read[file.name] += len(chunk)
                        yield chunk
            except FileNotFoundError:
                continue  # RACE: moved beside its result; found there at the next look
        if ended:
            return
        time.sleep(_LOOK_SECONDS)

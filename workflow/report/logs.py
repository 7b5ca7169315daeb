"""The ends of what tasks printed, bounded: a log may have ten megabytes, or one endless line."""

from __future__ import annotations

import os
import re
from typing import Any

from workflow.exchange import Exchange
from workflow.report.history import read_end
from workflow.report.inert import inert

_READ_BYTES = 64 * 1024
"""Of which the end is shown: a secret that is cut at its beginning is known no more."""
_LONGEST_LINE = 600
_MOST_FILES = 20
_ATTEMPT = re.compile(r"attempt-(\d{1,6})\.log")


def logs_of(exchange: Exchange, task_id: str, characters: int) -> list[dict[str, Any]]:
    """The log of each attempt, the last first: name, bytes in all, the end of its text."""
    folder = exchange.logs(task_id)
    found = []
    for name in _attempts(folder):
        read = read_end(os.path.join(folder or "", name), _READ_BYTES)
        if read is not None and read[1]:
            text = ending(read[0].decode("utf-8", "backslashreplace"), characters)
            found.append({"name": name, "bytes": read[1], "tail": text})
    return found


def _attempts(folder: str | None) -> list[str]:
    names = os.listdir(folder) if folder else []
    numbered = sorted(
        ((int(shape[1]), name) for name in names if (shape := _ATTEMPT.fullmatch(name))),
        reverse=True,
    )
    return [name for _, name in numbered[:_MOST_FILES]]


def ending(text: str, characters: int) -> str:
    """The last whole lines of `text` that fit, harmless; of an endless line its beginning."""
    kept: list[str] = []
    room = characters
    for line in reversed(str(inert(text)).rstrip().split("\n")):
        line = line.rstrip()
        if len(line) > _LONGEST_LINE:
            line = f"{line[:_LONGEST_LINE]}…"
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join(reversed(kept))

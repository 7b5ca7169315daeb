"""A notification on this Mac: `display notification` of AppleScript's Standard Additions.

The text is an argument of the script and never part of it, and stands behind the title, which does
not begin with a dash: nothing in it is an option of osascript's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from workflow.notify.answer import Answer, refused, sent, unknown
from workflow.notify.messages import Message
from workflow.process import ProgramNotFound, run

OSASCRIPT = Path("/usr/bin/osascript")
SECONDS = 10.0
_SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)


def missing() -> str | None:
    """Why this machine can show none; None if it can."""
    return None if OSASCRIPT.exists() else "this machine is no Mac"


def show(message: Message, on_its_way: Callable[[], None]) -> Answer:
    lines = [word for line in _SCRIPT for word in ("-e", line)]
    argv: list[str | Path] = [OSASCRIPT, *lines, f"workflow: {message.title}", message.text]
    on_its_way()
    try:
        done = run(argv, cwd=Path("/"), env=None, log=Path(os.devnull), timeout=SECONDS)
    except ProgramNotFound:
        return refused(f"{OSASCRIPT} is not there", final=True)
    if done.ended != "exited":
        return unknown(f"it was not shown within {SECONDS:g} s")
    if done.returncode != 0:
        return refused(f"osascript ended with {done.returncode}: nobody is logged in there?")
    return sent("this Mac shows it, unless its settings or a focus keep it back")

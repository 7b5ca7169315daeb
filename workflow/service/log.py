"""The timer's log: what its sweeps print. An idle sweep prints nothing.

launchd and cron rotate no logs, and the newsyslog of macOS is root's. So a sweep that is about to
do something does it, for its own: the file is moved aside while we hold it open. What this sweep
prints goes to the end of the old one, and the next start of the timer makes a new one. Nobody
else's file is touched, and no line is lost.

Standard library only: the front door calls it before anything heavy is imported.
"""

from __future__ import annotations

import os
import re

from workflow import layout

TIMER_LOG = f"{layout.RUNTIME}/timer.log"
OLD = ".1"
"""What is appended to the name of the log before: one is kept."""
LIMIT_BYTES = 1_000_000
"""A sweep that fails every five seconds fills it in about half a day."""
_TAIL_BYTES = 4_096
_LONGEST_LINE = 300


def rotate(root: str, descriptor: int = 2, limit: int = LIMIT_BYTES) -> bool:
    """Move the log aside if `descriptor` writes to it and it is over the limit. Never raises."""
    path = os.path.join(root, TIMER_LOG)
    try:
        ours, there = os.fstat(descriptor), os.stat(path, follow_symlinks=False)
        if there.st_size <= limit or not os.path.samestat(ours, there):
            return False
        # RACE: another sweep may have done so since; then what lies there is new, and small, and
        # what we moved aside is lost a little early.
        os.rename(path, path + OLD)
    except OSError:
        return False
    return True


def last_words(root: str) -> str:
    """The last line of the log that says something, fit to be shown; empty if there is none."""
    from workflow.redact import redact

    path = os.path.join(root, TIMER_LOG)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        size = os.fstat(descriptor).st_size
        raw = os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    lines = [line for line in raw.decode("utf-8", "replace").splitlines() if line.strip()]
    return plain(redact(lines[-1])) if lines else ""


def plain(text: str) -> str:
    """One line of somebody else's, without what would move a terminal's cursor."""
    text = re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", text)
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_LINE else f"{text[: _LONGEST_LINE - 1]}…"

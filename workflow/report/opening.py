"""Opening a page in the person's browser, by the system's own opener and no shell."""

from __future__ import annotations

import os
import subprocess
import sys

from workflow.errors import WorkflowError

OPENER = "/usr/bin/open" if sys.platform == "darwin" else "/usr/bin/xdg-open"
"""By its fixed path: what PATH finds first is not ours to start."""
_SECONDS = 5.0
"""After which an opener that still runs is the browser itself: it was opened."""


def open_page(path: str, opener: str | None = None) -> None:
    """Show the file at the absolute `path`. Raises WorkflowError `no_opener`, `not_opened`."""
    opener = opener or OPENER
    if not os.access(opener, os.X_OK):
        raise WorkflowError(
            "no_opener",
            f"there is no {opener} here that could open the page",
            hint=f"open it yourself: {path}",
        )
    nothing = subprocess.DEVNULL
    shown = subprocess.Popen(
        [opener, path], stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
    )
    try:
        code = shown.wait(_SECONDS)
    except subprocess.TimeoutExpired:
        # It is left to run on: what it does when it ends is nobody's concern.
        shown.returncode = 0
        return
    if code != 0:
        raise WorkflowError(
            "not_opened",
            f"{opener} could not open the page (exit {code})",
            hint=f"open it yourself: {path}",
        )

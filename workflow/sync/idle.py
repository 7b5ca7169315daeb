"""The cheap look: has the branch changed since a sweep saw that there was nothing to do?

Standard library, and one `git ls-remote`.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress

from workflow import layout
from workflow.sync.server import Server, Unreachable

_STAMP = os.path.join(layout.RUNTIME, "sync", "idle.json")
LONGEST_SECONDS = 3_600.0
"""After which a whole look is taken in any case."""


def remember(root: str, remote: str, branch: str, tip: str, due: float | None) -> None:
    """Say that there was nothing to do at this commit, and when that may change by itself."""
    now = time.time()
    latest = now + LONGEST_SECONDS
    said = {
        "remote": remote,
        "branch": branch,
        "tip": tip,
        "written": now,
        "due": latest if due is None else min(due, latest),
        "config": _config(root),
        "approvals": _changed(root, layout.APPROVALS),
        "folders": [_changed(root, name) for name in (layout.PENDING, layout.WAITING)],
    }
    aside = os.path.join(root, f"{_STAMP}.new")
    with open(aside, "w", encoding="utf-8") as file:
        json.dump(said, file)
    os.rename(aside, os.path.join(root, _STAMP))


def forget(root: str) -> None:
    """A whole look is needed next time."""
    with suppress(FileNotFoundError):
        os.unlink(os.path.join(root, _STAMP))


def nothing_new(root: str) -> bool:
    """Whether there is nothing to do here, and nothing new on the server. Costs one question."""
    try:
        with open(os.path.join(root, _STAMP), encoding="utf-8") as file:
            said = json.load(file)
        here = (
            _config(root),
            _changed(root, layout.APPROVALS),
            [_changed(root, name) for name in (layout.PENDING, layout.WAITING)],
        )
        if (said["config"], said["approvals"], said["folders"]) != here:
            return False
        if not said["written"] <= time.time() < said["due"]:
            return False
        if os.listdir(os.path.join(root, layout.IN_PROGRESS)) not in ([], [".gitkeep"]):
            return False
        server = Server(root, said["remote"], said["branch"], os.path.dirname(
            os.path.join(root, _STAMP)))  # fmt: skip
        if server.ask_tip() != said["tip"]:
            return False
        os.utime(os.path.join(root, layout.LAST_SWEEP))
    except (OSError, ValueError, KeyError, TypeError, Unreachable):
        return False
    return True


def _config(root: str) -> list[int]:
    seen = os.stat(os.path.join(root, layout.CONFIG))
    return [seen.st_mtime_ns, seen.st_size, seen.st_ino]


def _changed(root: str, name: str) -> str:
    """A folder's own time, and those of the tasks in it: an edited one may have to be told."""
    folder = os.path.join(root, name)
    marks = [str(os.stat(folder).st_mtime_ns)]
    with os.scandir(folder) as entries:
        marks += sorted(
            f"{entry.name}.{entry.stat(follow_symlinks=False).st_mtime_ns}" for entry in entries
        )
    return "|".join(marks)

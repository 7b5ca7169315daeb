"""The branch begins anew: its past goes to an archive ref, so that clones stay small.

    refs/archive/BRANCH/DAY-COMMIT   the branch as it was, with all of its history
    refs/heads/BRANCH                one commit without parents: the same files, but for some days
                                     of ended/

The server takes both or neither, and only while the branch is still at the very commit that is
archived. The new commit says where its past lies. A machine that finds a branch whose newest commit
does not follow from what it saw last believes that only where it can prove that nothing but whole
days of ended/ is missing, and that what it saw, and all that came after, is in the archive. It
brings what ended meanwhile from there, and goes on.
"""

from __future__ import annotations

import re
from typing import Protocol

ENDED = "ended"
"""Folder of the branch: a folder for each day, with what ended then."""
MOST = 200
"""How often a branch can have begun anew while a machine slept."""
_SAID = re.compile(r"^Workflow-Archive: ([0-9a-f]{40,64}) (\S+)$", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}")


class History(Protocol):
    """What of the server, and of what was fetched from it, the proof needs; see `Server`."""

    @property
    def archive_ref(self) -> str: ...
    def fetch_archive(self, name: str) -> str | None: ...
    def is_ancestor(self, one: str, other: str) -> bool: ...
    def roots(self, commit: str) -> list[str]: ...
    def written(self, commit: str) -> str: ...
    def folder(self, commit: str, path: str = "") -> dict[str, str]: ...


def told(past: str, place: str) -> str:
    """The line by which the new commit says where its past lies."""
    return f"Workflow-Archive: {past} {place}"


def pasts(server: History, before: str, now: str) -> list[str] | None:
    """The commits in whose place the branch began anew between two of its commits, oldest first:
    none if one simply follows from the other. None if it is not proved that it came of it.

    Raises Unreachable: the archives are asked for.
    """
    found: list[str] = []
    while not server.is_ancestor(before, now):
        past = _past(server, now)
        if past is None or past in found or len(found) == MOST:
            return None
        found.insert(0, past)
        now = past
    return found


def _past(server: History, now: str) -> str | None:
    """The commit in whose place the history of `now` begins; None if that is not proved."""
    roots = server.roots(now)
    said = _SAID.search(server.written(roots[0])) if len(roots) == 1 else None
    if said is None:
        return None
    past, place = said[1], said[2]
    name = place.removeprefix(f"{server.archive_ref}/")
    if place == name or not _NAME.fullmatch(name) or server.fetch_archive(name) != past:
        return None
    then, new = server.folder(past), server.folder(roots[0])
    then.pop(ENDED, None)
    new.pop(ENDED, None)
    days, left = server.folder(past, ENDED), server.folder(roots[0], ENDED)
    return past if new == then and left.items() <= days.items() else None

"""Power loss, judged from a trace: what becomes visible is durable first, and stays visible.

Five rules over the calls of one run, as strace recorded them:

1.  What a rename or a link gives a name in tasks/, results/ or archive/ was fsynced after its last
    write; of a folder that is moved, everything in it was.
2.  Before the program ends, the folder of the new name was fsynced after it came, and the folder
    of the old name after it went. Likewise the folder in which a folder was made.
3.  A task is moved to completed or failed only once the name of its result is durable.
4.  A task leaves a trace outside (a line in effects.log) only once its claim is durable.
5.  Nothing that is visible is written to.

results/latest/ and .workflow/ are exempt: what lies there is derived, or runtime state.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.endurance.strace import SYNCS, WRITES, Call

_RENAMES = ("rename", "renameat", "renameat2")
_LINKS = ("link", "linkat")
_MAKES = ("mkdir", "mkdirat")
_OPENS = ("open", "openat", "creat")
_FRESH = re.compile(r"O_TRUNC|O_EXCL|^creat")


@dataclass
class Order:
    problems: list[str] = field(default_factory=list)
    names: int = 0
    """Of tasks, results and logs that became visible."""


@dataclass
class _Node:
    """A file's bytes, whatever its names are."""

    dirty: Call | None = None
    """The last write that is not yet known to be on the disk."""


@dataclass(frozen=True)
class _Owed:
    """A folder that has to be fsynced since a name in it came or went."""

    folder: str
    call: Call
    name: str
    claims: bool = False
    """It is part of a move into in-progress."""


class _Checker:
    def __init__(self, root: str) -> None:
        self.root = root
        self.order = Order()
        self._nodes: dict[str, _Node] = {}
        self._owed: list[_Owed] = []

    def run(self, calls: Sequence[Call], *, ended: bool) -> Order:
        # A sync counts from when it returned, everything else from when it was called.
        for call in sorted(calls, key=lambda c: c.ended if c.name in SYNCS else c.order):
            if call.ok and call.paths:
                self._see(call)
        if ended:
            for owed in self._owed:
                self._complain(owed.call, f"{self._short(owed.folder)} was never fsynced after it")
        return self.order

    def _see(self, call: Call) -> None:
        path = call.paths[0]
        if call.name in SYNCS:
            self._synced(path, call)
        elif call.name in WRITES or call.name in ("ftruncate", "truncate"):
            self._written(path, call)
        elif call.name in _OPENS:
            if _FRESH.search(call.text):
                self._node(path).dirty = call
        elif call.name in _MAKES:
            if self._visible(path):
                self._owe(os.path.dirname(path), call, path)
        elif call.name == "rmdir" or "AT_REMOVEDIR" in call.text:
            self._removed(path, call)
        elif call.name in (*_RENAMES, *_LINKS) and len(call.paths) == 2:
            self._named(*call.paths, call)

    def _synced(self, path: str, call: Call) -> None:
        node = self._nodes.get(path)
        if node is not None and node.dirty is not None and node.dirty.ended < call.order:
            node.dirty = None
        self._owed = [o for o in self._owed if o.folder != path or o.call.ended >= call.order]

    def _written(self, path: str, call: Call) -> None:
        self._node(path).dirty = call
        if self._visible(path):
            self._complain(call, "what is visible was written to")
        if os.path.basename(path) == "effects.log":
            for owed in self._owed:
                if owed.claims and _stem(owed.name) in call.text:
                    self._complain(owed.call, "the task had its effect before this was durable")

    def _named(self, source: str, target: str, call: Call) -> None:
        # A new file in an old one's place is no move: after a power cut the old one would do.
        claims = self._visible(source) and os.path.dirname(target).endswith("/in-progress")
        inside = [p for p in self._nodes if p == source or p.startswith(source + "/")]
        if self._visible(target):
            self.order.names += 1
            for path in inside:
                dirty = self._nodes[path].dirty
                if dirty is not None:
                    self._complain(call, f"{self._short(path)} was not fsynced after {dirty.text}")
            self._ends_after_its_result(target, call)
            self._owe(os.path.dirname(target), call, target, claims)
        for path in inside:
            node = self._nodes[path]
            if call.name in _RENAMES:
                del self._nodes[path]
            self._nodes[target + path[len(source) :]] = node
        if call.name in _RENAMES and self._visible(source):
            self._owe(os.path.dirname(source), call, source, claims)

    def _removed(self, folder: str, call: Call) -> None:
        """What went from a folder that goes itself is gone for good once that is."""
        if any(owed.folder == folder for owed in self._owed):
            self._owed = [owed for owed in self._owed if owed.folder != folder]
            self._owe(os.path.dirname(folder), call, folder)

    def _ends_after_its_result(self, target: str, call: Call) -> None:
        if os.path.basename(os.path.dirname(target)) not in ("completed", "failed"):
            return
        results = f"{self.root}/results"
        for owed in self._owed:
            result = owed.name.startswith(results) and _stem(owed.name) == _stem(target)
            if result or owed.folder == results:
                self._complain(call, f"{self._short(owed.name)} was not durable before it")

    def _node(self, path: str) -> _Node:
        return self._nodes.setdefault(path, _Node())

    def _owe(self, folder: str, call: Call, name: str, claims: bool = False) -> None:
        self._owed.append(_Owed(folder, call, name, claims))

    def _visible(self, path: str) -> bool:
        below = path.removeprefix(self.root + "/")
        if below == path or os.path.basename(path).startswith("."):
            return False
        return below.startswith(("tasks/", "results/", "archive/")) and not below.startswith(
            "results/latest"
        )

    def _short(self, path: str) -> str:
        return path.removeprefix(self.root + "/")

    def _complain(self, call: Call, what: str) -> None:
        self.order.problems.append(f"{call.text.replace(self.root + '/', '')}: {what}")


def _stem(path: str) -> str:
    """The task that a file is of."""
    return re.sub(r"(\.result)?\.md$|\.logs$", "", os.path.basename(path))


def check(calls: Sequence[Call], root: Path, *, ended: bool = True) -> Order:
    """Judge one run's calls. `ended`: it came to its end, and owes nothing any more."""
    return _Checker(str(root)).run(calls, ended=ended)

"""`workflow status --watch`: what is going on, as it goes on.

It looks at the folders once a second: at their times, which change with every task that comes or
goes. Only where something changed are names read, and only the files of tasks that are shown and
have changed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from workflow import layout
from workflow.columns import cut, printable
from workflow.errors import WorkflowError
from workflow.exchange import Exchange, Found
from workflow.overview import ago, overview, silence, since, summaries, sweeper_warning, waits_for
from workflow.reply import folded, is_plain
from workflow.screen import in_colour, screen_table

if TYPE_CHECKING:
    from workflow.config import Config

LOOK_SECONDS = 1.0
LONGEST_SECONDS = 10.0
"""After which all is looked at anew: an approval expires, a time comes, without a file's change."""
SHOWN = 10
"""Tasks that wait, and as many results, that are told of; a higher terminal shows no more."""
_TICK = 100_000_000
"""Nanoseconds: longer than a file system's clock stands still."""
_LONGEST_LINE = 100
"""Columns of what a running program printed last."""
_TAIL = 4_096
"""Bytes of a log in which its last line is looked for."""

Names = Mapping[str, frozenset[str]]
"""State -> ids."""


@dataclass(frozen=True)
class Board:
    """What was seen at one look."""

    names: Names
    running: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[dict[str, str]] = field(default_factory=list)
    """Those that wait for a person first, SHOWN at most."""
    last: list[dict[str, Any]] = field(default_factory=list)
    silent: str | None = None
    """What to say where no timer starts sweeps."""
    trouble: str | None = None
    """What is wrong with workflow.yaml."""

    @property
    def counts(self) -> str:
        said = [f"{len(ids)} {state}" for state, ids in self.names.items() if ids]
        return ", ".join(said) or "no tasks yet"


class Watching:
    """What was read, kept as long as nothing of it changes."""

    def __init__(self, exchange: Exchange, config: Callable[[], Config]) -> None:
        self.exchange = exchange
        self._load = config
        self._config: Config | None = None
        self._trouble: str | None = None
        self._configured = 0
        self._folders: dict[str, tuple[int, int, frozenset[str]]] = {}
        """State -> its folder's time, when it was read, and its names."""
        self._marks: tuple[int, ...] = ()
        self._looked = -LONGEST_SECONDS
        self._told: dict[str, tuple[tuple[str, int], dict[str, Any]]] = {}
        self._order: dict[str, int] = {}
        self._board = Board({})

    def look(self) -> Board:
        """What there is now; the very board of the last look where nothing has changed."""
        marks = (
            *(_mtime(self.exchange.path(folder)) for folder in layout.STATE_FOLDERS.values()),
            _mtime(self.exchange.path(layout.APPROVALS)),
            _mtime(self.exchange.path(layout.PLANS)),
            _mtime(self.exchange.path(layout.CONFIG)),
        )
        now = time.monotonic()
        silent = self._silent()
        same = marks == self._marks and silent == self._board.silent
        begun = all(one.get("started_at") for one in self._board.running)
        if same and begun and now - self._looked < LONGEST_SECONDS:
            return self._board
        self._marks, self._looked = marks, now
        self._configure(marks[-1])
        names = {state: self._names(state) for state in layout.STATE_FOLDERS}
        running = [self._overview(i, "in-progress") for i in sorted(names["in-progress"])]
        last = [self._overview(i, s) for i, s in self._newest(names)]
        board = Board(names, running, list(self._waiting(names)), last, silent, self._trouble)
        self._told = {i: self._told[i] for one in (running, last) for i in _ids(one)}
        # A look that finds the same says so by being the same.
        self._board = self._board if board == self._board else board
        return self._board

    def _silent(self) -> str | None:
        if self._config is None:
            return None
        warned = sweeper_warning(self.exchange, self._config)
        return None if warned is None else "no timer starts sweeps: workflow service install"

    def _configure(self, mark: int) -> None:
        if mark == self._configured and self._config is not None:
            return
        self._configured = mark
        try:
            self._config, self._trouble = self._load(), None
        except WorkflowError as error:
            self._config, self._trouble = None, error.message
        else:
            if self._config.problems:
                self._trouble = self._config.problems[0].sentence(layout.CONFIG)

    def _names(self, state: str) -> frozenset[str]:
        """The ids of a state, read again where its folder has changed."""
        mark, now = _mtime(self.exchange.folder(state)), time.time_ns()
        known = self._folders.get(state)
        # Two changes within a tick of the clock have one time.
        if known is None or known[0] != mark or known[1] - mark < _TICK:
            known = self._folders[state] = mark, now, frozenset(self.exchange.names(state))
        return known[2]

    def _overview(self, task_id: str, state: str) -> dict[str, Any]:
        path = self.exchange.task_path(state, task_id)
        mark = state, _mtime(path)
        known = self._told.get(task_id)
        if known is None or known[0] != mark:
            known = mark, overview(self.exchange, Found(task_id, state, path))
            self._told[task_id] = known
        return known[1]

    def _newest(self, names: Names) -> list[tuple[str, str]]:
        """The tasks that ended last."""
        from heapq import nlargest

        ended = [(i, s) for s in ("completed", "failed") for i in names[s]]
        known = {
            i: self._order[i]
            if i in self._order
            else _mtime(self.exchange.task_path(s, i))
            for i, s in ended
        }  # fmt: skip
        self._order = known
        return nlargest(SHOWN, ended, key=lambda one: (known[one[0]], one[0]))

    def _waiting(self, names: Names) -> Iterator[dict[str, str]]:
        if self._config is None:
            return
        planned: set[str] = set()
        with suppress(OSError):
            planned = {
                os.path.splitext(name)[0]
                for name in os.listdir(self.exchange.path(layout.PLANS))
            }  # fmt: skip
        waiting = [(i, s) for s in ("waiting", "pending") for i in names[s]]
        waiting.sort(key=lambda one: (one[0] not in planned, one[1] == "pending", one[0]))
        for task_id, state in waiting[:SHOWN]:
            found = Found(task_id, state, self.exchange.task_path(state, task_id))
            kind, why = waits_for(self.exchange, self._config, found) or (
                "sweep",
                "cannot be read as it is",
            )
            yield {"task_id": task_id, "waits_for": kind, "reason": why}

    def last_line(self, task_id: str) -> str:
        """What the program of a running task printed last."""
        folder = self.exchange.logs(task_id)
        if folder is None:
            return ""
        try:
            files = [name for name in os.listdir(folder) if name.startswith("attempt-")]
            newest = max(files, key=lambda name: (len(name), name))
            with open(os.path.join(folder, newest), "rb") as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - _TAIL))
                lines = log.read().decode("utf-8", "replace").replace("\r", "\n").split("\n")
        except (OSError, ValueError):
            return ""
        return next((printable(line).strip() for line in reversed(lines) if line.strip()), "")


def watch(exchange: Exchange, config: Callable[[], Config]) -> None:
    """Show the board, or print each change, until Ctrl-C."""
    watching = Watching(exchange, config)
    with suppress(KeyboardInterrupt):
        if is_plain(sys.stdout):
            _print_changes(watching)
        else:
            _show(watching)


def _show(watching: Watching) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False)

    def picture() -> str:
        board, (columns, rows) = watching.look(), console.size
        return render(board, watching, columns, rows - 1)

    shown = ""
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                shown = picture()
                live.update(Text.from_ansi(shown, no_wrap=True), refresh=True)
                time.sleep(LOOK_SECONDS)
    finally:
        # The terminal's other page is gone with it: what was last seen there stays to be read.
        print(shown)


def render(board: Board, watching: Watching, columns: int, rows: int) -> str:
    """The board for a terminal of this size; what does not fit is counted."""
    quiet = silence(watching.exchange)
    seen = f"last sweep {ago(quiet)} ago" if quiet is not None else "no sweep yet"
    lines = [f"{in_colour(cut(board.counts, columns), 'bold')}", f"{seen}; Ctrl-C ends this"]
    for trouble in (board.silent, board.trouble):
        if trouble:
            lines += [in_colour(line, "yellow") for line in folded(trouble, columns).split("\n")]
    lines += _part("RUNNING", [_running(one, watching) for one in board.running], columns)
    waiting = [["waits", one["task_id"], one["reason"]] for one in board.waiting]
    more = len(board.names["waiting"]) + len(board.names["pending"]) - len(waiting)
    lines += _part("WAITING", waiting, columns)
    lines += [f"and {more} more"] if more > 0 else []
    told = zip(board.last, summaries(board.last), strict=True)
    last = [[str(task["status"]), task["task_id"], said] for task, said in told]
    lines += _part("ENDED LAST", last, columns, rows - len(lines))
    if len(lines) > rows:
        lines = [*lines[: rows - 1], "…"]
    return "\n".join(lines)


def _part(title: str, rows: list[list[str]], columns: int, room: int | None = None) -> list[str]:
    """A heading and its rows; as many as there is room for, each whole."""
    told = [[printable(cell) for cell in row] for row in rows]
    while told:
        table = screen_table(["", "", ""], told, columns, head=False).split("\n")
        if room is None or len(table) + 2 <= room:
            return ["", in_colour(title, "dim"), *table]
        told.pop()
    return []


def _running(task: Mapping[str, Any], watching: Watching) -> list[str]:
    began = since(task.get("started_at"))
    said = [began, cut(watching.last_line(str(task["task_id"])), _LONGEST_LINE)]
    if task.get("sweep_lives") is False:
        said.append("its sweep is gone: the next one sees to it")
    return ["running", str(task["task_id"]), "  ".join(word for word in said if word)]


def _print_changes(watching: Watching) -> None:
    before = watching.look()
    _say(before.counts)
    for line in changes(Board({state: frozenset() for state in layout.STATE_FOLDERS}), before):
        if not line.startswith("ended"):  # before anybody watched
            _say(line.replace("started ", "running ", 1))
    while True:
        time.sleep(LOOK_SECONDS)
        now = watching.look()
        if now is not before:
            for line in changes(before, now, watching.exchange):
                _say(line)
            before = now


def _say(line: str) -> None:
    at = f"{datetime.now(UTC):%H:%M:%SZ}"
    print(f"{at} {' '.join(printable(line).split())}", flush=True)


def changes(before: Board, now: Board, exchange: Exchange | None = None) -> Iterator[str]:
    """What has become of each task since, a line each."""
    reasons = {one["task_id"]: one["reason"] for one in before.waiting}
    for one in now.running:
        if one["task_id"] not in before.names["in-progress"]:
            yield f"started {one['task_id']}"
    for one in now.waiting:
        if reasons.get(one["task_id"]) != one["reason"]:
            yield f"waits {one['task_id']}: {one['reason']}"
    told = {one["task_id"]: one for one in now.last}
    for state in ("completed", "failed"):
        for task_id in sorted(now.names[state] - before.names[state]):
            ended = told.get(task_id)
            if ended is None and exchange is not None:
                path = exchange.task_path(state, task_id)
                ended = overview(exchange, Found(task_id, state, path))
            if ended is not None:
                yield f"ended {task_id}: {ended['status']}: {ended.get('summary') or ''}"
    if now.silent != before.silent:
        yield now.silent or "the timer is alive"
    if now.trouble and now.trouble != before.trouble:
        yield now.trouble


def _ids(tasks: list[dict[str, Any]]) -> Iterator[str]:
    return (str(task["task_id"]) for task in tasks)


def _mtime(path: str) -> int:
    try:
        return os.stat(path, follow_symlinks=False).st_mtime_ns
    except OSError:
        return 0

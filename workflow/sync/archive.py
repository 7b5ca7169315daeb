"""`workflow archive --shared`: what ended in past months leaves the branch; the server keeps it.

How the branch begins anew, and why other machines believe that, is told in `restart`.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from workflow import document
from workflow.config import Config
from workflow.errors import Exit, WorkflowError
from workflow.exchange import TASK_ID, Exchange
from workflow.layout import RESULT_SUFFIX
from workflow.sync import restart
from workflow.sync.branch import ENDED, View, view
from workflow.sync.bringing import Bringing
from workflow.sync.intake import refuse_broken
from workflow.sync.machine import Machine, this_machine
from workflow.sync.server import Server, Unreachable
from workflow.sync.sharing import FOLDER, PATIENCE

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Leaving:
    """What leaves the branch, or would."""

    tip: str | None
    """What the branch is at."""
    days: list[str]
    """Of ended/, oldest first."""
    kept: list[str]
    """Days that are old enough and stay: a task that is still open follows one that ended then."""
    place: str
    """The ref of the archive."""


def archive_branch(
    exchange: Exchange, config: Config, now: datetime, *, month: str | None, dry_run: bool
) -> Leaving:
    """Let the branch begin anew without what ended before the month of `now`, or in one month
    (YYYY-MM). All that ended is brought here first, so nothing has to be looked up there by us.

    The caller holds the sweep's lock. Raises WorkflowError `server_unreachable`, also where the
    server lets nobody force a branch; nothing was changed then.
    """
    refuse_broken(config)
    if config.sync is None:
        raise WorkflowError(
            "usage",
            "no other machine shares this exchange",
            hint="leave out --shared; or say `sync: {branch: site-tasks}` in workflow.yaml",
        )
    folder = exchange.path(FOLDER)
    server = Server(exchange.root, config.sync.remote, config.sync.branch, folder)
    server.check()
    bringing = Bringing(exchange, server, folder)
    try:
        return _archive(server, bringing, this_machine(folder), now, month, dry_run)
    except Unreachable as error:
        raise WorkflowError(
            "server_unreachable",
            f"the server {server.remote} could not be asked, or refused us: {error}",
            Exit.CONFLICT,
            hint="the branch must be one that may be forced (its protection on the server); "
            "else ask again",
            retryable=True,
        ) from error


def _archive(
    server: Server,
    bringing: Bringing,
    machine: Machine,
    now: datetime,
    month: str | None,
    dry_run: bool,
) -> Leaving:
    until = time.monotonic() + PATIENCE
    while True:
        tip = server.fetch()
        if tip is None:
            return Leaving(None, [], [], "")
        bringing.absorb(tip)
        leaving = _leaving(server, tip, now, month)
        if dry_run or not leaving.days:
            return leaving
        if _begin_anew(server, machine, tip, leaving):
            return leaving
        if time.monotonic() > until:
            raise Unreachable("others were quicker with every step")
        time.sleep(random.uniform(0, 0.2))


def _leaving(server: Server, tip: str, now: datetime, month: str | None) -> Leaving:
    there = sorted(day for day in server.folder(tip, ENDED) if _DAY.fullmatch(day))
    old = [day for day in there if day[:7] < f"{now:%Y-%m}" and day.startswith(month or "")]
    seen = view(server, tip, View())
    # Whoever takes a task that follows another looks there for the machine that ran that one.
    awaited = _followed((*seen.pending.values(), *seen.running.values()))
    names = {f"{task_id}{RESULT_SUFFIX}" for task_id in awaited}
    kept = [day for day in old if names and names & server.folder(tip, f"{ENDED}/{day}").keys()]
    days = [day for day in old if day not in kept]
    return Leaving(tip, days, kept, f"{server.archive_ref}/{now:%Y-%m-%d}-{tip[:10]}")


def _followed(tasks: Iterable[bytes]) -> set[str]:
    """The tasks that others follow."""
    found: set[str] = set()
    for raw in tasks:
        try:
            after = document.parse(raw).data.get("after")
        except document.InvalidDocument:
            continue  # refused by whoever takes it
        names = after if isinstance(after, list) else [after]
        found |= {name for name in names if isinstance(name, str) and TASK_ID.fullmatch(name)}
    return found


def _begin_anew(server: Server, machine: Machine, tip: str, leaving: Leaving) -> bool:
    """False if another step came first; then nothing was done."""
    message = (
        f"{machine.name}: began anew; what ended from {leaving.days[0]} to {leaving.days[-1]} lies "
        f"in {leaving.place}\n\nWorkflow-Step: {machine.id}\n{restart.told(tip, leaving.place)}\n"
    )
    gone: dict[str, bytes | None] = {f"{ENDED}/{day}": None for day in leaving.days}
    return server.begin_anew(tip, gone, message, machine.name, leaving.place)

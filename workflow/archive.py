"""Whole past months, out of the way: results by their day, tasks by the day of their result.

Each step is one rename and any of them may be the last before a crash: the next call goes on
where this one stopped. A task stays findable meanwhile, since results and tasks are looked for
in both places, and a link of results/latest/ leads somewhere at every instant.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from contextlib import suppress
from datetime import datetime

from workflow import durable, layout
from workflow.exchange import Exchange
from workflow.journal import Move

_GROUP = 500
"""Tasks whose moves share their syncs and their write to the journal."""


def archive(
    exchange: Exchange, now: datetime, *, month: str | None = None, dry_run: bool = False
) -> list[str]:
    """Move what ended in past months (or in `month`, YYYY-MM); returns the ids of the tasks.

    The month of `now`, which is UTC, always stays. Raises OSError if the disk is full, …: what was
    moved stays moved.
    """
    current = now.strftime("%Y-%m")
    if not dry_run:
        for day_folder in exchange.days():
            day = os.path.basename(day_folder)
            if day[:7] < current and (month is None or day.startswith(month)):
                _move_day(exchange, day_folder, day)
    due: dict[tuple[str, str], list[str]] = defaultdict(list)
    for state in ("completed", "failed"):
        for task_id in exchange.names(state):
            ended = _month_of(exchange, task_id, current)
            if ended is not None and ended < current and month in (None, ended):
                due[state, ended].append(task_id)
    if not dry_run:
        for (state, ended), ids in due.items():
            for start in range(0, len(ids), _GROUP):
                _move_tasks(exchange, state, ended, ids[start : start + _GROUP])
        _mend_latest(exchange)
    return sorted(task_id for ids in due.values() for task_id in ids)


def _month_of(exchange: Exchange, task_id: str, current: str) -> str | None:
    """The month in which a task ended; that of its id if that is later, or its result is gone.

    None if it can be told without a look at its result that it is too young.
    """
    named = task_id[:7] if layout.dated(task_id) else ""
    if named >= current:
        return None
    result = exchange.result(task_id, everywhere=True)
    ended = os.path.basename(os.path.dirname(result))[:7] if result is not None else ""
    # Never before the month of its id, where it would not be looked for: its clock was ahead.
    return max(named, ended) or None


def _move_tasks(exchange: Exchange, state: str, month: str, ids: list[str]) -> None:
    folder = exchange.path(layout.ARCHIVE, month, "tasks")
    durable.make_folder(folder)
    target = f"{layout.ARCHIVE}/{month}"
    with exchange.journal.written(Move(i, "archived", state, target) for i in ids) as said:
        durable.sync_all([said])
    for task_id in ids:
        source = exchange.task_path(state, task_id)
        durable.rename(source, os.path.join(folder, task_id + layout.SUFFIX))
    durable.sync_folders([folder, exchange.folder(state)])


def finish(exchange: Exchange) -> None:
    """Go on with the day that an archive was moving when it was killed, whatever the clock says
    now: until then the newest of its results lie in both places."""
    marker = exchange.path(layout.ARCHIVING)
    try:
        with open(marker, encoding="utf-8") as file:
            day = file.read()
    except FileNotFoundError:
        return
    folder = exchange.path(layout.RESULTS, day)
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", day) and os.path.isdir(folder):
        _move_day(exchange, folder, day)
    else:
        os.unlink(marker)


def _move_day(exchange: Exchange, day_folder: str, day: str) -> None:
    marker = exchange.path(layout.ARCHIVING)
    durable.create(marker, day.encode())
    home = exchange.path(layout.ARCHIVE, day[:7], "results")
    durable.make_folder(home)
    target = os.path.join(home, day)
    for name, file in _latest_of(exchange, day):
        # The link must lead somewhere while the folder moves: the result is in both for a moment.
        durable.make_folder(target)
        with suppress(FileExistsError, FileNotFoundError):
            os.link(os.path.join(day_folder, file), os.path.join(target, file))
        durable.sync_folders([target])
        exchange.link_latest(name, os.path.join(target, file))
    if not os.path.isdir(target):
        os.rename(day_folder, target)
    else:  # part of it is there: by the lines above, or by results that came late
        for name in os.listdir(day_folder):
            _move_entry(os.path.join(day_folder, name), os.path.join(target, name))
        durable.sync_folders([target])
        with suppress(OSError):
            os.rmdir(day_folder)
    durable.sync_folders([home, os.path.dirname(day_folder)])
    os.unlink(marker)


def _move_entry(source: str, target: str) -> None:
    if not os.path.lexists(target):
        os.rename(source, target)
    elif os.path.isdir(source) and os.path.isdir(target):
        for name in os.listdir(source):
            _move_entry(os.path.join(source, name), os.path.join(target, name))
        with suppress(OSError):
            os.rmdir(source)
    elif os.path.samefile(source, target):
        os.unlink(source)


def _latest_of(exchange: Exchange, day: str) -> list[tuple[str, str]]:
    """The links of results/latest/ that lead into a day: their names, and the files they name."""
    folder = exchange.path(layout.LATEST)
    found = []
    for name in os.listdir(folder):
        if name.endswith(layout.RESULT_SUFFIX):
            with suppress(OSError):
                leads_to = os.readlink(os.path.join(folder, name))
                if os.path.dirname(leads_to) == os.path.join(os.pardir, day):
                    plain = name.removesuffix(layout.RESULT_SUFFIX)
                    found.append((plain, os.path.basename(leads_to)))
    return found


def _mend_latest(exchange: Exchange) -> None:
    """Point the links of results/latest/ that now dangle at where their results went."""
    folder = exchange.path(layout.LATEST)
    for name in os.listdir(folder):
        link = os.path.join(folder, name)
        if os.path.islink(link) and not os.path.exists(link):
            file = os.path.basename(os.readlink(link))
            found = exchange.result(file.removesuffix(layout.RESULT_SUFFIX), everywhere=True)
            if found is None:
                os.unlink(link)
            else:
                exchange.link_latest(name.removesuffix(layout.RESULT_SUFFIX), found)

"""Whole past months, out of the way: results by their day, tasks by the day of their result.

Each step is one rename and any of them may be the last before a crash: the next call goes on
where this one stopped. A task stays findable meanwhile, since results and tasks are looked for
in both places.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime

from workflow import durable, layout
from workflow.exchange import Exchange


def archive(
    exchange: Exchange, now: datetime, *, month: str | None = None, dry_run: bool = False
) -> list[str]:
    """Move what ended in past months (or in `month`, YYYY-MM); returns the ids of the tasks.

    The month of `now`, which is UTC, always stays.
    """
    current = now.strftime("%Y-%m")
    moved = []
    for day_folder in exchange.days():
        day = os.path.basename(day_folder)
        if (month is None or day.startswith(month)) and day[:7] < current and not dry_run:
            _move_day(exchange, day_folder, day)
    for state in ("completed", "failed"):
        for task_id in exchange.names(state):
            ended = _month_of(exchange, task_id, current)
            if ended is None or ended >= current or (month is not None and ended != month):
                continue
            moved.append(task_id)
            if not dry_run:
                folder = exchange.path(layout.ARCHIVE, ended, "tasks")
                os.makedirs(folder, exist_ok=True)
                target = os.path.join(folder, task_id + layout.SUFFIX)
                durable.move(exchange.task_path(state, task_id), target)
    if not dry_run:
        _mend_latest(exchange)
    return sorted(moved)


def _month_of(exchange: Exchange, task_id: str, current: str) -> str | None:
    """The month in which a task ended; that of its id if its result was cleared away.

    None if it can be told without a look at its result that it is too young.
    """
    if layout.dated(task_id) and task_id[:7] >= current:
        return None
    result = exchange.result(task_id)
    if result is not None:
        return os.path.basename(os.path.dirname(result))[:7]
    return task_id[:7] if layout.dated(task_id) else None


def _move_day(exchange: Exchange, day_folder: str, day: str) -> None:
    home = exchange.path(layout.ARCHIVE, day[:7], "results")
    os.makedirs(home, exist_ok=True)
    target = os.path.join(home, day)
    if not os.path.isdir(target):
        os.rename(day_folder, target)
    else:  # part of it is there already: results that came late, after a clock was set back
        for name in os.listdir(day_folder):
            if not os.path.lexists(os.path.join(target, name)):
                os.rename(os.path.join(day_folder, name), os.path.join(target, name))
        with suppress(OSError):
            os.rmdir(day_folder)
    durable.sync_folder(home)
    durable.sync_folder(os.path.dirname(day_folder))


def _mend_latest(exchange: Exchange) -> None:
    """Point the links of results/latest/ that now dangle at where their results went."""
    folder = exchange.path(layout.LATEST)
    for name in os.listdir(folder):
        link = os.path.join(folder, name)
        if os.path.islink(link) and not os.path.exists(link):
            file = os.path.basename(os.readlink(link))
            found = exchange.result(file.removesuffix(layout.RESULT_SUFFIX))
            if found is None:
                os.unlink(link)
            else:
                exchange.link_latest(name.removesuffix(layout.RESULT_SUFFIX), found)

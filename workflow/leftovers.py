"""What writers that died have left behind, and what was put aside to be removed at leisure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from workflow import durable, layout, plans
from workflow.exchange import Exchange


def remove_leftovers(exchange: Exchange) -> int:
    """Remove the temporary files of writers that died; returns their number."""
    removed = 0
    # Submitters may write in pending alone; all else is written aside in .workflow/.
    names = (layout.PENDING, layout.STAGED, layout.LATEST, layout.RUNTIME, layout.CACHE)
    for folder in (*map(exchange.path, names), *_of_handlers(exchange)):
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if not (name.startswith(".") and name.endswith(durable.TEMPORARY)):
                continue
            if os.path.islink(path):  # of results/latest/: derived, and set again by the next
                os.unlink(path)
                removed += 1
            else:
                removed += durable.remove_if_abandoned(path)
    return removed + _of_ended_tasks(exchange)


def _of_handlers(exchange: Exchange) -> Iterator[str]:
    """The folders in which handlers keep what they know; they hold a few files each."""
    for name in (layout.BUILDS, layout.DEPLOYS, layout.RELEASES):
        for folder, _, _ in os.walk(exchange.path(name)):
            yield folder


def _of_ended_tasks(exchange: Exchange) -> int:
    """Remove leases, plans, … and empty run folders of tasks that have ended, or are not there."""
    removed = 0
    leases = [name.removesuffix(".json") for name in os.listdir(exchange.path(layout.LEASES))]
    planned = plans.planned_ids(exchange)
    for task_id in {*leases, *planned, *os.listdir(exchange.path(layout.RUNS))}:
        states = ("pending", "waiting", "in-progress")
        if any(os.path.lexists(exchange.task_path(state, task_id)) for state in states):
            continue
        lease = exchange.lease(task_id)
        if lease is not None:
            exchange.clear_run(task_id)
            plans.forget(exchange, task_id)
            lease.release(remove=True)
            removed += 1
    return removed


def empty_trash(exchange: Exchange) -> None:
    """Remove the folders that were put aside because removing them takes long."""
    folder = exchange.path(layout.TRASH)
    for name in os.listdir(folder):
        shutil.rmtree(os.path.join(folder, name), ignore_errors=True)

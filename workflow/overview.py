"""What the commands say of tasks: where each is, how it ended, what it waits for."""

from __future__ import annotations

import heapq
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from workflow import document, layout
from workflow.errors import Exit, WorkflowError, nearest
from workflow.exchange import Exchange, Found
from workflow.lease import read_record
from workflow.result import read_result, verdict_of

if TYPE_CHECKING:
    from workflow.config import Config
    from workflow.handler import Planned

ENDED = ("completed", "failed", "archived")


def resolve(exchange: Exchange, written: str) -> Found:
    """The task that `written` means: an id, a unique beginning of one, or `latest`.

    Raises WorkflowError `no_such_task` or `ambiguous_id`.
    """
    task_id = written.removesuffix(layout.SUFFIX)
    if task_id == "latest":
        newest = exchange.newest_result()
        if newest is None:
            raise WorkflowError(
                "no_such_task", "no task has ended yet", Exit.NO_SUCH_TASK, hint="workflow list"
            )
        task_id = os.path.basename(newest).removesuffix(layout.RESULT_SUFFIX)
    found = exchange.find(task_id, everywhere=True) if task_id and "/" not in task_id else None
    if found is not None:
        return found
    matching = exchange.matching(task_id) if task_id else []
    if len(matching) == 1 and (found := exchange.find(matching[0])):
        return found
    if matching:
        raise WorkflowError(
            "ambiguous_id",
            f"{written!r} is the beginning of {len(matching)} ids",
            hint="give more of it: " + ", ".join(matching[:5]),
        )
    known = [task_id for task_id, _ in newest_ids(exchange, layout.STATE_FOLDERS, 50)]
    raise WorkflowError(
        "no_such_task",
        f"there is no task {written!r}",
        Exit.NO_SUCH_TASK,
        hint="see `workflow list`",
        did_you_mean=nearest(written, known),
    )


def newest_ids(
    exchange: Exchange, states: Iterable[str], limit: int | None
) -> list[tuple[str, str]]:
    """Ids with their states, newest first; all for the limit None.

    An id's date tells its minute, so only files of the last minute that counts are looked at.
    """

    def minute(entry: tuple[str, str]) -> str:
        return entry[0][:15] if layout.dated(entry[0]) else _changed(exchange, *entry)[:15]

    everything = [
        (name, state)
        for state in states
        for name in (exchange.names(state) if limit is None else exchange.newest(state, limit))
    ]
    if limit is not None and limit < len(everything):
        oldest = min(map(minute, heapq.nlargest(limit, everything, key=minute)))
        everything = [entry for entry in everything if minute(entry) >= oldest]
    ordered = sorted(
        everything, key=lambda entry: (minute(entry), _changed(exchange, *entry)), reverse=True
    )
    return ordered[:limit]


def _changed(exchange: Exchange, task_id: str, state: str) -> str:
    """When a task file last changed, in the form of an id's date; then to the nanosecond."""
    try:
        changed = os.lstat(exchange.task_path(state, task_id)).st_mtime_ns
    except FileNotFoundError:
        return ""
    moment = datetime.fromtimestamp(changed // 10**9, UTC)
    return f"{moment:%Y-%m-%d-%H%M}-{moment:%S}.{changed % 10**9:09}"


def overview(exchange: Exchange, found: Found) -> dict[str, Any]:
    """One task in a few keys: `status` is how it ended, or else the state that it is in."""
    told: dict[str, Any] = {"task_id": found.task_id, "state": found.state, "status": found.state}
    if found.state in ENDED:
        path = exchange.result(found.task_id, everywhere=True)
        if path is None:
            told["summary"] = "its result was cleared away"
            return told | _of_file(found)
        try:
            result = read_result(path)
        except (document.InvalidDocument, OSError) as error:
            return told | {"summary": f"its result cannot be read: {error}", "result": path}
        verification = result.get("verification") or {}
        failure = result.get("error") or {}
        return told | {
            "task_type": result.get("task_type"),
            "environment": result.get("environment"),
            "status": result.get("status"),
            "verdict": verification.get("verdict"),
            "summary": verdict_of(str(result.get("body", ""))),
            "completed_at": result.get("completed_at"),
            "duration_seconds": result.get("duration_seconds"),
            "error_code": failure.get("code"),
            "action": failure.get("action"),
            "result": os.path.relpath(path, exchange.root),
        }
    told |= _of_file(found)
    if found.state == "in-progress":
        told |= _of_lease(exchange, found.task_id)
    return told


def _of_lease(exchange: Exchange, task_id: str) -> dict[str, Any]:
    """Who runs a task, since when, and when it last gave a sign of life."""
    record = read_record(exchange.read_lease(task_id))
    told: dict[str, Any] = {"host": record.host, "pid": record.pid, "deadline": record.deadline}
    if record.running is not None:
        told |= {"attempt": record.running.number, "started_at": record.running.started_at}
        told["sweep_lives"] = record.sweep_lives()
    with suppress(FileNotFoundError):
        beat = os.stat(exchange.lease_path(task_id)).st_mtime
        told["last_sign_of_life_seconds"] = round(max(0.0, time.time() - beat), 1)
    return told


def _of_file(found: Found) -> dict[str, Any]:
    """What a task file says of itself; little, if it cannot be read."""
    try:
        data = document.parse(document.read_regular(found.path)).data
    except (document.InvalidDocument, OSError):
        return {"task_type": None, "environment": None}
    params = data.get("params")
    return {
        "task_type": data.get("task_type"),
        "environment": params.get("environment") if isinstance(params, dict) else None,
        "created_at": data.get("created_at"),
        "chain": data.get("chain"),
    }


def waits_for(exchange: Exchange, config: Config, found: Found) -> tuple[str, str] | None:
    """What a parked or pending task waits for (`approval`, `task`, `time`, `sweep`) and why."""
    from workflow.admission import Parked, admit
    from workflow.task import InvalidTask, load_task

    try:
        task, _ = load_task(found.path, found.task_id, config)
    except (InvalidTask, FileNotFoundError):
        return None
    parked = admit(task, exchange, config, datetime.now(UTC))
    if isinstance(parked, Parked):
        return parked.waits_for, parked.reason
    return "sweep", "runs at the next sweep"


def approval_steps(task_id: str, planned: Planned | None) -> list[tuple[str, str]]:
    """What to do about a task that waits for approval: commands, and why."""
    from workflow.approval import approve_command

    steps = [(f"workflow plan {task_id}", "see what it is about to do")]
    if planned is not None:
        steps.append((approve_command(task_id, planned), "a person agrees to exactly that"))
    return steps


def approval_next(exchange: Exchange, task_id: str) -> list[tuple[str, str]]:
    """The same for a task of which no more is known than that it waits."""
    from workflow.plans import read_plan

    stored = read_plan(exchange, task_id)
    return approval_steps(task_id, stored.planned if stored is not None else None)


def select(
    exchange: Exchange,
    states: Iterable[str],
    *,
    limit: int,
    task_type: str | None = None,
    environment: str | None = None,
) -> Iterator[dict[str, Any]]:
    """The newest tasks that fit, opening no more files than needed."""
    unfiltered = task_type is None and environment is None
    given = 0
    for task_id, state in newest_ids(exchange, states, limit if unfiltered else None):
        if given == limit:
            return
        found = Found(task_id, state, exchange.task_path(state, task_id))
        with suppress(FileNotFoundError):
            told = overview(exchange, found)
            if task_type not in (None, told.get("task_type")):
                continue
            if environment not in (None, told.get("environment")):
                continue
            given += 1
            yield told


def silence(exchange: Exchange) -> float | None:
    """Seconds since a sweep last gave a sign of life; None if none ever did."""
    last = exchange.last_sweep()
    return None if last is None else max(0.0, time.time() - last)


def sweeper_warning(exchange: Exchange, config: Config) -> str | None:
    """What to say if no timer seems to start sweeps; None if one does."""
    quiet = silence(exchange)
    if quiet is not None and quiet < config.policies.sweeper_stale_seconds:
        return None
    told = "no sweep has run here yet" if quiet is None else f"the last sweep ran {ago(quiet)} ago"
    return f"{told}: run `workflow sweep`, or install the timer"


def ago(seconds: float) -> str:
    """`2 s`, `3 m`, `5 h`, `4 d`."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def since(moment: str | None) -> str:
    """How long ago a time of ours was; empty for none."""
    try:
        then = datetime.fromisoformat(moment or "")
    except ValueError:
        return ""
    return ago(max(0.0, (datetime.now(UTC) - then).total_seconds()))

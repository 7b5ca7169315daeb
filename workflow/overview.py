"""What the commands say of tasks: where each is, how it ended, what it waits for."""

from __future__ import annotations

import heapq
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

    `latest` is the one that was submitted last, whatever has become of it since.

    Raises WorkflowError `no_such_task` or `ambiguous_id`.
    """
    task_id = written.removesuffix(layout.SUFFIX)
    if task_id == "latest":
        task_id = _latest(exchange)
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


def _latest(exchange: Exchange) -> str:
    # RACE: a task that goes back to wait between our looks at two folders walks against their
    # order; the second look at waiting finds it.
    states = (*layout.STATE_FOLDERS, "waiting")
    everything = {name: state for state in states for name in exchange.newest(state, 1)}
    if everything:
        return submitted_last(exchange, everything)
    archived = exchange.newest_result()
    if archived is None:
        raise WorkflowError(
            "no_such_task",
            "there is no task yet",
            Exit.NO_SUCH_TASK,
            hint="see `workflow types` for what can be submitted",
        )
    return os.path.basename(archived).removesuffix(layout.RESULT_SUFFIX)


def submitted_last(exchange: Exchange, states: Mapping[str, str]) -> str:
    """Of tasks, given with their states, the one that was submitted last.

    Only those of the last minute are read. Not by the files' own times alone: a task that ends
    changes its file, and must not pass for newer than what was submitted meanwhile.
    """
    minutes = {entry[0]: _minute(exchange, entry) for entry in states.items()}
    last = max(minutes.values())
    candidates = [task_id for task_id, minute in minutes.items() if minute == last]
    if len(candidates) == 1:
        return candidates[0]
    said = {
        task_id: _of_file(
            Found(task_id, states[task_id], exchange.task_path(states[task_id], task_id))
        )
        for task_id in candidates
    }
    followed = {str(before) for told in said.values() for before in told.get("after") or ()}

    def submitted(task_id: str) -> tuple[str, bool, str]:
        changed = _changed(exchange, task_id, states[task_id])
        created = _in_ids(str(said[task_id].get("created_at") or ""))
        # A copied file may carry somebody else's time.
        second = created if created[:15] == last else changed[:18]
        return second, task_id not in followed, changed

    return max(candidates, key=submitted)


def newest_ids(
    exchange: Exchange, states: Iterable[str], limit: int | None
) -> list[tuple[str, str]]:
    """Ids with their states, newest first; all for the limit None.

    An id's date tells its minute, so only files of the last minute that counts are looked at.
    """

    def minute(entry: tuple[str, str]) -> str:
        return _minute(exchange, entry)

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


def _minute(exchange: Exchange, entry: tuple[str, str]) -> str:
    """The minute of an id; for one without a date, that in which its file last changed."""
    return entry[0][:15] if layout.dated(entry[0]) else _changed(exchange, *entry)[:15]


def _in_ids(moment: str) -> str:
    """A UTC time in the form of an id's date, with its second; empty for what is none."""
    try:
        then = datetime.fromisoformat(moment)
    except ValueError:
        return ""
    then = then.replace(tzinfo=UTC) if then.tzinfo is None else then.astimezone(UTC)
    return f"{then:%Y-%m-%d-%H%M-%S}"


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
        before = (result.get("outputs") or {}).get("failed_task")
        if before is not None and failure.get("code") == "predecessor_failed":
            told["failed_task"] = before
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


def after_of(found: Found) -> list[str]:
    """The tasks after which one is to run, as its file says."""
    after = _of_file(found).get("after")
    return [str(before) for before in after] if isinstance(after, list) else []


def summaries(tasks: Sequence[Mapping[str, Any]]) -> list[str]:
    """What came of each, for a list of them all: whose reason stands there with another task, does
    not repeat it."""
    listed = {task["task_id"] for task in tasks}
    return [
        f"not run, as {task['failed_task']} did not succeed"
        if task.get("failed_task") in listed
        else str(task.get("summary") or "")
        for task in tasks
    ]


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
        "after": data.get("after"),
    }


def waits_for(exchange: Exchange, config: Config, found: Found) -> tuple[str, str] | None:
    """What keeps a task from its end (`approval`, `task`, `time`, `sweep`, `running`) and why.

    None for a file that is no task.
    """
    from workflow.admission import Parked, admit
    from workflow.task import InvalidTask, load_task

    if found.state == "in-progress":
        return "running", _how_it_runs(exchange, found.task_id)
    try:
        task, _ = load_task(found.path, found.task_id, config)
    except (InvalidTask, FileNotFoundError):
        return None
    parked = admit(task, exchange, config, datetime.now(UTC))
    if isinstance(parked, Parked):
        return parked.waits_for, parked.reason
    if config.sync is not None:
        return "sweep", f"in the branch {config.sync.branch}: runs where a machine takes it"
    failed = read_record(exchange.read_lease(found.task_id)).why
    return (
        "sweep",
        f"{failed} Tried again at the next sweep." if failed else "runs at the next sweep",
    )


def _how_it_runs(exchange: Exchange, task_id: str) -> str:
    from workflow.approval import read_approval

    record = read_record(exchange.read_lease(task_id))
    given = read_approval(exchange, task_id)
    agreed = record.spent_approval or (given is not None and given.is_live())
    said = "approved, running" if agreed else "running"
    if record.running is None:
        return said
    said += f": attempt {record.running.number} since {record.running.started_at}"
    return said if record.sweep_lives() else f"{said}; its sweep is gone: the next one sees to it"


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
    return f"{told}: a person has to install the timer (`workflow service install`)"


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

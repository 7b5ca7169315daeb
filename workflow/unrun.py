"""Results of tasks that no handler brought to an end: refused, never run, cut off."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from workflow import durable, figures, layout
from workflow.errors import Problem, Status, TaskError
from workflow.exchange import TASK_ID, Exchange
from workflow.lease import Record
from workflow.result import Attempt, Result, clean, hostname, live_now, utc
from workflow.task import InvalidTask, Task

OUTPUTS_SO_FAR = "outputs-so-far.json"
"""In the folder of a run: what its attempt has noted, for the case that it is cut off."""


def safe_id(name: str) -> str:
    """An id that says as much of a file's name as an id can hold."""
    if TASK_ID.fullmatch(name):
        return name
    mark = hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:80].strip("-._") or "unnamed"
    return f"{readable}-{mark}"


def _names_no_key(error: InvalidTask) -> bool:
    return error.code == "invalid_task" and bool(error.problems[0].key)


def refused_result(task_id: str, name: str, file_digest: str | None, error: InvalidTask) -> Result:
    """The result of a file that was no task: what is wrong, where, and how to mend it.

    `file_digest`: SHA-256 of its bytes, if it is a plain file at all.
    """
    now = utc(datetime.now(UTC))
    first = error.problems[0]
    file = f"{name}{layout.SUFFIX}"
    # Most say what is wrong with a key, and leave it to others to name the key.
    message = f"{first.key}: {first.message}" if _names_no_key(error) else first.message
    said = TaskError(
        code=error.code,
        category="task_file",
        message=message,
        action="fix",
        file=file,
        line=first.line,
        column=first.column,
        hint=first.hint or _meant(first) or f"see `{error.help}`",
    )
    problems = [problem.sentence() for problem in error.problems]
    place = f" at line {first.line}" if first.line else ""
    return Result(
        task_id=task_id,
        task_type=None,
        status="failed",
        verdict=f"The task file {file} cannot be run: {message}{place}.",
        started_at=now,
        completed_at=now,
        duration_seconds=0.0,
        worker_id=f"sweep-{hostname()}",
        outputs={"file": file, "sha256": file_digest, "problems": problems},
        error=said,
        summary="\n".join(f"- {line}" for line in problems),
        next_steps=[
            f"Mend tasks/failed/{task_id}{layout.SUFFIX} and check it with `workflow validate`",
            "Then put it into tasks/pending/ under a new name",
        ],
    )


def _meant(problem: Problem) -> str | None:
    return f"did you mean {' or '.join(problem.did_you_mean)}?" if problem.did_you_mean else None


def cancelled(task_id: str) -> TaskError:
    """Why a task was not run that somebody cancelled."""
    return TaskError(
        code="cancelled",
        category="decision",
        message="it was cancelled before it ran",
        action="escalate",
        hint=f"submit it again with `workflow retry {task_id}`",
    )


def rejected(task_id: str, by: str, reason: str | None) -> TaskError:
    """Why a task was not run that somebody said no to."""
    return TaskError(
        code="rejected",
        category="decision",
        message=f"it was rejected by {by}" + (f": {reason}" if reason else ""),
        action="escalate",
        hint=f"mend what was said, then submit it again with `workflow retry {task_id}`",
    )


def unrun_result(
    task: Task,
    error: TaskError,
    attempts: Sequence[Attempt] = (),
    status: Status = "cancelled",
    *,
    outputs: Mapping[str, Any] | None = None,
    next_steps: Sequence[str] = (),
) -> Result:
    """The result of a task that was never started, or not once more after these attempts."""
    now = utc(datetime.now(UTC))
    return Result(
        task_id=task.task_id,
        task_type=task.kind.name,
        status=status,
        verdict=f"{task.kind.name} was not run: {error.message}.",
        started_at=now,
        completed_at=now,
        duration_seconds=0.0,
        worker_id=task.worker_id,
        environment=task.environment,
        outputs=outputs or {},
        error=error,
        attempts=attempts,
        warnings=task.warnings,
        next_steps=next_steps,
    )


def note_outputs(exchange: Exchange, task_id: str, outputs: Mapping[str, Any]) -> None:
    """Keep durably what an attempt has done so far. Raises OSError."""
    durable.make_folder(exchange.run_folder(task_id))
    raw = json.dumps(clean(dict(outputs)), indent=1).encode() + b"\n"
    path = os.path.join(exchange.run_folder(task_id), OUTPUTS_SO_FAR)
    durable.replace(path, raw, aside=exchange.staged)


def _noted_outputs(exchange: Exchange, task_id: str) -> dict[str, Any]:
    try:
        with open(os.path.join(exchange.run_folder(task_id), OUTPUTS_SO_FAR), "rb") as file:
            said = json.load(file)
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def outputs_so_far(exchange: Exchange, task_id: str, record: Record) -> dict[str, Any]:
    """What is known of an attempt that was cut off: what it noted, and who had agreed to it."""
    agreed = {} if record.agreed is None else {"approval": dict(record.agreed)}
    return {**_noted_outputs(exchange, task_id), **agreed}


def interrupted_result(
    task: Task, attempts: Sequence[Attempt], outputs: Mapping[str, Any] | None = None
) -> Result:
    """The result of a task whose last attempt was cut off, and that is not tried again.

    `outputs`: what is known of it, see `outputs_so_far`.
    """
    known = outputs or {}
    live, again = known.get("live"), f"`workflow retry {task.task_id}`"
    if isinstance(known.get("next_step"), str):  # what the handler said before its last step
        hint = known["next_step"]
        steps = [f"Find out whether it was done: {hint}", f"Then, if it was not: {again}"]
    elif live is None:
        hint = "see the log for how far it came, then decide whether to submit it again"
        steps = [f"Read how far it came: `workflow logs {task.task_id}`"]
    elif live == "unknown":
        hint = "what it did before is its own affair: look at the site, then decide"
        steps = [
            f"Read how far it came: `workflow logs {task.task_id}`",
            f"Look at {known.get('site_url') or 'the site'}, then run it again if that is right: "
            f"{again}",
        ]
    else:
        hint = "another deploy compares with what is there, and completes it"
        steps = [f"Complete it: {again}"]
    error = TaskError(
        code="interrupted",
        category="crash",
        message=f"attempt {len(attempts)} was cut off before it could report",
        action="escalate",
        hint=hint,
    )
    now = utc(datetime.now(UTC))
    return Result(
        task_id=task.task_id,
        task_type=task.kind.name,
        status="failed",
        verdict=f"{task.kind.name} was interrupted: {error.message}{_sent(known)}"
        f"{live_now(known)}.",
        started_at=attempts[0].started_at if attempts else now,
        completed_at=now,
        duration_seconds=0.0,
        worker_id=task.worker_id,
        environment=task.environment,
        outputs=known,
        error=error,
        attempts=attempts,
        next_steps=steps,
    )


def _sent(outputs: Mapping[str, Any]) -> str:
    """How far a deploy came; empty where that was not noted."""
    sent = outputs.get("uploaded_files")
    if not isinstance(sent, int) or not sent:
        return ""
    return f", when {figures.counted(sent, 'file')} or more had been sent"

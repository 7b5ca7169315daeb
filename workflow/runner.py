"""One attempt at one task: the handler in, what came of it out. Moves no files."""

from __future__ import annotations

import errno
import os
import time
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workflow import expectations
from workflow.attempt import Attempting, Limits
from workflow.errors import Action, TaskError, TaskFailed, WorkflowError
from workflow.handler import AwaitsApproval, Context, Outcome
from workflow.handlers import NEEDS_A_BUILD, OF_THE_BUILD, publish_anew
from workflow.result import LOG_TAIL_BYTES, Attempt, Result, live_now, utc
from workflow.task import Task


def run_attempt(task: Task, attempting: Attempting) -> Result | AwaitsApproval:
    """Run the task's handler once. Whatever happens in there, a Result comes back.

    AwaitsApproval comes back if it has done nothing, and may only go on once somebody agrees. Only
    KeyboardInterrupt passes through: that is meant for the sweep.
    """
    started = datetime.now(UTC)
    clock = time.monotonic()
    limits = Limits(task, attempting, clock + task.timeout_seconds)
    came = _execute(task, attempting, limits)
    if isinstance(came, AwaitsApproval):
        return came
    outcome, failure = came
    seconds = time.monotonic() - clock
    status = "success" if failure is None else failure.status
    outputs = outcome.outputs if failure is None else failure.outputs
    told = outcome.summary if failure is None else failure.summary
    if limits.agreed is not None:
        outputs = {**outputs, "approval": limits.agreed}
    if failure is not None and limits.agreed is None:
        failure.error = attempting.outdated(failure.error)
    error = None if failure is None else failure.error
    verification = expectations.verify(
        status,
        {"duration_seconds": round(seconds, 3), **outputs},
        [] if outcome.rehearsal else task.expected,
        task.kind.proceed,
    )
    attempt = Attempt(
        attempting.number,
        utc(started),
        status,
        round(seconds, 3),
        error.code if error else None,
        attempting.worker_id,
    )
    printed = _tail(attempting.log)
    first = attempting.earlier[0].started_at if attempting.earlier else attempt.started_at
    return Result(
        task_id=task.task_id,
        task_type=task.kind.name,
        status=status,
        verdict=outcome.verdict if failure is None else _sentence(task, failure),
        started_at=first,
        completed_at=utc(datetime.now(UTC)),
        duration_seconds=seconds,
        worker_id=attempting.worker_id,
        environment=task.environment,
        outputs=outputs,
        error=error,
        verification=verification,
        attempts=[*attempting.earlier, attempt],
        warnings=task.warnings,
        summary=f"{told}{_who_agreed(limits.agreed or {})}".strip(),
        statistics=outcome.statistics,
        next_steps=outcome.next_steps or _next_steps(task, failure, printed=bool(printed)),
        logs=printed,
    )


def _execute(
    task: Task, attempting: Attempting, limits: Limits
) -> tuple[Outcome, TaskFailed | None] | AwaitsApproval:
    """The one ladder from what a handler may raise to how the attempt ended."""
    nothing = Outcome(outputs={}, verdict="")
    noted: dict[str, Any] = {}

    def record(outputs: Mapping[str, Any]) -> None:
        noted.update(outputs)
        attempting.record(noted)

    def failed(error: TaskError) -> tuple[Outcome, TaskFailed]:
        return nothing, TaskFailed(error, outputs=noted)

    context = Context(
        task_id=task.task_id,
        task_type=task.kind.name,
        params=task.params,
        config=attempting.config,
        attempt=attempting.number,
        make_folder=attempting.make_folder,
        run_program=limits.run_program,
        say=attempting.say,
        approve=limits.approve,
        planning=attempting.planning,
        record=record,
        check=limits.check,
    )
    try:
        if attempting.ask is not None:
            limits.approve(attempting.ask)
        return _sound(task.handler.run(context)), None
    except AwaitsApproval as waits:
        # One of the handler's own making would have nothing that anybody could agree to.
        return waits if waits is limits.waits else failed(_defect(task, attempting, waits))
    except TaskFailed as failure:
        return nothing, failure
    except WorkflowError as error:
        action: Action = "fix" if error.code.startswith("no_such") else "escalate"
        return failed(
            TaskError(error.code, error.message, action, "configuration", hint=error.hint)
        )
    except OSError as error:
        return failed(_os_error(error))
    except (Exception, SystemExit) as error:  # a library of a handler's may mean to leave
        return failed(_defect(task, attempting, error))


def _sound(came: Any) -> Outcome:
    """What a handler gave back, if it is of the shape that all else relies on.

    Raises TypeError: other packages bring handlers too, and no type checker has seen those.
    """
    if not isinstance(came, Outcome):
        raise TypeError(f"run gave back {type(came).__name__}, and has to give an Outcome")
    for name, kind in (("outputs", Mapping), ("statistics", Mapping), ("next_steps", Sequence)):
        given = getattr(came, name)
        if not isinstance(given, kind) or isinstance(given, str):
            wanted = kind.__name__.lower()
            raise TypeError(f"Outcome.{name} is a {type(given).__name__}, and has to be a {wanted}")
    for name in ("verdict", "summary"):
        if not isinstance(getattr(came, name), str):
            found = type(getattr(came, name)).__name__
            raise TypeError(f"Outcome.{name} is a {found}, and has to be a str")
    return came


def _defect(task: Task, attempting: Attempting, error: BaseException) -> TaskError:
    attempting.make_folder()
    with attempting.log.open("a", encoding="utf-8") as file:
        file.write("".join(traceback.format_exception(error)))
    return TaskError(
        code="handler_defect",
        category="defect",
        message=f"the handler of {task.kind.name} broke: {type(error).__name__}: {error}",
        action="escalate",
        hint=f"report it with the traceback in {attempting.log.name}",
    )


def _os_error(error: OSError) -> TaskError:
    where = f": {error.filename}" if error.filename else ""
    message = f"{error.strerror or error}{where}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return TaskError(
            "disk_full",
            message,
            "escalate",
            "environment",
            hint="free some space on that disk, then submit the task again",
        )
    if isinstance(error, PermissionError):
        return TaskError(
            "permission_denied",
            message,
            "escalate",
            "environment",
            hint="give the user who runs the sweep the right to it",
        )
    return TaskError(
        "system_error",
        message,
        "escalate",
        "environment",
        hint="see `workflow doctor`, then submit the task again",
    )


def _who_agreed(how: Mapping[str, Any]) -> str:
    """A paragraph for people; nothing where nobody had to agree."""
    if how.get("way") == "waived":
        return f"\n\nNobody had to approve it: {how['reason']}."
    if "by" not in how:
        return ""
    said = f"\n\n{how['way'].capitalize()} by {how['by']} ({how['through']})"
    return f"{said} at {how['at']}." if "at" in how else f"{said}."


def _sentence(task: Task, failure: TaskFailed) -> str:
    what = {"timeout": "ran out of time", "cancelled": "was cancelled"}
    where = failure.error.place_beside() if failure.error.file else ""
    place = f" ({where})" if where else ""
    ended = what.get(failure.status, "failed")
    message = failure.error.message.rstrip(".")
    return f"{task.kind.name} {ended}: {message}{place}{live_now(failure.outputs)}."


def _next_steps(task: Task, failure: TaskFailed | None, *, printed: bool) -> list[str]:
    if failure is None:
        return [f"Check it: `workflow verify {task.task_id}`"]
    environment = task.environment
    if failure.error.code in NEEDS_A_BUILD and environment:
        is_ready = failure.error.code in OF_THE_BUILD
        how = "Build it anew" if is_ready else "Mend what is said above, then build it anew"
        return [f"{how} and publish that: `{publish_anew(environment)}`"]
    steps = [f"Read all that it printed: `workflow logs {task.task_id}`"] if printed else []
    again = f"`workflow retry {task.task_id}`"
    if failure.error.action == "fix":
        steps.insert(0, f"Mend what is said above, then {again}")
    else:
        steps.append(f"Once the cause is gone: {again}")
    return steps


def _tail(log: Path) -> str:
    """The end of what the attempt printed, as far as it may stand in the result."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            size = file.tell()
            file.seek(max(0, size - 4 * LOG_TAIL_BYTES))
            raw = file.read()
    except FileNotFoundError:
        return ""
    return raw.decode("utf-8", "backslashreplace")

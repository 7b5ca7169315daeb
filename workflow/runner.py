"""One attempt at one task: the handler in, what came of it out. Moves no files."""

from __future__ import annotations

import errno
import os
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workflow import expectations
from workflow.config import Config
from workflow.errors import Action, TaskError, TaskFailed, WorkflowError
from workflow.handler import AwaitsApproval, Context, Outcome, Planned, approve_nothing
from workflow.process import Cancel, Finished, ProgramNotFound
from workflow.process import run as run_process
from workflow.result import LOG_TAIL_BYTES, Attempt, Result, utc
from workflow.task import Task


@dataclass(frozen=True)
class Attempting:
    """Where and under which limits an attempt runs."""

    number: int
    folder: Path
    """Of its logs; made when something is put there."""
    worker_id: str
    config: Config
    cancel: Cancel
    lease: int | None = None
    """Descriptor that the attempt's programs inherit, so that their lives hold the lease."""
    runs_program: Callable[[int], None] = lambda _: None
    """Told the process group of each program that is started."""
    earlier: Sequence[Attempt] = ()
    say: Callable[[str], None] = lambda _: None
    approve: Callable[[Planned], dict[str, Any]] = approve_nothing
    """Passes the task's point of no return, as `Context.approve` says."""
    record: Callable[[Mapping[str, Any]], None] = lambda _: None
    ask: Planned | None = None
    """What somebody has to agree to before the handler is called at all."""

    def make_folder(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder

    @property
    def log(self) -> Path:
        return self.folder / f"attempt-{self.number}.log"


def run_attempt(task: Task, attempting: Attempting) -> Result | AwaitsApproval:
    """Run the task's handler once. Whatever happens in there, a Result comes back.

    AwaitsApproval comes back if it has done nothing, and may only go on once somebody agrees. Only
    KeyboardInterrupt and SystemExit pass through: those are meant for the sweep.
    """
    started = datetime.now(UTC)
    clock = time.monotonic()
    limits = _Limits(task, attempting, clock + task.timeout_seconds)
    came = _execute(task, attempting, limits)
    if isinstance(came, AwaitsApproval):
        return came
    outcome, failure = came
    seconds = time.monotonic() - clock
    status = "success" if failure is None else failure.status
    outputs = outcome.outputs if failure is None else failure.outputs
    if limits.agreed is not None:
        outputs = {**outputs, "approval": limits.agreed}
    error = None if failure is None else failure.error
    verification = expectations.verify(
        status, {"duration_seconds": round(seconds, 3), **outputs}, task.expected, task.kind.proceed
    )
    attempt = Attempt(
        attempting.number,
        utc(started),
        status,
        round(seconds, 3),
        error.code if error else None,
        attempting.worker_id,
    )
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
        summary=f"{outcome.summary}{_who_agreed(limits.agreed or {})}".strip(),
        statistics=outcome.statistics,
        next_steps=outcome.next_steps or _next_steps(task, failure),
        logs=_tail(attempting.log),
    )


def _execute(
    task: Task, attempting: Attempting, limits: _Limits
) -> tuple[Outcome, TaskFailed | None] | AwaitsApproval:
    """The one ladder from what a handler may raise to how the attempt ended."""
    nothing = Outcome(outputs={}, verdict="")
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
        record=attempting.record,
        check=limits.check,
    )
    try:
        if attempting.ask is not None:
            limits.approve(attempting.ask)
        return task.handler.run(context), None
    except AwaitsApproval as waits:
        return waits
    except TaskFailed as failure:
        return nothing, failure
    except WorkflowError as error:
        action: Action = "fix" if error.code.startswith("no_such") else "escalate"
        return nothing, TaskFailed(
            TaskError(error.code, error.message, action, "configuration", hint=error.hint)
        )
    except OSError as error:
        return nothing, TaskFailed(_os_error(error))
    except Exception as error:
        attempting.make_folder()
        _append(attempting.log, traceback.format_exc())
        return nothing, TaskFailed(
            TaskError(
                code="handler_defect",
                category="defect",
                message=f"the handler of {task.kind.name} broke: {type(error).__name__}: {error}",
                action="escalate",
                hint=f"report it with the traceback in {attempting.log.name}",
            )
        )


class _Limits:
    """What bounds one attempt: one log, one deadline, one way to be cancelled, one agreement."""

    def __init__(self, task: Task, attempting: Attempting, deadline: float) -> None:
        self.task = task
        self.attempting = attempting
        self.deadline = deadline
        self.agreed: dict[str, Any] | None = None

    def approve(self, planned: Planned) -> dict[str, Any]:
        self.check()
        if self.agreed is not None:
            raise RuntimeError("an attempt has one point of no return, and passed it before")
        self.agreed = self.attempting.approve(planned)
        return self.agreed

    def check(self) -> None:
        if self.attempting.cancel.is_set():
            raise self._cancelled(self.task.kind.name)
        if time.monotonic() > self.deadline:
            raise self._timeout(self.task.kind.name)

    def run_program(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Finished:
        attempting = self.attempting
        program = os.path.basename(argv[0])
        attempting.make_folder()
        try:
            finished = run_process(
                argv,
                cwd=cwd,
                env=env,
                log=attempting.log,
                timeout=max(0.0, self.deadline - time.monotonic()),
                cancel=attempting.cancel,
                keep_open=() if attempting.lease is None else (attempting.lease,),
                stdin=stdin,
                started_group=attempting.runs_program,
            )
        except ProgramNotFound as error:
            raise TaskFailed(
                TaskError(
                    "program_not_found",
                    str(error),
                    "escalate",
                    "environment",
                    hint="install it, or name its path in workflow.yaml",
                )
            ) from error
        if finished.ended == "timeout":
            raise self._timeout(program)
        if finished.ended == "cancelled":
            raise self._cancelled(program)
        return finished

    def _timeout(self, what: str) -> TaskFailed:
        minutes = self.task.timeout_seconds / 60
        return TaskFailed(
            TaskError(
                "timeout",
                f"{what} was still running after {minutes:g} minutes and was ended",
                "escalate",
                "time",
                hint="see the log for what it was doing; raise timeout_minutes if it was well",
            ),
            status="timeout",
        )

    def _cancelled(self, what: str) -> TaskFailed:
        return TaskFailed(
            TaskError(
                "cancelled",
                f"{what} was ended because the task was cancelled",
                "escalate",
                "decision",
                hint="submit it again with `workflow retry`",
            ),
            status="cancelled",
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
    place = f" ({failure.error.place()})" if failure.error.file else ""
    ended = what.get(failure.status, "failed")
    message = failure.error.message.rstrip(".")
    return f"{task.kind.name} {ended}: {message}{place}."


def _next_steps(task: Task, failure: TaskFailed | None) -> list[str]:
    if failure is None:
        return [f"Check it: `workflow verify {task.task_id}`"]
    steps = [f"Read all that it printed: `workflow logs {task.task_id}`"]
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


def _append(log: Path, text: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(text)

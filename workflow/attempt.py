"""One attempt: where it runs, and what bounds it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow.config import Config
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Approve, AwaitsApproval, Planned, approve_nothing
from workflow.process import Cancel, Finished, ProgramNotFound
from workflow.process import run as run_process
from workflow.result import Attempt
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
    approve: Approve = approve_nothing
    """Passes the task's point of no return, as `Context.approve` says."""
    planning: bool = False
    """Whether only the plan is wanted."""
    record: Callable[[Mapping[str, Any]], None] = lambda _: None
    outdated: Callable[[TaskError], TaskError] = lambda error: error
    """What an error comes to that kept the task from asking whether it may begin."""
    ask: Planned | None = None
    """What somebody has to agree to before the handler is called at all."""

    def make_folder(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder

    @property
    def log(self) -> Path:
        return self.folder / f"attempt-{self.number}.log"


class Limits:
    """What bounds one attempt: one log, one deadline, one way to be cancelled, one agreement."""

    def __init__(self, task: Task, attempting: Attempting, deadline: float) -> None:
        self.task = task
        self.attempting = attempting
        self.deadline = deadline
        self.agreed: dict[str, Any] | None = None
        """How the plan was agreed to; None before the point of no return."""
        self.waits: AwaitsApproval | None = None
        """What was said to a handler whose plan nobody has agreed to."""

    def approve(
        self, planned: Planned, ready: Callable[[], object] = lambda: None
    ) -> dict[str, Any]:
        self.check()
        if self.agreed is not None:
            raise RuntimeError("an attempt has one point of no return, and passed it before")
        try:
            self.agreed = self.attempting.approve(planned, ready)
        except AwaitsApproval as waits:
            self.waits = waits
            raise
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

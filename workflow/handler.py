"""The shape that every handler has.

A handler is a module. It says what it needs in a few names and does its work in `run`, which
gets a `Context` and returns an `Outcome` or raises `TaskFailed`. It moves no task file, writes
no result and knows nothing of the exchange: the runner and the sweep do that for all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from workflow.config import Config
from workflow.errors import TaskError, TaskFailed
from workflow.layout import CONFIG
from workflow.process import Finished


class Params(BaseModel):
    """Base of the parameters of a task type: unknown ones are errors, named in the result."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def require_sections(config: Config, *sections: str) -> None:
    """Raises TaskFailed `bad_config` if something in these sections of workflow.yaml was left out
    because it is wrong: what the owner meant to forbid must not pass for a slip of the pen."""
    for key, problem in config.broken.items():
        if key.split(".", 1)[0] in sections:
            raise TaskFailed(
                TaskError(
                    "bad_config",
                    problem.sentence(CONFIG),
                    "escalate",
                    "configuration",
                    hint=f"mend {CONFIG}; `workflow doctor` lists all that is wrong in it",
                )
            )


class RunProgram(Protocol):
    """Runs a program for the task: in its own process group, under the task's deadline, its whole
    output in the attempt's log. The task's lease lives as long as any process of the program.

    Raises TaskFailed `timeout` or `cancelled` itself, with the output so far.
    """

    def __call__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Finished: ...


@dataclass(frozen=True)
class Planned:
    """What a task is about to do to the world, as far as somebody has to agree to it."""

    digest: str
    """sha256 in hex over everything that the agreement binds: see the contract of approvals."""
    environment: str | None
    target: str
    """One line for a person: `s3://klmcrm.com, CloudFront E3HA8770RGET6T`."""
    summary: str
    """One line for a person: `3 new, 2 changed, 1 to delete, 240 unchanged (1.2 MB to send)`."""
    changed: int = 0
    """Files new or changed, for the owner's waiver of small changes."""
    deleted: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)
    """All that `workflow plan` shows, as JSON."""
    manifest: Callable[[], Iterable[Sequence[Any]]] = tuple
    """What would be published, a line a file that starts with its path. Asked for where the plan is
    kept, and where it is stale, to say what has changed."""


class AwaitsApproval(Exception):
    """Raised by `Context.approve`: nothing was begun; the task waits until a person has agreed."""

    def __init__(self, planned: Planned, reason: str) -> None:
        super().__init__(reason)
        self.planned = planned
        self.reason = reason


class Approve(Protocol):
    """The point of no return: gives how the plan was agreed to (for the outputs) and notes durably
    that what follows must not be repeated.

    `ready` is called once somebody has agreed, and before that counts: what may still keep the task
    from beginning is done there, and if it raises, the agreement is not used up. Raises what that
    raises, AwaitsApproval (let it pass), or TaskFailed `stale_plan` if somebody agreed to something
    else.
    """

    def __call__(
        self, planned: Planned, ready: Callable[[], object] = lambda: None
    ) -> dict[str, Any]: ...


def approve_nothing(planned: Planned, ready: Callable[[], object] = lambda: None) -> dict[str, Any]:
    """For whoever only wants to see the plan: nothing is ever agreed to."""
    raise AwaitsApproval(planned, "it was only planned")


@dataclass(frozen=True)
class Context:
    """What a handler is given for one attempt at one task."""

    task_id: str
    task_type: str
    params: Any
    """The handler's own Params, validated."""
    config: Config
    attempt: int
    """Counts from 1."""
    make_folder: Callable[[], Path]
    run_program: RunProgram
    say: Callable[[str], None] = lambda _: None
    """One line of progress for whoever watches the sweep."""
    approve: Approve = approve_nothing
    planning: bool = False
    """Whether only the plan is wanted: `approve` agrees to nothing, and nothing may be done."""
    record: Callable[[Mapping[str, Any]], None] = lambda _: None
    """Durably notes the outputs so far, for the result of an attempt that is cut off."""
    check: Callable[[], None] = lambda: None
    """Raises TaskFailed `timeout` or `cancelled` once the attempt has to end. Call it often."""

    @property
    def folder(self) -> Path:
        """Where this task's logs and reports lie; becomes results/DAY/TASK-ID.logs/."""
        return self.make_folder()


@dataclass
class Outcome:
    """What a handler did."""

    outputs: dict[str, Any]
    """Named values; checked against the task's expected_outputs."""
    verdict: str
    """One sentence in plain English, fit for a phone's notification."""
    summary: str = ""
    statistics: Mapping[str, Any] = field(default_factory=dict)
    next_steps: Sequence[str] = ()
    rehearsal: bool = False
    """Nothing was done, so that what is expected of the type does not apply."""


class Handler(Protocol):
    """A task type's module."""

    Params: type[Params]

    def run(self, context: Context) -> Outcome:
        """Do the task. Raises TaskFailed when it cannot be done; anything else is a defect."""

    def resources(self, params: Any, config: Config) -> Sequence[str]:
        """Names of what no two tasks may use at once (the site's real path, a bucket)."""

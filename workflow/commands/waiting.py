"""A task that has not begun, as `plan`, `approve` and `reject` look at it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from workflow.errors import Exit, WorkflowError
from workflow.exchange import Exchange, Found
from workflow.layout import SUFFIX
from workflow.overview import ENDED, resolve, submitted_last, waits_for

if TYPE_CHECKING:
    from workflow.config import Config
    from workflow.handler import Planned
    from workflow.lease import Lease
    from workflow.plans import StoredPlan
    from workflow.result import Result
    from workflow.task import Task

_PATIENCE = 5.0
"""Seconds to wait for whoever has the task's lease, who needs a few milliseconds."""


def meant(exchange: Exchange, config: Config, written: str) -> Found:
    """The task that `written` means to somebody who decides.

    `latest` is the newest that waits for approval; while none does, the newest that has not begun
    and may ask for one. Raises WorkflowError `no_such_task`, `ambiguous_id`.
    """
    if written.removesuffix(SUFFIX) != "latest":
        return resolve(exchange, written)
    waiting: dict[str, str] = {}
    others: dict[str, str] = {}
    for state in ("pending", "waiting"):
        for task_id in exchange.names(state):
            found = Found(task_id, state, exchange.task_path(state, task_id))
            reason = waits_for(exchange, config, found)
            if reason is not None and reason[0] == "approval":
                waiting[task_id] = state
            elif reason is not None and _asks(found, config):
                others[task_id] = state
    if not (waiting or others):
        raise WorkflowError(
            "no_such_task",
            "no task waits for approval",
            Exit.NO_SUCH_TASK,
            hint="see `workflow status`",
        )
    task_id = submitted_last(exchange, waiting or others)
    state = (waiting or others)[task_id]
    return Found(task_id, state, exchange.task_path(state, task_id))


def _asks(found: Found, config: Config) -> bool:
    from workflow.agreement import policy_for

    try:
        return policy_for(load(found, config), config) != "none"
    except WorkflowError:
        return False


@contextmanager
def held(exchange: Exchange, task_id: str) -> Iterator[tuple[Lease, Found]]:
    """The lease of a task that has not begun, and where the task lies.

    Raises WorkflowError `no_such_task`, `already_ended`, `still_running`.
    """
    from workflow.lease import read_record

    until = time.monotonic() + _PATIENCE
    while True:
        lease = exchange.lease(task_id)
        found = exchange.find(task_id)
        if lease is not None:
            if found is not None and found.state in ("pending", "waiting"):
                break
            # In in-progress with a dead lease, what it says is for recovery to read.
            lease.release(remove=found is None or found.state in ENDED)
        refuse_late(task_id, found)
        if (found is not None and found.state == "in-progress") or time.monotonic() > until:
            raise WorkflowError(
                "still_running",
                f"{task_id} is being worked on",
                Exit.RUNNING,
                hint=f"see `workflow wait {task_id} --until approval`, or `workflow cancel`",
                retryable=True,
            )
        time.sleep(0.02)  # flock knows no deadline
    try:
        yield lease, found
    finally:
        # Released already where the task was settled; then this does nothing.
        if lease.descriptor >= 0:
            lease.release(remove=not read_record(lease.read()).attempts)


def refuse_late(task_id: str, found: Found | None) -> None:
    """Raise WorkflowError for a task that is gone, or has ended."""
    if found is None:
        raise WorkflowError(
            "no_such_task",
            f"there is no task {task_id} any more",
            Exit.NO_SUCH_TASK,
            hint="see `workflow list`",
        )
    if found.state in ENDED:
        raise WorkflowError(
            "already_ended",
            f"{task_id} has ended already",
            Exit.CONFLICT,
            hint=f"workflow show {task_id}",
        )


def load(found: Found, config: Config) -> Task:
    """The task. Raises WorkflowError with all that is wrong with its file."""
    from workflow.task import InvalidTask, load_task

    try:
        return load_task(found.path, found.task_id, config)[0]
    except InvalidTask as error:
        raise WorkflowError(
            error.code,
            f"{found.task_id} cannot be run as it is: {error}",
            Exit.INVALID_TASK,
            hint=f"its result will say the same; or `workflow cancel {found.task_id}`",
            problems=error.problems,
        ) from error
    except FileNotFoundError:  # RACE: claimed since we looked
        raise WorkflowError(
            "still_running",
            f"{found.task_id} has just been taken by a sweep",
            Exit.RUNNING,
            retryable=True,
        ) from None


def plan_of(exchange: Exchange, task: Task) -> StoredPlan | None:
    """The plan that a task made, if it is still this task's."""
    from workflow.agreement import parameters
    from workflow.plans import read_plan

    stored = read_plan(exchange, task.task_id, details=True)
    return stored if stored and stored.is_of(task.kind.name, parameters(task)) else None


def still_holds(task: Task, config: Config, planned: Planned) -> bool:
    """Whether what was planned is still what would be done, as far as the handler can tell."""
    if planned.details.get("planned_on"):
        return True  # on another machine: what lies here has no say, and it plans again there
    check = getattr(task.handler, "still_as_planned", None)
    return check is None or bool(check(task.params, config, planned.details))


def waits_for_another(exchange: Exchange, config: Config, task: Task) -> str | None:
    """What must come before anybody need agree: a time, another task. None if nothing."""
    from workflow.admission import Doomed, Parked, admit

    decision = admit(task, exchange, config, datetime.now(UTC))
    if isinstance(decision, Doomed):
        return decision.error.message
    if isinstance(decision, Parked) and decision.waits_for != "approval":
        return decision.reason
    return None


def plan_now(task: Task, config: Config) -> Planned | Result:
    """Let the task plan in this process, and do nothing else. Its lease is ours.

    A Result if it ended without a plan: it failed, or there is nothing to do.
    """
    from workflow.agreement import to_ask_first
    from workflow.attempt import Attempting
    from workflow.handler import AwaitsApproval
    from workflow.process import Cancel
    from workflow.runner import run_attempt

    with TemporaryDirectory(prefix="workflow-plan-") as folder:
        attempting = Attempting(
            number=1,
            folder=Path(folder),
            worker_id=task.worker_id,
            config=config,
            cancel=Cancel(),
            ask=to_ask_first(task),
            planning=True,
        )
        came = run_attempt(task, attempting)
    return came.planned if isinstance(came, AwaitsApproval) else came

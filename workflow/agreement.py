"""Whether a task may do what it has planned, and the step after which it cannot be undone.

What counts, in this order:

    the environment asks for nothing                     none
    the owner waives small changes                       waived
    the task file has the phrase, where that is taken    declared
    somebody approved this very plan, a while ago        approved
    somebody approved another plan                       it fails: `stale_plan`
    nobody did, or too long ago                          it waits

A task passes its point of no return in `agree`, in this order: a line in the journal, its lease
says so, the approval is used up. Killed before the second, it has done nothing, and plans again.
Killed after it, it has ended, and with it the approval: whatever is left of that serves no other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from workflow import approval, document, durable, plans
from workflow.approval import Approval, Policy
from workflow.config import Config, Environment
from workflow.errors import TaskError, TaskFailed
from workflow.exchange import Exchange, Found
from workflow.handler import AwaitsApproval, Planned
from workflow.journal import Move, digest
from workflow.lease import Lease
from workflow.status_key import rewrite
from workflow.task import Task
from workflow.unrun import cancelled


@dataclass(frozen=True)
class Agreed:
    """It may be done. `how` stands in the result."""

    how: Mapping[str, Any]
    approval: Approval | None = None
    """To be used up."""


@dataclass(frozen=True)
class Stale:
    """Somebody agreed to something else."""

    approval: Approval


@dataclass(frozen=True)
class Undecided:
    """Nobody has agreed to it; `reason` says what is missing."""

    reason: str


def asks(task: Task) -> bool:
    """Whether somebody may have to agree before the task does anything."""
    return task.kind.publishes or task.file.requires_approval


def environment_of(task: Task, config: Config) -> Environment | None:
    """What workflow.yaml says of the task's environment. Raises WorkflowError if it is unusable."""
    return None if task.environment is None else config.environment(task.environment)[1]


def policy_for(task: Task, config: Config) -> Policy:
    """What the task has to have. Raises WorkflowError for an unusable environment."""
    if not asks(task):
        return "none"
    if not task.kind.publishes:
        return "approve"
    return approval.policy_of(
        task.environment, environment_of(task, config), required=task.file.requires_approval
    )


def parameters(task: Task) -> dict[str, Any]:
    """The task's parameters as JSON has them."""
    return task.params.model_dump(mode="json")


def plan_of(task: Task) -> Planned:
    """What there is to agree to in a task that publishes nothing: that it runs, as it is."""
    given = parameters(task)
    said = ", ".join(f"{name}={json.dumps(value)}" for name, value in given.items())
    return Planned(
        digest=approval.digest(task.kind.name, task.environment, {}, given, ()),
        environment=task.environment,
        target=task.kind.name,
        summary=f"to be run with {said}" if said else "to be run",
        details={"params": given},
    )


def to_ask_first(task: Task) -> Planned | None:
    """What somebody has to agree to before the task's handler is called; None if it asks itself."""
    return plan_of(task) if task.file.requires_approval and not task.kind.publishes else None


def decide(
    task: Task, config: Config, planned: Planned, exchange: Exchange
) -> Agreed | Stale | Undecided:
    """Whether the plan may be carried out now. Changes nothing.

    Raises WorkflowError for an unusable environment.
    """
    policy = policy_for(task, config)
    if policy == "none":
        return Agreed({"way": "none", "digest": planned.digest})
    environment = environment_of(task, config)
    if policy == "approve" and environment is not None and task.kind.publishes:
        waiver = _waiver(environment, planned)
        if waiver is not None:
            return Agreed({"way": "waived", "reason": waiver, "digest": planned.digest})
    if environment is not None and environment.accept_declared:
        by = _declared_by(task, environment.phrase)
        if by is not None:
            how = {"way": "declared", "by": by, "through": "task file", "digest": planned.digest}
            return Agreed(how)
    given = approval.read_approval(exchange, task.task_id)
    if given is None or not given.is_for(task.kind.name, task.environment):
        return Undecided(waiting_for(task, planned))
    if not given.is_live():
        expired = f"the approval by {given.by} expired at {given.expires_at}; "
        return Undecided(expired + waiting_for(task, planned))
    if not given.satisfies(policy):
        without = f"the approval by {given.by} came without the phrase; "
        return Undecided(without + waiting_for(task, planned))
    if given.digest != planned.digest:
        return Stale(given)
    return Agreed({"way": "approved", **given.note()}, given)


def _waiver(environment: Environment, planned: Planned) -> str | None:
    """Why nobody need agree to so small a change; None if somebody has to."""
    waive = environment.waive
    if waive is None or planned.changed > waive.max_changed or planned.deleted > waive.max_deleted:
        return None
    return (
        f"{planned.changed} changed and {planned.deleted} deleted, where workflow.yaml waives up to"
        f" {waive.max_changed} and {waive.max_deleted}"
    )


def _declared_by(task: Task, phrase: str) -> str | None:
    """Who wrote the phrase into the task's own file; None if nobody did."""
    try:
        said = document.parse(task.raw).data
    except document.InvalidDocument:
        return None
    # By the file, not by what its template adds: a template declares nothing for a task.
    if said.get("approval_confirmed") is not True or said.get("approval_confirmation") != phrase:
        return None
    return str(said.get("created_by") or "unknown")[:100]


def waiting_for(task: Task, planned: Planned) -> str:
    """What a task waits for, with the command that a person gives."""
    short = approval.short(planned.digest)
    command = approval.approve_command(task.task_id, planned)
    return f"waits for approval of {short}: {planned.summary}, to {planned.target} ({command})"


def agree(
    task: Task,
    config: Config,
    planned: Planned,
    exchange: Exchange,
    lease: Lease,
    ready: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """Pass the point of no return, if somebody has agreed; gives how, for the outputs.

    `ready` is called before the agreement counts: see `handler.Approve`.

    Raises AwaitsApproval if nobody has (the plan is kept, to be looked at), TaskFailed
    `stale_plan` if somebody agreed to something else, `cancelled`; OSError, WorkflowError. In each
    of these cases nothing may be done.
    """
    if planned.environment != task.environment:
        raise ValueError(f"a plan for {planned.environment} in a task for {task.environment}")
    decision = decide(task, config, planned, exchange)
    if isinstance(decision, Undecided):
        plans.write_plan(exchange, task.task_id, task.kind.name, parameters(task), planned)
        raise AwaitsApproval(planned, decision.reason)
    if isinstance(decision, Stale):
        approved = decision.approval.digest
        changed = plans.what_changed(exchange, task.task_id, approved, planned)
        approval.use_up_approval(exchange, task.task_id)
        raise TaskFailed(stale_plan(task.task_id, approved, planned.digest, changed))
    if exchange.asked_to_cancel(task.task_id):
        raise TaskFailed(cancelled(task.task_id), status="cancelled")
    ready()
    how = dict(decision.how)
    if how["way"] != "none":
        state = "in-progress"
        exchange.journal.write([Move(task.task_id, "agreed", state, state, approval=how)])
    lease.commits(how)
    if decision.approval is not None and not approval.use_up_approval(exchange, task.task_id):
        # Somebody took it away between our look and this.
        raise TaskFailed(
            TaskError(
                "approval_withdrawn",
                "its approval was taken away as it was about to begin; nothing was done",
                "fix",
                "decision",
                hint=f"submit it again with `workflow retry {task.task_id}`",
            )
        )
    return how


def give(exchange: Exchange, found: Found, given: Approval) -> None:
    """Let an approval count, in the place of one that is over. The task's lease is ours.

    Raises OSError, and then it does not count.
    """
    approval.use_up_approval(exchange, found.task_id)
    old = document.read_regular(found.path)
    new = rewrite(old, {}, {"approval": given.note()})
    said = Move(
        found.task_id, "approved", found.state, found.state, digest(new), approval=given.note()
    )
    exchange.journal.write([said])
    if new != old:
        durable.replace(found.path, new, aside=exchange.staged)
    # Last: a note without an approval is worth nothing, and an approval begins to count at once.
    approval.give_approval(exchange, given)


def stale_plan(task_id: str, approved: str, now: str, changed: str) -> TaskError:
    """Why a task was not done to which somebody had agreed as it was before; `changed` is what is
    another now, as far as that is known."""
    return TaskError(
        "stale_plan",
        f"what was approved is {approval.short(approved)}, what would be done now is"
        f" {approval.short(now)}" + (f" ({changed})" if changed else "") + ": nothing was done",
        "escalate",
        "decision",
        hint=f"plan it anew with `workflow retry {task_id}`; a person has to approve that one",
    )


def outdated(task: Task, exchange: Exchange, error: TaskError) -> TaskError:
    """The error of a task that failed before there was a plan: `stale_plan` if somebody had agreed
    to one, since then it was the content that changed; else as it is."""
    given = approval.read_approval(exchange, task.task_id)
    if error.category != "content" or error.action == "retry" or given is None:
        return error
    if not (given.is_for(task.kind.name, task.environment) and given.is_live()):
        return error
    return replace(
        error,
        code="stale_plan",
        message=f"what was approved is {approval.short(given.digest)}, and what is there now must "
        f"not be published: {error.message}",
        action="escalate",
        hint=f"{error.hint}; a person has to approve what is planned then",
    )

"""workflow plan"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workflow import figures
from workflow.cli import Place, command
from workflow.commands import choices, waiting
from workflow.errors import Exit, WorkflowError
from workflow.exchange import Exchange, Found
from workflow.overview import ENDED, approval_steps
from workflow.reply import Reply

if TYPE_CHECKING:
    from workflow.config import Config
    from workflow.handler import Planned
    from workflow.result import Result
    from workflow.task import Task

SHOWN = 10
"""Files of a group that are shown unless all are asked for."""


@command
def run(
    place: Place,
    task_id: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="An id, its beginning, or `latest`: the newest that waits.",
            autocompletion=choices.open_ids,
        ),
    ],
    everything: Annotated[bool, typer.Option("--all", help="Every file of it.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Plan anew, now.")] = False,
) -> Reply:
    """What a task that has not begun would do: each file with the reason, the target, the digest.

    Sends nothing. A task that has not planned yet, or whose content has changed since, plans now.

    \b
    workflow plan 2026-01-19-1430-hugo-deploy-staging
    workflow plan 2026-01-19-1430-hugo-deploy-staging --field data.digest
    """
    exchange, config = place.exchange(), place.config()
    found = waiting.meant(exchange, config, task_id)
    if found.state in ENDED:
        raise _ended(exchange, found)
    if found.state == "in-progress":
        raise WorkflowError(
            "still_running",
            f"{found.task_id} is being worked on",
            Exit.RUNNING,
            hint=f"workflow wait {found.task_id} --until approval",
            retryable=True,
        )
    task = waiting.load(found, config)
    _refuse_without_plan(task)
    stored = None if fresh else waiting.plan_of(exchange, task)
    if stored is not None and waiting.still_holds(task, config, stored.planned):
        return _shown(exchange, config, task, stored.planned, stored.planned_at, everything)
    earlier = stored.planned.digest if stored is not None else None
    return _planned_anew(exchange, config, task, earlier, everything)


def _ended(exchange: Exchange, found: Found) -> WorkflowError:
    folder = exchange.logs(found.task_id)
    path = os.path.join(folder, "plan.json") if folder else ""
    where = f"its plan: {os.path.relpath(path, exchange.root)}; " if os.path.exists(path) else ""
    return WorkflowError(
        "already_ended",
        f"{found.task_id} has ended already",
        Exit.CONFLICT,
        hint=f"{where}what it did: workflow show {found.task_id}",
    )


def _refuse_without_plan(task: Task) -> None:
    from workflow.agreement import asks

    if not asks(task):
        raise WorkflowError(
            "nothing_to_plan",
            f"{task.kind.name} publishes nothing: there is no plan to agree to",
            hint="the next sweep runs it: workflow sweep",
        )


def _planned_anew(
    exchange: Exchange, config: Config, task: Task, earlier: str | None, everything: bool
) -> Reply:
    from workflow.agreement import Undecided, decide, parameters
    from workflow.approval import short
    from workflow.lease import utc_now
    from workflow.plans import what_changed, write_plan
    from workflow.result import Result

    exchange.prepare()
    with waiting.held(exchange, task.task_id) as (_, found):
        task = waiting.load(found, config)
        came = waiting.plan_now(task, config)
        if isinstance(came, Result):
            return _no_plan(task, came)
        other = waiting.waits_for_another(exchange, config, task)
        changed = what_changed(exchange, task.task_id, earlier, came) if earlier else ""
        if other is None and isinstance(decide(task, config, came, exchange), Undecided):
            write_plan(exchange, task.task_id, task.kind.name, parameters(task), came)
    reply = _shown(exchange, config, task, came, utc_now(), everything)
    if other is not None:
        reply.warnings.append(f"{other}: by then it may be another plan")
        reply.next = []
    elif earlier is not None and earlier != came.digest:
        what = f" ({changed})" if changed else ""
        reply.warnings.append(
            f"it has changed since {short(earlier)} was planned{what}; now it is this"
        )
    return reply


def _no_plan(task: Task, came: Result) -> Reply:
    """It failed before it had a plan, or there is nothing to do."""
    reply = Reply(data={"task_id": task.task_id, "digest": None, "summary": came.verdict})
    reply.text = came.verdict
    if came.error is not None:
        reply.exit = Exit.TASK_FAILED
        reply.error = WorkflowError(
            came.error.code, came.error.message, Exit.TASK_FAILED, hint=came.error.hint
        )
    return reply


def _shown(
    exchange: Exchange,
    config: Config,
    task: Task,
    planned: Planned,
    planned_at: str,
    everything: bool,
) -> Reply:
    from workflow.agreement import Agreed, Stale, Undecided, decide, environment_of, policy_for
    from workflow.approval import short

    policy = policy_for(task, config)
    decision = decide(task, config, planned, exchange)
    waits = isinstance(decision, Undecided)
    given = decision.approval if isinstance(decision, Agreed) else None
    stale = decision.approval if isinstance(decision, Stale) else None
    environment = environment_of(task, config)
    minutes = None if environment is None else environment.approval_minutes
    steps = approval_steps(task.task_id, planned) if waits else []
    reply = Reply(
        data={
            "task_id": task.task_id,
            "task_type": task.kind.name,
            "environment": task.environment,
            "digest": planned.digest,
            "target": planned.target,
            "summary": planned.summary,
            "to_send": planned.changed,
            "to_delete": planned.deleted,
            "planned_at": planned_at,
            "policy": policy,
            "waits": waits,
            "approval": given.note() if given is not None else None,
            "stale_approval": stale.note() if stale is not None else None,
            "approve": steps[-1][0] if steps else None,
            "details": dict(planned.details),
        },
        rest=f"workflow plan {task.task_id} --all",
        whole=everything,
        next=steps[-1:],
    )
    lines = [
        f"{task.kind.name} to {planned.target}",
        planned.summary,
        *_details(planned.details, everything=everything),
        f"plan {short(planned.digest)} of {planned_at}",
        _rule(policy, waits, minutes, given.note() if given is not None else None),
    ]
    if stale is not None:
        approved = short(stale.digest)
        lines[-1] = f"{approved} was approved; this is another plan, and it will not be carried out"
        reply.next = [
            (f"workflow wait {task.task_id}", "it ends as stale_plan at the next sweep; then:"),
            (f"workflow retry {task.task_id}", "plan it anew, and have that approved"),
        ]
    reply.text = "\n".join(lines)
    return reply


def _rule(
    policy: str, waits: bool, minutes: float | None, approved: Mapping[str, Any] | None
) -> str:
    if approved is not None:
        return f"approved by {approved['by']} until {approved['expires_at']}"
    if not waits:
        return "nobody has to agree to it: the next sweep does it"
    lasts = f"for {minutes:g} minutes and once" if minutes is not None else "once"
    phrase = ", with the phrase" if policy == "phrase" else ""
    return f"waits for a person's approval{phrase}; it serves {lasts}, for this very content"


_ORDER = ("delete", "changed", "new", "metadata", "keep")
"""What cannot be undone comes first."""


def _details(details: Mapping[str, Any], *, everything: bool) -> Iterable[str]:
    """Where it comes from and goes to, and the files by what is done with them, as far as the
    handler tells of these."""
    yield from _origin(details)
    if isinstance(details.get("script"), Mapping):
        yield from _script(details["script"])
    if details.get("restores"):
        yield f"brings back {details['restores']}"
    groups: dict[str, list[Mapping[str, Any]]] = {name: [] for name in _ORDER}
    for action in details.get("actions") or ():
        groups.setdefault(str(action.get("action")), []).append(action)
    for name, actions in groups.items():
        if not actions:
            continue
        reasons = {action.get("reason") for action in actions}
        shared = f": {actions[0]['reason']}" if len(reasons) == 1 and None not in reasons else ""
        yield f"{name} ({len(actions):,}){shared}"
        shown = actions if everything else actions[:SHOWN]
        yield from (f"  {_line(one, reason=not shared, stored=everything)}" for one in shown)
        if len(actions) > len(shown):
            rest = [str(action.get("path")) for action in actions[len(shown) :]]
            yield f"  and {len(rest):,} more (--all): {figures.spread(rest)}"
    if details.get("owed_invalidation"):
        yield f"CloudFront still has to forget {', '.join(details['owed_invalidation'][:SHOWN])}"
    for warning in details.get("warnings") or ():
        yield f"warning: {warning}"


def _origin(details: Mapping[str, Any]) -> Iterable[str]:
    """Of what site it is, which commit was checked out when it was built (files may have differed
    from it), and in which region the bucket lies."""
    if details.get("site"):
        commit = str(details.get("git_commit") or "")[:12]
        said = [f"site {details['site']}"]
        said += [f"built with commit {commit} checked out"] if commit else []
        said += [f"for region {details['region']}"] if details.get("region") else []
        yield ", ".join(said)


def _script(script: Mapping[str, Any]) -> Iterable[str]:
    """What would be run: all that the approval binds of it."""
    yield f"script {script['script']} (sha256 {script['sha256']})"
    yield f"  run as: {shlex.join(script['argv'])}"
    yield f"  in: {script['cwd']}"
    for path, sha256 in dict(script.get("imports") or {}).items():
        yield f"  imports {path} (sha256 {sha256})"
    for answer in script.get("answers") or ():
        yield f"  answers: {answer}"


def _line(action: Mapping[str, Any], *, reason: bool, stored: bool) -> str:
    """The path; why, where the others of its group have other reasons; how it is stored."""
    parts = [str(action.get("path")), str(action.get("reason") or "") if reason else ""]
    if stored:
        keys = ("content_type", "cache_control", "encoding")
        parts.append("; ".join(str(action[key]) for key in keys if action.get(key)))
        size = action.get("size")
        parts.append(f"{size:,} bytes" if isinstance(size, int) else "")
    return "  ".join(part for part in parts if part)

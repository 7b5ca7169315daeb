"""workflow approve"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from workflow.cli import Place, command
from workflow.commands import choices, wait, waiting
from workflow.errors import Exit, WorkflowError
from workflow.reply import Reply

if TYPE_CHECKING:
    from workflow.approval import Approval
    from workflow.config import Config
    from workflow.exchange import Exchange, Found
    from workflow.handler import Planned
    from workflow.task import Task

MINUTES = 15.0
"""How long an approval lasts where no environment says."""


@command
def run(
    place: Place,
    task_id: Annotated[
        str, typer.Argument(metavar="ID", help="The task.", autocompletion=choices.open_ids)
    ],
    environment: Annotated[
        str,
        typer.Argument(
            metavar="ENV",
            help="Its environment, to be sure (- for none).",
            autocompletion=choices.environments,
        ),
    ],
    digest: Annotated[
        str,
        typer.Argument(
            metavar="DIGEST",
            help="Of its plan; the first 8 digits do.",
            autocompletion=choices.plan_digests,
        ),
    ],
    seconds: Annotated[
        float | None, typer.Option("--wait", metavar="SECONDS", help="Wait for the result.", min=0)
    ] = None,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why; stands in the result.")
    ] = None,
) -> Reply:
    """Agree to exactly what `workflow plan ID` shows: for a few minutes, and once.

    Where the environment's policy is `phrase`, the phrase has to be typed at a terminal as well.
    Exit codes: 4 the phrase is missing, 6 it is another plan by now, 75 it is being worked on.

    \b
    workflow approve 2026-01-19-1430-hugo-deploy-staging staging 3f9a12c4 --wait 110
    """
    question = ask(place, task_id, environment, digest)
    # Nobody is kept from the task while a person reads and types; what they agree to is looked at
    # once more afterwards.
    through = "" if question.before is not None else _through(place.exchange(), question)
    return agreed(place, question, through, reason=reason, seconds=seconds)


@dataclass(frozen=True)
class Question:
    """What somebody is asked to agree to."""

    task: Task
    planned: Planned
    phrase: str | None
    """What has to come from the person; None where a yes is enough."""
    minutes: float
    """How long a yes lasts."""
    before: Approval | None
    """The approval that it has already: nobody need be asked."""


def ask(place: Place, task_id: str, environment: str, digest: str) -> Question:
    """What there is to agree to in the plan that `digest` means.

    Raises WorkflowError where an agreement could not count: it is another plan by now, there is
    none, or nobody has to agree.
    """
    from workflow.agreement import environment_of, policy_for
    from workflow.approval import SHORTEST

    exchange, config = place.exchange(), place.config()
    if not re.fullmatch(f"[0-9a-f]{{{SHORTEST},64}}", digest):
        raise WorkflowError(
            "bad_digest",
            f"{digest!r} is not the beginning of a plan's digest",
            hint=f"give at least {SHORTEST} of its digits, as `workflow plan {task_id}` shows them",
        )
    exchange.prepare()
    task_id = waiting.meant(exchange, config, task_id).task_id
    with waiting.held(exchange, task_id) as (_, found):
        task, planned, before = _looked_at(exchange, config, found, environment, digest)
    settings = environment_of(task, config)
    by_phrase = settings is not None and policy_for(task, config) == "phrase"
    return Question(
        task=task,
        planned=planned,
        phrase=settings.phrase if settings is not None and by_phrase else None,
        minutes=MINUTES if settings is None else settings.approval_minutes,
        before=before,
    )


def agreed(
    place: Place, question: Question, through: str, *, reason: str | None, seconds: float | None
) -> Reply:
    """Let it count that somebody agreed, and by which way. Raises WorkflowError if what they were
    asked is not what would be done now."""
    from workflow.approval import short

    task_id = question.task.task_id
    given, is_new = _give(place, question, through, reason)
    already = "" if is_new else ", as it was before"
    reply = Reply(
        data={"task_id": task_id, "environment": given.environment, "approval": given.note()},
        text=f"approved {short(given.digest)} until {given.expires_at[11:16]} UTC{already}",
        next=[(f"workflow wait {task_id}", "wait for its result")],
    )
    return wait.sweep_and_wait(place, reply, [task_id], seconds)


def _give(
    place: Place, question: Question, through: str, reason: str | None
) -> tuple[Approval, bool]:
    """The approval, and whether it is a new one. Raises WorkflowError."""
    from workflow import agreement, approval

    if question.before is not None:
        return question.before, False
    exchange, config = place.exchange(), place.config()
    environment = question.task.environment or "-"
    with waiting.held(exchange, question.task.task_id) as (_, found):
        task, planned, before = _looked_at(
            exchange, config, found, environment, question.planned.digest
        )
        if before is not None:  # somebody else was quicker
            return before, False
        given = approval.make_approval(
            task.task_id,
            task.kind.name,
            planned,
            through=through,
            minutes=question.minutes,
            reason=reason,
        )
        agreement.give(exchange, found, given)
    return given, True


def _looked_at(
    exchange: Exchange, config: Config, found: Found, environment: str, digest: str
) -> tuple[Task, Planned, Approval | None]:
    """The task, its plan, and the approval that it has already. Raises WorkflowError."""
    from workflow.agreement import Agreed, decide

    task = _meant(found, config, environment)
    planned = _agreeable(exchange, config, task, digest)
    decision = decide(task, config, planned, exchange)
    return task, planned, decision.approval if isinstance(decision, Agreed) else None


def _meant(found: Found, config: Config, environment: str) -> Task:
    """The task, if it is for that environment and somebody has to agree to it."""
    from workflow.agreement import policy_for

    task = waiting.load(found, config)
    if environment != (task.environment or "-"):
        raise WorkflowError(
            "wrong_environment",
            f"{task.task_id} is for {task.environment or 'no environment (-)'}, not {environment}",
            Exit.CONFLICT,
            hint=f"see what it is about to do: workflow plan {task.task_id}",
        )
    if policy_for(task, config) == "none":
        raise WorkflowError(
            "needs_no_approval",
            f"nobody has to agree to {task.task_id}",
            Exit.CONFLICT,
            hint="the next sweep runs it: workflow sweep",
        )
    return task


def _agreeable(exchange: Exchange, config: Config, task: Task, digest: str) -> Planned:
    """What the task has planned, if that is what `digest` means and it still holds."""
    from workflow.approval import short

    look = f"see it anew: workflow plan {task.task_id}"
    other = waiting.waits_for_another(exchange, config, task)
    if other is not None:
        raise WorkflowError("not_planned", f"{task.task_id} {other}", Exit.CONFLICT, hint=look)
    stored = waiting.plan_of(exchange, task)
    if stored is None:
        raise WorkflowError(
            "not_planned",
            f"{task.task_id} has not planned yet: there is nothing to agree to",
            Exit.CONFLICT,
            hint=f"workflow wait {task.task_id} --until approval",
        )
    now = stored.planned.digest
    if not now.startswith(digest):
        message = f"the plan of {task.task_id} is {short(now)}, not {short(digest)}"
        raise WorkflowError("stale_plan", message, Exit.CONFLICT, hint=look)
    if not waiting.still_holds(task, config, stored.planned):
        message = f"what would be published has changed since {short(now)} was planned"
        raise WorkflowError("stale_plan", message, Exit.CONFLICT, hint=look)
    return stored.planned


def _through(exchange: Exchange, question: Question) -> str:
    """By which way the person agrees. Raises WorkflowError `needs_phrase`."""
    from workflow.approval import through_what
    from workflow.witness import take_witnessed

    on_terminal = sys.stdin.isatty() and sys.stderr.isatty()
    if question.phrase is None:
        return through_what(on_terminal=on_terminal)
    task, planned = question.task, question.planned
    if take_witnessed(exchange, task.task_id, planned.digest) is not None:
        return "witnessed"
    if not on_terminal or os.environ.get("CLAUDECODE") == "1":
        raise needs_phrase(
            f"{task.environment} wants the phrase {question.phrase!r} from a person",
            "the person runs this very command at a terminal, or writes the phrase, and nothing"
            " else, as a message to Claude Code where its hook is installed",
        )
    if _typed(task, planned, question.phrase) != question.phrase:
        raise needs_phrase("that is not the phrase: nothing was approved", "type it exactly")
    return "phrase"


def needs_phrase(message: str, hint: str) -> WorkflowError:
    """The phrase did not come from a person."""
    return WorkflowError("needs_phrase", message, Exit.NEEDS_APPROVAL, hint=hint)


def _typed(task: Task, planned: Planned, phrase: str) -> str:
    """What the person types who was shown what it is about."""
    from workflow.approval import short

    print(
        f"{task.kind.name} to {planned.target}\n"
        f"{planned.summary} (plan {short(planned.digest)})\n"
        f"To publish this, type {phrase}: ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    return sys.stdin.readline().rstrip("\n")

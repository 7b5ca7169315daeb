"""What a person is asked before a plan is approved, and what their answer means.

The question goes to the client's own form, past the model: only what the person does there comes
back. So it is made of our own facts alone (the plan's, workflow.yaml's), each on a line of its own;
what others have named (files, parameters) stands in its place, on one line, as printable signs.
Nothing but an accepted form that says yes, or has the phrase, counts: a refusal, a closed form, a
form sent back as it was, and silence approve nothing.
https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from workflow.approval import ELICITED, ELICITED_PHRASE, approve_command, short
from workflow.commands.approve import Question, needs_phrase
from workflow.errors import Exit, WorkflowError
from workflow.handlers import DEPLOY

PATIENCE_SECONDS = 300.0
"""How long a question stands."""
YES, PHRASE = "approve", "phrase"
"""What the form's one field is called."""
_FIRST_FILES = 5
_LONGEST_LINE = 300


def ask_text(question: Question) -> str:
    """The facts, most important first: a small screen shows no more than the first lines."""
    task, planned = question.task, question.planned
    deploys = task.kind.name.startswith(DEPLOY)
    what = f"Publish to {planned.environment}?" if deploys else f"Run {task.kind.name}?"
    lines = [
        f"{what} {planned.summary}",
        f"to {planned.target}",
        *_files(planned.details),
        f"plan {short(planned.digest)} of {_plain(task.task_id)}",
        f"A yes counts for {question.minutes:g} minutes and once, for exactly this content and"
        " target.",
    ]
    return "\n".join(_plain(line, keep=len(line) - len(line.lstrip())) for line in lines)


def _files(details: Mapping[str, Any]) -> Iterator[str]:
    """The first files that are not as before, deletions at the head."""
    actions = [one for one in details.get("actions") or () if one.get("action") != "keep"]
    actions.sort(key=lambda one: one.get("action") != "delete")
    for one in actions[:_FIRST_FILES]:
        yield f"  {one.get('action')} {one.get('path')}"
    if len(actions) > _FIRST_FILES:
        yield f"  and {len(actions) - _FIRST_FILES:,} more files"


def _plain(text: str, keep: int = 0) -> str:
    """One line without controls and tricks of direction; `keep` blanks at its head stay.

    Names of files come from whoever writes content: they must not be able to add lines of their
    own, or to hide what follows.
    """
    line = " ".join(text.split())
    line = "".join(sign if sign.isprintable() else "�" for sign in line)
    if len(line) > _LONGEST_LINE:
        line = f"{line[:_LONGEST_LINE]}… (cut; `workflow plan` shows all)"
    return " " * keep + line


def form(question: Question) -> dict[str, Any]:
    """The form's fields, as JSON Schema. What is sent back untouched is no yes."""
    if question.phrase is None:
        field = {"type": "boolean", "title": "Yes, do exactly this", "default": False}
        return {"type": "object", "properties": {YES: field}, "required": [YES]}
    field = {"type": "string", "title": f"Type {question.phrase}"}
    return {"type": "object", "properties": {PHRASE: field}, "required": [PHRASE]}


def way(question: Question, action: str, content: Mapping[str, Any] | None) -> str:
    """By which way the person agreed, if they did. Raises WorkflowError if they did not."""
    if action == "decline":
        raise refused(question)
    if action != "accept":
        raise unanswered(question)
    said = content or {}
    if question.phrase is not None:
        if said.get(PHRASE) != question.phrase:
            raise needs_phrase("that is not the phrase: nothing was approved", "type it exactly")
        return ELICITED_PHRASE
    if said.get(YES) is not True:
        raise refused(question)
    return ELICITED


def refused(question: Question) -> WorkflowError:
    """The person said no."""
    plan, task_id = short(question.planned.digest), question.task.task_id
    return WorkflowError(
        "declined",
        f"the person did not approve {plan}: nothing was approved",
        Exit.NEEDS_APPROVAL,
        hint=f"do not ask again for this plan; end it with reject, or mend what they name and"
        f" `workflow retry {task_id}`",
    )


def unanswered(question: Question) -> WorkflowError:
    """The person closed the question, or never saw it."""
    return WorkflowError(
        "not_answered",
        "the person gave no answer: nothing was approved",
        Exit.NEEDS_APPROVAL,
        hint=_by_hand(question),
    )


def cannot_ask(question: Question, why: str) -> WorkflowError:
    """There is no way to the person through this client."""
    return WorkflowError(
        "cannot_ask",
        f"{why}: nothing was approved",
        Exit.NEEDS_APPROVAL,
        hint=_by_hand(question),
    )


def _by_hand(question: Question) -> str:
    command = approve_command(question.task.task_id, question.planned)
    return f"the person runs this at a terminal: {command}"


def whose_shell() -> str | None:
    """Why nobody may be asked who started us; None if somebody may be.

    Claude Code gives its servers CLAUDE_PROJECT_DIR, and its shell a mark of its own. Whoever
    speaks to us from there is a program that the model wrote, and it would answer itself.
    """
    told = os.environ
    by_claude = told.get("CLAUDECODE") == "1" and not told.get("CLAUDE_PROJECT_DIR")
    if by_claude or told.get("CLAUDE_CODE_CHILD_SESSION"):
        return "these tools were started from Claude Code's own shell, where no person answers"
    return None


def overdue(asked_at: datetime) -> bool:
    """Whether a question that was asked then stands no longer."""
    return not 0 <= (datetime.now(UTC) - asked_at).total_seconds() <= PATIENCE_SECONDS

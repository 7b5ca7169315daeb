"""Chains: tasks of which each runs when the one before it succeeded.

They hang together by their own keys alone: `after` names the task before, `chain` the first of all.
The last one's id stands for the whole: it cannot end before the others have, and if one of them
fails, it says which, and what to mend.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from workflow import document
from workflow.config import Config
from workflow.document import Document
from workflow.errors import Exit, WorkflowError, told
from workflow.exchange import Exchange, Found
from workflow.submission import Wish, compose_task, submit

LONGEST = 50
"""Tasks that are followed back; a chain that somebody wrote by hand may go round in a circle."""


def submit_chain(exchange: Exchange, config: Config, wishes: Sequence[Wish]) -> list[str]:
    """Write the tasks, each to run after the one before, and return their ids in that order.

    None is written if one of them is not right. Raises WorkflowError for that, and
    `chain_incomplete` if the disk fails us half-way.
    """
    for follower in wishes[1:]:
        compose_task(follower, config, datetime.now(UTC))
    ids: list[str] = []
    for link in wishes:
        if ids:
            link.after = [ids[-1]]
        try:
            ids.append(submit(exchange, config, link, ids[0] if ids else None))
        except OSError as error:
            if not ids:
                raise
            raise incomplete(ids, link.task_type, error) from error
    return ids


def incomplete(ids: Sequence[str], missing: str, error: OSError) -> WorkflowError:
    """What to say if the disk failed us after some of a chain's tasks had been written."""
    return WorkflowError(
        "chain_incomplete",
        f"{', '.join(ids)} submitted, {missing} not: {told(error)}",
        Exit.DEFECT,
        hint=f"submit the rest with --after {ids[-1]}, or `workflow cancel {ids[-1]}`",
    )


def leading_to(exchange: Exchange, last: str) -> list[Found]:
    """The tasks of the chain of `last` up to it, first things first.

    What is gone or damaged is left out, as is what one of them was told to follow besides: that is
    somebody else's.
    """
    links: list[Found] = []
    seen: set[str] = set()

    def visit(task_id: str, chain: str | None) -> None:
        if task_id in seen or len(seen) >= LONGEST:
            return
        seen.add(task_id)
        here = _read(exchange, task_id)
        if here is None or chain not in (None, _chain(here)):
            return
        for before in here[1].data.get("after") or ():
            visit(str(before), _chain(here))
        links.append(here[0])

    visit(last, None)
    return links


def _chain(task: tuple[Found, Document]) -> str:
    """The id of the chain that a task belongs to; its own if it is in none, or the first of one."""
    return str(task[1].data.get("chain") or task[0].task_id)


def _read(exchange: Exchange, task_id: str) -> tuple[Found, Document] | None:
    here = exchange.find(task_id)
    if here is None:
        return None
    try:
        return here, document.parse(document.read_regular(here.path))
    except (document.InvalidDocument, FileNotFoundError):
        return None

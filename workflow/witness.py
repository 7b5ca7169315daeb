"""The phrase, as Claude Code's hook saw a person write it.

    .workflow/witnessed.json

Said to an assistant in a chat, a phrase is worth something only if the person's whole message was
the phrase, if there is one task alone that it can be meant for, and if that task is given it as it
was planned then. `workflow approve` takes it in the place of what is typed at a terminal, once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime

from workflow import agreement, durable, layout, plans
from workflow.admission import Parked, admit
from workflow.approval import Approval, make_approval, read_approval_from
from workflow.config import Config, load_config
from workflow.exchange import Exchange
from workflow.handler import Planned
from workflow.task import InvalidTask, Task, load_task

_LONGEST_MESSAGE = 1_000


def witness(root: str | os.PathLike[str], text: str) -> str | None:
    """Keep that a person wrote `text`; gives the task for which it counts, None if for none.

    Raises WorkflowError for an unusable configuration, OSError.
    """
    phrase = text.strip()
    if not phrase or len(phrase) > _LONGEST_MESSAGE:
        return None
    exchange, config = Exchange(root), load_config(root)
    if all(environment.phrase != phrase for environment in config.environments.values()):
        return None
    meant = list(_waiting_for_phrase(exchange, config, phrase))
    if len(meant) != 1:
        return None
    ((task, planned, minutes),) = meant
    seen = make_approval(
        task.task_id, task.kind.name, planned, through="witnessed", minutes=minutes
    )
    path = exchange.path(layout.WITNESSED)
    durable.replace(path, json.dumps(asdict(seen)).encode(), aside=exchange.staged)
    return task.task_id


def _waiting_for_phrase(
    exchange: Exchange, config: Config, phrase: str
) -> Iterator[tuple[Task, Planned, float]]:
    """The tasks that wait for this phrase, each with its plan and how long an approval lasts."""
    now = datetime.now(UTC)
    for task_id in exchange.names("waiting"):
        with suppress(InvalidTask, FileNotFoundError):
            task, _ = load_task(exchange.task_path("waiting", task_id), task_id, config)
            waits = admit(task, exchange, config, now)
            stored = plans.read_plan(exchange, task_id)
            if stored is None or not (isinstance(waits, Parked) and waits.waits_for == "approval"):
                continue
            environment = agreement.environment_of(task, config)
            asked = agreement.policy_for(task, config) == "phrase"
            if asked and environment is not None and environment.phrase == phrase:
                yield task, stored.planned, environment.approval_minutes


def take_witnessed(exchange: Exchange, task_id: str, digest: str) -> Approval | None:
    """What was witnessed for this plan of this task, once; None if nothing, or too long ago."""
    path = exchange.path(layout.WITNESSED)
    seen = read_approval_from(path, task_id)
    if seen is None or seen.digest != digest or not seen.is_live():
        return None
    # Whoever removes it has it: of two at once only one does.
    return seen if durable.remove(path) else None

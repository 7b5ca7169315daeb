"""What the tasks that wait for approval are about to do, as they planned it.

    .workflow/plans/TASK-ID.jsonl

Three lines of JSON: what is agreed to, in short; then all the details, which only `workflow plan`
reads, since they name every file; then what would be published, by which it is said what changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from workflow import durable, figures, layout
from workflow.exchange import Exchange
from workflow.handler import Planned
from workflow.result import utc


@dataclass(frozen=True)
class StoredPlan:
    """A plan and the task that it was made for."""

    planned: Planned
    """Without its details, unless they were asked for."""
    planned_at: str
    task_type: str
    params: str
    """The task's parameters, as JSON: a task file that was edited since has another plan."""

    def is_of(self, task_type: str, params: Mapping[str, Any]) -> bool:
        """Whether the task is still the one that was planned."""
        return (self.task_type, self.params) == (task_type, _json(params))


def write_plan(
    exchange: Exchange, task_id: str, task_type: str, params: Mapping[str, Any], planned: Planned
) -> None:
    """Keep a plan in the place of an earlier one. Raises OSError."""
    stored = StoredPlan(
        planned=replace(planned, details={}, manifest=tuple),
        planned_at=utc(datetime.now(UTC)),
        task_type=task_type,
        params=_json(params),
    )
    said = asdict(stored)
    del said["planned"]["manifest"]
    lines = (_json(said), _json(planned.details), _json(list(planned.manifest())))
    raw = "".join(f"{line}\n" for line in lines).encode()
    durable.replace(_path(exchange, task_id), raw, aside=exchange.staged)


def read_plan(exchange: Exchange, task_id: str, *, details: bool = False) -> StoredPlan | None:
    """The plan of a task; None if there is none, or none that can be read."""
    try:
        with open(_path(exchange, task_id), "rb") as file:
            said = json.loads(file.readline())
            planned = Planned(**said.pop("planned"))
            if details:
                planned = replace(planned, details=json.loads(file.readline()))
        return StoredPlan(planned=planned, **said)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def what_changed(exchange: Exchange, task_id: str, approved: str, now: Planned) -> str:
    """What is another than in the kept plan with this digest: the first files, or else where it
    goes or how; empty if that is not known."""
    stored = read_plan(exchange, task_id, details=True)
    if stored is None or stored.planned.digest != approved:
        return ""
    before = stored.planned
    files = figures.differing(_manifest(exchange, task_id), _by_path(now.manifest()))
    if files:
        return files
    if before.target != now.target:
        return f"it would go to {now.target}, not to {before.target}"
    if before.details.get("script") != now.details.get("script"):
        return "the script, or how it is run, changed"
    gone = sorted(_deleted(now) - _deleted(before))
    if gone:
        return f"{gone[0]} would be deleted too"
    return "how it is published changed: workflow.yaml, the task's parameters, or the bucket"


def _manifest(exchange: Exchange, task_id: str) -> dict[str, list[Any]]:
    try:
        with open(_path(exchange, task_id), "rb") as file:
            return _by_path(json.loads(file.readlines()[2]))
    except (OSError, ValueError, TypeError, IndexError):
        return {}


def _by_path(lines: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    return {str(line[0]): list(line[1:]) for line in lines}


def _deleted(planned: Planned) -> set[str]:
    actions = planned.details.get("actions") or ()
    return {str(action["path"]) for action in actions if action.get("action") == "delete"}


def forget(exchange: Exchange, task_id: str) -> None:
    """Remove the plan and the approval of a task that has ended."""
    for path in (_path(exchange, task_id), exchange.path(layout.APPROVALS, f"{task_id}.json")):
        with suppress(FileNotFoundError):
            os.unlink(path)


def planned_ids(exchange: Exchange) -> set[str]:
    """The tasks of which there is a plan or an approval."""
    return {
        os.path.splitext(name)[0]
        for folder in (layout.PLANS, layout.APPROVALS)
        for name in os.listdir(exchange.path(folder))
        if not name.startswith(".")
    }


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True)


def _path(exchange: Exchange, task_id: str) -> str:
    return exchange.path(layout.PLANS, f"{task_id}.jsonl")

"""What has not ended: who has to do something about it, and with which command."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from workflow.config import Config
from workflow.exchange import Exchange, Found
from workflow.overview import approval_steps, overview, waits_for
from workflow.plans import read_plan
from workflow.report.inert import inert, listed, short

LOOKED_AT = 40
"""Tasks of a state that are opened to see what they wait for: the oldest, by their ids."""
_SHOWN_ACTIONS = 12
_LONGEST = 300

WHO = {
    "approval": "you",
    "task": "another task",
    "time": "time",
    "sweep": "the timer",
    "running": "nobody",
}
"""Who acts next, by what a task waits for."""
_ORDER = ("delete", "changed", "new", "metadata")
"""What a deploy does with a file, what cannot be undone first."""


def waiting(exchange: Exchange, config: Config) -> tuple[list[dict[str, Any]], int]:
    """The tasks that have not begun, those that wait for a person first; how many more there are
    that were not looked at."""
    told, more = [], 0
    for state in ("waiting", "pending"):
        names = exchange.names(state)
        more += max(0, len(names) - LOOKED_AT)
        for task_id in heapq.nsmallest(LOOKED_AT, names):
            found = Found(task_id, state, exchange.task_path(state, task_id))
            told.append(wait_of(exchange, config, found))
    return sorted(told, key=lambda task: task["who"] != "you"), more


def wait_of(
    exchange: Exchange, config: Config, found: Found, *, actions: int = _SHOWN_ACTIONS
) -> dict[str, Any]:
    """One task that has not begun: what it waits for, who acts, its plan and the command."""
    kind, why = waits_for(exchange, config, found) or ("sweep", "cannot be read as it is")
    said = overview(exchange, found)
    told: dict[str, Any] = {
        "task_id": found.task_id,
        "task_type": said.get("task_type"),
        "environment": said.get("environment"),
        "state": found.state,
        "waits_for": kind,
        "who": WHO.get(kind, "the timer"),
        "reason": why,
    }
    if kind == "approval":
        told["plan"] = plan_of(exchange, found.task_id, actions)
        stored = read_plan(exchange, found.task_id)
        planned = stored.planned if stored else None
        told["environment"] = planned.environment if planned else told["environment"]
        steps = approval_steps(found.task_id, planned)
        told["commands"] = [
            *({"cmd": command, "why": why} for command, why in reversed(steps)),
            {"cmd": f"workflow reject {found.task_id}", "why": "say no"},
        ]
    cleaned: dict[str, Any] = inert(told)
    return cleaned | {"reason": short(cleaned["reason"], _LONGEST)}


def plan_of(exchange: Exchange, task_id: str, most: int) -> dict[str, Any] | None:
    """What a deploy would do: in words, in numbers, and the first `most` files of each kind."""
    stored = read_plan(exchange, task_id, details=True)
    if stored is None:
        return None
    planned = stored.planned
    details = planned.details if isinstance(planned.details, Mapping) else {}
    return {
        "summary": planned.summary,
        "target": planned.target,
        "digest": planned.digest[:8],
        "planned_at": stored.planned_at,
        "changes": changes_of(listed(details.get("actions")), most),
        "warnings": [short(one, _LONGEST) for one in listed(details.get("warnings"))[:10]],
    }


def changes_of(actions: Iterable[Any], most: int) -> list[dict[str, Any]]:
    """Files by what is done with them: how many, and the first `most` by name."""
    files: dict[str, list[str]] = {name: [] for name in _ORDER}
    counts = Counter[str]()
    for action in actions:
        kind = action.get("action") if isinstance(action, Mapping) else None
        if isinstance(kind, str) and kind in files:
            counts[kind] += 1
            if len(files[kind]) < most:
                files[kind].append(short(action.get("path"), 200))
    return [
        {"action": kind, "files": counts[kind], "first": files[kind]}
        for kind in _ORDER
        if counts[kind]
    ]


def running(exchange: Exchange) -> list[dict[str, Any]]:
    """What runs now, since when, and whether its sweep lives."""
    told = []
    for task_id in heapq.nsmallest(LOOKED_AT, exchange.names("in-progress")):
        said = overview(
            exchange, Found(task_id, "in-progress", exchange.task_path("in-progress", task_id))
        )
        keys = ("task_id", "task_type", "environment", "started_at", "attempt", "sweep_lives")
        told.append({key: said.get(key) for key in keys})
    cleaned: list[dict[str, Any]] = inert(told)
    return cleaned

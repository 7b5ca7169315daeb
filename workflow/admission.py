"""Whether a task may run now, and what it waits for if not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from workflow import agreement, document, plans
from workflow.config import Config
from workflow.errors import Action, TaskError, WorkflowError
from workflow.exchange import Exchange
from workflow.lease import read_record
from workflow.result import WHO_ACTS, read_result, utc
from workflow.task import Task


@dataclass(frozen=True, slots=True)
class Parked:
    """Cannot run yet. `until` is when that may change by itself."""

    waits_for: Literal["approval", "task", "time"]
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Doomed:
    """Can never run: what it was to follow did not succeed."""

    error: TaskError
    failed_task: str
    """The task that is to be mended: the one that failed, not one that only followed it."""


def admit(task: Task, exchange: Exchange, config: Config, now: datetime) -> Parked | Doomed | None:
    """None if the task may run now. Predecessors first: a doomed task needs no approval."""
    for predecessor in task.file.after:
        doomed = _fate(predecessor, exchange)
        if doomed == "waiting":
            unknown = "" if exchange.find(predecessor) else ", of which there is no task yet"
            return Parked("task", f"waits for {predecessor}{unknown}")
        if doomed is not None:
            return doomed
    return _early(task, exchange, now) or _unapproved(task, exchange, config)


def _unapproved(task: Task, exchange: Exchange, config: Config) -> Parked | None:
    """Whether the task has planned, and nobody has agreed. Then it is not run to plan once more.

    What was agreed to may have changed since: that is seen, and said, when it plans again.
    """
    stored = plans.read_plan(exchange, task.task_id) if agreement.asks(task) else None
    if stored is None or not stored.is_of(task.kind.name, agreement.parameters(task)):
        return None
    try:
        decision = agreement.decide(task, config, stored.planned, exchange)
    except WorkflowError:
        return None  # said by the attempt, with the code that fits
    if isinstance(decision, agreement.Undecided):
        return Parked("approval", decision.reason)
    return None


def _early(task: Task, exchange: Exchange, now: datetime) -> Parked | None:
    """None if its time has come. A task that is tried again says what came of the last time.

    A retry's time is told by the time since boot: where the clock was set back a year, it must not
    wait for a year.
    """
    not_before = task.file.not_before
    if not_before is None or not_before <= now:
        return None
    record = read_record(exchange.read_lease(task.task_id))
    seconds = record.seconds_to_go(utc(not_before))
    if seconds is not None and seconds <= 0:
        return None
    due = not_before if seconds is None else now + timedelta(seconds=seconds)
    again = record.why is not None and record.not_before == utc(not_before)
    reason = f"{record.why} Tried again after {utc(due)}." if again else f"not before {utc(due)}"
    return Parked("time", reason, due)


def _fate(predecessor: str, exchange: Exchange) -> Doomed | Literal["waiting"] | None:
    """None if it succeeded, `waiting` while it has not ended, else what that means for who follows.

    Whoever reads the last of a chain learns what is to be mended: the first error's place and
    hint are told, not that of a link between.
    """
    path = exchange.result(predecessor)
    if path is None:
        found = exchange.find(predecessor)
        if found is None or found.state not in ("completed", "failed", "archived"):
            return "waiting"
        # Its result was cleared away; the folder still says how it ended.
        return _doomed(predecessor, "did not succeed") if found.state == "failed" else None
    try:
        result = read_result(path)
    except (document.InvalidDocument, OSError):
        return _doomed(predecessor, "left a result that cannot be read")
    verification = result.get("verification") or {}
    failed = str(verification.get("verdict", "")).startswith("failed")
    if result.get("status") == "success":
        said = f"did not give what was expected: {verification.get('reason')}"
        return _doomed(predecessor, said) if failed else None
    return _first_cause(predecessor, result) or _doomed(
        predecessor, f"ended as {result.get('status')}"
    )


def _doomed(predecessor: str, what: str) -> Doomed:
    return Doomed(
        TaskError(
            code="predecessor_failed",
            category="chain",
            message=f"it was to run after {predecessor}, which {what}",
            action="fix",
            hint=f"see `workflow show {predecessor}`, mend it and submit both again",
        ),
        predecessor,
    )


def _first_cause(predecessor: str, result: Mapping[str, Any]) -> Doomed | None:
    """What the predecessor's own error says; for one that only followed another, that one's."""
    error, outputs = result.get("error"), result.get("outputs")
    if not isinstance(error, dict) or error.get("action") not in WHO_ACTS:
        return None
    first, message = predecessor, str(error.get("message"))
    if error.get("code") == "predecessor_failed":
        known = outputs.get("failed_task") if isinstance(outputs, dict) else None
        if not isinstance(known, str):
            return None
        first = known
    else:
        message = f"{predecessor} ended as {result.get('status')}: {message}"
    return Doomed(
        TaskError(
            code="predecessor_failed",
            category="chain",
            message=message,
            action=cast(Action, error["action"]),
            file=_text(error.get("file")),
            line=_number(error.get("line")),
            column=_number(error.get("column")),
            excerpt=_text(error.get("excerpt")),
            hint=_text(error.get("hint")) or f"see `workflow show {first}`",
        ),
        first,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None

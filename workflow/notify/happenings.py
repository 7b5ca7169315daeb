"""What has happened since we last looked, read in the journal: its lines are there before what they
tell of is shown, so that a sweep that was killed loses none."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from workflow.approval import read_approval, short
from workflow.config import Config
from workflow.document import InvalidDocument
from workflow.exchange import Exchange, Found
from workflow.handlers import DEPLOY
from workflow.overview import ENDED, overview
from workflow.plans import read_plan
from workflow.result import read_result
from workflow.settings.notify import Event

OLDEST = timedelta(hours=24)
"""What is older is no news: the machine was off, or notifications were."""
OPEN = ("pending", "waiting", "in-progress")


class Cursor(NamedTuple):
    """Up to where the journal was read."""

    file: str
    offset: int


@dataclass(frozen=True)
class Happening:
    """One thing that a person may want to know of one task."""

    event: Event
    task_id: str
    environment: str | None
    sentence: str
    digest: str | None = None
    """Of the plan that waits for approval."""


@dataclass(frozen=True)
class Seen:
    """What a look at the journal found."""

    cursor: Cursor
    happenings: list[Happening] = field(default_factory=list)
    succeeded: int = 0
    failed: int = 0
    idle: bool = False
    """Nothing is left to do, or to agree to."""

    @property
    def ended(self) -> int:
        return self.succeeded + self.failed


def end_of_journal(exchange: Exchange) -> Cursor:
    """What comes after this is new."""
    names = _months(exchange)
    if not names:
        return Cursor("", 0)
    return Cursor(names[-1], os.path.getsize(os.path.join(exchange.journal.folder, names[-1])))


def look(exchange: Exchange, config: Config, cursor: Cursor, told: Mapping[str, str]) -> Seen:
    """What has happened since `cursor`. `told`: the plans that were told, by their tasks."""
    last: dict[str, str] = {}
    since = datetime.now(UTC) - OLDEST
    reached = cursor
    for reached, line in _lines(exchange, cursor):  # noqa: B007 - the last one is wanted
        if line is not None and _moment(line.get("at")) >= since:
            # A task that a crash kept from being moved has a line of the next sweep too.
            last[str(line.get("task"))] = str(line.get("to"))
    happenings: list[Happening] = []
    succeeded = failed = 0
    for task_id, state in last.items():
        found = exchange.find(task_id)
        if found is None:
            continue
        if state == "waiting" and found.state == "waiting":
            happenings += _of_waiting(exchange, found, told)
        elif state in ("completed", "failed") and found.state in ENDED:
            succeeded += found.state != "failed"
            failed += found.state == "failed"
            happenings += _of_ended(exchange, overview(exchange, found), config)
    idle = not any(exchange.count(state) for state in OPEN)
    return Seen(reached, happenings, succeeded, failed, idle)


def _of_waiting(exchange: Exchange, found: Found, told: Mapping[str, str]) -> Iterator[Happening]:
    stored = read_plan(exchange, found.task_id)
    if stored is None or told.get(found.task_id) == stored.planned.digest:
        return
    given = read_approval(exchange, found.task_id)
    if given is not None and given.is_live():
        return
    planned = stored.planned
    sentence = f"{planned.summary}; plan {short(planned.digest)}"
    yield Happening("approval", found.task_id, planned.environment, sentence, planned.digest)


def _of_ended(exchange: Exchange, task: Mapping[str, Any], config: Config) -> Iterator[Happening]:
    """A failure, or a deploy to production that is done; a person's own no is no news."""
    sentence = str(task.get("summary") or "")
    environment = task.get("environment")
    place = str(environment) if environment else None
    if task["status"] == "success" and str(task.get("verdict") or "").startswith("failed"):
        said = f"{_what_a_check_missed(exchange, task)}: {sentence}"
        yield Happening("failure", task["task_id"], place, said)
    elif task["status"] == "success":
        known = config.environments.get(place or "")
        deploy = str(task.get("task_type") or "").startswith(DEPLOY)
        production = place == "production" or (known is not None and known.approval == "phrase")
        # A dry run has published nothing.
        if deploy and production and not sentence.startswith("Dry run"):
            yield Happening("production", task["task_id"], place, sentence)
    elif task["status"] not in ("cancelled", "rejected"):
        yield Happening("failure", task["task_id"], place, sentence)


def _what_a_check_missed(exchange: Exchange, task: Mapping[str, Any]) -> str:
    """Of a task that succeeded and did not give what was expected."""
    try:
        result = read_result(exchange.path(str(task.get("result"))))
    except (InvalidDocument, OSError):
        return "A check failed"
    verification = result.get("verification")
    reason = verification.get("reason") if isinstance(verification, dict) else None
    return f"A check failed ({reason})" if reason else "A check failed"


def _lines(exchange: Exchange, cursor: Cursor) -> Iterator[tuple[Cursor, dict[str, Any] | None]]:
    """The whole lines behind `cursor`, each with where it ends; None for a torn one."""
    for name in _months(exchange):
        if name < cursor.file:
            continue
        path = os.path.join(exchange.journal.folder, name)
        with open(path, "rb") as file:
            start = cursor.offset if name == cursor.file else 0
            # A journal that was put back to an earlier state is read from there on.
            file.seek(min(start, os.path.getsize(path)))
            yield Cursor(name, file.tell()), None
            for raw in file:
                if raw.endswith(b"\n"):
                    start = min(start, os.path.getsize(path)) + len(raw)
                    yield Cursor(name, start), _parsed(raw)


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(raw)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _moment(written: object) -> datetime:
    """A time in the journal; long ago for what is none."""
    try:
        moment = datetime.fromisoformat(str(written))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _months(exchange: Exchange) -> list[str]:
    try:
        names = os.listdir(exchange.journal.folder)
    except FileNotFoundError:
        return []
    return sorted(name for name in names if name.endswith(".jsonl"))

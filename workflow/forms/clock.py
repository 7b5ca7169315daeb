"""JotForm's times: `2026-01-19 14:30:00`, in the time zone of the account, without saying so.

An hour that comes twice (when clocks are put back) is read as its second passage, and questions
reach back by more than an hour: then nothing is missed, and what comes twice is left out by its id.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from workflow.errors import TaskError, TaskFailed
from workflow.forms.client import JotForm
from workflow.layout import CONFIG
from workflow.settings.forms import JotForm as Settings

FORM = "%Y-%m-%d %H:%M:%S"
MARGIN = timedelta(hours=2)
"""By which a question reaches back further than it means to."""


def account_zone(api: JotForm, settings: Settings) -> ZoneInfo:
    """The zone of the account's times: workflow.yaml's, else what GET /user says
    (https://api.jotform.com/docs/#user). Raises TaskFailed `unknown_time_zone`."""
    named = settings.time_zone
    if named is None:
        user = api.get("/user").content
        named = str(user.get("time_zone") or "") if isinstance(user, dict) else ""
    try:
        return ZoneInfo(named)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise TaskFailed(
            TaskError(
                "unknown_time_zone",
                f"the JotForm account's time zone {named!r} is not known here, so that its times "
                "mean nothing",
                "escalate",
                "configuration",
                hint=f"set jotform.time_zone in {CONFIG} to one such as America/New_York",
            )
        ) from None


def to_utc(written: Any, zone: ZoneInfo) -> datetime | None:
    """The moment that JotForm means; None if it is no time."""
    try:
        naive = datetime.strptime(str(written), FORM)
    except ValueError:
        return None
    return naive.replace(tzinfo=zone, fold=1).astimezone(UTC)


def from_utc(moment: datetime, zone: ZoneInfo) -> str:
    """As JotForm writes it."""
    return moment.astimezone(zone).strftime(FORM)


def earlier(written: str, by: timedelta) -> str:
    """A time of JotForm's, so much before another."""
    return (datetime.strptime(written, FORM) - by).strftime(FORM)


def shown(moment: datetime | None) -> str | None:
    """A moment as results tell it: `2026-01-19T19:30:00Z`."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")

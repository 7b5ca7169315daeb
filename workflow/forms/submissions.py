"""What visitors sent: fetched since a time, or since the last time, without gaps or doubles.

`since: last` goes by a mark beside the files: the newest time that was fetched, in JotForm's own
words, and the ids of the two days before it. The next question reaches back over those days, and
what has one of these ids is left out: an account that moves to another time zone, clocks that are
put back, a submission that arrives late from a tablet that was offline, all come out right.
The mark is written last, with the task that wrote it and the mark before: a task that is run again
after a crash starts from where it started.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from workflow.errors import TaskError, TaskFailed
from workflow.forms import clock
from workflow.forms.client import JotForm
from workflow.forms.private import PrivateFolder

MARK = "mark.json"
OVERLAP = timedelta(days=2)


@dataclass(frozen=True)
class Mark:
    """How far `since: last` has come. Times are in JotForm's words."""

    newest: str | None = None
    """None if nothing was fetched yet."""
    seen: Mapping[str, str] = field(default_factory=dict)
    """Id -> time of those fetched within the overlap before `newest`."""


def read_mark(folder: PrivateFolder, task_id: str) -> Mark:
    """The mark from which the task starts. Raises TaskFailed `bad_mark` if it cannot be read: from
    the beginning everything would come a second time."""
    raw = folder.read(MARK)
    if raw is None:
        return Mark()
    try:
        said = json.loads(raw)
        said = said["before"] if said["task"] == task_id else said["mark"]
        if said is None:
            return Mark()
        clock.earlier(said["newest"], OVERLAP)  # raises ValueError if it is no time
        return Mark(said["newest"], {str(k): str(v) for k, v in said["seen"].items()})
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise TaskFailed(
            TaskError(
                "bad_mark",
                f"{folder.path / MARK} does not say how far the last fetch came",
                "escalate",
                "environment",
                hint="restore it from a backup; or remove it, and the next `since: last` fetches "
                "everything once more",
            )
        ) from error


def write_mark(
    folder: PrivateFolder, found: Mark, fetched: Iterable[Mapping[str, Any]], task_id: str
) -> None:
    """Move the mark on to the newest of what was fetched."""
    times = {str(one.get("id")): str(one.get("created_at")) for one in fetched}
    seen = {**found.seen, **{number: at for number, at in times.items() if _is_time(at)}}
    if not seen:
        return
    newest = max([found.newest or "", *seen.values()])
    least = clock.earlier(newest, OVERLAP)
    mark = Mark(newest, {number: at for number, at in seen.items() if at >= least})
    before = None if found.newest is None else asdict(found)
    said = {"task": task_id, "mark": asdict(mark), "before": before}
    folder.write(MARK, json.dumps(said, indent=1).encode() + b"\n")


def _is_time(written: str) -> bool:
    try:
        clock.earlier(written, OVERLAP)
    except (ValueError, OverflowError):
        return False
    return True


def since_mark(api: JotForm, form_id: str, mark: Mark) -> list[Mapping[str, Any]]:
    """All that came since the mark, the oldest first."""
    start = None if mark.newest is None else clock.earlier(mark.newest, OVERLAP)
    return _fetch(api, form_id, start, lambda one: str(one.get("id")) not in mark.seen)


def since_moment(
    api: JotForm, form_id: str, moment: datetime, zone: ZoneInfo
) -> list[Mapping[str, Any]]:
    """All that was sent at the moment or after it, the oldest first."""

    def is_meant(one: Mapping[str, Any]) -> bool:
        sent = clock.to_utc(one.get("created_at"), zone)
        return sent is None or sent >= moment  # one too many is better than one lost

    return _fetch(api, form_id, clock.from_utc(moment - clock.MARGIN, zone), is_meant)


def every(api: JotForm, form_id: str) -> list[Mapping[str, Any]]:
    """All that the form has, the oldest first."""
    return _fetch(api, form_id, None, lambda _: True)


def _fetch(
    api: JotForm,
    form_id: str,
    after: str | None,
    is_meant: Callable[[Mapping[str, Any]], bool],
) -> list[Mapping[str, Any]]:
    """https://api.jotform.com/docs/#form-id-submissions: `filter` is JSON, its times those of the
    account."""
    asked = None if after is None else {"created_at:gt": after}
    path = f"/form/{form_id}/submissions"
    found = [one for one in api.pages(path, most=None, filter=asked) if is_meant(one)]
    return sorted(found, key=lambda one: (str(one.get("created_at")), str(one.get("id"))))

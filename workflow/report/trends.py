"""The last weeks in numbers: how much was done a day, how long it takes, what fails."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from workflow.report.history import Ended, History

_TYPES = 6
"""Task types whose durations are drawn: those with the most runs."""
_RUNS = 40
"""Newest runs of a type that are drawn."""
_LEAST_RUNS = 3
"""Fewer tell nothing of how long a type takes."""


def days(history: History, today: str) -> list[dict[str, Any]]:
    """Each UTC day from the first that was looked at: how many tasks ended, and how."""
    by_day: dict[str, Counter[str]] = defaultdict(Counter)
    for ended in history.ended:
        kind = "succeeded" if ended.well else "failed" if ended.failed else "called_off"
        by_day[ended.day][kind] += 1
    day, last = date.fromisoformat(history.first_day), date.fromisoformat(today)
    told = []
    while day <= last:
        counts = by_day[day.isoformat()]
        kinds = ("succeeded", "failed", "called_off")
        told.append({"day": day.isoformat(), **{kind: counts[kind] for kind in kinds}})
        day += timedelta(days=1)
    return told


def durations(ended: Sequence[Ended]) -> list[dict[str, Any]]:
    """By task type: seconds of the newest runs, the oldest first, with median and the last."""
    runs: dict[str, list[Ended]] = defaultdict(list)
    for one in ended:
        if one.seconds is not None and (one.well or one.failed):
            runs[one.task_type].append(one)
    most = sorted(runs.items(), key=lambda item: (-len(item[1]), item[0]))[:_TYPES]
    told = []
    for task_type, newest_first in most:
        drawn = newest_first[:_RUNS][::-1]
        well = [one.seconds for one in drawn if one.well and one.seconds is not None]
        if len(drawn) < _LEAST_RUNS or not well:
            continue
        told.append(
            {
                "task_type": task_type,
                "runs": [{"seconds": one.seconds, "well": one.well} for one in drawn],
                "median_seconds": round(statistics.median(well), 3),
                "longest_seconds": max(well),
                "last_seconds": drawn[-1].seconds,
                "failed": sum(not one.well for one in drawn),
            }
        )
    return told


def unmended(ended: Sequence[Ended]) -> list[Ended]:
    """Of each type in each environment the newest run, if it failed: nothing has succeeded since.

    The newest first.
    """
    newest: dict[tuple[str, str | None], Ended] = {}
    for one in ended:
        if one.well or one.failed:
            newest.setdefault((one.task_type, one.environment), one)
    return [one for one in newest.values() if one.failed]

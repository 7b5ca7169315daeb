"""What the page about the exchange says, as plain data: the same that `--json` gives."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from workflow import layout
from workflow.config import Config
from workflow.exchange import Exchange
from workflow.expectations import one_line
from workflow.overview import after_of, ago, overview, silence, sweeper_warning
from workflow.report import places, trends
from workflow.report.findings import findings
from workflow.report.history import DAYS, RESULTS, Ended, read_history, read_whole
from workflow.report.inert import inert, listed, short
from workflow.report.logs import logs_of
from workflow.report.waiting import running, waiting
from workflow.result import utc

TASKS = 25
"""Tasks of the day that are shown, with what became of them."""
_FAILURES = 8
"""Failures that nothing has mended which are shown."""
_FOLLOWERS = 10
"""Tasks called off next after a failure of which it is seen whether they were to follow it."""
_RECENT_DAYS = 7
"""After which a failure that nobody mended is history: it was not wanted any more."""
_LOG_CHARACTERS = 3_000
_CHECKS = 8
_PROBLEMS = 5


def board(exchange: Exchange, config: Config) -> dict[str, Any]:
    """Everything that the page says. Raises OSError if the folders cannot be read."""
    now = datetime.now(UTC)
    today = f"{now:%Y-%m-%d}"
    history = read_history(exchange, now)
    parked, unseen = waiting(exchange, config)
    shown_day = history.ended[0].day if history.ended else today
    of_day = [one for one in history.ended if one.day == shown_day]
    recent = f"{now - timedelta(days=_RECENT_DAYS):%Y-%m-%d}"
    unmended = [one for one in trends.unmended(history.ended) if one.day >= recent]
    broken = [
        task_of(exchange, one) | {"again": _again(exchange, one, history.ended)}
        for one in unmended[:_FAILURES]
    ]
    quiet = silence(exchange)
    told: dict[str, Any] = {
        "written_at": utc(now),
        "exchange": {"name": os.path.basename(exchange.root), "root": exchange.root},
        "waiting": parked,
        "waiting_unseen": unseen,
        "running": running(exchange),
        "unmended": broken,
        "config_problems": [p.sentence(layout.CONFIG) for p in config.problems[:_PROBLEMS]],
        "environments": places.environments(exchange, config, history.ended, parked),
        "day": {
            "day": shown_day,
            "today": shown_day == today,
            "counts": _counts(of_day),
            "tasks": [task_of(exchange, one) for one in of_day[:TASKS]],
            "more": max(0, len(of_day) - TASKS),
        },
        "days": trends.days(history, today),
        "durations": trends.durations(history.ended),
        "failures": _codes(broken, history.ended),
        "findings": findings(history.ended),
        "sweeper": {
            "alive": sweeper_warning(exchange, config) is None,
            "last_seen": None if quiet is None else f"{ago(quiet)} ago",
        },
        "bounds": {
            "days": DAYS,
            "results": RESULTS,
            "read": len(history.ended),
            "since": history.first_day,
            "cut": history.cut,
            "unreadable": history.unreadable,
        },
    }
    told["verdict"] = verdict(told)
    cleaned: dict[str, Any] = inert(told)
    return cleaned


def _again(exchange: Exchange, one: Ended, ended: Sequence[Ended]) -> str:
    """The task to submit again once this failure is mended: the last of its chain, where it was the
    end of one, for that runs all of it."""
    later = [e for e in ended if e.status == "cancelled" and e.completed_at >= one.completed_at]
    followers: dict[str, set[str]] = {}
    for follower in sorted(later, key=lambda e: e.completed_at)[:_FOLLOWERS]:
        found = exchange.find(follower.task_id, everywhere=True)
        told = overview(exchange, found) if found is not None else {}
        if found is not None and told.get("failed_task") == one.task_id:
            followers[follower.task_id] = set(after_of(found))
    followed = set().union(*followers.values())
    return next((name for name in followers if name not in followed), one.task_id)


def _counts(ended: Sequence[Ended]) -> dict[str, int]:
    well, failed = sum(one.well for one in ended), sum(one.failed for one in ended)
    return {"ended": len(ended), "succeeded": well, "failed": failed}


def task_of(exchange: Exchange, one: Ended) -> dict[str, Any]:
    """One ended task: its verdict, and for one that did not succeed why, and the end of its log."""
    told: dict[str, Any] = {
        "task_id": one.task_id,
        "task_type": one.task_type,
        "environment": one.environment,
        "status": one.status,
        "completed_at": one.completed_at,
        "seconds": one.seconds,
    }
    result = read_whole(one.path)
    if result is None:
        return told | {"verdict": "Its result is too large to be shown here, or cannot be read."}
    told["verdict"] = short(result["verdict"], 400)
    if not one.well:
        told["error"] = error_of(result.get("error"))
        told["failed_checks"] = [c for c in checks_of(result) if not c["passed"]][:_CHECKS]
    if one.failed:
        told["logs"] = logs_of(exchange, one.task_id, _LOG_CHARACTERS)[:1]
    return told


def error_of(error: Any) -> dict[str, Any] | None:
    """The parts of a result's error that a page shows; None if there is none."""
    if not isinstance(error, Mapping):
        return None
    place = [error.get("file"), error.get("line"), error.get("column")]
    action = str(error.get("action"))
    return {
        "code": short(error.get("code"), 60),
        "message": short(error.get("message"), 600),
        "place": short(":".join(str(part) for part in place if part), 300) or None,
        "excerpt": str(error.get("excerpt") or "")[:1_200] or None,
        "hint": short(error.get("hint"), 600) or None,
        "action": action if action in ("fix", "retry", "escalate") else "escalate",
    }


def checks_of(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The checks of a result, each expectation with what came of it."""
    verification = result.get("verification")
    checks = listed(verification.get("checks") if isinstance(verification, Mapping) else None)
    return [
        {
            "name": short(check.get("name"), 80),
            "expected": short(check.get("expected"), 120),
            "actual": short(one_line(check.get("actual")), 160),
            "passed": check.get("passed") is True,
        }
        for check in checks[:60]
        if isinstance(check, Mapping)
    ]


def _codes(broken: Sequence[Mapping[str, Any]], ended: Sequence[Ended]) -> list[dict[str, Any]]:
    """What fails most: task types with how many of their runs failed, the worst first."""
    failed = Counter(one.task_type for one in ended if one.failed)
    ran = Counter(one.task_type for one in ended if one.well or one.failed)
    open_now = Counter(str(one["task_type"]) for one in broken)
    return [
        {"task_type": kind, "failed": number, "runs": ran[kind], "open": open_now[kind]}
        for kind, number in failed.most_common(5)
    ]


def verdict(told: Mapping[str, Any]) -> dict[str, str]:
    """The page in one word, one headline and one sentence: what the person has to know first."""
    approvals = [one for one in told["waiting"] if one["who"] == "you"]
    acts = [one for one in told["unmended"] if (one.get("error") or {}).get("action") == "escalate"]
    others = [one for one in told["unmended"] if one not in acts]
    yours = [f"{_where(one)} waits for your approval" for one in approvals]
    yours += [f"{_where(one)} needs a person" for one in acts]
    if told["config_problems"]:
        yours.append(f"{layout.CONFIG} has to be mended")
    queued = [one for one in told["waiting"] if one["waits_for"] == "sweep"]
    if yours:
        things = "One thing waits" if len(yours) == 1 else f"{_number(len(yours))} things wait"
        return {"kind": "you", "headline": f"{things} for you", "sentence": _sentence(yours)}
    if not told["sweeper"]["alive"] and (queued or told["running"]):
        seen = told["sweeper"]["last_seen"]
        when = f"the last one ran {seen}" if seen else "none has run yet"
        return {
            "kind": "silent",
            "headline": "No sweep comes",
            "sentence": f"{_tasks(len(queued))} could run now, but {when}. "
            "Start one with workflow sweep, or look at workflow service status.",
        }
    if others:
        said = [f"{_where(one)} failed" for one in others]
        fix = any((one.get("error") or {}).get("action") == "fix" for one in others)
        end = "Claude Code can mend it." if fix else "It may pass if it is tried again."
        many = "One task failed" if len(others) == 1 else f"{_number(len(others))} tasks failed"
        return {"kind": "failed", "headline": many, "sentence": f"{_sentence(said)} {end}"}
    if told["running"]:
        names = [_where(one) for one in told["running"]]
        return {"kind": "running", "headline": "At work", "sentence": _sentence(names)}
    if not told["day"]["counts"]["ended"]:
        some = "Nothing has ended in the last four weeks." if not told["waiting"] else ""
        return {"kind": "new", "headline": "Nothing to tell yet", "sentence": some}
    counts, day = told["day"]["counts"], told["day"]
    when = "today" if day["today"] else f"on {day['day']}"
    return {
        "kind": "well",
        "headline": "All is well",
        "sentence": f"Nothing waits for you. {counts['succeeded']} of "
        f"{_tasks(counts['ended'])} succeeded {when}.",
    }


def _where(one: Mapping[str, Any]) -> str:
    """`The deploy to staging`, `hugo-build for dev`."""
    kind, environment = str(one.get("task_type") or "a task"), one.get("environment")
    if environment and places.is_deploy(kind):
        return f"the deploy to {environment}"
    return f"{kind} for {environment}" if environment else kind


_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


def _number(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else f"{number:,}"


def _tasks(number: int) -> str:
    return f"{number:,} task" + ("" if number == 1 else "s")


def _sentence(parts: Sequence[str]) -> str:
    """Up to three parts as one sentence, with how many more there are."""
    named = list(dict.fromkeys(parts))
    more = len(named) - 3
    text = "; ".join(named[:3]) + (f"; and {more} more" if more > 0 else "")
    return f"{text[:1].upper()}{text[1:]}." if text else ""

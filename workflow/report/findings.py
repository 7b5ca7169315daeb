"""What the validator found last, for each environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workflow.report.history import Ended, read_whole
from workflow.report.inert import short

_MOST = 4
"""Environments whose last check is shown: those that were checked last."""
_CAUSES = 12
SEVERITIES = ("error", "warning", "notice")


def findings(ended: Sequence[Ended]) -> list[dict[str, Any]]:
    """The newest check of each environment that was checked, the newest first."""
    newest: dict[str | None, Ended] = {}
    for one in ended:
        if one.task_type == "site-validate" and (one.well or one.failed):
            newest.setdefault(one.environment, one)
    told: list[dict[str, Any]] = []
    for environment, one in newest.items():
        result = read_whole(one.path)
        found = None if result is None else findings_of(result, _CAUSES)
        if found is not None and len(told) < _MOST:
            told.append(
                {
                    "environment": environment,
                    "task_id": one.task_id,
                    "at": one.completed_at,
                    **found,
                }
            )
    return told


def findings_of(result: Mapping[str, Any], most: int) -> dict[str, Any] | None:
    """What a check's result says was found; None for the result of another task."""
    outputs = result.get("outputs")
    if not isinstance(outputs, Mapping) or not isinstance(outputs.get("causes"), list):
        return None
    counts = {grade: outputs.get(f"{grade}_count") for grade in SEVERITIES}
    causes = [one for one in outputs["causes"] if isinstance(one, Mapping)]
    return {
        "pages": outputs.get("pages") if isinstance(outputs.get("pages"), int) else None,
        "new": outputs.get("new") if isinstance(outputs.get("new"), int) else None,
        "counts": {grade: n if isinstance(n, int) else 0 for grade, n in counts.items()},
        "causes": [_cause(one) for one in causes[:most]],
        "more": max(0, len(causes) - most),
    }


def _cause(cause: Mapping[str, Any]) -> dict[str, Any]:
    severity = cause.get("severity")
    return {
        "severity": severity if severity in SEVERITIES else "notice",
        "code": short(cause.get("code"), 60),
        "message": short(cause.get("message"), 300),
        "hint": short(cause.get("hint"), 300) or None,
        "source": short(cause.get("source") or cause.get("page"), 200) or None,
        "pages": cause.get("pages") if isinstance(cause.get("pages"), int) else 1,
    }

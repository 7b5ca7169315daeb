"""Each environment: what was published there last, and whether something went wrong since."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from workflow import layout
from workflow.config import Config
from workflow.exchange import Exchange
from workflow.report.history import Ended, read_whole
from workflow.report.inert import short
from workflow.result import live_now

_MOST = 12
"""Environments that a page shows."""
_LOOKED_AT = 8
"""Results of an environment's deploys that are opened, to pass by rehearsals."""
_CHANGE = re.compile(r"^- (new|changed|metadata|delete): `(.{1,400})` \(", re.MULTILINE)
_NAMED_CHANGES = 20
_COUNTS = ("uploaded_files", "deleted_files", "unchanged_files", "bytes")


def environments(
    exchange: Exchange, config: Config, ended: Sequence[Ended], waiting: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What is known of each environment of workflow.yaml, from the results that were read."""
    from workflow.approval import policy_of

    told = []
    for name, environment in list(config.environments.items())[:_MOST]:
        deploys = [one for one in ended if one.environment == name and is_deploy(one.task_type)]
        told.append(
            {
                "name": name,
                "base_url": environment.base_url,
                "deploys": environment.deploy is not None,
                "policy": policy_of(name, environment, required=False),
                "published": _published(exchange, name, deploys),
                "failure": _failure(deploys),
                "waiting": [
                    one["task_id"]
                    for one in waiting
                    if one["environment"] == name and one["who"] == "you"
                ],
            }
        )
    return told


def is_deploy(task_type: str) -> bool:
    return task_type.startswith("hugo-deploy-")


def _published(exchange: Exchange, name: str, deploys: Sequence[Ended]) -> dict[str, Any] | None:
    """The last deploy that succeeded and was none in rehearsal; None where none is known."""
    paths = [(one.task_id, one.path) for one in deploys if one.well][:_LOOKED_AT]
    if not paths:
        # Longer ago than was read: the newest of all is named by a link.
        link = exchange.path(layout.LATEST, f"hugo-deploy-{name}.{name}{layout.RESULT_SUFFIX}")
        path = os.path.realpath(link)
        inside = path.startswith(os.path.join(os.path.realpath(exchange.root), ""))
        stem = os.path.basename(path).removesuffix(layout.RESULT_SUFFIX)
        paths = [(stem, path)] if inside and path != link else []
    for task_id, path in paths:
        result = read_whole(path)
        if result is None or result.get("status") != "success":
            continue
        outputs = result.get("outputs")
        if isinstance(outputs, dict) and not outputs.get("dry_run"):
            return {"task_id": task_id, **_of_deploy(result, outputs)}
    return None


def _of_deploy(result: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
    approval = outputs.get("approval")
    changes = _CHANGE.findall(str(result["body"]))[:_NAMED_CHANGES]
    return {
        "at": result.get("completed_at"),
        "verdict": short(result["verdict"], 300),
        "release": short(outputs.get("deployment_id"), 80) or None,
        "site_url": short(outputs.get("site_url"), 300) or None,
        "http_status": outputs.get("http_status"),
        **{key: value for key in _COUNTS if isinstance(value := outputs.get(key), int)},
        "changes": [{"action": action, "path": short(path, 200)} for action, path in changes],
        "approved": _approved(approval) if isinstance(approval, dict) else None,
    }


def _approved(approval: dict[str, Any]) -> str:
    if approval.get("way") == "waived":
        return "nobody had to approve it: so small a change"
    by, through = short(approval.get("by"), 60), short(approval.get("through"), 40)
    how = {"terminal": "at a terminal", "witnessed": "with the phrase", "phrase": "with the phrase"}
    return " ".join(filter(None, ("approved by", by or "somebody", how.get(through, ""))))


def _failure(deploys: Sequence[Ended]) -> dict[str, Any] | None:
    """The newest deploy, if it failed: what it says of the site."""
    newest = next((one for one in deploys if one.well or one.failed), None)
    if newest is None or newest.well:
        return None
    result = read_whole(newest.path) or {}
    outputs = result.get("outputs")
    live = live_now(outputs if isinstance(outputs, dict) else {}).removeprefix("; ")
    return {
        "task_id": newest.task_id,
        "at": newest.completed_at,
        "verdict": short(result.get("verdict") or f"ended as {newest.status}", 300),
        "live": live or None,
    }

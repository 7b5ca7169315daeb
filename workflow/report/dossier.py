"""What the page about one task says, as plain data: the same that `--json` gives."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from workflow import document, layout
from workflow.config import Config
from workflow.exchange import Exchange, Found
from workflow.overview import ENDED, overview
from workflow.report.board import checks_of, error_of
from workflow.report.findings import findings_of
from workflow.report.history import read_start, read_whole, seconds_of
from workflow.report.inert import inert, listed, short
from workflow.report.logs import logs_of
from workflow.report.waiting import changes_of, plan_of, wait_of
from workflow.result import utc

_LOG_CHARACTERS = 12_000
_LOGS = 5
"""Attempts whose logs are shown, the last ones."""
_FILES = 40
"""Of each kind of change in a plan."""
_PLAN_BYTES = 4 * 1024 * 1024
_TASK_CHARACTERS = 6_000
_OUTPUT = 400
_CAUSES = 30
_STEP = re.compile(r"^## Next Steps\n+((?:- .*\n?)+)", re.MULTILINE)


def dossier(exchange: Exchange, config: Config, found: Found) -> dict[str, Any]:
    """Everything that the page about `found` says."""
    keys = ("task_id", "task_type", "environment", "state", "status", "started_at", "attempt")
    # Of one that ended its result tells all, and may be damaged.
    ended = found.state in ENDED
    said = {"status": found.state} if ended else overview(exchange, found)
    said |= {"task_id": found.task_id, "state": found.state}
    told: dict[str, Any] = {
        "written_at": utc(datetime.now(UTC)),
        "exchange": {"name": os.path.basename(exchange.root), "root": exchange.root},
        **{key: said.get(key) for key in keys},
        "verdict": "",
        "file": os.path.relpath(found.path, exchange.root),
        "task": _text_of(found.path),
    }
    if found.state in ("pending", "waiting"):
        told["waiting"] = wait_of(exchange, config, found, actions=_FILES)
    elif ended:
        told |= _of_result(exchange, found)
    told["logs"] = logs_of(exchange, found.task_id, _LOG_CHARACTERS)[:_LOGS]
    cleaned: dict[str, Any] = inert(told)
    return cleaned


def _of_result(exchange: Exchange, found: Found) -> dict[str, Any]:
    path = exchange.result(found.task_id, everywhere=True)
    if path is None:
        return {"verdict": "Its result was cleared away."}
    told: dict[str, Any] = {"result": os.path.relpath(path, exchange.root)}
    result = read_whole(path)
    if result is None:
        return told | {"verdict": "Its result is too large to be shown here, or cannot be read."}
    verification = result.get("verification")
    verdict = verification.get("reason") if isinstance(verification, Mapping) else None
    environment = result.get("environment")
    return told | {
        "task_type": short(result.get("task_type"), 80) or None,
        "environment": environment[:40] if isinstance(environment, str) else None,
        "status": short(result.get("status"), 20) or found.state,
        "started_at": result.get("started_at"),
        "completed_at": result.get("completed_at"),
        "seconds": seconds_of(result.get("duration_seconds")),
        "worker_id": short(result.get("worker_id"), 80),
        "verdict": short(result["verdict"], 400),
        "error": error_of(result.get("error")),
        "checks": checks_of(result),
        "checks_reason": short(verdict, 200) or None,
        "attempts": [_attempt(a) for a in listed(result.get("attempts"))[-10:]],
        "outputs": _outputs(result.get("outputs")),
        "warnings": [short(w, 300) for w in listed(result.get("warnings"))[:10]],
        "next_steps": _next_steps(str(result["body"])),
        "findings": findings_of(result, _CAUSES),
        "plan": _carried_out(exchange, found.task_id) or plan_of(exchange, found.task_id, _FILES),
    }


def _attempt(attempt: Any) -> dict[str, Any]:
    said = attempt if isinstance(attempt, Mapping) else {}
    return {
        "number": short(said.get("number"), 10),
        "status": short(said.get("status"), 20),
        "started_at": short(said.get("started_at"), 20),
        "seconds": seconds_of(said.get("duration_seconds")),
        "error": short(said.get("error"), 60) or None,
    }


def _outputs(outputs: Any) -> list[dict[str, str]]:
    """Each output as text, long ones cut; what has a place of its own on the page left away."""
    if not isinstance(outputs, Mapping):
        return []
    told = []
    for name, value in list(outputs.items())[:60]:
        if name in ("causes", "errors", "by_rule") and value:
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        told.append({"name": short(name, 80), "value": short(text, _OUTPUT)})
    return told


def _next_steps(body: str) -> list[str]:
    shape = _STEP.search(body)
    lines = shape[1].splitlines() if shape else []
    return [short(line.removeprefix("- "), 300) for line in lines[:10]]


def _carried_out(exchange: Exchange, task_id: str) -> dict[str, Any] | None:
    """The plan that a deploy left beside its log."""
    folder = exchange.logs(task_id)
    raw = read_start(os.path.join(folder, "plan.json"), _PLAN_BYTES) if folder else None
    try:
        plan = json.loads(raw or b"")
    except ValueError:
        return None
    if not isinstance(plan, dict) or not isinstance(plan.get("actions"), list):
        return None
    return {
        "target": short(plan.get("target"), 200),
        "changes": changes_of(plan["actions"], _FILES),
        "warnings": [],
    }


def _text_of(path: str) -> dict[str, Any]:
    """The task file: its front matter and its text, as they are written, as far as they fit."""
    try:
        read = document.parse(document.read_regular(path))
    except (document.InvalidDocument, OSError) as error:
        return {"text": None, "reason": short(str(error), 300)}
    data = {key: value for key, value in read.data.items() if key != "approval"}
    request = short(data.get("request"), 1_000) or None
    text = "\n".join(f"{key}: {_written(value)}" for key, value in inert(data).items())
    return {
        "request": request,
        "text": text[:_TASK_CHARACTERS],
        "body": str(inert(read.body)).strip()[:_TASK_CHARACTERS],
    }


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def page_name(task_id: str) -> str:
    """The file's name for a task's page: ids are file names already, whatever they hold."""
    return f"{task_id.removesuffix(layout.SUFFIX)}.html"

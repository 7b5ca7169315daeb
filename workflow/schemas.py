"""JSON Schemas (2020-12) of our files: task and config from their models, result written here."""

from __future__ import annotations

from typing import Any, get_args

from workflow.config import ConfigFile
from workflow.errors import Action, Status
from workflow.task import TaskFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TIME = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"}
_TEXT = {"type": "string"}
_SECONDS = {"type": "number", "minimum": 0}

_ERROR = {
    "type": "object",
    "required": ["code", "category", "message", "action"],
    "properties": {
        "code": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
        "category": _TEXT,
        "message": _TEXT,
        "file": _TEXT,
        "line": {"type": "integer", "minimum": 1},
        "column": {"type": "integer", "minimum": 1},
        "excerpt": _TEXT,
        "hint": _TEXT,
        "action": {"enum": list(get_args(Action))},
    },
}
_CHECK = {
    "type": "object",
    "required": ["name", "expected", "actual", "passed"],
    "properties": {"name": _TEXT, "expected": _TEXT, "passed": {"type": "boolean"}},
}
_ATTEMPT = {
    "type": "object",
    "required": ["number", "started_at", "status"],
    "properties": {
        "number": {"type": "integer", "minimum": 1},
        "started_at": _TIME,
        "status": {"enum": [*get_args(Status), "interrupted"]},
        "duration_seconds": _SECONDS,
        "error": _TEXT,
        "worker_id": _TEXT,
    },
}
RESULT: dict[str, Any] = {
    "$schema": DIALECT,
    "title": "Result",
    "description": "The front matter of a result file.",
    "type": "object",
    "required": [
        "task_id", "task_type", "status", "started_at", "completed_at", "duration_seconds",
        "worker_id", "outputs", "logs",
    ],
    "properties": {
        "task_id": _TEXT,
        "task_type": {"type": ["string", "null"]},
        "status": {"enum": list(get_args(Status))},
        "environment": _TEXT,
        "started_at": _TIME,
        "completed_at": _TIME,
        "duration_seconds": _SECONDS,
        "worker_id": _TEXT,
        "outputs": {"type": "object"},
        "error": _ERROR,
        "verification": {
            "type": "object",
            "required": ["verdict", "reason", "checks"],
            "properties": {
                "verdict": _TEXT,
                "reason": _TEXT,
                "checks": {"type": "array", "items": _CHECK},
            },
        },
        "attempts": {"type": "array", "items": _ATTEMPT},
        "warnings": {"type": "array", "items": _TEXT},
        "logs": _TEXT,
    },
    # Every status but success says why.
    "if": {"properties": {"status": {"not": {"const": "success"}}}},
    "then": {"required": ["error"]},
}  # fmt: skip

SCHEMAS = ("task", "result", "config")


def schema(name: str) -> dict[str, Any]:
    """The schema called `name`, one of SCHEMAS."""
    if name == "result":
        return RESULT
    model = TaskFile if name == "task" else ConfigFile
    return {"$schema": DIALECT, **model.model_json_schema()}

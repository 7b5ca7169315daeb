"""Making a task: from the type's template and what was asked for to a file in tasks/pending/."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from workflow import document, layout, templates, yaml12
from workflow.config import Config, Environment
from workflow.document import Document
from workflow.errors import Exit, WorkflowError, nearest
from workflow.exchange import Exchange
from workflow.handlers import DEPLOY, TaskType, find_type, unknown_type
from workflow.pending import publish_task, submitting
from workflow.result import utc
from workflow.task import InvalidTask, build_task

_VOLATILE = ("task_id", "created_at", "created_by", "status", "approval", "chain", "after")
"""Keys that differ between two submissions of the same wish."""


@dataclass
class Wish:
    """What somebody asked for."""

    task_type: str
    environment: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    """Parameters as they were typed: `key` -> text that YAML reads."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Parameters as the values that they are."""
    source: Document | None = None
    """A task file to start from in the template's place."""
    body: str | None = None
    description: str | None = None
    priority: str | None = None
    after: Sequence[str] = ()
    key: str | None = None
    request: str | None = None
    author: str | None = None
    """Who writes it; None for the user, or Claude Code in whose shell we run."""


def known_type(name: str, config: Config | None = None) -> TaskType:
    """The row of a type. Raises WorkflowError `unknown_type`."""
    found = find_type(name, config)
    if found is None:
        problem = unknown_type(name, config)
        raise WorkflowError(
            "unknown_type",
            problem.message,
            hint=problem.hint,
            did_you_mean=problem.did_you_mean,
        )
    return found


def compose_task(wish: Wish, config: Config, now: datetime) -> tuple[dict[str, Any], str]:
    """Front matter (without an id) and body of the task. Raises WorkflowError for a bad wish."""
    kind = known_type(wish.task_type, config)
    template = kind.template(config.root)
    given = wish.source.data if wish.source else {}
    if given.get("task_type", kind.name) != kind.name:
        raise WorkflowError(
            "conflicting_type",
            f"the file is a {given['task_type']!r} task, not a {kind.name!r} one",
            hint=f"submit it as {given['task_type']}",
        )
    data: dict[str, Any] = {
        "task_type": kind.name,
        "created_at": utc(now),
        "created_by": wish.author or _author(),
        "status": "pending",
    }
    defaults = dict(template.defaults) if template else {}
    data |= {
        key: value
        for key, value in {**defaults, **given}.items()
        if key not in data and key != "approval"  # of another task, at best
    }
    data["params"] = _parameters(kind, wish, config, template, given.get("params"))
    if wish.priority:
        data["priority"] = wish.priority
    context = dict(data.get("context") or {})
    if wish.request:
        context["user_request"] = wish.request
    if wish.description:
        context["description"] = wish.description
    if context:
        data["context"] = context
    if wish.after:
        data["after"] = list(wish.after)
    if wish.key:
        data["idempotency_key"] = wish.key
    body = wish.body
    if body is None:
        body = wish.source.body if wish.source else template.body if template else ""
    _check(data, body, config, wish.settings)
    return _in_order(data), body


_ASKS_TEXT = ("string_type", "literal_error")
"""What pydantic calls the lack of a text, and of one of several."""


def _parameters(
    kind: TaskType,
    wish: Wish,
    config: Config,
    template: templates.Template | None,
    given: Any,
) -> dict[str, Any]:
    model = kind.load().Params
    params: dict[str, Any] = dict(template.params) if template else {}
    params |= given if isinstance(given, dict) else {}
    known = list(model.model_fields)
    for key in (*wish.settings, *wish.params):
        if key not in known:
            raise WorkflowError(
                "unknown_parameter",
                f"{kind.name} has no parameter {key!r}",
                hint="it has: " + ", ".join(known),
                did_you_mean=nearest(key, known),
            )
    params |= {key: _typed(text) for key, text in wish.settings.items()}
    params |= wish.params
    if "environment" in known:
        asked = wish.environment or params.get("environment")
        name, environment = _environment(kind, asked, config)
        params["environment"] = name
        if "base_url" in known:
            params.setdefault("base_url", environment.base_url)
    elif wish.environment is not None:
        raise WorkflowError(
            "usage", f"{kind.name} has no environment", hint="leave --env away for this type"
        )
    if "site_path" in known and params.get("site_path") is not None:
        config.site(params["site_path"])
    try:
        model.model_validate(params)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            # Text that only looks like a number or a truth value, where text is asked for.
            name = str(item["loc"][0]) if item["loc"] else ""  # empty: of all of them together
            within = len(item["loc"]) > 1 and isinstance(params.get(name), (dict, list))
            if item["type"] in _ASKS_TEXT and name in wish.settings and not within:
                params[name] = wish.settings[name]
    return {key: params[key] for key in known if key in params} | params


def _environment(kind: TaskType, asked: str | None, config: Config) -> tuple[str, Environment]:
    """The environment of a task: that of its type, else the one asked for, else the first."""
    if kind.environment is None:
        return config.environment(asked)
    if asked not in (None, kind.environment):
        raise WorkflowError(
            "usage",
            f"{kind.name} is for {kind.environment}, not for {asked}",
            hint=f"submit {DEPLOY}{asked}, or leave the environment away",
        )
    try:
        return config.environment(kind.environment)
    except WorkflowError as error:
        near = [*(DEPLOY + name for name in error.did_you_mean), *error.did_you_mean]
        raise replace(error, did_you_mean=near) from error


def _typed(text: str) -> Any:
    try:
        return yaml12.load(text).data
    except yaml12.InvalidYaml:
        return text


def _check(data: Mapping[str, Any], body: str, config: Config, settings: Mapping[str, str]) -> None:
    try:
        build_task(document.parse(document.compose(data, body)), "new", config)
    except InvalidTask as error:
        said = "; ".join(f"{p.key}: {p.message}" if p.key else p.message for p in error.problems)
        first = error.problems[0]
        raise WorkflowError(
            error.code,
            said,
            hint=first.hint
            or _unreadable(settings.get((first.key or "").removeprefix("params."), ""))
            or f"see `workflow types {data['task_type']}` for what each parameter takes",
            did_you_mean=first.did_you_mean,
        ) from error


def _unreadable(text: str) -> str | None:
    """Why a list or mapping that somebody began to write is one no more than any other text."""
    if not text.startswith(("{", "[")):
        return None
    try:
        yaml12.load(text)
    except yaml12.InvalidYaml as error:
        return f"it cannot be read as YAML: {error.problem.message}"
    return None


_ORDER = (
    "task_id", "task_type", "created_at", "created_by", "status", "worker_type", "priority",
    "timeout_minutes", "chain", "after", "not_before", "idempotency_key", "context", "params",
    "expected_outputs", "requires_approval",
)  # fmt: skip


def _in_order(data: Mapping[str, Any]) -> dict[str, Any]:
    known = {key: data[key] for key in _ORDER if key in data}
    return known | {key: value for key, value in data.items() if key not in known}


def _author() -> str:
    if os.environ.get("CLAUDECODE") == "1":
        return "claude-code"
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def wanted_id(data: Mapping[str, Any], wish: Wish, now: datetime) -> str:
    """`2026-01-19-1430-hugo-build-staging`: the minute, the type, a brief description."""
    task_type = str(data["task_type"])
    brief = slug(wish.description or str(data["params"].get("environment") or ""))
    stem = f"{now.astimezone(UTC):%Y-%m-%d-%H%M}-{task_type}"
    return stem if not brief or task_type.endswith(f"-{brief}") else f"{stem}-{brief}"


def slug(text: str) -> str:
    """At most six words of `text`, fit for a file name."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return "-".join(words[:6])[:60].strip("-")


def submit(exchange: Exchange, config: Config, wish: Wish, chain: str | None = None) -> str:
    """Write the task that was wished for and return its id.

    With a key: the id of the task that was submitted under it before, if that asked for the same.
    Raises WorkflowError `idempotency_conflict` if it asked for something else.
    """
    exchange.make(layout.PENDING)
    now = datetime.now(UTC)
    data, body = compose_task(wish, config, now)
    if chain:
        data = _in_order({**data, "chain": chain})
    tail = f"-k{hashlib.sha256(wish.key.encode()).hexdigest()[:10]}" if wish.key else ""

    def render(task_id: str) -> bytes:
        return document.compose({"task_id": task_id, **data}, body)

    with submitting(exchange):
        for earlier in exchange.ids_ending_with(tail) if tail else ():
            found = exchange.find(earlier)
            if found is not None:
                _same_wish(document.read_regular(found.path), render(earlier), wish, earlier)
                return earlier
        return publish_task(exchange, wanted_id(data, wish, now), render, tail)


def _same_wish(written: bytes, asked: bytes, wish: Wish, task_id: str) -> None:
    """Raise unless both files ask for the same, whenever and by whomever."""
    try:
        old = document.parse(written)
    except document.InvalidDocument:
        old = None
    new = document.parse(asked)
    if old is not None and old.body == new.body:
        differing = [
            key
            for key in {**old.data, **new.data}
            if key not in _VOLATILE and old.data.get(key) != new.data.get(key)
        ]
        if not differing:
            return
        what = ", ".join(differing)
    else:
        what = "the text below the front matter"
    raise WorkflowError(
        "idempotency_conflict",
        f"the key {wish.key!r} was used by {task_id} for something else ({what} differs)",
        Exit.CONFLICT,
        hint="use a new key for a new wish",
    )

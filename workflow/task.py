"""A task: what its file says, completed by its type's template and by workflow.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from workflow import document, expectations, templates
from workflow.config import Config, Retry, problems_of
from workflow.document import Document
from workflow.errors import Problem, WorkflowError, nearest
from workflow.expectations import Expectation
from workflow.handler import Handler, Params
from workflow.handlers import DEPLOY, TaskType, find_type, unknown_type
from workflow.result import hostname
from workflow.status_key import StatusKey, find_status

PRIORITIES = ("urgent", "high", "normal", "low")


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _utc(value: Any) -> Any:
    """An ISO time; one without a zone is UTC, as everything in a task file is."""
    if not isinstance(value, str):
        raise ValueError("must be a UTC time such as 2026-01-19T14:30:00Z")
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is a time before the year 1 or after 9999") from error


class TaskFile(BaseModel):
    """The front matter of a task file. Keys that are not known are kept and have no effect."""

    model_config = ConfigDict(extra="allow", frozen=True)

    task_id: str | None = Field(default=None, description="the file's name without .md")
    task_type: str = Field(description="what to do: one of `workflow types`")
    created_at: str | None = Field(default=None, description="UTC time")
    created_by: str | None = None
    status: str | None = Field(default=None, description="follows the folder; never trusted")
    worker_type: str | None = None
    priority: Literal["urgent", "high", "normal", "low"] = "normal"
    timeout_minutes: float | None = Field(default=None, gt=0, le=1440)
    context: dict[str, Any] | None = Field(default=None, description="audit trail, free in form")
    params: dict[str, Any] = Field(default={}, description="what the type takes")
    expected_outputs: Annotated[Any, WithJsonSchema(expectations.SCHEMA)] = Field(
        default=None, description="names, or 'name: condition', to check the outputs by"
    )
    requires_approval: bool = False
    approval_confirmation: str | None = None
    approval_confirmed: bool | None = None
    approval: dict[str, Any] | None = Field(default=None, description="written by approval")
    after: Annotated[
        list[str], BeforeValidator(_one_or_many, json_schema_input_type=list[str] | str)
    ] = Field(default=[], description="ids of tasks that must have succeeded")
    not_before: Annotated[datetime, BeforeValidator(_utc)] | None = Field(
        default=None, description="UTC time before which it is not run"
    )
    retry: Retry | None = None
    idempotency_key: str | None = None
    chain: str | None = Field(default=None, description="id of the chain that it belongs to")


class InvalidTask(ValueError):
    """A file is not a task that can be run. `problems` holds all that is wrong with it, `help` is
    the command that tells what may stand there."""

    def __init__(
        self, code: str, problems: Sequence[Problem], help: str = "workflow schema task"
    ) -> None:
        super().__init__("; ".join(problem.sentence() for problem in problems))
        self.code = code
        self.problems = tuple(problems)
        self.help = help


@dataclass(frozen=True)
class Task:
    """A task with nothing left open: ready to be run, or parked until it may be."""

    task_id: str
    file: TaskFile
    kind: TaskType
    handler: Handler
    params: Params
    expected: list[Expectation]
    timeout_seconds: float
    retry: Retry
    resources: frozenset[str]
    """What no two tasks may use at the same time."""
    raw: bytes
    """The file that says all this."""
    status_key: StatusKey | None
    warnings: tuple[str, ...] = ()

    @property
    def environment(self) -> str | None:
        named = getattr(self.params, "environment", None)
        return named if isinstance(named, str) else None

    @property
    def worker_id(self) -> str:
        """Who runs it, as results say it: `hugo-builder-laptop`."""
        return f"{self.file.worker_type or self.kind.name}-{hostname()}"

    @property
    def rank(self) -> int:
        """0 for the most urgent."""
        return PRIORITIES.index(self.file.priority)


def read_task(raw: bytes, task_id: str, config: Config) -> tuple[Task, Document]:
    """The task in the bytes of a file. Raises InvalidTask with every problem at once."""
    try:
        read = document.parse(raw)
    except document.InvalidDocument as error:
        raise InvalidTask("unreadable_task", error.problems) from error
    return build_task(read, task_id, config), read


def load_task(path: str, task_id: str, config: Config) -> tuple[Task, Document]:
    """The task in a file. Raises InvalidTask, also for what is no plain file; FileNotFoundError."""
    try:
        raw = document.read_regular(path)
    except document.NotAFile as error:
        raise InvalidTask("not_a_file", error.problems) from error
    return read_task(raw, task_id, config)


def build_task(read: Document, task_id: str, config: Config) -> Task:
    """Complete what a document says and check it. Raises InvalidTask with every problem."""
    named = read.data.get("task_type")
    kind = find_type(named, config) if isinstance(named, str) else None
    template = None if kind is None else _template(config, kind)
    merged = {**(template.defaults if template else {}), **read.data}
    params, problems = _params(read, template)
    if kind is not None and kind.environment is not None:
        _own_environment(kind, params, read, problems)
    file = _file({**merged, "params": params}, read, problems)
    expected = _expected(merged.get("expected_outputs"), read, problems)
    if kind is None:
        if not isinstance(named, str):
            raise InvalidTask("invalid_task", problems)
        what = unknown_type(named, config)
        line, column = read.place(("task_type",)) or (None, None)
        problems.insert(0, replace(what, key="task_type", line=line, column=column))
        raise InvalidTask("unknown_type", problems)
    handler = kind.load()
    checked: Params | None = None
    try:
        checked = handler.Params.model_validate(params)
    except ValidationError as error:
        for path, problem in problems_of(error, None, handler.Params):
            where = ("params", *path)
            problems.append(_at(read, where, problem.message, problem.hint, problem.did_you_mean))
    named_there = {key: params.get(key) for key in handler.Params.model_fields}
    code = _reachable(kind, named_there, config, read, problems)
    if problems or checked is None or file is None:
        problems.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
        if (problems[0].key or "").startswith("params"):
            raise InvalidTask(code or "invalid_task", problems, f"workflow types {kind.name}")
        raise InvalidTask(code or "invalid_task", problems)
    used: Sequence[str] = ()
    with suppress(WorkflowError):  # said by the attempt, with the code that fits
        used = handler.resources(checked, config)
    limits = (file.timeout_minutes, kind.timeout_minutes, config.policies.timeout_minutes)
    minutes = next(limit for limit in limits if limit)
    return Task(
        task_id=task_id,
        file=file,
        kind=kind,
        handler=handler,
        params=checked,
        expected=expected,
        timeout_seconds=minutes * 60,
        retry=file.retry or config.policies.retry,
        resources=frozenset(used),
        raw=read.encode(),
        status_key=find_status(read),
        warnings=tuple(_warnings(read, task_id)),
    )


def _own_environment(
    kind: TaskType, params: dict[str, Any], read: Document, problems: list[Problem]
) -> None:
    """Give the task the one environment that its type is for; another one is a problem."""
    said = params.get("environment")
    if said not in (None, kind.environment):
        message = f"{kind.name} is for {kind.environment}, not for {said!r}"
        hint = f"leave it away, or use the type {DEPLOY}{said}"
        problems.append(_at(read, ("params", "environment"), message, hint))
    params["environment"] = kind.environment


def _reachable(
    kind: TaskType,
    params: Mapping[str, Any],
    config: Config,
    read: Document,
    problems: list[Problem],
) -> str | None:
    """Whether the task names only what workflow.yaml lists; else the error code that fits."""
    code = None
    for key, look_up in (("environment", config.environment), ("site_path", config.site)):
        named = params.get(key)
        if isinstance(named, str):
            try:
                look_up(named)
            except WorkflowError as error:
                # A broken entry is no fault of the task: the attempt says what is wrong there.
                if error.code != "bad_config":
                    path: tuple[str, ...] = ("params", key)
                    near = tuple(error.did_you_mean)
                    if key == "environment" and kind.environment is not None:
                        path, near = ("task_type",), tuple(DEPLOY + name for name in near)
                    problems.append(_at(read, path, error.message, error.hint, near))
                    code = error.code
    return code if len(problems) == 1 else None


def _template(config: Config, kind: TaskType) -> templates.Template | None:
    try:
        return kind.template(config.root)
    except WorkflowError as error:
        raise InvalidTask("bad_template", [Problem(error.message, hint=error.hint)]) from error


def _params(
    read: Document, template: templates.Template | None
) -> tuple[dict[str, Any], list[Problem]]:
    """The task's own parameters over the template's. Placeholders that were left are said."""
    problems = []
    own = read.data.get("params")
    params = dict(template.params) if template else {}
    if not isinstance(own, dict):
        return params, [] if own is None else [_at(read, ("params",), "must be a mapping")]
    open_choices = template.choices if template else {}
    hints = template.hints if template else set()
    for key, value in own.items():
        left = templates.choices(value) if key in open_choices else None
        if left:
            problems.append(_at(read, ("params", key), f"choose one of {', '.join(left)}"))
        elif key not in hints or not templates.is_hint(value):
            params[key] = value
    for key, open_choice in open_choices.items():
        # Which environments there are, workflow.yaml says.
        if key in params and key != "environment" and str(params[key]) not in open_choice:
            message = f"{params[key]!r} is not among {', '.join(open_choice)}"
            near = nearest(str(params[key]), open_choice)
            problems.append(_at(read, ("params", key), message, None, near))
    return params, problems


def _file(data: Mapping[str, Any], read: Document, problems: list[Problem]) -> TaskFile | None:
    try:
        return TaskFile.model_validate(data)
    except ValidationError as error:
        for path, problem in problems_of(error, None, TaskFile):
            near: tuple[str, ...] = ()
            if "missing" in problem.message:
                misspelt = [k for k in read.data if k not in TaskFile.model_fields]
                near = nearest(str(path[-1]), misspelt)
            hint = f"the key {near[0]!r} is not known" if near else problem.hint
            where = near[:1] or path
            problems.append(_at(read, where, problem.message, hint, problem.did_you_mean))
        return None


def _expected(written: Any, read: Document, problems: list[Problem]) -> list[Expectation]:
    found = []
    for path, entry in _each(written):
        try:
            found += expectations.parse(entry)
        except expectations.InvalidExpectation as error:
            problems.append(_at(read, ("expected_outputs", *path), str(error)))
    return found


def _each(written: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every expectation by itself, with its path in the whole, so that each error is said."""
    if isinstance(written, dict):
        yield from (((name,), {name: condition}) for name, condition in written.items())
    elif isinstance(written, list):
        for number, entry in enumerate(written):
            inner = _each(entry) if isinstance(entry, dict) else [((), [entry])]
            yield from (((number, *path), one) for path, one in inner)
    else:
        yield (), written


def _warnings(read: Document, task_id: str) -> list[str]:
    said = []
    if read.data.get("task_id", task_id) != task_id:
        said.append(f"task_id says {read.data['task_id']!r}; the file's name counts: {task_id}")
    known = list(TaskFile.model_fields)
    for key in read.data:
        near = nearest(key, known) if key not in known else ()
        if near:
            said.append(f"the key {key!r} is not known; did you mean {near[0]}?")
    return said


def _at(
    read: Document,
    path: tuple[str | int, ...],
    message: str,
    hint: str | None = None,
    did_you_mean: Sequence[str] = (),
) -> Problem:
    line, column = read.place(path) or (None, None)
    key = ".".join(map(str, path)) or None
    return Problem(message, key, line, column, hint, tuple(did_you_mean))

"""workflow.yaml: sites, environments and policies.

A bad entry never stops the others: what cannot be read is left out and remembered, so that only
a task that needs it fails, and every command can say what is wrong, with line and column.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from workflow import document, yaml12
from workflow.errors import Problem, WorkflowError, nearest
from workflow.layout import CONFIG
from workflow.settings import AnyPath, Strict
from workflow.settings import Url as Url
from workflow.settings.commands import Command as Command
from workflow.settings.commands import misplaced
from workflow.settings.content import Content as Content
from workflow.settings.deploy import Deploy as Deploy
from workflow.settings.deploy import ObjectRule as ObjectRule
from workflow.settings.forms import Form as Form
from workflow.settings.forms import JotForm as JotForm
from workflow.settings.git import Git as Git
from workflow.settings.notify import Channel as Channel
from workflow.settings.report import Report as Report
from workflow.settings.sync import Sync as Sync
from workflow.settings.validate import Validate as Validate

NAME = r"^[a-z0-9][a-z0-9-]{0,39}$"


class Site(Strict):
    """A Hugo site. `path` is relative to workflow.yaml, absolute, or starts with `~`."""

    path: AnyPath
    public: str = Field(default="public", description="folder of the built site, inside `path`")


class Hugo(Strict):
    """Which Hugo builds. Timers start us with a bare PATH, so the path may be named here."""

    path: AnyPath | None = None
    version: str | None = Field(
        default=None,
        description="what is asked of its version, e.g. '>=0.140' or '>=0.140, <0.170'",
        pattern=r"^\s*(>=|<=|==|<|>)\s*\d+(\.\d+){0,2}\s*(,\s*(>=|<=|==|<|>)\s*\d+(\.\d+){0,2}\s*)*$",
    )


class Waiver(Strict):
    """Deploys so small that nobody need approve them."""

    max_changed: int = Field(default=0, ge=0, description="files new or changed")
    max_deleted: int = Field(default=0, ge=0)


class Environment(Strict):
    """One place where a site lives: its address, Hugo's name for it, what publishing asks for."""

    base_url: Url
    hugo_environment: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]+$")
    approval: Literal["none", "approve", "phrase"] | None = Field(
        default=None, description="default: none for dev, approve for the others"
    )
    waive: Waiver | None = Field(default=None, description="for approval: approve")
    phrase: str = Field(default="DEPLOY TO PRODUCTION", min_length=1)
    accept_declared: bool = Field(
        default=False, description="take the phrase from a task file, without a plan's digest"
    )
    approval_minutes: float = Field(default=15, gt=0, le=1440, description="until one expires")
    deploy: Deploy | None = None
    validation: Validate | None = Field(
        default=None, alias="validate", description="beyond what `validate` says for all"
    )


class Retry(Strict):
    """How often passing faults (and crashes of repeatable tasks) are tried again."""

    max_attempts: int = Field(default=3, ge=1, le=20)
    backoff_seconds: float = Field(default=10, ge=0, le=86_400)


class Policies(Strict):
    jobs: int = Field(default=2, ge=1, le=64, description="tasks that run side by side")
    settle_seconds: float = Field(
        default=2, ge=0, le=3600, description="age at which an unreadable file counts as finished"
    )
    timeout_minutes: float = Field(default=10, gt=0, le=1440, description="limit for one attempt")
    retry: Retry = Retry()
    archive: Literal["monthly", "never"] = "monthly"
    submit_starts_sweep: Literal["with-wait", "always", "never"] = Field(
        default="with-wait", description="whether `submit` starts a sweep, not to wait for a timer"
    )
    sweeper_stale_seconds: float = Field(
        default=120, ge=1, description="silence after which the timer counts as dead"
    )


class ConfigFile(Strict):
    """What may stand in workflow.yaml."""

    version: Literal[1]
    hugo: Hugo = Hugo()
    sites: dict[str, Site] = Field(default={})
    environments: dict[str, Environment] = Field(default={})
    policies: Policies = Policies()
    validation: Validate = Field(default=Validate(), alias="validate")
    content: Content = Content()
    forms: dict[str, Form] = Field(default={}, description="JotForm forms that pages may embed")
    jotform: JotForm = JotForm()
    git: Git = Git()
    report: Report = Report()
    notify: dict[str, Channel] = Field(default={}, description="ways to reach a person")
    sync: Sync | None = Field(default=None, description="one exchange on several machines")
    commands: dict[str, Command] = Field(
        default={}, description="the owner's own programs, each a task type"
    )


@dataclass(frozen=True)
class Config:
    """The usable part of workflow.yaml; `problems`: what was wrong, `broken`: what was left out."""

    root: Path
    hugo: Hugo
    sites: Mapping[str, Site]
    environments: Mapping[str, Environment]
    policies: Policies
    validation: Validate = field(default_factory=Validate)
    content: Content = field(default_factory=Content)
    forms: Mapping[str, Form] = field(default_factory=dict)
    jotform: JotForm = field(default_factory=JotForm)
    git: Git = field(default_factory=Git)
    report: Report = field(default_factory=Report)
    notify: Mapping[str, Channel] = field(default_factory=dict)
    sync: Sync | None = None
    commands: Mapping[str, Command] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    broken: Mapping[str, Problem] = field(default_factory=dict)

    def path(self, written: Path) -> Path:
        """The absolute path of `written`: relative to workflow.yaml, absolute, or from `~`."""
        return Path(os.path.normpath(self.root / os.path.expanduser(written)))

    def site(self, named: str | None) -> tuple[str, Site]:
        """The site called `named`, or lying at the path `named`; the first one for None.

        Raises WorkflowError `no_such_site`: a task reaches the configured folders and no others.
        """
        if named is None and self.sites:
            return next(iter(self.sites.items()))
        if named is not None and named in self.sites:
            return named, self.sites[named]
        if named is not None and "\0" not in named:
            asked = os.path.realpath(self.path(Path(named)))
            for name, site in self.sites.items():
                if os.path.realpath(self.path(site.path)) == asked:
                    return name, site
        what = "a site" if named is None else f"the site {named!r}"
        raise self._missing("sites", named, f"{CONFIG} does not list {what}", "no_such_site")

    def environment(self, named: str | None) -> tuple[str, Environment]:
        """The environment called `named`; the first one for None. Raises `no_such_environment`."""
        if named is None and self.environments:
            return next(iter(self.environments.items()))
        if named is not None and named in self.environments:
            return named, self.environments[named]
        what = "an environment" if named is None else f"the environment {named!r}"
        raise self._missing(
            "environments", named, f"{CONFIG} does not list {what}", "no_such_environment"
        )

    def _missing(self, section: str, named: str | None, message: str, code: str) -> WorkflowError:
        broken = self.broken.get(f"{section}.{named}")
        if broken is not None:
            return WorkflowError(
                "bad_config",
                f"{section}.{named} is unusable: {broken.sentence(CONFIG)}",
                hint=f"mend {CONFIG}; `workflow doctor` lists all that is wrong in it",
            )
        known = list(getattr(self, section))
        listed = ", ".join(known) or "none"
        return WorkflowError(
            code,
            f"{message}; it lists: {listed}",
            hint=f"use one of them, or add it under `{section}:` in {CONFIG}",
            did_you_mean=nearest(named or "", known),
        )


def load_config(root: str | os.PathLike[str]) -> Config:
    """The configuration of the exchange at `root`.

    Raises WorkflowError `bad_config` only if nothing of the file can be used: it is missing,
    unreadable, not YAML, or of another version.
    """
    path = Path(root) / CONFIG
    try:
        raw = path.read_bytes()
        text = document.decode(raw).removeprefix("\ufeff")
        if len(raw) > yaml12.MAX_BYTES:
            raise yaml12.InvalidYaml(Problem(f"larger than {yaml12.MAX_BYTES} bytes"))
        data, node = yaml12.load(text)
    except FileNotFoundError as error:
        raise WorkflowError(
            "no_exchange",
            f"there is no {CONFIG} in {path.parent}",
            hint="run `workflow init` there, or name the exchange with --root",
        ) from error
    except OSError as error:
        raise _unusable([Problem(f"cannot be read: {error}")]) from error
    except document.InvalidDocument as error:
        raise _unusable(list(error.problems)) from error
    except yaml12.InvalidYaml as error:
        raise _unusable([error.of_file()]) from error
    if not isinstance(data, dict):
        raise _unusable([Problem("must be a mapping that starts with 'version: 1'", line=1)])
    return _build(data, node, Path(root))


def _unusable(problems: list[Problem]) -> WorkflowError:
    return WorkflowError(
        "bad_config",
        "; ".join(problem.sentence(CONFIG) for problem in problems),
        hint=f"mend {CONFIG}; `workflow schema config` says what may stand in it",
        problems=problems,
    )


def _build(data: dict[str, Any], node: Any, root: Path) -> Config:
    """Validate as a whole, leave out the entries that are at fault, validate again."""
    problems: list[Problem] = []
    broken: dict[str, Problem] = {}
    kept = dict(data)
    while True:
        try:
            file = ConfigFile.model_validate(kept)
            break
        except ValidationError as error:
            found = problems_of(error, node, ConfigFile)
            if any(path[0] == "version" for path, _ in found):
                raise _unusable([*problems, *(problem for _, problem in found)]) from error
            for path, problem in found:
                problems.append(problem)
                _leave_out(kept, path, problem, broken)
    problems += _bad_names(file, node)
    commands = dict(file.commands)
    for place, message in misplaced(file.commands, file.sites, file.environments):
        problems.append(_problem(("commands", *place), node, message))
        broken.setdefault(f"commands.{place[0]}", problems[-1])
        commands.pop(str(place[0]), None)
    problems.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
    return Config(
        root=root,
        hugo=file.hugo,
        sites=file.sites,
        environments=file.environments,
        policies=file.policies,
        validation=file.validation,
        content=file.content,
        forms=file.forms,
        jotform=file.jotform,
        git=file.git,
        report=file.report,
        notify=file.notify,
        sync=file.sync,
        commands=commands,
        problems=tuple(problems),
        broken=broken,
    )


def _leave_out(
    kept: dict[str, Any], path: yaml12.Path, problem: Problem, broken: dict[str, Problem]
) -> None:
    """Drop the smallest part around `path` that others do not need: a named entry, or one key."""
    section = str(path[0])
    holder = kept.get(section)
    if not isinstance(holder, dict) or len(path) == 1:
        kept.pop(section, None)
        broken.setdefault(section, problem)
        return
    kept[section] = {k: v for k, v in holder.items() if str(k) != str(path[1])}
    broken.setdefault(f"{section}.{path[1]}", problem)


def _bad_names(config: ConfigFile, node: Any) -> list[Problem]:
    return [
        _problem((section, name), node, f"the name {name!r} may hold a-z, 0-9 and - only")
        for section in ("sites", "environments", "forms", "notify", "commands")
        for name in getattr(config, section)
        if not re.match(NAME, name)
    ]


_WORDS = {
    "dict_type": "must be a mapping of 'key: value'",
    "model_type": "must be a mapping of 'key: value'",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "too_short": "must have at least {min_length} item(s)",
    "too_long": "may have at most {max_length} items",
}
"""Where pydantic would speak of Python."""
_MOST_LISTED = 12
"""Values to choose from that fit into a sentence."""


def problems_of(
    error: ValidationError, node: Any, model: type[BaseModel]
) -> list[tuple[yaml12.Path, Problem]]:
    """Each thing pydantic found, with its place in the text and, for a key, the nearest one."""
    found = []
    items = error.errors(include_url=False)
    for item in items:
        path = tuple(item["loc"])
        if item["type"] == "too_short" and any(
            len(other["loc"]) > len(path) and other["loc"][: len(path)] == path for other in items
        ):
            continue  # its entries are there; those that are wrong are told themselves
        if item["type"] == "literal_error" and path[-1] == "[key]":  # pydantic's word for a name
            path = path[:-1]
        if item["type"] == "extra_forbidden":
            found.append((path, _unknown(path, node, _keys_at(model, path[:-1]))))
        elif item["type"] == "missing":
            found.append((path, _problem(path, node, f"the key {path[-1]!r} is missing")))
        else:
            said = item["msg"].removeprefix("Value error, ")
            if item["type"] in _WORDS:
                said = _WORDS[item["type"]].format(**item.get("ctx", {}))
            problem = _problem(path, node, said[:1].lower() + said[1:])
            if item["type"] == "literal_error":
                known = re.findall("'(.*?)'", item["ctx"]["expected"])
                near = nearest(str(item["input"]), known)
                if len(known) > _MOST_LISTED:
                    problem = replace(problem, message=f"{item['input']!r} is not known here")
                problem = replace(problem, did_you_mean=near)
            found.append((path, problem))
    return found


def _problem(path: yaml12.Path, node: Any, message: str) -> Problem:
    line, column = yaml12.place(node, path) or (None, None)
    return Problem(message, key=".".join(map(str, path)), line=line, column=column)


def _unknown(path: yaml12.Path, node: Any, known: list[str]) -> Problem:
    line, column = yaml12.place(node, path) or (None, None)
    return Problem(
        "unknown key",
        key=".".join(map(str, path)),
        line=line,
        column=column,
        hint="known here: " + ", ".join(known),
        did_you_mean=nearest(str(path[-1]), known),
    )


def _keys_at(model: type[BaseModel], path: yaml12.Path) -> list[str]:
    """The keys that the schema of `model` knows at `path`."""
    schema = model.model_json_schema()
    where: dict[str, Any] = schema
    for step in path:
        where = _below(_follow(where, schema), step)
    return sorted(_follow(where, schema).get("properties", {}))


def _below(where: dict[str, Any], step: str | int) -> dict[str, Any]:
    """The schema of one key or of one entry of a list; an empty one if there is none."""
    for choice in [where, *where.get("anyOf", ())]:
        if isinstance(step, int) and "items" in choice:
            inner = choice["items"]
        else:
            inner = choice.get("properties", {}).get(str(step), choice.get("additionalProperties"))
        if isinstance(inner, dict):
            return inner
    return {}


def _follow(where: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    for choice in [where, *where.get("anyOf", ()), *where.get("allOf", ())]:
        if "$ref" in choice:
            name = choice["$ref"].rsplit("/", 1)[-1]
            found: dict[str, Any] = schema["$defs"][name]
            return found
    return where


def require_usable(config: Config) -> None:
    """Raise WorkflowError `bad_config` with every problem of the file, if it has any."""
    if config.problems:
        raise _unusable(list(config.problems))

"""What can be asked for: one row a task type, its module imported only when a task needs it.

Ours stand in `TASK_TYPES`. The owner's own are the `commands:` of workflow.yaml. Other packages
bring theirs as entry points in the group `workflow.handlers`: the entry's name is the task type,
its value a module of the same shape that also says `SUMMARY` and, where they differ from the
defaults below, `SAFE_TO_REPEAT`, `QUICK`, `PROCEED`, `TIMEOUT_MINUTES` and `PUBLISHES`; and, for
`workflow types` and `workflow templates`, `OUTPUTS`, `EXAMPLE` and `TEMPLATE`. They are looked for
only when a type is none of ours: reading the metadata of every installed package costs more than an
idle sweep.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from workflow import templates
from workflow.config import Config
from workflow.errors import Problem, nearest
from workflow.handler import Handler, Params
from workflow.layout import CONFIG
from workflow.settings.commands import OURS_TOO, Command
from workflow.templates import Template

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@dataclass(frozen=True, slots=True)
class TaskType:
    name: str
    module: str
    summary: str
    safe_to_repeat: bool
    """Whether an attempt that was cut off may be made again without asking anybody."""
    quick: bool = False
    """Whether it ends within milliseconds and starts no program: then many are run as a group."""
    proceed: str = "proceed"
    """The verdict of a verification in which all is well."""
    timeout_minutes: float | None = None
    """For one attempt, unless the task or its template says; None: as the policies say."""
    publishes: bool = False
    """Whether it changes what the world sees: then its environment's approval policy applies, and
    it passes its point of no return only in `Context.approve`."""
    environment: str | None = None
    """The one environment that it is for."""
    command: Command | None = field(default=None, compare=False)
    """What workflow.yaml says of it, if it is declared there."""
    package: str | None = None
    """The package that brings it, with its version, if it is neither ours nor declared."""

    def load(self) -> Handler:
        module = importlib.import_module(self.module)
        if self.command is not None:
            return cast(Handler, module.handler_of(self.name, self.command))
        return cast(Handler, module)

    def template(self, root: str | os.PathLike[str]) -> Template | None:
        """What its tasks are made from: the exchange's own, else ours, else the handler's own.

        Raises WorkflowError `bad_template`.
        """
        found = templates.load_template(root, self.name)
        if found is None and (self.command is not None or self.package is not None):
            own = getattr(self.load(), "TEMPLATE", None)
            if own is not None:
                return templates.read_template(self.name, str(own), self.origin)
        return found

    @property
    def origin(self) -> str:
        """Who brings it."""
        if self.command is not None:
            return f"commands.{self.name} in {CONFIG}"
        return self.package or "workflow"


DEPLOY = OURS_TOO
"""What the type that publishes to an environment is called, before the environment's name."""
OF_THE_BUILD = (
    "empty_site", "build_missing", "wrong_build", "changed_since_build", "drafts_included",
)  # fmt: skip
"""Errors of a deploy that another build mends, and another try of the deploy alone does not."""
NEEDS_A_BUILD = (
    *OF_THE_BUILD,
    "no_index", "too_few_files", "secrets_found", "bad_link", "special_file", "bad_name",
    "localhost_links",
)  # fmt: skip
"""Those, and the ones where something has to be mended before that build."""


def publish_anew(environment: str) -> str:
    """The command that builds the site anew, and publishes that."""
    return f"workflow submit hugo-build --env {environment} --then {DEPLOY}{environment}"


def _deploy(environment: str) -> TaskType:
    return TaskType(
        f"{DEPLOY}{environment}",
        "workflow.handlers.hugo_deploy",
        f"Publish the built site to {environment}",
        safe_to_repeat=False,
        timeout_minutes=30,
        publishes=True,
        environment=environment,
    )


TASK_TYPES = {
    row.name: row
    for row in (
        TaskType(
            "hugo-build",
            "workflow.handlers.hugo_build",
            "Build a Hugo site for an environment and swap it into public/",
            safe_to_repeat=True,
            proceed="proceed_to_deploy",
        ),
        *map(_deploy, ("dev", "staging", "production")),
        TaskType(
            "cloudfront-invalidate",
            "workflow.handlers.cloudfront_invalidate",
            "Let CloudFront forget paths of an environment",
            safe_to_repeat=False,
        ),
        TaskType(
            "site-validate",
            "workflow.handlers.site_validate",
            "Check the built site: links, and what search engines and visitors need",
            safe_to_repeat=True,
            proceed="proceed_to_deploy",
        ),
        TaskType(
            "form-list",
            "workflow.handlers.form_list",
            "List the forms of the JotForm account, and which of them workflow.yaml names",
            safe_to_repeat=True,
        ),
        TaskType(
            "form-show",
            "workflow.handlers.form_show",
            "Show what a form asks, and what it does with an answer",
            safe_to_repeat=True,
        ),
        TaskType(
            "form-clone",
            "workflow.handlers.form_clone",
            "Make a copy of a form, with a title of its own",
            safe_to_repeat=False,
        ),
        TaskType(
            "form-submissions",
            "workflow.handlers.form_submissions",
            "Fetch what visitors sent with a form, into files outside git",
            safe_to_repeat=True,
        ),
        TaskType(
            "form-create",
            "workflow.handlers.form_create",
            "Make a JotForm form from a definition, or as a clone of another",
            safe_to_repeat=False,
        ),
        TaskType(
            "form-update",
            "workflow.handlers.form_update",
            "Bring a JotForm form in line with its definition",
            safe_to_repeat=False,
        ),
        TaskType(
            "form-check",
            "workflow.handlers.form_check",
            "Check that JotForm has the forms that the built site embeds, ready to take entries",
            safe_to_repeat=True,
        ),
        TaskType(
            "content-create",
            "workflow.handlers.content_create",
            "Write a new content file: Markdown with front matter",
            safe_to_repeat=True,
        ),
        TaskType(
            "content-edit",
            "workflow.handlers.content_edit",
            "Change a content file: front matter by path, sections, text",
            safe_to_repeat=True,
        ),
        TaskType(
            "git-commit",
            "workflow.handlers.git_commit",
            "Commit named paths on a branch that tasks may use, and push it if asked",
            safe_to_repeat=True,
        ),
        TaskType(
            "noop",
            "workflow.handlers.noop",
            "Do nothing and report it: shows that the timer runs and that results arrive",
            safe_to_repeat=True,
            quick=True,
        ),
    )
}
ENTRY_POINTS = "workflow.handlers"


def find_type(name: str, config: Config | None = None) -> TaskType | None:
    """The row of a task type: ours, declared in workflow.yaml, or another package's. Every
    environment has its deploy."""
    ours = TASK_TYPES.get(name)
    if ours is None and re.fullmatch(f"{DEPLOY}[a-z0-9][a-z0-9-]{{0,39}}", name):
        return _deploy(name.removeprefix(DEPLOY))
    if ours is None and config is not None and name in config.commands:
        return _declared(name, config.commands[name])
    return ours or _of_another_package(name)[0]


def all_types(config: Config | None = None) -> dict[str, TaskType]:
    """Every task type by its name: ours, with the deploy to each environment, the commands that
    workflow.yaml declares, and those of other packages."""
    deploys = [_deploy(name) for name in config.environments] if config else []
    declared = [_declared(*one) for one in config.commands.items()] if config else []
    others = [row for name in _entries() if (row := _of_another_package(name)[0])]
    rows = {row.name: row for row in (*TASK_TYPES.values(), *deploys)}
    for row in (*declared, *others):
        rows.setdefault(row.name, row)
    return rows


def broken_types(config: Config | None = None) -> dict[str, str]:
    """What other packages offer, and workflow.yaml declares, and cannot be used: name -> why."""
    broken = {name: why for name in _entries() if (why := _of_another_package(name)[1])}
    if config is None:
        return broken
    for name in config.commands:
        if name in TASK_TYPES or name.startswith(DEPLOY):
            broken[name] = f"commands.{name} in {CONFIG}: {_TAKEN}"
        elif name in _entries():
            package = _package(_entries()[name][0])
            broken[name] = f"the type of {package} gives way to commands.{name} in {CONFIG}"
    for key, problem in config.broken.items():
        section, _, name = key.partition(".")
        if section == "commands":
            broken[name or section] = problem.sentence(CONFIG)
    return broken


def unknown_type(name: str, config: Config | None = None) -> Problem:
    """What to say of a name that is no task type's, or that of one that cannot be used."""
    why = broken_types(config).get(name)
    if why is not None:
        package = next((_package(one) for one in _entries().get(name, ())), None)
        where = f"mend or uninstall the package {package}" if package else f"mend {CONFIG}"
        message = f"the task type {name!r} cannot be used: {why}"
        return Problem(message, hint=f"{where}; `workflow doctor` tells of all that are broken")
    known = list(all_types(config))
    return Problem(
        f"there is no task type {name!r}",
        hint="known are: " + ", ".join(known) + "; see `workflow types`",
        did_you_mean=nearest(name, known),
    )


def _declared(name: str, command: Command) -> TaskType:
    return TaskType(
        name,
        "workflow.handlers.declared",
        command.summary or f"Run {command.program}",
        safe_to_repeat=command.safe_to_repeat,
        timeout_minutes=command.timeout_minutes,
        command=command,
    )


# -- other packages ------------------------------------------------------------------------------

_TAKEN = "the name is that of a task type of ours"


@functools.cache
def _entries() -> dict[str, list[EntryPoint]]:
    """What other packages offer, by name. Nothing of them is imported for that."""
    from importlib.metadata import entry_points

    found: dict[str, list[EntryPoint]] = {}
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        found.setdefault(entry.name, []).append(entry)
    return found


@functools.cache
def _of_another_package(name: str) -> tuple[TaskType | None, str | None]:
    """The row of a type that another package brings, or why it cannot be used: one bad package
    stops no other."""
    entries = _entries().get(name, [])
    if not entries:
        return None, None
    first = entries[0]
    try:
        if len({entry.value for entry in entries}) > 1:
            packages = " and ".join(sorted(_package(entry) for entry in entries))
            raise ValueError(f"several packages bring a type of this name: {packages}")
        return _row(first), None
    except (Exception, SystemExit) as error:  # a module may do anything while it is imported
        said = " ".join(f"{type(error).__name__}: {error}".split())
        return None, f"{_package(first)} ({first.value}): {said[:300]}"


def _row(entry: EntryPoint) -> TaskType:
    """Raises whatever its module raises, and ValueError or TypeError for one that is no handler."""
    name = entry.name
    if name in TASK_TYPES or name.startswith(DEPLOY):
        raise ValueError(_TAKEN)
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,59}", name):
        raise ValueError("a task type's name may hold a-z, 0-9 and - only")
    module: Any = importlib.import_module(entry.value)
    for needed, fits, what in _SHAPE:
        if not fits(getattr(module, needed, None)):
            raise TypeError(f"the module has no {needed} that is {what}")
    return TaskType(
        name,
        module.__name__,
        str(getattr(module, "SUMMARY", f"from the package of {module.__name__}")),
        safe_to_repeat=bool(getattr(module, "SAFE_TO_REPEAT", False)),
        quick=bool(getattr(module, "QUICK", False)),
        proceed=str(getattr(module, "PROCEED", "proceed")),
        timeout_minutes=getattr(module, "TIMEOUT_MINUTES", None),
        publishes=bool(getattr(module, "PUBLISHES", False)),
        package=_package(entry),
    )


def _is_params(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, Params)


_SHAPE: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("Params", _is_params, "a subclass of workflow.handler.Params"),
    ("run", callable, "a function"),
    ("resources", callable, "a function"),
)


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value

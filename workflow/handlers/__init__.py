"""What can be asked for: one row a task type, its module imported only when a task needs it.

Ours stand in `TASK_TYPES`. Other packages bring theirs as entry points in the group
`workflow.handlers`: the entry's name is the task type, its value a module of the same shape that
also says `SUMMARY` and, where they differ from the defaults below, `SAFE_TO_REPEAT`, `QUICK`,
`PROCEED`, `TIMEOUT_MINUTES` and `PUBLISHES`. They are looked for only when a type is not one of
ours: reading the metadata of every installed package costs more than an idle sweep.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import cast

from workflow.errors import Problem, nearest
from workflow.handler import Handler


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

    def load(self) -> Handler:
        return cast(Handler, importlib.import_module(self.module))


DEPLOY = "hugo-deploy-"
"""What the type that publishes to an environment is called, before the environment's name."""
OF_THE_BUILD = (
    "empty_site", "build_missing", "wrong_build", "changed_since_build", "drafts_included",
)  # fmt: skip
"""Errors of a deploy that another build mends, and another try of the deploy alone does not."""


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
            "noop",
            "workflow.handlers.noop",
            "Do nothing and report it: shows that the timer runs and that results arrive",
            safe_to_repeat=True,
            quick=True,
        ),
    )
}
ENTRY_POINTS = "workflow.handlers"


def find_type(name: str) -> TaskType | None:
    """The row of a task type, ours or another package's. Every environment has its deploy."""
    ours = TASK_TYPES.get(name)
    if ours is None and re.fullmatch(f"{DEPLOY}[a-z0-9][a-z0-9-]{{0,39}}", name):
        return _deploy(name.removeprefix(DEPLOY))
    return ours or _of_other_packages()[0].get(name)


def all_types(environments: Iterable[str] = ()) -> dict[str, TaskType]:
    """Every task type by its name, with the deploys to these environments."""
    deploys = {DEPLOY + name: _deploy(name) for name in environments}
    return {**_of_other_packages()[0], **TASK_TYPES, **deploys}


def broken_types() -> dict[str, str]:
    """What other packages offer and cannot be used: name -> why."""
    return _of_other_packages()[1]


def unknown_type(name: str, environments: Iterable[str] = ()) -> Problem:
    """What to say of a name that is no task type's, or that of one that cannot be used."""
    broken = broken_types().get(name)
    known = list(all_types(environments))
    return Problem(
        f"there is no task type {name!r}" + (f" that works: {broken}" if broken else ""),
        hint="known are: " + ", ".join(known),
        did_you_mean=nearest(name, known),
    )


@functools.cache
def _of_other_packages() -> tuple[dict[str, TaskType], dict[str, str]]:
    """Their rows, and what is wrong with those that have none: one bad package stops no other."""
    from importlib.metadata import entry_points

    rows: dict[str, TaskType] = {}
    broken: dict[str, str] = {}
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        try:
            rows[entry.name] = _row(entry.name, importlib.import_module(entry.value))
        except Exception as error:
            broken[entry.name] = f"{entry.value}: {type(error).__name__}: {error}"
    return rows, broken


def _row(name: str, module: ModuleType) -> TaskType:
    if name in TASK_TYPES or name.startswith(DEPLOY):
        raise ValueError("the name is that of a task type of ours")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,59}", name):
        raise ValueError("a task type's name may hold a-z, 0-9 and - only")
    for needed in ("Params", "run", "resources"):
        if not hasattr(module, needed):
            raise AttributeError(f"the module has no {needed}")
    return TaskType(
        name,
        module.__name__,
        str(getattr(module, "SUMMARY", f"from the package of {module.__name__}")),
        safe_to_repeat=bool(getattr(module, "SAFE_TO_REPEAT", False)),
        quick=bool(getattr(module, "QUICK", False)),
        proceed=str(getattr(module, "PROCEED", "proceed")),
        timeout_minutes=getattr(module, "TIMEOUT_MINUTES", None),
        publishes=bool(getattr(module, "PUBLISHES", False)),
    )

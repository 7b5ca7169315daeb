"""What can be asked for: one row a task type, its module imported only when a task needs it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import cast

from workflow.errors import nearest
from workflow.handler import Handler


@dataclass(frozen=True, slots=True)
class TaskType:
    name: str
    module: str
    summary: str
    safe_to_repeat: bool
    """Whether an attempt that was cut off may be made again without asking anybody."""
    proceed: str = "proceed"
    """The verdict of a verification in which all is well."""

    def load(self) -> Handler:
        return cast(Handler, importlib.import_module(self.module))


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
        TaskType(
            "noop",
            "workflow.handlers.noop",
            "Do nothing and report it: shows that the timer runs and that results arrive",
            safe_to_repeat=True,
        ),
    )
}


def nearest_types(name: str) -> tuple[str, ...]:
    """The task types that `name` may have been meant to be, best first."""
    return nearest(name, list(TASK_TYPES))

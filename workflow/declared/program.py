"""What is run, where, and what it sees of our environment: all of it the owner's word.

A task has no say in any of this.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from workflow.config import Command, Config
from workflow.declared.paths import site_folder
from workflow.deploy.script import surroundings
from workflow.errors import TaskError, TaskFailed, WorkflowError
from workflow.layout import CONFIG

_BASICS = ("HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ")


def environment(command: Command) -> dict[str, str]:
    """PATH and the other basics, the variables of ours that the owner names, and theirs."""
    named = (*_BASICS, *command.environment.passed)
    kept = {name: os.environ[name] for name in named if name in os.environ}
    # The one that scripts of deploys get: with the usual places, and without our own Python.
    return {"PATH": surroundings()["PATH"], **kept, **command.environment.fixed}


def find(command: Command, config: Config) -> str:
    """The absolute path of the program. With a slash in it, it is relative to workflow.yaml; a bare
    name is looked up on PATH, in absolute folders only.

    Raises TaskFailed `program_not_found`.
    """
    program = command.program
    if "/" in program:
        path = os.fspath(config.path(Path(program)))
        if not os.path.isfile(path):
            what = "is no file" if os.path.exists(path) else "does not exist"
            raise _not_found(f"{path} {what}", f"put it there, or correct argv in {CONFIG}")
        if not os.access(path, os.X_OK):
            raise _not_found(f"{path} has no permission to be executed", f"chmod +x {path}")
        return path
    places = environment(command)["PATH"].split(os.pathsep)
    search = os.pathsep.join(place for place in places if os.path.isabs(place))
    found = shutil.which(program, path=search)
    if found is None:
        raise _not_found(
            f"{program} is not on PATH ({search})",
            f"install it, or write its path into argv in {CONFIG}",
        )
    return found


def folder(command: Command, config: Config) -> Path:
    """Where it runs. Raises TaskFailed `folder_missing`."""
    path = config.root if command.cwd is None else config.path(command.cwd)
    if not path.is_dir():
        raise TaskFailed(
            TaskError(
                "folder_missing",
                f"the folder that it is to run in does not exist: {path}",
                "escalate",
                "configuration",
                hint=f"make it, or correct cwd in {CONFIG}",
            )
        )
    return Path(os.path.abspath(path))


def missing(command: Command, config: Config) -> Iterator[tuple[str, str]]:
    """What the command needs and has not: what is wrong, and how to mend it."""
    for look in (find, folder):
        try:
            look(command, config)
        except TaskFailed as failure:
            yield failure.error.message, failure.error.hint or f"see {CONFIG}"
    for name, parameter in command.parameters.items():
        if parameter.folder is not None:
            place = config.path(parameter.folder)
            if not place.is_dir():
                yield (
                    f"the folder that {name} has to lie in does not exist: {place}",
                    f"make it, or correct parameters.{name}.folder in {CONFIG}; it is relative to "
                    "that file, not to a site",
                )
    needs_site = command.site is not None or any(
        parameter.type == "path" and parameter.folder is None
        for parameter in command.parameters.values()
    )
    if needs_site:
        try:
            site_folder(command, config)
        except WorkflowError as error:
            yield error.message, error.hint or f"see {CONFIG}"


def _not_found(message: str, hint: str) -> TaskFailed:
    return TaskFailed(TaskError("program_not_found", message, "escalate", "environment", hint=hint))

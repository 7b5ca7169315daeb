"""Paths that a task names: inside the one folder that the owner allows for them.

Every link is followed first, and what the program is given is the real path. RACE: whoever can
write in that folder can put a link there once we have looked. Only the program itself could close
that gap; what it is given was inside when it was started.
"""

from __future__ import annotations

import os

from workflow.config import Command, Config
from workflow.errors import Action, TaskError, TaskFailed
from workflow.layout import CONFIG
from workflow.settings.commands.parameter import Parameter, text_fault


def resolve(name: str, written: str, parameter: Parameter, command: Command, config: Config) -> str:
    """The real path that `written` leads to.

    Raises TaskFailed `folder_missing`, `path_not_allowed`, `path_not_there`, `path_is_there`, and
    WorkflowError if the site is not one of workflow.yaml.
    """
    folder = os.path.realpath(_folder(parameter, command, config))
    if not os.path.isdir(folder):
        raise _failed(
            "folder_missing",
            f"the folder that {name} has to lie in does not exist: {folder}",
            f"make it, or correct it in {CONFIG}",
            "escalate",
        )
    path = os.path.realpath(os.path.join(folder, written))
    if parameter.must_be == "absent":
        # What is to be made may be no link either: its target would be made in its place.
        parent, last = os.path.split(os.path.normpath(os.path.join(folder, written)))
        path = os.path.join(os.path.realpath(parent), last)
    if path == folder and parameter.must_be in ("file", "absent"):
        raise _refused(name, written, f"is {folder} itself")
    if os.path.commonpath([folder, path]) != folder:
        raise _refused(name, written, f"leads out of {folder}")
    if text_fault(path):
        raise _refused(name, written, "leads to a name with a control character in it")
    if parameter.must_be == "absent":
        if os.path.lexists(path):
            raise _failed(
                "path_is_there", f"{name}: {written!r} is there already", "choose another name"
            )
        if not os.path.isdir(os.path.dirname(path)):
            raise _failed(
                "path_not_there", f"{name}: there is no folder for {written!r}", "make it first"
            )
        return path
    there = {"there": os.path.exists, "file": os.path.isfile, "folder": os.path.isdir}
    if not there[parameter.must_be](path):
        what = "file or folder" if parameter.must_be == "there" else parameter.must_be
        raise _failed(
            "path_not_there",
            f"{name}: there is no {what} {written!r} in {folder}",
            f"a path is relative to {folder}",
        )
    return path


def site_folder(command: Command, config: Config) -> str:
    """Real path of the site that a command works on. Raises WorkflowError `no_such_site`."""
    return os.path.realpath(config.path(config.site(command.site)[1].path))


def _folder(parameter: Parameter, command: Command, config: Config) -> str:
    if parameter.folder is not None:
        return os.fspath(config.path(parameter.folder))
    return site_folder(command, config)


def _refused(name: str, written: str, why: str) -> TaskFailed:
    return _failed("path_not_allowed", f"{name}: {written!r} {why}", f"{CONFIG} allows no other")


def _failed(code: str, message: str, hint: str, action: Action = "fix") -> TaskFailed:
    category = "configuration" if action == "escalate" else "content"
    return TaskFailed(TaskError(code, message, action, category, hint=hint))

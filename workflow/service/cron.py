"""Anywhere else: one line in the person's crontab.

cron looks once a minute, so a task may wait that long. It needs no flock: a sweep that finds
another one at work ends at once. Every other line of the crontab stays as it is, byte for byte.
"""

from __future__ import annotations

import os
import re
import shlex

from workflow.errors import WorkflowError
from workflow.service.job import Job
from workflow.service.machine import Machine, failed
from workflow.service.seen import Installed, Look, filled, template

patience = 75.0

PREFIX = "workflow-sweep-"
LONGEST_COMMAND = 990
"""Characters. Debian's cron refuses a command of a thousand (its MAX_COMMAND)."""
_SYSTEM_FOLDERS = 4
_OURS = re.compile(rb"^[^#\n][^\n]* # workflow-sweep-([a-z0-9-]+)$")


def missing(machine: Machine) -> str | None:
    return None if machine.has("crontab") else "there is no crontab"


def places(job: Job, machine: Machine) -> list[str]:
    return []  # a crontab is the person's, and its place the system's


def line(job: Job) -> str:
    """The line, without its end; of PATH as much as fits.

    Raises WorkflowError `unusable_path` if it would be too long without.
    """
    folders = job.path.split(os.pathsep)
    while True:
        command = shlex.join(["/usr/bin/env", f"PATH={os.pathsep.join(folders)}", *job.argv])
        # cron takes a bare % for the end of the command; \% it hands on as %.
        values = {
            "COMMAND": command.replace("%", "\\%"),
            "LOG": shlex.quote(job.log).replace("%", "\\%"),
            "NAME": job.name,
        }
        text = filled(template("crontab").strip(), values)
        if len(text.encode()) <= LONGEST_COMMAND:
            return text
        if len(folders) == 1:
            raise WorkflowError(
                "unusable_path",
                f"the line for cron would be longer than {LONGEST_COMMAND} characters",
                hint="give the exchange a shorter path",
            )
        # The last ones are the system's, which are short and needed: drop before them.
        del folders[max(0, len(folders) - 1 - _SYSTEM_FOLDERS)]


def load(job: Job, machine: Machine) -> bool:
    lines = _read(machine)
    wanted = line(job).encode()
    ours = [at for at, text in enumerate(lines) if _name_in(text) == job.name]
    if [lines[at] for at in ours] == [wanted]:
        return False
    for at in ours:
        machine.done.append(("replaced", lines[at].decode("utf-8", "replace")))
    kept = [text for at, text in enumerate(lines) if at not in ours]
    _store([*kept, wanted], machine)
    machine.done.append(("added", wanted.decode()))
    return True


def unload(installed: Installed, machine: Machine) -> None:
    lines = _read(machine)
    kept = [text for text in lines if _name_in(text) != installed.name]
    removed = [text for text in lines if _name_in(text) == installed.name]
    if not removed:
        return
    _store(kept, machine)
    for text in removed:
        machine.done.append(("removed", text.decode("utf-8", "replace")))


def present(machine: Machine) -> list[Installed]:
    found = []
    for text in _read(machine) if machine.has("crontab") else []:
        name = _name_in(text)
        if name is None:
            continue
        try:
            command = text.decode("utf-8").replace("\\%", "%").split(maxsplit=5)[5]
            words = shlex.split(command, comments=True)
            root = words[words.index("--root") + 1]
            program = next(w for w in words if w.startswith("/") and w != "/usr/bin/env")
        except (ValueError, IndexError, StopIteration):
            continue
        found.append(Installed(name, root, program))
    return found


def look(installed: Installed, machine: Machine) -> Look:
    there = any(one.name == installed.name for one in present(machine))
    return Look(there, detail="cron does not keep how a sweep ended: see the log")


def advice(job: Job, machine: Machine) -> list[str]:
    said = ["cron looks once a minute: a task waits up to that long"]
    if shlex.quote(job.path).replace("%", "\\%") not in line(job).replace("PATH=", "", 1):
        said.append("PATH is too long for a crontab's line: some of its folders are left out there")
    return said


def _name_in(text: bytes) -> str | None:
    found = _OURS.match(text)
    return found[1].decode() if found else None


def _read(machine: Machine) -> list[bytes]:
    """The lines of the person's crontab. Raises WorkflowError if it cannot be read.

    Whoever cannot read it must not write it: all that is in it would be lost.
    """
    ran = machine.ask("crontab", "-l")
    if ran.code == 0:
        return ran.out.removesuffix(b"\n").split(b"\n") if ran.out else []
    if "no crontab for" in ran.err:
        return []
    raise failed("crontab -l", ran, "nothing was changed")


def _store(lines: list[bytes], machine: Machine) -> None:
    # RACE: crontab knows no lock; whoever changes it in this moment with an editor may undo us.
    if lines:
        ran = machine.change("crontab", "-", stdin=b"\n".join(lines) + b"\n")
    else:
        ran = machine.change("crontab", "-r")
    if ran.code != 0:
        raise failed("crontab", ran, "the crontab is as it was")

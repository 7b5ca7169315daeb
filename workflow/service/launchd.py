"""macOS: a launchd agent of the person's own, in ~/Library/LaunchAgents.

What the keys mean: launchd.plist(5); why each has its value stands beside it in the template,
data/timers/dev.workflow.sweep.plist. Left as they are: AbandonProcessGroup, since launchd ends what
is left of a job's process group when the job ends, and our programs have groups of their own with
deadlines of their own; ExitTimeOut, whose 20 seconds are more than a sweep needs to end them in
good order; LowPriorityIO, since somebody waits for a build.

An agent belongs to a login on the screen (the domain gui/UID). Where nobody has logged in there, as
on a Mac that is only reached by SSH, there is no such domain, and user/UID takes agents that say
they are for the background.
"""

from __future__ import annotations

import os
import plistlib
import re
from typing import Any

from workflow.service import mark
from workflow.service.job import Job
from workflow.service.machine import Machine, Ran, failed
from workflow.service.seen import Installed, Look, filled, template

patience = 15.0

PREFIX = "dev.workflow.sweep."
_HOMEBREW = ("/opt/homebrew/bin", "/usr/local/bin")
_UNLOAD_SECONDS = 30.0
"""launchd gives a job 20 seconds to end."""
_NO_DOMAIN = (112, 125)
"""Could not find the domain; the domain does not support it: nobody is logged in on the screen."""
_IN_PROGRESS = (5, 36, 37)
"""Input/output error, "now in progress", "already in progress": the job is, or was just, loaded."""
_GUARDED = ("Desktop", "Documents", "Downloads", "Library/Mobile Documents")
"""Folders of a home that macOS opens to a program only after a person has agreed to it."""
_HINTS = {
    1: "System Settings > General > Login Items: allow it to run in the background",
    5: "see `launchctl print`, or log out and in again, which clears a half-loaded job",
    119: "it was switched off in System Settings > General > Login Items; allow it there",
    125: "log in on the Mac's own screen once, and install it there",
}


def missing(machine: Machine) -> str | None:
    return None if machine.has("launchctl") else "there is no launchctl (this is no macOS)"


def places(job: Job, machine: Machine) -> list[str]:
    return [os.path.join(_folder(machine), f"{PREFIX}{job.name}.plist")]


def plist(job: Job, *, background: bool = False) -> bytes:
    """The agent's file, filled in and sealed. `background`: for the domain user/UID."""
    values = {
        "NAME": job.name,
        "ROOT": job.root,
        "LOG": job.log,
        "PATH": os.pathsep.join(dict.fromkeys([*job.path.split(os.pathsep), *_HOMEBREW])),
    }
    agent: dict[str, Any] = plistlib.loads(template(f"{PREFIX}plist").encode())
    agent = _filled(agent, {**values, "PROGRAM": job.program[0]})
    agent["ProgramArguments"] = job.argv
    if background:
        agent["LimitLoadToSessionType"] = "Background"
    head, doctype, rest = plistlib.dumps(agent, sort_keys=False).partition(b"<plist ")
    return mark.seal(head + f"<!-- {mark.LINE} -->\n".encode() + doctype + rest)


def _filled(value: Any, values: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, values) for inner in value]
    return filled(value, values) if isinstance(value, str) else value


def load(job: Job, machine: Machine) -> bool:
    (path,) = places(job, machine)
    domain = _domain(machine)
    raw = plist(job, background=domain.startswith("user/"))
    where = _where_loaded(job.name, machine)
    if where == [domain] and _holds(path, raw):
        return False
    for other in where:
        _boot_out(f"{other}/{PREFIX}{job.name}", machine)
    if not _holds(path, raw):
        machine.write(path, raw)
    # Whoever switched it off by `launchctl disable` has now asked for it again.
    machine.change("launchctl", "enable", f"{domain}/{PREFIX}{job.name}")
    _boot_in(domain, path, job.name, machine)
    return True


def unload(installed: Installed, machine: Machine) -> None:
    for domain in _where_loaded(installed.name, machine):
        _boot_out(f"{domain}/{PREFIX}{installed.name}", machine)
    for path in installed.files:
        machine.remove(path)


def present(machine: Machine) -> list[Installed]:
    found = []
    for name in _names(_folder(machine)):
        path = os.path.join(_folder(machine), name)
        if not (name.startswith(PREFIX) and name.endswith(".plist")):
            continue
        if mark.state_of(path) not in ("ours", "edited"):
            continue
        try:
            with open(path, "rb") as file:
                argv = plistlib.load(file)["ProgramArguments"]
            root = argv[argv.index("--root") + 1]
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            continue
        own = name.removeprefix(PREFIX).removesuffix(".plist")
        found.append(Installed(own, str(root), str(argv[0]), (path,)))
    return found


def look(installed: Installed, machine: Machine) -> Look:
    for domain in _where_loaded(installed.name, machine):
        said = machine.ask("launchctl", "print", f"{domain}/{PREFIX}{installed.name}").text
        # "78: EX_CONFIG", "0", "(never exited)"
        code = re.search(r"^\s*last exit code = (-?\d+)", said, re.MULTILINE)
        state = re.search(r"^\s*state = (.+)$", said, re.MULTILINE)
        detail = f"in {domain}" + (f", {state[1].strip()}" if state else "")
        return Look(True, int(code[1]) if code else None, detail)
    return Look(False, detail="launchd does not know it")


def advice(job: Job, machine: Machine) -> list[str]:
    said = []
    within = os.path.relpath(job.root, os.path.realpath(machine.home))
    guarded = next((name for name in _GUARDED if within.startswith(name)), None)
    if guarded is not None:
        said.append(
            f"the exchange lies in ~/{guarded}, which macOS keeps from background programs: move "
            f"it elsewhere, or give {job.program[0]} Full Disk Access in System Settings"
        )
    if _domain(machine).startswith("user/"):
        said.append("nobody is logged in on this Mac's screen: it is loaded for the background")
    return said


def _folder(machine: Machine) -> str:
    return os.path.join(machine.home, "Library", "LaunchAgents")


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def _holds(path: str, raw: bytes) -> bool:
    if mark.state_of(path) != "ours":
        return False
    with open(path, "rb") as file:
        return file.read() == raw


def _domain(machine: Machine) -> str:
    gui = f"gui/{machine.uid}"
    there = machine.ask("launchctl", "print", gui)
    return f"user/{machine.uid}" if there.code in _NO_DOMAIN else gui


def _where_loaded(name: str, machine: Machine) -> list[str]:
    domains = (f"gui/{machine.uid}", f"user/{machine.uid}")
    return [
        d for d in domains if machine.ask("launchctl", "print", f"{d}/{PREFIX}{name}").code == 0
    ]


def _boot_out(target: str, machine: Machine) -> None:
    # It ends what the job runs.
    with machine.between_sweeps():
        ran = machine.change("launchctl", "bootout", target)
        # It may come back before the job has gone, and say so or not.
        gone = machine.until(
            lambda: machine.ask("launchctl", "print", target).code != 0,
            _UNLOAD_SECONDS if ran.code in (0, *_IN_PROGRESS) else 1.0,
        )
    if not gone:
        raise failed(f"launchctl bootout {target}", ran, _HINTS.get(ran.code))


def _boot_in(domain: str, path: str, name: str, machine: Machine) -> None:
    ran = Ran(-1, b"", "")
    for _ in range(3):
        ran = machine.change("launchctl", "bootstrap", domain, path)
        if ran.code == 0:
            return
        if ran.code not in _IN_PROGRESS:
            break
        # Loaded already, then by somebody else in this moment; or not quite gone yet: try again.
        if machine.until(lambda: _where_loaded(name, machine) == [domain], 1.0):
            return
    raise failed(f"launchctl bootstrap {domain} {path}", ran, _HINTS.get(ran.code))

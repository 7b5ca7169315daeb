"""Linux with systemd: units of the person's own manager, in ~/.config/systemd/user.

A .service that is one sweep, a .timer that starts it every five seconds, a .path that starts it
when a task arrives. What the directives mean: systemd.service(5), systemd.timer(5),
systemd.path(5); why each has its value stands in the templates, data/timers/workflow-sweep.*.
"""

from __future__ import annotations

import os
import re

from workflow.service import mark
from workflow.service.job import Job
from workflow.service.machine import Machine, Ran, failed
from workflow.service.seen import Installed, Look, filled, template

patience = 15.0

PREFIX = "workflow-sweep-"
_SUFFIXES = ("service", "timer", "path")
_STARTERS = ("timer", "path")
"""The units that are switched on; they start the other one."""
_LINGERING = "/var/lib/systemd/linger"
_NO_MANAGER = (
    "log in as that user (not by su or sudo), or on a server `loginctl enable-linger` first; "
    "without it use --kind cron"
)


def missing(machine: Machine) -> str | None:
    if not machine.has("systemctl"):
        return "there is no systemctl"
    there = machine.ask("systemctl", "--user", "show-environment")
    if there.code == 0:
        return None
    said = there.err.splitlines()[0] if there.err else "it does not answer"
    return f"no systemd of this user's own runs ({said})"


def places(job: Job, machine: Machine) -> list[str]:
    return [os.path.join(_folder(machine), f"{PREFIX}{job.name}.{suffix}") for suffix in _SUFFIXES]


def unit(job: Job, suffix: str) -> bytes:
    """One unit, filled in and sealed."""
    values = {
        "MARK": mark.LINE,
        "NAME": job.name,
        "ROOT": job.root,
        "EXECUTABLE": job.program[0],
        "ROOT_IN_UNIT": _specified(job.root),
        "LOG_IN_UNIT": _specified(job.log),
        "COMMAND": " ".join(map(_quoted, _startable(job.argv))),
        "PATH_VARIABLE": _quoted(f"PATH={job.path}"),
    }
    return mark.seal(filled(template(f"workflow-sweep.{suffix}"), values).encode())


def _specified(text: str) -> str:
    """A path where systemd takes the rest of a line, and sees specifiers in it."""
    return text.replace("%", "%%")


def _startable(argv: list[str]) -> list[str]:
    """systemd takes no quotes and backslashes in a program's own path; env(1) does."""
    return ["/usr/bin/env", *argv] if re.search(r"[\"'\\]", argv[0]) else argv


def _quoted(word: str) -> str:
    """A word as systemd.syntax(7) has it: quoted, with C's escapes."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_specified(escaped)}"'


def load(job: Job, machine: Machine) -> bool:
    wanted = dict(zip(places(job, machine), (unit(job, s) for s in _SUFFIXES), strict=True))
    changed = [path for path, raw in wanted.items() if not _holds(path, raw)]
    starters = [f"{PREFIX}{job.name}.{suffix}" for suffix in _STARTERS]
    if not changed and _all_on(starters, machine):
        return False
    for path in changed:
        machine.write(path, wanted[path])
    if changed:
        _do(machine, "daemon-reload")
    _do(machine, "enable", *starters)
    # What is running already takes up what changed only now.
    _do(machine, "restart", *starters)
    return True


def unload(installed: Installed, machine: Machine) -> None:
    starters = [f"{PREFIX}{installed.name}.{suffix}" for suffix in _STARTERS]
    if _known(starters, machine):
        # The sweep that runs now is let be: it ends by itself.
        _do(machine, "disable", "--now", *starters)
    for path in installed.files:
        machine.remove(path)
    _do(machine, "daemon-reload")


def present(machine: Machine) -> list[Installed]:
    folder, found = _folder(machine), []
    for own in sorted({name for name in map(_name_in, _names(folder)) if name}):
        paths = [os.path.join(folder, f"{PREFIX}{own}.{suffix}") for suffix in _SUFFIXES]
        marked = [path for path in paths if mark.state_of(path) in ("ours", "edited")]
        if not marked or marked[0] != paths[0]:
            continue
        with open(marked[0], encoding="utf-8", errors="replace") as file:
            said = dict(re.findall(r"^# (Exchange|Program): (.*)$", file.read(), re.MULTILINE))
        if len(said) == 2:
            found.append(Installed(own, said["Exchange"], said["Program"], tuple(marked)))
    return found


def look(installed: Installed, machine: Machine) -> Look:
    name = f"{PREFIX}{installed.name}"
    said = _show(machine, [f"{name}.{suffix}" for suffix in (*_STARTERS, "service")])
    timer, path, service = (said.get(f"{name}.{s}", {}) for s in (*_STARTERS, "service"))
    loaded = all(unit.get("ActiveState") == "active" for unit in (timer, path))
    ended = service.get("ExecMainExitTimestampMonotonic", "0") not in ("", "0")
    code = service.get("ExecMainStatus", "")
    states = [
        f"{u}: {one.get('ActiveState', 'unknown')}" for u, one in (("timer", timer), ("path", path))
    ]
    detail = ", ".join(states)
    if service.get("Result", "success") != "success":
        detail += f", last sweep: {service['Result']}"
    return Look(loaded, int(code) if ended and code.isdecimal() else None, detail)


def advice(job: Job, machine: Machine) -> list[str]:
    user = machine.environ.get("USER") or machine.environ.get("LOGNAME") or ""
    if user and os.path.exists(os.path.join(_LINGERING, user)):
        return []
    return ["it runs while you are logged in; `loginctl enable-linger` keeps it running after that"]


def _folder(machine: Machine) -> str:
    config = machine.environ.get("XDG_CONFIG_HOME") or os.path.join(machine.home, ".config")
    return os.path.join(config, "systemd", "user")


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _name_in(name: str) -> str:
    found = re.fullmatch(f"{PREFIX}(.+)\\.(?:{'|'.join(_SUFFIXES)})", name)
    return found[1] if found else ""


def _holds(path: str, raw: bytes) -> bool:
    if mark.state_of(path) != "ours":
        return False
    with open(path, "rb") as file:
        return file.read() == raw


def _do(machine: Machine, *words: str) -> Ran:
    ran = machine.change("systemctl", "--user", *words)
    if ran.code != 0:
        hint = _NO_MANAGER if "bus" in ran.err.lower() else None
        raise failed(f"systemctl --user {' '.join(words)}", ran, hint)
    return ran


def _show(machine: Machine, units: list[str]) -> dict[str, dict[str, str]]:
    """What systemd says of units, by their names."""
    properties = (
        "Id,LoadState,ActiveState,UnitFileState,Result,ExecMainStatus,"
        "ExecMainExitTimestampMonotonic"
    )
    text = machine.ask("systemctl", "--user", "show", f"--property={properties}", *units).text
    blocks = [
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in text.split("\n\n")
    ]
    return {block["Id"]: block for block in blocks if "Id" in block}


def _all_on(units: list[str], machine: Machine) -> bool:
    said = _show(machine, units)
    return all(
        said.get(unit, {}).get("ActiveState") == "active"
        and said[unit].get("UnitFileState") == "enabled"
        for unit in units
    )


def _known(units: list[str], machine: Machine) -> bool:
    return any(one.get("LoadState") != "not-found" for one in _show(machine, units).values())

"""Where JotForm's API key is found: the environment, else the keychain of this machine.

A command that prints the key is run by its absolute path, with a time limit; what it prints reaches
no file. The key leaves this package only as a header of a request to JotForm.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workflow.errors import TaskError, TaskFailed
from workflow.process import ProgramNotFound, run
from workflow.settings_forms import JotForm as Settings

SECURITY = Path("/usr/bin/security")
SECRET_TOOL = Path("/usr/bin/secret-tool")
SECONDS = 20.0
"""For the keychain's program: a locked keychain may ask a person, who is not there."""
_KEY = re.compile(r"[A-Za-z0-9._-]{16,128}")


@dataclass(frozen=True)
class Key:
    value: str = field(repr=False)
    source: str
    """Where it was found, for people."""


def find_key(settings: Settings) -> Key:
    """Raises TaskFailed `no_jotform_key`."""
    variable = settings.key_variable
    written = os.environ.get(variable, "").strip()
    if written:
        return _checked(written, f"the environment variable {variable}", settings)
    program, asked = _lookup(settings.keychain)
    with _asking:
        if (known := _given.get((program, *asked))) is None:
            known = _given[program, *asked] = _ask(program, asked, settings)
    return known


_given: dict[tuple[Path | str, ...], Key] = {}
"""What a keychain gave this process, by the command: a second time, what the program prints would
be taken out as the secret that it is known to be by then."""
_asking = threading.Lock()


def _ask(program: Path, asked: Sequence[str], settings: Settings) -> Key:
    where = f"the keychain's entry {settings.keychain}"
    try:
        # Without a log: what it prints is the key.
        finished = run(
            [program, *asked], cwd=Path("/"), env=None, log=Path(os.devnull), timeout=SECONDS
        )
    except ProgramNotFound:
        raise _missing(f"{program} is not there to look it up", settings) from None
    if finished.ended != "exited":
        reason = f"{where} was not given within {SECONDS:g} s: it may be locked"
        raise _missing(reason, settings)
    lines = finished.tail.split("\n") if finished.returncode == 0 else []
    printed = [line.strip() for line in lines if line.strip()]
    if not printed:
        raise _missing(f"{where} is not there, or locked", settings)
    # Warnings of its libraries come before what it was asked for.
    return _checked(printed[-1], where, settings)


def _lookup(entry: str) -> tuple[Path, list[str]]:
    if sys.platform == "darwin":
        return SECURITY, ["find-generic-password", "-s", entry, "-w"]
    return SECRET_TOOL, ["lookup", "service", entry]


def how_to_store(settings: Settings) -> str:
    """The command by which a person stores the key, which it asks for: it stands in no history."""
    entry = settings.keychain
    if sys.platform == "darwin":
        return f'{SECURITY} add-generic-password -U -a "$USER" -s {entry} -w'
    return f"{SECRET_TOOL} store --label={entry} service {entry}"


def _checked(value: str, source: str, settings: Settings) -> Key:
    if not _KEY.fullmatch(value):
        raise _no_key(f"what {source} holds is no key", settings)
    return Key(value, source)


def _missing(reason: str, settings: Settings) -> TaskFailed:
    variable = settings.key_variable
    return _no_key(f"the environment variable {variable} is not set, and {reason}", settings)


def _no_key(reason: str, settings: Settings) -> TaskFailed:
    return TaskFailed(
        TaskError(
            "no_jotform_key",
            f"there is no API key for JotForm: {reason}",
            "escalate",
            "configuration",
            hint="make one at https://www.jotform.com/myaccount/api, then store it with "
            f"`{how_to_store(settings)}`, which asks for it",
        )
    )

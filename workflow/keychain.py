"""This machine's keychain: macOS's own, elsewhere what speaks the Secret Service.

Its program is run by its absolute path, with a time limit; what it prints reaches no file, and is
taken out of whatever this process writes from then on.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from workflow import redact
from workflow.process import ProgramNotFound, run

SECURITY = Path("/usr/bin/security")
SECRET_TOOL = Path("/usr/bin/secret-tool")
SECONDS = 20.0
"""For the keychain's program: a locked keychain may ask a person, who is not there."""


class NotGiven(Exception):
    """The keychain gave nothing; `str` says why, to stand in a sentence."""


def look_up(entry: str) -> str:
    """The secret that the keychain keeps under `entry`. Raises NotGiven.

    It is asked once in the life of a process: a second time, what the program prints would be taken
    out as the secret that it is known to be by then.
    """
    program, asked = lookup(entry)
    with _asking:
        if (known := _given.get((program, *asked))) is None:
            known = _given[program, *asked] = _ask(program, asked, entry)
            redact.hide(known)
    return known


_given: dict[tuple[Path | str, ...], str] = {}
"""What the keychain gave this process, by the command."""
_asking = threading.Lock()


def _ask(program: Path, asked: Sequence[str], entry: str) -> str:
    where = f"the keychain's entry {entry}"
    try:
        # Without a log: what it prints is the secret.
        finished = run(
            [program, *asked], cwd=Path("/"), env=None, log=Path(os.devnull), timeout=SECONDS
        )
    except ProgramNotFound:
        raise NotGiven(f"{program} is not there to look it up") from None
    if finished.ended != "exited":
        raise NotGiven(f"{where} was not given within {SECONDS:g} s: it may be locked")
    lines = finished.tail.split("\n") if finished.returncode == 0 else []
    printed = [line.strip() for line in lines if line.strip()]
    if not printed:
        raise NotGiven(f"{where} is not there, or locked")
    return printed[-1]  # warnings of its libraries come before what it was asked for


def is_there() -> bool:
    """Whether this machine has the keychain's program."""
    program, _ = lookup("")
    return program.exists()


def lookup(entry: str) -> tuple[Path, list[str]]:
    """The program that prints a secret, and its arguments."""
    if sys.platform == "darwin":
        return SECURITY, ["find-generic-password", "-s", entry, "-w"]
    return SECRET_TOOL, ["lookup", "service", entry]


def how_to_store(entry: str) -> str:
    """The command by which a person stores a secret, which it asks for: it stands in no history."""
    if sys.platform == "darwin":
        return f'{SECURITY} add-generic-password -U -a "$USER" -s {entry} -w'
    return f"{SECRET_TOOL} store --label={entry} service {entry}"

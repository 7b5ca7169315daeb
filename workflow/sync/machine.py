"""Which machine this is: an installation of an exchange, told apart from every other."""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import dataclass

from workflow import durable
from workflow.result import hostname

WORKER = "WORKFLOW_WORKER"
"""In the environment: the name of a worker that begins each time on a fresh disk, a runner's, and
yet is one and the same, since it finds there what it left (the built site)."""
RUNNER = "worker "
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


@dataclass(frozen=True, slots=True)
class Machine:
    """This installation."""

    id: str
    """Whose the claims are. Never the same twice."""
    name: str
    """For people."""
    home: str
    """Where tasks belong that go on with what others left on a disk."""


def this_machine(folder: str) -> Machine:
    """Who we are; made and kept durably in `folder` at the first call. Raises OSError."""
    path = os.path.join(folder, "machine.json")
    known = _read(path)
    if known is None:
        known = secrets.token_hex(12)
        # By its inode the file is told from a copy of it: two machines must never own one claim.
        with open(path, "w", encoding="utf-8") as file:
            said = {"id": known, "host": hostname(), "inode": os.fstat(file.fileno()).st_ino}
            json.dump(said, file)
            file.flush()
            os.fsync(file.fileno())
        durable.sync_folders([folder])
    named = os.environ.get(WORKER, "")
    if _NAME.fullmatch(named):
        return Machine(known, named, f"{RUNNER}{named}")
    host = re.sub(r"[^A-Za-z0-9._-]+", "-", hostname()).strip("-._") or "machine"
    return Machine(known, host[:60], f"machine {known}")


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            inode = os.fstat(file.fileno()).st_ino
            said = json.load(file)
    except (OSError, ValueError):
        return None
    if not isinstance(said, dict) or (said.get("host"), said.get("inode")) != (hostname(), inode):
        return None
    known = said.get("id")
    return known if isinstance(known, str) and re.fullmatch(r"[0-9a-f]{24}", known) else None

"""What is seen of a timer: what was installed, and what its system says of it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workflow.initialise import data_folder


@dataclass(frozen=True, slots=True)
class Installed:
    """A timer of ours, as its own files tell it."""

    name: str
    """As `Job.name`."""
    root: str
    program: str
    """What it starts."""
    files: tuple[str, ...] = ()
    """Where it stands; for cron a crontab, which is no file of ours."""

    @property
    def lost(self) -> bool:
        """Whether its exchange is gone, so that it starts a sweep of nothing."""
        return not os.path.isfile(os.path.join(self.root, "workflow.yaml"))

    @property
    def broken(self) -> bool:
        """Whether what it starts is gone: a Python that was updated, a removed environment."""
        return not os.access(self.program, os.X_OK)


@dataclass(frozen=True, slots=True)
class Look:
    """What the system says of a timer."""

    loaded: bool
    last_exit: int | None = None
    """Of the last sweep that it started; None if it does not keep that, or none has ended."""
    detail: str = ""


def template(name: str) -> str:
    """A timer's file as the package carries it, with its placeholders."""
    return (Path(data_folder()) / "timers" / name).read_text(encoding="utf-8")


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with its placeholders replaced, in one pass: a value may look like one."""
    return re.sub("@([A-Z_]+)@", lambda match: values[match[1]], text)

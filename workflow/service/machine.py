"""The one seam to the machine: the files of its timers, and the programs that load them.

`Machine` does it; `Rehearsal` is the same and changes nothing. Both keep a list of what was done,
for the person who asked. Programs are given by their names, found on PATH: a test that has no macOS
puts a stand-in for launchctl there.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from workflow import durable
from workflow.errors import Exit, WorkflowError
from workflow.exchange import Exchange
from workflow.service import mark
from workflow.service.log import plain

_SECONDS = 60.0
"""For one of the machine's programs: launchctl may wait for a job's end."""
_LOOK_SECONDS = 0.2
_SWEEP_PATIENCE = 20.0
"""Seconds to wait for the end of a sweep that must not be cut off."""
_SPACE = ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DBUS_SESSION_BUS_ADDRESS", "USER", "LOGNAME")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program of the machine's own ended. -1: it is not there, or did not come back."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "replace")


@dataclass
class Machine:
    """`environ` and `uid` are those of the person whose timer it is."""

    exchange: Exchange
    environ: Mapping[str, str]
    uid: int
    done: list[tuple[str, str]] = field(default_factory=list)
    """What was done, in its order: a verb, and a path or a command."""

    @property
    def home(self) -> str:
        return os.path.expanduser("~")

    def has(self, program: str) -> bool:
        return shutil.which(program, path=self.environ.get("PATH")) is not None

    def ask(self, *words: str) -> Ran:
        """Run a program that only tells something."""
        return self._run(words, None)

    def change(self, *words: str, stdin: bytes | None = None) -> Ran:
        """Run a program that changes something."""
        self.done.append(("ran", shlex.join(words)))
        return self._run(words, stdin)

    def write(self, path: str, raw: bytes) -> None:
        """Write a file of ours, durably. Raises OSError."""
        durable.make_folder(os.path.dirname(path))
        durable.replace(path, raw)
        self.done.append(("wrote", path))

    def remove(self, path: str) -> None:
        """Remove a file of ours; one that was changed by hand is kept beside. Raises OSError."""
        state = mark.state_of(path)
        if state == "ours" and durable.remove(path):
            self.done.append(("removed", path))
        elif state == "edited":
            aside = _free(path + ".edited")
            if durable.rename(path, aside):
                durable.sync_folders([os.path.dirname(path)])
                self.done.append(("kept", f"{aside} (it had been changed by hand)"))

    def until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Look until it holds; False if it does not within `seconds`."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() >= end:
                return False
            time.sleep(_LOOK_SECONDS)
        return True

    @contextmanager
    def between_sweeps(self) -> Iterator[None]:
        """No sweep runs meanwhile. Raises WorkflowError `sweep_running` if one does not end."""
        end = time.monotonic() + _SWEEP_PATIENCE
        while True:
            with self.exchange.sweeping() as alone:
                if alone:
                    yield
                    return
            if time.monotonic() >= end:
                raise WorkflowError(
                    "sweep_running",
                    "a sweep is at work, which would be cut off",
                    Exit.RUNNING,
                    hint="try again when it has ended: `workflow status` shows what it does",
                    retryable=True,
                )
            time.sleep(_LOOK_SECONDS)

    def _run(self, words: tuple[str, ...], stdin: bytes | None) -> Ran:
        given = {name: self.environ[name] for name in _SPACE if name in self.environ}
        runtime = f"/run/user/{self.uid}"
        if "XDG_RUNTIME_DIR" not in given and os.path.isdir(runtime):
            given["XDG_RUNTIME_DIR"] = runtime  # a login by su has none, and systemctl needs it
        # In English, for we read it.
        environ = {**given, "PATH": self.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        try:
            ran = subprocess.run(
                words,
                env={**environ, "HOME": self.home, "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"},
                input=stdin if stdin is not None else b"",
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            return Ran(-1, b"", f"{words[0]} is not there")
        except PermissionError:
            return Ran(-1, b"", f"{words[0]} may not be run")
        except subprocess.TimeoutExpired:
            return Ran(-1, b"", f"{words[0]} did not come back within {_SECONDS:.0f} s")
        return Ran(ran.returncode, ran.stdout, ran.stderr.decode("utf-8", "replace").strip())


@dataclass
class Rehearsal(Machine):
    """What would be done. It asks, and changes nothing."""

    files: dict[str, bytes] = field(default_factory=dict)
    """What would be written: path (or the command that would read it) -> content."""

    def change(self, *words: str, stdin: bytes | None = None) -> Ran:
        self.done.append(("ran", shlex.join(words)))
        if stdin is not None:
            self.files[shlex.join(words)] = stdin
        return Ran(0, b"", "")

    def write(self, path: str, raw: bytes) -> None:
        self.done.append(("wrote", path))
        self.files[path] = raw

    def remove(self, path: str) -> None:
        if mark.state_of(path) in ("ours", "edited"):
            self.done.append(("removed", path))

    def until(self, holds: Callable[[], bool], seconds: float) -> bool:
        return True

    @contextmanager
    def between_sweeps(self) -> Iterator[None]:
        yield


def failed(what: str, ran: Ran, hint: str | None = None) -> WorkflowError:
    """A program of the machine's own refused; what it said stands in the message."""
    said = plain(ran.err or ran.text) or f"it ended with {ran.code}"
    return WorkflowError("timer_refused", f"{what}: {said}", Exit.DEFECT, hint=hint)


def _free(path: str) -> str:
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = f"{path}-{number}"
    return free

"""What a timer starts: the sweep of one exchange, by the program that runs now.

A timer has a bare environment and no folder to start in. So everything is said in full: the
interpreter's own path and not a shim's, the exchange's folder, and a PATH that was looked through.
No other variable is passed on: what stands in one may be a secret, and a timer's file is no place
for it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workflow import __version__, itself
from workflow.errors import WorkflowError
from workflow.service.log import TIMER_LOG

ALWAYS = ("/opt/homebrew/bin", "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")
"""Behind the installing shell's own folders. The first two are Homebrew's."""
NOT_PASSED_ON = (
    "AWS_ACCESS_KEY_ID", "AWS_CA_BUNDLE", "AWS_CONFIG_FILE", "AWS_DEFAULT_PROFILE",
    "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE", "HTTPS_PROXY", "HTTP_PROXY", "JOTFORM_API_KEY", "SSL_CERT_FILE",
    "https_proxy", "http_proxy",
)  # fmt: skip
"""Variables with which a command of the person works and the timer's sweep would not."""
_TRIAL_SECONDS = 30.0
_SLUG_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be started, every few seconds and when a task arrives."""

    root: str
    """The exchange's folder, absolute and without links."""
    program: tuple[str, ...]
    """What runs us, before its first argument."""
    path: str
    """The PATH that the sweep gets."""

    @property
    def name(self) -> str:
        """Tells this exchange's timer from every other one's; stays the same for one folder."""
        folder = re.sub(r"[^a-z0-9]+", "-", os.path.basename(self.root).lower()).strip("-")
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:8]
        return f"{folder[:_SLUG_LENGTH].strip('-') or 'exchange'}-{digest}"

    @property
    def log(self) -> str:
        return os.path.join(self.root, TIMER_LOG)

    @property
    def argv(self) -> list[str]:
        return [*self.program, "--root", self.root, "sweep"]


def job_for(root: str, environ: Mapping[str, str]) -> tuple[Job, list[str]]:
    """The job of an exchange, and what a person should know about it.

    Raises WorkflowError `unusable_path`, `cannot_start`.
    """
    root = os.path.realpath(root)
    path, dropped = usable_path(environ)
    program = find_program(path)
    for what, text in (("the exchange's folder", root), ("the program's path", program[0])):
        if not is_sayable(text):
            raise WorkflowError(
                "unusable_path",
                f"{what} has a sign in its name that a timer's file cannot hold: {text!r}",
                hint="rename it: no line breaks or control characters, and UTF-8",
            )
    notes = [f"{folder} on PATH is left out: {why}" for folder, why in dropped]
    missed = [name for name in NOT_PASSED_ON if environ.get(name)]
    if missed:
        notes.append(
            f"set in this shell and not for the timer: {', '.join(missed)}; what a task needs of "
            "them has to stand in a file (~/.aws/config, workflow.yaml), or in the keychain"
        )
    if re.search(r"/(\.cache|Caches|uv)/|^/(private/)?tmp/", program[0]):
        notes.append(
            f"{program[0]} lies in a folder that is emptied now and then: the timer ends with it"
        )
    return Job(root, program, path), notes


def is_sayable(text: str) -> bool:
    """Whether a text survives in a crontab's line, a unit file and XML."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return bool(text) and text.isprintable()


def usable_path(environ: Mapping[str, str]) -> tuple[str, list[tuple[str, str]]]:
    """The folders of PATH that a timer may look for programs in; and the others, with reasons.

    A folder in which everybody may write would let everybody name the Hugo that runs.
    """
    kept: list[str] = []
    dropped: list[tuple[str, str]] = []
    said = environ.get("PATH", "").split(os.pathsep)
    for folder in dict.fromkeys([*said, *ALWAYS]):
        reason = _reason_against(folder)
        if reason is None:
            kept.append(folder)
        elif reason and folder in said:
            dropped.append((repr(folder), reason))
    return os.pathsep.join(kept), dropped


def _reason_against(folder: str) -> str | None:
    """Why not; empty if that is not worth a word, None if nothing is against it."""
    if not folder or not os.path.isabs(folder):
        return "it is not absolute" if folder else ""
    if not is_sayable(folder):
        return "its name cannot be written into a timer's file"
    try:
        seen = os.stat(folder)
    except OSError:
        return ""
    if not stat.S_ISDIR(seen.st_mode):
        return ""
    return "everybody may write there" if seen.st_mode & stat.S_IWOTH else None


def find_program(path: str) -> tuple[str, ...]:
    """What starts us from nothing. Raises WorkflowError `cannot_start` if nothing does.

    The one file, if we are that: it unpacks itself again where its cache was emptied. Else the
    script beside the interpreter, which a reader of the timer's file recognises; else the
    interpreter itself, with -P: nothing that lies in a current folder is imported in our place.
    """
    here = os.path.abspath(sys.executable)
    script = itself.one_file() or os.path.join(os.path.dirname(here), "workflow")
    for program in ((script,), (here, "-P", "-m", "workflow")):
        if _starts(program, path):
            return program
    raise WorkflowError(
        "cannot_start",
        f"{here} cannot start this program without the variables of this shell",
        hint="install it into that Python (pip install, pipx, uv tool), and run "
        "`workflow service install` from there",
    )


def _starts(program: Sequence[str], path: str) -> bool:
    try:
        ran = subprocess.run(
            [*program, "--version"],
            env={"PATH": path, "HOME": os.path.expanduser("~")},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_TRIAL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ran.returncode == 0 and ran.stdout.decode("utf-8", "replace").split() == [
        "workflow",
        __version__,
    ]

"""Calls of git, in the repository in which the exchange lies, as its owner set that up."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workflow import process
from workflow.errors import Exit, WorkflowError
from workflow.git.surroundings import environment
from workflow.redact import redact

LOCAL_SECONDS = 120.0
TIDY_SECONDS = 600.0
STALE_LOCK_SECONDS = 600.0
"""Age at which a lock of one of our own refs belongs to a git that was killed."""

_APART = 'exec "$@" >"$0"'
"""Answers must be read without remarks; file and words are arguments, none stands in this line."""
_ALWAYS = (
    "--no-pager", "-c", "core.fsmonitor=false", "-c", "push.gpgSign=false",
    # The owner's hooks guard the owner's branches; each claim would run them.
    "-c", "core.hooksPath=/dev/null",
)  # fmt: skip
_NOT_NOW = ("-c", "gc.auto=0", "-c", "maintenance.auto=false")
"""Between a claim and its result is no time to tidy up: see `Git.tidy_up`."""
_LOCKED = re.compile(r"Unable to create '([^'\n]+/refs/workflow/[^'\n]+\.lock)': File exists")


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    out: bytes
    said: str
    """On stderr: for people; redacted."""

    @property
    def text(self) -> str:
        return os.fsdecode(self.out).strip()


class Git:
    """Git below `root`; what it says is kept in `folder`. Calls from several threads follow one
    another."""

    def __init__(self, root: str, folder: str) -> None:
        self.root, self.folder = root, folder
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self._lock = threading.RLock()
        path = shutil.which("git", path=environment()["PATH"])
        if path is None:
            raise WorkflowError("git_not_found", "git is not on PATH", hint="install it")
        self._path = path
        with suppress(FileNotFoundError):
            os.unlink(self._log)

    @property
    def _log(self) -> str:
        return os.path.join(self.folder, "git.log")

    def must(self, *words: str, stdin: bytes = b"") -> Answer:
        """Raises WorkflowError `git_failed`."""
        answer = self(*words, stdin=stdin)
        if answer.code:
            raise WorkflowError(
                "git_failed",
                f"`git {words[0]}` failed in {self.root}: {last_line(answer.said)}",
                Exit.DEFECT,
                hint=f"all that it said stands in {self._log}",
                retryable=True,
            )
        return answer

    def __call__(self, *words: str, stdin: bytes = b"", seconds: float = LOCAL_SECONDS) -> Answer:
        """What git says, whatever that is; a code of -1 where it was ended."""
        words = (*_NOT_NOW, *words)
        answer = self._once(words, stdin, seconds)
        locked = _LOCKED.search(answer.said) if answer.code else None
        if locked and _is_stale(locked[1]):
            os.unlink(locked[1])
            answer = self._once(words, stdin, seconds)
        return answer

    def tidy_up(self) -> None:
        """Let git pack what lies about, where it thinks that it is worth it (`gc.auto`): each step
        leaves a dozen loose objects, and nothing else may ever be done in a clone like ours."""
        self._once(("-c", "gc.autoDetach=false", "gc", "--auto", "--quiet"), b"", TIDY_SECONDS)

    def _once(self, words: Sequence[str], stdin: bytes, seconds: float) -> Answer:
        out = os.path.join(self.folder, "answer")
        with self._lock:
            finished = process.run(
                ["/bin/sh", "-c", _APART, out, self._path, *_ALWAYS, *words],
                cwd=Path(self.root),
                env=environment({"GIT_OPTIONAL_LOCKS": "0", "GIT_LITERAL_PATHSPECS": "1"}),
                log=Path(self._log),
                timeout=seconds,
                stdin=stdin,
            )
            with open(out, "rb") as file:
                raw = file.read()
        said = finished.tail
        if finished.ended != "exited":
            said += f"\nfatal: no answer within {seconds:.0f} s"
        code = finished.returncode if finished.ended == "exited" else -1
        return Answer(code, raw, said)


def _is_stale(lock: str) -> bool:
    try:
        return time.time() - os.lstat(lock).st_mtime > STALE_LOCK_SECONDS
    except OSError:
        return False


def last_line(said: str) -> str:
    """The line that says why git failed."""
    lines = [line.strip() for line in redact(said).splitlines() if line.strip()]
    serious = (line for line in lines if line.startswith(("fatal:", "error:", "remote:")))
    return next(serious, lines[-1] if lines else "it says nothing")

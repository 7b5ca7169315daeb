"""git itself: found, asked, and run for a task.

Every git of a task runs under the task's deadline and in its process group, also the ones that only
look: clean filters, credential helpers and network file systems hang like everything else.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from workflow import process
from workflow.deploy.guards import shown
from workflow.errors import Action, TaskError, TaskFailed
from workflow.git.surroundings import PLACES as PLACES
from workflow.git.surroundings import environment
from workflow.handler import Context, RunProgram
from workflow.layout import CACHE
from workflow.process import Finished

OLDEST = (2, 30)
"""Of Debian 11. Paths are given in files (2.26), and fetches leave FETCH_HEAD alone (2.29)."""
LOCK_WAIT = 30.0
"""Seconds for which another git may hold a lock of the repository."""
OWN_SECONDS = 300.0
"""For steps that must not be cut off halfway, and for putting things back when time is up."""

_ALWAYS = (
    "--no-pager",
    # No housekeeping, and no daemon that would outlive the task.
    "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "core.fsmonitor=false",
    # A name and an address that git has guessed are nobody's.
    "-c", "user.useConfigOnly=true", "-c", "i18n.commitEncoding=UTF-8",
)  # fmt: skip
_APART = 'exec "$@" >"$0"'
"""The runner has one log for both streams, and what git answers must be read without its remarks.
No value stands in this line: the file and git's words are arguments."""
_EXCERPT = 1_500
"""Characters of what a hook printed that stand in the error; the log has all."""
_LOCKED = re.compile(r"Unable to create '([^'\n]+\.lock)': File exists")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a git that only looked has said."""

    code: int
    out: bytes
    said: str
    """On stderr: for people."""

    @property
    def text(self) -> str:
        return os.fsdecode(self.out).removesuffix("\n")

    @property
    def names(self) -> list[str]:
        """The fields of an answer whose fields end with NUL."""
        return [os.fsdecode(part) for part in self.out.split(b"\0")[:-1]]


@dataclass(frozen=True, slots=True)
class Acted:
    """What came of a git that did something."""

    code: int
    said: str
    """Both streams, hooks included."""
    refused_by: str | None
    """The hook that ended with an error, and so ended it."""


@dataclass(frozen=True)
class Git:
    """git in one folder, for one attempt of a task."""

    path: str
    folder: Path
    """Where it runs: the top of the work tree, once that is known."""
    scratch: Path
    """A folder of our own, gone when the attempt ends."""
    context: Context
    run: RunProgram

    def ask(self, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Answer:
        """Look something up; changes nothing of the owner's, not even the times in the index."""
        out = self.scratch / "answer"
        finished = self.ask_into(out, *words, stdin=stdin, env=env)
        return Answer(finished.returncode, out.read_bytes(), finished.tail)

    def ask_into(
        self, out: Path, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> Finished:
        """`ask` for an answer that may be too large to be held."""
        argv: list[str | os.PathLike[str]] = ["/bin/sh", "-c", _APART, out, self.path]
        argv += [*_ALWAYS, *words]
        quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_LITERAL_PATHSPECS": "1", **(env or {})}
        return self.run(argv, cwd=self.folder, env=environment(quiet), stdin=stdin)

    def get(self, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Answer:
        """`ask`, where no answer is a failure. Raises TaskFailed `git_failed`."""
        answer = self.ask(*words, stdin=stdin, env=env)
        if answer.code != 0:
            raise failed_as_a_whole(words, answer.code, answer.said)
        return answer

    def setting(self, name: str, kind: str = "") -> str | None:
        """The owner's configuration. `kind`: bool, path, as `git config --type` has them."""
        typed = [f"--type={kind}"] if kind else []
        answer = self.ask("config", *typed, "--get", name)
        return answer.text if answer.code == 0 else None

    def act(self, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Acted:
        """Do something, with the owner's hooks, and wait politely for locks of other gits.

        Pathspecs are not literal here: the setting would pass on to the hooks, whose own
        `git diff -- '*.js'` would find nothing. Raises TaskFailed `index_locked`, or what the
        runner raises.
        """
        until = time.monotonic() + LOCK_WAIT
        while True:
            acted = self._act_once(words, stdin, env)
            locked = _LOCKED.search(acted.said) if acted.code and not acted.refused_by else None
            if locked is None:
                return acted
            self._wait_for(Path(locked[1]), until)

    def _act_once(
        self, words: tuple[str, ...], stdin: bytes, env: Mapping[str, str] | None
    ) -> Acted:
        trace = self.scratch / "trace"
        trace.unlink(missing_ok=True)
        told = environment({"GIT_TRACE2_EVENT": os.fspath(trace), **(env or {})})
        try:
            finished = self.run(
                [self.path, *_ALWAYS, *words], cwd=self.folder, env=told, stdin=stdin
            )
        except TaskFailed as failure:
            hook = _hooks(trace)[1]
            if hook is None:
                raise
            hint = f"the {hook} hook had not ended: does it ask something, or wait for a lock?"
            error = replace(failure.error, message=f"{failure.error.message} (in the {hook} hook)")
            raise TaskFailed(
                replace(error, hint=hint), outputs=failure.outputs, status=failure.status
            ) from failure
        refused = _hooks(trace)[0] if finished.returncode else None
        return Acted(finished.returncode, finished.tail, refused)

    def _wait_for(self, lock: Path, until: float) -> None:
        self.context.say(f"another git holds {lock.name}; waiting for it")
        while True:
            self.context.check()
            if time.monotonic() >= until:
                raise TaskFailed(
                    TaskError(
                        "index_locked",
                        f"another git holds {lock}{_age(lock)}",
                        "retry",
                        "environment",
                        hint="wait until it has finished; if no git runs there any more, one was "
                        "killed: a person may then remove that file",
                    )
                )
            if not os.path.lexists(lock):
                return
            time.sleep(0.1)

    def at(self, folder: Path) -> Git:
        return replace(self, folder=folder)

    def unhurried(self) -> Git:
        """The same with time of its own: for what must not be cut off by the task's deadline."""
        log = self.context.folder / f"attempt-{self.context.attempt}.log"

        def run(
            argv: Sequence[str | os.PathLike[str]],
            *,
            cwd: Path,
            env: Mapping[str, str] | None = None,
            stdin: bytes = b"",
        ) -> Finished:
            return process.run(argv, cwd=cwd, env=env, log=log, timeout=OWN_SECONDS, stdin=stdin)

        return replace(self, run=run, context=replace(self.context, check=lambda: None))


@contextlib.contextmanager
def scratch_folder(context: Context) -> Iterator[Path]:
    """A folder for this task alone, without what an attempt that was killed has left in it."""
    folder = context.config.root / CACHE / f"git-{context.task_id}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find(context: Context, folder: Path, scratch: Path) -> Git:
    """Raises TaskFailed `git_not_found`, `git_unusable`, `git_too_old`."""
    path = shutil.which("git", path=environment()["PATH"])
    if path is None:
        raise _environment("git_not_found", "git is not on PATH", "install it")
    git = Git(path, folder, scratch, context, context.run_program)
    answer = git.at(scratch).ask("version")
    found = re.match(r"git version (\d+)\.(\d+)", answer.text)
    if found is None:
        # macOS has a stand-in that asks to install the real one.
        raise _environment(
            "git_unusable",
            f"{path} is no git that runs: {last_line(answer.said) or 'it says no version'}",
            "install git (on macOS: `xcode-select --install`)",
        )
    if (int(found[1]), int(found[2])) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise _environment(
            "git_too_old", f"{path} is {answer.text}; needed is {wanted}", "install a newer git"
        )
    return git


def _hooks(trace: Path) -> tuple[str | None, str | None]:
    """The hook that failed, and the one that never ended: by git's own record of its children.

    Exit codes and words do not tell a hook's refusal from a failure of git's.
    """
    try:
        lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None, None
    failed: str | None = None
    running: dict[object, str] = {}
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue  # the last one of a git that was killed
        if "/" in event.get("sid", "/"):
            continue  # a git that a hook has run
        if event.get("event") == "child_start" and event.get("child_class") == "hook":
            running[event.get("child_id")] = str(event.get("hook_name"))
        elif event.get("event") == "child_exit":
            hook = running.pop(event.get("child_id"), None)
            if hook is not None and event.get("code") != 0:
                failed = hook
    return failed, next(iter(running.values()), None)


def last_line(said: str) -> str:
    """The line that says why: the first that git calls fatal or an error, else the last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    serious = (line for line in lines if line.startswith(("fatal:", "error:")))
    return next(serious, lines[-1] if lines else "")


def excerpt(said: str) -> str | None:
    """The end of what was said, if it is more than the message has anyhow."""
    return said[-_EXCERPT:] if said.strip().count("\n") else None


def failed_as_a_whole(words: tuple[str, ...], code: int, said: str) -> TaskFailed:
    """Of a git that failed in a way for which we know no better word."""
    what = next((word for word in words if not word.startswith("-")), "")
    reason = last_line(said) or (f"signal {-code}" if code < 0 else f"exit code {code}")
    return refusal(
        "git_failed",
        f"`git {what}` failed: {reason}",
        "escalate",
        "see the log for all that git said",
        category="environment",
    )


def refusal(
    code: str,
    message: str,
    action: Action,
    hint: str,
    *,
    category: str = "git",
    file: str | None = None,
    excerpt: str | None = None,
) -> TaskFailed:
    return TaskFailed(
        TaskError(code, message, action, category, hint=hint, file=file, excerpt=excerpt)
    )


def each(paths: Iterable[str], most: int = 5) -> str:
    """Some of the paths, in words: `a, b and 3 more`."""
    listed = sorted(paths)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(shown(path) for path in listed[:most]) + more


def _age(lock: Path) -> str:
    try:
        seconds = time.time() - lock.lstat().st_mtime
    except OSError:
        return ""
    return f", since {seconds / 60:.0f} minutes" if seconds > 120 else ""


def _environment(code: str, message: str, hint: str) -> TaskFailed:
    return refusal(code, message, "escalate", hint, category="environment")

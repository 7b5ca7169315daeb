"""The git server on which machines meet: one branch there, and what we know of it.

It is spoken to through the repository in which the exchange lies, as the owner set that up: its
remote, its address, its credentials. The owner's branches, index and work tree are not touched; our
marks are refs/workflow/…, and commits are made without an index (`git fast-import`).
"""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workflow import process
from workflow.errors import Exit, WorkflowError
from workflow.git.surroundings import environment
from workflow.redact import redact

NETWORK_SECONDS = 60.0
LOCAL_SECONDS = 120.0
STALE_LOCK_SECONDS = 600.0
"""Age at which a lock of one of our own refs belongs to a git that was killed."""

_APART = 'exec "$@" >"$0"'
"""Answers must be read without remarks; file and words are arguments, none stands in this line."""
_ALWAYS = (
    "--no-pager", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "core.fsmonitor=false",
    # The owner's hooks guard the owner's branches; each claim would run them.
    "-c", "core.hooksPath=/dev/null", "-c", "push.gpgSign=false",
)  # fmt: skip
_RACE = re.compile(
    r"\((?:non-fast-forward|fetch first|stale info|needs force)\)"
    r"|failed to update ref|failed to lock|cannot lock ref|reference already exists"
    r"|incorrect old value|remote ref updated since checkout"
)
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


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a commit."""

    path: str
    blob: str


class Unreachable(Exception):
    """The server cannot be asked, or refuses us, just now; nothing is known to have changed."""


class Server:
    """One branch of one remote. Calls from several threads follow one another."""

    def __init__(self, root: str, remote: str, branch: str, folder: str) -> None:
        self.root, self.remote, self.branch, self.folder = root, remote, branch, folder
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.lock = threading.RLock()
        self.seen_ref = f"refs/workflow/seen/{branch}"
        self.absorbed_ref = f"refs/workflow/absorbed/{branch}"
        self._next_ref = f"refs/workflow/next/{branch}"
        path = shutil.which("git", path=environment()["PATH"])
        if path is None:
            raise WorkflowError("git_not_found", "git is not on PATH", hint="install it")
        self._path = path
        with suppress(FileNotFoundError):
            os.unlink(self._log)

    @property
    def _log(self) -> str:
        return os.path.join(self.folder, "git.log")

    def check(self) -> str:
        """The top of the repository. Raises WorkflowError `no_repository`, `no_remote`."""
        top = self._git("rev-parse", "--show-toplevel")
        if top.code:
            raise WorkflowError(
                "no_repository",
                f"{self.root} lies in no git repository that can be used: {_last_line(top.said)}",
                hint="an exchange that machines share is a clone: `git init`, "
                "`git remote add origin ADDRESS`; or leave `sync:` out of workflow.yaml",
            )
        if self._git("config", "--get", f"remote.{self.remote}.url").code:
            raise WorkflowError(
                "no_remote",
                f"the repository {top.text} has no remote {self.remote}",
                hint=f"`git remote add {self.remote} ADDRESS`, or name another as sync.remote",
            )
        return top.text

    # -- what is there -----------------------------------------------------------------------

    def ask_tip(self) -> str | None:
        """What the server's branch is at, without fetching it; None if it has none.

        Raises Unreachable.
        """
        answer = self._git("ls-remote", self.remote, self._branch_ref, seconds=NETWORK_SECONDS)
        if answer.code:
            raise Unreachable(_last_line(answer.said))
        return answer.text.split("\t")[0] or None

    def fetch(self) -> str | None:
        """Bring the newest commit here; None if the server has no such branch.

        Raises Unreachable, WorkflowError `branch_rewound`.
        """
        before = self.seen()
        answer = self._git(
            "fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--quiet",
            "--no-prune", self.remote, f"+{self._branch_ref}:{self.seen_ref}",
            seconds=NETWORK_SECONDS,
        )  # fmt: skip
        if answer.code:
            if re.search(r"couldn't find remote ref", answer.said, re.IGNORECASE):
                if before is not None:
                    raise self._rewound("is gone from the server")
                return None
            raise Unreachable(_last_line(answer.said))
        now = self.seen()
        changed = None not in (before, now) and before != now
        if changed and not self.is_ancestor(str(before), str(now)):
            self._git("update-ref", self.seen_ref, str(before))
            raise self._rewound("does not follow from what was seen of it before")
        return now

    def _rewound(self, what: str) -> WorkflowError:
        return WorkflowError(
            "branch_rewound",
            f"the branch {self.branch} of {self.remote} {what}: somebody forced it. Nothing is "
            "run, for tasks that have ended may look open again",
            hint="a person looks at it, and then, on each machine: "
            f"`git update-ref -d {self.seen_ref}`",
        )

    def seen(self) -> str | None:
        return self._ref(self.seen_ref)

    def absorbed(self) -> str | None:
        """The commit of which all that ended was brought here."""
        return self._ref(self.absorbed_ref)

    def has_absorbed(self, commit: str) -> None:
        self._must("update-ref", self.absorbed_ref, commit)

    def _ref(self, name: str) -> str | None:
        answer = self._git("rev-parse", "--quiet", "--verify", f"{name}^{{commit}}")
        return answer.text if answer.code == 0 else None

    def is_ancestor(self, one: str, other: str) -> bool:
        return self._git("merge-base", "--is-ancestor", one, other).code == 0

    def entries(self, commit: str, *below: str) -> list[Entry]:
        """The plain files of a commit below these folders: no links, no submodules."""
        raw = self._must("ls-tree", "-r", "-z", commit, "--", *below).out
        found = []
        for line in raw.split(b"\0")[:-1]:
            about, path = line.split(b"\t", 1)
            mode, _, blob = about.decode().split(" ")
            if mode == "100644":
                found.append(Entry(os.fsdecode(path), blob))
        return found

    def added(self, before: str | None, commit: str, below: str) -> list[Entry]:
        """The plain files below a folder that a commit has and an earlier one had otherwise."""
        if before is None:
            return self.entries(commit, below)
        raw = self._must("diff-tree", "-r", "-z", "--no-renames", before, commit, "--", below).out
        fields = raw.split(b"\0")[:-1]
        found = []
        for about, path in zip(fields[::2], fields[1::2], strict=True):
            _, mode, _, blob, _ = about.decode().split(" ")
            if mode == "100644":
                found.append(Entry(os.fsdecode(path), blob))
        return found

    def read(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """The bytes of blobs; also by `COMMIT:PATH`. Those that are not there are left out."""
        wanted = list(dict.fromkeys(blobs))
        if not wanted:
            return {}
        raw = self._must("cat-file", "--batch", stdin="\n".join(wanted).encode() + b"\n").out
        found, at = {}, 0
        for name in wanted:
            end = raw.index(b"\n", at)
            words = raw[at:end].split(b" ")
            at = end + 1
            if words[-1] != b"missing" and len(words) == 3:
                size = int(words[2])
                if words[1] == b"blob":
                    found[name] = raw[at : at + size]
                at += size + 1
        return found

    # -- a step ------------------------------------------------------------------------------

    def step(
        self, tip: str | None, changes: Mapping[str, bytes | None], message: str, author: str
    ) -> bool:
        """Push one commit on top of `tip` (None: begin the branch); False if another came first.

        `changes`: the files' new bytes by path; None removes one. Raises Unreachable; then it may
        have come through all the same, and a fetch tells.
        """
        commit = self._commit(tip, changes, message, author)
        answer = self._git(
            "push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no",
            f"--force-with-lease={self._branch_ref}:{tip or ''}", self.remote,
            f"{commit}:{self._branch_ref}", seconds=NETWORK_SECONDS,
        )  # fmt: skip
        if answer.code == 0:
            self._git("update-ref", self.seen_ref, commit)
            return True
        now = self.fetch()
        if now is not None and (now == commit or self.is_ancestor(commit, now)):
            return True  # it came through, and its answer was lost
        said = answer.said + answer.text
        if now != tip or _RACE.search(said):
            return False
        raise Unreachable(_reason(said))

    def _commit(
        self, tip: str | None, changes: Mapping[str, bytes | None], message: str, author: str
    ) -> str:
        told = message.encode()
        lines = [b"feature done\n", b"reset %s\n\n" % self._next_ref.encode()]
        lines.append(b"commit %s\nmark :1\n" % self._next_ref.encode())
        lines.append(b"committer %s <workflow@%s> %d +0000\n"
                     % (author.encode(), author.encode(), int(time.time())))  # fmt: skip
        lines.append(b"data %d\n%s\n" % (len(told), told))
        if tip is not None:
            lines.append(b"from %s\n" % tip.encode())
        for path, raw in changes.items():
            if raw is None:
                lines.append(b"D %s\n" % path.encode())
            else:
                lines.append(b"M 100644 inline %s\ndata %d\n" % (path.encode(), len(raw)))
                lines.append(raw + b"\n")
        lines.append(b"\nget-mark :1\ndone\n")
        answer = self._must(
            "fast-import", "--quiet", "--force", "--done", stdin=b"".join(lines)
        )  # fmt: skip
        return answer.text

    @property
    def _branch_ref(self) -> str:
        return f"refs/heads/{self.branch}"

    # -- git itself --------------------------------------------------------------------------

    def _must(self, *words: str, stdin: bytes = b"") -> Answer:
        answer = self._git(*words, stdin=stdin)
        if answer.code:
            raise WorkflowError(
                "git_failed",
                f"`git {words[0]}` failed in {self.root}: {_last_line(answer.said)}",
                Exit.DEFECT,
                hint=f"all that it said stands in {self._log}",
                retryable=True,
            )
        return answer

    def _git(self, *words: str, stdin: bytes = b"", seconds: float = LOCAL_SECONDS) -> Answer:
        answer = self._once(words, stdin, seconds)
        locked = _LOCKED.search(answer.said) if answer.code else None
        if locked and _is_stale(locked[1]):
            os.unlink(locked[1])
            answer = self._once(words, stdin, seconds)
        return answer

    def _once(self, words: Sequence[str], stdin: bytes, seconds: float) -> Answer:
        out = os.path.join(self.folder, "answer")
        with self.lock:
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


def _last_line(said: str) -> str:
    lines = [line.strip() for line in redact(said).splitlines() if line.strip()]
    serious = (line for line in lines if line.startswith(("fatal:", "error:", "remote:")))
    return next(serious, lines[-1] if lines else "it says nothing")


def _reason(said: str) -> str:
    """Why a push was refused: what the server says of it, else what git does."""
    rejected = re.search(r"\[(?:remote )?rejected\] \(([^)]*)\)", said)
    return f"{_last_line(said)} ({rejected[1]})" if rejected else _last_line(said)

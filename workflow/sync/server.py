"""The git server on which machines meet: one branch there, and what we know of it.

It is spoken to through the repository in which the exchange lies, as the owner set that up: its
remote, its address, its credentials. The owner's branches, index and work tree are not touched; our
marks are refs/workflow/…, and commits are made without an index (`git fast-import`).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workflow.errors import WorkflowError
from workflow.sync import restart
from workflow.sync.calls import Git, last_line

NETWORK_SECONDS = 60.0

_RACE = re.compile(
    r"\((?:non-fast-forward|fetch first|stale info|needs force)\)"
    r"|failed to update ref|failed to lock|cannot lock ref|reference already exists"
    r"|incorrect old value|remote ref updated since checkout"
)
_FORBIDDEN = "denying non-fast-forward"
"""Said by a server that lets nobody force a branch, with the words of a race."""


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
        self.root, self.remote, self.branch = root, remote, branch
        self.git = Git(root, folder)
        self.seen_ref = f"refs/workflow/seen/{branch}"
        self.absorbed_ref = f"refs/workflow/absorbed/{branch}"
        self._next_ref = f"refs/workflow/next/{branch}"
        self._fetched_ref = f"refs/workflow/fetched/{branch}"

    def check(self) -> str:
        """The top of the repository. Raises WorkflowError `no_repository`, `no_remote`."""
        top = self.git("rev-parse", "--show-toplevel")
        if top.code:
            raise WorkflowError(
                "no_repository",
                f"{self.root} lies in no git repository that can be used: {last_line(top.said)}",
                hint="an exchange that machines share is a clone: `git init`, "
                "`git remote add origin ADDRESS`; or leave `sync:` out of workflow.yaml",
            )
        if self.git("config", "--get", f"remote.{self.remote}.url").code:
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
        answer = self.git("ls-remote", self.remote, self._branch_ref, seconds=NETWORK_SECONDS)
        if answer.code:
            raise Unreachable(last_line(answer.said))
        return answer.text.split("\t")[0] or None

    def fetch(self) -> str | None:
        """Bring the newest commit here; None if the server has no such branch.

        Raises Unreachable, WorkflowError `branch_rewound`.
        """
        before = self.seen()
        if not self._bring(self._branch_ref, self._fetched_ref):
            if before is not None:
                raise self._rewound("is gone from the server")
            return None
        now = self._ref(self._fetched_ref)
        if now is not None and now != before:
            if before is not None and restart.pasts(self, before, now) is None:
                raise self._rewound("does not follow from what was seen of it before")
            self._saw(now)
        return now

    def fetch_archive(self, name: str) -> str | None:
        """Bring the branch as it was before it began anew, and keep it: so old versions of tasks
        are still known for such. None if the server has it no more. Raises Unreachable."""
        kept = f"{self._archives_ref}/{name}"
        return self._ref(kept) if self._bring(f"{self.archive_ref}/{name}", kept) else None

    def _bring(self, there: str, here: str) -> bool:
        """Fetch a ref; False if the server has none. Raises Unreachable."""
        answer = self.git(
            "fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--quiet",
            "--no-prune", self.remote, f"+{there}:{here}", seconds=NETWORK_SECONDS,
        )  # fmt: skip
        if answer.code and not re.search(r"couldn't find remote ref", answer.said, re.IGNORECASE):
            raise Unreachable(last_line(answer.said))
        return answer.code == 0

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
        self.git.must("update-ref", self.absorbed_ref, commit)

    def _ref(self, name: str) -> str | None:
        answer = self.git("rev-parse", "--quiet", "--verify", f"{name}^{{commit}}")
        return answer.text if answer.code == 0 else None

    def _saw(self, commit: str) -> None:
        self.git("update-ref", self.seen_ref, commit)

    def is_ancestor(self, one: str, other: str) -> bool:
        return self.git("merge-base", "--is-ancestor", one, other).code == 0

    def roots(self, commit: str) -> list[str]:
        """Where the history of a commit begins."""
        return self.git.must("rev-list", "--max-parents=0", commit).text.split()

    def written(self, commit: str) -> str:
        """A commit as it was written: whose it is, and its message."""
        return self.git.must("cat-file", "commit", commit).text

    def folder(self, commit: str, path: str = "") -> dict[str, str]:
        """What lies in one folder of a commit: name -> what it is, to the last byte (mode, kind and
        hash). Empty if there is no such folder."""
        below = ("--", f"{path}/") if path else ()
        raw = self.git.must("ls-tree", "-z", commit, *below).out
        entries = (entry.split(b"\t", 1) for entry in raw.split(b"\0")[:-1])
        return {os.path.basename(os.fsdecode(name)): about.decode() for about, name in entries}

    def ended_file(self, path: str) -> bytes | None:
        """A file of the newest commit, or of the past of a branch that began anew while we were
        there; None if it is in neither."""
        places = [self.seen_ref]
        if f"{self.seen_ref}:{path}" not in self.read([f"{self.seen_ref}:{path}"]):
            told = self.git.must("for-each-ref", "--format=%(refname)", self._archives_ref)
            places = told.text.split()
        found = self.read(f"{place}:{path}" for place in places)
        return next(iter(found.values()), None)

    def entries(self, commit: str, *below: str) -> list[Entry]:
        """The plain files of a commit below these folders: no links, no submodules."""
        raw = self.git.must("ls-tree", "-r", "-z", commit, "--", *below).out
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
        raw = self.git.must(
            "diff-tree", "-r", "-z", "--no-renames", before, commit, "--", below
        ).out
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
        raw = self.git.must("cat-file", "--batch", stdin="\n".join(wanted).encode() + b"\n").out
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
        return self._push(tip, commit)

    def begin_anew(
        self, tip: str, changes: Mapping[str, bytes | None], message: str, author: str, place: str
    ) -> bool:
        """Push one commit without parents in the stead of `tip`, with its files but for `changes`,
        and `tip` to its `place` among the archives: both, or neither. Else as `step`."""
        commit = self._commit(None, changes, message, author, files_of=tip)
        with_archive = (
            "--atomic", f"--force-with-lease={place}:", self.remote, f"{tip}:{place}",
        )  # fmt: skip
        came = self._push(tip, commit, *with_archive)
        if came:
            self.git("update-ref", place.replace(self.archive_ref, self._archives_ref, 1), tip)
        return came

    def _push(self, tip: str | None, commit: str, *more: str) -> bool:
        answer = self.git(
            "push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no",
            f"--force-with-lease={self._branch_ref}:{tip or ''}", *(more or (self.remote,)),
            f"{commit}:{self._branch_ref}", seconds=NETWORK_SECONDS,
        )  # fmt: skip
        if answer.code == 0:
            self._saw(commit)
            return True
        now = self.fetch()
        if now is not None and (now == commit or restart.pasts(self, commit, now) is not None):
            return True  # it came through, and its answer was lost
        said = answer.said + answer.text
        if now != tip or (_RACE.search(said) and _FORBIDDEN not in said):
            return False
        raise Unreachable(_reason(said))

    def _commit(
        self,
        tip: str | None,
        changes: Mapping[str, bytes | None],
        message: str,
        author: str,
        files_of: str | None = None,
    ) -> str:
        """Make a commit on top of `tip`; on top of none, it may begin with the files of another."""
        told = message.encode()
        lines = [b"feature done\n", b"reset %s\n\n" % self._next_ref.encode()]
        lines.append(b"commit %s\nmark :1\n" % self._next_ref.encode())
        lines.append(b"committer %s <workflow@%s> %d +0000\n"
                     % (author.encode(), author.encode(), int(time.time())))  # fmt: skip
        lines.append(b"data %d\n%s\n" % (len(told), told))
        if tip is not None:
            lines.append(b"from %s\n" % tip.encode())
        if files_of is not None:
            tree = self.git.must("rev-parse", f"{files_of}^{{tree}}").text
            lines.append(b'M 040000 %s ""\n' % tree.encode())
        for path, raw in changes.items():
            if raw is None:
                lines.append(b"D %s\n" % path.encode())
            else:
                lines.append(b"M 100644 inline %s\ndata %d\n" % (path.encode(), len(raw)))
                lines.append(raw + b"\n")
        lines.append(b"\nget-mark :1\ndone\n")
        answer = self.git.must(
            "fast-import", "--quiet", "--force", "--done", stdin=b"".join(lines)
        )  # fmt: skip
        return answer.text

    @property
    def _branch_ref(self) -> str:
        return f"refs/heads/{self.branch}"

    @property
    def archive_ref(self) -> str:
        """Below this, the server keeps the branch as it was each time before it began anew."""
        return f"refs/archive/{self.branch}"

    @property
    def _archives_ref(self) -> str:
        return f"refs/workflow/archive/{self.branch}"


def _reason(said: str) -> str:
    """Why a push was refused: what the server says of it, else what git does."""
    rejected = re.search(r"\[(?:remote )?rejected\] \(([^)]*)\)", said)
    return f"{last_line(said)} ({rejected[1]})" if rejected else last_line(said)

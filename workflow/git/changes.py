"""What a commit would hold, worked out beside the repository.

The index and the objects lie in a folder of our own: a dry run, and a commit that is refused
because of a secret, leave nothing behind in the owner's repository.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workflow.deploy.guards import shown
from workflow.git.program import (
    Answer,
    Git,
    each,
    failed_as_a_whole,
    last_line,
    refusal,
)
from workflow.git.repository import Repository
from workflow.git.surroundings import environment

_STATUS = {"A": "added", "D": "deleted", "M": "modified", "T": "modified"}
MOST_LISTED = 500
"""Files in a result; `file_count` counts all."""


@dataclass(frozen=True, slots=True)
class Change:
    """One file of a commit."""

    path: str
    status: str
    """added, modified or deleted."""
    mode: str
    """As git writes it: 100644, 100755, 120000 (a symbolic link); zeros if it is deleted."""
    blob: str
    """The object with its new content; zeros if it is deleted."""
    old_mode: str
    old_blob: str


@dataclass(frozen=True)
class Changes:
    """What a commit holds, or would hold."""

    files: tuple[Change, ...] = ()
    insertions: int = 0
    """Lines; of binary files none are counted."""
    deletions: int = 0

    def outputs(self, prefix: str) -> dict[str, Any]:
        """`prefix`: of the site's paths in the repository."""
        return {
            "files": [
                {"path": shown(one.path.removeprefix(prefix)), "status": one.status}
                for one in self.files[:MOST_LISTED]
            ],
            "file_count": len(self.files),
            "insertions": self.insertions,
            "deletions": self.deletions,
        }


def beside(repository: Repository) -> dict[str, str]:
    """Variables that lead git to an index and to objects of our own."""
    objects = repository.git.scratch / "objects"
    objects.mkdir(exist_ok=True)
    quoted = os.fspath(repository.objects).replace("\\", "\\\\").replace('"', '\\"')
    return {
        "GIT_INDEX_FILE": os.fspath(repository.git.scratch / "index"),
        "GIT_OBJECT_DIRECTORY": os.fspath(objects),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{quoted}"',
    }


def planned(repository: Repository, head: str, paths: Sequence[str]) -> Changes:
    """What a commit of these files as they lie in the work tree would hold.

    Raises TaskFailed `filter_missing`, `filter_failed`, `line_ends`, `unreadable`,
    `changed_meanwhile`.
    """
    git, own = repository.git, beside(repository)
    _refuse_unfiltered(git, paths)
    git.get("read-tree", head, env=own)
    listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
    words = ("update-index", "-z", "--add", "--remove", "--replace", "--stdin")
    answer = git.ask(*words, stdin=listed, env=own)
    if answer.code != 0:
        raise _not_taken(words, answer)
    return compared(git, ("diff-index", "--cached"), head, env=own)


def held(git: Git, parent: str, commit: str) -> Changes:
    """What a commit holds that its parent did not."""
    return compared(git, ("diff-tree", "-r"), parent, commit)


def compared(
    git: Git, words: Sequence[str], *trees: str, env: Mapping[str, str] | None = None
) -> Changes:
    plain = ("--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=none", "-z")
    raw = git.get(*words, "--raw", "--no-abbrev", *plain, *trees, env=env).names
    numbers = git.get(*words, "--numstat", *plain, *trees, env=env).names
    counts = [[int(n) if n != "-" else 0 for n in row.split("\t", 2)[:2]] for row in numbers]
    return Changes(
        tuple(_change(about, path) for about, path in zip(raw[::2], raw[1::2], strict=True)),
        insertions=sum(added for added, _ in counts),
        deletions=sum(deleted for _, deleted in counts),
    )


def _change(about: str, path: str) -> Change:
    old_mode, mode, old_blob, blob, letter = about.removeprefix(":").split(" ")
    return Change(path, _STATUS.get(letter[0], "modified"), mode, blob, old_mode, old_blob)


def _refuse_unfiltered(git: Git, paths: Sequence[str]) -> None:
    """Raises TaskFailed `filter_missing`: git would commit the file itself in the place of what the
    owner wants there, a large file instead of its pointer, a plain one instead of a secret one."""
    present = [path for path in paths if os.path.lexists(git.folder / path)]
    listed = b"".join(os.fsencode(path) + b"\0" for path in present)
    fields = git.get("check-attr", "-z", "--stdin", "filter", stdin=listed).names
    filters: dict[str, str] = {}
    for path, _, value in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
        if value not in ("unspecified", "set", "unset"):
            filters.setdefault(value, path)
    for name, path in filters.items():
        command = git.setting(f"filter.{name}.process") or git.setting(f"filter.{name}.clean")
        if command is not None and _is_there(command):
            continue
        what = "Git LFS (git-lfs)" if name == "lfs" else f"the filter {shown(name)}"
        why = "is not set up" if command is None else "cannot be started"
        fix = "install git-lfs and run `git lfs install`" if name == "lfs" else "set it up"
        raise refusal(
            "filter_missing",
            f"{shown(path)} has to pass through {what}, which {why} for the user of the sweep",
            "escalate",
            f"{fix}, then run the task again",
            category="environment",
        )


def _is_there(command: str) -> bool:
    try:
        program = shlex.split(command)[0]
    except (ValueError, IndexError):
        return True  # more than a word: git and the shell will say
    return shutil.which(os.path.expanduser(program), path=environment()["PATH"]) is not None


def _not_taken(words: tuple[str, ...], answer: Answer) -> Exception:
    said, reason = answer.said, last_line(answer.said)
    if "filter" in said and "failed" in said:
        return refusal(
            "filter_failed",
            f"a filter of the repository failed: {reason}",
            "escalate",
            "see the log; mend the filter, then run the task again",
        )
    if "would be replaced by" in said:
        return refusal(
            "line_ends",
            f"the repository refuses these line ends (core.safecrlf): {reason}",
            "fix",
            "write the file with the line ends that the repository asks for",
        )
    if "Permission denied" in said:
        return refusal(
            "unreadable",
            f"git may not read it: {reason}",
            "escalate",
            "give the user who runs the sweep the right to it",
            category="environment",
        )
    if "No such file" in said or "does not exist" in said or "short read" in said:
        return refusal(
            "changed_meanwhile",
            f"files changed while they were looked at: {reason}",
            "retry",
            "run the task again once nothing writes there",
        )
    return failed_as_a_whole(words, answer.code, said)


def named(changes: Changes, prefix: str) -> str:
    return each(one.path.removeprefix(prefix) for one in changes.files)

"""The owner's index: what is staged there stays staged, but for the paths of a task.

git itself keeps the index through a commit of named paths: it makes the new one beside the old,
under its lock, and gives it up if a hook refuses. Two things it leaves to us:

- It takes only paths that it knows. New ones are announced first (`--intent-to-add`, without any
  content) and taken back if nothing comes of it.
- What a hook adds to such a commit is not in the index afterwards, and would look as if somebody
  had staged the opposite.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from workflow.deploy.guards import shown
from workflow.git.changes import Change
from workflow.git.program import Git, failed_as_a_whole, refusal

_EMPTY = ("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
          "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813")  # fmt: skip
"""The blob without content, which stands for one that is only announced: SHA-1 and SHA-256."""


def entries(git: Git, paths: Sequence[str]) -> dict[str, str]:
    """What the index has of these paths: path -> `mode blob`."""
    if not paths:
        return {}
    # All: `ls-files` takes paths on its command line only, where there is not room for many.
    wanted, found = set(paths), {}
    for row in git.get("ls-files", "--stage", "-z").names:
        about, _, path = row.partition("\t")
        if path in wanted:
            found[path] = about.rpartition(" ")[0]
    return found


def announce(git: Git, paths: Sequence[str]) -> None:
    """Let the index know of new files. Raises TaskFailed `outside_sparse_checkout`, …"""
    if not paths:
        return
    words = ("add", "--intent-to-add", "--pathspec-from-file=-", "--pathspec-file-nul")
    acted = git.act(*words, stdin=literal(paths))
    if acted.code == 0:
        return
    if "sparse" in acted.said:
        raise refusal(
            "outside_sparse_checkout",
            f"{shown(paths[0])} lies outside of the sparse checkout",
            "escalate",
            "widen it (`git sparse-checkout add FOLDER`), then run the task again",
        )
    if "did not match any files" in acted.said:
        raise refusal(
            "changed_meanwhile",
            "files were gone before they could be committed",
            "retry",
            "run the task again once nothing writes there",
        )
    raise failed_as_a_whole(words, acted.code, acted.said)


def put_back(git: Git, before: dict[str, str], paths: Sequence[str]) -> None:
    """Let the index have of these paths what it had before we announced some of them."""
    now = entries(git, paths)
    lines = [
        _entry(path, before.get(path), now.get(path))
        for path in paths
        if now.get(path) != before.get(path) and (path not in now or _is_announced(now[path]))
    ]
    if lines:
        git.act("update-index", "-z", "--index-info", stdin=b"".join(lines))


def follow(
    git: Git, committed: Sequence[Change], planned: Sequence[Change], before: dict[str, str]
) -> None:
    """Let the index have what the commit has, where it has what we (or the commit before) had.

    What a hook has left out of the commit is in the index as it was `before`.
    """
    wanted = {one.path: one for one in planned}
    kept = {one.path for one in committed}
    now = entries(git, [*kept, *wanted])
    lines = []
    for one in committed:
        has, new = now.get(one.path), _new(one)
        ours = {_of(one.old_mode, one.old_blob)}
        if one.path in wanted:
            ours.add(_new(wanted[one.path]))
        if has != new and has in ours:
            lines.append(_entry(one.path, new, has))
    for path, one in wanted.items():
        has = now.get(path)
        if path not in kept and has == _new(one) != before.get(path):
            lines.append(_entry(path, before.get(path), has))
    if lines:
        git.act("update-index", "-z", "--index-info", stdin=b"".join(lines))


def literal(paths: Sequence[str]) -> bytes:
    """As a list of pathspecs, each of which means this very path."""
    return b"".join(b":(literal)" + os.fsencode(path) + b"\0" for path in paths)


def _is_announced(entry: str) -> bool:
    return entry.rpartition(" ")[2] in _EMPTY


def _new(change: Change) -> str | None:
    return None if change.status == "deleted" else f"{change.mode} {change.blob}"


def _of(mode: str, blob: str) -> str | None:
    return None if not mode.strip("0") else f"{mode} {blob}"


def _entry(path: str, entry: str | None, instead_of: str | None) -> bytes:
    gone = "0" * len((instead_of or "").rpartition(" ")[2])
    about = f"0 {gone}" if entry is None else f"{entry} 0"
    return about.encode() + b"\t" + os.fsencode(path) + b"\0"

"""Our commit, put on top of what reached the server before it.

Not `git rebase`: that checks out other people's commits in the work tree and stashes what lies
there. The new tree is made of blobs, beside everything; then one `git read-tree -m -u` brings index
and work tree from our old commit to the new one. It is what `git switch` does: what is staged or
changed in other files is carried along, and if any file that would have to change was changed by
somebody, nothing is done.

A file that both sides have changed is merged line by line, as git merges it, if nothing about it is
special; else it is a conflict.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from workflow.git.changes import Change, held
from workflow.git.commit import Commit
from workflow.git.program import Git, each, failed_as_a_whole, last_line, refusal
from workflow.git.repository import Repository

_REGULAR = ("100644", "100755")


class _Conflict(Exception):
    """Both sides have changed one thing, and nobody but a person can say what is meant."""


@dataclass(frozen=True)
class _Side:
    """What a file became on one side."""

    mode: str
    blob: str


def onto(repository: Repository, commit: Commit, theirs: str, remote: str) -> Commit:
    """Our commit with `theirs` as its parent, checked out; the branch is moved to it.

    `remote` has that branch: for whoever has to go on by hand.

    Raises TaskFailed `push_conflict`, `push_diverged`, `work_tree_in_the_way`, `branch_moved`,
    `signing_failed`, with everything as it was.
    """
    git, by_hand = repository.git, _by_hand(repository, commit, remote)
    if repository.branch() != commit.branch or repository.commit_at(commit.branch) != commit.id:
        raise _diverged(commit, "others have committed on top of it here", by_hand)
    if commit.parent is None or not is_ancestor(git, commit.parent, theirs):
        raise _diverged(commit, "the branch here has commits that are not on the server", by_hand)
    tree = _merged(git, commit, theirs, by_hand)
    new = _committed(git, commit, tree, theirs)
    _check_out(repository, commit, new, by_hand)
    return replace(commit, id=new, parent=theirs, changes=held(git, theirs, new))


def is_ancestor(git: Git, older: str, newer: str) -> bool:
    return git.ask("merge-base", "--is-ancestor", older, newer).code == 0


def _by_hand(repository: Repository, commit: Commit, remote: str) -> str:
    """What a person types who goes on: as it is, from any folder, whatever else lies there changed,
    and whether or not the branch follows one on the server."""
    there = os.fspath(repository.top)
    words = ("git", "-C", there, "pull", "--rebase", "--autostash", remote, commit.branch)
    return f"`{shlex.join(words)}`, resolve what it shows, and push"


def _merged(git: Git, commit: Commit, theirs: str, by_hand: str) -> str:
    """The tree with both sides' changes. Raises TaskFailed `push_conflict`."""
    assert commit.parent is not None
    upstream = {one.path: one for one in held(git, commit.parent, theirs).files}
    lines: list[bytes] = []
    conflicts: list[str] = []
    for one in commit.changes.files:
        git.context.check()
        other = upstream.get(one.path)
        try:
            side = _new(one) if other is None else _both(git, one, other)
            _refuse_in_the_way(one, upstream)
        except _Conflict:
            conflicts.append(one.path)
            continue
        about = f"0 {'0' * len(one.blob)}" if side is None else f"{side.mode} {side.blob} 0"
        lines.append(about.encode() + b"\t" + os.fsencode(one.path) + b"\0")
    if conflicts:
        raise refusal(
            "push_conflict",
            f"{commit.branch} was not pushed: it was changed on the server in the same places: "
            f"{each(conflicts)}",
            "escalate",
            f"the commit is kept here: {by_hand}; or commit to another branch",
        )
    own = {"GIT_INDEX_FILE": os.fspath(git.scratch / "rebased")}
    git.get("read-tree", theirs, env=own)
    git.get("update-index", "-z", "--index-info", stdin=b"".join(lines), env=own)
    return git.get("write-tree", env=own).text


def _new(change: Change) -> _Side | None:
    return None if change.status == "deleted" else _Side(change.mode, change.blob)


def _refuse_in_the_way(one: Change, upstream: dict[str, Change]) -> None:
    """Raises _Conflict if a file of one side has the name of a folder of the other."""
    if one.status == "deleted":
        return
    parts = one.path.split("/")
    above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
    if any(
        other.status != "deleted" and (path in above or path.startswith(f"{one.path}/"))
        for path, other in upstream.items()
    ):
        raise _Conflict


def _both(git: Git, ours: Change, theirs: Change) -> _Side | None:
    """A file that both have changed. Raises _Conflict."""
    mine, other = _new(ours), _new(theirs)
    if mine == other:
        return mine
    if mine is None or other is None or ours.status == "added":
        raise _Conflict
    if not {ours.old_mode, mine.mode, other.mode} <= {*_REGULAR}:
        raise _Conflict
    mode = other.mode if mine.mode == ours.old_mode else mine.mode
    if mine.blob == other.blob:
        return _Side(mode, mine.blob)
    attribute = git.get(
        "check-attr", "-z", "--stdin", "merge", stdin=os.fsencode(ours.path) + b"\0"
    )
    if attribute.names[2] not in ("unspecified", "set"):
        raise _Conflict
    return _Side(mode, _merged_lines(git, mine.blob, ours.old_blob, other.blob))


def _merged_lines(git: Git, ours: str, base: str, theirs: str) -> str:
    files = []
    for name, blob in (("ours", ours), ("base", base), ("theirs", theirs)):
        file = git.scratch / name
        git.ask_into(file, "cat-file", "blob", blob)
        files.append(os.fspath(file))
    out = git.scratch / "merged"
    if git.ask_into(out, "merge-file", "-p", *files).returncode != 0:
        raise _Conflict
    return git.get("hash-object", "-w", "--no-filters", "--stdin", stdin=out.read_bytes()).text


def _committed(git: Git, commit: Commit, tree: str, parent: str) -> str:
    """The same author, time and message; signed if the owner's commits are."""
    fields = ("%an", "%ae", "%ad")
    form = f"--format={'%x00'.join(fields)}%x00"
    who = git.get("log", "-1", "--no-show-signature", "--date=raw", form, commit.id).names
    names = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE")
    message = git.scratch / "message"
    body = ("log", "-1", "--no-show-signature", "--format=%B", "--encoding=UTF-8")
    git.ask_into(message, *body, commit.id)
    signs = ["-S"] if git.setting("commit.gpgsign", "bool") == "true" else []
    words = ("commit-tree", *signs, "-p", parent, "-F", os.fspath(message), tree)
    answer = git.ask(*words, env=dict(zip(names, who, strict=True)))
    if answer.code != 0 and signs:
        raise refusal(
            "signing_failed",
            f"the commit could not be signed again: {last_line(answer.said)}",
            "escalate",
            "is the key there, and unlocked for the user who runs the sweep?",
        )
    if answer.code != 0:
        raise failed_as_a_whole(words, answer.code, answer.said)
    return answer.text


def _check_out(repository: Repository, commit: Commit, new: str, by_hand: str) -> None:
    # The task's deadline does not come between these two.
    repository.git.context.check()
    git, ref = repository.git.unhurried(), f"refs/heads/{commit.branch}"
    # Files first: should we be killed in between, they only look staged, and the next attempt does
    # the rest. The other way round they would look like somebody's wish to undo the server's work.
    _move(git, commit.id, new, by_hand)
    told = f"workflow: {commit.id[:10]} put on top of {commit.branch} as it is on the server"
    words = ("update-ref", "-m", told, ref, new, commit.id)
    acted = git.act(*words)
    if acted.code != 0:
        # To where the branch is now: what somebody has committed meanwhile may have these files.
        _move(git, new, repository.commit_at(commit.branch) or commit.id, by_hand)
        raise refusal(
            "branch_moved",
            f"somebody has committed in {repository.top} at the same moment",
            "retry",
            "run the task again",
        )


def _move(git: Git, old: str, new: str, by_hand: str) -> None:
    words: Sequence[str] = ("read-tree", "-m", "-u", "--no-recurse-submodules", old, new)
    acted = git.act(*words)
    if acted.code != 0:
        raise refusal(
            "work_tree_in_the_way",
            f"the server has newer commits, and files here that they change are changed here too: "
            f"{last_line(acted.said)}",
            "escalate",
            "the commit is kept here and nothing was pushed: commit or put away those changes, "
            f"then {by_hand}",
        )


def _diverged(commit: Commit, why: str, by_hand: str) -> Exception:
    return refusal(
        "push_diverged",
        f"{commit.branch} was not pushed: it has gone on at the server, and the commit cannot "
        f"simply be put on top: {why}",
        "escalate",
        f"the commit is kept here: {by_hand}",
    )

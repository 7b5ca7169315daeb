"""Which branch a task commits to, and how it gets there.

Patterns of `git.branches` are compared with the whole name, segment by segment:

    main            that branch
    claude/*        one segment below claude/: claude/menu, not claude/menu/two
    claude/**       any number of segments below claude/
    release-?       `?` is one character, `*` any part, both of one segment

Capitals count. A branch is only ever entered where that changes no file of the work tree: when it
is made where HEAD is, or already lies there. Else it is somebody's to switch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from workflow.deploy.guards import shown
from workflow.deploy.patterns import matches
from workflow.git.program import Git, failed_as_a_whole, refusal
from workflow.git.repository import Repository
from workflow.layout import CONFIG


@dataclass(frozen=True)
class Branch:
    """The branch to commit to, and what has to be done before."""

    name: str
    head: str
    """The commit at which it is, or will be."""
    leaves: str | None = None
    """The branch that is checked out and has to be left; None: this one is checked out."""
    is_new: bool = False


def is_allowed(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether tasks may commit to a branch of this name."""
    # With a slash before it the pattern means the whole name, not a part of it.
    return any(matches(f"/{pattern}", name) for pattern in patterns)


def refuse_forbidden(git: Git, name: str, patterns: tuple[str, ...]) -> None:
    """Raises TaskFailed `bad_branch_name`, `branch_not_allowed`."""
    checked = git.ask("check-ref-format", f"refs/heads/{name}")
    if checked.code != 0 or name.startswith("-") or name == "HEAD":
        raise refusal(
            "bad_branch_name",
            f"{shown(name)!r} cannot be the name of a branch",
            "fix",
            "use letters, digits, - and /, such as claude/summer-promo",
        )
    if not is_allowed(name, patterns):
        listed = ", ".join(patterns) or "none"
        raise refusal(
            "branch_not_allowed",
            f"tasks may not commit to {name}: {CONFIG} allows {listed}",
            "fix",
            f"name a branch that is allowed, with `create: true` if it is new; the owner can "
            f"widen git.branches in {CONFIG}",
        )


def choose(
    repository: Repository, wanted: str | None, patterns: tuple[str, ...], *, create: bool
) -> Branch:
    """The branch for a commit; nothing is changed yet.

    Raises TaskFailed `detached_head`, `no_commits_yet`, `bad_branch_name`, `branch_not_allowed`,
    `no_such_branch`, `wrong_branch`.
    """
    current = repository.branch()
    name = current if wanted is None else wanted
    refuse_forbidden(repository.git, name, patterns)
    head = repository.head()
    if name == current:
        return Branch(name, head)
    tip = repository.commit_at(name)
    if tip is None and not create:
        raise refusal(
            "no_such_branch",
            f"there is no branch {name} in {repository.top}; {current} is checked out",
            "fix",
            "set `create: true` to make it where HEAD is",
        )
    if tip is None:
        return Branch(name, head, leaves=current, is_new=True)
    if tip != head or not create or _is_elsewhere(repository, name):
        raise _wrong_branch(repository, name, current, same=tip == head and not create)
    return Branch(name, head, leaves=current)


def _is_elsewhere(repository: Repository, name: str) -> bool:
    """Whether another work tree of the repository has the branch checked out."""
    listed = repository.git.get("worktree", "list", "--porcelain").text.split("\n")
    return f"branch refs/heads/{name}" in listed


def _wrong_branch(repository: Repository, name: str, current: str, *, same: bool) -> Exception:
    if same:
        return refusal(
            "wrong_branch",
            f"{current} is checked out in {repository.top}, not {name}",
            "fix",
            f"set `create: true`: {name} is at the same commit, and entering it changes no file",
        )
    return refusal(
        "wrong_branch",
        f"{current} is checked out in {repository.top}, not {name}, which is at another commit "
        "or in another work tree",
        "escalate",
        f"switch there (`git switch {name}`) and run the task again, or commit to a new branch; "
        "tasks do not change the files under somebody's feet",
    )


def enter(repository: Repository, branch: Branch) -> None:
    """Make the branch if it is new, and check it out; no file and no entry of the index changes.

    Raises TaskFailed `branch_name_taken`, `branch_moved`.
    """
    if branch.leaves is None:
        return
    git, ref = repository.git, f"refs/heads/{branch.name}"
    if branch.is_new:
        # The empty old value: only if there is no such branch.
        words = ("update-ref", "-m", "workflow: made for a task", ref, branch.head, "")
        made = git.act(*words)
        if made.code != 0 and re.search(
            r"exists; cannot create|unable to (?:create|write)", made.said
        ):
            raise refusal(
                "branch_name_taken",
                f"{branch.name} cannot be made: a branch has the name of a part of it, or it is "
                "a part of another's",
                "fix",
                "choose another name",
            )
        if made.code != 0:
            raise failed_as_a_whole(words, made.code, made.said)
    if repository.branch() != branch.leaves or repository.head() != branch.head:
        leave(repository, branch, only_made=True)
        raise refusal(
            "branch_moved",
            f"somebody has switched or committed in {repository.top} at this very moment",
            "retry",
            "run the task again",
        )
    told = f"checkout: moving from {branch.leaves} to {branch.name}"
    git.get("symbolic-ref", "-m", told, "HEAD", ref)


def leave(repository: Repository, branch: Branch, *, only_made: bool = False) -> None:
    """Undo `enter`: back to the branch of before, and the new one is gone if it is still empty."""
    if branch.leaves is None:
        return
    git, ref = repository.git, f"refs/heads/{branch.name}"
    if not only_made and git.ask("symbolic-ref", "--quiet", "HEAD").text == ref:
        told = f"checkout: moving from {branch.name} to {branch.leaves}"
        git.ask("symbolic-ref", "-m", told, "HEAD", f"refs/heads/{branch.leaves}")
    if branch.is_new:
        # Only while it is where it was made: git compares and deletes in one step.
        git.ask("update-ref", "-d", ref, branch.head)

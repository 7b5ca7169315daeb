"""Pushes a branch: one ref to one ref, never by force, and again where others were quicker.

    push → refused because the server has more? → fetch → our commit on top → push …

Only what this task has committed is ever put on top of something else; see `rebase`.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from workflow.config import Config
from workflow.git.commit import Commit
from workflow.git.program import Acted, Git, refusal
from workflow.git.rebase import is_ancestor, onto
from workflow.git.refusals import not_pushed
from workflow.git.repository import Repository
from workflow.layout import CONFIG

MOST_ROUNDS = 5
PAUSE = 0.5
"""Seconds before the second round, at most; twice as many before each that follows."""

_RACE = re.compile(
    r"\((?:non-fast-forward|fetch first|stale info|needs force)\)"
    r"|failed to update ref|failed to lock|cannot lock ref|reference already exists"
    r"|incorrect old value|remote ref updated since checkout"
)


@dataclass(frozen=True)
class Pushed:
    """What came of a push."""

    commit: Commit
    """As it is on the server: another one if it had to be put on top of others'."""
    ahead: int | None
    """Commits that the branch has here and not on the server; None if that is not known."""
    behind: int | None


def refuse_unpushable(git: Git, config: Config) -> None:
    """Before anything is committed. Raises TaskFailed `push_not_allowed`, `no_remote`."""
    remote = config.git.remote
    if not config.git.push:
        raise refusal(
            "push_not_allowed",
            f"{CONFIG} lets no task push (git.push: false)",
            "fix",
            "leave `push` out; the owner pushes, or changes that",
            category="configuration",
        )
    if git.setting(f"remote.{remote}.url") is None:
        raise refusal(
            "no_remote",
            f"the repository {git.folder} has no remote {remote}",
            "escalate",
            f"`git remote add {remote} ADDRESS`, or name another as git.remote in {CONFIG}",
        )


def push(
    repository: Repository,
    commit: Commit,
    remote: str,
    moved: Callable[[Commit], None] = lambda _: None,
) -> Pushed:
    """`moved` is told when the commit has been put on top of others'.

    Raises TaskFailed: what `refusals` and `rebase` say, or `push_raced`.
    """
    git, pause = repository.git, PAUSE
    is_new = _tracked(git, remote, commit.branch) is None
    for round_ in range(1, MOST_ROUNDS + 1):
        git.context.check()
        git.context.say(f"pushing {commit.branch} to {remote}")
        acted = _push_once(git, commit, remote)
        if acted.code == 0:
            if is_new:
                _follow(git, remote, commit.branch)
            return _told(git, commit, remote)
        if acted.refused_by is not None or not _RACE.search(acted.said):
            raise not_pushed(acted, f"pushing {commit.branch} to {remote}")
        if round_ < MOST_ROUNDS:
            if round_ > 1:
                time.sleep(random.uniform(pause / 4, pause))
                pause *= 2
            theirs = _fetch(git, commit, remote)
            if theirs is not None and is_ancestor(git, commit.id, theirs):
                return _told(git, commit, remote)  # an earlier attempt's push came through
            if theirs is not None:
                commit = onto(repository, commit, theirs, remote)
                moved(commit)
    raise refusal(
        "push_raced",
        f"others pushed to {commit.branch} {MOST_ROUNDS} times just before us",
        "retry",
        "run the task again when it is quieter; the commit is kept here",
        category="network",
    )


def _push_once(git: Git, commit: Commit, remote: str) -> Acted:
    return git.act(
        "push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no", remote,
        f"{commit.id}:refs/heads/{commit.branch}",
    )  # fmt: skip


def _fetch(git: Git, commit: Commit, remote: str) -> str | None:
    """The branch as it is on the server; None if it has just gone."""
    kept = f"refs/workflow/{commit.id}"
    acted = git.act(
        "fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-prune",
        "--quiet", remote, f"+refs/heads/{commit.branch}:{kept}",
    )  # fmt: skip
    if acted.code != 0:
        if re.search(r"couldn't find remote ref", acted.said, re.IGNORECASE):
            return None
        raise not_pushed(acted, f"fetching {commit.branch} from {remote}")
    theirs = git.get("rev-parse", kept).text
    git.act("update-ref", "-d", kept)
    return theirs


def _tracked(git: Git, remote: str, branch: str) -> str | None:
    """The branch on the server as far as it is known here."""
    answer = git.ask("rev-parse", "--quiet", "--verify", f"refs/remotes/{remote}/{branch}")
    return answer.text if answer.code == 0 else None


def _follow(git: Git, remote: str, branch: str) -> None:
    """Let a branch that is new there be followed here, unless the owner lets it follow another."""
    if git.setting(f"branch.{branch}.remote") is None and _tracked(git, remote, branch):
        git.act("branch", f"--set-upstream-to={remote}/{branch}", branch)


def _told(git: Git, commit: Commit, remote: str) -> Pushed:
    return Pushed(commit, *apart(git, commit.branch, remote))


def apart(git: Git, branch: str, remote: str) -> tuple[int | None, int | None]:
    """How many commits the branch is ahead of the server, and behind, as far as is known here."""
    there = _tracked(git, remote, branch)
    if there is None:
        return None, None
    counted = git.ask("rev-list", "--left-right", "--count", f"refs/heads/{branch}...{there}")
    if counted.code != 0:
        return None, None
    ahead, behind = counted.text.split()
    return int(ahead), int(behind)

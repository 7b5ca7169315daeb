"""Which repository a task commits to, and whether anybody may commit in it just now."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from workflow.config import Config
from workflow.git.program import Git, each, last_line, refusal
from workflow.layout import CONFIG

Which = Literal["site", "exchange"]

_UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase (or `git am`)",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "sequencer": "a series of cherry-picks or reverts",
    "BISECT_LOG": "a bisect",
}
"""What git leaves in its folder while something has been begun and not ended."""
_HEADS = "refs/heads/"


@dataclass(frozen=True)
class Repository:
    """The work tree in which a site (or the exchange) lies, as it was when it was looked at."""

    git: Git
    git_dir: Path
    """Of this work tree: where its index and its HEAD lie."""
    objects: Path
    folder: Path
    """The site's (or the exchange's), a real path inside the work tree."""
    which: Which

    @property
    def top(self) -> Path:
        return self.git.folder

    @property
    def prefix(self) -> str:
        """Of the folder's paths, as the repository knows them: empty, or ending with a slash."""
        inside = os.path.relpath(self.folder, self.top)
        return "" if inside == os.curdir else f"{inside}/"

    def head(self) -> str:
        """The commit that is checked out. Raises TaskFailed `no_commits_yet`."""
        answer = self.git.ask("rev-parse", "--quiet", "--verify", "HEAD^{commit}")
        if answer.code != 0:
            raise refusal(
                "no_commits_yet",
                f"the repository {self.top} has no commit yet",
                "escalate",
                "a person makes the first one, on the branch that the others start from",
            )
        return answer.text

    def branch(self) -> str:
        """The branch that is checked out. Raises TaskFailed `detached_head`."""
        answer = self.git.ask("symbolic-ref", "--quiet", "HEAD")
        if answer.code != 0 or not answer.text.startswith(_HEADS):
            raise refusal(
                "detached_head",
                f"no branch is checked out in {self.top}: a commit there would belong to none",
                "escalate",
                "check a branch out (`git switch BRANCH`), then run the task again",
            )
        return answer.text.removeprefix(_HEADS)

    def commit_at(self, branch: str) -> str | None:
        """The tip of a branch; None if there is no such branch."""
        name = f"{_HEADS}{branch}^{{commit}}"
        answer = self.git.ask("rev-parse", "--quiet", "--verify", name)
        return answer.text if answer.code == 0 else None


def folder_of(which: Which, site_path: str | None, config: Config) -> Path:
    """The site's folder, or that of workflow.yaml, as a real path. Raises WorkflowError."""
    if which == "exchange":
        return Path(os.path.realpath(config.root))
    _, site = config.site(site_path)
    return Path(os.path.realpath(config.path(site.path)))


def work_tree_of(folder: Path) -> Path:
    """The nearest folder with a `.git`, by the look of it: what two tasks must not share."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def locate(git: Git, folder: Path, which: Which) -> Repository:
    """The repository in which `folder` lies.

    Raises TaskFailed `site_not_found`, `no_repository`, `repository_not_yours`, `bare_repository`,
    `repository_unusable`.
    """
    if not folder.is_dir():
        raise refusal(
            "site_not_found",
            f"{folder} is no folder",
            "escalate",
            f"correct the site's path in {CONFIG}, or put the site there",
            category="environment",
        )
    here = git.at(folder)
    answer = here.ask(
        "rev-parse", "--is-bare-repository", "--absolute-git-dir", "--git-path", "objects"
    )
    if answer.code != 0:
        raise _not_found(folder, answer.said)
    bare, git_dir, objects = answer.text.split("\n")[:3]
    top = here.ask("rev-parse", "--show-toplevel")
    if bare == "true" or top.code != 0:
        raise refusal(
            "bare_repository",
            f"{folder} lies in a repository without a work tree, where nothing can be committed",
            "escalate",
            "clone it, and name the clone",
        )
    real = os.path.realpath(top.text)
    return Repository(
        git=replace(git, folder=Path(real)),
        git_dir=Path(git_dir),
        objects=Path(os.path.realpath(folder / objects)),
        folder=folder,
        which=which,
    )


def _not_found(folder: Path, said: str) -> Exception:
    if "dubious ownership" in said or "unsafe repository" in said:
        return refusal(
            "repository_not_yours",
            f"the repository of {folder} belongs to another user, so that git leaves it alone",
            "escalate",
            "run the sweep as its owner; or, if you trust all that is in it, its hooks too: "
            f"`git config --global --add safe.directory {work_tree_of(folder)}`",
        )
    if "not a git repository" in said:
        return refusal(
            "no_repository",
            f"{folder} lies in no git repository",
            "escalate",
            "make one there (`git init`, and a first commit), or leave git-commit out",
        )
    return refusal(
        "repository_unusable",
        f"git cannot read the repository of {folder}: {last_line(said)}",
        "escalate",
        "mend what git says, then run the task again",
    )


def refuse_unready(repository: Repository) -> None:
    """Raises TaskFailed `operation_in_progress` or `unmerged_paths`: somebody is in the midst of
    something there, and a commit would become part of it."""
    for name, what in _UNDER_WAY.items():
        if (repository.git_dir / name).exists():
            raise refusal(
                "operation_in_progress",
                f"{what} is under way in {repository.top}",
                "escalate",
                "finish it or abort it, as `git status` there says; then run the task again",
            )
    fields = repository.git.get("ls-files", "--unmerged", "-z").names
    unmerged = {field.partition("\t")[2] for field in fields}
    if unmerged:
        raise refusal(
            "unmerged_paths",
            f"there are conflicts that nobody has resolved: {each(unmerged)}",
            "escalate",
            "resolve them and commit that; then run the task again",
        )


def refuse_nameless(git: Git) -> None:
    """Raises TaskFailed `no_identity`: a commit must say whose it is, and git would guess."""
    for who in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        answer = git.ask("var", who)
        if answer.code != 0:
            raise refusal(
                "no_identity",
                "git does not know in whose name to commit: user.name or user.email is not set",
                "escalate",
                "for the user who runs the sweep: `git config --global user.name NAME` and "
                "`git config --global user.email ADDRESS`",
                category="environment",
            )

"""The commit itself: `git commit --only`, with the owner's hooks and signature.

Never forced, never amended, never `--no-verify`. Until git has moved the branch everything can be
put back, and is; once it has, the commit stays, and what is wrong with it is told instead.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from workflow.errors import TaskFailed
from workflow.git import branches, index
from workflow.git import message as messages
from workflow.git.branches import Branch
from workflow.git.changes import Changes, held
from workflow.git.program import Acted, Git, each, excerpt, failed_as_a_whole, last_line, refusal
from workflow.git.repository import Repository
from workflow.git.secrets import refuse_secrets


@dataclass(frozen=True)
class Commit:
    """A commit of this task on a branch."""

    id: str
    parent: str | None
    branch: str
    changes: Changes
    warnings: tuple[str, ...] = ()


def find(repository: Repository, task_id: str, wanted: str | None) -> Commit | None:
    """The commit that an earlier attempt of this very task has made, on whichever branch."""
    git = repository.git
    grep = ("-E", f"--grep={messages.pattern(task_id)}")
    commit = git.ask("log", "-1", "--branches", "--no-show-signature", "--format=%H", *grep).text
    if not commit:
        return None
    on = git.get(
        "for-each-ref", f"--contains={commit}", "--format=%(refname:lstrip=2)", "refs/heads"
    ).text.split("\n")
    current = git.ask("symbolic-ref", "--quiet", "--short", "HEAD").text
    branch = next((name for name in (wanted, current) if name in on), on[0])
    return _read(git, commit, branch or on[0])


def make(
    repository: Repository,
    branch: Branch,
    planned: Changes,
    unknown: Sequence[str],
    named: Sequence[str],
    text: str,
    allowed_secrets: tuple[str, ...],
    task_id: str,
) -> Commit | None:
    """Commit what was planned. None if in the meantime there was nothing left to commit.

    Raises TaskFailed `hook_refused`, `hook_broken`, `signing_failed`, `branch_moved`,
    `index_locked`, …, with branch and index as before; `hook_added_files` and `secret_in_commit` of
    a commit that a hook has changed, and that is there.
    """
    git = repository.git
    paths = [one.path for one in planned.files]
    before = index.entries(git, paths)
    try:
        branches.enter(repository, branch)
        index.announce(git, unknown)
        made = _commit(repository, branch, paths, text)
    except TaskFailed as failure:
        _undo(repository, branch, before, paths)
        # A post-commit hook that hangs: its commit is there all the same.
        failure.outputs.update(_so_far(repository, task_id, branch))
        raise
    except BaseException:
        _undo(repository, branch, before, paths)
        raise
    if not made:
        _undo(repository, branch, before, paths)
        return None
    commit = find(repository, task_id, branch.name) or _read(
        git, repository.head(), branch.name, "a hook took the trailer out of the message, so that "
        "another attempt could not find this commit",
    )  # fmt: skip
    try:
        index.follow(git, commit.changes.files, planned.files, before)
    except TaskFailed as failure:
        git.context.say(f"the index could not follow what a hook changed: {failure.error.message}")
    return _examined(repository, commit, planned, named, allowed_secrets)


def _commit(repository: Repository, branch: Branch, paths: Sequence[str], text: str) -> bool:
    """Whether there was something to commit."""
    git = repository.git
    file = git.scratch / "message"
    file.write_text(text, encoding="utf-8")
    words = (
        "commit", "--only", f"--file={file}", "--cleanup=whitespace", "--no-edit",
        "--pathspec-from-file=-", "--pathspec-file-nul",
    )  # fmt: skip
    git.context.check()
    # A file whose place a folder has taken goes by itself when what is in the folder comes.
    listed = [path for path in paths if not _is_folder(repository.top / path)]
    acted = git.act(*words, stdin=index.literal(listed))
    if acted.code == 0:
        return True
    if repository.commit_at(branch.name) != branch.head and acted.refused_by is None:
        raise _moved(repository)
    if acted.refused_by is None and re.search(
        r"(?m)^(?:nothing (?:added )?to commit|no changes added)|did not match any file", acted.said
    ):
        return False
    raise _refused(words, acted, repository)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _undo(
    repository: Repository, branch: Branch, before: dict[str, str], paths: Sequence[str]
) -> None:
    late = replace(repository, git=repository.git.unhurried())
    if late.commit_at(branch.name) not in (None, branch.head):
        return  # the commit was made, by us or by another: nothing of it is undone
    try:
        index.put_back(late.git, before, paths)
    except TaskFailed:
        late.git.context.say("the index is locked: new files stay announced in it, without content")
    branches.leave(late, branch)


def _so_far(repository: Repository, task_id: str, branch: Branch) -> dict[str, object]:
    late = replace(repository, git=repository.git.unhurried())
    made = find(late, task_id, branch.name)
    return told(made, repository.prefix) if made is not None else {}


def _examined(
    repository: Repository,
    commit: Commit,
    planned: Changes,
    named: Sequence[str],
    allowed_secrets: tuple[str, ...],
) -> Commit:
    """What hooks have made of it. Raises TaskFailed `secret_in_commit`, `hook_added_files`."""
    git = repository.git
    before = {one.path: one.blob for one in planned.files}
    other = [one for one in commit.changes.files if before.get(one.path) != one.blob]
    refuse_unmeant(repository, commit, named, allowed_secrets)
    warnings = list(commit.warnings)
    left_out = set(before) - {one.path for one in commit.changes.files}
    if left_out:
        warnings.append(f"a hook left out of the commit: {each(left_out)}")
    if other:
        changed = each(one.path for one in other)
        warnings.append(f"a hook changed files before they were committed: {changed}")
    paths = [one.path for one in commit.changes.files]
    # Not `diff-files`: of an entry that was just set it knows no times, and calls it changed.
    dirty = git.get("diff", "--name-only", "-z", "--no-ext-diff", "--ignore-submodules").names
    after = sorted(set(paths) & set(dirty))
    if after:
        warnings.append(
            f"in the work tree these differ from what was committed, by a hook or by somebody: "
            f"{each(after)}"
        )
    return Commit(commit.id, commit.parent, commit.branch, commit.changes, tuple(warnings))


def refuse_unmeant(
    repository: Repository, commit: Commit, named: Sequence[str], allowed_secrets: tuple[str, ...]
) -> None:
    """Raises TaskFailed `secret_in_commit` or `hook_added_files` for a commit that is there, and
    has what a hook put into it."""
    outputs = told(commit, repository.prefix)
    refuse_secrets(repository.git, commit.changes.files, allowed_secrets, outputs=outputs)
    names = [repository.prefix + name for name in named]
    added = [
        one.path
        for one in commit.changes.files
        if not any(one.path == name or one.path.startswith(f"{name}/") for name in names)
    ]
    if added:
        failure = refusal(
            "hook_added_files",
            f"a hook added to the commit what the task did not name: {each(added)}",
            "escalate",
            "the commit is there and was not pushed: look at it; if all of it is meant, name those "
            "paths in the task too, else `git reset --soft HEAD~1` takes it back",
        )
        failure.outputs.update(outputs)
        raise failure


def told(commit: Commit, prefix: str) -> dict[str, object]:
    """The outputs that a commit has."""
    return {
        "committed": True,
        "commit": commit.id,
        "branch": commit.branch,
        "parent": commit.parent,
        **commit.changes.outputs(prefix),
    }


def _read(git: Git, commit: str, branch: str, *warnings: str) -> Commit:
    parents = git.get("log", "-1", "--no-show-signature", "--format=%P", commit).text.split()
    parent = parents[0] if parents else None
    changes = held(git, parent, commit) if parent else Changes()
    return Commit(commit, parent, branch, changes, warnings)


def _refused(words: tuple[str, ...], acted: Acted, repository: Repository) -> Exception:
    said, reason = acted.said, last_line(acted.said)
    if acted.refused_by is not None and not re.search(r"cannot (?:run|exec)\b", said):
        lines = [line for line in said.splitlines() if line.strip()]
        return refusal(
            "hook_refused",
            f"the {acted.refused_by} hook refused the commit: {lines[-1] if lines else 'no word'}",
            "fix",
            "mend what it says (its whole output is in the log), then run the task again; hooks "
            "are never skipped",
            excerpt=excerpt(said),
        )
    if acted.refused_by is not None or re.search(r"cannot (?:run|exec) .*hook", said):
        return refusal(
            "hook_broken",
            f"the {acted.refused_by or 'commit'} hook cannot be run: {reason}",
            "escalate",
            "mend it (is its interpreter there, for the user of the sweep too?)",
        )
    if re.search(r"failed to write commit object|failed to sign|signingkey", said):
        return refusal(
            "signing_failed",
            f"the commit could not be signed: {reason}",
            "escalate",
            "is the key there, and unlocked for the user who runs the sweep (ssh-agent, "
            "gpg-agent)? Commits are not made unsigned where commit.gpgsign is set",
            excerpt=excerpt(said),
        )
    if "cannot lock ref" in said:
        return _moved(repository)
    return failed_as_a_whole(words, acted.code, said)


def _moved(repository: Repository) -> Exception:
    return refusal(
        "branch_moved",
        f"somebody has committed in {repository.top} at the same moment",
        "retry",
        "run the task again",
    )

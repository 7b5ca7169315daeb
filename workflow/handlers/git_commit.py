"""Commits named paths of a site (or of the exchange) on an allowed branch, and pushes if asked.

    which repository, which branch → what would be committed → is that fit → commit → push

Safe to repeat: the commit names its task in a trailer, by which a second attempt finds it and goes
on from there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from workflow import handler
from workflow.config import Config
from workflow.errors import TaskFailed, WorkflowError
from workflow.git import branches, changes, program, report, secrets
from workflow.git import commit as commits
from workflow.git import push as pushing
from workflow.git.branches import Branch
from workflow.git.changes import Changes
from workflow.git.commit import Commit
from workflow.git.message import LONGEST_SUBJECT, compose, plain, subject
from workflow.git.message import trailers as checked
from workflow.git.paths import changed, well_formed
from workflow.git.repository import (
    Repository,
    Which,
    folder_of,
    locate,
    refuse_nameless,
    refuse_unready,
    work_tree_of,
)
from workflow.handler import Context, Outcome, require_sections
from workflow.redact import redact

__all__ = ["Params", "resources", "run"]

OUTPUTS: Mapping[str, str] = {
    "committed": "boolean: whether this task has made a commit",
    "commit": "string: its whole id; null if there was nothing to commit",
    "branch": "string: that was committed to",
    "parent": "string: id of the commit before it; null if nothing was committed",
    "files": "array: of {path, status}, status being added, modified or deleted; 500 at most",
    "file_count": "integer: files in the commit",
    "insertions": "integer: lines that it adds",
    "deletions": "integer: lines that it takes out",
    "pushed": "boolean: whether the server has the branch as it is here",
    "remote": "string: name of the remote; null if no push was asked for",
    "ahead": "integer: commits that the server has not; null if it is not known",
    "behind": "integer: commits that only the server has; null if it is not known",
    "warnings": "array: what a person may want to know",
    "dry_run": "boolean: whether it was only tried",
}
EXAMPLE: tuple[str, ...] = (
    "--set", "paths=content/posts", "--set", "message=New posts",
    "--set", "branch=claude/new-posts", "--set", "create=true",
)  # fmt: skip


def _listed(written: Any) -> Any:
    """One path alone is a list of one."""
    return [written] if isinstance(written, str) else written


NamedPath = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(well_formed)]


class Params(handler.Params):
    site_path: str | None = Field(
        default=None, description="a site of workflow.yaml, by name or path; default: the first one"
    )
    repository: Which = Field(
        default="site", description="site: the one the site lies in; exchange: workflow.yaml's"
    )
    paths: Annotated[tuple[NamedPath, ...], BeforeValidator(_listed)] = Field(
        min_length=1, max_length=200, description="files and folders, relative to the site's folder"
    )
    message: Annotated[str, AfterValidator(subject)] = Field(
        max_length=500, description="the subject: one line, 72 characters or fewer"
    )
    body: Annotated[str, AfterValidator(lambda text: plain(text, lines=True))] = Field(
        default="", max_length=20_000, description="what else there is to say, in paragraphs"
    )
    trailers: Annotated[
        dict[str, Annotated[str, Field(max_length=500)]], AfterValidator(checked)
    ] = Field(
        default={}, max_length=20, description="name: value; Workflow-Task is added to every commit"
    )
    branch: str | None = Field(
        default=None, min_length=1, max_length=200, description="default: the one checked out"
    )
    create: bool = Field(default=False, description="make the branch where HEAD is, if it is new")
    push: bool = Field(default=False, description="push the branch afterwards, never by force")
    dry_run: bool = Field(default=False, description="tell what would be committed; change nothing")

    @model_validator(mode="after")
    def _create_names_a_branch(self) -> Params:
        if self.create and self.branch is None:
            raise ValueError("`create` needs the name of the `branch` to make")
        return self


def resources(params: Params, config: Config) -> Sequence[str]:
    """The work tree, and the site: hooks may change its files while they look at what is staged."""
    try:
        folder = folder_of(params.repository, params.site_path, config)
    except WorkflowError:
        return ()  # `run` says what is wrong
    names = [f"git:{os.path.realpath(work_tree_of(folder))}"]
    return (*names, os.fspath(folder)) if params.repository == "site" else tuple(names)


def run(context: Context) -> Outcome:
    params: Params = context.params
    require_sections(context.config, "git")
    folder = folder_of(params.repository, params.site_path, context.config)
    with program.scratch_folder(context) as scratch:
        git = program.find(context, folder, scratch)
        place = locate(git, folder, params.repository)
        return _run(context, params, place)


def _run(context: Context, params: Params, place: Repository) -> Outcome:
    settings = context.config.git
    if params.push:
        pushing.refuse_unpushable(place.git, context.config)
    earlier = commits.find(place, context.task_id, params.branch)
    if earlier is not None:
        if params.push:
            branches.refuse_forbidden(place.git, earlier.branch, settings.branches)
        context.say(f"an earlier attempt has committed {earlier.id[:10]}")
        commits.refuse_unmeant(place, earlier, params.paths, settings.allow_secrets)
        return _published(context, place, earlier)
    refuse_unready(place)
    branch = branches.choose(place, params.branch, settings.branches, create=params.create)
    found = changed(place, params.paths)
    plan = changes.planned(place, branch.head, found.paths)
    if not plan.files:
        return _nothing(context, place, branch)
    _refuse_secret_message(params)
    allowed = settings.allow_secrets
    secrets.refuse_secrets(place.git, plan.files, allowed, env=changes.beside(place))
    refuse_nameless(place.git)
    if params.dry_run:
        return _rehearsed(params, place, branch, plan)
    context.say(f"committing {changes.named(plan, place.prefix)} on {branch.name}")
    text = compose(params.message, params.body, params.trailers, context.task_id)
    made = commits.make(
        place, branch, plan, found.unknown, params.paths, text, allowed, context.task_id
    )
    if made is None:
        return _nothing(context, place, branch)
    return _published(context, place, made)


def _published(context: Context, place: Repository, commit: Commit) -> Outcome:
    """The commit is there: note it, and push it if that is asked for."""
    params: Params = context.params
    remote = context.config.git.remote
    outputs = _outputs(params, remote, commits.told(commit, place.prefix), commit.warnings)
    context.record(outputs)
    if not params.push:
        ahead, behind = pushing.apart(place.git, commit.branch, remote)
        outputs.update(ahead=ahead, behind=behind)
    else:

        def moved(now: Commit) -> None:
            outputs.update(commits.told(now, place.prefix))
            context.record(outputs)

        pushed = _pushed(place, commit, remote, moved, outputs)
        commit = pushed.commit
        outputs.update(pushed=True, ahead=pushed.ahead, behind=pushed.behind)
    count = len(commit.changes.files)
    what = f"{count:,} file{'' if count == 1 else 's'}"
    pushed_to = f" and pushed it to {remote}" if params.push else ""
    return Outcome(
        outputs=outputs,
        verdict=f"Committed {what} on {commit.branch} ({commit.id[:7]}){pushed_to}: "
        f"{report.title(params.message)}",
        summary=report.listing(outputs),
        statistics=report.statistics(commit.changes),
        next_steps=_next_steps(params, commit, place),
    )


def _pushed(
    place: Repository, commit: Commit, remote: str, moved: Any, outputs: dict[str, Any]
) -> pushing.Pushed:
    """Pushes; a failure has the outputs of the commit, which is kept."""
    try:
        return pushing.push(place, commit, remote, moved)
    except TaskFailed as failure:
        kept = f"The commit {outputs['commit']} is kept on {commit.branch}; it was not pushed."
        raise TaskFailed(
            failure.error,
            outputs={**outputs, **failure.outputs},
            status=failure.status,
            summary=kept if outputs["committed"] else "",
        ) from failure.__cause__


def _nothing(context: Context, place: Repository, branch: Branch) -> Outcome:
    """All that is named is as it was committed last."""
    params: Params = context.params
    remote = context.config.git.remote
    none = {"committed": False, "commit": None, "branch": branch.name, "parent": None}
    told = {**none, **Changes().outputs(place.prefix)}
    outputs = _outputs(params, remote, told, ())
    verdict = (
        f"Nothing to commit on {branch.name}: {report.some(params.paths)} as in the last commit"
    )
    if params.push and not params.dry_run and branch.leaves is None:
        tip = Commit(branch.head, None, branch.name, Changes())
        pushed = _pushed(place, tip, remote, lambda _: None, outputs)
        outputs.update(pushed=True, ahead=pushed.ahead, behind=pushed.behind)
        verdict += f"; {remote} has the branch as it is here"
    elif branch.leaves is None:
        ahead, behind = pushing.apart(place.git, branch.name, remote)
        outputs.update(ahead=ahead, behind=behind)
    return Outcome(outputs=outputs, verdict=f"{verdict}.", rehearsal=params.dry_run)


def _rehearsed(params: Params, place: Repository, branch: Branch, plan: Changes) -> Outcome:
    told = {
        "committed": False,
        "commit": None,
        "branch": branch.name,
        "parent": branch.head,
        **plan.outputs(place.prefix),
    }
    outputs = _outputs(params, None, told, ())
    made = ", a new branch" if branch.is_new else ""
    return Outcome(
        outputs=outputs,
        verdict=f"Dry run: {changes.named(plan, place.prefix)} would be committed on "
        f"{branch.name}{made}. Nothing was changed.",
        summary=report.listing(outputs),
        statistics=report.statistics(plan),
        rehearsal=True,
    )


def _outputs(
    params: Params, remote: str | None, told: Mapping[str, Any], warnings: Sequence[str]
) -> dict[str, Any]:
    said = list(warnings)
    if len(params.message) > LONGEST_SUBJECT:
        said.append(
            f"the subject has {len(params.message)} characters: many places show the first "
            f"{LONGEST_SUBJECT} only"
        )
    return {
        **told,
        "pushed": False,
        "remote": remote if params.push else None,
        "ahead": None,
        "behind": None,
        "warnings": said,
        "dry_run": params.dry_run,
    }


def _refuse_secret_message(params: Params) -> None:
    written = "\n".join((params.message, params.body, *params.trailers.values()))
    if redact(written) != written:
        raise program.refusal(
            "secret_in_commit",
            "the message holds what looks like a secret",
            "fix",
            "take it out: a commit's message is read by everybody who has the repository",
            category="content",
        )


def _next_steps(params: Params, commit: Commit, place: Repository) -> list[str]:
    look = f"Look at it: `git -C {place.top} show {commit.id[:10]}`"
    if params.push:
        return [look, f"Have {commit.branch} reviewed and merged where it was pushed to"]
    return [look]

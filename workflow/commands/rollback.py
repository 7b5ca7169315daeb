"""workflow rollback"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from workflow.cli import Place, command
from workflow.commands import choices
from workflow.commands.wait import sweep_and_wait
from workflow.errors import Exit, TaskFailed, WorkflowError
from workflow.reply import Reply

if TYPE_CHECKING:
    from workflow.deploy.known import Known
    from workflow.deploy.releases import Releases


@command
def run(
    place: Place,
    environment: Annotated[
        str,
        typer.Option(
            "--env", metavar="E", help="staging, production, …", autocompletion=choices.environments
        ),
    ],
    to: Annotated[
        str | None,
        typer.Option(
            metavar="RELEASE",
            help="Which one; default: what was live before, as --list proposes.",
            autocompletion=choices.releases,
        ),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="Show what can be gone back to.")] = False,
    request: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="The person's own words, for the audit trail."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Submit a task that only tells.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option("--wait", metavar="SECONDS", help="Wait for the result.", min=0)
    ] = None,
) -> Reply:
    """Submit a task that publishes an earlier release again; prints its id.

    It is planned, approved and verified like any deploy.

    \b
    workflow rollback --env staging --list
    workflow rollback --env staging
    workflow rollback --env production --to production-0007-3f9a12c4
    """
    from workflow.deploy import known
    from workflow.deploy.releases import Releases
    from workflow.deploy.target import Params, locate
    from workflow.handlers import DEPLOY
    from workflow.submission import Wish, submit

    exchange, config = place.exchange(), place.config()
    try:
        target = locate(Params(environment=environment), config)
        releases = Releases(config.root, environment)
        notes = known.load(config.root, target)
        if listing:
            return _listed(releases, notes, can=target.deploy.strategy == "native")
        if target.deploy.strategy == "script":
            from workflow.deploy.scripted import no_rollback

            raise no_rollback(target)
        release = to or releases.before(notes.live, partial=notes.partial)
        releases.read(release)
    except TaskFailed as failure:
        error = failure.error
        code = Exit.NO_SUCH_TASK if error.code == "no_such_release" else Exit.USAGE
        raise WorkflowError(error.code, error.message, code, hint=error.hint) from failure
    wish = Wish(
        task_type=DEPLOY + environment,
        settings={"release": release, **({"dry_run": "true"} if dry_run else {})},
        description=f"back to {release.removeprefix(f'{environment}-')}",
        request=request,
        priority="high",
        author=place.author,
    )
    task_id = submit(exchange, config, wish)
    data = {"task_id": task_id, "release": release, "path": f"tasks/pending/{task_id}.md"}
    reply = Reply(data=data, text=task_id, notes=[f"Going back to {release}."])
    reply.next = [(f"workflow wait {task_id} --until approval", "see what it is about to do")]
    if dry_run:
        reply.next = [(f"workflow wait {task_id}", "see what it would do")]
    return sweep_and_wait(place, reply, [task_id], seconds)


def _listed(releases: Releases, notes: Known, *, can: bool) -> Reply:
    live = None if notes.partial else notes.live
    kept = [releases.read(release_id) for release_id in reversed(releases.ids())]
    rows = [
        [
            one.release_id,
            "live" if one.release_id == live else "",
            one.published_at,
            f"{len(one.files):,}",
            f"brings back {one.restores}" if one.restores else (one.git_commit or "")[:12],
        ]
        for one in kept
    ]
    data = {
        "environment": releases.environment,
        "live": live,
        "last_verified": notes.live,
        "unfinished": notes.partial,
        "unverified_task": notes.unverified,
        "releases": [
            {
                "release": one.release_id,
                "published_at": one.published_at,
                "files": len(one.files),
                "digest": one.digest,
                "restores": one.restores,
                "verified": one.verified,
                "git_commit": one.git_commit,
                "task_id": one.task_id,
            }
            for one in kept
        ],
    }
    reply = Reply(data=data)
    if rows:
        reply.text = _unfinished(notes)
        reply.table = (("RELEASE", "", "PUBLISHED", "FILES", "FROM"), rows)
        if can:
            reply.next = _ways(releases, notes)
    else:
        reply.text = f"No release of {releases.environment} is kept yet."
    return reply


def _unfinished(notes: Known) -> str:
    """What is live where it is none of the releases; empty where it is one, as far as we know."""
    if not notes.partial:
        return ""
    if notes.unverified is not None:
        return (
            "Newer content is live, unverified: all files were sent by "
            f"{notes.unverified}, and the site was not seen to serve them."
        )
    return "What is live is none of these: a deploy did not end, and parts of it may be live."


def _ways(releases: Releases, notes: Known) -> list[tuple[str, str]]:
    """What `rollback` does if no release is named; else the way forward, if there is one."""
    command = f"workflow rollback --env {releases.environment}"
    try:
        release = releases.before(notes.live, partial=notes.partial)
        return [(f"{command} --to {release}", "go back; without --to it goes there too")]
    except TaskFailed:
        later = releases.besides(notes.live)
        return [] if later is None else [(f"{command} --to {later}", "go forward again")]

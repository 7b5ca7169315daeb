"""workflow publish"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from workflow.cli import Place, command
from workflow.commands import choices
from workflow.errors import WorkflowError
from workflow.reply import Reply

if TYPE_CHECKING:
    from workflow.config import Config
    from workflow.submission import Wish


@command
def run(
    place: Place,
    environment: Annotated[
        str,
        typer.Option(
            "--env", metavar="E", help="staging, production, …", autocompletion=choices.environments
        ),
    ],
    site: Annotated[
        str | None,
        typer.Option(metavar="SITE", help="Which site of workflow.yaml; default: the first one."),
    ] = None,
    description: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A few words; part of the ids.")
    ] = None,
    request: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="The person's own words, for the audit trail."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="K", help="The same key again gives the same tasks again.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--wait", metavar="SECONDS", help="Wait for the result.", min=0)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the task files and write nothing.")
    ] = False,
) -> Reply:
    """Build the site, check it and publish it: submits the chain; prints the one id to wait for.

    A build that fails, or a check that finds something new, keeps it from being published. Where
    the environment asks for an approval, the last task waits for it once the plan is made.

    \b
    workflow publish --env staging --wait 110
    workflow publish --env production --request "DEPLOY TO PRODUCTION"
    """
    from workflow.chains import submit_chain
    from workflow.commands.submit import preview
    from workflow.commands.wait import sweep_and_wait

    exchange, config = place.exchange(), place.config()
    wishes = _wishes(config, environment, site, description, request, key)
    for wish in wishes:
        wish.author = place.author
    if dry_run:
        return preview(place, wishes)
    ids = submit_chain(exchange, config, wishes)
    last = ids[-1]
    reply = Reply(
        data={"task_id": last, "task_ids": ids, "chain": ids[0], "environment": environment},
        text=last,
        notes=[
            f"{task_id} comes first" if task_id == ids[0] else f"then {task_id}"
            for task_id in ids[:-1]
        ],
    )
    reply.next = [(f"workflow wait {last} --until approval", "wait for it, or for its plan")]
    return sweep_and_wait(place, reply, [last], seconds)


def _wishes(
    config: Config,
    environment: str,
    site: str | None,
    description: str | None,
    request: str | None,
    key: str | None,
) -> list[Wish]:
    """Build, check, deploy. Raises WorkflowError for what workflow.yaml does not have."""
    from workflow.handlers import DEPLOY
    from workflow.submission import Wish

    _, configured = config.environment(environment)
    if configured.deploy is None:
        raise WorkflowError(
            "no_deploy_target",
            f"workflow.yaml does not say where {environment} is published",
            hint=f"add environments.{environment}.deploy to it; to build and check only: "
            f"`workflow submit hugo-build --env {environment} --then site-validate`",
        )
    settings = {} if site is None else {"site_path": config.site(site)[0]}
    return [
        Wish(
            task_type=task_type,
            environment=environment,
            settings=settings,
            description=description,
            request=request,
            key=f"{key}/{task_type}" if key else None,
        )
        for task_type in ("hugo-build", "site-validate", DEPLOY + environment)
    ]

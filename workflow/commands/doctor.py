"""workflow doctor"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from workflow.cli import Place, command
from workflow.commands import choices
from workflow.config import Config
from workflow.errors import Exit, WorkflowError
from workflow.reply import Reply


@command
def run(
    place: Place,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended safely.")] = False,
    iam: Annotated[
        bool, typer.Option("--iam", help="Print the IAM policies that deploys need.")
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask neither AWS nor JotForm.")
    ] = False,
    env: Annotated[
        str | None,
        typer.Option(
            "--env",
            metavar="E",
            help="With --iam: of this environment only.",
            autocompletion=choices.environments,
        ),
    ] = None,
) -> Reply:
    """Is everything there that the configuration needs? Exit 2 if something is missing.

    AWS and JotForm are asked, too, whether they let us in; nothing is changed there.

    \b
    workflow doctor
    workflow doctor --fix
    workflow doctor --iam --env staging
    """
    from workflow.doctor.examination import examine, mend

    if iam:
        return _iam(place.config(), env)
    if env is not None:
        raise WorkflowError(
            "usage", "--env is for --iam alone", hint="see `workflow doctor --help`"
        )
    exchange, config = place.exchange(), place.config()
    mended = mend(exchange) if fix else []
    findings = examine(exchange, config, offline=offline)
    reply = Reply(data={"findings": [f.as_dict() for f in findings], "mended": mended})
    reply.table = (
        ("", "SUBJECT", ""),
        [[f.state, f.subject, f.message + (f" -> {f.mend}" if f.mend else "")] for f in findings],
    )
    reply.notes = mended
    failed = [f for f in findings if f.state == "failed"]
    if failed:
        first = failed[0]
        names_it = first.message.startswith(first.subject)
        said = first.message if names_it else f"{first.subject}: {first.message}"
        reply.exit = Exit.USAGE
        reply.error = WorkflowError("not_ready", said, hint=first.mend)
    else:
        reply.next = [("workflow submit hugo-build", "build the site")]
    return reply


def _iam(config: Config, env: str | None) -> Reply:
    """The policies alone on stdout, so that one of them can be stored or pasted as it is."""
    from workflow.deploy.iam import policies

    if env is not None:
        config.environment(env)
    found = [one for one in policies(config) if env in (None, one.environment)]
    if not found:
        whose = "any environment" if env is None else env
        raise WorkflowError(
            "no_deploy_target",
            f"workflow.yaml does not say where {whose} is published to",
            hint="add `deploy:` to the environment, see docs/aws.md",
        )
    shown = [one for one in found if one.document is not None]
    texts = [json.dumps(one.document, indent=2) for one in shown]
    if len(found) > 1:
        texts = [f"# {one.environment}\n{text}" for one, text in zip(shown, texts, strict=True)]
    return Reply(
        data={
            "policies": [
                {"environment": one.environment, "policy": one.document, "notes": list(one.notes)}
                for one in found
            ]
        },
        text="\n".join(texts),
        notes=[f"{one.environment}: {note}" for one in found for note in one.notes],
        whole=True,
    )

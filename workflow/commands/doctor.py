"""workflow doctor"""

from __future__ import annotations

from typing import Annotated

import typer

from workflow.cli import Place, command
from workflow.errors import Exit, WorkflowError
from workflow.reply import Reply


@command
def run(
    place: Place,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended safely.")] = False,
) -> Reply:
    """Is everything there that the configuration needs? Exit 2 if something is missing.

    \b
    workflow doctor
    workflow doctor --fix
    """
    from workflow.doctor import examine, mend

    exchange, config = place.exchange(), place.config()
    mended = mend(exchange) if fix else []
    findings = examine(exchange, config)
    reply = Reply(data={"findings": [f.as_dict() for f in findings], "mended": mended})
    reply.table = (
        ("", "SUBJECT", ""),
        [[f.state, f.subject, f.message + (f" -> {f.mend}" if f.mend else "")] for f in findings],
    )
    reply.notes = mended
    failed = [f for f in findings if f.state == "failed"]
    if failed:
        reply.exit = Exit.USAGE
        reply.error = WorkflowError(
            "not_ready",
            f"{failed[0].subject}: {failed[0].message}",
            hint=failed[0].mend,
        )
    else:
        reply.next = [("workflow submit hugo-build", "build the site")]
    return reply

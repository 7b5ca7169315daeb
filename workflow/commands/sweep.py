"""workflow sweep"""

from __future__ import annotations

from typing import Annotated

import typer

from workflow.cli import Place, command
from workflow.commands import choices
from workflow.reply import Reply
from workflow.sweeping import sweep_once


@command
def run(
    place: Place,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=64, help="Tasks side by side.")
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            "--task", metavar="ID", help="Run this one only.", autocompletion=choices.task_ids
        ),
    ] = None,
) -> Reply:
    """Run everything that can run, then exit. The timer calls this every few seconds.

    Finding another sweep at work it exits 0 at once. Failed tasks are results, not failures of
    the sweep: they do not show in its exit code.

    \b
    workflow sweep
    workflow sweep --jobs 4
    """
    return sweep_once(place.root, jobs=jobs, only=only)

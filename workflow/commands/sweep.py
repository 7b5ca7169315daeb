"""workflow sweep"""

from __future__ import annotations

from typing import Annotated

import typer

from workflow.cli import Place, command
from workflow.commands import choices
from workflow.errors import WorkflowError
from workflow.reply import Reply


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
    sync: Annotated[
        bool, typer.Option("--sync", help="Ask the branch of the other machines too.")
    ] = False,
    environments: Annotated[
        list[str] | None,
        typer.Option(
            "--env",
            metavar="E",
            help="With --sync: leave tasks for other environments to other machines.",
            autocompletion=choices.environments,
        ),
    ] = None,
) -> Reply:
    """Run everything that can run, then exit. The timer calls this every few seconds.

    Finding another sweep at work it exits 0 at once. Failed tasks are results, not failures of
    the sweep: they do not show in its exit code.

    \b
    workflow sweep
    workflow sweep --jobs 4
    workflow sweep --sync
    """
    root = place.root
    if sync and only is None and environments is None:
        from workflow.sync.idle import nothing_new

        if nothing_new(root):
            return Reply(data={"swept": True, "ended": {}, "parked": {}}, notes=["Nothing to do."])
    from workflow.sweeping import sweep_once

    if sync or environments:
        _require_sync(place)
    return sweep_once(root, jobs=jobs, only=only, environments=environments)


def _require_sync(place: Place) -> None:
    config = place.config()
    if config.sync is None and not any(name.startswith("sync") for name in config.broken):
        raise WorkflowError(
            "not_shared",
            "workflow.yaml has no `sync:`, so this exchange is this machine's alone",
            hint="add `sync: {branch: site-tasks}`, as docs/several-machines.md says",
        )

"""workflow demo"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from workflow.cli import Place, command
from workflow.reply import Reply


@command
def run(
    place: Place,
    folder: Annotated[
        str, typer.Argument(metavar="[DIR]", help="Where; made if missing.")
    ] = "workflow-demo",
) -> Reply:
    """Make a small Hugo site, and let tasks bring a landing page from the wish to production.

    It is published to buckets and websites on this machine alone, which end with the demo.

    \b
    workflow demo
    workflow demo /tmp/try-it
    """
    from workflow.demo.place import set_stage
    from workflow.demo.show import Show
    from workflow.demo.story import tell

    root = Path(folder).expanduser().resolve()
    at_a_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    somebody_is_there = at_a_terminal and os.environ.get("CLAUDECODE") != "1"
    with set_stage(root) as stage:
        show = Show(stage, asks=somebody_is_there)
        show.say(
            "A small site, a folder of tasks, and on this machine what stands in for Amazon S3 and "
            "JotForm. Nothing leaves it."
        )
        published = tell(show)
        here = os.path.relpath(root)
        show.say(
            f"Everything lies in {here}: tasks/ and results/ tell what happened, site/ is the "
            "source, site/public/ the built site, bucket-*/ what was published."
        )
        if published:
            show.keep_open()
    program = f"{_program()} --root {here}"
    return Reply(
        data={
            "root": str(root),
            "site": str(stage.site),
            "public": str(stage.site / "public"),
            "published": published,
        },
        notes=[""],
        next=[
            (f"{program} list", "its tasks; all of it is plain files, have a look"),
            (f"{program} rollback --env staging --list", "the releases it could go back to"),
            (f"{_program()} init ~/site-tasks --site PATH", "an exchange for your own site"),
        ],
    )


def _program() -> str:
    """How to call us from here: by name where the shell finds it, else by path."""
    return "workflow" if shutil.which("workflow") else os.path.relpath(sys.argv[0])

"""workflow init"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workflow.cli import Place, command
from workflow.reply import Reply


@command
def run(
    place: Place,
    folder: Annotated[str, typer.Argument(metavar="[DIR]", help="Where; made if missing.")] = ".",
    site: Annotated[
        str | None, typer.Option(metavar="PATH", help="The Hugo site that tasks work on.")
    ] = None,
) -> Reply:
    """Make an exchange: folders, workflow.yaml with comments, templates, the guide for Claude Code.

    Never overwrites: says what it left alone.

    \b
    workflow init ~/site-tasks --site ~/my-hugo-site
    """
    from workflow.initialise import initialise

    root = Path(folder).expanduser().resolve()
    made = initialise(root, Path(site).expanduser() if site else None)
    inside = "" if root == Path.cwd() else f"--root {folder} "
    return Reply(
        data={"root": str(root), "made": made.made, "left_alone": made.left},
        text="\n".join(
            [f"made        {name}" for name in made.made]
            + [f"left alone  {name}" for name in made.left]
        ),
        notes=[f"The exchange is in {root}."],
        warnings=made.notes,
        next=[
            (f"workflow {inside}doctor", "see whether all is there"),
            (f"workflow {inside}submit hugo-build --env dev", "build the site"),
        ],
    )

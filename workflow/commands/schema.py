"""workflow schema"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from workflow.cli import Place, command
from workflow.errors import WorkflowError, nearest
from workflow.reply import Reply
from workflow.schemas import SCHEMAS, schema


@command
def run(
    place: Place,
    name: Annotated[str, typer.Argument(metavar="[task|result|config]", help="Which one.")],
) -> Reply:
    """The JSON Schema (2020-12) of a task's front matter, a result's, or workflow.yaml.

    \b
    workflow schema task
    """
    if name not in SCHEMAS:
        raise WorkflowError(
            "usage",
            f"there is no schema {name!r}",
            hint="there are: " + ", ".join(SCHEMAS),
            did_you_mean=nearest(name, list(SCHEMAS)),
        )
    found = schema(name)
    return Reply(
        data=found,
        text=json.dumps(found, indent=2),
        rest=f"workflow schema {name} --json",
        verbatim=True,
    )

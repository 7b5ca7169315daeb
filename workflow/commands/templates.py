"""workflow templates"""

from __future__ import annotations

from typing import Annotated

import typer

from workflow import templates
from workflow.cli import Place, command
from workflow.commands import choices
from workflow.errors import WorkflowError, nearest
from workflow.handlers import find_type
from workflow.reply import Reply


@command
def run(
    place: Place,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[TYPE]", help="Show this one.", autocompletion=choices.task_types),
    ] = None,
) -> Reply:
    """The templates that tasks are made from: the exchange's own, then the built-in ones.

    \b
    workflow templates
    workflow templates hugo-build
    """
    root = place.root
    names = templates.template_names(root)
    if name is not None:
        template = templates.load_template(root, name)
        if template is None:
            raise WorkflowError(
                "no_such_template",
                f"there is no template {name!r}",
                hint="there are: " + ", ".join(names),
                did_you_mean=nearest(name, names),
            )
        data = {
            "task_type": name,
            "source": template.source,
            "front_matter": dict(template.data),
            "choices": template.choices,
            "body": template.body,
        }
        return Reply(
            data=data, text=template.text, notes=[f"from {template.source}"], verbatim=True
        )
    found = [templates.load_template(root, each) for each in names]
    listed = [
        {
            "task_type": template.task_type,
            "source": template.source,
            "runnable": find_type(template.task_type) is not None,
        }
        for template in found
        if template is not None
    ]
    reply = Reply(data={"templates": listed})
    reply.table = (
        ("TYPE", "SOURCE", ""),
        [
            [
                str(row["task_type"]),
                str(row["source"]),
                "" if row["runnable"] else "of no task type that is known here",
            ]
            for row in listed
        ],
    )
    reply.next = [("workflow templates hugo-build", "see one")]
    return reply

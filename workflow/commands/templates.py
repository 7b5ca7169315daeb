"""workflow templates"""

from __future__ import annotations

from typing import Annotated

import typer

from workflow import templates
from workflow.cli import Place, command
from workflow.commands import choices
from workflow.errors import WorkflowError, nearest
from workflow.handlers import TaskType, all_types, find_type
from workflow.reply import Reply


@command
def run(
    place: Place,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[TYPE]", help="Show this one.", autocompletion=choices.task_types),
    ] = None,
) -> Reply:
    """The templates that tasks are made from: the exchange's own, then ours, then those that
    commands of workflow.yaml and other packages bring.

    \b
    workflow templates
    workflow templates hugo-build
    """
    root, config = place.root, place.config()
    types = all_types(config)
    if name is not None:
        template = _template(name, root, types.get(name))
        if template is None:
            names = sorted({*templates.template_names(root), *types})
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
    reply = Reply()
    listed = []
    for each in sorted({*templates.template_names(root), *types}):
        try:
            template = _template(each, root, types.get(each))
        except WorkflowError as error:  # one that is broken hides no other
            reply.warnings.append(error.message)
            continue
        if template is not None:
            runnable = each in types or find_type(each, config) is not None
            listed.append({"task_type": each, "source": template.source, "runnable": runnable})
    reply.data = {"templates": listed}
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


def _template(name: str, root: str, kind: TaskType | None) -> templates.Template | None:
    return templates.load_template(root, name) if kind is None else kind.template(root)

"""workflow types"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from workflow.cli import Place, command
from workflow.commands import choices
from workflow.errors import WorkflowError
from workflow.handlers import DEPLOY, TaskType, all_types, unknown_type
from workflow.reply import Reply
from workflow.submission import known_type


@command
def run(
    place: Place,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[TYPE]", help="Show its parameters.", autocompletion=choices.task_types
        ),
    ] = None,
) -> Reply:
    """What can be asked for; with a type, its parameters.

    \b
    workflow types
    workflow types hugo-build
    """
    if name is None:
        rows = [_row(kind) for kind in all_types(_environments(place)).values()]
        return Reply(
            data={"types": rows},
            table=(("TYPE", "DOES"), [[row["name"], row["summary"]] for row in rows]),
            next=[("workflow types hugo-build", "its parameters")],
        )
    kind = known_type(name)
    if kind.environment is not None and name not in all_types():
        _require_environment(place, kind.environment)
    parameters = _parameters(kind)
    return Reply(
        data={**_row(kind), "parameters": parameters},
        text=kind.summary,
        table=(
            ("PARAMETER", "TYPE", "DEFAULT", ""),
            [[p["name"], p["type"], p["default"], p["description"]] for p in parameters],
        ),
        next=[(f"workflow submit {name}", "submit one")],
    )


def _require_environment(place: Place, environment: str) -> None:
    """Raise WorkflowError `unknown_type` for the deploy to an environment that is not there."""
    if environment in (known := _environments(place)):
        return
    problem = unknown_type(DEPLOY + environment, known)
    raise WorkflowError(
        "unknown_type",
        f"{problem.message}: no environment is called {environment!r}",
        hint=f"{problem.hint}; an environment of workflow.yaml has a type of its own",
        did_you_mean=problem.did_you_mean,
    )


def _environments(place: Place) -> list[str]:
    """Those of the exchange that we stand in; none elsewhere."""
    try:
        return list(place.config().environments)
    except WorkflowError:
        return []


def _row(kind: TaskType) -> dict[str, Any]:
    return {
        "name": kind.name,
        "summary": kind.summary,
        "safe_to_repeat": kind.safe_to_repeat,
        "publishes": kind.publishes,
        "environment": kind.environment,
    }


def _parameters(kind: TaskType) -> list[dict[str, str]]:
    properties = kind.load().Params.model_json_schema().get("properties", {})
    return [
        {
            "name": name,
            "type": _type(told),
            "default": "" if told.get("default") is None else str(told["default"]),
            "description": told.get("description", ""),
        }
        for name, told in properties.items()
    ]


def _type(told: dict[str, Any]) -> str:
    if "enum" in told:
        return " | ".join(map(str, told["enum"]))
    if "anyOf" in told:
        return " | ".join(_type(one) for one in told["anyOf"] if one.get("type") != "null")
    return str(told.get("type", "any"))

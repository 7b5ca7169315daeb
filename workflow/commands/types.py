"""workflow types"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from workflow.approval import policy_of
from workflow.cli import Place, command
from workflow.commands import choices
from workflow.config import Config
from workflow.errors import WorkflowError
from workflow.handlers import DEPLOY, TaskType, all_types, broken_types, unknown_type
from workflow.reply import Reply, plain_table
from workflow.submission import known_type

_GROUPS = {
    "hugo": "Build and publish",
    "cloudfront": "Build and publish",
    "site": "Check",
    "content": "Content",
    "form": "Forms",
    "git": "Git",
    "noop": "Try out",
}
"""By the first word of a type of ours."""
_DECLARED = "Commands of workflow.yaml"
_PACKAGES = "From other packages"
_OTHERS = "Others"
_ORDER = (*dict.fromkeys(_GROUPS.values()), _OTHERS, _DECLARED, _PACKAGES)


@command
def run(
    place: Place,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[TYPE]", help="Show all of this one.", autocompletion=choices.task_types
        ),
    ] = None,
) -> Reply:
    """What can be asked for; with a type, what it takes and gives, and an example.

    \b
    workflow types
    workflow types hugo-build
    """
    config = _config(place)
    return _all(config) if name is None else _one(name, config)


def _config(place: Place) -> Config | None:
    """Of the exchange that we stand in; None elsewhere, where there are ours and packages'."""
    try:
        return place.config()
    except WorkflowError as error:
        if error.code != "no_exchange":
            raise
        return None


def _all(config: Config | None) -> Reply:
    grouped: dict[str, list[TaskType]] = {heading: [] for heading in _ORDER}
    for kind in all_types(config).values():
        grouped[_group(kind)].append(kind)
    rows = [
        [f"  {kind.name}", kind.summary] if kind else [heading, ""]
        for heading, kinds in grouped.items()
        if kinds
        for kind in (None, *kinds)
    ]
    lines = plain_table(("TYPE", "DOES"), rows)
    return Reply(
        data={"types": [_row(kind) for kinds in grouped.values() for kind in kinds]},
        text=lines,
        warnings=[f"{name} cannot be used: {why}" for name, why in broken_types(config).items()],
        next=[("workflow types hugo-build", "what one takes and gives, with an example")],
    )


def _one(name: str, config: Config | None) -> Reply:
    kind = known_type(name, config)
    if kind.environment is not None and name not in all_types(config):
        _require_environment(kind.environment, config)
    handler = kind.load()
    parameters = _parameters(kind)
    outputs = _outputs(getattr(handler, "OUTPUTS", {}))
    example = shlex.join(["workflow", "submit", name, *getattr(handler, "EXAMPLE", ())])
    facts = [
        f"{kind.summary} ({kind.origin})." if kind.origin != "workflow" else f"{kind.summary}.",
        _repeats(kind),
        _asks(kind, config),
    ]
    sections = ["\n".join(facts)]
    if parameters:
        rows = [[p["name"], p["type"], _default(p), p["description"]] for p in parameters]
        sections.append(plain_table(("PARAMETER", "TYPE", "DEFAULT", ""), rows))
    if outputs:
        rows = [[o["name"], o["type"], o["description"]] for o in outputs]
        sections.append(plain_table(("OUTPUT", "TYPE", ""), rows))
    return Reply(
        data={
            **_row(kind),
            "asks": facts[2],
            "parameters": parameters,
            "outputs": outputs,
            "example": example,
        },
        text="\n\n".join(sections),
        next=[(example, "submit one; --dry-run shows its file and writes nothing")],
        rest=f"workflow types {name} --json",
    )


def _require_environment(environment: str, config: Config | None) -> None:
    """Raise WorkflowError `unknown_type`: the deploy is to an environment that is not there."""
    problem = unknown_type(DEPLOY + environment, config)
    raise WorkflowError(
        "unknown_type",
        f"{problem.message}: no environment is called {environment!r}",
        hint=f"{problem.hint}; an environment of workflow.yaml has a type of its own",
        did_you_mean=problem.did_you_mean,
    )


def _row(kind: TaskType) -> dict[str, Any]:
    return {
        "name": kind.name,
        "group": _group(kind),
        "summary": kind.summary,
        "safe_to_repeat": kind.safe_to_repeat,
        "publishes": kind.publishes,
        "environment": kind.environment,
        "from": kind.origin,
    }


def _group(kind: TaskType) -> str:
    if kind.command is not None:
        return _DECLARED
    return _PACKAGES if kind.package else _GROUPS.get(kind.name.split("-")[0], _OTHERS)


def _repeats(kind: TaskType) -> str:
    if kind.safe_to_repeat:
        return "Safe to repeat: an attempt that was cut off is made again by itself."
    return "Not safe to repeat: an attempt that was cut off ends as `interrupted`."


def _asks(kind: TaskType, config: Config | None) -> str:
    """Who has to agree to a task of this type before it does anything."""
    if not kind.publishes:
        return "Asks for no approval, unless the task says `requires_approval: true`."
    named = [kind.environment] if kind.environment else list(config.environments) if config else []
    known = config.environments if config else {}
    said = [f"{policy_of(name, known.get(name), required=False)} for {name}" for name in named]
    return f"Asks for approval as its environment says: {', '.join(said) or 'see workflow.yaml'}."


def _parameters(kind: TaskType) -> list[dict[str, Any]]:
    """What a task may say, in the order of the handler's own."""
    schema = kind.load().Params.model_json_schema()
    needed = schema.get("required", ())
    return [
        {
            "name": name,
            "type": _type(told, schema),
            "required": name in needed,
            "default": told.get("default"),
            "description": told.get("description", ""),
        }
        for name, told in schema.get("properties", {}).items()
        if name != "environment" or kind.environment is None
    ]


def _default(parameter: Mapping[str, Any]) -> str:
    if parameter["required"]:
        return "(needed)"
    default = parameter["default"]
    return (
        ""
        if default is None
        else str(default).lower()
        if isinstance(default, bool)
        else (", ".join(map(str, default)) if isinstance(default, list) else str(default))
    )


def _type(told: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """`integer 1..5`, `a | b`, `string /[a-z]+/`: a JSON Schema in few words."""
    if "$ref" in told:
        return _type(schema["$defs"][told["$ref"].rsplit("/", 1)[-1]], schema)
    if "enum" in told or "const" in told:
        return " | ".join(map(str, told.get("enum", [told.get("const")])))
    for several in ("anyOf", "oneOf"):
        if several in told:
            some = [one for one in told[several] if one.get("type") != "null"]
            return " | ".join(
                dict.fromkeys(_type({**_bounds(told), **one}, schema) for one in some)
            )
    kind = str(told.get("format", told.get("type", "any")))
    if kind == "array" and isinstance(told.get("items"), dict) and told["items"]:
        kind = f"list of {_type(told['items'], schema)}"
    low, high = (_figure(told.get(key)) for key in ("minimum", "maximum"))
    if low and high:
        kind += f" {low}..{high}"
    elif low or high:
        kind += f" >={low}" if low else f" <={high}"
    return f"{kind} /{told['pattern']}/" if "pattern" in told else kind


def _bounds(told: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("minimum", "maximum", "pattern", "format")
    return {key: told[key] for key in keys if key in told}


def _figure(number: float | None) -> str:
    return "" if number is None else f"{number:g}" if number < 1_000_000 else str(int(number))


def _outputs(told: Mapping[str, str]) -> list[dict[str, str]]:
    """OUTPUTS of a handler, each `type: what it is`, or its type alone."""
    rows = []
    for name, said in told.items():
        kind, _, description = str(said).partition(":")
        rows.append({"name": name, "type": kind.strip(), "description": description.strip()})
    return rows

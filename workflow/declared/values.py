"""What a task says to a command's parameters: a model that takes that and nothing else."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    create_model,
    model_validator,
)

from workflow import handler
from workflow.config import Command
from workflow.declared.arguments import faults
from workflow.deploy.script_output import compile_patterns
from workflow.settings.commands.faults import several
from workflow.settings.commands.parameter import Parameter

MATCH_SECONDS = 1.0
"""A pattern that needs longer on one value counts as not matching: tasks may be hostile."""

_KINDS: Mapping[str, Any] = {
    "string": StrictStr,
    "integer": StrictInt,
    "number": StrictFloat,
    "boolean": StrictBool,
    "path": StrictStr,
    "date": StrictStr,
}


def model(name: str, command: Command) -> type[handler.Params]:
    """The Params of a command."""
    fields: dict[str, Any] = {}
    for key, parameter in command.parameters.items():
        kind: Any = Annotated[_kind(parameter), AfterValidator(_checked(parameter))]
        default: Any = ... if command.is_needed(key) else None
        if parameter.has_default:
            default = parameter.default if parameter.default is not None else False
        elif default is None:
            kind |= None
        fields[key] = (
            kind,
            Field(
                default=default,
                description=parameter.description or _described(parameter),
                json_schema_extra=_told(parameter),
            ),
        )

    def together(params: handler.Params) -> handler.Params:
        said = {key: value for key, value in params if value is not None}
        several("Params", (((key,), fault) for key, fault in faults(command, said)))
        return params

    made: type[handler.Params] = create_model(
        name,
        __base__=handler.Params,
        __validators__={"together": model_validator(mode="after")(together)},  # type: ignore[dict-item]
        **fields,
    )
    return made


def _kind(parameter: Parameter) -> Any:
    return Literal[parameter.choices] if parameter.type == "choice" else _KINDS[parameter.type]


def _checked(parameter: Parameter) -> Callable[[Any], Any]:
    matches = None if parameter.pattern is None else _matcher(parameter.pattern)

    def checked(value: Any) -> Any:
        fault = parameter.fault(value)
        if fault is None and matches is not None and not matches(value):
            fault = f"must match the pattern {parameter.pattern}"
        if fault:
            raise ValueError(fault)
        return value

    return checked


@functools.lru_cache(maxsize=256)
def _matcher(pattern: str) -> Callable[[str], bool]:
    compiled = compile_patterns({"pattern": pattern})["pattern"]

    def matches(text: str) -> bool:
        try:
            return compiled.fullmatch(text, timeout=MATCH_SECONDS) is not None
        except (TimeoutError, MemoryError):  # a fast machine fills its memory first
            return False

    return matches


def _described(parameter: Parameter) -> str:
    return f"a {parameter.type}" if parameter.type != "integer" else "an integer"


def _told(parameter: Parameter) -> dict[str, Any]:
    """What `workflow types` shows of it, in JSON Schema's words."""
    said: dict[str, Any] = {"minimum": parameter.minimum, "maximum": parameter.maximum}
    if parameter.type == "string":
        said |= {"pattern": parameter.pattern, "maxLength": parameter.max_length}
    if parameter.type in ("path", "date"):
        said["format"] = parameter.type
    return {key: value for key, value in said.items() if value is not None}

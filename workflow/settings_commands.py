"""The owner's own commands: fixed programs of which a task fills named, typed parameters."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from workflow.settings import AnyPath, Strict


class Parameter(Strict):
    """What a task may fill in."""

    type: Literal["string", "integer", "number", "boolean", "choice", "path"] = "string"
    description: str = ""
    default: str | int | float | bool | None = None
    required: bool = False
    choices: tuple[str, ...] = ()
    pattern: str | None = Field(default=None, description="a regular expression for all of it")
    minimum: float | None = None
    maximum: float | None = None


class Command(Strict):
    """A task type of the owner's own."""

    argv: tuple[str, ...] = Field(
        min_length=1, description="program and arguments; {name} is a parameter"
    )
    summary: str = ""
    parameters: dict[str, Parameter] = Field(default={})
    cwd: AnyPath | None = Field(default=None, description="default: the folder of workflow.yaml")
    environment: tuple[str, ...] = Field(default=(), description="variables that it gets")
    timeout_minutes: float = Field(default=10, gt=0, le=1440)
    safe_to_repeat: bool = False

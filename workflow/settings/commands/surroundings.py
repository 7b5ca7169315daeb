"""What surrounds a command: the variables that it gets, and how what it tells is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from workflow.settings import Strict
from workflow.settings.commands.faults import Place, compiled, pattern_fault, several

OutputType = Literal["string", "integer", "number", "boolean", "array", "object"]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Output(Strict):
    """What a command tells: read by its pattern, else from the JSON that it prints."""

    type: OutputType
    description: str = Field(default="", description="one line, for `workflow types`")
    pattern: str | None = Field(
        default=None,
        description="a regular expression for what it prints; its first group is the value, "
        "without a group its matches are counted",
    )

    @model_validator(mode="after")
    def _sound(self) -> Output:
        several("Output", self._faults())
        return self

    def _faults(self) -> Iterator[tuple[Place, str]]:
        if self.pattern is None:
            return
        if fault := pattern_fault(self.pattern):
            yield ("pattern",), fault
        elif self.type in ("array", "object"):
            yield ("pattern",), f"gives text or a number, and no {self.type}"
        elif self.type in ("string", "number") and not compiled(self.pattern).groups:
            yield ("pattern",), f"needs a group, in brackets, for the value of a {self.type}"


class Surroundings(Strict):
    """Variables that a command gets beside PATH, HOME, the language and the time zone."""

    passed: tuple[str, ...] = Field(
        default=(), alias="pass", description="names of ours that it gets, if they are set"
    )
    fixed: dict[str, str] = Field(default={}, alias="set", description="with fixed values")

    @model_validator(mode="after")
    def _sound(self) -> Surroundings:
        several("Surroundings", self._faults())
        return self

    def _faults(self) -> Iterator[tuple[Place, str]]:
        places: list[tuple[Place, str]] = [
            (("pass", number), name) for number, name in enumerate(self.passed)
        ]
        for place, name in [*places, *((("set", name), name) for name in self.fixed)]:
            if not _VARIABLE.fullmatch(name):
                yield place, f"{name!r} is no name of an environment variable"
        for name, value in self.fixed.items():
            from workflow.redact import redact  # takes long to be ready, and few set a variable

            if "\0" in value:
                yield ("set", name), "holds a NUL character, which no variable can"
            elif redact(value, {name: value}) != value:
                yield (
                    ("set", name),
                    "looks like a secret: leave it in the environment, and name it under `pass`",
                )
            elif name in self.passed:
                yield ("set", name), "stands under `pass` too"

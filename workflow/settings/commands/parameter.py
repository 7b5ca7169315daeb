"""A parameter of a command: its type, its bounds, and what is wrong with a value."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, model_validator

from workflow.settings import AnyPath, Strict
from workflow.settings.commands.faults import Place, compiled, pattern_fault, several

ParameterType = Literal["string", "integer", "number", "boolean", "choice", "path", "date"]

_LARGEST = 2**63 - 1
_OF_TYPES: Mapping[str, tuple[str, ...]] = {
    "pattern": ("string",),
    "min_length": ("string",),
    "max_length": ("string",),
    "minimum": ("integer", "number"),
    "maximum": ("integer", "number"),
    "words": ("boolean",),
    "choices": ("choice",),
    "folder": ("path",),
    "must_be": ("path",),
}
"""Keys that say something of some types only."""
LONGEST = 20_000
"""Characters of a value. Linux takes 128 KiB for one argument, in UTF-8."""

Scalar = Annotated[Any, WithJsonSchema({"type": ["string", "integer", "number", "boolean"]})]


def text_fault(text: str) -> str | None:
    """Why no program is given this text as an argument; None if it may be."""
    for sign in text:
        kind = unicodedata.category(sign)
        if kind in ("Cc", "Cs", "Zl", "Zp"):
            return f"holds the control character U+{ord(sign):04X}"
    return None


class Parameter(Strict):
    """What a task may fill in."""

    type: ParameterType = "string"
    description: str = Field(default="", description="one line, for `workflow types`")
    default: Scalar = Field(default=None, description="what counts where a task says nothing")
    example: Scalar = Field(default=None, description="what `workflow types` shows")
    pattern: str | None = Field(default=None, description="a regular expression for all of it")
    min_length: int = Field(default=1, ge=0)
    max_length: int = Field(default=1_000, ge=1, le=LONGEST)
    minimum: float | None = None
    maximum: float | None = None
    words: tuple[str, ...] = Field(
        default=(), description="of a boolean: the arguments that it stands for when it is true"
    )
    choices: tuple[Annotated[str, Field(coerce_numbers_to_str=True, min_length=1)], ...] = ()
    folder: AnyPath | None = Field(
        default=None, description="that a path has to lie in; default: the site's"
    )
    must_be: Literal["there", "file", "folder", "absent"] = "there"

    @model_validator(mode="after")
    def _sound(self) -> Parameter:
        several("Parameter", self._faults())
        return self

    def _faults(self) -> Iterator[tuple[Place, str]]:
        for key, types in _OF_TYPES.items():
            if key in self.model_fields_set and self.type not in types:
                yield (key,), f"is for {' and '.join(types)}, not for {self.type}"
                return
        if self.type == "boolean" and not self.words:
            yield (), "a boolean needs `words`: the arguments that it stands for when it is true"
        if self.type == "choice" and not self.choices:
            yield (), "a choice needs `choices`"
        if any("\0" in word for word in self.words):
            yield ("words",), "hold a NUL character, which no argument can"
        for number, choice in enumerate(self.choices):
            if fault := text_fault(choice):
                yield ("choices", number), fault
        if self.min_length > self.max_length:
            yield ("min_length",), "is more than max_length"
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            yield ("minimum",), "is more than maximum"
        fault = None if self.pattern is None else pattern_fault(self.pattern)
        if fault:
            yield ("pattern",), fault
            return
        for key in ("default", "example"):
            if key in self.model_fields_set and (why := self._own_fault(getattr(self, key))):
                yield (key,), why

    def _own_fault(self, value: Any) -> str | None:
        fault = self.fault(value)
        if fault is None and self.pattern is not None:
            fits = compiled(self.pattern).fullmatch(value)
            return None if fits else f"does not match the pattern {self.pattern}"
        return fault

    def fault(self, value: Any) -> str | None:
        """What is wrong with a value, its pattern aside; None if nothing is."""
        if self.type == "boolean":
            return None if isinstance(value, bool) else "must be true or false"
        if self.type in ("integer", "number"):
            return self._number_fault(value)
        if not isinstance(value, str):
            return "must be text: put it in quotes"
        if self.type == "choice":
            return None if value in self.choices else f"must be one of {', '.join(self.choices)}"
        if self.type == "date":
            return _date_fault(value)
        least, most = (self.min_length, self.max_length) if self.type == "string" else (1, 4_000)
        if not least <= len(value) <= most:
            return f"must have {least} to {most} characters, and has {len(value)}"
        return text_fault(value)

    def _number_fault(self, value: Any) -> str | None:
        whole = self.type == "integer"
        kinds = (int,) if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not isfinite(value):
            return "must be a whole number" if whole else "must be a number"
        if whole and abs(value) > _LARGEST:
            return "is too large a number"
        if self.minimum is not None and value < self.minimum:
            return f"must be at least {figure(self.minimum)}"
        if self.maximum is not None and value > self.maximum:
            return f"must be at most {figure(self.maximum)}"
        return None

    def sample(self) -> Any:
        """A value that would do, to be shown; None if none can be thought of."""
        if self.example is not None:
            return self.example
        low = self.minimum
        if low is None:
            low = 1 if self.maximum is None else min(1, self.maximum)
        text = "example"[: self.max_length].ljust(self.min_length, "e")
        guess = {
            "boolean": True,
            "integer": -int(-low // 1),
            "number": low,
            "choice": next(iter(self.choices), None),
            "date": "2026-01-19",
        }.get(self.type, text)
        return guess if self._own_fault(guess) is None else None

    @property
    def has_default(self) -> bool:
        return self.default is not None or self.type == "boolean"

    @property
    def starts_safely(self) -> bool:
        """Whether no value can begin with a dash of the task's own."""
        positive = self.minimum is not None and self.minimum >= 0
        return self.type in ("choice", "date", "path") or positive


def figure(number: float) -> str:
    """`5`, `0.25`: a number as an argument, and as people write it."""
    if isinstance(number, int) or number.is_integer():
        return str(int(number))
    return format(Decimal(repr(number)), "f")


def _date_fault(text: str) -> str | None:
    try:
        well = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) and date.fromisoformat(text)
    except ValueError:
        well = None
    return None if well else "must be a date: 2026-01-19"

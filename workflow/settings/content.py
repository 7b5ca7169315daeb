"""What workflow.yaml asks of the Markdown that tasks write: front matter, a section at a time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from workflow.settings import Strict

FieldType = Literal["string", "integer", "number", "boolean", "date", "list", "mapping"]

EVERYWHERE = "*"
"""The name that stands for every section."""
_HAS_LENGTH = ("string", "list", "mapping", None)


def whole(pattern: str) -> str:
    """The condition, as `expected_outputs` has them, that all of a text is of this form."""
    return rf"string (matches /\A(?:{pattern})\Z/)"


def _usable(pattern: str) -> str:
    # Needs a library that is slow to load, and so is loaded where there is a pattern only.
    from workflow import expectations

    try:
        expectations.parse({"pattern": whole(pattern)})
    except expectations.InvalidExpectation as error:
        raise ValueError(str(error)) from error
    return pattern


def _section(name: str) -> str:
    if name != EVERYWHERE and (name.strip("/") != name or "//" in name or "*" in name):
        raise ValueError("is a folder below content/ without slashes around it, or '*' for all")
    return name


class FieldRule(Strict):
    """What a key of the front matter has to be."""

    type: FieldType | None = None
    required: bool = False
    choices: tuple[str, ...] = Field(
        default=(), description="the values it may have; of a list, each of its entries"
    )
    pattern: Annotated[str, AfterValidator(_usable)] | None = Field(
        default=None, description="a regular expression for all of it; of a list, of each entry"
    )
    min_length: int | None = Field(default=None, ge=0, description="signs, or entries of a list")
    max_length: int | None = Field(default=None, ge=0, description="signs, or entries of a list")

    @model_validator(mode="after")
    def _says_what_can_be(self) -> FieldRule:
        least, most = self.min_length, self.max_length
        if least is not None and most is not None and least > most:
            raise ValueError("min_length is more than max_length")
        if (least, most) != (None, None) and self.type not in _HAS_LENGTH:
            raise ValueError(f"a {self.type} has no length")
        return self


class Content(Strict):
    """`sections: {posts: {title: {type: string, required: true}}}`; `"*"` is every section.

    A key is a path (`params.hero.title`), a section a folder below content/ (`posts`, `de/blog`),
    whose rules count for the folders below it too.
    """

    sections: dict[Annotated[str, AfterValidator(_section)], dict[str, FieldRule]] = Field(
        default={}
    )

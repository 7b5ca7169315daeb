"""What workflow.yaml asks of the Markdown that tasks write: front matter, a section at a time."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from workflow.settings import Strict

FieldType = Literal["string", "integer", "number", "boolean", "date", "list", "mapping"]


class FieldRule(Strict):
    """What a key of the front matter has to be."""

    type: FieldType | None = None
    required: bool = False
    choices: tuple[str, ...] = Field(default=(), description="the values it may have")
    pattern: str | None = Field(default=None, description="a regular expression for all of it")
    min_length: int | None = Field(default=None, ge=0, description="signs, or entries of a list")
    max_length: int | None = Field(default=None, ge=0, description="signs, or entries of a list")


class Content(Strict):
    """`sections: {posts: {title: {type: string, required: true}}}`; `"*"` is every section.

    A key is a path (`params.hero.title`), a section a folder below content/ (`posts`, `de/blog`).
    """

    sections: dict[str, dict[str, FieldRule]] = Field(default={})

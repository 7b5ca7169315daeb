"""Where values stand in a text, and how a few of its characters are exchanged."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

_LINE_END = re.compile(r"\r?\n|\Z")
_BREAK = re.compile(r"\r\n|\n")


class Place(NamedTuple):
    """A value in a text."""

    kind: Literal["scalar", "list", "table", "alias"]
    start: int
    end: int
    """In characters, as `start`; what follows a value (blanks, a comment) is not part of it."""
    is_flow: bool = False
    """Whether it stands in brackets or braces."""
    style: str = ""
    """How a scalar is written: the sign that it begins with, none for a bare one."""
    entries: tuple[Entry, ...] = ()

    def entry(self, step: str | int) -> Entry | None:
        """That of a key, or of an index."""
        if isinstance(step, int):
            return self.entries[step] if step < len(self.entries) else None
        return next((one for one in self.entries if one.key == step), None)


class Entry(NamedTuple):
    """An entry of a list or a table."""

    key: str | None
    start: int
    """Where its key begins; in a list, where its value does."""
    key_end: int
    value: Place


class Splice(NamedTuple):
    """What is put in the place of some characters of a text."""

    start: int
    end: int
    text: str


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """The text with all of them made; none may overlap another."""
    for start, end, new in sorted(splices, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def line_start(text: str, at: int) -> int:
    """Where the line of this character begins."""
    return text.rfind("\n", 0, at) + 1


def line_end(text: str, at: int) -> int:
    """Where the line of this character ends, before its line break."""
    return _LINE_END.search(text, at).start()  # type: ignore[union-attr]


def next_line(text: str, at: int) -> int:
    """Where the line after that of this character begins, or the text ends."""
    return _LINE_END.search(text, at).end()  # type: ignore[union-attr]


def indentation(text: str, at: int) -> str:
    """The blanks that the line of this character begins with."""
    start = line_start(text, at)
    end = start
    while end < at and text[end] in " \t":
        end += 1
    return text[start:end]


def indented(written: str, indent: str, newline: str) -> str:
    """Lines below the first moved to the right, with these line ends; empty ones stay empty."""
    first, *rest = _BREAK.split(written)
    return newline.join([first, *(indent + line if line else line for line in rest)])

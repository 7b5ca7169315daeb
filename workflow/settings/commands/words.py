"""Arguments as the owner writes them: fixed text, and blanks for parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True)
class Blank:
    """The place of a parameter's value."""

    name: str


def pieces(word: str) -> list[str | Blank]:
    """Fixed text and blanks of an argument. Raises ValueError for a brace that is neither."""
    found: list[str | Blank] = []
    end = 0
    for match in _PIECE.finditer(word):
        found.append(word[end : match.start()])
        end = match.end()
        if match[0] in ("{{", "}}"):
            found.append(match[0][0])
        elif match[1] is None:
            raise ValueError(f"holds a single {match[0]}: write {match[0] * 2} for the sign itself")
        else:
            found.append(Blank(match[1]))
    found.append(word[end:])
    joined: list[str | Blank] = []
    for piece in found:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        elif piece != "":
            joined.append(piece)
    return joined


def blanks(words: Iterable[str]) -> list[str]:
    """The parameters in these arguments, in their order."""
    return [piece.name for word in words for piece in pieces(word) if isinstance(piece, Blank)]


def _argument(written: Any) -> str | tuple[str, ...]:
    group = isinstance(written, (list, tuple))
    words = written if group else [written]
    if not words:
        raise ValueError("an empty group: leave it away")
    for word in words:
        if isinstance(word, bool) or not isinstance(word, (str, int)):
            raise ValueError("must be text (in quotes, if it looks like anything else), or a list")
        if "\0" in str(word):
            raise ValueError("holds a NUL character, which no argument can")
        pieces(str(word))
    texts = tuple(map(str, words))
    return texts if group else texts[0]


Argument = Annotated[
    str | tuple[str, ...],
    PlainValidator(_argument),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]

"""How much a text says: its words, without code, shortcodes, addresses and what is only markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from workflow.validator.content.shortcodes import STAND_IN

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_BY_SIGN = re.compile(
    "[\u3005\u3007\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
"""Han, Hiragana, Katakana, Hangul: counted a sign at a time, as Hugo does (isCJKLanguage)."""
_SHOWN = ("text", "text_special", "image")
_BREAKS = ("softbreak", "hardbreak")
_WORD = re.compile(r"\S*\w\S*")


def count(text: str) -> int:
    """Words of a Markdown text in which shortcodes have been replaced (Source.shortcodes.text)."""
    shown = " ".join(_shown(text))
    signs = len(_BY_SIGN.findall(shown))
    return signs + len(_WORD.findall(_BY_SIGN.sub(" ", shown)))


def _shown(text: str) -> Iterator[str]:
    """What readers see of each paragraph, heading and cell."""
    for token in _parser().parse(text):
        parts = (
            child.content if child.type in _SHOWN else " " if child.type in _BREAKS else ""
            for child in token.children or ()
        )
        yield "".join(parts).replace(STAND_IN, " ")


def open_fence(text: str) -> int | None:
    """The line, from 1, of a block of code that is never closed and takes in all that follows."""
    lines = text.split("\n")
    for token in _parser().parse(text):
        if token.type != "fence" or token.map is None or token.level:
            continue
        first, last = token.map
        closing = lines[last - 1].strip() if last - 1 > first else ""
        if not (closing.startswith(token.markup) and not closing.strip(token.markup[0])):
            return first + 1
    return None


@lru_cache(1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable(["table", "strikethrough"])

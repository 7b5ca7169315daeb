"""Text that somebody else wrote, made harmless for a page: no secrets, no controls, no tricks of
direction.

Task files, file names, logs and findings all come from elsewhere. Escaping for HTML is the page's
own matter (`markup`); here goes what is dangerous as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workflow.result import clean

_TRICKS = re.compile(
    "[\u200b\u200e\u200f\u061c\u2028\u2029\u202a-\u202e\u2060-\u206f\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
"""Characters that nobody sees and that reorder, join or hide others: marks of direction and their
overrides (https://www.unicode.org/reports/tr9/#Explicit_Directional_Embeddings), joiners without
width, tags."""
_HEAPED = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{3})"
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
"""More accents on one letter than any language has; they would draw over the lines around."""


def inert(value: Any) -> Any:
    """`value` of plain types: without secrets, escapes of terminals, controls, and characters that
    deceive the eye. What deceives is shown as �."""
    return _seen(clean(value))


def visible(text: str) -> str:
    """`text` without characters that deceive the eye."""
    if text.isascii():
        return text
    return _TRICKS.sub("�", _HEAPED.sub(r"\1", text))


def _seen(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {visible(str(key)): _seen(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_seen(item) for item in value]
    return value


def listed(value: Any) -> list[Any]:
    """`value` if it is a list; nothing for whatever else stands where one should."""
    return value if isinstance(value, list) else []


def short(value: Any, most: int) -> str:
    """`value` as text on one line, of at most `most` characters; empty for None."""
    if value is None:
        return ""
    text = " ".join(str(value)[: most * 4].split())
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"

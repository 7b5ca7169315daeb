"""Addresses in a block of JSON-LD, and why it cannot be read if it cannot."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_ADDRESS_KEYS = ("url", "@id", "image", "logo", "contentUrl", "sameAs")
# Older pages wrap scripts so that XML parsers do not stumble over them; search engines allow it.
_WRAPPER = re.compile(
    r"\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[)?(.*?)"
    r"(?:(?://\s*)?-->|//\s*\]\]>|/\*\s*\]\]>\s*\*/|\]\]>)?\s*",
    re.DOTALL,
)


def parse(text: str) -> tuple[tuple[str, ...], str | None]:
    """Addresses of the keys that hold some (`url`, `image`, `logo`, …), absolute or from the
    site's root, each once; and the reason why the text is no JSON-LD, or None."""
    wrapped = _WRAPPER.fullmatch(text)
    text = wrapped[1] if wrapped else text
    if not text.strip():
        return (), "it is empty"
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        return (), f"{error.msg} in line {error.lineno}, column {error.colno} of the block"
    except (ValueError, RecursionError):
        return (), "it is nested too deeply, or holds a number that is too long"
    if not isinstance(data, dict | list):
        return (), "it is neither an object nor a list (was it encoded twice?)"
    return tuple(dict.fromkeys(_addresses(data))), None


def _addresses(data: object) -> Iterator[str]:
    todo: list[tuple[str, object]] = [("", data)]
    while todo:
        key, value = todo.pop()
        if isinstance(value, dict):
            todo.extend(reversed(value.items()))
        elif isinstance(value, list):
            todo.extend((key, item) for item in reversed(value))
        elif isinstance(value, str) and key in _ADDRESS_KEYS:
            # An @id with a fragment names a thing (`/#organization`), and no place in a page.
            is_name = key == "@id" and "#" in value
            if value.startswith(("https://", "http://", "/")) and not is_name:
                yield value

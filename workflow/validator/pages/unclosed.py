"""What nothing closes, so that the rest of a page is a part of it and nobody is shown that.

Only text is the content of a comment, of a script and the like (HTML standard, 13.2.5). If one is
never closed it reaches to the end of the file, and there the parser's tree ends with it.
"""

from __future__ import annotations

import html
import re

from workflow.validator.pages import positions

COMMENT = "comment"
ESCAPABLE = frozenset({"textarea", "title"})
"""Elements in which character references are read, and no tags are."""
RAW = frozenset({"script", "style", "xmp", "iframe", "noembed", "noframes", "noscript"}) | ESCAPABLE
"""Elements that hold no others. `noscript` is one where scripts run, as they do in browsers."""
_TAIL = 16
"""Bytes that are compared first. Nearly all pages are known to be fine by these."""

Place = tuple[str, int, int, str]
"""COMMENT or the element's name; line, column and excerpt of its beginning."""


def may_be(raw: bytes, content: str) -> bool:
    """Whether a page may end within a comment or an element that holds this; it costs next to
    nothing."""
    held = content[-4 * _TAIL :].rstrip()[-_TAIL:]
    end = raw[-4 * _TAIL :].rstrip()[-len(held) :] if held else b""
    return bool(held) and (held.encode() == end or not end.isascii())


def place(raw: bytes, name: str, content: str) -> Place | None:
    """Where the last comment or element of a page begins, if nothing closes it.

    `content` is what the parser says it holds. What is closed is followed by what closes it, so
    that the file does not end with just that. A comment at the end that has no tag in it hides
    nothing.
    """
    if name == COMMENT and "<" not in content:
        return None
    if name != COMMENT and raw[:64].lstrip().startswith(b"<?xml"):
        return None  # where `<script/>` is closed, if it is served as what it is
    text = positions.text_of(raw).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    opening = "<!--" if name == COMMENT else rf"<{name}(?=[\s/>])"
    for tag in re.finditer(opening, text, re.IGNORECASE):
        start = tag.end()
        if name != COMMENT:
            start = text.find(">", positions.end_of_tag(text, start)) + 1
        if name in ESCAPABLE:
            is_here = html.unescape(text[start:]).lstrip("\n") == content.lstrip("\n")
        else:
            is_here = len(text) - start == len(content) and text.endswith(content)
        if is_here:
            return (name, *positions.spot(text, tag.start()))
    return None

"""Where in a file's source a finding stands: line, column and the source around it.

The parser's tree knows no positions, and findings are few against the references that are fine. So
the source is read a second time for findings alone, by a tolerant reader of tags that knows enough
of the HTML standard to pass over comments, scripts and the like.
"""

from __future__ import annotations

import bisect
import codecs
import re
from collections.abc import Iterator
from functools import lru_cache
from html import escape
from html.entities import html5
from typing import NamedTuple

from workflow.validator import refresh, srcset

EXCERPT = 120
"""The most characters of an excerpt."""

_SEARCHED = ("style", "content", "text")
"""Attributes that hold an address among other things; `text` is an element's own content."""

# What ends up in no tree: comments, CDATA, the text of scripts and the like; svg and math only
# because their script, style and title are ordinary elements that may close themselves.
_SPECIAL = re.compile(
    r"<(?:!--|!\[CDATA\[|(/?)(script|style|textarea|title|xmp|iframe|noembed|noframes|plaintext"
    r"|template|svg|math)(?=[\s/>]))",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"[\s/]*([^\s/>][^\s/>=]*)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]*)))?")
_REFERENCE = re.compile(r"&(?:#[xX]([0-9a-fA-F]+);?|#([0-9]+);?|([A-Za-z][A-Za-z0-9]*;?))")
_CHARSET = re.compile(rb"<meta[^>]*charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_LINE_ENDS = str.maketrans("", "", "\t\n\r")
_AROUND = "".join(map(chr, range(33)))


class _Source(NamedTuple):
    text: str
    starts: list[int]
    """Where what is no part of the tree begins, in order, …"""
    ends: list[int]
    """… and where each ends."""


def places(
    raw: bytes, element: str | None, attribute: str | None, url: str | None, most: int = 20
) -> list[tuple[int, int, str]]:
    """Where `url` stands in that attribute of that element: (line, column, excerpt) of at most
    `most` places in the source's order; none if it is not there.

    Lines and columns count from 1, columns in characters. Attribute `text` is what stands in the
    element; without an attribute any will do. Without a url it is the element itself (with that
    attribute, if one is named); without an element it is the first occurrence of the url as text.
    """
    source = _source(raw)
    found: list[tuple[int, int, str]] = []
    if element is None:
        at, length = _spelled(source.text, url or "", 0, len(source.text))
        return [_place(source.text, at, at, length)] if length else []
    for start, at, length in _matches(source, element, attribute, url):
        if len(found) == most:
            break
        found.append(_place(source.text, start, at, length))
    return found


def _matches(
    source: _Source, element: str, attribute: str | None, url: str | None
) -> Iterator[tuple[int, int, int]]:
    """(start of the tag, start and length of what is at fault), all as offsets."""
    text = source.text
    for tag in _tags_named(element).finditer(text):
        if _is_hidden(source, tag.start()):
            continue
        if attribute is None and url is None:
            yield tag.start(), tag.start(), tag.end() - tag.start()
            continue
        seen = set()
        at = tag.end()
        while one := _ATTRIBUTE.match(text, at):
            at = one.end()
            name = one[1].lower()
            # Of two attributes of one name the first counts.
            if name in seen or (attribute is not None and name != attribute):
                continue
            seen.add(name)
            if url is None:
                yield tag.start(), one.start(1), one.end() - one.start(1)
                break
            group = one.lastindex or 1
            start, end = one.span(group) if group > 1 else (one.end(1), one.end(1))
            inner = _within(name, text, start, end, url)
            if inner:
                yield tag.start(), *inner
                break
        if attribute == "text" and url:
            close = text.find("</", at)
            if _tags_named("/" + element).match(text, close) is None:
                ending = _tags_named("/" + element).search(text, at)
                close = ending.start() if ending else len(text)
            place, length = _spelled(text, url, at, close)
            if length:
                yield tag.start(), place, length


def _within(name: str, text: str, start: int, end: int, url: str) -> tuple[int, int] | None:
    """Where in an attribute's value (text[start:end]) the url stands; None if it does not."""
    value = _decoded(text[start:end])
    if value.strip(_AROUND).translate(_LINE_ENDS) == url or value == url:
        return start, end - start
    if name.endswith("srcset"):
        is_here = url in srcset.parse(value).urls
    elif name == "content":
        is_here = (refresh.parse(value) or (0, ""))[1].strip(_AROUND) == url
    else:
        is_here = name in _SEARCHED and url in value
    if not is_here or not url:
        return None
    at, length = _spelled(text, url, start, end)
    return (at, length) if length else (start, end - start)


def _spelled(text: str, url: str, start: int, end: int) -> tuple[int, int]:
    """Offset and length of a url as HTML, XML, CSS or JSON may write it; the length is 0 if it is
    not there."""
    if not url:
        return start, 0
    for spelling in dict.fromkeys(
        (
            url,
            escape(url, quote=False),
            escape(url),
            escape(url).replace("+", "&#43;"),
            url.replace("/", "\\/"),
            url.replace("&", "\\u0026"),
        )
    ):
        at = text.find(spelling, start, end)
        if at >= 0:
            return at, len(spelling)
    return start, 0


def _place(text: str, tag: int, at: int, length: int) -> tuple[int, int, str]:
    """Line, column and excerpt, which begins with the tag if what is at fault fits in with it."""
    line_start = text.rfind("\n", 0, at) + 1
    begin = tag if at + length - tag <= EXCERPT else max(tag, at - EXCERPT // 3)
    # Twice as much as is shown, for the blanks that are folded away.
    piece = " ".join(text[begin : begin + 2 * EXCERPT].split())
    if begin > tag:
        piece = "…" + piece
    if len(piece) > EXCERPT:
        piece = piece[: EXCERPT - 1] + "…"
    return text.count("\n", 0, at) + 1, at - line_start + 1, piece


@lru_cache(maxsize=64)
def _tags_named(element: str) -> re.Pattern[str]:
    return re.compile(rf"<{re.escape(element)}(?=[\s/>])", re.IGNORECASE)


def _is_hidden(source: _Source, at: int) -> bool:
    index = bisect.bisect_right(source.starts, at) - 1
    return index >= 0 and at < source.ends[index]


@lru_cache(maxsize=4)
def _source(raw: bytes) -> _Source:
    """The text of a file, and the parts of it that a parser makes no elements of."""
    text = _text(raw)
    source = _Source(text, [], [])
    at = foreign = 0
    while special := _SPECIAL.search(text, at):
        at = special.end()
        name = (special[2] or "").lower()
        if name in ("svg", "math"):
            foreign = max(0, foreign + (-1 if special[1] else 1))
            continue
        if special[1]:
            continue
        if name:
            at = _end_of_tag(text, at)
            if foreign and name != "template":
                continue
            end = _end_of_template(text, at) if name == "template" else _end_of_raw(text, at, name)
        else:
            end = text.find("-->" if special[0] == "<!--" else "]]>", at)
        source.starts.append(at)
        at = end if end >= 0 else len(text)
        source.ends.append(at)
    return source


def _end_of_tag(text: str, at: int) -> int:
    while one := _ATTRIBUTE.match(text, at):
        at = one.end()
    return at


def _end_of_raw(text: str, at: int, name: str) -> int:
    closing = _tags_named("/" + name).search(text, at) if name != "plaintext" else None
    return closing.start() if closing else len(text)


def _end_of_template(text: str, at: int) -> int:
    depth = 1
    for tag in re.compile(r"<(/?)template(?=[\s/>])", re.IGNORECASE).finditer(text, at):
        depth += -1 if tag[1] else 1
        if not depth:
            return tag.start()
    return len(text)


def _decoded(value: str) -> str:
    """An attribute's value with its character references, by the HTML standard: without its `;` a
    name counts only where no letter, digit or `=` follows, so that `?a=1&copy=2` stays."""
    if "&" not in value:
        return value

    def character(one: re.Match[str]) -> str:
        if one[1] or one[2]:
            number = int(one[1], 16) if one[1] else int(one[2])
            return chr(number) if 0 < number < 0x110000 else "\ufffd"
        if one[3] in html5:
            after = value[one.end() : one.end() + 1]
            if one[3].endswith(";") or not (after == "=" or (after.isascii() and after.isalnum())):
                return html5[one[3]]
        return one[0]

    return _REFERENCE.sub(character, value)


def _text(raw: bytes) -> str:
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if raw.startswith(mark):
            return raw[len(mark) :].decode(name, "replace")
    declared = _CHARSET.search(raw, 0, 1024)
    label = declared[1].decode("ascii", "replace").lower() if declared else "utf-8"
    if label in ("iso-8859-1", "latin1", "ascii", "us-ascii"):
        # So the encoding standard: pages that say so mean what Windows means.
        label = "cp1252"
    try:
        return raw.decode("utf-8" if label.startswith("utf-16") else label, "replace")
    except (LookupError, ValueError):
        return raw.decode("utf-8", "replace")

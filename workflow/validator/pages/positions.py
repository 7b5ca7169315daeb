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
from itertools import islice
from typing import NamedTuple

from workflow.validator.pages import refresh, srcset

EXCERPT = 120
"""The most characters of an excerpt."""

_REQUIRED = {("img", "src"): "srcset", ("link", "href"): "imagesrcset"}
"""Addresses whose absence is told like a blank one, and what may stand in for them."""

# What ends up in no tree: comments, the text of scripts and the like. svg and math are here because
# script, style and title are ordinary elements in them.
_SPECIAL = re.compile(
    r"<(?:!--|!\[CDATA\[|(/?)(script|style|textarea|title|xmp|iframe|noembed|noframes|plaintext"
    r"|template|svg|math)(?=[\s/>]))",
    re.IGNORECASE,
)
_SPECIAL_IN_XML = re.compile(r"<(?:!--|!\[CDATA\[()())")
_END_OF_COMMENT = re.compile(r"--!?>")
_TEMPLATE = re.compile(r"<(/?)template(?=[\s/>])", re.IGNORECASE)
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
    element; without an attribute any will do, without an element any that has the attribute, and
    without both it is the first occurrence of the url as text. Without a url it is the element
    itself (those that have the attribute, if one is named and some have it).
    """
    source = _source(raw)
    text = source.text
    found: list[tuple[int, int, str]] = []
    if element or attribute:
        matches = _matches(source, element, attribute, url)
        found = [_place(text, *match) for match in islice(matches, most)]
        if not found and url is None and attribute:
            return places(raw, element, None, None, most) if element else []
    if found or not url or (element and _tags_named(element).search(text)):
        return found
    # A file that is no HTML: members of a manifest and lines of robots.txt are no tags.
    at, length = _spelled(text, url, 0, len(text))
    return [_place(text, text.rfind("\n", 0, at) + 1, at, length)] if length else []


def _matches(
    source: _Source, element: str | None, attribute: str | None, url: str | None
) -> Iterator[tuple[int, int, int]]:
    """(start of the tag, start and length of what is at fault), all as offsets."""
    text = source.text
    end = 0
    for tag in _tags_named(element).finditer(text):
        start = tag.start()
        # What looks like a tag within the one before is part of a value.
        if start < end or _is_hidden(source, start):
            continue
        if url is None and attribute is None:
            yield start, start, tag.end() - start
            continue
        spans, end = _attributes(text, tag.end())
        if attribute == "text":
            close = _closing(text, element or "", end)
            place, length = _spelled(text, url or "", end, close)
            if length:
                yield start, place, length
            continue
        for name, (place, stop) in spans.items():
            if attribute is None or name == attribute:
                inner = (place, stop) if url is None else _within(name, text, place, stop, url)
                if inner:
                    yield start, inner[0], inner[1] - inner[0]
                    break
        else:
            stand_in = _REQUIRED.get((element or "", attribute or ""))
            if url == "" and stand_in and attribute not in spans and stand_in not in spans:
                yield start, start, tag.end() - start


def _attributes(text: str, at: int) -> tuple[dict[str, tuple[int, int]], int]:
    """Where the value of each attribute begins and ends, and where the tag ends; of two attributes
    of one name the first counts."""
    spans: dict[str, tuple[int, int]] = {}
    while one := _ATTRIBUTE.match(text, at):
        at = one.end()
        group = one.lastindex or 1
        spans.setdefault(one[1].lower(), one.span(group) if group > 1 else (at, at))
    return spans, at


def end_of_tag(text: str, at: int) -> int:
    """Where the tag ends whose name ends at `at`: at its `>`, unless the text ends before."""
    return _attributes(text, at)[1]


def spot(text: str, at: int) -> tuple[int, int, str]:
    """Line, column and excerpt of what begins there."""
    return _place(text, at, at, min(EXCERPT, len(text) - at))


def _closing(text: str, element: str, at: int) -> int:
    ending = _tags_named("/" + element).search(text, at)
    return ending.start() if ending else len(text)


def _within(name: str, text: str, start: int, end: int, url: str) -> tuple[int, int] | None:
    """From where to where in an attribute's value (text[start:end]) the url stands, or None."""
    value = _decoded(text[start:end])
    if url in (value, value.strip(_AROUND).translate(_LINE_ENDS)):
        return start, end
    if name.endswith("srcset"):
        is_here = url in srcset.parse(value).urls
    elif name == "content":
        read = refresh.parse(value)
        is_here = read is not None and read[1].strip(_AROUND) == url
        is_here = is_here or " ".join(value.split()) == url
    else:
        is_here = name == "style" and bool(_spelled(value, url, 0, len(value))[1])
    if not is_here or not url:
        return None
    at, length = _spelled(text, url, start, end)
    return (at, at + length) if length else (start, end)


def _spelled(text: str, url: str, start: int, end: int) -> tuple[int, int]:
    """Offset and length of a url as HTML, XML, CSS or JSON may write it, rather by itself than
    within a longer one; the length is 0 if it is not there."""
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
        first = at = text.find(spelling, start, end)
        while at >= 0:
            after = at + len(spelling)
            if not (_in_url(text[max(start, at - 1) : at]) or _in_url(text[after : after + 1])):
                return at, len(spelling)
            at = text.find(spelling, at + 1, end)
        if first >= 0:
            return first, len(spelling)
    return start, 0


def _in_url(sign: str) -> bool:
    return sign.isalnum() or sign in ("/", ".", "-", "_", "%", "#", "?")


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
def _tags_named(element: str | None) -> re.Pattern[str]:
    name = "[a-z][^\\s/>]*" if element is None else re.escape(element)
    return re.compile(rf"<{name}(?=[\s/>])", re.IGNORECASE)


def _is_hidden(source: _Source, at: int) -> bool:
    index = bisect.bisect_right(source.starts, at) - 1
    return index >= 0 and at < source.ends[index]


@lru_cache(maxsize=4)
def _source(raw: bytes) -> _Source:
    """The text of a file, and the parts of it that a parser makes no elements of."""
    text = text_of(raw)
    source = _Source(text, [], [])
    pattern = _SPECIAL_IN_XML if text.lstrip()[:5].lower() == "<?xml" else _SPECIAL
    at = foreign = 0
    while special := pattern.search(text, at):
        at = special.end()
        is_end, name = special[1], (special[2] or "").lower()
        if name in ("svg", "math"):
            _, at = _attributes(text, at)
            is_closed = text[at : text.find(">", at)].strip() == "/"
            foreign = max(0, foreign - 1) if is_end else foreign + (not is_closed)
        elif not (is_end or (foreign and name not in ("", "template"))):
            start, end = _hidden_part(text, special.start(), at, name)
            source.starts.append(start)
            source.ends.append(end)
            at = end
    return source


def _hidden_part(text: str, tag: int, at: int, name: str) -> tuple[int, int]:
    """From where to where a comment (without a name), raw text or a template reaches; `at` is
    behind its opening word."""
    if not name:
        if text.startswith("<!--", tag):
            # `<!-->` is a comment already.
            closing = _END_OF_COMMENT.search(text, tag + 2)
            return at, closing.start() if closing else len(text)
        end = text.find("]]>", at)
        return at, end if end >= 0 else at
    _, at = _attributes(text, at)
    if name == "plaintext":
        return at, len(text)
    if name != "template":
        return at, _closing(text, name, at)
    depth = 1
    for inner in _TEMPLATE.finditer(text, at):
        depth += -1 if inner[1] else 1
        if not depth:
            return at, inner.start()
    return at, len(text)


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


def text_of(raw: bytes) -> str:
    """A file as text, in the encoding that it names."""
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

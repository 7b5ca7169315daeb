"""The headings of a Markdown text, and what stands under each, as Hugo's renderer takes them.

A heading in a code block, a comment, a list or a quotation parts nothing. Neither does one between
`{{< name >}}` and `{{< /name >}}`, which Hugo hands to a template unread; between `{{% name %}}`
and its end there is Markdown (https://gohugo.io/content-management/shortcodes/#notation).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from workflow.validator.content import markdown, shortcodes

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_BREAK = re.compile(r"\r\n|\r|\n")
_ATTRIBUTES = re.compile(r"[ \t]*\{[^{}\n]*\}[ \t]*$")
_ID = re.compile(r"\{(?:[^{}\n]*[ \t])?#([^\s#.{}]+)[^{}\n]*\}[ \t]*$")
_SEEN = frozenset({"text", "code_inline", "text_special", "image"})
_DEFINITIONS = re.compile(
    r"(?:^[ ]{0,3}\[[^\]\r\n]+\]:[^\r\n]*\S[^\r\n]*(?:\r\n|\r|\n|\Z)(?:[ \t]*(?:\r\n|\r|\n))*)+\Z",
    re.MULTILINE,
)


class Heading(NamedTuple):
    """One that parts the text."""

    level: int
    text: str
    """As a reader sees it, without attributes."""
    source: str
    """As it is written, without the signs that make it a heading."""
    id: str
    start: int
    """In characters of the text, as what follows."""
    body: int
    """Where what stands under it begins."""
    end: int
    """Where the next heading of its level or a higher one begins; or the end of a shortcode that
    was opened before it; or the definitions of links that end a text; or the text ends."""


def headings(text: str) -> tuple[Heading, ...]:
    """Those of a text without front matter."""
    pairs, masked = _masked(text)
    starts = [0, *(found.end() for found in _BREAK.finditer(text)), len(text)]
    tokens = _blocks().parse(masked)
    last = _DEFINITIONS.search(text)
    found: list[Heading] = []
    ids: set[str] = set()
    for at, token in enumerate(tokens):
        if token.type != "heading_open" or token.level or token.map is None:
            continue
        first, behind = token.map
        start, body = starts[first], starts[min(behind, len(starts) - 1)]
        inline = tokens[at + 1]
        source = _ATTRIBUTES.sub(
            "", _unmasked(inline.content, text[start:body], masked[start:body])
        )
        shown = _shown(source)
        name = _ID.search(inline.content)
        made = name[1] if name else _numbered(markdown.slug(shown) or "heading", ids)
        ids.add(made)
        end = last.start() if last and last.start() >= body else len(text)
        for opened, closed in pairs:
            if opened < body <= closed < end:
                end = closed
        level = int(token.tag[1:])
        found.append(Heading(level, shown, source.strip(), made, start, body, end))
    return tuple(_ended(found))


def _ended(found: list[Heading]) -> Iterator[Heading]:
    for at, one in enumerate(found):
        following = (next_.start for next_ in found[at + 1 :] if next_.level <= one.level)
        yield one._replace(end=min(one.end, next(following, one.end)))


def _masked(text: str) -> tuple[list[tuple[int, int]], str]:
    """(where it is opened, where it is closed) of each shortcode with both, and the text with a
    sign that means nothing for each sign of a shortcode and of what is not read as Markdown."""
    spans: list[tuple[int, int]] = []
    pairs: list[tuple[int, int]] = []
    opened: list[shortcodes.Shortcode] = []
    for one in shortcodes.read(text, shortcodes.EMBEDDED, are_all_known=False).shortcodes:
        spans.append((one.start, one.end))
        if not one.is_closing:
            if not one.is_closed:
                opened.append(one)
            continue
        at = next((n for n in range(len(opened) - 1, -1, -1) if opened[n].name == one.name), None)
        if at is None:
            continue
        begin = opened[at]
        del opened[at:]
        pairs.append((begin.start, one.start))
        if not begin.is_markdown:
            spans.append((begin.end, one.start))
    parts, at = [], 0
    for start, end in sorted(spans):
        if end > at:
            parts.append(text[at : max(at, start)])
            parts.append(re.sub(r"[^\r\n]", shortcodes.STAND_IN, text[max(at, start) : end]))
            at = end
    return pairs, "".join(parts) + text[at:]


def _unmasked(content: str, written: str, masked: str) -> str:
    """A heading with its shortcodes as they are written; without the lines above it that hold
    nothing else, which Hugo takes into a heading that is underlined."""
    lines, at = [], 0
    for line in content.split("\n"):
        at = max(masked.find(line.strip(), at), at)
        if line.strip(f" \t{shortcodes.STAND_IN}") or "\n" not in content:
            lines.append(written[at : at + len(line.strip())])
        at += len(line.strip())
    return " ".join(lines)


def _shown(source: str) -> str:
    """What a reader sees of it; of a shortcode, how it is written."""
    if "{{" in source:
        return source.strip()
    (inline,) = _parser().parseInline(source)
    return "".join(one.content for one in inline.children or () if one.type in _SEEN).strip()


def _numbered(name: str, taken: set[str]) -> str:
    """GitHub's way: what would be the same is numbered."""
    number, made = 0, name
    while made in taken:
        number += 1
        made = f"{name}-{number}"
    return made


@lru_cache(1)
def _blocks() -> MarkdownIt:
    """Reads no line for what it holds, only where blocks begin and end."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").disable("inline")


@lru_cache(1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("strikethrough")

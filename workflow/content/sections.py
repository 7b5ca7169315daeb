"""What stands under a heading, replaced or made longer."""

from __future__ import annotations

import re

from workflow.content.failure import EditFailed
from workflow.content.headings import Heading, headings
from workflow.content.matter import Matter, read, require_untouched
from workflow.content.places import Splice, spliced
from workflow.content.text_edit import with_newlines
from workflow.errors import nearest

_MARK = re.compile(r"(#{1,6})[ \t]+(?=\S)")
_LEADING = re.compile(r"(?:[ \t]*(?:\r\n|\r|\n))*")
_LINE_BLANK = re.compile(r"[ \t]*(?=[\r\n]|\Z)")


def replace_section(text: str, heading: str, new_body: str) -> str:
    """Puts `new_body` under a heading, in the place of all up to the next heading of its level or a
    higher one. Empty lines around it stay as they are.

    `heading`: its text, its id, or its text with the `##` before it. Definitions of links at the
    end of a text belong to all of it and stay. Raises EditFailed `bad_front_matter`,
    `section_missing`, `section_double`, `edit_unproved`.
    """
    matter = read(text)
    body = text[matter.body :]
    known = headings(body)
    found = _named(known, heading, matter, text)
    old, rest = body[found.body : found.end], body[found.end :]
    new = with_newlines(new_body, matter.newline).strip("\r\n")
    leading = _LEADING.match(old)[0]  # type: ignore[index]
    kept = old[len(leading) :]
    trailing = kept[_last(kept) :]
    if not kept.strip():  # nothing but empty lines, which stay below
        leading, trailing = matter.newline, leading or (matter.newline if rest else "")
        trailing = matter.newline + trailing if trailing else ""
    elif rest and not rest.startswith("#") and trailing.count("\n") < 2:
        trailing = matter.newline * 2  # else its last line would go on below
    if not body[: found.body].endswith(("\n", "\r")):
        leading = matter.newline + leading
    made = f"{leading}{new}{trailing}" if new else (leading if rest else "")
    return _proved(text, matter, known, Splice(found.body, found.end, made), heading)


def append_section(text: str, heading: str | None, addition: str) -> str:
    """Puts `addition` at the end of what stands under a heading, an empty line before it; at the
    end of the text where `heading` is None.

    Raises what `replace_section` raises, and EditFailed `text_empty`.
    """
    matter = read(text)
    body = text[matter.body :]
    begin, end, known = 0, len(body), headings(body)
    if heading is not None:
        found = _named(known, heading, matter, text)
        begin, end = found.body, found.end
    new = with_newlines(addition, matter.newline).strip("\r\n")
    if not new.strip():
        raise EditFailed("text_empty", "there is nothing to append", "give a text")
    at = begin + _last(body[begin:end])
    rest = body[at:end]
    before = body[:at]
    if not before.strip():
        lead = rest if heading is None and rest.strip(" \t") == rest else ""
        rest = rest[len(lead) :]
    elif before.endswith(("\n", "\r")):  # right below its heading
        lead = matter.newline
    else:
        lead = matter.newline * 2
    if end < len(body):
        rest = rest if rest.count("\n") > 1 else matter.newline * 2
    elif not rest and (body.endswith("\n") or not body):
        rest = matter.newline
    made = Splice(at, end, f"{lead}{new}{rest}")
    return _proved(text, matter, known, made, heading or "the text")


def _last(text: str) -> int:
    """The end of its last line that is not empty."""
    seen = len(text.rstrip(" \t\r\n"))
    return _LINE_BLANK.match(text, seen).end() if seen else 0  # type: ignore[union-attr]


def _named(found: tuple[Heading, ...], heading: str, matter: Matter, text: str) -> Heading:
    wanted = heading.strip()
    mark = _MARK.match(wanted)
    level = len(mark[1]) if mark else None
    wanted = wanted[mark.end() :].rstrip("# \t") if mark else wanted
    right = [one for one in found if level in (None, one.level)]
    for matches in (
        [one for one in right if wanted in (one.text, one.source)],
        [one for one in right if wanted.removeprefix("#") == one.id],
        [one for one in right if wanted.casefold() == one.text.casefold()],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            places = ", ".join(
                f"#{one.id} in line {text.count(chr(10), 0, matter.body + one.start) + 1}"
                for one in matches[:10]
            )
            raise EditFailed(
                "section_double",
                f"{len(matches)} headings are called {wanted[:80]!r}: {places}",
                "name the one that is meant by its id",
            )
    names = list(
        dict.fromkeys(f"{'#' * one.level if mark else ''} {one.text}".strip() for one in found)
    )
    near = nearest(heading.strip(), names) or nearest(wanted.lower(), [one.id for one in found])
    hint = f"there are: {', '.join(names)[:300]}" if names else "there are no headings"
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    raise EditFailed("section_missing", f"there is no heading {heading.strip()[:80]!r}", hint)


def _proved(
    text: str, matter: Matter, known: tuple[Heading, ...], splice: Splice, heading: str
) -> str:
    """The text with another piece in its body, if the headings around that are what they were."""
    start, end, new = splice
    made = spliced(text[matter.body :], [splice])
    before = [
        (one.level, one.source, one.start - (end - start if one.start >= end else 0))
        for one in known
        if not start <= one.start < end
    ]
    after = [
        (one.level, one.source, one.start - (len(new) if one.start >= start + len(new) else 0))
        for one in headings(made)
        if not start <= one.start < start + len(new)
    ]
    whole = text[: matter.body] + made
    require_untouched(matter, whole)
    if before != after:
        raise EditFailed(
            "edit_unproved",
            f"with that under {heading[:80]!r} other headings of the text would be taken otherwise",
            "close every code block, comment, HTML element and shortcode that the new text opens",
        )
    return whole

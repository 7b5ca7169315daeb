"""Lists and tables whose entries stand between brackets or braces with commas: JSON throughout,
`[a, b]` of YAML and TOML."""

from __future__ import annotations

import re

from workflow.content.places import Place, Splice, line_end

_BETWEEN = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_COMMENT = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?=\r?\n|\Z)")


def added(text: str, place: Place, written: str) -> Splice:
    """A new entry behind the last one, set off as that is."""
    if not place.entries:
        inner = text[place.start + 1 : place.end - 1]
        if inner.strip():  # a comment
            return Splice(place.end - 1, place.end - 1, f"{written}\n")
        return Splice(place.start + 1, place.end - 1, written)
    last = place.entries[-1]
    gap = _gap(text, last.start)
    if "\n" not in gap and len(place.entries) == 1:
        gap = " "
    comma = _comma(text, last.value.end)
    if comma is None:
        behind = _line_rest(text, last.value.end) if "\n" in gap else last.value.end
        return Splice(last.value.end, behind, f",{text[last.value.end : behind]}{gap}{written}")
    behind = _line_rest(text, comma + 1) if "\n" in gap else comma + 1
    return Splice(behind, behind, f"{gap}{written},")


def removed(text: str, place: Place, number: int) -> Splice:
    """The entry away, with its comma and a comment behind it on its line."""
    entry = place.entries[number]
    end = entry.value.end
    comma = _comma(text, end)
    if comma is not None:
        end = comma + 1
    gap = _gap(text, entry.start)
    if "\n" in gap:
        end = _line_rest(text, end)
    elif number == 0 and len(place.entries) > 1:
        return Splice(entry.start, place.entries[1].start, "")
    start = entry.start - len(gap)
    if len(place.entries) == 1 and not text[place.start + 1 : start].strip():
        rest = text[end : place.end - 1]
        return Splice(place.start + 1, end + len(rest) if not rest.strip() else end, "")
    if comma is None and number > 0:
        before = _comma(text, place.entries[number - 1].value.end)
        if before is not None:  # it is the last, and none of its commas may stay behind
            return Splice(before, end, text[before + 1 : start])
    return Splice(start, end, "")


def _gap(text: str, at: int) -> str:
    """The blanks before an entry."""
    before = text[:at].rstrip(" \t\r\n")
    return text[len(before) : at]


def _comma(text: str, at: int) -> int | None:
    """That behind a value that ends here."""
    comma = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
    return comma if text.startswith(",", comma) else None


def _line_rest(text: str, at: int) -> int:
    """The end of the line, if only blanks or a comment are left in it."""
    return line_end(text, at) if _COMMENT.match(text, at) else at

"""Front matter in JSON, changed by exchanging spans of it."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from workflow.content import flow
from workflow.content.failure import EditFailed
from workflow.content.places import Entry, Place, Splice, indentation, indented, spliced
from workflow.yaml12 import Path

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BARE = re.compile(r"[^\s,\]}]+")
_BLANK = re.compile(r"[ \t\r\n]*")
_NESTED = re.compile(r"[\[{][ \t]*\r?\n([ \t]+)")


def set_value(inside: str, path: Path, value: Any, newline: str) -> str:
    """The text with another value at the path; what is missing above it is made."""
    place = _place(inside, 0)
    for number, step in enumerate(path):
        entry = place.entry(step)
        if entry is not None and (entry.value.kind != "scalar" or number == len(path) - 1):
            place = entry.value
            continue
        rest = path[number + 1 :] if place.kind == "table" else path[number:]
        for key in reversed(rest):
            value = {key: value}
        if entry is not None:  # null, in whose place a table comes
            return _put(inside, entry.value, value, newline)
        indent = _indent_of_entries(inside, place)
        written = _key(inside, place, str(step)) + _written(inside, value, indent, newline)
        return spliced(inside, [_added(inside, place, written, newline)])
    return _put(inside, place, value, newline)


def append(inside: str, path: Path, value: Any, newline: str) -> str:
    """The text with one more entry in the list at the path."""
    place = _at(inside, path)
    written = _written(inside, value, _indent_of_entries(inside, place), newline)
    return spliced(inside, [_added(inside, place, written, newline)])


def unset(inside: str, path: Path) -> str:
    """The text without what stands at the path."""
    above = _at(inside, path[:-1])
    entry = above.entry(path[-1])
    assert entry is not None
    return spliced(inside, [flow.removed(inside, above, above.entries.index(entry))])


def write(value: Any, *, indent: str | int | None = 2) -> str:
    """A value in JSON. Raises EditFailed `value_impossible`."""
    _require_possible(value)
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _require_possible(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise EditFailed("value_impossible", f"JSON cannot hold {value}", "give a finite number")
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            _require_possible(one)


def _put(inside: str, place: Place, value: Any, newline: str) -> str:
    written = _written(inside, value, indentation(inside, place.start), newline)
    return spliced(inside, [Splice(place.start, place.end, written)])


def _written(inside: str, value: Any, indent: str, newline: str) -> str:
    """A value as the others are written: over several lines if they are."""
    nested = _NESTED.search(inside)
    return indented(write(value, indent=nested[1] if nested else None), indent, newline)


def _indent_of_entries(inside: str, place: Place) -> str:
    if place.entries:
        return indentation(inside, place.entries[-1].start)
    nested = _NESTED.search(inside)
    return indentation(inside, place.start) + (nested[1] if nested else "")


def _added(inside: str, place: Place, written: str, newline: str) -> Splice:
    nested = _NESTED.search(inside)
    if place.entries or nested is None or (place.kind == "list" and "\n" not in written):
        return flow.added(inside, place, written)
    indent = indentation(inside, place.start)
    text = f"{newline}{indent}{nested[1]}{written}{newline}{indent}"
    return Splice(place.start + 1, place.end - 1, text)


def _key(inside: str, place: Place, key: str) -> str:
    colon = ": "
    if place.entries:
        last = place.entries[-1]
        colon = inside[last.key_end : last.value.start]
    return json.dumps(key, ensure_ascii=False) + colon


def _at(inside: str, path: Path) -> Place:
    place = _place(inside, 0)
    for step in path:
        entry = place.entry(step)
        assert entry is not None
        place = entry.value
    return place


def _place(text: str, at: int) -> Place:
    """Where a value stands, in JSON that has been read already."""
    start = _skip(text, at)
    sign = text[start]
    if sign == '"':
        return Place("scalar", start, _end(_STRING, text, start), style='"')
    if sign not in "[{":
        return Place("scalar", start, _end(_BARE, text, start))
    entries = []
    at = _skip(text, start + 1)
    while text[at] not in "]}":
        begin, key, key_end = at, None, at
        if sign == "{":
            key_end = _end(_STRING, text, at)
            key = json.loads(text[at:key_end])
            at = _skip(text, key_end) + 1
        value = _place(text, at)
        entries.append(Entry(key, begin, key_end, value))
        at = _skip(text, value.end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return Place("table" if sign == "{" else "list", start, at + 1, True, sign, tuple(entries))


def _skip(text: str, at: int) -> int:
    return _end(_BLANK, text, at)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    return pattern.match(text, at).end()  # type: ignore[union-attr]

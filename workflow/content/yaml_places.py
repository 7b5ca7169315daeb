"""Where the values of front matter in YAML stand.

The marks of the parser's nodes say where a value begins. Where a block ends they do not say (the
mark lies behind the comments that follow), nor where an alias stands (its node is that of the
anchor): both are found here.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from workflow import yaml12
from workflow.content.failure import EditFailed
from workflow.content.places import Entry, Place, line_start

_ALIAS = re.compile(r"(?:[\s,:?-]|#[^\n]*+)*+(\*[^\s,\[\]{}]+)")
_BEFORE_DASH = re.compile(r"(?:[&!]\S*+|\s|#[^\n]*+)*+")


def places(inside: str) -> Place | None:
    """The place of all that the YAML holds; None if it holds nothing."""
    node = yaml12.load(inside).node
    return None if node is None else _place(inside, node, 0)


def _place(inside: str, node: Any, floor: int) -> Place:
    """`floor`: where it begins at the earliest; an alias has a node from further up."""
    start = node.start_mark.index
    if start < floor:
        alias = _ALIAS.match(inside, floor)
        if alias is None:
            raise EditFailed("edit_unproved", "an alias was not found", "change it by hand")
        return Place("alias", alias.start(1), alias.end(1), style="*")
    if node.id == "scalar":
        return _scalar(inside, node, start)
    is_table = node.id == "mapping"
    entries = _keys(inside, node, start) if is_table else _items(inside, node, start)
    end = node.end_mark.index
    if not node.flow_style:
        start, end = entries[0].start, entries[-1].value.end
    kind: Literal["table", "list"] = "table" if is_table else "list"
    return Place(kind, start, end, bool(node.flow_style), entries=entries)


def _scalar(inside: str, node: Any, start: int) -> Place:
    end = node.end_mark.index
    written = inside[start:end]
    trimmed = written.rstrip(" \t\r\n")
    if node.style in ("|", ">"):
        header = trimmed.partition("\n")[0].partition("#")[0]
        if "+" in header:  # empty lines belong to it
            trimmed = written.removesuffix("\n").removesuffix("\r")
    return Place("scalar", start, start + len(trimmed), style=node.style or "")


def _keys(inside: str, node: Any, floor: int) -> tuple[Entry, ...]:
    entries = []
    for key, value in node.value:
        begin, key_end = key.start_mark.index, key.end_mark.index
        if begin < floor:
            raise EditFailed("edit_unproved", "a key is an alias", "change it by hand")
        place = _place(inside, value, key_end)
        entries.append(Entry(key.value, begin, key_end, place))
        floor = place.end
    return tuple(entries)


def _items(inside: str, node: Any, start: int) -> tuple[Entry, ...]:
    if node.flow_style:
        floor, items = start + 1, []
        for below in node.value:
            place = _place(inside, below, floor)
            items.append(Entry(None, place.start, place.start, place))
            floor = place.end
        return tuple(items)
    dash = _BEFORE_DASH.match(inside, start).end()  # type: ignore[union-attr]
    column = dash - line_start(inside, dash)
    entries = []
    for below in node.value:
        place = _place(inside, below, dash + 1)
        entries.append(Entry(None, dash, dash + 1, place))
        dash = _next_dash(inside, place.end, column)
    return tuple(entries)


def _next_dash(inside: str, at: int, column: int) -> int:
    found = re.compile(rf"^[ ]{{{column}}}-(?=\s|\Z)", re.MULTILINE).search(inside, at)
    return found.end() - 1 if found else len(inside)

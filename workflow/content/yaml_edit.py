"""Front matter in YAML, changed by exchanging spans of it."""

from __future__ import annotations

import re
from typing import Any

from workflow.content import flow, yaml_text
from workflow.content.failure import EditFailed
from workflow.content.paths import shown
from workflow.content.places import (
    Entry,
    Place,
    Splice,
    indented,
    line_start,
    next_line,
    spliced,
)
from workflow.content.yaml_places import places
from workflow.yaml12 import Path

_HEADER = re.compile(r"[|>][-+0-9]*((?:[ \t]+#[^\r\n]*)?)")


def set_value(inside: str, path: Path, value: Any, newline: str) -> str:
    """The text with another value at the path; what is missing above it is made."""
    place = places(inside)
    if place is None:
        lines = yaml_text.block(_nested(path, value), _dash_indent(inside, place))
        return inside + lines.replace("\n", newline) + newline
    above = place
    entry: Entry | None = None
    for number, step in enumerate(path):
        _require_own(inside, place, path[:number])
        found = place.entry(step)
        if found is None:
            rest = path[number:]
            if place.kind != "table":  # nothing behind `params:`
                if entry is None:
                    break
                return _put(inside, above, entry, _nested(rest, value), newline)
            return _add_key(inside, place, str(rest[0]), _nested(rest[1:], value), newline)
        above, entry, place = place, found, found.value
    if entry is None:
        raise EditFailed(
            "edit_unproved", "the front matter is one bare word", "write keys with values first"
        )
    return _put(inside, above, entry, value, newline)


def append(inside: str, path: Path, value: Any, newline: str) -> str:
    """The text with one more entry in the list at the path."""
    place = _walk(inside, path)
    _require_own(inside, place, path)
    if place.is_flow:
        return spliced(inside, [flow.added(inside, place, yaml_text.inline(value, in_flow=True))])
    column = _column(inside, place.entries[0].start)
    lines = yaml_text.item(value, _dash_indent(inside, places(inside)))
    return _insert(inside, _behind(inside, place.end, column), lines, column, newline)


def unset(inside: str, path: Path) -> str:
    """The text without what stands at the path."""
    place = _walk(inside, path[:-1])
    _require_own(inside, place, path[:-1])
    entry = place.entry(path[-1])
    assert entry is not None
    number = place.entries.index(entry)
    if place.is_flow:
        return spliced(inside, [flow.removed(inside, place, number)])
    if len(place.entries) == 1 and len(path) > 1:
        return set_value(inside, path[:-1], {} if place.kind == "table" else [], "\n")
    column = _column(inside, entry.start)
    begin = line_start(inside, entry.start)
    if inside[begin : entry.start].strip(" "):  # behind the dash of a list's entry
        return spliced(inside, [Splice(entry.start, place.entries[number + 1].start, "")])
    return spliced(inside, [Splice(begin, _behind(inside, entry.value.end, column), "")])


def _put(inside: str, above: Place, entry: Entry, value: Any, newline: str) -> str:
    """Another value for an entry that is there."""
    old = entry.value
    is_block = bool(value) and isinstance(value, (dict, list))
    if above.is_flow or (old.is_flow and is_block):
        quoted = _quoted(old, value) if isinstance(value, str) else None
        written = quoted or yaml_text.inline(value, in_flow=True)
        return spliced(inside, [_spaced(inside, old.start, old.end, written)])
    start, indent = old.start, " " * (_column(inside, entry.start) + 2)
    is_old_block = old.kind in ("list", "table") and not old.is_flow
    if is_block:
        start, indent, written = _block(inside, above, entry, value)
    elif is_old_block and above.kind == "table":
        start = _colon(inside, entry)
        written = " " + yaml_text.inline(value) + inside[start : old.start].rstrip()
    else:
        written = _scalar(inside, old, value)
    return spliced(inside, [_spaced(inside, start, old.end, indented(written, indent, newline))])


def _block(inside: str, above: Place, entry: Entry, value: Any) -> tuple[int, str, str]:
    """Where a list or table begins that comes in the place of a value, the indentation of its
    lines, and these."""
    old = entry.value
    dash_indent = _dash_indent(inside, places(inside))
    written = yaml_text.block(value, dash_indent)
    column = _column(inside, entry.start)
    is_list = isinstance(value, list)
    is_old_block = old.kind in ("list", "table") and not old.is_flow
    if above.kind == "list" or (is_old_block and is_list == (old.kind == "list")):
        # Its lines stand where the first of them does.
        same = _column(inside, old.start) if old.end > old.start else column + 2
        return old.start, " " * same, written
    start = _colon(inside, entry)
    comment = inside[start : old.start].rstrip() if is_old_block else ""
    indent = " " * column + (dash_indent if is_list else "  ")
    return start, indent, f"{comment}\n{written}"


def _scalar(inside: str, old: Place, value: Any) -> str:
    """A scalar in the style of the old one, if that can hold it."""
    if old.style in ("|", ">"):
        header = _HEADER.match(inside, old.start)
        comment = header[1] if header else ""
        written = _as_block(value, old.style) if isinstance(value, str) else None
        if written is None:
            return yaml_text.inline(value) + comment
        first, line, rest = written.partition("\n")
        return first + comment + line + _unshifted(rest)
    if isinstance(value, str) and (quoted := _quoted(old, value)):
        return quoted
    return _unshifted(yaml_text.block(value))


def _as_block(value: str, sign: str) -> str | None:
    return yaml_text.literal(value, sign) or yaml_text.literal(value)


def _unshifted(lines: str) -> str:
    """Lines of a block without the two blanks, since they are moved to their column later."""
    return "\n".join(line.removeprefix("  ") for line in lines.split("\n"))


def _quoted(old: Place, value: str) -> str | None:
    if old.style == "'":
        return yaml_text.single(value) or yaml_text.double(value)
    return yaml_text.double(value) if old.style == '"' else None


def _spaced(inside: str, start: int, end: int, written: str) -> Splice:
    """With a blank behind the colon or dash, where there was no value before."""
    bare = not inside[start - 1 : start].strip(" \t\r\n[{(,") or written[:1] in " \r\n"
    return Splice(start, end, written if bare else f" {written}")


def _add_key(inside: str, place: Place, key: str, value: Any, newline: str) -> str:
    if place.is_flow:
        written = yaml_text.inline({key: value})[1:-1]
        return spliced(inside, [flow.added(inside, place, written)])
    column = _column(inside, place.entries[0].start)
    lines = yaml_text.entry(key, value, _dash_indent(inside, places(inside)))
    return _insert(inside, _behind(inside, place.end, column), lines, column, newline)


def _insert(inside: str, at: int, lines: str, column: int, newline: str) -> str:
    indent = " " * column
    written = indent + indented(lines, indent, newline) + newline
    if at and not inside.endswith("\n", 0, at):
        written = newline + written.removesuffix(newline)
    return inside[:at] + written + inside[at:]


def _behind(inside: str, at: int, column: int) -> int:
    """Where the next entry of a block may begin: on the line below a value, and below the comments
    that stand further to the right than its entries do."""
    at = next_line(inside, at)
    deeper = re.compile(rf"(?:[ \t]*\r?\n)*[ ]{{{column + 1},}}[ \t]*#[^\n]*(?:\n|\Z)")
    while (found := deeper.match(inside, at)) is not None and found.end() > at:
        at = found.end()
    return at


def _walk(inside: str, path: Path) -> Place:
    """The place at a path that exists."""
    place = places(inside)
    assert place is not None
    for number, step in enumerate(path):
        _require_own(inside, place, path[:number])
        entry = place.entry(step)
        assert entry is not None
        place = entry.value
    return place


def _require_own(inside: str, place: Place, path: Path) -> None:
    if place.kind == "alias":
        name = inside[place.start + 1 : place.end]
        raise EditFailed(
            "value_shared",
            f"{shown(path)} is the alias *{name} of a value that stands elsewhere",
            f"change the value that is marked &{name}, or set {shown(path)} as a whole",
        )


def _colon(inside: str, entry: Entry) -> int:
    return inside.index(":", entry.key_end) + 1


def _column(inside: str, at: int) -> int:
    return at - line_start(inside, at)


def _nested(path: Path, value: Any) -> Any:
    for step in reversed(path):
        value = {step: value}
    return value


def _dash_indent(inside: str, place: Place | None) -> str:
    """How far lists stand to the right of their keys: as the first one that is found does."""
    found = None if place is None else _first_dash_indent(inside, place)
    return "  " if found is None else " " * found


def _first_dash_indent(inside: str, place: Place) -> int | None:
    for entry in place.entries if not place.is_flow else ():
        below = entry.value
        if below.is_flow or not below.entries:
            continue
        first = below.entries[0].start
        if below.kind == "list" and entry.key is not None and "\n" in inside[entry.start : first]:
            return max(0, _column(inside, first) - _column(inside, entry.start))
        found = _first_dash_indent(inside, below)
        if found is not None:
            return found
    return None

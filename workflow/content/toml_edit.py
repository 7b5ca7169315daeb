"""Front matter in TOML, changed by exchanging spans of it."""

from __future__ import annotations

from typing import Any

from workflow.content import flow, toml_text
from workflow.content.failure import EditFailed
from workflow.content.paths import shown
from workflow.content.places import (
    Place,
    Splice,
    indentation,
    indented,
    line_start,
    next_line,
    spliced,
)
from workflow.content.toml_places import Section, assignments, sections
from workflow.yaml12 import Path


def set_value(inside: str, path: Path, value: Any, newline: str) -> str:
    """The text with another value at the path; what is missing above it is made."""
    found = sections(inside)
    place = _flow_place(found, path)
    if place is not None:
        return _set_in(inside, *place, value, newline)
    if any(_starts(one.path, path) for one in found) or any(
        _starts(one.path, path) for _, one in assignments(found)
    ):
        if isinstance(path[-1], int):
            raise EditFailed(
                "edit_unproved",
                f"{shown(path)} is a table of its own, which nothing else can stand for",
                "set its keys one by one",
            )
        # Several lines, not all in one place: another value stands where a new one would.
        return set_value(unset(inside, path), path, value, newline)
    return _add(inside, found, path, value, newline)


def append(inside: str, path: Path, value: Any, newline: str) -> str:
    """The text with one more entry in the list at the path."""
    found = sections(inside)
    place = _flow_place(found, path)
    if place is not None:
        return spliced(inside, [flow.added(inside, place[0], toml_text.value(value))])
    tables = [one for one in found if _starts(one.path, path)]
    if not isinstance(value, dict):
        raise EditFailed(
            "value_impossible",
            f"{shown(path)} is an array of tables, [[{toml_text.dotted(_names(path))}]]",
            "append keys with values to it",
        )
    indent = indentation(inside, tables[-1].start)
    header = f"[[{toml_text.dotted(_names(path))}]]\n"
    lines = header + toml_text.table(value, _names(path)).rstrip("\n")
    return _insert(inside, tables[-1].end, indent, f"\n{indent}{lines}", newline)


def unset(inside: str, path: Path) -> str:
    """The text without what stands at the path."""
    found = sections(inside)
    whole = [one for one in found if _starts(one.path, path)]
    single = [one for _, one in assignments(found) if _starts(one.path, path)]
    splices = [_section_away(inside, one) for one in whole]
    for one in single:
        if not any(_starts(one.path, section.path) for section in whole):
            begin = line_start(inside, one.start)
            splices.append(Splice(begin, next_line(inside, one.value.end), ""))
    if splices:
        return spliced(inside, splices)
    above = _flow_place(found, path[:-1])
    entry = None if above is None else above[0].entry(path[-1])
    if above is None or above[1] or entry is None:
        raise EditFailed(
            "edit_unproved", f"{shown(path)} is written with dots in braces", "unset all of it"
        )
    return spliced(inside, [flow.removed(inside, above[0], above[0].entries.index(entry))])


def _flow_place(found: list[Section], path: Path) -> tuple[Place, Path] | None:
    """The nearest place to which the path leads in one assignment, and what of the path is left:
    keys that are missing there."""
    for _, one in assignments(found):
        if not _starts(path, one.path):
            continue
        place, rest = one.value, path[len(one.path) :]
        while rest and (entry := place.entry(rest[0])) is not None:
            place, rest = entry.value, rest[1:]
        return place, rest
    return None


def _set_in(inside: str, place: Place, rest: Path, value: Any, newline: str) -> str:
    if rest:
        for step in reversed(rest[1:]):
            value = {step: value}
        if any("\0" in (one.key or "") for one in place.entries):
            raise EditFailed(
                "edit_unproved", f"{shown(rest)} goes into braces with dotted keys",
                "set all that is between the braces",
            )  # fmt: skip
        written = toml_text.value({rest[0]: value})[2:-2]
        if not place.entries:
            written = f" {written} "
        return spliced(inside, [flow.added(inside, place, written)])
    written = toml_text.value(value)
    if isinstance(value, str) and place.kind == "scalar":
        # A line break in a file of CRLF would be read as two characters.
        fits = newline == "\n" or "\n" not in value
        written = toml_text.string_like(place.style, value) if fits else written
    return spliced(inside, [Splice(place.start, place.end, written)])


def _add(inside: str, found: list[Section], path: Path, value: Any, newline: str) -> str:
    """A new key behind those that it belongs to."""
    section, depth = _home(found, path)
    if section is None:
        return _add_section(inside, found, path[:depth], path[depth:], value, newline)
    kin = [one for one in section.assignments if _starts(one.path, path[:depth])]
    kin = kin or list(section.assignments)
    lines = _assignment(path[len(section.path) :], value, newline)
    if kin:
        indent = indentation(inside, kin[-1].start)
        return _insert(inside, kin[-1].value.end, indent, indent + lines, newline)
    if section.path:
        indent = indentation(inside, section.start)
        return _insert(inside, section.head_end, indent, indent + lines, newline)
    if len(found) == 1:  # nothing but comments
        return inside + indented(lines, "", newline) + newline
    at = line_start(inside, found[1].start)
    return inside[:at] + indented(lines, "", newline) + newline * 2 + inside[at:]


def _home(found: list[Section], path: Path) -> tuple[Section | None, int]:
    """The section for a new key, and how many steps of the path are there already; no section if it
    is known by the headers of its parts alone."""
    for depth in range(len(path) - 1, -1, -1):
        above = path[:depth]
        for section in reversed(found):
            if section.path == above:
                return section, depth
            if any(_starts(one.path, above) for one in section.assignments) and _starts(
                above, section.path
            ):
                return section, depth
        if any(_starts(section.path, above) for section in found):
            return None, depth
    return found[0], 0


def _add_section(
    inside: str, found: list[Section], above: Path, rest: Path, value: Any, newline: str
) -> str:
    first = next(one for one in found if _starts(one.path, above))
    at = line_start(inside, first.start)
    header = f"[{toml_text.dotted(_names(above))}]"
    lines = f"{header}\n{_assignment(rest, value, newline)}\n\n"
    return inside[:at] + lines.replace("\n", newline) + inside[at:]


def _assignment(path: Path, value: Any, newline: str) -> str:
    written = toml_text.value(value)
    if isinstance(value, str) and newline == "\n":
        written = toml_text.string_like("", value)
    return f"{toml_text.dotted(_names(path))} = {written}"


def _insert(inside: str, behind: int, indent: str, lines: str, newline: str) -> str:
    del indent
    at = next_line(inside, behind)
    written = lines.replace("\n", newline) + newline
    if not inside.endswith("\n", 0, at):
        written = newline + written.removesuffix(newline)
    return inside[:at] + written + inside[at:]


def _section_away(inside: str, section: Section) -> Splice:
    begin, end = line_start(inside, section.start), next_line(inside, section.end)
    while end < len(inside) and not inside[end : next_line(inside, end)].strip():
        end = next_line(inside, end)
    return Splice(begin, end, "")


def _starts(path: Path, beginning: Path) -> bool:
    return path[: len(beginning)] == beginning


def _names(path: Path) -> tuple[str, ...]:
    return tuple(step for step in path if isinstance(step, str))

"""Where the values of front matter in TOML stand, in text that has been read already."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import NamedTuple

from workflow.content.places import Entry, Place
from workflow.yaml12 import Path

_BLANK = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_MANY = {
    '"""': re.compile(r'"""(?:[^\\]|\\.)*?"""(?:"{1,2}(?!"))?', re.DOTALL),
    "'''": re.compile(r"'''.*?'''(?:'{1,2}(?!'))?", re.DOTALL),
}
_ONE = {'"': re.compile(r'"(?:[^"\\]|\\.)*"'), "'": re.compile(r"'[^']*'")}
_BARE = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:[^\s,\]}#]+|[^\s,\]}#]+")


class Assignment(NamedTuple):
    """A line `a.b = value`."""

    path: Path
    """In the whole, that of its section included."""
    start: int
    key_end: int
    value: Place


class Section(NamedTuple):
    """What stands under a header, or before the first."""

    path: Path
    """With an index behind the name of an array of tables."""
    start: int
    """Where the header begins."""
    head_end: int
    """Where it ends."""
    is_array: bool
    assignments: tuple[Assignment, ...]

    @property
    def end(self) -> int:
        """Where its last value ends."""
        return self.assignments[-1].value.end if self.assignments else self.head_end


def sections(inside: str) -> list[Section]:
    """All of them, in their order; the first has no header."""
    found: list[Section] = []
    counts: dict[Path, int] = {}
    head = Section((), 0, 0, False, ())
    assignments: list[Assignment] = []
    at = _between(inside, 0)
    while at < len(inside):
        if inside[at] == "[":
            found.append(head._replace(assignments=tuple(assignments)))
            assignments = []
            head = _header(inside, at, counts)
            at = head.head_end
        else:
            names, key_end = _keys(inside, at)
            value = _value(inside, _blank(inside, _blank(inside, key_end) + 1))
            assignments.append(Assignment((*head.path, *names), at, key_end, value))
            at = value.end
        at = _between(inside, at)
    return [*found, head._replace(assignments=tuple(assignments))]


def _header(inside: str, at: int, counts: dict[Path, int]) -> Section:
    is_array = inside.startswith("[[", at)
    names, end = _keys(inside, _blank(inside, at + 1 + is_array))
    end = _blank(inside, end) + 1 + is_array
    path: Path = ()
    for number, name in enumerate(names):
        path = (*path, name)
        if is_array and number == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return Section(path, at, end, is_array, ())


def _keys(inside: str, at: int) -> tuple[list[str], int]:
    names = []
    while True:
        found = _KEY.match(inside, at)
        assert found is not None
        name = found[0]
        names.append(name if name[0] not in "\"'" else tomllib.loads(f"k = {name}")["k"])
        dot = _DOT.match(inside, found.end())
        if dot is None:
            return names, found.end()
        at = dot.end()


def _value(inside: str, start: int) -> Place:
    sign = inside[start]
    if sign in "[{":
        return _flow(inside, start, sign)
    for quotes, pattern in (*_MANY.items(), *_ONE.items()):
        if inside.startswith(quotes, start):
            return Place("scalar", start, _end(pattern, inside, start), style=quotes)
    return Place("scalar", start, _end(_BARE, inside, start))


def _flow(inside: str, start: int, sign: str) -> Place:
    entries = []
    at = _between(inside, start + 1)
    while inside[at] not in "]}":
        key, begin, key_end, value_at = None, at, at, at
        if sign == "{":
            names, key_end = _keys(inside, at)
            key = names[0] if len(names) == 1 else "\0".join(names)
            value_at = _between(inside, _blank(inside, key_end) + 1)
        value = _value(inside, value_at)
        entries.append(Entry(key, begin, key_end, value))
        at = _between(inside, value.end)
        if inside[at] == ",":
            at = _between(inside, at + 1)
    return Place("table" if sign == "{" else "list", start, at + 1, True, sign, tuple(entries))


def assignments(found: list[Section]) -> Iterator[tuple[Section, Assignment]]:
    """All of them, each with its section."""
    for section in found:
        for one in section.assignments:
            yield section, one


def _blank(text: str, at: int) -> int:
    return _end(_BLANK, text, at)


def _between(text: str, at: int) -> int:
    return _end(_BETWEEN, text, at)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    return pattern.match(text, at).end()  # type: ignore[union-attr]

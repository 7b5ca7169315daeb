"""Front matter as Hugo takes it: YAML between `---`, TOML between `+++`, or a JSON object.

Hugo is less strict about where it ends than other programs (any line that begins with the mark),
and stricter about where it begins: a text whose first sign is a dash, a plus or a brace has front
matter, or is an error.
"""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from workflow import yaml12

_BEGINNING = re.compile(r"\ufeff?[ \t\r\n\f\v]*")
_MARKS = {"-": "---", "+": "+++"}
_TOML_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)")
_DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?: ?(?:Z|z|[-+]\d{2}:?\d{2}))?)?"
    r"(?: [A-Z]{3,4})?"
)
_ZONE = re.compile(r" [A-Z]{3,4}$")
_OTHER_DATES = (
    "%d %b %Y", "%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %Z", "%d %b %y %H:%M %z",
    "%d %b %y %H:%M %Z", "%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %Z %Y",
    "%a %b %d %H:%M:%S %z %Y",
)  # fmt: skip


class FrontMatter(NamedTuple):
    """What stands above the text of a file."""

    data: dict[str, Any]
    """With keys in small letters at the top, which is how Hugo reads them."""
    lines: dict[str, int]
    """The line, in the file, of each of these keys."""
    body: int
    """Where the text begins, in characters."""
    error: str | None = None
    """Why Hugo cannot read it."""
    line: int = 1
    column: int = 1
    """Of the error."""


def read(text: str) -> FrontMatter:
    """The front matter of a file; empty if it has none."""
    start = _BEGINNING.match(text).end()  # type: ignore[union-attr]
    sign = text[start : start + 1]
    if sign == "{":
        return _json(text, start)
    if sign not in _MARKS:
        return FrontMatter({}, {}, start if text.startswith("\ufeff") else 0)
    mark = _MARKS[sign]
    line = text.count("\n", 0, start) + 1
    if not text.startswith(mark, start):
        said = f"Hugo takes the {sign} that the file begins with for front matter ({mark})"
        return FrontMatter({}, {}, start, said, line)
    opened = start + len(mark)
    end = text.find(f"\n{mark}", opened)
    if end < 0:
        return FrontMatter({}, {}, len(text), f"it is not closed: no line begins with {mark}", line)
    body = end + 1 + len(mark)
    if text.startswith(("\n", "\r\n"), body):
        body = text.index("\n", body) + 1
    matter = text[opened : end + 1]
    reads = _yaml if sign == "-" else _toml
    return reads(matter, line, body)._replace(body=body)


def _yaml(matter: str, line: int, body: int) -> FrontMatter:
    try:
        data, node = yaml12.load(matter)
    except yaml12.InvalidYaml as error:
        problem = error.of_file()
        said = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
        at = line + (problem.line or 1) - 1
        said = f"it is {said}" if error.is_syntax else said
        return FrontMatter({}, {}, body, said, at, problem.column or 1)
    if data is None:
        return FrontMatter({}, {}, body)
    if not isinstance(data, dict):
        return FrontMatter({}, {}, body, "it is no list of keys with values", line)
    marks = [(key.value.lower(), key.start_mark.line + line) for key, _ in node.value]  # type: ignore[union-attr]
    return FrontMatter(_lowered(data), dict(marks), body)


def _toml(matter: str, line: int, body: int) -> FrontMatter:
    try:
        data = tomllib.loads(matter.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        place = _TOML_PLACE.search(said)
        at, column = (int(place[1]), int(place[2])) if place and place[1] else (1, 1)
        said = f"it is no TOML: {_TOML_PLACE.sub('', said)}"
        return FrontMatter({}, {}, body, said, line + at - 1, column)
    return FrontMatter(
        _lowered(data), _lines_of(data, matter, line, r"^\s*[\"']?{}[\"']?\s*="), body
    )


def _json(text: str, start: int) -> FrontMatter:
    line = text.count("\n", 0, start) + 1
    try:
        data, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        at, column = getattr(error, "lineno", line), getattr(error, "colno", 1)
        said = f"Hugo takes the {{ that the file begins with for JSON, and it is none: {error}"
        return FrontMatter({}, {}, len(text), said, at, column)
    lines = _lines_of(data, text[start:end], line, r"\"{}\"\s*:")
    return FrontMatter(_lowered(data), lines, end)


def _lowered(data: dict[str, Any]) -> dict[str, Any]:
    return {key.lower(): value for key, value in data.items()}


def _lines_of(data: dict[str, Any], matter: str, line: int, pattern: str) -> dict[str, int]:
    found = {}
    for key in data:
        place = re.search(pattern.format(re.escape(key)), matter, re.MULTILINE)
        if place is not None:
            at = place.end() - len(place[0].lstrip())
            found[key.lower()] = line + matter.count("\n", 0, at)
    return found


def moment(value: Any) -> datetime | None:
    """The date as Hugo reads it, in UTC where no zone is named; None if it cannot be read.

    A number means seconds since 1970.
    """
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if not isinstance(value, str):
            return None
        return _parsed(value.strip())
    except (ValueError, OverflowError, OSError):
        return None


def _parsed(text: str) -> datetime | None:
    if _DATE.fullmatch(text):
        bare = _ZONE.sub("", text).replace(",", ".").replace(" +", "+").replace(" -", "-")
        read = datetime.fromisoformat(bare.upper().replace(" Z", "Z"))
        return read if read.tzinfo else read.replace(tzinfo=UTC)
    for form in _OTHER_DATES:
        try:
            read = datetime.strptime(text, form)
        except ValueError:
            continue
        return read if read.tzinfo else read.replace(tzinfo=UTC)
    return None

"""What Hugo prints, taken apart: entries, warnings, statistics. Text in, values out.

Hugo writes its progress and a table of statistics to one stream and its messages, as

    ERROR error building site: render: … "/site/layouts/home.html:1:3": execute of template …
    WARN  found no layout file for "html" for kind "section": …

to the other; both are in our log. A message may go on over several lines (an excerpt, a list).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

STATISTICS = {
    "pages": "pages_generated",
    "paginator pages": "paginator_pages",
    "non-page files": "non_page_files",
    "static files": "static_files",
    "processed images": "processed_images",
    "aliases": "aliases",
    "cleaned": "cleaned",
}
"""The rows of Hugo's table, and what we call them."""

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_START = re.compile(
    # The time stood there until Hugo 0.112.
    r"^(?P<level>ERROR|WARN|INFO|DEBUG)\s(?:\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\s)?\s*(?P<text>.*)"
    r"|^(?P<fatal>panic|fatal error|Error): (?P<reason>.*)"
)
_NOISE = re.compile(
    r"^\s*[│|]|^(Start building sites|hugo v\d|Total in \d|Built in \d|Building sites)"
)
_TABLE = re.compile(r"[│|]")
_RULE = re.compile(r"^[\s─┼+-]*[┼+─-]{3}[\s─┼+-]*$")
_COUNTS = re.compile(r"[\d\s]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of Hugo's."""

    level: str
    """`error`, `warn`, `info`, `debug` or `fatal` (Go's runtime gave up)."""
    text: str
    """May have several lines."""

    @property
    def first_line(self) -> str:
        return self.text.split("\n", 1)[0].strip()


@dataclass(frozen=True, slots=True)
class Log:
    """All that Hugo said."""

    entries: tuple[Entry, ...]
    statistics: dict[str, int]
    """By our names (see STATISTICS), the languages summed; empty if Hugo printed no table."""
    last_words: str
    """The last line that is neither table nor progress."""

    def of(self, *levels: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.level in levels]


def parse(text: str) -> Log:
    """Takes Hugo's output apart; never fails, whatever the text is."""
    lines = [line.rstrip() for line in _ESCAPE.sub("", text).splitlines()]
    entries: list[Entry] = []
    table: list[list[str]] = []
    last_words = ""
    level, current = "", [""]

    def end() -> None:
        if level:
            entries.append(Entry(level, "\n".join(current).strip()))

    for line in lines:
        match = _START.match(line)
        if match is not None:
            end()
            level = _level(match)
            current = [match["text"] if match["text"] is not None else match["reason"]]
        elif (cells := _cells(line)) is not None:
            table.append(cells)
            continue
        elif _NOISE.match(line) or _RULE.match(line):
            continue
        else:
            current.append(line)
        last_words = line.strip() or last_words
    end()
    return Log(tuple(dict.fromkeys(entries)), _statistics(table), last_words)


def _level(match: re.Match[str]) -> str:
    if match["level"] is not None:
        return match["level"].lower()
    # `Error: ` is how Hugo repeats, until 0.112, the error that it stops with.
    return "error" if match["fatal"] == "Error" else "fatal"


def _cells(line: str) -> list[str] | None:
    """The cells of a line of the table of statistics, else None. Excerpts have a `|` as well:
    there a number stands before it, and text after it."""
    cells = [cell.strip() for cell in _TABLE.split(line)]
    if len(cells) < 2 or any(_COUNTS.fullmatch(cell) is None for cell in cells[1:]):
        return None
    return cells if re.fullmatch(r"[A-Za-z][A-Za-z -]*", cells[0]) else None


def _statistics(table: list[list[str]]) -> dict[str, int]:
    found: dict[str, int] = {}
    label, sums = "", 0
    for cells in table:
        counts = [int(cell) for cell in cells[1:] if cell]
        if counts:
            label, sums = cells[0], sum(counts)
        else:
            # Narrow columns wrap `Processed images` into two lines; the second has no counts.
            label = f"{label} {cells[0]}"
        name = STATISTICS.get(label.lower())
        if name is not None:
            found[name] = sums
    return found


def warnings(log: Log) -> list[str]:
    """The first line of each warning, once. The rest says how to silence it."""
    found = [entry.first_line for entry in log.of("warn")]
    return list(dict.fromkeys(line for line in found if line))


def missing_layouts(log: Log) -> list[tuple[str, str | None, str]]:
    """(output format, layout or None, kind) of pages that Hugo left out for want of a template.

    Hugo only warns of this, and the site lacks those pages.
    """
    pattern = re.compile(
        r'found no layout file for "([^"]*)"(?: for layout "([^"]*)")? for kind "([^"]*)"'
    )
    matches = (pattern.search(entry.text) for entry in log.of("warn"))
    return list(dict.fromkeys((m[1], m[2], m[3]) for m in matches if m is not None))

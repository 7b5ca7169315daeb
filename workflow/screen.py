"""How things look on a terminal: tables, and the few words that have a colour."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from workflow.columns import cut, longest_unit, padded, width, widths
from workflow.columns import folded as fold

_TINTS = {
    "success": "green", "completed": "green", "proceed_to_deploy": "green", "ok": "green",
    "proceed": "green", "live": "green", "failed": "red", "timeout": "red", "missing": "red",
    "error": "red", "waiting": "yellow", "waits": "yellow", "cancelled": "yellow",
    "rejected": "yellow", "warning": "yellow", "in-progress": "cyan", "running": "cyan",
    "started": "cyan", "ended": "bold", "pending": "blue",
}  # fmt: skip
_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "cyan": 36}
_STATUS = re.compile(r"^( *|[\w.-]+: )([a-z_-]+)(?=\s|,|:|$)", re.MULTILINE)
"""The word that a line of ours is about: its first, or what follows an id."""

_LEAST_TOLD = 40
"""Columns below which nobody likes to read sentences."""
_LEAST_SHOWN = 10
"""Columns that are left of a cell, however narrow the terminal."""


def in_colour(text: str, tint: str) -> str:
    """`text` as a terminal shows it in a colour; as it is where colours are not wanted."""
    if not tint or not text or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{_CODES[tint]}m{text}\033[0m"


def tinted(text: str) -> str:
    """The lines of `text`, with the words in colours that say how things are."""
    return _STATUS.sub(lambda found: found[1] + in_colour(found[2], _TINTS.get(found[2], "")), text)


def laid_out(text: str, columns: int) -> str:
    """`text` of ours for a terminal: folded, its tables and headings in Markdown as such, and with
    the words in colours that say how things are."""
    parts: list[str] = []
    table: list[list[str]] = []
    for line in [*text.split("\n"), ""]:
        if line.startswith("| ") and line.endswith("|"):
            table.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
            continue
        if table:
            parts.append(_table_of(table, columns))
            table = []
        heading = line.startswith("## ")
        parts.append(in_colour(line[3:], "bold") if heading else tinted(fold(line, columns)))
    return "\n".join(parts[:-1])


def _table_of(rows: Sequence[Sequence[str]], columns: int) -> str:
    headings, *others = rows
    told = [row for row in others if not all(set(cell) <= {"-", ":"} for cell in row)]
    if any(len(row) != len(headings) for row in told):
        return "\n".join(fold(f"| {' | '.join(row)} |", columns) for row in rows)
    *_, last = room = widths(headings, told)
    widest = max(range(len(room)), key=room.__getitem__)
    if widest < len(room) - 1 and last < _LEAST_TOLD:
        # The file has all of it.
        kept = max(_LEAST_SHOWN, room[widest] - (sum(room) + 2 * (len(room) - 1) - columns))
        told = [[*row[:widest], cut(row[widest], kept), *row[widest + 1 :]] for row in told]
    return screen_table(headings, told, columns)


def screen_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], columns: int, *, head: bool = True
) -> str:
    """A table for a terminal of so many columns. Ids and figures stay whole, to be copied; only
    what the last column tells is folded. Where too little room is left for that, or what must not
    be broken does not fit, it stands below.
    """
    room = widths(headings, rows)
    left = columns - sum(wide + 2 for wide in room[:-1])
    wide_enough = left >= min(_LEAST_TOLD, room[-1])
    lines = []
    if wide_enough and head and any(headings):
        cells = [*map(padded, headings[:-1], room), headings[-1]]
        lines.append(in_colour("  ".join(cells).rstrip(), "bold"))
    for row in rows:
        cells = [
            in_colour(cell, _TINTS.get(cell, "")) + " " * (wide - width(cell))
            for cell, wide in zip(row[:-1], room, strict=False)
        ]
        if wide_enough and longest_unit(row[-1]) <= left:
            first, *others = fold(row[-1], left, hang=False).split("\n")
            tint = _TINTS.get(row[-1], "")
            lines.append("  ".join([*cells, in_colour(first, tint)]).rstrip())
            lines += [" " * (columns - left) + other for other in others]
        else:
            lines.append("  ".join(cells).rstrip())
            lines += [f"    {told}" for told in fold(row[-1], columns - 4).split("\n") if told]
    return "\n".join(lines)

"""Text on a screen of columns: how wide it is, how it is folded, what of it may be printed.

Letters of Chinese, Japanese and Korean and most emoji take two columns, combining marks none, after
Unicode's annex 11.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

_ESCAPES = re.compile("(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b\n]*(?:\x07|\x1b\\\\)?")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that let a line read otherwise than it is written."""
_UNITS = re.compile(
    # `workflow show ID` in a text, and what follows it without a space.
    r"(\s*)(\S*`[^`\n]+`\S*"
    # A figure and its unit.
    r"|[\d.,]+ (?:s|m|h|d|bytes|kB|MB|GB)\b\S*"
    r"|\(workflow [a-z-][^()]*\)\S*"
    # A command that a text ends with, or that another sentence follows.
    r"|(?:(?<=: )|(?<=\A)|(?<=-> ))workflow [a-z-].*?(?=$|; | \(|  )|\S+)"
)
"""What is never broken in two: commands, which are there to be copied, and words."""
_COLUMN = re.compile(r"\s*(?:\S+\s{2,})?")


def printable(text: str) -> str:
    """`text` without what a terminal would obey."""
    if _UNPRINTABLE.search(text) is None:
        return text
    return _UNPRINTABLE.sub(
        "\N{REPLACEMENT CHARACTER}", _ESCAPES.sub("", text.replace("\r\n", "\n"))
    )


def width(text: str) -> int:
    """The columns that a text of one line takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def padded(text: str, columns: int) -> str:
    """`text`, filled with spaces to so many columns."""
    return text + " " * (columns - width(text))


def cut(text: str, columns: int) -> str:
    """`text` within so many columns; what was left out is an ellipsis."""
    if width(text) <= columns:
        return text
    kept, room = [], columns - 1
    for letter in text:
        room -= _cells(letter)
        if room < 0:
            break
        kept.append(letter)
    return "".join(kept).rstrip() + "…"


def folded(text: str, columns: int, *, hang: bool = True) -> str:
    """`text` for so many columns: its long lines are folded between words, and go on below where
    their own text began (`hang`). Commands, paths and ids stay whole, however long they are.
    """
    return "\n".join(line for whole in text.split("\n") for line in _folded(whole, columns, hang))


def _folded(line: str, columns: int, hanging: bool) -> Iterator[str]:
    if width(line) <= columns:
        yield line
        return
    begun = _COLUMN.match(line)
    hang = width(begun[0]) if begun else 0
    if not 0 < hang <= columns // 2:
        hang = len(line) - len(line.lstrip()) + 2
    hang = hang if hanging else 0
    so_far, indent = "", " " * (len(line) - len(line.lstrip()))
    for space, unit in _UNITS.findall(line):
        for part in _parts(unit, columns - hang):
            if not so_far:
                so_far = indent + part
            elif (
                width(so_far) + width(space) + width(part) <= columns
                # On a line of its own it would not fit either; a command is better copied there.
                or (width(part) > columns and " " not in part)
            ):
                so_far += space + part
            else:
                yield so_far
                so_far = " " * min(hang, columns - width(part)) + part
            space = ""
    yield so_far


def _parts(unit: str, columns: int) -> list[str]:
    """A word as it is; one in a script that knows no spaces between words in pieces that fit."""
    if unit.isascii() or width(unit) <= columns or "`" in unit or "/" in unit:
        return [unit]
    parts, room = [""], columns
    for letter in unit:
        if room < _cells(letter) and unicodedata.east_asian_width(letter) in "WF":
            parts.append("")
            room = columns
        parts[-1] += letter
        room -= _cells(letter)
    return parts


def longest_unit(text: str) -> int:
    """The columns of the longest of what is never broken in two."""
    return max((width(unit) for _, unit in _UNITS.findall(text)), default=0)


def widths(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """The columns that each column of a table needs."""
    return [max(width(row[at]) for row in (headings, *rows)) for at in range(len(headings))]

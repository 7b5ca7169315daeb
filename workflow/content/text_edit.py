"""Text below the front matter, changed where it is named by what it says."""

from __future__ import annotations

from workflow.content.failure import EditFailed
from workflow.content.matter import read, require_untouched

_SHOWN = 10


def replace_text(text: str, old: str, new: str, count: int = 1) -> str:
    """Puts `new` where `old` stands in the body, exactly `count` times; never in front matter.

    Line ends of both are taken as those of the text. Raises EditFailed `bad_front_matter`,
    `count_differs`, `text_empty`, `edit_unproved`.
    """
    if not old:
        raise EditFailed("text_empty", "the text to be replaced is empty", "say which text")
    matter = read(text)
    body = text[matter.body :]
    old, new = with_newlines(old, matter.newline), with_newlines(new, matter.newline)
    found = body.count(old)
    if found != count:
        raise EditFailed(
            "count_differs",
            f"{old[:80]!r} stands {_times(found)} in the text, not {_times(count)}"
            + _lines(text, old, matter.body),
            "take in more of what stands around it, or give the count that is there"
            if found
            else "copy the text exactly as it stands in the file, with its blanks and line ends",
        )
    made = text[: matter.body] + body.replace(old, new)
    require_untouched(matter, made)
    return made


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def with_newlines(text: str, newline: str) -> str:
    """The text with these line ends."""
    return text.replace("\r\n", "\n").replace("\n", newline)


def _lines(text: str, old: str, at: int) -> str:
    lines = []
    while (at := text.find(old, at)) >= 0:
        lines.append(str(text.count("\n", 0, at) + 1))
        at += len(old)
    if not lines:
        return ""
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    word = "line" if len(lines) == 1 else "lines"
    return f" ({word} {', '.join(lines[:_SHOWN])}{more})"

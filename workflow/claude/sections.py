"""Our part of a file that is a person's: a section between two marks.

Claude Code leaves comments like these marks out of what it reads from a CLAUDE.md.
https://code.claude.com/docs/en/memory
"""

from __future__ import annotations

import hashlib
import re

BEGIN = "<!-- workflow init --claude: from here to the end mark it is written anew each time -->"
END = "<!-- workflow init --claude: end -->"
_SIGNED = re.compile(
    r"<!-- made by workflow init --claude \(([0-9a-f]{16})\); once edited, it is yours -->\n?"
)


class NoPlace(ValueError):
    """The marks in a file do not enclose one section."""


def with_section(text: str, section: str) -> str:
    """The text with the section in the place of the earlier one, else at its end.

    Everything outside of the marks stays as it is. Raises NoPlace.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    ours = newline.join([BEGIN, *section.strip("\n").split("\n"), END])
    starts, ends = text.count(BEGIN), text.count(END)
    if (starts, ends) == (0, 0):
        gap = "" if not text or text.endswith(newline * 2) else newline
        gap = newline * 2 if text and not text.endswith("\n") else gap
        return f"{text}{gap}{ours}{newline}"
    first, last = text.find(BEGIN), text.find(END)
    if (starts, ends) != (1, 1) or last < first:
        raise NoPlace("the marks of our section are not one pair")
    return text[:first] + ours + text[last + len(END) :]


def signed(text: str) -> str:
    """A file that is wholly ours, with a last line by which it is seen that nobody edited it."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{text}\n<!-- made by workflow init --claude ({digest}); once edited, it is yours -->\n"


def is_unedited(text: str) -> bool:
    """Whether the file is as `signed` wrote it, in this or an earlier version of ours."""
    lines = text.rstrip("\n").rsplit("\n", 1)
    found = _SIGNED.fullmatch(lines[-1])
    return found is not None and signed(lines[0].removesuffix("\n") + "\n") == text

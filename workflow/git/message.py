"""What a commit says of itself, and by which words it is found again.

The trailer `Workflow-Task: ID` is written by us alone: by it a second attempt knows that the first
one has committed. Form: `git help interpret-trailers`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

TRAILER = "Workflow-Task"
LONGEST_SUBJECT = 72
"""Characters that are shown whole nearly everywhere; a longer one is told, not refused."""

_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*")
_RESERVED = re.compile(r"(?i)workflow-.*")
_SIGN_OFF = "signed-off-by"
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Signs that let a text look other than it is."""


def plain(text: str, *, lines: bool = False) -> str:
    """The text, without white space around it. Raises ValueError for control characters, of which
    `lines` allows line ends and tabs."""
    allowed = "\n\t" if lines else ""
    for sign in text:
        if (ord(sign) < 32 or 127 <= ord(sign) < 160) and sign not in allowed:
            raise ValueError(
                f"holds the control character U+{ord(sign):04X}"
                + ("" if lines else "; more than a line goes into `body`")
            )
    if _DIRECTIONS.search(text):
        raise ValueError("holds signs that change the direction of writing")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("is not UTF-8") from None
    if re.search(rf"(?im)^\s*{TRAILER}\s*:", text):
        raise ValueError(f"holds the trailer {TRAILER}, which is written for every task")
    return text.strip()


def subject(text: str) -> str:
    """Raises ValueError unless it is a line that can stand as the subject."""
    line = plain(text)
    if not line:
        raise ValueError("must not be empty")
    return line


def trailers(written: Mapping[str, str]) -> dict[str, str]:
    """Raises ValueError for a name that is none, or that is not a task's to write."""
    for token, value in written.items():
        if not _TOKEN.fullmatch(token) or len(token) > 40:
            raise ValueError(f"{token!r} is no trailer's name: letters, digits and - only")
        if _RESERVED.fullmatch(token):
            raise ValueError(f"{token} is reserved: trailers that start with Workflow- are ours")
        if token.lower() == _SIGN_OFF:
            raise ValueError(f"{token} is a person's own word; a hook of the owner may add it")
        if not plain(value):
            raise ValueError(f"the trailer {token} says nothing")
    return {token: plain(value) for token, value in written.items()}


def compose(line: str, body: str, added: Mapping[str, str], task_id: str) -> str:
    """The whole message."""
    last = "".join(f"{token}: {value}\n" for token, value in {**added, TRAILER: task_id}.items())
    return "\n\n".join(part for part in (line, body, last) if part)


def pattern(task_id: str) -> str:
    """An extended regular expression for the line by which a task's commit is found."""
    escaped = re.sub(r"[^A-Za-z0-9_-]", lambda sign: f"[{sign[0]}]", task_id)
    return f"^{TRAILER}: {escaped}[[:space:]]*$"

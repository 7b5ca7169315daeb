"""What a file of text gives away that must not be published."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from workflow import redact
from workflow.deploy import aliases, credentials, local_links, markup

Kind = Literal["secret", "localhost"]

MOST_OF_A_KIND = 3
"""Findings in one file that are told: one is enough to refuse it, three show the pattern."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be published. `line` counts from 1."""

    kind: Kind
    what: str
    """In words that fit after "holds"; never the secret itself."""
    line: int | None


def findings(path: str, raw: bytes) -> tuple[Finding, ...]:
    """What the file `path`, whose bytes are `raw`, gives away."""
    found = [
        *_first("secret", raw, credentials.credentials(raw)),
        *_first("localhost", raw, local_links.local_links(path, raw)),
    ]
    return tuple(found)


class Windows:
    """The secrets of a file that comes piece by piece, and is never held as a whole."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int], Finding] = {}
        self._tail = b""
        self._lines = 0
        """Ended before the tail."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(self._found.values())[:MOST_OF_A_KIND]

    def look(self, chunk: bytes, *, overlap: int) -> None:
        """Look through what comes next, with the last `overlap` bytes of what came before."""
        window = self._tail + chunk
        for one in _first("secret", window, credentials.credentials(window)):
            line = self._lines + (one.line or 1)
            self._found.setdefault((one.what, line), replace(one, line=line))
        cut = max(0, len(window) - overlap)
        self._lines += window.count(b"\n", 0, cut)
        self._tail = window[cut:]


def _first(kind: Kind, raw: bytes, found: Iterator[tuple[int, str]]) -> Iterator[Finding]:
    for at, what in islice(found, MOST_OF_A_KIND):
        yield Finding(kind, what, raw.count(b"\n", 0, at) + 1)


def rules() -> str:
    """Changes whenever what is looked for does: notes made by other rules are worth nothing."""
    patterns = [
        value.pattern
        for module in (aliases, credentials, local_links, markup, redact)
        for value in vars(module).values()
        if isinstance(value, re.Pattern)
    ]
    return hashlib.sha256(repr(patterns).encode()).hexdigest()

"""What came of sending a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Answer:
    outcome: Literal["sent", "refused", "unknown"]
    """`refused`: it has certainly not arrived; `unknown`: it may have."""
    said: str
    """For people, after the channel's name; free of addresses and secrets."""
    final: bool = False
    """Trying again would bring the same."""


def sent(said: str) -> Answer:
    return Answer("sent", said)


def refused(said: str, *, final: bool = False) -> Answer:
    return Answer("refused", said, final)


def unknown(said: str) -> Answer:
    return Answer("unknown", said)

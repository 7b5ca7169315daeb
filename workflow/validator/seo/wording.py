"""How findings put things into words."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

SHOWN = 80
"""Characters of what is quoted."""
NAMED = 3
"""Things that are named one by one; of the rest, how many there are."""


def quoted(text: str) -> str:
    """`“Our team”`, on one line and cut off if it is long."""
    folded = " ".join(text.split())
    return f"“{folded if len(folded) <= SHOWN else folded[: SHOWN - 1] + '…'}”"


def count(number: int, what: str) -> str:
    """`1 page`, `1,204 pages`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def listed(things: Iterable[str], total: int) -> str:
    """`a, b, c and 4 more` of `total` things."""
    named = list(islice(things, NAMED))
    left = total - len(named)
    if left:
        return f"{', '.join(named)} and {left:,} more"
    return " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))

"""How a file that we wrote is known again, and whether somebody has changed it since.

    Made by `workflow service install`. Seal: 0123456789abcdef

The seal is a digest of the file with the seal itself blank. A file without the line is not ours;
one whose seal does not fit was changed by hand. Neither is overwritten or removed.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import Literal

from workflow import document

LINE = "Made by `workflow service install`. Seal: ----------------"
"""What a template holds."""
State = Literal["absent", "ours", "edited", "foreign"]

_BLANK = b"-" * 16
_SEAL = re.compile(rb"(Made by `workflow service install`\. Seal: )([0-9a-f]{16})")
_LARGEST = 100_000


def seal(raw: bytes) -> bytes:
    """The file with its seal filled in. Raises ValueError if there is no place for one."""
    blank = LINE.encode()
    if raw.count(blank) != 1:
        raise ValueError("a timer's file has one line that marks it")
    return raw.replace(blank, blank[: -len(_BLANK)] + _digest(raw))


def state_of(path: str) -> State:
    """Whose a file is. Raises OSError if it cannot be read."""
    if not os.path.lexists(path):
        return "absent"
    if not os.path.isfile(path) or os.path.islink(path) or os.path.getsize(path) > _LARGEST:
        return "foreign"
    try:
        raw = document.read_regular(path)
    except document.NotAFile:  # RACE: changed since we looked
        return "foreign"
    found = _SEAL.search(raw)
    if found is None:
        return "foreign"
    blank = _SEAL.sub(lambda match: match[1] + _BLANK, raw, count=1)
    return "ours" if _digest(blank) == found[2] else "edited"


def _digest(blank: bytes) -> bytes:
    return hashlib.sha256(blank).hexdigest()[:16].encode()

"""What a program has printed, read back from its log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 1 << 20
_COLOUR = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")


def blocks(log: Path, before: int) -> Iterator[bytes]:
    """All that is in the log from byte `before` on, plain, in blocks of whole lines. A line longer
    than a block is cut. Nothing if there is no log. Raises OSError."""
    try:
        with log.open("rb") as file:
            file.seek(before)
            rest = b""
            while chunk := file.read(_BLOCK):
                data = rest + chunk
                end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
                end = end or (len(data) if len(data) > _BLOCK else 0)
                yield plain(data[:end])
                rest = data[end:]
            yield plain(rest)
    except FileNotFoundError:
        return  # it printed nothing


def plain(raw: bytes) -> bytes:
    """Without colours. A progress bar's carriage return ends a line, as on a terminal."""
    raw = _COLOUR.sub(b"", raw) if b"\x1b" in raw else raw
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

"""The candidates of a `srcset`, by the HTML standard's algorithm (§ parsing a srcset attribute).

Commas part candidates only after a blank or a descriptor: `/w_100,h_50/a.png 1x` and `data:` URLs
hold commas of their own, and `a.png,b.png` is one address.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_ADDRESS = re.compile("[\t\n\f\r ,]*([^\t\n\f\r ]+)")
# A comma within parentheses belongs to the descriptor; an open parenthesis reaches to the end.
_DESCRIPTORS = re.compile(r"[^,(]*(?:\([^)]*\)?[^,(]*)*")
_DESCRIPTOR = re.compile("(?:[^\t\n\f\r (]|\\([^)]*\\)?)+")
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WHOLE_NUMBER = re.compile(r"\d+", re.ASCII)


class Srcset(NamedTuple):
    """What a browser reads in a srcset."""

    urls: tuple[str, ...]
    """Of every candidate in order, those with a fault too."""
    faulty: bool
    """A candidate is dropped, is one of two for the same size, or widths stand beside densities."""


def parse(value: str) -> Srcset:
    """The addresses in a srcset, and whether something is wrong with their descriptors."""
    urls = []
    sizes = []
    at = 0
    while found := _ADDRESS.match(value, at):
        url = found[1]
        at = found.end()
        if url.endswith(","):
            url = url.rstrip(",")
            if not url:
                continue
            sizes.append("1x")
        else:
            descriptors = _DESCRIPTORS.match(value, at)
            text = descriptors[0] if descriptors else ""
            at += len(text)
            sizes.append(_size(text))
        urls.append(url)
    different = set(sizes)
    is_mixed = len({size[-1:] for size in different}) > 1
    return Srcset(tuple(urls), is_mixed or "" in different or len(different) < len(sizes))


@lru_cache(maxsize=1024)
def _size(text: str) -> str:
    """`800w` or `2x`, written one way only; "" where the standard drops the candidate."""
    width: int | None = None
    density: float | None = None
    height: int | None = None
    for descriptor in _DESCRIPTOR.findall(text):
        number, unit = descriptor[:-1], descriptor[-1]
        if unit == "x" and _NUMBER.fullmatch(number) and density is width is height is None:
            density = float(number)
        elif unit == "w" and _WHOLE_NUMBER.fullmatch(number) and density is width is None:
            width = int(number[:12])
        elif unit == "h" and _WHOLE_NUMBER.fullmatch(number) and density is height is None:
            height = int(number[:12])
        else:
            return ""
    if density is not None and density < 0:
        return ""
    if width == 0 or height == 0 or (height is not None and width is None):
        return ""
    return f"{width}w" if width is not None else f"{1.0 if density is None else density:g}x"

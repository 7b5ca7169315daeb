"""Tags and their attributes, as browsers read them; each byte is looked at once, however odd."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A quote means something after `=` only; `>` within quotes ends no tag. What does not end before
# the file does ends there, so that nothing has to be looked at twice.
TAG = re.compile(
    rb"<!--.*?(?:-->|\Z)"
    rb"|<(?P<name>[A-Za-z][\w:-]*+)(?P<said>(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?+)*+)(?:>|\Z)",
    re.DOTALL,
)
"""A comment (its `name` is None), or an opening tag with what is said in it."""

_ATTRIBUTE = re.compile(
    rb"(?<![^\s\"'<>/=])([^\s\"'<>/=]++)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>][^\s>]*+))"
)


def attributes(said: bytes) -> Iterator[tuple[str, bytes]]:
    """The attributes that have a value: the name in small letters, the value as written."""
    for name, double, single, plain in _ATTRIBUTE.findall(said):
        yield name.decode("utf-8", "replace").lower(), double or single or plain

"""The `status:` key of a task file, which follows the folder that the file lies in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from yaml.nodes import ScalarNode

from workflow import document
from workflow.document import Document

_WORD = re.compile(rb"[a-z]+(?:-[a-z]+)*")


@dataclass(frozen=True, slots=True)
class StatusKey:
    """Where the key's value, one plain word, stands in a file that was read.

    One plain word may be exchanged for another without reading the file as YAML once more.
    """

    before: bytes
    after: bytes

    def follow(self, raw: bytes, status: str) -> bytes | None:
        """`raw` with another status. None if that is not the file that was read."""
        end = len(raw) - len(self.after)
        if not (raw.startswith(self.before) and raw.endswith(self.after)):
            return None
        if end < len(self.before) or not _WORD.fullmatch(raw, len(self.before), end):
            return None
        return self.before + status.encode() + self.after


def find_status(read: Document) -> StatusKey | None:
    """None if the file has no such key, or its value is more than one plain word."""
    for name, value in read.node.value if read.node is not None else ():
        if name.value == "status" and isinstance(value, ScalarNode) and not value.style:
            start = read.start + value.start_mark.index
            end = read.start + value.end_mark.index
            word = read.text[start:end].encode()
            if name.end_mark.index <= value.start_mark.index and _WORD.fullmatch(word):
                return StatusKey(read.text[:start].encode(), read.text[end:].encode())
    return None


def follow(raw: bytes, status: str, known: StatusKey | None = None) -> bytes:
    """The bytes of a task file with the status that fits its next folder.

    A file that has no such key, or cannot take it, stays as it is: the folder counts.
    """
    changed = known.follow(raw, status) if known is not None else None
    return rewrite(raw, {"status": status}, {}) if changed is None else changed


def rewrite(raw: bytes, if_present: dict[str, Any], always: dict[str, Any]) -> bytes:
    """The bytes with these keys set. A file that cannot take them stays as it is."""
    try:
        read = document.parse(raw)
        changes = {k: v for k, v in if_present.items() if k in read.data} | always
        return read.replace(changes).encode()
    except ValueError:
        return raw

"""How the files beside a new one are written."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from workflow.content.changes import Kind
from workflow.content.place import Target
from workflow.validator.content.sources import MARKDOWN

_KINDS: dict[bytes, Kind] = {b"-": "yaml", b"+": "toml", b"{": "json"}
_MOST = 200
_BOM = b"\xef\xbb\xbf"


def usual_kind(target: Target) -> Kind:
    """The kind of front matter that most files of the section have; where it has none, those of the
    section above; YAML where there are none at all."""
    root = os.path.join(target.site_folder, target.content)
    folder = os.path.dirname(target.real_path)
    while True:
        found = Counter(_kinds(folder))
        if found:
            return found.most_common(1)[0][0]
        if folder == root:
            return "yaml"
        folder = os.path.dirname(folder)


def _kinds(folder: str) -> Iterator[Kind]:
    for path in _files(folder):
        with suppress(OSError), open(path, "rb") as file:
            kind = _KINDS.get(file.read(64).removeprefix(_BOM).lstrip()[:1])
            if kind is not None:
                yield kind


def _files(folder: str) -> Iterator[str]:
    """Markdown files in it, and in pages' own folders in it."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries[:_MOST]:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield os.path.join(entry.path, "index.md")
        elif entry.is_file(follow_symlinks=False) and entry.name.lower().endswith(MARKDOWN):
            yield entry.path

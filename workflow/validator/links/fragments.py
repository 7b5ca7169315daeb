"""What fragments (`#team`) can name in a file, looked up as browsers do it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from workflow.validator.facts import Page
from workflow.validator.links.urls import decoded

_SVG_ID = re.compile(r"""\s(?:xml:)?id\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_DIRECTIVE = ":~:"


class Fragments:
    """The ids of the files of a site, gathered when they are asked for."""

    def __init__(self, pages: Mapping[str, Page], folder: Path) -> None:
        self._pages = pages
        self._folder = folder
        self._ids: dict[str, frozenset[str] | None] = {}

    def is_there(self, path: str, fragment: str) -> bool:
        """See Resolver.has_fragment."""
        if not fragment:
            return True
        ids = self.ids_of(path)
        if ids is None or fragment in ids:
            return True
        fragment = fragment.partition(_DIRECTIVE)[0]
        if not fragment or fragment in ids or decoded(fragment) in ids:
            return True
        if path.endswith(".svg"):
            # A view or a part of the picture: svgView(…), xywh=….
            return "=" in fragment or "(" in fragment
        return fragment.lower() == "top" or fragment.startswith(("/", "!"))

    def ids_of(self, path: str) -> frozenset[str] | None:
        """All that a fragment can name in a file; None if it cannot be told."""
        if path not in self._ids:
            page = self._pages.get(path)
            if page is not None:
                self._ids[path] = frozenset(page.ids)
            elif path.endswith(".svg"):
                self._ids[path] = _svg_ids(self._folder / path)
            else:
                return None
        return self._ids[path]


def _svg_ids(path: Path) -> frozenset[str] | None:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return frozenset(one or other for one, other in _SVG_ID.findall(text))

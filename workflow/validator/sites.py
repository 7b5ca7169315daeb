"""A built site as the rules see it: what is there, and the facts of each file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workflow.validator.facts import Facts, Page


@dataclass(frozen=True)
class Site:
    """What lies in the folder, and where it will be."""

    folder: Path
    """A real path."""
    base_url: str | None
    """Where the site will be, with its path if it has one; None if nobody said so."""
    files: frozenset[str]
    """Paths of all files, relative, with `/`."""
    facts: Mapping[str, Facts]
    """Of pages, style sheets, feeds, sitemaps, robots.txt and manifests, by path."""
    environment: str | None = None
    is_production: bool = False
    form_ids: frozenset[str] | None = None
    """Of the JotForm forms that workflow.yaml knows; None if it says nothing of forms."""
    pages: Mapping[str, Page] = field(init=False)

    def __post_init__(self) -> None:
        pages = {path: one for path, one in self.facts.items() if isinstance(one, Page)}
        object.__setattr__(self, "pages", pages)

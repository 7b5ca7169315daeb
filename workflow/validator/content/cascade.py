"""Front matter that sections, or the configuration, hand down to the pages below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from workflow.validator.content.sources import Source


def hand_down(sources: Sequence[Source], configured: Any) -> None:
    """Complete each source's front matter. What a page says itself wins, then what is nearest."""
    given: dict[tuple[str, str | None], list[Mapping[str, Any]]] = {}
    for one in sources:
        if one.name in ("index", "_index") and "cascade" in one.matter.data:
            given[one.folder, one.language] = list(_entries(one.matter.data["cascade"]))
    everywhere = list(_entries(configured))
    if not given and not everywhere:
        return
    for one in sources:
        data: dict[str, Any] = {}
        for entry in [*everywhere, *_from_above(one, given)]:
            if _is_meant(entry, one):
                data |= entry
        if data:
            one.matter = one.matter._replace(data={**data, **one.matter.data})


def _entries(said: Any) -> Iterator[Mapping[str, Any]]:
    for entry in said if isinstance(said, list) else [said]:
        if isinstance(entry, dict):
            yield {str(key).lower(): value for key, value in entry.items()}


def _from_above(
    one: Source, given: Mapping[tuple[str, str | None], list[Mapping[str, Any]]]
) -> Iterator[Mapping[str, Any]]:
    parts = one.folder.split("/") if one.folder else []
    for count in range(len(parts) + 1):
        yield from given.get(("/".join(parts[:count]), one.language), ())


def _is_meant(entry: Mapping[str, Any], one: Source) -> bool:
    """Whether the entry's target is this source. A target of an unknown kind is nobody's."""
    target = entry.get("target", entry.get("_target"))
    if target is None:
        return True
    if not isinstance(target, dict):
        return False
    target = {str(key).lower(): str(value) for key, value in target.items()}
    if not target.keys() <= {"path", "kind"}:
        return False
    kind = "page" if one.name != "_index" else "section" if one.folder else "home"
    return _matches(f"/{one.logical}", target.get("path", "**")) and _matches(
        kind, target.get("kind", "**")
    )


def _matches(text: str, pattern: str) -> bool:
    """By Hugo's globs: `{/news/**,/blog/*}`."""
    if pattern.startswith("{") and pattern.endswith("}"):
        return any(_matches(text, one) for one in pattern[1:-1].split(","))
    if "**" not in pattern and text.count("/") != pattern.count("/"):
        return False
    return fnmatchcase(text, pattern.replace("**", "*"))

"""A site's content before it is built: its files, and the addresses that Hugo will give them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workflow.validator.content import front_matter
from workflow.validator.content.cascade import hand_down
from workflow.validator.content.hugo_project import Mount, Project
from workflow.validator.content.sources import (
    INDEXES,
    MARKDOWN,
    Source,
    given_address,
    key_of,
    keys_of,
    lists,
    mounted,
    resource_files,
    sanitized,
)

_MARKUP = (*MARKDOWN, ".html", ".htm", ".adoc", ".ad", ".rst", ".org", ".pandoc")


@dataclass
class Tree:
    """All of it."""

    project: Project
    sources: list[Source]
    pages: dict[str, Source]
    """By the file that each becomes, also under its aliases."""
    files: frozenset[str]
    """Everything that will be served, as far as the sources tell: pages, lists, resources, static
    files."""
    loose: frozenset[str]
    """Static files and assets: what templates may publish, or name, for any page."""
    by_logical: dict[str, list[Source]]
    by_name: dict[str, list[Source]]
    are_addresses_known: bool
    """Whether each page's address could be told from its file."""


def read(
    folder: Path,
    project: Project,
    check: Callable[[], None] = lambda: None,
    *,
    unwritten: Mapping[str, bytes] | None = None,
) -> Tree:
    """Read all content of a project in `folder`. Raises OSError if a folder cannot be read.

    `unwritten`: what files would have in them, by their real paths, that are not written yet or
    have something else in them: so a text is judged before it is there.
    """
    sources: list[Source] = []
    resources: list[tuple[str, str]] = []
    root = os.path.realpath(folder)
    unwritten = unwritten or {}
    for mount, above, names, bundle in _walked(project.content, unwritten):
        check()
        inside = os.path.relpath(above, mount.source).replace(os.sep, "/").removeprefix(".")
        place = "/".join(filter(None, (mount.inside, inside)))
        for name in names:
            if not name.lower().endswith(_MARKUP):
                resources.append((place, name))
                continue
            is_resource = bundle is not None and not (bundle == above and _is_index(name))
            path = Path(above, name)
            raw = unwritten[str(path)] if str(path) in unwritten else _bytes(path)
            if raw is None:
                continue
            source = _source(path, raw, place, project, mount.language, is_resource)
            source.path = os.path.relpath(source.path, root).replace(os.sep, "/")
            sources.append(source)
    hand_down(sources, project.cascade)
    pages: dict[str, Source] = {}
    for one in sources:
        if not one.is_resource:
            one.key = key_of(one, project)
            for key in keys_of(one, project):
                pages.setdefault(key, one)
    static = frozenset(mounted(project.static))
    files = {
        *pages,
        *lists(sources, project),
        *resource_files(resources, sources),
        *static,
        "sitemap.xml", "robots.txt", "404.html", "index.xml", "index.html",
    }  # fmt: skip
    by_logical, by_name = defaultdict(list), defaultdict(list)
    for one in sources:
        if not one.is_resource:
            by_logical[one.logical].append(one)
            by_name[one.logical.rpartition("/")[2]].append(one)
    return Tree(
        project,
        sources,
        pages,
        frozenset(files),
        static | frozenset(mounted(project.assets)),
        by_logical,
        by_name,
        not project.has_permalinks and not any(":" in given_address(one) for one in sources),
    )


def _walked(
    mounts: Sequence[Mount], unwritten: Mapping[str, bytes]
) -> Iterator[tuple[Mount, str, list[str], str | None]]:
    """(mount, folder, names, leaf bundle that the folder is or lies in) of each folder; what is
    mounted by itself is not walked twice."""
    added: dict[str, list[str]] = defaultdict(list)
    for path in unwritten:
        added[os.path.dirname(path)].append(os.path.basename(path))
    # A folder that is mounted twice, for a language and by default, is that language's.
    roots: dict[str, Mount] = {}
    for mount in sorted(mounts, key=lambda one: one.language is None):
        roots.setdefault(os.path.realpath(mount.source), mount)
    found: dict[str, dict[str, str | None]] = {root: {} for root in roots}
    for root, mount in roots.items():
        bundles = found[root]
        for above, folders, names in os.walk(root):
            folders[:] = sorted(
                one for one in folders
                if not one.startswith(".") and os.path.join(above, one) not in roots
            )  # fmt: skip
            names = sorted({*names, *added.pop(above, ())})
            visible = [one for one in names if one[0] != "." and one[-1] != "~"]
            bundle = bundles.get(os.path.dirname(above))
            if bundle is None and any(_is_index(one) for one in visible):
                bundle = above
            bundles[above] = bundle
            yield mount._replace(source=Path(root)), above, visible, bundle
    for above, names in added.items():  # in folders that are not made yet
        holding = [root for root in roots if f"{above}/".startswith(f"{root}/")]
        if not holding:
            continue
        root = max(holding, key=len)
        bundle = _nearest(above, root, found[root])
        if bundle is None and any(_is_index(one) for one in names):
            bundle = above
        yield roots[root]._replace(source=Path(root)), above, names, bundle


def _nearest(folder: str, root: str, bundles: Mapping[str, str | None]) -> str | None:
    """The bundle that a folder lies in which is not made yet."""
    while folder not in bundles and folder != root:
        folder = os.path.dirname(folder)
    return bundles.get(folder)


def _is_index(name: str) -> bool:
    return name.startswith("index.") and name.lower().endswith(_MARKUP)


def _bytes(path: Path) -> bytes | None:
    """What is in a file; None for a pipe, which would wait for its writer, for a link that leads
    nowhere, and for what is gone since it was listed."""
    try:
        return path.read_bytes() if path.is_file() else None
    except FileNotFoundError:
        return None


def _source(
    path: Path, raw: bytes, place: str, project: Project, language: str | None, is_resource: bool
) -> Source:
    """A file of content, read. `place`: its folder in the content."""
    stem, named = _split_language(path.stem, project.languages)
    text = raw.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")
    return Source(
        str(path),
        text,
        front_matter.read(text),
        sanitized(place).lower(),
        stem if stem in INDEXES else sanitized(stem).lower(),
        named or language,
        is_resource,
        project,
    )


def _split_language(stem: str, languages: frozenset[str]) -> tuple[str, str | None]:
    name, dot, last = stem.rpartition(".")
    return (name, last.lower()) if dot and last.lower() in languages else (stem, None)

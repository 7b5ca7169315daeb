"""Files of content, and the addresses that Hugo gives to them and to what it makes by itself."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from posixpath import normpath
from typing import Any

from workflow.validator.content import front_matter, markdown, shortcodes
from workflow.validator.content.front_matter import FrontMatter
from workflow.validator.content.hugo_project import Mount, Project
from workflow.validator.content.markdown import Text
from workflow.validator.content.shortcodes import Read as Shortcodes

MARKDOWN = (".md", ".markdown", ".mdown")
INDEXES = ("index", "_index")
_KEPT = frozenset("./\\_#+~-@%")


@dataclass
class Source:
    """A file of content that becomes a page, or is a resource of one with text."""

    path: str
    """Relative to the site's folder."""
    text: str
    matter: FrontMatter
    folder: str
    """Where it lies in the content, in small letters as in addresses: `blog`, `blog/bundle`."""
    name: str
    """`index`, `_index`, or the file's own without language and kind."""
    language: str | None
    is_resource: bool
    """Of a bundle: it has no page of its own."""
    project: Project
    """By whose templates and settings it is read."""
    key: str | None = None
    """The file that it becomes: `blog/one/index.html`. None if it becomes none, or if the
    configuration alone says which."""

    @property
    def is_markdown(self) -> bool:
        return self.path.lower().endswith(MARKDOWN)

    @cached_property
    def shortcodes(self) -> Shortcodes:
        """Those of its text, below the front matter; none where that cannot be read."""
        if not self.is_markdown or self.matter.error is not None:
            return Shortcodes((), (), "")
        return shortcodes.read(
            self.text[self.matter.body :],
            self.project.shortcodes,
            are_all_known=self.project.is_whole,
        )

    @cached_property
    def read(self) -> Text:
        """Its text as Markdown. Read when it is asked for: of most files only the front matter
        counts for what is said of another."""
        return markdown.read(self.shortcodes.text, self.project.heading_ids)

    @property
    def logical(self) -> str:
        """By what Hugo's methods find it: `blog/one`, `blog`."""
        own = "" if self.name in INDEXES else self.name
        return "/".join(filter(None, (self.folder, own)))

    @cached_property
    def unpublished(self) -> str:
        """Why Hugo leaves it out, as a clause; empty if it does not."""
        data = self.matter.data
        if str(data.get("draft")).lower() in ("true", "t", "1"):
            return "is a draft"
        now = datetime.now(UTC)
        expires = front_matter.moment(_first(data, "expirydate", "unpublishdate"))
        if expires is not None and expires <= now:
            return f"has expired on {expires:%Y-%m-%d}"
        starts = front_matter.moment(_first(data, "publishdate", "pubdate", "published", "date"))
        if starts is not None and starts > now:
            return f"is not to be published before {starts:%Y-%m-%d}"
        return ""


def _first(data: Mapping[str, Any], *keys: str) -> Any:
    return next((data[key] for key in keys if data.get(key) not in (None, "")), None)


def sanitized(path: str) -> str:
    """A path of the content as Hugo writes it in addresses: blanks are dashes, signs that mean
    something elsewhere go."""
    kept: list[str] = []
    is_dash_due = False
    for sign in path:
        if sign in _KEPT or sign.isalnum() or unicodedata.category(sign)[0] == "M":
            if is_dash_due and sign != "-":
                kept.append("-")
            is_dash_due = False
            kept.append(sign)
        elif sign.isspace() and kept and kept[-1] != "-":
            is_dash_due = True
    return "".join(kept)


def key_of(one: Source, project: Project) -> str | None:
    """The file that a source becomes, with its language's folder."""
    data = one.matter.data
    build = data.get("build") or data.get("_build")
    if isinstance(build, dict) and str(build.get("render", "always")).lower() in ("never", "false"):
        return None
    if data.get("headless") is True:
        return None
    address = given_address(one)
    if address:
        return None if ":" in address else _file(address, is_ugly=False)
    logical = one.logical
    slug = data.get("slug")
    if slug not in (None, "") and one.name != "_index":
        logical = f"{logical.rpartition('/')[0]}/{sanitized(str(slug)).lower()}"
    logical = "/".join(filter(None, (_language_folder(one, project), logical)))
    return _file(logical, is_ugly=project.is_ugly and one.name != "_index")


def given_address(one: Source) -> str:
    """As front matter gives it; `:year` and the like are Hugo's to fill in."""
    said = one.matter.data.get("url")
    return said.strip() if isinstance(said, str) else ""


def _language_folder(one: Source, project: Project) -> str:
    is_default = one.language in (None, project.default_language)
    if is_default and not project.is_default_in_folder:
        return ""
    return one.language or project.default_language


def _file(address: str, *, is_ugly: bool) -> str:
    path = normpath("/" + address.strip("/")).strip("/")
    if not address.endswith("/") and os.path.splitext(path)[1] in (".html", ".htm", ".xml"):
        return path
    if is_ugly and path:
        return f"{path}.html"
    return f"{path}/index.html" if path else "index.html"


def keys_of(one: Source, project: Project) -> Iterator[str]:
    """The file that a source becomes, and those of its aliases."""
    if one.key is not None:
        yield one.key
    aliases = one.matter.data.get("aliases")
    place = (one.key or f"{one.logical}/index.html").removesuffix("/index.html").rpartition("/")[0]
    for alias in aliases if isinstance(aliases, list) else ():
        if isinstance(alias, str) and alias:
            yield _file(alias if alias.startswith("/") else f"{place}/{alias}", is_ugly=False)


def lists(sources: Iterable[Source], project: Project) -> Iterator[str]:
    """Lists that Hugo makes by itself: of sections, of taxonomies and their terms."""
    for one in sources:
        prefix = _language_folder(one, project)
        lead = f"{prefix}/" if prefix else ""
        section = one.logical.partition("/")
        made = {section[0]} if section[1] else set()
        if one.name == "_index":
            made.add(one.logical)
        made.add("")
        for taxonomy in project.taxonomies:
            made.add(taxonomy)
            terms = one.matter.data.get(taxonomy)
            for term in [terms] if isinstance(terms, str) else terms or ():
                made.add(f"{taxonomy}/{sanitized(str(term)).lower().replace('/', '-')}")
        for path in made:
            whole = (lead + path).strip("/")
            yield f"{whole}/index.html" if whole else "index.html"
            yield f"{whole}/index.xml" if whole else "index.xml"


def resource_files(
    resources: Iterable[tuple[str, str]], sources: Iterable[Source]
) -> Iterator[str]:
    """Where files beside the content are served: with the page whose bundle they are in."""
    bundles = {
        one.folder: one.key.removesuffix("index.html")
        for one in sources
        if one.name in INDEXES and one.key is not None and one.key.endswith("index.html")
    }
    for place, name in resources:
        folder = sanitized(place).lower()
        above, below = folder, ""
        while above not in bundles and above:
            above, _, last = above.rpartition("/")
            below = f"{last}/{below}"
        lead = bundles.get(above, f"{above}/" if above else "")
        yield f"{lead}{below}{name}"
        # Of languages: what is the default's is others' too.
        yield "/".join(filter(None, (folder, name)))


def mounted(mounts: Iterable[Mount]) -> Iterator[str]:
    """Paths of all files in mounted folders."""
    for mount in mounts:
        for above, _, names in os.walk(mount.source):
            inside = os.path.relpath(above, mount.source).replace(os.sep, "/").removeprefix(".")
            lead = "/".join(filter(None, (mount.inside, inside)))
            for name in names:
                yield f"{lead}/{name}" if lead else name

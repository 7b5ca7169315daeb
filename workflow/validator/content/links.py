"""Where a reference in a Markdown text leads, before the site is built and after.

Without a render hook Hugo passes addresses on as they are written, and the browser resolves them
against the page's address, not the file's. With one they may name sources, resources and assets
too. What a build has made counts as well, since not all comes from content.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from posixpath import normpath
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from workflow.validator.content.markdown import Reference
from workflow.validator.content.shortcodes import EMBEDDED, STAND_IN
from workflow.validator.content.sources import MARKDOWN, Source, sanitized
from workflow.validator.content.tree import Tree
from workflow.validator.links import urls
from workflow.validator.links.nearby import Nearby
from workflow.validator.links.urls import Address, InvalidAddress

_HOST = "site.invalid"
"""Of pages whose site's address nobody knows."""


class Place(NamedTuple):
    """Where a reference leads."""

    kind: Literal["found", "missing", "unpublished", "elsewhere", "unknown"]
    """elsewhere: not of this site. unknown: it cannot be told before the site is built."""
    source: Source | None = None
    """The content behind it."""
    key: str | None = None
    """The file that will be served."""
    fragment: str | None = None
    """Raw."""
    detail: str = ""
    """Of "missing" and "unpublished": for people, as a whole clause."""


class Links:
    """Answers for one site."""

    def __init__(self, tree: Tree, public: Path | None, base_url: str | None) -> None:
        self._tree = tree
        self._public = public
        self._built = _files(public) if public is not None else frozenset()
        base = urlsplit(base_url or "")
        self._host = base.netloc.lower() or _HOST
        self._root = base.path.rstrip("/") + "/"
        self._nearby = Nearby(tree.files | self._built, "/")

    def leads(self, source: Source, reference: Reference) -> Place:
        """Where a link or picture of a source leads."""
        if STAND_IN in reference.url or self._is_hooks_own(reference.url):
            return Place("unknown")
        key = source.key or ""
        page = f"/{key.removesuffix('index.html')}"
        try:
            address = urls.parse(reference.url, Address("https", self._host, page, None, None))
        except InvalidAddress:
            return Place("elsewhere")  # the built site's rules tell it
        if address.scheme not in urls.WEB or address.host != self._host:
            return Place("elsewhere")
        written = urls.clean(reference.url).partition("#")[0].partition("?")[0]
        if not written:
            return Place("found", source, source.key, address.fragment)
        is_whole = written.startswith("//") or urls.scheme_of(written) is not None
        if is_whole and not (urls.decoded(address.path) + "/").startswith(self._root):
            return Place("elsewhere")  # another site of this host
        is_relative = not (is_whole or written.startswith("/"))
        path = urls.decoded(address.path).removeprefix(self._root.rstrip("/")).lstrip("/")
        written = urls.decoded(written)
        found: Place | None
        if is_relative and source.key is None:
            found = self._by_hook(source, written, reference.kind) or Place("unknown")
        elif is_relative:
            found = self._served(path, source) or self._by_hook(source, written, reference.kind)
        else:  # a hook finds the page in the language of this one
            found = self._by_hook(source, written, reference.kind) or self._served(path, source)
        if found is not None:
            return found._replace(fragment=address.fragment)
        return self._missing(source, written, path, address.path)

    def ref(self, source: Source, written: str) -> Place:
        """Where the shortcodes ref and relref lead: to a page, by its path or its name."""
        path, mark, fragment = written.partition("#")
        if not path:
            return Place("found", source, source.key, fragment)
        found = self._page(source, urls.decoded(path))
        if found is None:
            return Place("missing", detail=f"there is no page {path}")
        return found._replace(fragment=fragment if mark else None)

    def file(self, source: Source, written: str) -> Place:
        """Where a picture leads that a shortcode (figure) takes: as `leads`, or an asset."""
        place = self.leads(source, Reference("image", written, 0, 0))
        if place.kind == "missing" and self._has_resource(source, urls.decoded(written)):
            return Place("found")
        return place

    def has_fragment(self, place: Place) -> bool:
        """Whether the fragment names something on the page, as far as that can be told."""
        fragment = (place.fragment or "").partition(":~:")[0]
        if not fragment or fragment.lower() == "top" or fragment.startswith(("/", "!", "fn")):
            return True
        if place.source is None or not place.source.is_markdown:
            return True
        names = {fragment, urls.decoded(fragment)}
        if names & place.source.read.anchors:
            return True
        if any(self._is_in(self._tree.project.templates, name) for name in names):
            return True
        built = self._built_page(place.key)
        if built is not None:
            return any(self._is_in(built, name) for name in names)
        return _makes_anchors(place.source)

    def _served(self, key: str, source: Source) -> Place | None:
        """What is served for a path of the site."""
        for one in (key, f"{key.rstrip('/')}/index.html".lstrip("/")):
            page = self._tree.pages.get(one)
            if page is not None:
                return self._judged(page, source)._replace(key=one)
            if one in self._tree.files or one in self._built:
                return Place("found", None, one)
        return None

    @staticmethod
    def _judged(found: Source, source: Source) -> Place:
        why = found.unpublished
        if why and not source.unpublished:
            detail = f"{found.path} {why}, and will not be there"
            return Place("unpublished", found, found.key, None, detail)
        return Place("found", found, found.key)

    def _by_hook(self, source: Source, path: str, kind: str) -> Place | None:
        """What a render hook finds."""
        project = self._tree.project
        if urls.scheme_of(path) is not None or not (
            project.finds_links if kind == "link" else project.finds_images
        ):
            return None
        if self._has_resource(source, path):
            return Place("found")
        return self._page(source, path) if kind == "link" else None

    def _page(self, source: Source, path: str) -> Place | None:
        """A page as Hugo's GetPage finds it: from the page's folder, from the root, by name."""
        plain = _without_kind(sanitized(path).lower())
        folders = [""]
        if not path.startswith("/"):
            # A bundle's page may look from the folder that the bundle lies in, too.
            above = [source.folder.rpartition("/")[0]] if source.name == "index" else []
            folders = [source.folder, *above, *([] if path.startswith(".") else [""])]
        for folder in folders:
            logical = normpath(f"/{folder}/{plain}").strip("/")
            found = self._tree.by_logical.get(logical)
            if found:
                return self._judged(_in_language(found, source.language), source)
            key = f"{logical}/index.html".lstrip("/")
            if key in self._tree.files and key not in self._tree.pages:
                return Place("found", None, key)  # a list without a file of its own
        named = self._tree.by_name.get(plain) if "/" not in path.strip("/") else None
        return self._judged(_in_language(named, source.language), source) if named else None

    def _has_resource(self, source: Source, path: str) -> bool:
        """Whether a page's resource, or an asset, is named. Hooks of sites look in folders of their
        own choice, so that the end of the path is what counts."""
        bare = normpath(path.lstrip("/")).lstrip("./")
        beside = normpath(f"/{source.folder}/{path}").lstrip("/")
        loose = self._tree.loose
        if bare in loose or beside in self._tree.files:
            return True
        return "." in bare and any(one.endswith(f"/{bare}") for one in loose)

    def _missing(self, source: Source, written: str, key: str, encoded: str) -> Place:
        name = written.rpartition("/")[2]
        page = self._page(source, written) if name.lower().endswith(MARKDOWN) else None
        if page is not None and page.source is not None:
            there = f", which visitors find at {self._nearby.address(page.key)}" if page.key else ""
            said = f"{written} is a source{there}; no render hook turns it into an address"
            return Place("missing", detail=said)
        beside = normpath(f"/{source.folder}/{written}").lstrip("/")
        if beside != key and beside in self._tree.files and source.name not in ("index", "_index"):
            said = f"{name} lies beside the file, but the page is a folder deeper, at /{key}"
            return Place("missing", detail=f"{said}: make it a page bundle, or write ../{written}")
        if self._public is None and self._may_be_made(name):
            return Place("unknown")
        missing = f"/{key} is not there"
        meant = self._nearby.in_other_case(key)
        if meant is not None:
            said = f"{missing}; {self._nearby.address(meant)} is, in other letters' case"
            return Place("missing", detail=said)
        instead = self._nearby.instead(key, encoded.lstrip("/"))
        return Place("missing", detail=f"{missing}; {instead}" if instead else missing)

    def _is_hooks_own(self, url: str) -> bool:
        """Whether a render hook asks for this very address: it means something of its own then."""
        hooks = self._tree.project.hooks
        return bool(url and hooks) and (f'"{url}"' in hooks or f"'{url}'" in hooks)

    def _may_be_made(self, name: str) -> bool:
        """Whether a build may make what no source tells of."""
        if not self._tree.are_addresses_known:
            return True
        return not self._tree.project.is_whole and "." in name

    @staticmethod
    def _is_in(text: str, name: str) -> bool:
        """Whether HTML, or a template of it, has something of that name."""
        end = r"(?=[\s>\"'])"
        return re.search(rf"\b(?:id|name)=[\"']?{re.escape(name)}{end}", text) is not None

    def _built_page(self, key: str | None) -> str | None:
        if self._public is None or key not in self._built:
            return None
        try:
            return (self._public / key).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None


def _makes_anchors(source: Source) -> bool:
    """Whether something that is not the text's own may make ids on the page."""
    return source.read.has_made_anchors or any(
        one.name.lower() not in EMBEDDED for one in source.shortcodes.shortcodes
    )


def _without_kind(path: str) -> str:
    stem, kind = os.path.splitext(path)
    if kind in (*MARKDOWN, ".html", ".adoc", ".org", ".rst"):
        path = stem
    for index in ("_index", "index"):
        if path == index or path.endswith(f"/{index}"):
            path = path[: -len(index)]
    return path.rstrip("/")


def _in_language(found: list[Source], language: str | None) -> Source:
    return next((one for one in found if one.language == language), found[0])


def _files(folder: Path) -> frozenset[str]:
    found = set()
    for above, _, names in os.walk(folder):
        inside = os.path.relpath(above, folder).replace(os.sep, "/").removeprefix(".")
        found |= {f"{inside}/{name}" if inside else name for name in names}
    return frozenset(found)

"""Where a finding is mended: the content file that a page is made from, or the template.

Most content files are found by their names. Hugo is asked only about pages whose address is not
that of their file (`url`, `slug`, permalinks): it takes longer than all the rest of a check.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

_MARKUP = (".md", ".markdown", ".mdown", ".html", ".htm", ".adoc", ".ad", ".rst", ".org", ".pandoc")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")
_DEFAULT_LANGUAGE = re.compile(
    r"^\s*\"?defaultContentLanguage\"?\s*[:=]\s*[\"']?([\w-]+)", re.MULTILINE | re.IGNORECASE
)
_MOVED = re.compile(rb"^\s*\"?(?:url|slug)\"?\s*[:=]", re.MULTILINE)
_ELSEWHERE = re.compile(r"permalinks|contentDir", re.IGNORECASE)
"""Settings by which pages have other addresses than their files' names say."""
_MOUNTED = re.compile(r"contentDir|mounts", re.IGNORECASE)
"""Settings by which a folder of content/ may be that of a language."""
_FRONT_MATTER_BYTES = 4096
_CONFIGURATIONS = ("hugo", "config")
_CONFIGURATION_KINDS = (".toml", ".yaml", ".yml", ".json")
_LARGEST = 1 << 20
"""Of a file that is searched: larger ones are data."""
_MOST_PLACES = 3
"""Places that are named; where more would do, none is."""
_TELLING = 6
"""Characters from which on a reference is looked for without quotes around it."""
_MOST_REFERENCES = 300
"""References that are looked for in the templates: the worst come first."""

MARKS: Mapping[str, tuple[str, ...]] = {
    "title": ("<title",),
    "description": ('name="description"', "name=description", "name='description'"),
    "h1": ("<h1",),
    "heading": ("<h1", "<h2", "<h3"),
    "canonical": ('rel="canonical"', "rel=canonical", "rel='canonical'"),
    "hreflang": ("hreflang",),
    "lang": ("<html",),
    "doctype": ("<html",),
    "viewport": ('name="viewport"', "name=viewport", "name='viewport'"),
    "charset": ("charset=",),
    "noindex": ("noindex",),
    "og": ('property="og:', "property='og:", "property=og:"),
    "twitter": ("twitter:",),
    "jsonld": ("application/ld+json",),
    "base": ("<base",),
    "icon": ("rel=icon", 'rel="icon"', 'rel="shortcut icon"'),
}
"""What to look for in templates, by the first word of a rule's code."""
_MADE = {"canonical", "hreflang"}
"""Addresses that a template makes with .Permalink: where else they are written says nothing."""
HEAD = ("</head>", "<head>", "<head ")
"""Where something is to be added that is missing in the head."""
_IN_HEAD = {"title", "description", "canonical", "viewport", "charset", "og", "icon"}


class Text(NamedTuple):
    """A file of the site's sources, held to be searched."""

    path: str
    """Relative to the site."""
    text: str


def hugo_site(public: Path) -> Path | None:
    """The Hugo site that a built folder lies in: the nearest folder above with a configuration."""
    for folder in list(public.parents)[:3]:
        names = (f"{stem}{kind}" for stem in _CONFIGURATIONS for kind in _CONFIGURATION_KINDS)
        if any((folder / name).is_file() for name in names) or (folder / "config").is_dir():
            return folder if (folder / "content").is_dir() else None
    return None


class Sources:
    """The sources of one site. Nothing is read before it is asked for."""

    def __init__(
        self, folder: Path, ask_hugo: Callable[[], Mapping[str, str]] | None = None
    ) -> None:
        """`folder`: the Hugo site. `ask_hugo`: content files by page, see `hugo.listing`."""
        self._folder = folder
        self._ask = ask_hugo
        self._named: dict[str, str] | None = None
        self._told: Mapping[str, str] | None = None
        self._searched: list[Text] | None = None
        self._whole: str | None = None
        self._references = 0
        self._made: dict[str, str | None] = {}
        self._lines: dict[str, list[str]] = {}

    def content(self, page: str) -> str | None:
        """The content file of a page, relative to the site."""
        if self._named is None:
            self._named = _by_name(self._folder)
        path = self._named.get(_address(page))
        if path is not None and not _is_moved(self._folder / path):
            return path
        told = self._asked().get(page) if path is not None or self._is_plausible(page) else None
        return told if told is not None and (self._folder / told).is_file() else None

    def content_line(self, page: str, code: str, url: str | None) -> str | None:
        """`content/about.md:12`, the line of what the rule is about, or the file alone."""
        path = self.content(page)
        if path is None or not url:
            return path
        if path not in self._lines:
            self._lines[path] = _read(self._folder / path).splitlines()
        for needle in _needles(code, url, None):
            for number, line in enumerate(self._lines[path], 1):
                if needle in line:
                    return f"{path}:{number}"
        return path

    def template(self, code: str, url: str | None, base_url: str | None = None) -> str | None:
        """`layouts/partials/nav.html:12`: where the reference, or what the rule is about, is
        written in the templates or the configuration. None if it is nowhere, or in many places."""
        if url and (found := self.reference(code, url, base_url)) is not None:
            return found
        word, _, rest = code.partition("-")
        if rest == "missing" and word in _IN_HEAD:
            return self._places(HEAD, once=True)
        if word not in MARKS:
            return None
        found = self._places(MARKS[word], once=True)
        if found is None and word in _IN_HEAD:  # pictures have titles too
            found = self._places(MARKS[word], once=True, where=_is_head)
        return found

    def reference(self, code: str, url: str, base_url: str | None = None) -> str | None:
        """Where templates or configuration write this very thing, if in a few places."""
        word = code.partition("-")[0]
        if word in _MADE:
            if word not in self._made:
                self._made[word] = self._places(MARKS[word], once=True)
            return self._made[word]
        if self._references >= _MOST_REFERENCES:
            return None
        self._references += 1
        for needle in _needles(code, url, base_url):
            found = self._places((needle,)) if needle in self._everything() else None
            if found is not None:
                return found
        return None

    def _everything(self) -> str:
        if self._whole is None:
            self._whole = "\n".join(one.text for one in self._texts())
        return self._whole

    def _places(
        self,
        needles: tuple[str, ...],
        *,
        once: bool = False,
        where: Callable[[Text], bool] = lambda _: True,
    ) -> str | None:
        """The places of any of these; with `once`, only the first of each file."""
        found: list[str] = []
        for path, text in filter(where, self._texts()):
            hits = [at for needle in needles for at in _hits(text, needle)]
            lines = sorted({text.count("\n", 0, at) + 1 for at in hits})
            found += [f"{path}:{line}" for line in (lines[:1] if once else lines)]
            if len(found) > _MOST_PLACES:
                return None
        return ", ".join(found) or None

    def _texts(self) -> list[Text]:
        if self._searched is None:
            self._searched = list(_templates(self._folder))
        return self._searched

    def _is_plausible(self, page: str) -> bool:
        """Whether the page may have a file of its own elsewhere: those of lists have none."""
        parts = page.split("/")
        if "page" in parts[:-2] or parts[-1] == "404.html" or len(parts) < 2:
            return False
        content = self._folder / "content"
        if (content / parts[0]).is_dir() or any(content.glob(f"*/{glob.escape(parts[0])}/")):
            return True
        return _ELSEWHERE.search(_settings(self._folder)) is not None

    def _asked(self) -> Mapping[str, str]:
        if self._told is None:
            self._told = self._ask() if self._ask is not None else {}
        return self._told


def _address(page: str) -> str:
    """What page and content file have in common: `blog/one` of `blog/one/index.html`."""
    stem = page.removesuffix(".html")
    return "" if stem == "index" else stem.removesuffix("/index")


def _by_name(folder: Path) -> dict[str, str]:
    """Content files by the address that their names give them."""
    settings = _settings(folder)
    said = _DEFAULT_LANGUAGE.search(settings)
    default = said[1].lower() if said else "en"  # which is Hugo's own
    plain: dict[str, str] = {}
    weaker: dict[str, str] = {}
    weakest: dict[str, str] = {}
    content = folder / "content"
    for above, folders, names in os.walk(content):
        folders.sort()
        inside = os.path.relpath(above, content).replace(os.sep, "/").removeprefix(".")
        for name in sorted(names):
            stem, kind = os.path.splitext(name)
            if kind.lower() not in _MARKUP:
                continue
            stem, _, language = stem.partition(".")
            parts = [inside] if stem in ("index", "_index") else [inside, stem]
            address = "/".join(filter(None, parts)).lower().replace(" ", "-")
            path = "/".join(filter(None, ("content", inside, name)))
            if language:
                plain.setdefault("/".join(filter(None, (language, address))), path)
                (weaker if language.lower() == default else weakest).setdefault(address, path)
                continue
            plain.setdefault(address, path)
            # content/en/ is the root where a module mounts it, or `contentDir` names it.
            first, _, below = address.partition("/")
            if _LANGUAGE.fullmatch(first):
                (weaker if first == default else weakest).setdefault(below, path)
    # Pages at the root are those of the default language, unless a mount says otherwise.
    if not weaker and _MOUNTED.search(settings):
        weaker = weakest
    return {**weaker, **plain}


def _is_moved(path: Path) -> bool:
    """Whether the front matter gives the page another address than its name does."""
    try:
        with path.open("rb") as file:
            return _MOVED.search(file.read(_FRONT_MATTER_BYTES)) is not None
    except OSError:
        return True


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _templates(folder: Path) -> Iterator[Text]:
    """The templates, the site's own before its themes', which they replace name by name; then the
    configuration, where menus are."""
    roots = [folder / "layouts", *sorted(folder.glob("themes/*/layouts"))]
    roots += sorted(folder.glob("_vendor/**/layouts"))
    seen: set[str] = set()
    for root in roots:
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root).as_posix()
            if inside not in seen and path.is_file():
                seen.add(inside)
                yield Text(path.relative_to(folder).as_posix(), _read(path))
    for path in _configurations(folder):
        yield Text(path.relative_to(folder).as_posix(), _read(path))


def _settings(folder: Path) -> str:
    """The text of the configuration, of all environments."""
    data = folder / "data"
    return "\n".join(_read(path) for path in _configurations(folder) if data not in path.parents)


def _configurations(folder: Path) -> Iterable[Path]:
    names = [f"{stem}{kind}" for stem in _CONFIGURATIONS for kind in _CONFIGURATION_KINDS]
    yield from (folder / name for name in names if (folder / name).is_file())
    for inside in ("config", "data"):
        for path in sorted((folder / inside).rglob("*")):
            if path.suffix in _CONFIGURATION_KINDS and path.is_file():
                yield path


def _needles(code: str, url: str, base_url: str | None) -> Iterator[str]:
    if code.partition("-")[0] in _MADE:
        yield url
    elif code == "id-double":
        yield from (f'id="{url}"', f"id='{url}'", f"id={url}", f"{{#{url}")
    else:
        yield from _spellings(url, base_url)
        if code == "link-fragment":  # Hugo puts the page's own address before it
            yield f"(#{url.partition('#')[2]})"


def _is_head(one: Text) -> bool:
    """Whether a template is one of the head's, by its name or because it has one."""
    return "<head" in one.text or "head" in one.path.lower()


def _spellings(url: str, base_url: str | None) -> Iterator[str]:
    """How the reference may be written in the sources, the surest first."""
    base = (base_url or "").rstrip("/")
    below = urlsplit(base).path + "/"
    inside = url[len(base) :] if base and url.startswith(base + "/") else url
    inside = inside[len(below) - 1 :] if inside.startswith(below) else inside
    bare = inside.split("#", 1)[0].split("?", 1)[0].strip("/")
    for one in dict.fromkeys((url, inside, unquote(inside), quote(inside, safe="/#?&=%:"))):
        if len(one) > 1:
            yield from (f'"{one}"', f"'{one}'", f"({one})")
            if len(one) >= _TELLING:
                yield one
    if below != "/" or inside.endswith("/"):
        one = inside.lstrip("/")  # as relURL takes it
        yield from (f'"{one}"', f"'{one}'") if len(one) > 1 else ()
    if ("/" in bare or "." in bare) and len(bare) >= _TELLING:
        yield from (f'"{bare}"', f"'{bare}'", f"{bare}/", bare)


def _hits(text: str, needle: str) -> Iterator[int]:
    at = text.find(needle)
    while at >= 0:
        yield at
        at = text.find(needle, at + len(needle))

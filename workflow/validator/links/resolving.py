"""Where a reference leads in this site, served as S3 serves it: keys are compared byte by byte, a
folder is its index.html, and nothing is guessed."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from workflow.validator.facts import Page
from workflow.validator.links import urls
from workflow.validator.links.fragments import Fragments
from workflow.validator.links.nearby import Nearby
from workflow.validator.links.schemes import fault
from workflow.validator.links.urls import Address, InvalidAddress
from workflow.validator.sites import Site

# Most references are so: nothing to decode, no dots to follow, no host to be written otherwise.
_PLAIN = re.compile(r"((?:/[\w~-][\w.~-]*)*/?)(?:#([\w-]+))?", re.ASCII)
_PLAIN_WEB = re.compile(
    r"(https?://((?:[a-z0-9-]+\.)+[a-z]+)/(?:[\w~:@!$&'()*+,;=?/%-]|(?<!/)\.)*)(?:#(.*))?", re.ASCII
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_MOST_ALIASES = 20
"""Browsers give up after as many."""


class Verdict(NamedTuple):
    """Where a reference leads."""

    kind: Literal[
        "external",
        "skipped",
        "found",
        "missing",
        "folder",
        "no-index",
        "case",
        "outside",
        "invalid",
    ]
    path: str | None = None
    """The file that is served ("a/index.html"); of "case" the file that is meant."""
    fragment: str | None = None
    """Raw, without `#`; None if there is none."""
    detail: str = ""
    """For people: why, or what is there instead, as a whole clause. Empty for "found"."""
    address: str | None = None
    """The absolute address without its fragment, for "external"."""


_SKIPPED = Verdict("skipped")


def alias_target(page: Page) -> str | None:
    """Where the page sends the browser on at once, as Hugo's aliases do; None if it is no alias."""
    if page.refresh is None or page.refresh[0] != 0:
        return None
    return page.refresh[1].strip() or None


def site_address(base_url: str | None) -> Address:
    """Where the site's root is, ending with a slash; without a base URL at a host that no reference
    can name."""
    nowhere = Address("https", "", "/", None, None)
    whole = _of_web(base_url or "", nowhere) or nowhere
    return whole._replace(path=whole.path.rstrip("/") + "/", query=None, fragment=None)


def _of_web(url: str, base: Address) -> Address | None:
    try:
        address = urls.parse(url, base)
    except InvalidAddress:
        return None
    return address if address.scheme in urls.WEB else None


class Resolver:
    """Answers for one site; what was asked once is kept."""

    def __init__(self, site: Site) -> None:
        self._pages = site.pages
        self._files = site.files
        self._fragments = Fragments(site.pages, site.folder)
        self._origin = site_address(site.base_url)
        self.root = urls.decoded(self._origin.path)
        """The site's path as people read it: `/`, or `/blog/`."""
        self._whole_root = f"{self._origin.scheme}://{self._origin.host}{self._origin.path}"
        self._host_ends = len(self._whole_root) - len(self._origin.path)
        self._nearby = Nearby(site.files, self.root)
        self._folders = _folders(site.files)
        self._from_root: dict[str, Verdict] = {}
        self._whole: dict[str, Verdict] = {}
        self._based: dict[tuple[Address, str], Verdict] = {}
        self._bases: dict[tuple[str, str], Address | None] = {}
        self._places: dict[str, str] = {}
        self._leads: dict[str, Verdict | None] = {}

    def resolve(self, page: str, base: str | None, url: str) -> Verdict:
        """Where `url` leads on a page (or from a style sheet) at `page`, a path in the site, whose
        `base` element says `base`."""
        first = url[:1]
        if base is not None:
            address = self._base(page, base)
            if address is not None:
                return self._on_base(address, url)
        if first == "#":
            return Verdict("found", page, url[1:])
        if not first or first == "?":
            mark = url.find("#")
            return Verdict("found", page, url[mark + 1 :] if mark >= 0 else None)
        if first == "/":
            key = url
        elif first <= " " or url[-1] <= " ":
            return self.resolve(page, None, urls.clean(url))
        elif first == "\\" or ":" in url:
            return self._odd(page, url)
        else:
            key = self._joined(page, url)
        known = self._from_root.get(key)
        if known is None:
            known = self._from_root[key] = self._plain(key) or self._judge(key, self._origin)
        return known

    def has_fragment(self, path: str, fragment: str) -> bool:
        """Whether a fragment (raw) names something in a file: as written first, then decoded, as
        browsers look for it. `top` in any case is the top of every page, text fragments and routes
        of scripts (`#/x`, `#!x`) need no element; only HTML and SVG are looked into."""
        return self._fragments.is_there(path, fragment)

    def near_fragment(self, path: str, fragment: str) -> str | None:
        """The id that the fragment may have meant: the same in other case, else one alike."""
        ids = sorted(self._fragments.ids_of(path) or ())
        plain = urls.decoded(fragment)
        same = next((one for one in ids if one.casefold() == plain.casefold()), None)
        return same or self._nearby.alike(plain, ids)

    def leads_to(self, path: str) -> Verdict | None:
        """Where an alias page leads in the end, alias after alias; None if `path` is none.

        "invalid" is a circle; `path` is the last page that was reached.
        """
        if path not in self._leads:
            self._leads[path] = self._followed(path)
        return self._leads[path]

    def shown(self, path: str) -> str:
        """The address of a file of this site as people write it: `/about/`."""
        return self._nearby.address(path)

    def _followed(self, path: str) -> Verdict | None:
        seen = [path]
        verdict: Verdict | None = None
        while (page := self._pages.get(seen[-1])) and (target := alias_target(page)):
            verdict = self.resolve(seen[-1], page.base, target)
            if verdict.path is None:
                return verdict
            seen.append(verdict.path)
            if verdict.path in seen[:-1] or len(seen) > _MOST_ALIASES:
                way = " → ".join(map(self.shown, seen))
                return Verdict("invalid", verdict.path, None, f"it leads round in a circle: {way}")
        return verdict

    def _base(self, page: str, base: str) -> Address | None:
        """What references are resolved against; None for a base that browsers ignore."""
        key = (page, base)
        if key not in self._bases:
            self._bases[key] = _of_web(base, self._address(page))
        return self._bases[key]

    def _on_base(self, base: Address, url: str) -> Verdict:
        key = (base, url)
        known = self._based.get(key)
        if known is None:
            known = self._based[key] = self._judge(url, base)
        return known

    def _odd(self, page: str, url: str) -> Verdict:
        """A reference with a scheme, or with what may be taken for one."""
        if urls.scheme_of(url) is None:
            return self._judge(url, self._address(page))
        known = self._whole.get(url)
        if known is None:
            is_own = self._origin.host and url.startswith(self._whole_root)
            inside = url[self._host_ends :] if is_own else ""
            known = self._plain(inside) or self._elsewhere(url) or self._judge(url, self._origin)
            self._whole[url] = known
        return known

    def _joined(self, page: str, url: str) -> str:
        """A relative reference as one from the root, so that pages share what they all lead to."""
        place = self._place(page)
        while url.startswith("../"):
            url = url[3:]
            place = place[: place.rfind("/", 0, -1) + 1] or "/"
        # `//` at the beginning would name a host.
        return "/." + place + url if url.startswith("/") else place + url

    def _place(self, page: str) -> str:
        place = self._places.get(page)
        if place is None:
            folder = page.rpartition("/")[0]
            place = self._origin.path + (urls.encoded(folder) + "/" if folder else "")
            self._places[page] = place
        return place

    def _address(self, page: str) -> Address:
        name = page.rpartition("/")[2]
        path = self._place(page) + ("" if name == "index.html" else urls.encoded(name))
        return self._origin._replace(path=path)

    def _plain(self, key: str) -> Verdict | None:
        """The verdict on a path of this site that says just what it means; None for others."""
        plain = _PLAIN.fullmatch(key)
        if plain is None or not key.startswith(self.root):
            return None
        path, fragment = plain.groups()
        return self._served(path, path, fragment)

    def _elsewhere(self, url: str) -> Verdict | None:
        """The verdict on the address of another host that needs no putting right; None for
        others."""
        plain = _PLAIN_WEB.fullmatch(url)
        if plain is None or plain[2] == self._origin.host or "/%2" in url:
            return None
        return Verdict("external", None, plain[3], "", plain[1])

    def _judge(self, url: str, base: Address) -> Verdict:
        try:
            address = urls.parse(url, base)
        except InvalidAddress as error:
            return Verdict("invalid", detail=str(error))
        scheme, host, path, _, fragment = address
        if scheme not in urls.WEB:
            wrong = fault(address)
            return Verdict("invalid", detail=wrong) if wrong else _SKIPPED
        if host != self._origin.host:
            return Verdict("external", None, fragment, "", urls.as_text(address))
        plain = urls.decoded(path)
        if _CONTROLS.search(plain):
            return Verdict("invalid", detail="a control character stands in it")
        if not (plain + "/").startswith(self.root):
            return self._outside(url, address, plain)
        return self._served(plain, path, fragment)

    def _outside(self, url: str, address: Address, plain: str) -> Verdict:
        """Written out in full, it is another site of the same host; else it is hardly meant."""
        cleaned = urls.clean(url).replace("\\", "/")
        if urls.scheme_of(cleaned) or cleaned.startswith("//"):
            return Verdict("external", None, address.fragment, "", urls.as_text(address))
        detail = f"{plain} is not below {self.root}, where the site is"
        inside = self._served(self.root + plain[1:], address.path, None)
        if inside.kind in ("found", "folder") and inside.path:
            detail += f"; {self.shown(inside.path)} is there"
        return Verdict("outside", None, address.fragment, detail)

    def _served(self, plain: str, path: str, fragment: str | None) -> Verdict:
        """What S3 answers for a path of this site, `plain` once it is decoded."""
        key = plain[len(self.root) :]
        served = key + "index.html" if plain.endswith("/") else key
        if served in self._files:
            return Verdict("found", served, fragment)
        folder = key.removesuffix("/")
        if folder in self._folders and (folder or not key):
            index = f"{folder}/index.html" if folder else "index.html"
            if index not in self._files:
                detail = f"{self.root}{folder and folder + '/'} holds no index.html"
                return Verdict("no-index", None, fragment, detail)
            detail = f"{plain} is a folder, whose address is {self.shown(index)}"
            return Verdict("folder", index, fragment, detail)
        missing = f"{plain} is not there"
        meant = self._nearby.in_other_case(key)
        if meant is not None:
            detail = f"{missing}; {self.shown(meant)} is, in other letters' case"
            return Verdict("case", meant, fragment, detail)
        instead = self._nearby.instead(key, path[len(self._origin.path) :])
        return Verdict("missing", None, fragment, f"{missing}; {instead}" if instead else missing)


def _folders(files: frozenset[str]) -> frozenset[str]:
    found = {""}
    for file in files:
        folder = file.rpartition("/")[0]
        while folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return frozenset(found)

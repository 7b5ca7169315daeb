"""RSS 2.0, RSS 1.0 and Atom (RFC 4287): where a feed and its entries lead.

What is read before a feed turns out to be broken is kept.
"""

from __future__ import annotations

from workflow.validator.facts import Feed, Ref
from workflow.validator.files.well_formed import clean, read_xml

_ATOM = "http://www.w3.org/2005/Atom"
_RSS = ("", "http://purl.org/rss/1.0/", "http://backend.userland.com/rss2")
_MEDIA = "http://search.yahoo.com/mrss"
_XML_BASE = "http://www.w3.org/XML/1998/namespace base"


def feed(raw: bytes) -> Feed:
    """The links of RSS or Atom: of the feed, of its entries, and the media that go with them."""
    reader = _FeedReader()
    error = read_xml(raw, reader.begin, reader.end)
    return Feed(tuple(reader.refs), error or reader.error())


class _FeedReader:
    def __init__(self) -> None:
        self.refs: dict[Ref, bool] = {}
        self.root: str | None = None
        self._has_channel = False
        self._open: list[str] = []
        self._bases: list[str] = []
        self._permanent = True

    def begin(self, space: str, name: str, attributes: dict[str, str]) -> None:
        self.root = self.root or name
        self._has_channel |= name == "channel"
        self._open.append(name)
        base = attributes.get(_XML_BASE)
        outer = self._bases[-1] if self._bases else ""
        self._bases.append(_joined(outer, base) if base else outer)
        if space == _ATOM and name == "link":
            self._atom_link(attributes)
        elif space == _ATOM and name == "content":
            self._add("media", attributes.get("src"), name, "src")
        elif space in _RSS and name == "enclosure":
            self._add("media", attributes.get("url"), name, "url")
        elif space in _RSS and name == "guid":
            self._permanent = attributes.get("isPermaLink", "true").strip().lower() != "false"
        elif space.rstrip("/") == _MEDIA and name in ("content", "thumbnail"):
            self._add("media", attributes.get("url"), f"media:{name}", "url")

    def end(self, space: str, name: str, text: str) -> None:
        self._open.pop()
        within = self._open[-1] if self._open else ""
        if space in _RSS and within in ("channel", "item", "image"):
            if name in ("link", "comments") or (name == "guid" and self._permanent):
                self._add("link", text, name, "text")
            elif name == "url" and within == "image":
                self._add("image", text, name, "text")
        elif space == _ATOM and within in ("feed", "entry", "source") and name in ("icon", "logo"):
            self._add("image", text, name, "text")
        elif space == _ATOM and name == "uri" and within in ("author", "contributor"):
            self._add("link", text, name, "text")
        self._bases.pop()

    def _atom_link(self, attributes: dict[str, str]) -> None:
        rel = attributes.get("rel", "alternate").strip().lower()
        if rel == "enclosure":
            self._add("media", attributes.get("href"), "link", "href")
        elif rel == "self":
            self._add("feed", attributes.get("href"), "link", "href")
        elif rel not in ("hub", "edit", "edit-media"):  # which are asked by programs, with POST
            self._add("link", attributes.get("href"), "link", "href")

    def _add(self, kind: str, url: str | None, element: str, attribute: str) -> None:
        url = clean(url or "")
        if url:
            base = self._bases[-1] if self._bases else ""
            self.refs[Ref(kind, _joined(base, url) if base else url, element, attribute)] = True

    def error(self) -> str | None:
        if self.root not in ("rss", "feed", "RDF"):
            return f"its root element is {self.root}, which is neither RSS nor Atom"
        if self.root != "feed" and not self._has_channel:
            return "it has no channel"
        return None


def _joined(base: str, url: str) -> str:
    from urllib.parse import urljoin

    try:
        return urljoin(base, url)
    except ValueError:
        return url

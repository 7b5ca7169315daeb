"""Sitemaps, by sitemaps.org and the extensions that search engines read.

What is read before a sitemap turns out to be broken is kept.
"""

from __future__ import annotations

import re

from workflow.validator.facts import Ref, Sitemap
from workflow.validator.files.well_formed import clean, read_xml

LARGEST = 50 << 20
"""Bytes, uncompressed."""
MOST_ENTRIES = 50_000
LONGEST_LOC = 2_047

_SPACES = (
    "http://www.sitemaps.org/schemas/sitemap/0.9",
    "https://www.sitemaps.org/schemas/sitemap/0.9",
    "http://www.google.com/schemas/sitemap/0.84",
)
_IMAGE = "http://www.google.com/schemas/sitemap-image/1.1"
_VIDEO = "http://www.google.com/schemas/sitemap-video/1.1"
_XHTML = "http://www.w3.org/1999/xhtml"


def sitemap(raw: bytes) -> Sitemap:
    """The addresses that a sitemap (kind `sitemap`), or an index of sitemaps, lists."""
    reader = _SitemapReader()
    error = read_xml(raw, reader.begin, reader.end)
    if error is None and len(raw) > LARGEST:
        error = f"it has {len(raw):,} bytes, and at most {LARGEST:,} are read"
    return Sitemap(
        refs=tuple(reader.refs),
        is_index=reader.root == "sitemapindex",
        bad_dates=tuple(dict.fromkeys(reader.bad_dates)),
        alternates=tuple(reader.alternates),
        error=error or reader.error(),
    )


class _SitemapReader:
    def __init__(self) -> None:
        self.refs: list[Ref] = []
        self._shown: set[Ref] = set()
        self.bad_dates: list[str] = []
        self.alternates: list[tuple[str, str, str]] = []
        self.root = ""
        self._space = ""
        self._fault: str | None = None
        self._depth = 0
        self._entries = 0
        self._loc: str | None = None
        self._here: list[tuple[str, str]] = []

    def begin(self, space: str, name: str, attributes: dict[str, str]) -> None:
        if self._depth == 0:
            self.root, self._space = name, space
        elif self._depth == 1:
            self._loc, self._here = None, []
        self._depth += 1
        if space == _XHTML and name == "link":
            rel = attributes.get("rel", "").lower().split()
            if "alternate" in rel and "hreflang" in attributes:
                href = clean(attributes.get("href", ""))
                self._here.append((attributes["hreflang"].strip(), href))

    def end(self, space: str, name: str, text: str) -> None:
        self._depth -= 1
        if self._depth == 1:
            self._end_of_entry(name)
        elif space == _IMAGE and name == "loc":
            self._add("image", text, "image:loc")
        elif space == _VIDEO and name in ("content_loc", "thumbnail_loc"):
            self._add("media", text, f"video:{name}")
        elif space == self._space and self._depth == 2 and name == "loc":
            self._loc = clean(text)
            if self._loc:  # each time that it stands there: none should stand there twice
                self.refs.append(Ref("sitemap", self._loc, "loc", "text"))
        elif space == self._space and self._depth == 2 and name == "lastmod":
            self.bad_dates += [] if is_date(text.strip()) else [text.strip()]

    def _end_of_entry(self, name: str) -> None:
        self._entries += 1
        if not self._loc and name in ("url", "sitemap"):
            self._fault = self._fault or f"its entry {self._entries:,} has no address (loc)"
        elif self._loc and len(self._loc) > LONGEST_LOC:
            self._fault = (
                self._fault
                or f"its entry {self._entries:,} has an address of over {LONGEST_LOC:,} letters"
            )
        self.alternates += [(self._loc or "", language, href) for language, href in self._here]

    def _add(self, kind: str, url: str, element: str) -> None:
        one = Ref(kind, clean(url), element, "text")
        if one.url and one not in self._shown:
            self._shown.add(one)
            self.refs.append(one)

    def error(self) -> str | None:
        if self.root not in ("urlset", "sitemapindex"):
            return f"its root element is {self.root}, and should be urlset or sitemapindex"
        if self._space not in _SPACES:
            said = f"is {self._space}" if self._space else "is missing"
            return f"its namespace {said}, and should be {_SPACES[0]}"
        if self._entries == 0:
            return "it lists nothing"
        if self._entries > MOST_ENTRIES:
            return f"it has {self._entries:,} entries, and at most {MOST_ENTRIES:,} are read"
        return self._fault


_DATE = re.compile(
    r"(?!0000|0001)\d{4}(?:-(\d\d)(?:-(\d\d)(?:T([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"
    r"(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d))?)?)?",
    re.ASCII,
)


def is_date(text: str) -> bool:
    """Whether this is a date of W3C's note on date and time formats, as sitemaps.org asks for.

    The year 1, which programs write for a date that they do not have, is none.
    """
    date = _DATE.fullmatch(text)
    if not date:
        return False
    year, month, day = int(text[:4]), int(date[1] or 1), int(date[2] or 1)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = {2: 29 if leap else 28, 4: 30, 6: 30, 9: 30, 11: 30}.get(month, 31)
    return 1 <= month <= 12 and 1 <= day <= days

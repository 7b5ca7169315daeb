"""What the rules need to know of one file of the site, and nothing of where it lies.

Facts hang on a file's bytes alone, so that they are kept from one run to the next under the digest
of the content. They are made of tuples, lists, strings and numbers only: `marshal` writes and reads
thousands of them in milliseconds.
"""

from __future__ import annotations

from typing import NamedTuple

FORMAT = 2
"""Of kept facts: another number means that they are made anew."""


class Ref(NamedTuple):
    """Something that a page leads to or loads. A page has each only once, in the page's order."""

    kind: str
    """What it is used for, see KINDS."""
    url: str
    """As the browser sees it: entities decoded, blanks around it and line ends in it removed."""
    element: str
    """In small letters: `a`, `img`, `link`, …"""
    attribute: str
    """In small letters; `text` for what stands in an element (a style sheet, a feed's link)."""


KINDS = {
    "link": "a, area: what a visitor follows",
    "image": "img src, input type=image, svg image, poster",
    "srcset": "a candidate of srcset or imagesrcset",
    "media": "audio, video, source src, track, embed, object data",
    "frame": "iframe, frame",
    "script": "script src",
    "style": "link rel=stylesheet, and @import in a style element",
    "css": "url() in a style element, a style attribute or a style sheet",
    "preload": "link rel=preload, modulepreload, prefetch",
    "icon": "link rel=icon, apple-touch-icon, mask-icon",
    "manifest": "link rel=manifest",
    "use": "svg use, whose fragment names a part of a picture; usemap",
    "form": "form action, formaction",
    "refresh": "meta refresh with an address",
    "canonical": "link rel=canonical",
    "alternate": "link rel=alternate hreflang",
    "feed": "link rel=alternate of a feed",
    "rel": "link rel=next, prev, author, license, search, …",
    "cite": "cite of blockquote, q, ins, del; longdesc",
    "og": "og:image, og:url, og:video, og:audio, twitter:image, …",
    "jsonld": "an address in JSON-LD of this page's own kind: url, @id, image, logo",
    "sitemap": "loc of a sitemap, Sitemap: of robots.txt",
}
"""Hints to the browser that load no page (preconnect, dns-prefetch) are no references."""


class Page(NamedTuple):
    """An HTML page."""

    refs: tuple[Ref, ...] = ()
    base: str | None = None
    """href of the first `base` that has one."""
    bases: int = 0
    """How many `base` elements have an href."""
    ids: tuple[str, ...] = ()
    """Every id, and every name of an `a` or a `map`: each once, as written; what a fragment may
    name."""
    double_ids: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    """Text of each title, blanks folded (not those of svg): browsers show the first wherever it
    stands."""
    descriptions: tuple[str, ...] = ()
    """Content of each meta description, blanks folded."""
    h1: tuple[str, ...] = ()
    headings: str = ""
    """The levels in the page's order: `12232`."""
    lang: str | None = None
    """Of the html element; None if it has none."""
    charset: str | None = None
    """As declared by meta or by a byte order mark; None if it is not."""
    viewport: str | None = None
    doctype: bool = True
    robots: tuple[tuple[str, str], ...] = ()
    """(name, content) of each meta for crawlers, small letters: `robots`, `googlebot`, …"""
    canonicals: tuple[str, ...] = ()
    """href of each link rel=canonical in the head."""
    canonical_in_body: bool = False
    alternates: tuple[tuple[str, str], ...] = ()
    """(hreflang, href) of each link rel=alternate hreflang."""
    social: tuple[tuple[str, str], ...] = ()
    """(property, content) of each meta whose property or name begins with og: or twitter:."""
    jsonld_errors: tuple[str, ...] = ()
    """Why a block of JSON-LD cannot be read, one for each such block."""
    no_alt: tuple[str, ...] = ()
    """src of each img (or input type=image, href of an area) that says nothing for whoever cannot
    see it: no alt at all or one of blanks, where that is not allowed."""
    nameless_links: tuple[str, ...] = ()
    """href of each link that has no text, no labelled image, no aria-label, no title."""
    refresh: tuple[float, str] | None = None
    """Seconds and address (raw) of meta refresh; an address of "" is the page itself."""
    bad_refresh: tuple[str, ...] = ()
    """Content of each meta refresh that no browser understands."""
    bad_srcset: tuple[str, ...] = ()
    """srcset values with a candidate that browsers drop, with two for one size, or with widths
    beside densities."""
    empty: tuple[tuple[str, str], ...] = ()
    """(element, attribute) of each address that is there and blank, where blank is an error or
    means this page: img src, script src, a href, …; one entry an occurrence. Also (img, src) and
    (link, href) where the address is missing altogether and nothing stands in for it."""
    leftovers: tuple[str, ...] = ()
    """What templates leave behind when they fail: `ZgotmplZ`, `%!s(`, `{{ .Title }}`, a
    livereload script."""
    forms: tuple[tuple[str, str], ...] = ()
    """(kind, id) of each embedded JotForm form, (kind, address) where that names none rightly;
    kind: script, iframe, link, other."""
    not_utf8: int | None = None
    """Of a page that calls itself UTF-8: where its first byte stands that is none."""
    unclosed: tuple[str, int, int, str] | None = None
    """The comment or element whose end is missing, so that it holds the rest of the page: `comment`
    or the element's name; line, column and excerpt of its beginning."""


class Sheet(NamedTuple):
    """A style sheet."""

    refs: tuple[Ref, ...] = ()


class Feed(NamedTuple):
    """RSS or Atom."""

    refs: tuple[Ref, ...] = ()
    error: str | None = None
    """Why it cannot be read."""


class Sitemap(NamedTuple):
    """A sitemap, or an index of sitemaps."""

    refs: tuple[Ref, ...] = ()
    is_index: bool = False
    bad_dates: tuple[str, ...] = ()
    alternates: tuple[tuple[str, str, str], ...] = ()
    """(loc, hreflang, href) of each xhtml:link."""
    error: str | None = None


class Robots(NamedTuple):
    """robots.txt, RFC 9309."""

    refs: tuple[Ref, ...] = ()
    """Its Sitemap lines."""
    groups: tuple[tuple[tuple[str, ...], tuple[tuple[bool, str], ...]], ...] = ()
    """(agents in small letters, rules); a rule is (allow?, path pattern)."""
    bad_lines: tuple[tuple[int, str], ...] = ()
    """(line number, text) of what is no line of robots.txt; unknown keys are none."""


class Manifest(NamedTuple):
    """A web app manifest."""

    refs: tuple[Ref, ...] = ()
    error: str | None = None


Facts = Page | Sheet | Feed | Sitemap | Robots | Manifest

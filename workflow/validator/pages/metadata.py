"""Elements that tell something of the page itself: `html`, `base`, `link` and `meta`."""

from __future__ import annotations

import re
from sys import intern

from workflow.validator.pages import refresh
from workflow.validator.pages.elements import candidates
from workflow.validator.pages.gathering import Attributes, Found, address, ref

_CRAWLERS = frozenset(
    {
        *("robots", "googlebot", "googlebot-news", "bingbot", "msnbot", "slurp"),
        *("duckduckbot", "yandex", "baiduspider", "applebot"),
    }
)
_SOCIAL_ADDRESSES = frozenset(
    {
        *("og:image", "og:image:url", "og:image:secure_url", "og:url"),
        *("og:video", "og:video:url", "og:video:secure_url"),
        *("og:audio", "og:audio:url", "og:audio:secure_url"),
        *("twitter:image", "twitter:image:src", "twitter:player", "twitter:player:stream"),
    }
)
_RELS = {
    "stylesheet": "style",
    "canonical": "canonical",
    "icon": "icon",
    "apple-touch-icon": "icon",
    "apple-touch-icon-precomposed": "icon",
    "mask-icon": "icon",
    "fluid-icon": "icon",
    "manifest": "manifest",
    "preload": "preload",
    "modulepreload": "preload",
    "prefetch": "preload",
    "prerender": "preload",
}
"""The kind that a link's first known rel makes it; `alternate` is told apart by its attributes."""
_LOAD_NOTHING = frozenset(("preconnect", "dns-prefetch", "profile"))
"""Hints to warm up a connection, and a namespace that looks like an address."""
_FEEDS = frozenset(("application/rss+xml", "application/atom+xml", "application/feed+json"))
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';]+)", re.IGNORECASE)


def link(found: Found, attributes: Attributes, in_head: bool) -> None:
    """A `link`; canonical and alternate ones tell something of the page in its head alone."""
    rels = (attributes.get("rel") or "").lower().split()
    if "imagesrcset" in attributes:
        candidates(found, "link", "imagesrcset", attributes["imagesrcset"])
    if _LOAD_NOTHING.issuperset(rels):
        return
    hreflang = attributes.get("hreflang") or ""
    kind = next((_RELS[rel] for rel in rels if rel in _RELS), "rel")
    if kind == "rel" and "alternate" in rels:
        if hreflang:
            kind = "alternate"
        elif (attributes.get("type") or "").partition(";")[0].strip().lower() in _FEEDS:
            kind = "feed"
    url = ""
    if "href" in attributes:
        url = found.add(kind, "link", "href", attributes["href"])
    elif "imagesrcset" not in attributes:
        found.empty.append(("link", "href"))
    if kind == "canonical":
        found.head.canonical_in_body |= not in_head
        if url and in_head:
            found.head.canonicals.append(url)
    elif kind == "alternate" and in_head:
        found.alternates.append((hreflang, url))


def meta(found: Found, name: str, attributes: Attributes) -> None:
    content = attributes.get("content") or ""
    head = found.head
    charset = attributes.get("charset")
    if charset:
        head.first.setdefault("charset", charset.strip())
    directive = (attributes.get("http-equiv") or "").strip().lower()
    if directive == "refresh":
        _refresh(found, content)
    elif directive == "content-type" and (declared := _CHARSET.search(content)):
        head.first.setdefault("charset", declared[1])
    names = [(attributes.get(one) or "").strip().lower() for one in ("name", "property")]
    for key in names if names[0] != names[1] else names[:1]:
        if key == "description":
            head.descriptions.append(intern(" ".join(content.split())))
        elif key == "viewport":
            head.first.setdefault("viewport", intern(content))
        elif key in _CRAWLERS:
            head.robots.append((intern(key), intern(content.lower())))
        elif key.startswith(("og:", "twitter:")):
            found.social.append((intern(key), intern(content.strip())))
            url = address(content) if key in _SOCIAL_ADDRESSES else ""
            if url:
                found.refs.append(ref("og", url, name, "content"))
        elif key == "msapplication-tileimage":
            found.add("icon", name, "content", content)


def _refresh(found: Found, content: str) -> None:
    read = refresh.parse(content)
    if read is None:
        found.bad_refresh.append(content)
        return
    url = address(read[1])
    if url:
        found.refs.append(ref("refresh", url, "meta", "content"))
    found.head.refresh = found.head.refresh or (read[0], url)


def html(found: Found, name: str, attributes: Attributes) -> None:
    if "lang" in attributes:
        found.head.first.setdefault("lang", attributes["lang"] or "")


def base(found: Found, name: str, attributes: Attributes) -> None:
    if "href" in attributes:
        found.head.bases.append(address(attributes["href"] or ""))

"""Hugo's alias pages: tiny pages at an old address whose only purpose is to lead to the new one.

<link rel=canonical href=URL> … <meta http-equiv=refresh content="0; url=URL">
"""

from __future__ import annotations

import html
import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from workflow.deploy.markup import TAG, attributes

LARGEST = 4096
"""Bytes of a page that is looked at: Hugo's own have 300."""
_LONGEST_LOCATION = 2048
"""S3 takes no longer ones."""

_AT_ONCE = re.compile(r"(?is)\s*0(?:\.0*)?\s*[;,]\s*url\s*=\s*[\"']?(.+?)[\"']?\s*")


def target(page: bytes) -> str | None:
    """Where the page leads, as written, if it is an alias.

    It must lead there at once and call it canonical: a page that refreshes for want of JavaScript
    (in <noscript>) is a page of its own.
    """
    if len(page) > LARGEST or b"refresh" not in page.lower():
        return None
    leads = canonical = None
    for tag in TAG.finditer(page):
        said = {
            name: html.unescape(value.decode("utf-8", "replace"))
            for name, value in attributes(tag["said"] or b"")
        }
        if said.get("rel", "").lower() == "canonical":
            canonical = said.get("href")
        elif said.get("http-equiv", "").lower() == "refresh":
            found = _AT_ONCE.fullmatch(said.get("content", ""))
            leads = found[1] if found else None
    return leads if leads is not None and leads == canonical else None


def location(path: str, target: str, base_url: str) -> str | None:
    """The target of the alias at `path`, as S3 wants it in its header: plain ASCII, and without
    the host if that is the site's. None if S3 could not do what the page does.
    """
    home = urlsplit(base_url.rstrip("/") + "/")
    try:
        here = urlsplit(urljoin(home.geturl(), quote(path)))
        to = urlsplit(urljoin(here.geturl(), target))
        host = to.netloc if to.netloc.isascii() else to.netloc.encode("idna").decode()
    except ValueError:
        return None
    if to.scheme not in ("http", "https"):
        return None
    scheme = to.scheme
    if _host(host) == _host(home.netloc):
        if _page(to.path) == _page(here.path):
            return None  # to itself: the page would never be seen again
        scheme = host = ""
    parts = (_quoted(to.path) or "/", _quoted(to.query), _quoted(to.fragment))
    said = urlunsplit((scheme, host, *parts))
    # `//x` would be another host.
    return said if len(said) <= _LONGEST_LOCATION and not said.startswith("//") else None


def _quoted(text: str) -> str:
    return quote(text, safe="/%:?#[]@!$&'()*+,;=~")


def _host(netloc: str) -> str:
    return netloc.rpartition("@")[2].lower().removesuffix(":80").removesuffix(":443")


def _page(path: str) -> str:
    """One spelling for the addresses of one page: a loop must be seen as one."""
    return quote(path, safe="/%").removesuffix("index.html").rstrip("/")

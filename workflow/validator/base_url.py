"""Where a built site will be, as far as the site itself says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from urllib.parse import unquote, urlsplit

from workflow.validator.facts import Sitemap
from workflow.validator.sites import Site

_PAGES = 20
"""Pages that are asked, beside the home page."""


def built_for(site: Site) -> str | None:
    """The base URL that the site was built with: what most pages call their own address, less
    their path; of a tie the home page's word counts. None if nothing says so.

    A home page that only leads on to that of a language (`/` to `/en/`) names the other's address.
    """
    said = Counter(_said(site)).most_common(1)
    return said[0][0] if said else None


def _said(site: Site) -> Iterator[str]:
    paths = [path for path in ("index.html",) if path in site.pages]
    paths += islice((path for path in sorted(site.pages) if path != "index.html"), _PAGES)
    for path in paths:
        page = site.pages[path]
        if page.refresh is None:
            own = [*page.canonicals, *(url for name, url in page.social if name == "og:url")]
            yield from filter(None, (_root(url, path) for url in own))
    sitemaps = {path: one for path, one in site.facts.items() if isinstance(one, Sitemap)}
    for sitemap in sitemaps.values():
        urls = [ref.url for ref in sitemap.refs]
        # Of an index they are sitemaps, `en/sitemap.xml` before `sitemap.xml`; else the shortest is
        # the home page's.
        files = sorted(sitemaps, key=len, reverse=True) if sitemap.is_index else ("index.html",)
        for url in urls if sitemap.is_index else sorted(urls, key=len)[:1]:
            yield from filter(None, (_root(url, path) for path in files))


def _root(url: str, path: str) -> str | None:
    """`https://example.org/blog/` of `https://example.org/blog/about/` for `about/index.html`."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    said = unquote(parts.path).removesuffix("index.html") or "/"
    own = path.removesuffix("index.html")
    if parts.scheme not in ("http", "https") or not parts.netloc or not said.endswith("/" + own):
        return None
    return f"{parts.scheme}://{parts.netloc}{said[: len(said) - len(own)]}"

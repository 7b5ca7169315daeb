"""Where a built site will be, as far as the site itself says so."""

from __future__ import annotations

from urllib.parse import urlsplit

from workflow.validator.facts import Sitemap
from workflow.validator.sites import Site


def built_for(site: Site) -> str | None:
    """The base URL that the site was built with: what its home page calls its own address, else
    the shortest address of its sitemap. None if neither is there, or they say nothing whole.
    """
    home = site.pages.get("index.html")
    said: list[str] = []
    if home is not None:
        said += home.canonicals
        said += [content for name, content in home.social if name == "og:url"]
    for path in ("sitemap.xml", "en/sitemap.xml"):
        facts = site.facts.get(path)
        if isinstance(facts, Sitemap) and facts.refs and not facts.is_index:
            said.append(min((ref.url for ref in facts.refs), key=len))
    return next((url for url in map(_folder, said) if url is not None), None)


def _folder(url: str) -> str | None:
    """`https://example.org/blog/` of that or of its index.html; None for what is no whole address,
    or that of a page below."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    path = parts.path.removesuffix("index.html") or "/"
    if parts.scheme not in ("http", "https") or not parts.netloc or not path.endswith("/"):
        return None
    return f"{parts.scheme}://{parts.netloc}{path}"

"""What several rules ask about a site: which pages are to be found, and under what address."""

from __future__ import annotations

from typing import NamedTuple

from workflow.validator.facts import Sitemap
from workflow.validator.links import urls
from workflow.validator.links.resolving import Resolver, Verdict
from workflow.validator.seo.page_kinds import hidden_by, is_alias, is_error_page, is_proof
from workflow.validator.sites import Site


class Survey(NamedTuple):
    """A site, and what its pages are to search engines. Pages are named by their paths."""

    site: Site
    resolver: Resolver
    aliases: frozenset[str]
    hidden: frozenset[str]
    """Pages that say noindex."""
    canonicals: dict[str, Verdict]
    """Where the canonical address leads, of the pages in which search engines look for it."""
    elsewhere: dict[str, str]
    """Of pages whose canonical address is that of another file in the site: that file."""
    findable: tuple[str, ...]
    """Pages that search engines list under their own address."""
    sitemaps: dict[str, Sitemap]
    in_sitemap: dict[str, str]
    """Files that a sitemap names, and the sitemap."""

    def shown(self, path: str) -> str:
        """The address of a file as people write it."""
        return self.resolver.shown(path)

    @property
    def origin(self) -> str:
        """`https://example.org`, or "" if nobody said where the site will be."""
        base_url = urls.clean(self.site.base_url or "")
        if urls.scheme_of(base_url) not in urls.WEB:
            return ""
        try:
            address = urls.parse(base_url)
        except urls.InvalidAddress:
            return ""
        return f"{address.scheme}://{address.host}"


def survey(site: Site, resolver: Resolver) -> Survey:
    """Look at every page once."""
    aliases, hidden, findable = set(), set(), []
    canonicals: dict[str, Verdict] = {}
    elsewhere: dict[str, str] = {}
    for path in sorted(site.pages):
        page = site.pages[path]
        if page.refresh is not None and is_alias(page):
            aliases.add(path)
        elif is_error_page(path) or is_proof(path):
            continue
        elif page.robots and hidden_by(page):
            hidden.add(path)
        else:
            if page.canonicals:
                verdict = resolver.resolve(path, page.base, page.canonicals[0])
                canonicals[path] = verdict
                target = verdict.path
                if target != path and target is not None and verdict.kind != "case":
                    elsewhere[path] = target
                    continue
            findable.append(path)
    sitemaps = {path: one for path, one in site.facts.items() if isinstance(one, Sitemap)}
    return Survey(
        site,
        resolver,
        frozenset(aliases),
        frozenset(hidden),
        canonicals,
        elsewhere,
        tuple(findable),
        sitemaps,
        _named(sitemaps, resolver),
    )


def _named(sitemaps: dict[str, Sitemap], resolver: Resolver) -> dict[str, str]:
    found: dict[str, str] = {}
    for path, sitemap in sitemaps.items():
        if not sitemap.is_index:
            for ref in sitemap.refs:
                if ref.kind == "sitemap":
                    target = resolver.resolve(path, None, ref.url).path
                    if target is not None:
                        found.setdefault(target, path)
    return found

"""The rules on sitemaps against what is there. Source: sitemaps.org, and what Google asks for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from workflow.validator.facts import Page, Ref, Robots, Sitemap
from workflow.validator.findings import Finding, Rule
from workflow.validator.links import urls
from workflow.validator.links.resolving import Verdict
from workflow.validator.seo.page_kinds import HOME, is_error_page, is_paginated
from workflow.validator.seo.survey import Survey
from workflow.validator.seo.wording import listed, quoted

RULES: tuple[Rule, ...] = (
    Rule(
        "sitemap-missing", "notice", "The site has no sitemap",
        "Let Hugo write one (it does, unless disableKinds names it), and name it in robots.txt.",
    ),
    Rule(
        "sitemap-invalid", "error", "A sitemap that search engines cannot read",
        "Correct the template; without one of its own, Hugo writes a good one.",
    ),
    Rule(
        "sitemap-broken", "error", "A sitemap lists what is not there",
        "Build the site anew into an empty folder, or correct the template.",
    ),
    Rule(
        "sitemap-relative", "error", "A sitemap lists a relative address",
        "Write the whole address; in Hugo, .Permalink.",
    ),
    Rule(
        "sitemap-foreign", "warning", "A sitemap lists addresses of another site",
        "Build the site for its own base URL: search engines pass over others.",
    ),
    Rule(
        "sitemap-noindex", "warning", "A sitemap lists a page that is not to be listed",
        "Take it out (in Hugo, `sitemap: {disable: true}` in its front matter), or its noindex.",
    ),
    Rule(
        "sitemap-canonical", "warning", "A sitemap lists a page under another than its own address",
        "List canonical addresses alone, written as the pages have them.",
    ),
    Rule(
        "sitemap-redirect", "warning", "A sitemap lists an address that leads on to another",
        "List where it leads.",
    ),
    Rule(
        "sitemap-double", "notice", "A sitemap lists a page that is listed already",
        "List each page once.",
    ),
    Rule(
        "sitemap-lastmod", "warning", "A date in a sitemap that search engines cannot read",
        "Write 2026-03-04 or 2026-03-04T05:06:07+01:00 (W3C date and time), or leave it out.",
    ),
    Rule(
        "sitemap-unlisted", "notice", "A page that search engines may list is in no sitemap",
        "List it, or let it say noindex.",
    ),
)  # fmt: skip

_PLAIN = ("sitemap.txt", "sitemap.xml.gz")


def sitemap_findings(survey: Survey) -> Iterator[Finding]:
    """Of every sitemap, and of the pages that none of them lists."""
    where: dict[str, str] = {}
    for path, sitemap in sorted(survey.sitemaps.items()):
        if sitemap.error is not None:
            yield Finding("sitemap-invalid", path, f"it cannot be read: {sitemap.error}")
        if sitemap.bad_dates:
            dates = sitemap.bad_dates
            message = f"no dates of the right form: {listed(map(quoted, dates), len(dates))}"
            yield Finding("sitemap-lastmod", path, message, dates[0], "lastmod", "text")
        yield from _entries(path, sitemap, survey, where)
    if not survey.sitemaps:
        yield from _missing(survey)
    elif where and not any(one.error for one in survey.sitemaps.values()):
        # Those that are built for another host list none of the pages, which is told as such.
        for page in survey.findable:
            if page not in where and not is_paginated(page):
                yield Finding("sitemap-unlisted", page, "no sitemap lists the page")


def _entries(
    path: str, sitemap: Sitemap, survey: Survey, where: dict[str, str]
) -> Iterator[Finding]:
    foreign: dict[str, list[str]] = defaultdict(list)
    scheme = survey.origin.partition("://")[0]
    resolve = survey.resolver.resolve
    for ref in sitemap.refs:
        url = ref.url
        verdict = resolve(path, None, url)
        if urls.scheme_of(url) is None:
            message = f"{quoted(url)} is not a whole address"
            yield _finding("sitemap-relative", path, message, ref)
        target = verdict.path
        if verdict.kind in ("found", "folder") and target is not None:
            if ref.kind != "sitemap":
                continue
            if scheme and urls.scheme_of(url) not in (None, scheme):
                foreign[f"{urls.scheme_of(url)}://{survey.origin.partition('://')[2]}"].append(url)
            if sitemap.is_index:
                yield from _child(path, ref, target, survey)
                continue
            yield from _entry(path, ref, verdict, target, survey)
            if target in where:
                other = "" if where[target] == path else f" in {survey.shown(where[target])}"
                message = f"{survey.shown(target)} is listed already{other}"
                yield _finding("sitemap-double", path, message, ref)
            else:
                where[target] = path
        elif verdict.kind == "external":
            # Pictures and videos often come from elsewhere.
            if ref.kind == "sitemap" and survey.origin:
                foreign["/".join((verdict.address or "").split("/", 3)[:3])].append(url)
        elif verdict.kind != "skipped":
            message = verdict.detail or f"{quoted(url)} leads nowhere"
            yield _finding("sitemap-broken", path, message, ref)
    for origin, listed_urls in foreign.items():
        yield _foreign(path, origin, listed_urls, survey)


def _child(path: str, ref: Ref, target: str, survey: Survey) -> Iterator[Finding]:
    """An entry of an index."""
    facts = survey.sitemaps.get(target)
    shown = survey.shown(target)
    if facts is not None and facts.is_index:
        message = f"{shown} is an index too, and an index lists sitemaps alone"
        yield _finding("sitemap-invalid", path, message, ref)
    elif isinstance(survey.site.facts.get(target), Page):
        yield _finding("sitemap-invalid", path, f"{shown} is a page, and no sitemap", ref)


def _entry(path: str, ref: Ref, verdict: Verdict, target: str, survey: Survey) -> Iterator[Finding]:
    shown = survey.shown(target)
    if target in survey.aliases:
        yield _finding("sitemap-redirect", path, f"{shown} only leads on to another page", ref)
    elif target in survey.hidden:
        yield _finding("sitemap-noindex", path, f"{shown} says noindex", ref)
    elif target in survey.elsewhere:
        then = survey.shown(survey.elsewhere[target])
        message = f"{shown} says that its canonical address is {then}"
        yield _finding("sitemap-canonical", path, message, ref)
    elif is_error_page(target):
        message = f"{shown} is what visitors see of pages that are not there"
        yield _finding("sitemap-noindex", path, message, ref)
    elif verdict.kind == "folder":
        yield _finding("sitemap-redirect", path, verdict.detail, ref)
    elif verdict.fragment:
        message = f"{quoted(ref.url)} has a fragment, which search engines pass over"
        yield _finding("sitemap-canonical", path, message, ref)
    elif ref.url.partition("?")[0].endswith("/index.html"):
        yield _finding("sitemap-canonical", path, f"the page's address is {shown}", ref)


def _foreign(path: str, origin: str, found: list[str], survey: Survey) -> Finding:
    """All addresses of one host together: a site that was built for another has no other."""
    own = survey.site.base_url
    some = "an address" if len(found) == 1 else f"{len(found):,} addresses"
    message = f"{some} at {origin}, and the site is at {own}: {listed(found, len(found))}"
    return Finding("sitemap-foreign", path, message, found[0], "loc", "text")


def _missing(survey: Survey) -> Iterator[Finding]:
    site = survey.site
    robots = site.facts.get("robots.txt")
    is_elsewhere = isinstance(robots, Robots) and bool(robots.refs)
    if not (is_elsewhere or site.files.intersection(_PLAIN)) and survey.findable:
        home = HOME if HOME in site.pages else survey.findable[0]
        yield Finding("sitemap-missing", home, "there is no sitemap.xml")


def _finding(code: str, path: str, message: str, ref: Ref) -> Finding:
    return Finding(code, path, message, ref.url, ref.element, ref.attribute)

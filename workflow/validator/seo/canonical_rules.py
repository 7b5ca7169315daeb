"""The rules on canonical addresses, by which search engines tell which of several pages is meant.

That the address exists at all is a rule on references (canonical-broken).
"""

from __future__ import annotations

from collections.abc import Iterator

from workflow.validator.facts import Page
from workflow.validator.findings import Finding, Rule
from workflow.validator.links import urls
from workflow.validator.links.resolving import Verdict
from workflow.validator.seo.page_kinds import HOME, first_of_list, is_error_page, is_proof
from workflow.validator.seo.survey import Survey
from workflow.validator.seo.wording import quoted

RULES: tuple[Rule, ...] = (
    Rule(
        "canonical-missing", "notice", "A page does not say what its canonical address is",
        'Put `<link rel="canonical" href="{{ .Permalink }}">` in the head.',
    ),
    Rule(
        "canonical-many", "error", "A page has more than one canonical address",
        "Keep one: search engines go by none of several.",
    ),
    Rule(
        "canonical-body", "warning",
        "A canonical link stands outside the head, and has no effect",
        "Move it into the head; an element that belongs in the body may have ended the head early.",
    ),
    Rule(
        "canonical-relative", "warning", "A canonical address is relative",
        "Write the whole address with its scheme; in Hugo, .Permalink.",
    ),
    Rule(
        "canonical-foreign", "notice", "A canonical address is that of another site",
        "If that is not meant, build the site for its own base URL.",
    ),
    Rule(
        "canonical-differs", "warning", "A canonical address is not written as the page's own is",
        "Write it as the site's links have it: scheme, slash at the end, no index.html, no #.",
    ),
    Rule(
        "canonical-redirect", "warning", "A canonical address is that of a page that leads on",
        "Name the page where it leads.",
    ),
    Rule(
        "canonical-noindex", "warning", "A canonical address is that of a page that says noindex",
        "Decide which of the two pages shall be found.",
    ),
    Rule(
        "canonical-chain", "warning", "A canonical page names another page as the canonical one",
        "Name the last page of the chain.",
    ),
    Rule(
        "canonical-page", "notice", "A further page of a list names the first as its canonical one",
        "Let each page of a list name itself; in Hugo, .Paginator.URL knows its address.",
    ),
    Rule(
        "canonical-home", "warning", "A page names the home page as its canonical address",
        "Let each page name its own; search engines drop a page that does so.",
    ),
)  # fmt: skip


def canonical_findings(survey: Survey) -> Iterator[Finding]:
    """Of all pages that search engines are to list."""
    scheme = survey.origin.partition("://")[0]
    for path, page in sorted(survey.site.pages.items()):
        if path in survey.aliases or path in survey.hidden or is_error_page(path):
            continue
        if page.canonicals:
            yield from _of_page(path, page, survey, scheme)
        elif page.canonical_in_body:
            message = "the canonical link stands outside the head"
            yield Finding("canonical-body", path, message, None, "link", "rel")
        elif not is_proof(path):
            yield Finding("canonical-missing", path, "the page has no canonical address")


def _of_page(path: str, page: Page, survey: Survey, scheme: str) -> Iterator[Finding]:
    url = page.canonicals[0]
    different = tuple(dict.fromkeys(page.canonicals))
    if len(different) > 1:
        message = f"the page has {len(different)} canonical addresses: {', '.join(different[:3])}"
        yield Finding("canonical-many", path, message, different[1], "link", "href")
        return
    verdict = survey.canonicals.get(path)
    if verdict is None or verdict.kind in ("invalid", "missing", "no-index", "outside", "case"):
        return
    if urls.scheme_of(url) is None:
        message = f"the canonical address {quoted(url)} is relative"
        yield Finding("canonical-relative", path, message, url, "link", "href")
    if verdict.path is not None:
        for code, message in _of_target(path, verdict.path, survey):
            yield Finding(code, path, message, url, "link", "href")
        if said := _otherwise_written(url, verdict, scheme):
            yield Finding("canonical-differs", path, said, url, "link", "href")
    elif verdict.kind == "external" and survey.origin:
        host = (verdict.address or "").split("/", 3)[2]
        if not urls.is_local(host):
            where = "outside the site" if survey.origin.endswith("//" + host) else f"on {host}"
            message = f"the canonical address is {where}"
            yield Finding("canonical-foreign", path, message, url, "link", "href")


def _of_target(path: str, target: str, survey: Survey) -> Iterator[tuple[str, str]]:
    """(code, message) of what is wrong with the page that is named."""
    if target == path:
        return
    shown = survey.shown(target)
    list_page = first_of_list(path)
    if target in survey.aliases:
        yield "canonical-redirect", f"the canonical address {shown} only leads on"
    elif target in survey.hidden:
        yield "canonical-noindex", f"the canonical address {shown} says noindex"
    elif target in survey.elsewhere:
        then = survey.shown(survey.elsewhere[target])
        yield "canonical-chain", f"the canonical address {shown} names {then} in turn"
    elif target == list_page:
        yield "canonical-page", f"the page names {shown}, the first of its list, as canonical"
    elif target == HOME and list_page is None:
        pages = survey.site.pages
        home = pages.get(HOME)
        # What is the home page under another address may well say so.
        if home is None or home.titles[:1] != pages[path].titles[:1]:
            yield "canonical-home", "the page names the home page as its canonical address"


def _otherwise_written(url: str, verdict: Verdict, scheme: str) -> str | None:
    if verdict.kind == "folder":
        return f"{quoted(url)} lacks the slash at its end"
    if verdict.fragment:
        return f"{quoted(url)} has a fragment, which search engines pass over"
    written = urls.scheme_of(url)
    if scheme and written not in (None, scheme):
        return f"{quoted(url)} says {written}:, and the site is at {scheme}:"
    if url.partition("?")[0].endswith("/index.html"):
        return f"{quoted(url)} names the file index.html"
    return None

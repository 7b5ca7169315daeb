"""The rules on references: does what pages and style sheets lead to, or load, exist as written."""

from __future__ import annotations

from collections.abc import Iterator

from workflow.validator.facts import Page, Ref, Sheet
from workflow.validator.findings import Finding, Rule
from workflow.validator.links import urls
from workflow.validator.links.references import Judged, Problem, judge
from workflow.validator.links.resolving import Resolver
from workflow.validator.seo import page_kinds
from workflow.validator.sites import Site

RULES: tuple[Rule, ...] = (
    Rule(
        "link-broken", "error", "A link leads to a page or file that is not there",
        "Correct the address, or bring back what it led to (an alias will do).",
    ),
    Rule(
        "link-fragment", "error", "A link leads to a place in a page that is not there",
        "Give the element that id, or correct what follows the # in the address.",
    ),
    Rule(
        "link-case", "error", "An address differs from the file's in small and capital letters",
        "Write it as the file is named: S3 tells the two apart, a Mac does not.",
    ),
    Rule(
        "link-no-index", "error", "A link leads to a folder without an index.html",
        "Link to a page in it, or give the folder one (in Hugo, an _index.md).",
    ),
    Rule(
        "link-outside", "error", "An address leaves the path of the site's base URL",
        "Use relURL or absURL in the template. If another site of that host is meant, write the "
        "whole address with https://.",
    ),
    Rule(
        "link-invalid", "error", "An address that no browser can follow",
        "Correct it, or remove it.",
    ),
    Rule(
        "link-localhost", "error", "An address that is there on one machine or network only",
        "Write the address that visitors can reach.",
    ),
    Rule(
        "link-folder", "warning", "A link to a folder lacks the slash at its end",
        "Add the slash: without it every visit takes a redirect, or fails where none is set up.",
    ),
    Rule(
        "link-redirect", "warning", "A link leads to a page that only leads on to another",
        "Link to where it leads.",
    ),
    Rule(
        "link-empty", "warning", "An address is empty, which means the page itself",
        "Give it an address, or remove the attribute.",
    ),
    Rule(
        "link-untidy", "warning", "An address that browsers put right and others may not",
        "Write it as the standard has it.",
    ),
    Rule(
        "mail-invalid", "warning", "A mailto: link without a proper mail address",
        "Write mailto:name@example.org; more than one are parted by commas.",
    ),
    Rule(
        "link-plus", "notice", "A + stands in a path, which S3 reads as a blank",
        "Write %2B, or name the page without it.",
    ),
    Rule(
        "link-insecure", "notice", "A link uses http: instead of https:",
        "Try the address with https:; nearly all sites have it.",
    ),
    Rule(
        "mixed-content", "error", "A page that comes by https loads something by http",
        "Use https:, or a copy in this site: browsers hold back what comes by http.",
    ),
    Rule(
        "image-broken", "error", "An image is not there, or none is named",
        "Correct the address, or add the image to static/ or to the page's bundle.",
    ),
    Rule(
        "srcset-broken", "error", "An image that is one of several sizes is not there",
        "Correct the address in srcset, or add the image.",
    ),
    Rule(
        "srcset-invalid", "warning", "A srcset that browsers read only in part, or not at all",
        "Write `address 480w, address 800w` or `address 1x, address 2x`: one unit, no size twice.",
    ),
    Rule(
        "media-broken", "error", "A video, sound or other medium is not there, or none is named",
        "Correct the address, or add the file.",
    ),
    Rule(
        "frame-broken", "error", "What a frame shows is not there, or none is named",
        "Correct the address, or remove the iframe.",
    ),
    Rule(
        "script-broken", "error", "A script is not there, or none is named",
        "Correct the address, or build the script again.",
    ),
    Rule(
        "script-empty", "warning", "A script that neither holds nor names anything",
        "Name it in src, or take the element out.",
    ),
    Rule(
        "style-broken", "error", "A style sheet is not there",
        "Correct the address, or build the style sheet again.",
    ),
    Rule(
        "css-broken", "error", "An image or font that a style names is not there",
        "Correct the url(); in a style sheet it counts from the sheet, not from the page.",
    ),
    Rule(
        "use-broken", "error", "A part of a picture (svg use, image map) is not there",
        "Correct the address, or the id in the picture.",
    ),
    Rule(
        "manifest-broken", "error", "The web app manifest is not there",
        "Correct the address, or remove the link.",
    ),
    Rule(
        "preload-broken", "warning", "What a page asks to be loaded early is not there",
        "Correct the address, or remove the link.",
    ),
    Rule(
        "icon-broken", "warning", "The site's icon is not there",
        "Correct the address, or add the icon to static/.",
    ),
    Rule(
        "form-action-broken", "error", "A form is sent to a page that is not there",
        "Correct the form's action.",
    ),
    Rule(
        "refresh-broken", "error", "A page leads on to one that is not there, or in a circle",
        "Correct or remove the alias in the front matter of the page that it is for.",
    ),
    Rule(
        "refresh-invalid", "warning", "A meta refresh that does nothing, or loads a page for ever",
        'Write content="0; url=ADDRESS", or remove it.',
    ),
    Rule(
        "canonical-broken", "error", "The canonical address of a page is not there",
        "Let the template write .Permalink.",
    ),
    Rule(
        "hreflang-broken", "error", "The page in another language is not there",
        "Let the template go through .Translations, which holds only what is built.",
    ),
    Rule(
        "og-broken", "error", "An image or page for social media is not there",
        "Correct the image in the front matter, or the address in the template.",
    ),
    Rule(
        "jsonld-broken", "warning", "An address in JSON-LD is not there",
        "Correct the address in the template.",
    ),
    Rule(
        "cite-broken", "warning", "The source that a quotation names is not there",
        "Correct the cite attribute; readers do not see it, programs do.",
    ),
    Rule(
        "page-orphan", "notice", "No link leads to a page",
        "Link to it, put it into a menu, or do not publish it.",
    ),
)  # fmt: skip

_EMPTY = {
    ("img", "src"): "image-broken",
    ("image", "href"): "image-broken",
    ("image", "xlink:href"): "image-broken",
    ("input", "src"): "image-broken",
    ("script", "src"): "script-broken",
    ("iframe", "src"): "frame-broken",
    ("frame", "src"): "frame-broken",
    ("audio", "src"): "media-broken",
    ("video", "src"): "media-broken",
    ("source", "src"): "media-broken",
    ("track", "src"): "media-broken",
    ("embed", "src"): "media-broken",
    ("object", "data"): "media-broken",
    ("use", "href"): "use-broken",
    ("use", "xlink:href"): "use-broken",
    ("img", "srcset"): "srcset-invalid",
    ("source", "srcset"): "srcset-invalid",
    ("link", "imagesrcset"): "srcset-invalid",
}
"""The rules for addresses that are blank; for all others it is link-empty."""
_UNSEEN = ("cite", "longdesc")
"""Attributes that nothing is lost by if they are blank."""


def link_findings(site: Site, resolver: Resolver) -> Iterator[Finding]:
    """All that is wrong with the references of pages and style sheets; one finding for each
    reference of a page and what it is used for, wherever and however often it stands there."""
    scheme = urls.scheme_of(site.base_url or "")
    linked: set[str] = set()
    kept: dict[str | None, dict[Ref, Judged]] = {None: {}}
    for path in sorted(site.pages):
        page = site.pages[path]
        yield from _of_references(path, page, resolver, scheme, kept, linked)
        yield from _of_page(path, page)
    for path, facts in sorted(site.facts.items()):
        if isinstance(facts, Sheet):
            for ref in facts.refs:
                problem = judge(resolver, path, None, ref, scheme).problem
                if problem is not None:
                    yield _finding(path, ref, problem)
    yield from _orphans(site, resolver, linked)


def _of_references(
    path: str,
    page: Page,
    resolver: Resolver,
    scheme: str | None,
    kept: dict[str | None, dict[Ref, Judged]],
    linked: set[str],
) -> list[Finding]:
    """`kept` are answers that hold on every page, by the base element: menus are judged once."""
    base = page.base
    known = kept.setdefault(base, {}) if base is None or _is_whole(base) else {}
    ids = frozenset(page.ids) if base is None else frozenset()
    is_alias = page_kinds.is_alias(page)
    wrong: dict[tuple[str, str], tuple[Ref, Problem]] = {}
    targets = set()
    for ref in page.refs:
        judged = known.get(ref)
        if judged is None:
            url = ref.url
            # A table of contents is half of all references, and nearly always right.
            if url[:1] == "#" and url[1:] in ids:
                continue
            judged = judge(resolver, path, base, ref, scheme)
            if base is not None or _is_whole(url):
                known[ref] = judged
        problem, target = judged
        if target is not None:
            targets.add(target)
        # An alias names its target twice, and is wrong but once.
        if problem is not None and not (is_alias and ref.kind == "canonical"):
            wrong.setdefault((ref.kind, ref.url), (ref, problem))
    targets.discard(path)
    linked |= targets
    return [_finding(path, ref, problem) for ref, problem in wrong.values()]


def _is_whole(url: str) -> bool:
    """Whether a reference means the same on all pages."""
    return url[:1] == "/" or (":" in url and urls.scheme_of(url) is not None)


def _of_page(path: str, page: Page) -> Iterator[Finding]:
    """What is wrong with references that are none."""
    for element, attribute in dict.fromkeys(page.empty):
        if attribute in _UNSEEN:
            continue
        if attribute == "text":
            message = f"a {element} has neither content nor an address"
            yield Finding("script-empty", path, message, None, element)
            continue
        code = _EMPTY.get((element, attribute), "link-empty")
        message = f"{attribute} of {element} names nothing"
        yield Finding(code, path, message, "", element, attribute)
    for value in dict.fromkeys(page.bad_srcset):
        message = f"browsers drop a size of the srcset {_short(value)}"
        yield Finding("srcset-invalid", path, message, value)
    for value in dict.fromkeys(page.bad_refresh):
        message = f"no browser understands {_short(value) or 'a refresh without content'}"
        yield Finding("refresh-invalid", path, message, value, "meta", "content")
    if page.refresh is not None and page.refresh[0] == 0 and not page.refresh[1].strip():
        message = "the page loads itself again and again"
        yield Finding("refresh-invalid", path, message, None, "meta", "content")


def _orphans(site: Site, resolver: Resolver, linked: set[str]) -> Iterator[Finding]:
    reached = set(linked)
    for path in [*linked, page_kinds.HOME]:
        final = resolver.leads_to(path)
        if final is not None and final.path is not None:
            reached.add(final.path)
    for path in sorted(site.pages.keys() - reached):
        if not _needs_no_link(path, site.pages[path]):
            yield Finding("page-orphan", path, "no link leads to this page")


def _needs_no_link(path: str, page: Page) -> bool:
    """Whether a page is found in another way, or is not to be found."""
    return (
        path == page_kinds.HOME
        or path.startswith(".well-known/")
        or page_kinds.is_error_page(path)
        or page_kinds.is_proof(path)
        or page_kinds.is_alias(page)
        or page_kinds.hidden_by(page) is not None
    )


def _finding(path: str, ref: Ref, problem: Problem) -> Finding:
    code, message, hint = problem
    return Finding(code, path, message, ref.url, ref.element, ref.attribute, hint)


def _short(value: str) -> str:
    folded = " ".join(value.split())
    return folded if len(folded) <= 80 else folded[:79] + "…"

"""The rules on what social media show of a page. Sources: ogp.me, and the documentation of X cards.

That images exist is a rule on references (og-broken).
"""

from __future__ import annotations

from collections.abc import Iterator

from workflow.validator.facts import Page
from workflow.validator.findings import Finding, Rule
from workflow.validator.links import urls
from workflow.validator.links.references import EMPTY_PARAMETER
from workflow.validator.links.resolving import Verdict
from workflow.validator.seo.page_kinds import HOME, is_error_page, is_proof
from workflow.validator.seo.survey import Survey
from workflow.validator.seo.wording import quoted

REQUIRED = ("og:title", "og:type", "og:image", "og:url")
"""Of every page, by ogp.me."""
CARDS = {
    "summary": (),
    "summary_large_image": ("twitter:image|twitter:image:src",),
    "app": ("twitter:app:id:iphone|twitter:app:id:ipad|twitter:app:id:googleplay",),
    "player": ("twitter:player", "twitter:player:width", "twitter:player:height", "twitter:image"),
}
"""Kinds of cards, and what each needs besides a title; any one of those parted by `|` will do."""

RULES: tuple[Rule, ...] = (
    Rule(
        "og-missing", "notice", "A page does not say how social media shall show it",
        "In Hugo, the partial opengraph.html writes all of it; images come from the front matter.",
    ),
    Rule(
        "og-empty", "warning", "An Open Graph property is empty",
        "Give it a value, or leave the element out.",
    ),
    Rule(
        "og-many", "warning", "An Open Graph property is given twice, with two values",
        "Keep one: a partial most likely wrote the other.",
    ),
    Rule(
        "og-relative", "warning", "An Open Graph address is not whole",
        "Write it with its scheme and host: what reads it has no page to count from. In Hugo, "
        ".Permalink or absURL.",
    ),
    Rule(
        "og-differs", "warning", "og:url and the canonical address name two pages",
        "Write the canonical address in both.",
    ),
    Rule(
        "twitter-invalid", "notice", "A Twitter card lacks something, or is of no known kind",
        "Write summary or summary_large_image, and what that needs.",
    ),
)  # fmt: skip

_SINGLE = frozenset(("og:title", "og:type", "og:url", "twitter:card"))
_WHOLE = frozenset(
    (
        *("og:url", "og:image", "og:image:url", "og:image:secure_url"),
        *("og:video", "og:video:url", "og:video:secure_url"),
        *("og:audio", "og:audio:url", "og:audio:secure_url"),
        *("twitter:image", "twitter:image:src", "twitter:player"),
    )
)
_IMAGES = frozenset(
    ("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src")
)
_SAME = {"twitter:title": "og:title", "twitter:image": "og:image", "og:image": "og:image:url"}
"""What stands in for a property."""


def social_findings(survey: Survey) -> Iterator[Finding]:
    """Of all pages that somebody may share."""
    for path, page in sorted(survey.site.pages.items()):
        if path in survey.aliases or is_error_page(path) or is_proof(path):
            continue
        if page.social:
            yield from _of_page(path, page, survey)
        elif path not in survey.hidden:
            yield Finding("og-missing", path, "the page has no Open Graph data")


def _of_page(path: str, page: Page, survey: Survey) -> Iterator[Finding]:
    has_any = has_card = False
    first: dict[str, str] = {}
    for name, content in page.social:
        if name[0] == "o":
            has_any = True
        else:
            has_card = True
        known = first.setdefault(name, content)
        if not content:
            yield Finding("og-empty", path, f"{name} is empty", "", "meta", "content")
        elif known != content and name in _SINGLE:
            message = f"{name} is both {quoted(known)} and {quoted(content)}"
            yield Finding("og-many", path, message, content, "meta", "content")
        elif name in _WHOLE and urls.scheme_of(content) is None:
            message = f"{name} is not a whole address: {quoted(content)}"
            yield Finding("og-relative", path, message, content, "meta", "content")
        elif name in _IMAGES:
            yield from _image(path, page, name, content, survey)
    if has_any:
        missing = [name for name in REQUIRED if not _has(first, name)]
        if missing:
            yield Finding("og-missing", path, f"the page lacks {', '.join(missing)}")
    if has_card:
        card = first.get("twitter:card")
        place = (card, "meta", "content") if card else (None, None, None)
        for message in _card(first):
            yield Finding("twitter-invalid", path, message, *place)
    if page.canonicals and first.get("og:url"):
        yield from _address(path, page, first["og:url"], survey)


def _image(path: str, page: Page, name: str, url: str, survey: Survey) -> Iterator[Finding]:
    """That it is there at all is a rule on references (og-broken too)."""
    there = survey.resolver.resolve(path, page.base, url).path
    if there is not None and there in survey.site.pages:
        message = f"{name} names {survey.shown(there)}, which is a page and no image"
        hint = EMPTY_PARAMETER if there == HOME else None
        yield Finding("og-broken", path, message, url, "meta", "content", hint)


def _has(first: dict[str, str], name: str) -> bool:
    # An empty one is told of as such.
    stand_in = _SAME.get(name)
    return name in first or (stand_in is not None and _has(first, stand_in))


def _card(first: dict[str, str]) -> Iterator[str]:
    kind = first.get("twitter:card", "").strip().lower()
    if not kind:
        if "og:type" not in first:
            yield "the page has properties of a Twitter card, but no twitter:card"
        return
    if kind not in CARDS:
        yield f"there is no Twitter card {quoted(kind)}"
        return
    missing = [
        needed.replace("|", " or ")
        for needed in (*CARDS[kind], *(("twitter:title",) if kind != "app" else ()))
        if not any(_has(first, one) for one in needed.split("|"))
    ]
    if missing:
        yield f"the Twitter card {kind} lacks {', '.join(missing)}"


def _address(path: str, page: Page, url: str, survey: Survey) -> Iterator[Finding]:
    canonical = page.canonicals[0]
    if url == canonical:
        return
    one = survey.resolver.resolve(path, page.base, url)
    other = survey.canonicals.get(path) or survey.resolver.resolve(path, page.base, canonical)
    if _place(one) != _place(other) and None not in (_place(one), _place(other)):
        message = f"og:url is {quoted(url)}, and the canonical address {quoted(canonical)}"
        yield Finding("og-differs", path, message, url, "meta", "content")


def _place(verdict: Verdict) -> str | None:
    """None where the address is wrong, which is told elsewhere."""
    return verdict.path or verdict.address

"""The rules on what a page says of itself: its head, its language, whether it is to be found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from workflow.validator.facts import Page
from workflow.validator.findings import Finding, Rule, Severity
from workflow.validator.seo.languages import fault
from workflow.validator.seo.page_kinds import HOME, hidden_by, is_error_page
from workflow.validator.seo.wording import count, quoted
from workflow.validator.sites import Site

TITLE_MOST = 60
"""Characters. Google shows as much of a title as fits in some 600 pixels, about 60 letters; it
sets no limit of its own."""
TITLE_LEAST = 5
"""Characters. Less is a word or none, and tells a reader of search results nothing."""
DESCRIPTION_MOST = 160
"""Characters. Google cuts off what does not fit in two lines, some 920 pixels; it sets no limit."""
ZOOM_LEAST = 2.0
"""Text must be able to grow to twice its size (WCAG 2.2, 1.4.4)."""
DELAY_MOST = 20 * 3600
"""Seconds after which a reload is nobody's hurry (WCAG 2.2, 2.2.1)."""

RULES: tuple[Rule, ...] = (
    Rule(
        "doctype-missing", "warning", "A page does not begin with a doctype",
        "Begin it with `<!doctype html>`: without it browsers imitate those of 1998.",
    ),
    Rule(
        "charset-missing", "warning", "A page does not say how its text is encoded",
        'Put `<meta charset="utf-8">` first in the head.',
    ),
    Rule(
        "charset-other", "warning", "A page is written in another encoding than UTF-8",
        'Save it as UTF-8 and write `<meta charset="utf-8">`: the HTML standard allows no other.',
    ),
    Rule(
        "lang-missing", "warning", "A page does not say in what language it is",
        "Give the html element a lang attribute; in Hugo, `{{ site.Language.Lang }}`.",
    ),
    Rule(
        "lang-invalid", "warning", "The language of a page is none that exists",
        "Write it as BCP 47 has it: en, de-AT, zh-Hant.",
    ),
    Rule(
        "viewport-missing", "warning", "A page is shown on phones as on a desk, and too small",
        'Put `<meta name="viewport" content="width=device-width">` in the head.',
    ),
    Rule(
        "viewport-fixed", "warning", "A page does not let readers enlarge it",
        "Take user-scalable and maximum-scale out of the viewport.",
    ),
    Rule(
        "title-missing", "error", "A page has no title",
        "Put a title into its head; it is what search results and tabs show.",
    ),
    Rule(
        "title-empty", "error", "The title of a page is empty",
        "Give the page a title in its front matter.",
    ),
    Rule(
        "title-many", "warning", "A page has more than one title",
        "Keep one: browsers show the first, and a partial most likely wrote the other.",
    ),
    Rule(
        "title-long", "notice", "A title is too long for search results to show in full",
        "Say what matters first, or shorten it.",
    ),
    Rule(
        "title-short", "notice", "A title is too short to tell what the page is about",
        "Add what tells the page from others.",
    ),
    Rule(
        "description-missing", "notice", "A page has no description for search results",
        "Add `description` to its front matter, or let the template write .Summary.",
    ),
    Rule(
        "description-many", "warning", "A page has more than one description",
        "Keep one: a partial most likely wrote the other.",
    ),
    Rule(
        "description-long", "notice", "A description is too long for search results",
        "Say what matters first, or shorten it.",
    ),
    Rule(
        "noindex", "warning", "A page keeps search engines from listing it",
        "If it shall be found, take noindex out; in a template, ask for hugo.IsProduction.",
    ),
    Rule(
        "base-many", "warning", "A page has more than one base element with an address",
        "Keep the first: browsers pass over all others.",
    ),
    Rule(
        "refresh-delay", "notice", "A page leads on to another after some time",
        "Lead on at once (0 seconds), or let readers follow a link.",
    ),
)  # fmt: skip

_SCALE = re.compile(r"maximum-scale\s*=\s*([\d.]+)", re.IGNORECASE)
_NO_ZOOM = re.compile(r"user-scalable\s*=\s*(?:no\b|0(?:\.0*)?(?:[\s,;]|$))", re.IGNORECASE)


def head_findings(path: str, page: Page, site: Site) -> Iterator[Finding]:
    """What is wrong with a page that is more than an alias."""
    is_xml = path.endswith(".xhtml")  # which needs no doctype, and is UTF-8 unless it says so
    if not page.doctype and not is_xml:
        yield Finding("doctype-missing", path, "the page has no doctype")
    if page.charset is not None or not is_xml:
        yield from _encoding(path, page)
    yield from _language(path, page)
    if page.viewport is None:
        yield Finding("viewport-missing", path, "the page has no viewport")
    elif said := _fixed(page.viewport):
        yield Finding("viewport-fixed", path, said, page.viewport, "meta", "content")
    if page.bases > 1:
        message = f"of {page.bases} base elements only the first counts, {page.base}"
        yield Finding("base-many", path, message, page.base, "base", "href")
    if page.refresh is not None and page.refresh[1] and 0 < page.refresh[0] < DELAY_MOST:
        message = f"the page leads on to {page.refresh[1]} after {page.refresh[0]:g} seconds"
        yield Finding("refresh-delay", path, message, page.refresh[1], "meta", "content")
    hidden = hidden_by(page)
    is_found = hidden is None and not is_error_page(path)
    yield from _title(path, page, is_found)
    if is_found:
        yield from _description(path, page)
    elif hidden is not None and not is_error_page(path):
        yield _hidden(path, hidden, site)


def _encoding(path: str, page: Page) -> Iterator[Finding]:
    if page.charset is None:
        yield Finding("charset-missing", path, "the page names no encoding")
    elif page.charset.lower() not in ("utf-8", "utf8", "unicode-1-1-utf-8"):
        message = f"the page says that it is written in {page.charset or 'nothing'}"
        yield Finding("charset-other", path, message, None, "meta", "charset")
    elif page.not_utf8 is not None:
        message = f"the page calls itself UTF-8, and its byte {page.not_utf8 + 1:,} is none"
        hint = "Save it as UTF-8: readers see � in the place of such letters."
        yield Finding("charset-other", path, message, None, "meta", "charset", hint)


def _language(path: str, page: Page) -> Iterator[Finding]:
    lang = page.lang
    if lang is None or not lang.strip():
        yield Finding("lang-missing", path, "the html element has no lang", None, "html")
    elif wrong := fault(lang):
        message = f"{quoted(lang)} is no language: {wrong}"
        yield Finding("lang-invalid", path, message, lang, "html", "lang")


@lru_cache(maxsize=256)
def _fixed(viewport: str) -> str | None:
    if _NO_ZOOM.search(viewport):
        return "user-scalable=no keeps readers from enlarging the page"
    scale = _SCALE.search(viewport)
    # What is no number is none to browsers either.
    if scale and scale[1].count(".") < 2 and scale[1] != "." and float(scale[1]) < ZOOM_LEAST:
        return f"maximum-scale={scale[1]} keeps readers from enlarging the page"
    return None


def _title(path: str, page: Page, is_found: bool) -> Iterator[Finding]:
    titles = page.titles
    if not titles:
        yield Finding("title-missing", path, "the page has no title")
        return
    title = titles[0]
    if len(titles) > 1:
        message = f"the page has {len(titles)} titles"
        yield Finding("title-many", path, message, None, "title")
    if not title:
        yield Finding("title-empty", path, "the title is empty", None, "title")
    elif is_found and len(title) > TITLE_MOST:
        message = f"the title {quoted(title)} has {len(title)} characters, some {TITLE_MOST} show"
        yield Finding("title-long", path, message, None, "title")
    elif is_found and len(title) < TITLE_LEAST and title.isascii():
        message = f"the title {quoted(title)} has {count(len(title), 'character')}"
        yield Finding("title-short", path, message, None, "title")


def _description(path: str, page: Page) -> Iterator[Finding]:
    said = page.descriptions
    if not any(said):
        message = "the description is empty" if said else "the page has no description"
        yield Finding("description-missing", path, message)
        return
    first = said[0]
    if len(said) > 1:
        message = f"the page has {len(said)} descriptions"
        yield Finding("description-many", path, message, first, "meta", "content")
    if len(first) > DESCRIPTION_MOST:
        message = f"the description has {len(first)} characters, some {DESCRIPTION_MOST} show"
        yield Finding("description-long", path, message, first, "meta", "content")


def _hidden(path: str, hidden: tuple[str, str], site: Site) -> Finding:
    """On the home page of the production site it takes the whole site out of search engines; where
    a site is tried out it is as it should be."""
    name, content = hidden
    severity: Severity | None = None
    if site.is_production:
        severity = "error" if path == HOME else None
    elif site.environment is not None:
        severity = "notice"
    whom = "search engines" if name == "robots" else name
    message = f"{quoted(content)} keeps {whom} from listing the page"
    return Finding("noindex", path, message, content, "meta", "content", severity=severity)

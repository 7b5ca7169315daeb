"""The rules on the other languages of a page, named by `link rel=alternate hreflang` or in a
sitemap. Source: Google Search Central, "Localized versions".

That what a link names exists at all is a rule on references (hreflang-broken).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from workflow.validator.findings import Finding, Rule
from workflow.validator.links import urls
from workflow.validator.links.resolving import Verdict
from workflow.validator.seo.languages import fault
from workflow.validator.seo.survey import Survey
from workflow.validator.seo.wording import quoted

RULES: tuple[Rule, ...] = (
    Rule(
        "hreflang-invalid", "warning", "A language in hreflang is none that search engines know",
        "Write a language of ISO 639-1, perhaps with a country of ISO 3166-1 (en, en-GB, zh-Hant), "
        "or x-default.",
    ),
    Rule(
        "hreflang-relative", "warning", "The address of a page in another language is relative",
        "Write the whole address with its scheme; in Hugo, .Permalink.",
    ),
    Rule(
        "hreflang-double", "warning", "Two pages are named for one language",
        "Keep one of them: search engines do not choose.",
    ),
    Rule(
        "hreflang-no-self", "notice", "A page names others in other languages, but not itself",
        "Name it too, so that all of them carry the same list; in Hugo, go through "
        ".AllTranslations.",
    ),
    Rule(
        "hreflang-no-return", "warning",
        "A page in another language does not name this one in turn",
        "Let both carry the same list: search engines believe only what both say.",
    ),
    Rule(
        "hreflang-target", "warning", "The page in another language is none that is to be found",
        "Name the page that search engines shall list.",
    ),
    Rule(
        "hreflang-canonical", "error", "A page is named for a language and says another is meant",
        "Let each language have its own canonical address.",
    ),
)  # fmt: skip

_DEFAULT = "x-default"


class _List(NamedTuple):
    """The languages of one page, as one file names them."""

    file: str
    element: str
    of: str
    """The page that is spoken of."""
    named: tuple[tuple[str, str, Verdict], ...]
    """(language, address, where it leads)."""


def hreflang_findings(survey: Survey) -> Iterator[Finding]:
    """Of all pages and sitemaps that name languages."""
    lists = [*_of_pages(survey), *_of_sitemaps(survey)]
    names: dict[str, set[str]] = defaultdict(set)
    for one in lists:
        names[one.of].update(verdict.path for _, _, verdict in one.named if verdict.path)
    for one in lists:
        yield from _languages(one)
        if one.of not in survey.hidden and one.of not in survey.aliases:
            yield from _targets(one, names, survey)


def _of_pages(survey: Survey) -> Iterator[_List]:
    resolve = survey.resolver.resolve
    for path, page in sorted(survey.site.pages.items()):
        if page.alternates and path not in survey.aliases:
            base = page.base
            named = tuple(
                (language, url, resolve(path, base, url))
                for language, url in page.alternates
                if url
            )
            yield _List(path, "link", path, named)


def _of_sitemaps(survey: Survey) -> Iterator[_List]:
    resolve = survey.resolver.resolve
    for path, sitemap in sorted(survey.sitemaps.items()):
        lists: dict[str, list[tuple[str, str, Verdict]]] = defaultdict(list)
        for loc, language, url in sitemap.alternates:
            of = resolve(path, None, loc).path
            if of is not None:
                lists[of].append((language, url, resolve(path, None, url)))
        for of, named in lists.items():
            yield _List(path, "xhtml:link", of, tuple(named))


def _languages(one: _List) -> Iterator[Finding]:
    """What is wrong with the languages and addresses themselves."""
    file, element = one.file, one.element
    seen: dict[str, str] = {}
    for language, url, verdict in one.named:
        code = language.lower()
        if code != _DEFAULT and (wrong := fault(language, for_search=True)):
            message = f"{quoted(language)} is no language of hreflang: {wrong}"
            yield Finding("hreflang-invalid", file, message, language, element, "hreflang")
        if urls.scheme_of(url) is None:
            message = f"the address {quoted(url)} is relative"
            yield Finding("hreflang-relative", file, message, url, element, "href")
        if seen.setdefault(code, url) != url:
            message = f"{language} is both {seen[code]} and {url}"
            yield Finding("hreflang-double", file, message, url, element, "href")
        if element != "link" and verdict.kind in ("missing", "case", "no-index", "invalid"):
            message = verdict.detail or f"{url} is not there"
            yield Finding("hreflang-broken", file, message, url, element, "href")


def _targets(one: _List, names: dict[str, set[str]], survey: Survey) -> Iterator[Finding]:
    """What is wrong with the pages that are named."""
    of, file, element = one.of, one.file, one.element
    own = names[of]
    meant = survey.elsewhere.get(of)
    if meant is not None:
        if meant in own and of in own:
            message = f"{survey.shown(of)} is named for a language, and its canonical address is "
            message += survey.shown(meant)
            yield Finding("hreflang-canonical", file, message, None, element, "hreflang")
        return
    if of not in own and one.named:
        message = f"{survey.shown(of)} is not in its own list of languages"
        yield Finding("hreflang-no-self", file, message, None, element, "hreflang")
    pages = survey.site.pages
    done = {of}
    for language, url, verdict in one.named:
        target = verdict.path
        if target is None or target not in pages or target in done or verdict.kind == "case":
            continue
        done.add(target)
        is_default = language.lower() == _DEFAULT
        if why := _unfindable(target, survey, is_default):
            message = f"{survey.shown(target)} {why}"
            yield Finding("hreflang-target", file, message, url, element, "href")
        # … or a page to choose the language on, which has none of its own.
        elif of not in names.get(target, ()) and not (is_default and target not in names):
            message = f"{survey.shown(target)} does not name {survey.shown(of)} in turn"
            yield Finding("hreflang-no-return", file, message, url, element, "href")


def _unfindable(target: str, survey: Survey, is_default: bool) -> str | None:
    if target in survey.hidden:
        return "says noindex"
    if target in survey.elsewhere:
        return f"says that {survey.shown(survey.elsewhere[target])} is meant"
    # x-default may be a page that sends visitors to their language …
    if target in survey.aliases and not is_default:
        return "only leads on to another page"
    return None

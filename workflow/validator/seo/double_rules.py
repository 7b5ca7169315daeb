"""The rules on pages that look alike in search results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from workflow.validator.findings import Finding, Rule
from workflow.validator.seo.page_kinds import is_paginated
from workflow.validator.seo.survey import Survey
from workflow.validator.seo.wording import listed, quoted

RULES: tuple[Rule, ...] = (
    Rule(
        "title-double", "warning", "Several pages have the same title",
        "Give each a title of its own: search results show nothing else to tell them apart.",
    ),
    Rule(
        "description-double", "notice", "Several pages have the same description",
        "Give each a description of its own, or none: search engines take a passage then.",
    ),
)  # fmt: skip


def double_findings(survey: Survey) -> Iterator[Finding]:
    """Of pages in one language that search engines are to list; one finding for each of them."""
    titles: dict[tuple[str, str], list[str]] = defaultdict(list)
    descriptions: dict[tuple[str, str], list[str]] = defaultdict(list)
    pages = survey.site.pages
    for path in survey.findable:
        if is_paginated(path):
            continue
        page = pages[path]
        lang = (page.lang or "").lower()
        if page.titles and page.titles[0]:
            titles[page.titles[0], lang].append(path)
        if page.descriptions and page.descriptions[0]:
            descriptions[page.descriptions[0], lang].append(path)
    for (title, _), paths in titles.items():
        if len(paths) > 1:
            message = _message("title", title, paths, survey)
            for path in paths:
                yield Finding("title-double", path, message, None, "title")
    for (text, _), paths in descriptions.items():
        if len(paths) > 1:
            message = _message("description", text, paths, survey)
            for path in paths:
                yield Finding("description-double", path, message, text, "meta", "content")


def _message(what: str, text: str, paths: list[str], survey: Survey) -> str:
    """The same for all of them, so that they are told as one."""
    shown = listed(map(survey.shown, paths), len(paths))
    return f"{len(paths):,} pages have the {what} {quoted(text)}: {shown}"

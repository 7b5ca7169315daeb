"""What is said of a page that is looked at alone."""

from __future__ import annotations

import pytest

from tests.validator.made import alias, good, site_of
from workflow.validator.facts import Page
from workflow.validator.findings import Finding
from workflow.validator.seo import body_rules, head_rules
from workflow.validator.seo.page_rules import RULES, page_findings

ABOUT = "about/index.html"


def findings(page: Page, path: str = ABOUT, **site: object) -> list[Finding]:
    return list(page_findings(path, page, site_of({path: page}, **site)))  # type: ignore[arg-type]


def codes(page: Page, path: str = ABOUT, **site: object) -> list[str]:
    return [one.code for one in findings(page, path, **site)]


def test_nothing_is_said_of_a_good_page() -> None:
    assert findings(good(ABOUT)) == []


def test_all_is_said_of_an_empty_page() -> None:
    assert codes(Page(doctype=False)) == [
        "doctype-missing",
        "charset-missing",
        "lang-missing",
        "viewport-missing",
        "title-missing",
        "description-missing",
        "h1-missing",
    ]


def test_the_rules_are_those_of_head_and_body() -> None:
    assert RULES == head_rules.RULES + body_rules.RULES


@pytest.mark.parametrize(
    ("path", "page"),
    [
        pytest.param(ABOUT, alias("https://example.org/x/"), id="alias"),
        pytest.param(ABOUT, Page(refresh=(0, "../x/")), id="alias-of-a-relative-address"),
        pytest.param("google0123456789abcdef.html", Page(doctype=False), id="proof-of-ownership"),
    ],
)
def test_a_page_that_nobody_reads_may_be_bare(path: str, page: Page) -> None:
    assert codes(page, path) == []


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(Page(refresh=(0, "")), id="loads-itself"),
        pytest.param(Page(refresh=(5, "/x/")), id="after-a-while"),
        pytest.param(Page(refresh=(300, "")), id="reloads"),
    ],
)
def test_a_page_that_is_read_before_it_leads_on_is_a_page(page: Page) -> None:
    assert "title-missing" in codes(page)


def test_what_a_template_left_in_an_alias_is_said() -> None:
    page = alias("{{ page.redirect.to }}")._replace(leftovers=("{{ page.redirect.to }}",))
    (one,) = findings(page)
    assert (one.code, one.url) == ("template-leftover", "{{ page.redirect.to }}")

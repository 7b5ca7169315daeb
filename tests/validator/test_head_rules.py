"""What is said of a page's head."""

from __future__ import annotations

import pytest

from tests.validator.made import good, site_of
from workflow.validator.facts import Page
from workflow.validator.findings import Finding
from workflow.validator.seo.head_rules import (
    DESCRIPTION_MOST,
    RULES,
    TITLE_LEAST,
    TITLE_MOST,
    head_findings,
)

ABOUT = "about/index.html"
LONG = "a" * (TITLE_MOST + 1)
HIDDEN = (("robots", "noindex"),)


def findings(page: Page, path: str = ABOUT, **site: object) -> list[Finding]:
    return list(head_findings(path, page, site_of({path: page}, **site)))  # type: ignore[arg-type]


def codes(path: str, /, **changed: object) -> list[str]:
    return [one.code for one in findings(good(path, **changed), path)]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param({"doctype": False}, "doctype-missing", id="doctype"),
        pytest.param({"charset": None}, "charset-missing", id="no-charset"),
        pytest.param({"charset": "UTF-8"}, None, id="charset-in-capitals"),
        pytest.param({"charset": "utf8"}, None, id="charset-by-its-other-name"),
        pytest.param({"charset": "iso-8859-1"}, "charset-other", id="charset-of-old"),
        pytest.param({"charset": "utf-8", "not_utf8": 3}, "charset-other", id="charset-of-a-lie"),
        pytest.param({"charset": ""}, "charset-other", id="charset-of-nothing"),
        pytest.param({"lang": None}, "lang-missing", id="no-lang"),
        pytest.param({"lang": ""}, "lang-missing", id="empty-lang"),
        pytest.param({"lang": " "}, "lang-missing", id="blank-lang"),
        pytest.param({"lang": "de-AT"}, None, id="lang"),
        pytest.param({"lang": "jp"}, "lang-invalid", id="country-as-lang"),
        pytest.param({"lang": "en_US"}, "lang-invalid", id="lang-of-a-locale"),
        pytest.param({"viewport": None}, "viewport-missing", id="no-viewport"),
        pytest.param({"viewport": ""}, None, id="empty-viewport"),
        pytest.param({"bases": 1, "base": "/"}, None, id="base"),
        pytest.param({"bases": 2, "base": "/"}, "base-many", id="bases"),
        pytest.param({"titles": ()}, "title-missing", id="no-title"),
        pytest.param({"titles": ("",)}, "title-empty", id="empty-title"),
        pytest.param({"titles": ("A title", "B")}, "title-many", id="titles"),
        pytest.param({"titles": (LONG,)}, "title-long", id="long-title"),
        pytest.param({"titles": (LONG[1:],)}, None, id="longest-title"),
        pytest.param({"titles": ("a" * TITLE_LEAST,)}, None, id="shortest-title"),
        pytest.param({"titles": ("FAQ",)}, "title-short", id="short-title"),
        pytest.param({"titles": ("会社概要",)}, None, id="short-title-of-long-words"),
        pytest.param({"titles": (LONG,), "robots": HIDDEN}, "noindex", id="long-title-hidden"),
        pytest.param({"titles": ("FAQ",), "robots": HIDDEN}, "noindex", id="short-title-hidden"),
        pytest.param({"descriptions": ()}, "description-missing", id="no-description"),
        pytest.param({"descriptions": ("",)}, "description-missing", id="empty-description"),
        pytest.param({"descriptions": ("a", "b")}, "description-many", id="descriptions"),
        pytest.param({"descriptions": ("a", "")}, "description-many", id="an-empty-one-too"),
        pytest.param(
            {"descriptions": ("a" * (DESCRIPTION_MOST + 1),)}, "description-long", id="long"
        ),
        pytest.param({"descriptions": ("a" * DESCRIPTION_MOST,)}, None, id="longest"),
        pytest.param({"descriptions": (), "robots": HIDDEN}, "noindex", id="hidden-undescribed"),
        pytest.param({"refresh": (3, "/x/")}, "refresh-delay", id="leads-on-later"),
        pytest.param({"refresh": (300, "")}, None, id="reloads"),
        pytest.param({"refresh": (72_000, "/x/")}, None, id="leads-on-tomorrow"),
    ],
)
def test_a_head_is_judged_by_each_rule(changed: dict[str, object], code: str | None) -> None:
    assert codes(ABOUT, **changed) == ([code] if code else [])


def test_every_rule_is_tested_above_or_below() -> None:
    """The table of this file names each code."""
    with open(__file__, encoding="utf-8") as file:
        text = file.read()
    assert [rule.code for rule in RULES if f'"{rule.code}"' not in text] == []


@pytest.mark.parametrize(
    ("viewport", "is_fixed"),
    [
        ("width=device-width, user-scalable=no", True),
        ("width=device-width,user-scalable = 0", True),
        ("user-scalable=0.0;width=device-width", True),
        ("user-scalable=yes", False),
        ("user-scalable=0.9", False),
        ("user-scalable=none", False),
        ("WIDTH=device-width, Maximum-Scale=1", True),
        ("maximum-scale=1.0", True),
        ("maximum-scale=1.99", True),
        ("maximum-scale=2", False),
        ("maximum-scale=5", False),
        ("maximum-scale=1.0.0", False),
        ("maximum-scale=.", False),
        ("minimum-scale=1", False),
        ("initial-scale=1", False),
    ],
)
def test_a_viewport_must_let_text_grow_to_twice_its_size(viewport: str, is_fixed: bool) -> None:
    assert codes(ABOUT, viewport=viewport) == (["viewport-fixed"] if is_fixed else [])


def test_a_title_is_shown_with_its_length_and_a_long_one_cut() -> None:
    (one,) = findings(good(ABOUT, titles=("a" * 200,)))
    assert one.message == f"the title “{'a' * 79}…” has 200 characters, some {TITLE_MOST} show"
    assert (one.element, one.url) == ("title", None)


@pytest.mark.parametrize(
    ("robots", "whom"),
    [
        pytest.param((("robots", "noindex"),), "search engines", id="noindex"),
        pytest.param((("robots", "none"),), "search engines", id="none"),
        pytest.param((("robots", "nofollow , noindex"),), "search engines", id="list"),
        pytest.param((("googlebot", "noindex"),), "googlebot", id="one-crawler"),
        pytest.param((("robots", "index"), ("robots", "noindex")), "search engines", id="second"),
        pytest.param((("googlebot", "index"), ("robots", "noindex")), "search engines", id="sum"),
        pytest.param((("bingbot", "none"), ("robots", "none")), "search engines", id="both"),
    ],
)
def test_a_page_that_hides_is_told_with_whom_it_hides_from(
    robots: tuple[tuple[str, str], ...], whom: str
) -> None:
    (one,) = findings(good(ABOUT, robots=robots))
    assert one.code == "noindex"
    assert f"keeps {whom} from listing" in one.message
    assert (one.element, one.attribute) == ("meta", "content")
    assert one.url in dict(robots).values()


@pytest.mark.parametrize("content", ["index, follow", "nofollow", "noindexed", "all", ""])
def test_a_page_that_does_not_hide_is_not_told(content: str) -> None:
    assert codes(ABOUT, robots=(("robots", content),)) == []


@pytest.mark.parametrize(
    ("path", "site", "severity"),
    [
        pytest.param("index.html", {"is_production": True}, "error", id="home-in-production"),
        pytest.param(ABOUT, {"is_production": True}, None, id="page-in-production"),
        pytest.param("index.html", {}, None, id="home-of-who-knows-what"),
        pytest.param("index.html", {"environment": "staging"}, "notice", id="home-on-staging"),
        pytest.param(ABOUT, {"environment": "staging"}, "notice", id="page-on-staging"),
        pytest.param(
            "index.html",
            {"environment": "live", "is_production": True},
            "error",
            id="home-in-an-environment-that-is-production",
        ),
    ],
)
def test_hiding_is_worst_for_the_home_page_in_production_and_right_elsewhere(
    path: str, site: dict[str, object], severity: str | None
) -> None:
    (one,) = findings(good(path, robots=HIDDEN), path, **site)
    assert (one.code, one.severity) == ("noindex", severity)


@pytest.mark.parametrize("path", ["404.html", "de/404.html", "404/index.html"])
def test_an_error_page_may_hide_and_needs_no_description(path: str) -> None:
    assert codes(path, robots=HIDDEN, descriptions=(), titles=("404",)) == []
    assert codes(path, titles=()) == ["title-missing"]


def test_xhtml_needs_neither_doctype_nor_declared_encoding() -> None:
    page = good("about.xhtml", doctype=False, charset=None)
    assert not findings(page, "about.xhtml")
    assert codes("about.xhtml", charset="iso-8859-1") == ["charset-other"]

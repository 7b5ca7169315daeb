"""What is said of what stands in a page."""

from __future__ import annotations

import pytest

from tests.validator.made import good, site_of
from workflow.validator.facts import Page, Ref
from workflow.validator.findings import Finding
from workflow.validator.seo.body_rules import (
    RULES,
    body_findings,
    leftover_findings,
    unclosed_finding,
)

ABOUT = "about/index.html"
FORM = "231234567890123"


def findings(page: Page, form_ids: frozenset[str] | None = None) -> list[Finding]:
    return list(body_findings(ABOUT, page, site_of({ABOUT: page}, form_ids=form_ids)))


def places(page: Page) -> list[tuple[str, str | None, str | None, str | None]]:
    return [(one.code, one.url, one.element, one.attribute) for one in findings(page)]


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        pytest.param({"h1": ()}, ("h1-missing", None, None, None), id="no-h1"),
        pytest.param({"h1": ("",)}, ("h1-missing", None, "h1", None), id="empty-h1"),
        pytest.param({"h1": ("a", "b")}, ("h1-many", None, "h1", None), id="two-h1"),
        pytest.param({"headings": "13"}, ("heading-skip", None, "h3", None), id="skip"),
        pytest.param(
            {"nameless_links": ("/x/", "/x/")}, ("link-nameless", "/x/", "a", "href"), id="link"
        ),
        pytest.param({"double_ids": ("x",)}, ("id-double", "x", None, "id"), id="id"),
        pytest.param(
            {"jsonld_errors": ("it is empty", "it is empty")},
            ("jsonld-invalid", "application/ld+json", "script", "type"),
            id="jsonld",
        ),
        pytest.param(
            {"no_alt": ("a.png", "a.png")}, ("alt-missing", "a.png", "img", "src"), id="unknown-img"
        ),
        pytest.param({"no_alt": ("",)}, ("alt-missing", "", "img", "src"), id="img-of-nothing"),
        pytest.param(
            {"no_alt": ("b.png",), "refs": (Ref("image", "b.png", "input", "src"),)},
            ("alt-missing", "b.png", "input", "src"),
            id="button",
        ),
        pytest.param(
            {"no_alt": ("/x/",), "refs": (Ref("link", "/x/", "area", "href"),)},
            ("alt-missing", "/x/", "area", "href"),
            id="area",
        ),
    ],
)
def test_a_body_is_judged_by_each_rule_and_told_where(
    changed: dict[str, object], place: tuple[str, str | None, str | None, str | None]
) -> None:
    assert places(good(ABOUT, **changed)) == [place]


@pytest.mark.parametrize(
    ("headings", "message"),
    [
        pytest.param("", None, id="none"),
        pytest.param("1", None, id="one"),
        pytest.param("123456", None, id="down-by-one"),
        pytest.param("1234516262", "an h6 follows an h1", id="down-from-the-top"),
        pytest.param("123421", None, id="up-as-far-as-it-likes"),
        pytest.param("323", None, id="begins-anywhere"),
        pytest.param("1223335", "an h5 follows an h3", id="by-two"),
        pytest.param("46", "an h6 follows an h4", id="near-the-bottom"),
        pytest.param("5656", None, id="bottom"),
    ],
)
def test_a_heading_is_at_most_one_level_below_the_one_before(
    headings: str, message: str | None
) -> None:
    assert [one.message for one in findings(good(ABOUT, headings=headings))] == (
        [message] if message else []
    )


def test_the_first_headings_of_many_are_named() -> None:
    (one,) = findings(good(ABOUT, h1=("a", "b", "c", "d", "e")))
    assert one.message == "the page has 5 h1: “a”, “b”, “c” and 2 more"


@pytest.mark.parametrize(
    ("form", "known", "code"),
    [
        pytest.param(FORM, None, None, id="well-formed"),
        pytest.param(FORM, {FORM}, None, id="known"),
        pytest.param(FORM, {"1"}, "form-unknown", id="unknown"),
        pytest.param(FORM, set(), "form-unknown", id="none-known"),
        pytest.param("41234567890123", None, None, id="of-2014"),
        pytest.param("123456789", None, "form-invalid", id="too-short"),
        pytest.param("123456789", {"123456789"}, None, id="short-but-known"),
        pytest.param("1" * 21, None, "form-invalid", id="too-long"),
        pytest.param("", {FORM}, "form-invalid", id="nothing"),
        pytest.param("٢" * 15, None, "form-invalid", id="digits-of-another-script"),
        pytest.param("https://form.jotform.com/jsform/abc", None, "form-invalid", id="no-number"),
    ],
)
def test_a_form_has_an_id_that_workflow_yaml_knows(
    form: str, known: set[str] | None, code: str | None
) -> None:
    page = good(ABOUT, forms=(("script", form),))
    said = findings(page, None if known is None else frozenset(known))
    assert [one.code for one in said] == ([code] if code else [])


def test_a_form_is_told_where_it_is_embedded() -> None:
    url = f"https://form.jotform.com/jsform/{FORM}"
    page = good(ABOUT, forms=(("script", FORM),), refs=(Ref("script", url, "script", "src"),))
    (one,) = findings(page, frozenset())
    assert (one.url, one.element, one.attribute) == (url, "script", "src")
    # The same number in another address is something else.
    other = page._replace(refs=(Ref("link", f"/{FORM}/", "a", "href"),))
    (one,) = findings(other, frozenset())
    assert (one.url, one.element, one.attribute) == (FORM, None, None)
    framed = good(ABOUT, forms=(("iframe", FORM),))
    (one,) = findings(framed, frozenset())
    assert (one.url, one.element, one.attribute) == (f"JotFormIFrame-{FORM}", "iframe", "id")


def test_what_templates_left_is_told_with_what_to_do() -> None:
    page = good(ABOUT, leftovers=("ZgotmplZ", "/livereload.js?port=1313"))
    one, other = leftover_findings(ABOUT, page)
    assert (one.code, one.url, one.hint) == ("template-leftover", "ZgotmplZ", None)
    assert (other.code, other.url) == ("template-leftover", "/livereload.js?port=1313")
    assert other.hint is not None
    assert "hugo server" in other.hint


def test_what_hides_the_rest_of_a_page_is_told_with_its_place() -> None:
    one = unclosed_finding(ABOUT, ("comment", 3, 4, "<!-- a <p>"))
    assert (one.code, one.line, one.column, one.excerpt) == ("markup-unclosed", 3, 4, "<!-- a <p>")
    assert "a comment is never closed" in one.message
    assert "a script element" in unclosed_finding(ABOUT, ("script", 1, 1, "<script>")).message


def test_every_rule_is_tested() -> None:
    with open(__file__, encoding="utf-8") as file:
        text = file.read()
    assert [rule.code for rule in RULES if f'"{rule.code}"' not in text] == []

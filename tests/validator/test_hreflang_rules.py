"""What is said of pages in other languages."""

from __future__ import annotations

import pytest

from tests.validator.made import BASE, alias, found, good
from workflow.validator.facts import Facts, Page, Ref, Sitemap
from workflow.validator.findings import Finding
from workflow.validator.seo.hreflang_rules import RULES

EN, DE, FR = "en/index.html", "de/index.html", "fr/index.html"
BOTH = (("en", BASE + "en/"), ("de", BASE + "de/"))


def page(path: str, alternates: tuple[tuple[str, str], ...] = BOTH, **changed: object) -> Page:
    return good(path, alternates=alternates, **changed)


def said(facts: dict[str, Facts], path: str | None = EN, **site: object) -> list[Finding]:
    return [one for one in found(facts, "hreflang", **site) if path is None or one.page == path]


def codes(*alternates: tuple[str, str], **others: Page) -> list[str]:
    """What is said of the English page that names these."""
    facts: dict[str, Facts] = {EN: page(EN, alternates), DE: page(DE), FR: page(FR, ())}
    return [one.code for one in said(facts | others)]


def test_two_pages_that_name_each_other_and_themselves_are_fine() -> None:
    assert said({EN: page(EN), DE: page(DE)}, None) == []


def test_a_page_in_one_language_needs_none() -> None:
    assert said({EN: page(EN, ())}, None) == []


@pytest.mark.parametrize(
    ("alternates", "code"),
    [
        pytest.param((*BOTH, ("x-default", BASE + "en/")), None, id="default"),
        pytest.param((*BOTH, ("X-Default", BASE + "fr/")), None, id="default-of-no-language"),
        pytest.param((*BOTH, ("en-GB", BASE + "en/")), None, id="two-languages-of-one-page"),
        pytest.param((*BOTH, ("fr", "https://other.fr/")), None, id="other-host"),
        pytest.param((*BOTH, ("fr", BASE + "nothing/")), None, id="told-as-a-broken-reference"),
        pytest.param((*BOTH, ("fr", "")), None, id="told-as-an-empty-reference"),
        pytest.param((*BOTH, ("en-UK", BASE + "en/")), "hreflang-invalid", id="uk"),
        pytest.param((*BOTH, ("en_US", BASE + "en/")), "hreflang-invalid", id="underscore"),
        pytest.param((*BOTH, (" de-AT", BASE + "de/")), "hreflang-invalid", id="blank"),
        pytest.param((*BOTH, ("es-419", BASE + "en/")), "hreflang-invalid", id="continent"),
        pytest.param((*BOTH, ("en-GB", "/en/")), "hreflang-relative", id="relative"),
        pytest.param((*BOTH, ("en-GB", "//example.org/en/")), "hreflang-relative", id="no-scheme"),
        pytest.param((*BOTH, ("DE", BASE + "en/")), "hreflang-double", id="double"),
        pytest.param((*BOTH, ("de", BASE + "de/")), None, id="the-same-twice"),
        pytest.param(BOTH[1:], "hreflang-no-self", id="not-itself"),
        pytest.param((*BOTH, ("fr", BASE + "fr/")), "hreflang-no-return", id="not-in-turn"),
    ],
)
def test_a_list_of_languages_is_judged(
    alternates: tuple[tuple[str, str], ...], code: str | None
) -> None:
    assert codes(*alternates) == ([code] if code else [])


def test_what_is_wrong_is_told_where_it_stands() -> None:
    facts: dict[str, Facts] = {
        EN: page(EN, (*BOTH, ("en-UK", BASE + "en/"), ("fr", BASE + "fr/"))),
        DE: page(DE),
        FR: page(FR, ()),
    }
    code, back = said(facts)
    assert (code.url, code.element, code.attribute) == ("en-UK", "link", "hreflang")
    assert "is GB meant" in code.message
    assert (back.url, back.element, back.attribute) == (BASE + "fr/", "link", "href")
    assert back.message == "/fr/ does not name /en/ in turn"


@pytest.mark.parametrize(
    ("german", "why"),
    [
        pytest.param(page(DE, robots=(("robots", "noindex"),)), "noindex", id="noindex"),
        pytest.param(page(DE, canonicals=(BASE + "fr/",)), "/fr/ is meant", id="canonical"),
        pytest.param(alias("/fr/"), "only leads on", id="alias"),
    ],
)
def test_a_language_is_a_page_that_is_to_be_found(german: Page, why: str) -> None:
    (one,) = said({EN: page(EN), DE: german, FR: page(FR, ())})
    assert one.code == "hreflang-target"
    assert why in one.message


def test_the_default_may_be_a_page_that_sends_visitors_to_their_language() -> None:
    default = (*BOTH, ("x-default", BASE))
    facts: dict[str, Facts] = {"index.html": alias("/en/"), EN: page(EN, default), DE: page(DE)}
    assert said(facts) == []
    # But one with languages of its own says which.
    facts["index.html"] = page("index.html", (("x-default", BASE), ("en", BASE + "fr/")))
    assert [one.code for one in said(facts)] == ["hreflang-no-return"]


def test_a_page_for_a_language_is_its_own_canonical_page() -> None:
    facts: dict[str, Facts] = {EN: page(EN), DE: page(DE, canonicals=(BASE + "en/",))}
    (one,) = said(facts, DE)
    assert one.code == "hreflang-canonical"
    # A page that no list has may well name another one.
    facts = {EN: page(EN), DE: page(DE), "amp/index.html": page("amp/index.html", BOTH)}
    amp = page("amp/index.html", canonicals=(BASE + "en/",))
    assert said(facts | {"amp/index.html": amp}, "amp/index.html") == []


@pytest.mark.parametrize("hidden", [{"robots": (("robots", "noindex"),)}, {"refresh": (0, "/x/")}])
def test_pages_that_are_not_to_be_found_have_no_languages(hidden: dict[str, object]) -> None:
    assert said({EN: page(EN, BOTH[1:], **hidden), DE: page(DE)}) == []


def sitemap(*alternates: tuple[str, str, str]) -> Sitemap:
    locs = dict.fromkeys(loc for loc, _, _ in alternates)
    refs = tuple(Ref("sitemap", loc, "loc", "text") for loc in locs)
    return Sitemap(refs, alternates=alternates)


def test_languages_of_a_sitemap_are_judged_alike() -> None:
    loc = BASE + "en/"
    facts: dict[str, Facts] = {
        EN: page(EN, ()),
        DE: page(DE, ()),
        "sitemap.xml": sitemap(
            (loc, "en", loc), (loc, "xx", BASE + "nothing/"), (loc, "de", BASE + "de/")
        ),
    }
    found_there = said(facts, "sitemap.xml")
    assert [(one.code, one.element) for one in found_there] == [
        ("hreflang-invalid", "xhtml:link"),
        ("hreflang-broken", "xhtml:link"),
        ("hreflang-no-return", "xhtml:link"),
    ]
    assert "/nothing/ is not there" in found_there[1].message


def test_a_page_may_answer_what_a_sitemap_says() -> None:
    loc = BASE + "en/"
    facts: dict[str, Facts] = {
        EN: page(EN, ()),
        DE: page(DE),
        "sitemap.xml": sitemap((loc, "en", loc), (loc, "de", BASE + "de/")),
    }
    assert said(facts, None) == []


def test_every_rule_is_tested() -> None:
    with open(__file__, encoding="utf-8") as file:
        text = file.read()
    assert [rule.code for rule in RULES if f'"{rule.code}"' not in text] == []

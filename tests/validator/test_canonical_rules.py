"""What is said of canonical addresses."""

from __future__ import annotations

import pytest

from tests.validator.made import BASE, alias, found, good, told
from workflow.validator.facts import Facts
from workflow.validator.seo.canonical_rules import RULES

ABOUT = "about/index.html"


def site(canonical: str, **changed: object) -> dict[str, Facts]:
    return {
        ABOUT: good(ABOUT, canonicals=(canonical,), **changed),
        "index.html": good("index.html"),
        "old/index.html": alias(BASE + "about/"),
        "hidden/index.html": good("hidden/index.html", robots=(("robots", "noindex"),)),
        "other/index.html": good("other/index.html"),
        "chain/index.html": good("chain/index.html", canonicals=(BASE + "other/",)),
        "chain/page/2/index.html": good("chain/page/2/index.html"),
    }


@pytest.mark.parametrize(
    ("canonical", "code"),
    [
        pytest.param(BASE + "about/", None, id="own"),
        pytest.param("HTTPS://EXAMPLE.ORG/about/", None, id="own-in-capitals"),
        pytest.param(BASE + "about/?page=2", None, id="own-with-a-query"),
        pytest.param(BASE + "other/", None, id="another-page"),
        pytest.param("/about/", "canonical-relative", id="from-the-root"),
        pytest.param("./", "canonical-relative", id="relative"),
        pytest.param("//example.org/about/", "canonical-relative", id="without-scheme"),
        pytest.param(BASE + "about", "canonical-differs", id="no-slash"),
        pytest.param(BASE + "about/index.html", "canonical-differs", id="index"),
        pytest.param(BASE + "about/#x", "canonical-differs", id="fragment"),
        pytest.param("http://example.org/about/", "canonical-differs", id="http"),
        pytest.param("https://other.org/about/", "canonical-foreign", id="other-host"),
        pytest.param("https://example.org.evil/", "canonical-foreign", id="host-that-begins-so"),
        pytest.param(BASE + "old/", "canonical-redirect", id="alias"),
        pytest.param(BASE + "hidden/", "canonical-noindex", id="noindex"),
        pytest.param(BASE + "chain/", "canonical-chain", id="chain"),
        pytest.param(BASE, "canonical-home", id="home"),
        # Rules on references tell of what is not there at all.
        pytest.param(BASE + "nothing/", None, id="missing"),
        pytest.param(BASE + "About/", None, id="case"),
        pytest.param("https:// example.org", None, id="invalid"),
        pytest.param("http://localhost:1313/about/", None, id="localhost"),
    ],
)
def test_a_canonical_address_is_judged(canonical: str, code: str | None) -> None:
    said = [one for one in found(site(canonical), "canonical") if one.page == ABOUT]
    assert [one.code for one in said] == ([code] if code else [])
    for one in said:
        assert (one.url, one.element, one.attribute) == (canonical, "link", "href")


def test_a_page_without_one_is_told() -> None:
    facts: dict[str, Facts] = {ABOUT: good(ABOUT, canonicals=())}
    assert list(told(found(facts, "canonical"))) == [("canonical-missing", ABOUT)]


def test_one_outside_the_head_is_told_as_such() -> None:
    facts: dict[str, Facts] = {ABOUT: good(ABOUT, canonicals=(), canonical_in_body=True)}
    assert list(told(found(facts, "canonical"))) == [("canonical-body", ABOUT)]
    beside: dict[str, Facts] = {ABOUT: good(ABOUT, canonical_in_body=True)}
    assert found(beside, "canonical") == []


def test_of_two_addresses_neither_counts_and_the_same_twice_is_one() -> None:
    own, other = BASE + "about/", BASE + "other/"
    facts: dict[str, Facts] = {ABOUT: good(ABOUT, canonicals=(own, other))}
    (one,) = found(facts, "canonical")
    assert (one.code, one.url) == ("canonical-many", other)
    assert own in one.message
    facts = {ABOUT: good(ABOUT, canonicals=(own, own))}
    assert found(facts, "canonical") == []


def test_the_home_page_under_another_address_may_name_the_home_page() -> None:
    facts = site(BASE, titles=("The title of index.html",))
    assert found(facts, "canonical-home") == []
    # Without a home page in the site there is nothing to say of it.
    facts = site(BASE + "other/")
    facts["other/index.html"] = good("other/index.html")
    assert found(facts, "canonical-home") == []


def test_a_further_page_of_a_list_names_itself_and_not_the_first() -> None:
    facts = site(BASE + "about/")
    facts["page/2/index.html"] = good("page/2/index.html", canonicals=(BASE,))
    (one,) = found(facts, "canonical-page canonical-home")
    assert (one.code, one.page) == ("canonical-page", "page/2/index.html")


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        pytest.param("404.html", {}, id="error-page"),
        pytest.param(ABOUT, {"robots": (("robots", "noindex"),)}, id="noindex"),
        pytest.param(ABOUT, {"refresh": (0, "/x/")}, id="alias"),
        pytest.param("google0123456789abcdef.html", {}, id="proof-of-ownership"),
    ],
)
def test_pages_that_are_not_to_be_found_need_none(path: str, changed: dict[str, object]) -> None:
    facts: dict[str, Facts] = {path: good(path, canonicals=(), **changed)}
    assert found(facts, "canonical") == []


def test_without_a_base_url_no_address_is_foreign() -> None:
    assert found(site(BASE + "about/"), "canonical", base_url=None) == []


def test_with_a_path_in_the_base_url_the_rest_of_the_host_is_foreign() -> None:
    facts: dict[str, Facts] = {ABOUT: good(ABOUT, canonicals=("https://example.org/about/",))}
    (one,) = found(facts, "canonical", base_url=BASE + "sub/")
    assert (one.code, one.message) == (
        "canonical-foreign",
        "the canonical address is outside the site",
    )


def test_every_rule_is_tested() -> None:
    with open(__file__, encoding="utf-8") as file:
        text = file.read()
    assert [rule.code for rule in RULES if f'"{rule.code}"' not in text] == []

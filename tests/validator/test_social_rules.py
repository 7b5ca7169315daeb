"""What is said of what social media show of a page."""

from __future__ import annotations

import pytest

from tests.validator.made import BASE, alias, found, good, social
from workflow.validator.facts import Facts
from workflow.validator.findings import Finding
from workflow.validator.seo.social_rules import RULES

ABOUT = "about/index.html"
OWN = dict(social(ABOUT))
LARGE = {"twitter:card": "summary_large_image"}
PLAYER = {
    "twitter:card": "player",
    "twitter:player": "https://v.org/1",
    "twitter:player:width": "640",
    "twitter:player:height": "360",
}


def said(*properties: tuple[str, str], **changed: object) -> list[Finding]:
    facts: dict[str, Facts] = {
        ABOUT: good(ABOUT, social=properties, **changed),
        "index.html": good("index.html"),
    }
    return [one for one in found(facts, "og- twitter-") if one.page == ABOUT]


def of(changed: dict[str, str | None]) -> list[Finding]:
    """Of a page that has all, but for what is changed; None takes it away."""
    return said(*[(name, value) for name, value in (OWN | changed).items() if value is not None])


@pytest.mark.parametrize(
    ("changed", "code", "part"),
    [
        pytest.param({}, None, "", id="all"),
        pytest.param({"og:description": "x", "og:locale": "en_US"}, None, "", id="more"),
        pytest.param({"og:title": None}, "og-missing", "lacks og:title", id="no-title"),
        pytest.param({"og:type": None}, "og-missing", "og:type", id="no-type"),
        pytest.param({"og:image": None}, "og-missing", "og:image", id="no-image"),
        pytest.param({"og:url": None}, "og-missing", "og:url", id="no-url"),
        pytest.param(
            {"og:title": None, "og:image": None}, "og-missing", "og:title, og:image", id="no-two"
        ),
        pytest.param(
            {"og:image": None, "og:image:url": BASE + "icon.svg"}, None, "", id="image-of-that-name"
        ),
        pytest.param({"og:image": ""}, "og-empty", "og:image is empty", id="empty"),
        pytest.param({"og:image": "/icon.svg"}, "og-relative", "og:image", id="relative"),
        pytest.param({"og:image": "//cdn.org/a.png"}, "og-relative", "//cdn", id="no-scheme"),
        pytest.param({"og:image": BASE}, "og-broken", "/, which is a page", id="page-as-image"),
        pytest.param({"twitter:image": BASE + "about/"}, "og-broken", "/about/", id="this-page"),
        pytest.param({"og:url": "/about/"}, "og-relative", "og:url", id="relative-url"),
        pytest.param({"og:video": "/v.mp4"}, "og-relative", "og:video", id="relative-video"),
        pytest.param({"og:url": BASE}, "og-differs", "canonical", id="url-of-another-page"),
        pytest.param({"og:url": BASE + "about"}, None, "", id="url-without-slash"),
        pytest.param({"og:url": BASE + "about/#x"}, None, "", id="url-with-fragment"),
        pytest.param({"og:url": "https://x.org/"}, "og-differs", "x.org", id="url-elsewhere"),
        pytest.param({"og:url": BASE + "nothing/"}, None, "", id="url-of-nothing"),
        pytest.param({"twitter:card": "summary"}, None, "", id="card"),
        pytest.param({"twitter:card": " Summary "}, None, "", id="card-in-capitals"),
        pytest.param({"twitter:card": "photo"}, "twitter-invalid", "“photo”", id="card-of-old"),
        pytest.param(LARGE, None, "", id="large"),
        pytest.param(PLAYER, None, "", id="player"),
        pytest.param(
            {**PLAYER, "twitter:player:width": None},
            "twitter-invalid",
            "player lacks twitter:player:width",
            id="player-without-width",
        ),
        pytest.param({"twitter:card": "app"}, "twitter-invalid", "or twitter:app", id="no-app"),
        pytest.param(
            {"twitter:card": "app", "twitter:app:id:ipad": "1"}, None, "", id="app-on-one-device"
        ),
        pytest.param(
            {"twitter:image": "a.png"}, "og-relative", "twitter:image", id="relative-card"
        ),
    ],
)
def test_what_a_page_says_to_social_media_is_judged(
    changed: dict[str, str | None], code: str | None, part: str
) -> None:
    found_there = of(changed)
    assert [one.code for one in found_there] == ([code] if code else [])
    for one in found_there:
        assert part in one.message


@pytest.mark.parametrize(
    ("properties", "messages"),
    [
        pytest.param({"twitter:site": "@x"}, ["no twitter:card"], id="no-card"),
        pytest.param({"twitter:card": "summary"}, ["lacks twitter:title"], id="no-title"),
        pytest.param(
            {**LARGE, "twitter:title": "x"},
            ["lacks twitter:image or twitter:image:src"],
            id="no-image",
        ),
        pytest.param(
            {**LARGE, "twitter:title": "x", "twitter:image:src": BASE + "icon.svg"}, [], id="old"
        ),
    ],
)
def test_a_card_by_itself_needs_what_open_graph_does_not_give(
    properties: dict[str, str], messages: list[str]
) -> None:
    found_there = said(*properties.items())
    assert [one.code for one in found_there] == ["twitter-invalid"] * len(messages)
    for one, message in zip(found_there, messages, strict=True):
        assert message in one.message


def test_open_graph_stands_in_for_a_card() -> None:
    assert of({"twitter:site": "@x"}) == []


def test_a_page_that_says_nothing_is_told() -> None:
    (one,) = said()
    assert (one.code, one.message) == ("og-missing", "the page has no Open Graph data")


def test_what_is_wrong_is_told_where_it_stands() -> None:
    (one,) = of({"og:image": "/icon.svg"})
    assert (one.url, one.element, one.attribute) == ("/icon.svg", "meta", "content")
    (one,) = of({"twitter:card": "photo"})
    assert (one.url, one.element, one.attribute) == ("photo", "meta", "content")


def test_a_page_has_one_title_and_may_have_many_images() -> None:
    own = tuple(OWN.items())
    assert said(*own, ("og:image", BASE + "b.png"), ("og:title", OWN["og:title"])) == []
    (one,) = said(*own, ("og:title", "Another"))
    assert (one.code, one.url) == ("og-many", "Another")
    assert one.message == "og:title is both “A title” and “Another”"


def test_the_address_is_that_of_the_canonical_page() -> None:
    own = tuple(OWN.items())
    assert [one.code for one in said(*own, canonicals=(BASE,))] == ["og-differs"]
    assert said(*own, canonicals=()) == []
    assert said(*own, canonicals=(BASE + "nothing/",)) == []


@pytest.mark.parametrize(
    ("path", "page"),
    [
        pytest.param("404.html", good("404.html", social=()), id="error-page"),
        pytest.param(ABOUT, alias("/x/"), id="alias"),
        pytest.param(ABOUT, good(ABOUT, social=(), robots=(("robots", "none"),)), id="noindex"),
        pytest.param("google0123456789abcdef.html", good("x", social=()), id="proof"),
    ],
)
def test_pages_that_nobody_shares_need_nothing(path: str, page: Facts) -> None:
    assert found({path: page}, "og- twitter-") == []


def test_every_rule_is_tested() -> None:
    with open(__file__, encoding="utf-8") as file:
        text = file.read()
    assert [rule.code for rule in RULES if f'"{rule.code}"' not in text] == []

"""What is said of feeds, manifests and the icon."""

from __future__ import annotations

import pytest

from tests.validator.made import BASE, ICON, alias, found, good, told
from workflow.validator.facts import Facts, Feed, Manifest, Ref
from workflow.validator.findings import Finding
from workflow.validator.seo.file_rules import RULES

ABOUT = "about/index.html"
FILES = ("a.mp3", "icon.png", "empty/x.txt")


def of_feed(*refs: Ref, error: str | None = None, base_url: str | None = BASE) -> list[Finding]:
    facts: dict[str, Facts] = {ABOUT: good(ABOUT), "blog/index.xml": Feed(refs, error)}
    return found(facts, "feed link-", files=FILES, base_url=base_url)


def link(url: str, element: str = "link", attribute: str = "text", kind: str = "link") -> Ref:
    return Ref(kind, url, element, attribute)


@pytest.mark.parametrize(
    ("ref", "code"),
    [
        pytest.param(link(BASE + "about/"), None, id="there"),
        pytest.param(link(BASE + "about"), None, id="no-slash"),
        pytest.param(link("https://other.org/"), None, id="other-host"),
        pytest.param(link("tag:example.org,2026:1", "guid"), None, id="guid-of-no-web"),
        pytest.param(link(BASE + "gone/"), "feed-broken", id="missing"),
        pytest.param(link(BASE + "gone/", "guid"), "feed-broken", id="guid"),
        pytest.param(link(BASE + "About/"), "feed-broken", id="case"),
        pytest.param(link(BASE + "empty/"), "feed-broken", id="no-index"),
        pytest.param(link("https:///x"), "feed-broken", id="invalid"),
        pytest.param(link(BASE + "a.mp3", "enclosure", "url", "media"), None, id="sound"),
        pytest.param(
            link(BASE + "b.mp3", "enclosure", "url", "media"), "feed-broken", id="no-sound"
        ),
        pytest.param(link("/about/"), "feed-relative", id="relative"),
        pytest.param(link("../about/"), "feed-relative", id="relative-to-the-feed"),
        pytest.param(link("/a.mp3", "enclosure", "url", "media"), "feed-relative", id="sound-so"),
        pytest.param(link("/about/", "link", "href"), None, id="atom-may-be-relative"),
        pytest.param(link("/gone/", "link", "href"), "feed-broken", id="atom-missing"),
        pytest.param(link("http://localhost:1313/x/"), "link-localhost", id="localhost"),
    ],
)
def test_a_feed_leads_somewhere(ref: Ref, code: str | None) -> None:
    said = of_feed(ref)
    assert [one.code for one in said] == ([code] if code else [])
    for one in said:
        assert (one.page, one.url) == ("blog/index.xml", ref.url)
        assert (one.element, one.attribute) == (ref.element, ref.attribute)


def test_an_entry_whose_link_is_its_guid_is_told_once() -> None:
    assert len(of_feed(link(BASE + "gone/"), link(BASE + "gone/", "guid"))) == 1


def test_a_feed_that_was_built_for_this_machine_is_told_once() -> None:
    refs = [link(f"http://localhost:1313/{number}/") for number in range(9)]
    (one,) = of_feed(*refs)
    assert (one.code, one.url) == ("link-localhost", "http://localhost:1313/0/")
    assert "9 links lead there" in one.message


def test_a_feed_that_cannot_be_read_is_told_with_the_reason() -> None:
    (one,) = of_feed(error="line 2, column 5: mismatched tag")
    assert one.code == "feed-invalid"
    assert "line 2, column 5" in one.message


@pytest.mark.parametrize(
    ("url", "base_url", "is_told"),
    [
        pytest.param(BASE + "blog/index.xml", BASE, False, id="own"),
        pytest.param(BASE + "index.xml", BASE, True, id="another"),
        pytest.param("/blog/index.xml", BASE, True, id="relative"),
        pytest.param("https://other.org/index.xml", BASE, True, id="other-host"),
        pytest.param("https://other.org/index.xml", None, False, id="who-knows"),
    ],
)
def test_a_feed_says_where_it_is(url: str, base_url: str | None, is_told: bool) -> None:
    said = of_feed(link(url, "link", "href", "feed"), base_url=base_url)
    assert [one.code for one in said] == ["feed-self"] * is_told
    assert all(one.url == url for one in said)


def of_manifest(*refs: Ref, error: str | None = None) -> list[Finding]:
    facts: dict[str, Facts] = {
        "index.html": good("index.html"),
        "app/site.webmanifest": Manifest(refs, error),
    }
    return found(facts, "manifest icon- image-", files=FILES)


@pytest.mark.parametrize(
    ("ref", "code"),
    [
        pytest.param(Ref("icon", "../icon.png", "icons", "src"), None, id="icon"),
        pytest.param(Ref("icon", "/icon.png?v=1", "icons", "src"), None, id="icon-with-query"),
        pytest.param(Ref("icon", "icon.png", "icons", "src"), "icon-broken", id="from-the-page"),
        pytest.param(
            Ref("image", "s.png", "screenshots", "src"), "image-broken", id="no-screenshot"
        ),
        pytest.param(Ref("link", "/?source=pwa", "start_url", "text"), None, id="start"),
        pytest.param(Ref("link", "./", "start_url", "text"), "manifest-invalid", id="no-start"),
    ],
)
def test_a_manifest_names_what_is_there(ref: Ref, code: str | None) -> None:
    said = of_manifest(ref)
    assert [one.code for one in said] == ([code] if code else [])
    for one in said:
        assert (one.page, one.url, one.element) == ("app/site.webmanifest", ref.url, ref.element)


def test_a_manifest_that_cannot_be_read_is_told_with_the_reason() -> None:
    (one,) = of_manifest(error="it is no JSON object")
    assert one.code == "manifest-invalid"
    assert "no JSON object" in one.message


def test_a_site_has_an_icon() -> None:
    bare = {path: good(path, refs=()) for path in ("about/index.html", "index.html")}
    facts: dict[str, Facts] = {**bare}
    (one,) = found(facts, "icon-missing")
    assert (one.page, one.message) == (
        "index.html",
        "/favicon.ico is not there, and 2 pages name no icon: /about/ and /",
    )
    assert found(facts, "icon-missing", files=("favicon.ico",)) == []


def test_one_page_without_an_icon_is_named() -> None:
    facts: dict[str, Facts] = {
        "index.html": good("index.html"),
        ABOUT: good(ABOUT, refs=()),
        "b/index.html": good("b/index.html", refs=(link("/"), ICON)),
        "old/index.html": alias("/about/"),
        "google0123456789abcdef.html": good("x", refs=()),
    }
    (one,) = found(facts, "icon-missing")
    assert (one.page, one.message) == (
        ABOUT,
        "/favicon.ico is not there, and 1 page names no icon: /about/",
    )


def test_every_rule_is_tested() -> None:
    with open(__file__, encoding="utf-8") as file:
        text = file.read()
    assert [rule.code for rule in RULES if f'"{rule.code}"' not in text] == []


def test_a_site_without_pages_needs_no_icon() -> None:
    assert list(told(found({"blog/index.xml": Feed()}, "icon-missing"))) == []

"""What is said of sitemaps."""

from __future__ import annotations

import pytest

from tests.validator.made import BASE, alias, found, good, told
from workflow.validator.facts import Facts, Ref, Robots, Sitemap
from workflow.validator.findings import Finding
from workflow.validator.seo.sitemap_rules import RULES

ABOUT = "about/index.html"
FILES = ("img/a.png", "empty/x.txt", "report.pdf")


def listing(*urls: str, kind: str = "sitemap", **changed: object) -> Sitemap:
    refs = tuple(Ref(kind, url, "loc", "text") for url in urls)
    return Sitemap(refs, **changed)  # type: ignore[arg-type]


def pages() -> dict[str, Facts]:
    return {
        "index.html": good("index.html"),
        ABOUT: good(ABOUT),
        "old/index.html": alias(BASE + "about/"),
        "hidden/index.html": good("hidden/index.html", robots=(("robots", "noindex"),)),
        "print/index.html": good("print/index.html", canonicals=(BASE + "about/",)),
        "404.html": good("404.html"),
    }


def said(*urls: str, **changed: object) -> list[Finding]:
    """Of a sitemap that lists these besides the two pages that are to be listed."""
    own = [url for url in (BASE, BASE + "about/") if not {url, url + "#x"} & set(urls)]
    sitemap = listing(*own, *urls, **changed)  # type: ignore[arg-type]
    return found(pages() | {"sitemap.xml": sitemap}, "sitemap", files=FILES)


def test_a_sitemap_that_lists_what_is_to_be_found_is_fine() -> None:
    assert said() == []


@pytest.mark.parametrize(
    ("url", "codes"),
    [
        pytest.param(BASE + "report.pdf", [], id="another-file"),
        pytest.param(BASE + "gone/", ["sitemap-broken"], id="missing"),
        pytest.param(BASE + "About/", ["sitemap-broken"], id="case"),
        pytest.param(BASE + "empty/", ["sitemap-broken"], id="no-index"),
        pytest.param("https:///x", ["sitemap-broken"], id="invalid"),
        pytest.param("report.pdf", ["sitemap-relative"], id="relative"),
        pytest.param("//example.org/report.pdf", ["sitemap-relative"], id="no-scheme"),
        pytest.param("/gone/", ["sitemap-relative", "sitemap-broken"], id="relative-and-missing"),
        pytest.param("https://other.org/", ["sitemap-foreign"], id="other-host"),
        pytest.param("http://example.org/report.pdf", ["sitemap-foreign"], id="other-scheme"),
        pytest.param("https://example.org.evil/", ["sitemap-foreign"], id="host-that-begins-so"),
        pytest.param(BASE + "hidden/", ["sitemap-noindex"], id="noindex"),
        pytest.param(BASE + "404.html", ["sitemap-noindex"], id="error-page"),
        pytest.param(BASE + "print/", ["sitemap-canonical"], id="canonical-elsewhere"),
        pytest.param(BASE + "old/", ["sitemap-redirect"], id="alias"),
    ],
)
def test_an_entry_is_judged(url: str, codes: list[str]) -> None:
    assert [one.code for one in said(url)] == codes
    for one in said(url):
        assert (one.page, one.url, one.element, one.attribute) == (
            "sitemap.xml",
            url,
            "loc",
            "text",
        )


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param(BASE + "about", "sitemap-redirect", id="no-slash"),
        pytest.param(BASE + "about/index.html", "sitemap-canonical", id="index"),
        pytest.param(BASE + "about/#x", "sitemap-canonical", id="fragment"),
    ],
)
def test_a_page_is_listed_as_its_address_is_written(url: str, code: str) -> None:
    sitemap = listing(BASE, url)
    (one,) = found(pages() | {"sitemap.xml": sitemap}, "sitemap")
    assert one.code == code


def test_a_page_is_listed_once() -> None:
    facts = pages() | {
        "a/sitemap.xml": listing(BASE, BASE + "about/"),
        "b/sitemap.xml": listing(BASE + "about/"),
    }
    (one,) = found(facts, "sitemap")
    assert (one.code, one.page) == ("sitemap-double", "b/sitemap.xml")
    assert one.message == "/about/ is listed already in /a/sitemap.xml"


@pytest.mark.parametrize("again", ["about/", "about/?x"])
def test_a_page_is_listed_once_also_in_one_sitemap(again: str) -> None:
    sitemap = listing(BASE, BASE + "about/", BASE + again)
    (one,) = found(pages() | {"sitemap.xml": sitemap}, "sitemap")
    assert (one.code, one.url) == ("sitemap-double", BASE + again)


def test_a_sitemap_that_was_built_for_another_host_is_told_of_once() -> None:
    other = "https://staging.example.net/"
    sitemap = listing(*(f"{other}{number}/" for number in range(50)))
    (one,) = found(pages() | {"sitemap.xml": sitemap}, "sitemap")
    assert one.code == "sitemap-foreign"
    assert one.message.startswith(
        "50 addresses at https://staging.example.net, and the site is at https://example.org/: "
    )
    assert one.message.endswith(" and 47 more")
    assert one.url == other + "0/"


def test_what_is_outside_the_path_of_the_site_is_foreign() -> None:
    facts: dict[str, Facts] = {
        "index.html": good("index.html", canonicals=(BASE + "sub/",)),
        "sitemap.xml": listing(BASE + "sub/", BASE + "about/"),
    }
    (one,) = found(facts, "sitemap", base_url=BASE + "sub/")
    assert (one.code, one.url) == ("sitemap-foreign", BASE + "about/")


def test_without_a_base_url_nothing_is_foreign() -> None:
    facts = pages() | {"sitemap.xml": listing("https://other.org/")}
    assert found(facts, "sitemap", base_url=None) == []


def test_pictures_are_there_but_may_come_from_elsewhere() -> None:
    image = Ref("image", BASE + "img/b.png", "image:loc", "text")
    refs = listing(BASE, BASE + "about/").refs
    there = (image._replace(url=BASE + "img/a.png"), image._replace(url="https://cdn.net/a.png"))
    assert found(pages() | {"sitemap.xml": Sitemap(refs + there)}, "sitemap", files=FILES) == []
    (one,) = found(pages() | {"sitemap.xml": Sitemap((*refs, image))}, "sitemap", files=FILES)
    assert (one.code, one.element) == ("sitemap-broken", "image:loc")


def test_a_sitemap_that_cannot_be_read_is_told_with_the_reason_alone() -> None:
    facts = pages() | {"sitemap.xml": listing(BASE, error="line 3, column 1: no element found")}
    (one,) = found(facts, "sitemap")
    assert (one.code, one.page) == ("sitemap-invalid", "sitemap.xml")
    assert "line 3, column 1" in one.message


def test_dates_that_are_none_are_told_together() -> None:
    (one,) = said(bad_dates=("4 May", "2026/01/02", "x", "y"))
    assert one.code == "sitemap-lastmod"
    assert one.message == "no dates of the right form: “4 May”, “2026/01/02”, “x” and 1 more"
    assert (one.url, one.element, one.attribute) == ("4 May", "lastmod", "text")


def index(*urls: str) -> dict[str, Facts]:
    return pages() | {
        "sitemap.xml": listing(*urls, is_index=True),
        "en/sitemap.xml": listing(BASE, BASE + "about/"),
    }


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param(BASE + "en/sitemap.xml", None, id="there"),
        pytest.param(BASE + "sitemap.xml.gz", None, id="packed"),
        pytest.param(BASE + "de/sitemap.xml", "sitemap-broken", id="missing"),
        pytest.param("en/sitemap.xml", "sitemap-relative", id="relative"),
        pytest.param(BASE + "sitemap.xml", "sitemap-invalid", id="an-index"),
        pytest.param(BASE + "about/", "sitemap-invalid", id="a-page"),
        pytest.param("https://other.org/sitemap.xml", "sitemap-foreign", id="other-host"),
    ],
)
def test_an_index_lists_sitemaps(url: str, code: str | None) -> None:
    said_of_it = found(index(url), "sitemap", files=("sitemap.xml.gz",))
    assert [one.code for one in said_of_it] == ([code] if code else [])


def test_the_sitemaps_of_an_index_are_judged_too() -> None:
    facts = index(BASE + "en/sitemap.xml")
    facts["en/sitemap.xml"] = listing(BASE, BASE + "about/", BASE + "gone/")
    assert list(told(found(facts, "sitemap"))) == [("sitemap-broken", "en/sitemap.xml")]


def test_a_page_that_is_to_be_found_is_in_a_sitemap() -> None:
    facts = pages() | {
        "sitemap.xml": listing(BASE),
        "page/2/index.html": good("page/2/index.html"),
        "google0123456789abcdef.html": good("x"),
    }
    assert list(told(found(facts, "sitemap"))) == [("sitemap-unlisted", ABOUT)]


def test_what_a_broken_sitemap_does_not_list_is_not_told() -> None:
    facts = pages() | {"sitemap.xml": listing(BASE, error="cut off")}
    assert [one.code for one in found(facts, "sitemap")] == ["sitemap-invalid"]


def test_a_site_has_a_sitemap() -> None:
    assert list(told(found(pages(), "sitemap"))) == [("sitemap-missing", "index.html")]
    facts: dict[str, Facts] = {ABOUT: good(ABOUT)}
    assert list(told(found(facts, "sitemap"))) == [("sitemap-missing", ABOUT)]


@pytest.mark.parametrize(
    ("more", "files"),
    [
        pytest.param({}, ("sitemap.txt",), id="a-list"),
        pytest.param({}, ("sitemap.xml.gz",), id="packed"),
        pytest.param(
            {"robots.txt": Robots(refs=(Ref("sitemap", "https://x.org/s.xml", "a", "text"),))},
            (),
            id="elsewhere",
        ),
    ],
)
def test_a_sitemap_may_be_of_another_kind(more: dict[str, Facts], files: tuple[str, ...]) -> None:
    assert found(pages() | more, "sitemap", files=files) == []


def test_a_site_that_is_not_to_be_found_needs_no_sitemap() -> None:
    facts: dict[str, Facts] = {ABOUT: good(ABOUT, robots=(("robots", "none"),))}
    assert found(facts, "sitemap") == []


def test_every_rule_is_tested() -> None:
    with open(__file__, encoding="utf-8") as file:
        text = file.read()
    assert [rule.code for rule in RULES if f'"{rule.code}"' not in text] == []

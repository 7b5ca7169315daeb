"""What is said of robots.txt."""

from __future__ import annotations

import pytest

from tests.validator.made import BASE, alias, found, good, told
from workflow.validator.facts import Facts, Page, Ref, Sitemap
from workflow.validator.files.documents import robots
from workflow.validator.findings import Finding
from workflow.validator.seo.robots_rules import RULES

ABOUT = "about/index.html"
STYLE = Ref("style", "/css/main.css", "link", "href")
FILES = ("css/main.css", "list.txt", "img/a.png")


def pages() -> dict[str, Facts]:
    urls = (BASE, BASE + "about/")
    return {
        "index.html": good("index.html", refs=(STYLE,)),
        ABOUT: good(ABOUT, refs=(STYLE,)),
        "hidden/index.html": good("hidden/index.html", robots=(("robots", "noindex"),)),
        "sitemap.xml": Sitemap(tuple(Ref("sitemap", url, "loc", "text") for url in urls)),
    }


def said(*lines: str, **site: object) -> list[Finding]:
    text = "\n".join(lines).encode()
    return found(pages() | {"robots.txt": robots(text)}, "robots", files=FILES, **site)


def test_a_site_needs_no_robots_txt() -> None:
    assert found(pages(), "robots") == []


def test_a_file_that_lets_all_be_read_is_fine() -> None:
    assert said("User-agent: *", "Disallow:", f"Sitemap: {BASE}sitemap.xml") == []
    assert said("User-agent: *") == []


def test_a_line_that_crawlers_pass_over_is_told_with_its_number() -> None:
    (one,) = said("User-agent: *", "", "Disalow: /x")
    assert (one.code, one.page, one.line) == ("robots-invalid", "robots.txt", 3)
    assert (one.url, one.excerpt) == ("Disalow: /x", "Disalow: /x")


@pytest.mark.parametrize(
    ("url", "part"),
    [
        pytest.param(BASE + "sitemap.xml", None, id="there"),
        pytest.param(BASE + "list.txt", None, id="a-list"),
        pytest.param("https://other.org/sitemap.xml", None, id="other-host"),
        pytest.param("/sitemap.xml", "not a whole address", id="relative"),
        pytest.param("//example.org/sitemap.xml", "not a whole address", id="no-scheme"),
        pytest.param(BASE + "sitemaps.xml", "is not there", id="missing"),
        pytest.param(BASE + "Sitemap.xml", "other letters", id="case"),
        pytest.param("https:///x", "two slashes", id="invalid"),
        pytest.param(BASE + "about/", "/about/ is no sitemap", id="page"),
        pytest.param(BASE + "img/a.png", "no sitemap", id="picture"),
        pytest.param("http://localhost:1313/sitemap.xml", "not there for crawlers", id="localhost"),
    ],
)
def test_a_sitemap_line_leads_to_a_sitemap(url: str, part: str | None) -> None:
    found_there = said(f"Sitemap: {url}")
    assert len(found_there) == (part is not None)
    for one in found_there:
        assert (one.code, one.page, one.url) == ("robots-sitemap", "robots.txt", url)
        assert part is not None
        assert part in one.message


@pytest.mark.parametrize(
    ("site", "severity"),
    [
        pytest.param({"is_production": True, "environment": "production"}, "error", id="live"),
        pytest.param({"environment": "staging"}, "notice", id="staging"),
        pytest.param({}, None, id="who-knows"),
    ],
)
def test_to_keep_all_from_the_whole_site_is_worst_in_production(
    site: dict[str, object], severity: str | None
) -> None:
    (one,) = said("User-agent: *", "Disallow: /", **site)
    assert (one.code, one.page, one.severity) == ("robots-blocks", "robots.txt", severity)
    assert one.message == "Disallow: / keeps search engines from the whole site"


@pytest.mark.parametrize(
    ("lines", "whom"),
    [
        pytest.param(("User-agent: *", "Disallow: /*"), "search engines", id="star"),
        pytest.param(("User-agent: googlebot", "Disallow: /"), "Googlebot", id="google"),
        pytest.param(("User-agent: bingbot", "Disallow: /"), "Bingbot", id="bing"),
        pytest.param(
            ("User-agent: googlebot", "User-agent: bingbot", "Disallow: /"),
            "Googlebot and Bingbot",
            id="both",
        ),
        pytest.param(
            ("User-agent: *", "Disallow: /", "User-agent: googlebot", "Disallow:"),
            "search engines",
            id="all-but-google",
        ),
        pytest.param(("User-agent: gptbot", "Disallow: /"), None, id="another-crawler"),
        pytest.param(("User-agent: *", "Disallow: /", "Allow: /"), None, id="allowed-after-all"),
        pytest.param(("User-agent: *", "Disallow: /admin/"), None, id="what-is-not-there"),
        pytest.param(("User-agent: *", "Disallow: /*?"), None, id="queries"),
    ],
)
def test_crawlers_that_bring_visitors_may_read_the_site(
    lines: tuple[str, ...], whom: str | None
) -> None:
    found_there = said(*lines)
    assert len(found_there) == (whom is not None)
    for one in found_there:
        assert f"keeps {whom} from the whole site" in one.message


def test_a_page_that_a_sitemap_lists_may_be_read() -> None:
    (one,) = said("User-agent: *", "Disallow: /about/")
    assert (one.code, one.page, one.severity) == ("robots-blocks", ABOUT, None)
    assert one.message == (
        "robots.txt keeps search engines from /about/ (Disallow: /about/), "
        "and /sitemap.xml lists it"
    )


def test_a_page_that_no_sitemap_lists_may_be_kept_from_crawlers() -> None:
    facts = pages() | {
        "private/index.html": good("private/index.html"),
        "robots.txt": robots(b"User-agent: *\nDisallow: /private/"),
    }
    assert found(facts, "robots") == []


def test_a_page_that_says_noindex_must_be_read_for_it() -> None:
    (one,) = said("User-agent: *", "Disallow: /hidden/")
    assert (one.code, one.page) == ("robots-noindex", "hidden/index.html")


def test_style_sheets_and_scripts_of_pages_may_be_read() -> None:
    (one,) = said("User-agent: *", "Disallow: /css/")
    assert (one.code, one.page, one.url) == ("robots-blocks", "robots.txt", "/css/")
    assert one.message == (
        "Disallow: /css/ keeps search engines from /css/main.css, which 2 pages load: /about/ and /"
    )
    assert said("User-agent: *", "Disallow: /img/") == []


def test_below_a_path_of_the_host_no_crawler_looks_for_the_file() -> None:
    facts: dict[str, Facts] = {
        "index.html": good("index.html"),
        "robots.txt": robots(b"User-agent: *\nDisallow: /"),
    }
    (one,) = found(facts, "robots", base_url=BASE + "sub/")
    assert one.code == "robots-place"
    assert "/sub/robots.txt" in one.message


def test_a_page_that_is_called_robots_txt_is_no_such_file() -> None:
    assert found(pages() | {"robots.txt": Page()}, "robots") == []


def test_aliases_count_as_pages_of_the_whole_site() -> None:
    facts = pages() | {
        "old/index.html": alias("/about/"),
        "robots.txt": robots(b"User-agent: *\nDisallow: /\nAllow: /old/"),
    }
    # What is left open is but an alias, yet it is open: each page is told that a sitemap lists.
    assert list(told(found(facts, "robots-blocks"))) == [
        ("robots-blocks", ABOUT),
        ("robots-blocks", "index.html"),
    ]


def test_every_rule_is_tested() -> None:
    with open(__file__, encoding="utf-8") as file:
        text = file.read()
    assert [rule.code for rule in RULES if f'"{rule.code}"' not in text] == []

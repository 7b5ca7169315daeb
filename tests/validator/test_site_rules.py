"""All rules across a site together."""

from __future__ import annotations

import time

import pytest

from tests.validator.made import BASE, address, found, good, site_of
from workflow.validator.facts import Facts, Page, Ref, Robots, Sitemap
from workflow.validator.links.resolving import Resolver
from workflow.validator.seo import page_rules, site_rules
from workflow.validator.seo.page_rules import page_findings
from workflow.validator.seo.site_rules import site_findings
from workflow.validator.seo.survey import survey


def whole(count: int) -> dict[str, Facts]:
    """A site without a fault, in two languages."""
    facts: dict[str, Facts] = {}
    links = tuple(Ref("link", f"/en/{number}/", "a", "href") for number in range(80))
    for number in range(count):
        one = f"{('en', 'de')[number % 2]}/n{number // 2}/index.html"
        both = tuple((lang, address(f"{lang}/n{number // 2}/index.html")) for lang in ("en", "de"))
        page = good(one, alternates=both, lang=one[:2])
        facts[one] = page._replace(refs=page.refs + links)
    urls = tuple(Ref("sitemap", address(path), "loc", "text") for path in facts)
    facts["sitemap.xml"] = Sitemap(urls)
    named = Ref("sitemap", BASE + "sitemap.xml", "sitemap", "text")
    facts["robots.txt"] = Robots((named,), groups=((("*",), ((False, "/admin/"),)),))
    return facts


def test_nothing_is_said_of_a_site_without_a_fault() -> None:
    assert found(whole(6)) == []


def test_nothing_is_said_of_a_site_without_pages() -> None:
    assert found({}) == []


def test_every_finding_has_a_rule() -> None:
    bad = Page(doctype=False, social=(("og:title", ""),), alternates=(("xx", "/x/"),))
    facts: dict[str, Facts] = {
        "a/index.html": bad,
        "b/index.html": bad,
        "sitemap.xml": Sitemap((Ref("sitemap", "/gone/", "loc", "text"),), error="x"),
    }
    codes = {one.code for one in found(facts)}
    rules = [rule.code for rule in site_rules.RULES]
    assert codes
    assert codes <= set(rules)
    assert len(set(rules)) == len(rules)


def test_a_survey_tells_pages_that_are_to_be_found_from_others() -> None:
    facts: dict[str, Facts] = {
        "index.html": good("index.html"),
        "404.html": good("404.html"),
        "a/index.html": good("a/index.html", robots=(("robots", "noindex"),)),
        "b/index.html": good("b/index.html", canonicals=(BASE,)),
        "c/index.html": good("c/index.html", canonicals=(BASE + "nothing/",)),
        "d/index.html": good("d/index.html", canonicals=("https://other.org/",)),
        "e/index.html": good("e/index.html", refresh=(0, "/")),
        "f/index.html": good("f/index.html", canonicals=()),
        "sitemap.xml": Sitemap((Ref("sitemap", BASE, "loc", "text"),)),
    }
    site = site_of(facts)
    seen = survey(site, Resolver(site))
    assert seen.aliases == {"e/index.html"}
    assert seen.hidden == {"a/index.html"}
    assert seen.elsewhere == {"b/index.html": "index.html"}
    # An address that is wrong, or of another site, does not take a page out of this one.
    assert seen.findable == ("c/index.html", "d/index.html", "f/index.html", "index.html")
    assert seen.in_sitemap == {"index.html": "sitemap.xml"}


@pytest.mark.parametrize(
    ("base_url", "origin"),
    [
        (None, ""),
        ("", ""),
        ("/sub/", ""),
        ("https://", ""),
        ("HTTPS://Example.ORG/sub/", "https://example.org"),
        ("http://localhost:1313/", "http://localhost:1313"),
    ],
)
def test_the_origin_of_a_site_is_known_if_its_base_url_is_whole(
    base_url: str | None, origin: str
) -> None:
    site = site_of({}, base_url=base_url)
    assert survey(site, Resolver(site)).origin == origin


def test_a_site_of_thousands_of_pages_is_judged_in_less_than_a_second() -> None:
    """It takes a fifth of one; the rest is for a machine that does something else besides."""
    site = site_of(whole(5000))
    resolver = Resolver(site)
    began = time.process_time()
    said = [one for path in site.pages for one in page_findings(path, site.pages[path], site)]
    said += site_findings(site, resolver)
    assert time.process_time() - began < 1
    assert said == []
    assert page_rules.RULES and site_rules.RULES

"""What robots.txt lets a crawler read."""

from __future__ import annotations

import pytest

from workflow.validator.facts import Robots
from workflow.validator.files.documents import robots
from workflow.validator.seo.crawling import blocks, rules_for

TEXT = b"""
User-agent: GoogleBot/2.1
User-agent: bingbot
Disallow: /a

User-agent: *
Disallow: /b

User-agent: googlebot
Allow: /a/c
"""


def test_all_groups_of_a_crawler_count_together_and_no_others() -> None:
    read = robots(TEXT)
    assert rules_for(read, "googlebot") == ((False, "/a"), (True, "/a/c"))
    assert rules_for(read, "bingbot") == ((False, "/a"),)
    assert rules_for(read, "*") == ((False, "/b"),)
    assert rules_for(read, "google") is None
    assert rules_for(Robots(), "*") is None


@pytest.mark.parametrize(
    ("rules", "path", "pattern"),
    [
        pytest.param("-/", "/", "/", id="all"),
        pytest.param("-/", "/x/y", "/", id="all-below"),
        pytest.param("-/x", "/", None, id="elsewhere"),
        pytest.param("-/x", "/xyz/", "/x", id="beginning"),
        pytest.param("-/x/", "/x", None, id="folder-alone"),
        pytest.param("-/x +/x/y", "/x/y", None, id="longer-allows"),
        pytest.param("+/x -/x/y", "/x/y", "/x/y", id="longer-disallows"),
        pytest.param("-/x +/x", "/x", None, id="as-long-allows"),
        pytest.param("-/ +/", "/", None, id="all-allowed"),
        pytest.param("-/*.pdf", "/a/b.pdf", "/*.pdf", id="wildcard"),
        pytest.param("-/*.pdf$", "/a/b.pdfx", None, id="end"),
        pytest.param("-/*.pdf$", "/a/b.pdf", "/*.pdf$", id="at-the-end"),
        pytest.param("-/$", "/", "/$", id="home-alone"),
        pytest.param("-/$", "/x", None, id="not-home"),
        pytest.param("-*", "/x", "*", id="star"),
        pytest.param("-/a.b", "/axb", None, id="a-point-is-a-point"),
        pytest.param("-/a$b", "/a$b", "/a$b", id="a-dollar-within"),
        pytest.param("-/a%2Ab", "/axb", None, id="encoded-star"),
        pytest.param("-/a%2Ab", "/a*b", "/a%2Ab", id="encoded-star-means-itself"),
        pytest.param("-/%C3%BC/", "/ü/", "/%C3%BC/", id="encoded-letter"),
        pytest.param("-/ü/", "/ü/", "/ü/", id="plain-letter"),
        pytest.param("-/A", "/a", None, id="case"),
    ],
)
def test_the_longest_pattern_decides(rules: str, path: str, pattern: str | None) -> None:
    read = tuple((rule[0] == "+", rule[1:]) for rule in rules.split())
    assert blocks(read)(path) == pattern

"""Which pages are of a kind of their own."""

from __future__ import annotations

import pytest

from workflow.validator.facts import Page
from workflow.validator.seo.page_kinds import (
    first_of_list,
    hidden_by,
    is_alias,
    is_error_page,
    is_paginated,
    is_proof,
)


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("404.html", True),
        ("de/404.html", True),
        ("404/index.html", True),
        ("pt-br/404/index.html", True),
        ("50x.html", True),
        ("403.html", True),
        ("blog/404.html", True),
        ("en/400/index.html", False),
        ("blog/500.html", False),
        ("docs/404/index.html", False),
        ("docs/templates/404/index.html", False),
        ("4040.html", False),
        ("x404.html", False),
        ("index.html", False),
    ],
)
def test_error_pages(path: str, is_one: bool) -> None:
    assert is_error_page(path) is is_one


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("page/2/index.html", True),
        ("blog/page/12/index.html", True),
        ("blog/page/2.html", True),
        ("page/two/index.html", False),
        ("blog/page/index.html", False),
        ("homepage/2/index.html", False),
        ("blog/page/2/x/index.html", False),
    ],
)
def test_further_pages_of_lists(path: str, is_one: bool) -> None:
    assert is_paginated(path) is is_one
    assert (first_of_list(path) is not None) is is_one


def test_a_further_page_belongs_to_the_first() -> None:
    assert first_of_list("blog/page/2/index.html") == "blog/index.html"
    assert first_of_list("page/2/index.html") == "index.html"


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("google1234567890abcdef.html", True),
        ("yandex_0123456789abcdef.html", True),
        ("pinterest-a1b2c.html", True),
        ("google.html", False),
        ("blog/google1234567890abcdef.html", False),
    ],
)
def test_proofs_of_ownership(path: str, is_one: bool) -> None:
    assert is_proof(path) is is_one


@pytest.mark.parametrize(
    ("refresh", "is_one"),
    [
        (None, False),
        ((0, "/x/"), True),
        ((0, ""), False),
        ((1, "/x/"), False),
    ],
)
def test_aliases(refresh: tuple[float, str] | None, is_one: bool) -> None:
    assert is_alias(Page(refresh=refresh)) is is_one


@pytest.mark.parametrize(
    ("content", "hides"),
    [
        ("noindex", True),
        ("none", True),
        ("foo, noindex, bar", True),
        ("all,none,all", True),
        ("noindex nofollow", True),
        ("nonexistent", False),
        ("nofollow", False),
        ("max-image-preview:none", False),
        ("max-image-preview: none, all", False),
        ("", False),
        ("unavailable_after: 2001-02-03", True),
        ("unavailable_after: 2001-02-03t04:05:06+01:00", True),
        ("noarchive, unavailable_after: tuesday, 25-jun-10 15:00:00 gmt", True),
        ("unavailable_after:25 jun 2010 15:00:00 pst", True),
        ("unavailable_after: 2999-01-01", False),
        ("unavailable_after: some day", False),
    ],
)
def test_a_page_hides_by_what_it_says_to_crawlers(content: str, hides: bool) -> None:
    page = Page(robots=(("robots", content),))
    assert hidden_by(page) == (("robots", content) if hides else None)


def test_of_several_the_strictest_counts_and_the_general_one_is_named() -> None:
    robots = (("googlebot", "noindex"), ("robots", "index"), ("robots", "none"))
    assert hidden_by(Page(robots=robots)) == ("robots", "none")
    assert hidden_by(Page()) is None

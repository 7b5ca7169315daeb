"""What is said of pages that look alike in search results."""

from __future__ import annotations

import pytest

from tests.validator.made import BASE, alias, found, good
from workflow.validator.facts import Facts

SAME = {"titles": ("The same",), "descriptions": ("One text for all.",)}


def pages(*names: str, **changed: object) -> dict[str, Facts]:
    paths = [f"{name}/index.html" for name in names]
    return {path: good(path, **SAME | changed) for path in paths}


def test_each_page_is_told_with_the_first_three_and_how_many_more() -> None:
    said = found(pages("a", "b", "c", "d", "e"), "title-double")
    assert [one.page for one in said] == [f"{name}/index.html" for name in "abcde"]
    (message,) = {one.message for one in said}
    assert message == "5 pages have the title “The same”: /a/, /b/, /c/ and 2 more"
    assert {one.element for one in said} == {"title"}


def test_descriptions_are_compared_too() -> None:
    one, other = found(pages("a", "b"), "description-double")
    assert (one.page, other.page) == ("a/index.html", "b/index.html")
    assert one.message == "2 pages have the description “One text for all.”: /a/ and /b/"
    assert (one.url, one.element, one.attribute) == ("One text for all.", "meta", "content")


def test_pages_that_differ_are_fine() -> None:
    facts: dict[str, Facts] = {path: good(path) for path in ("a/index.html", "b/index.html")}
    assert found(facts, "title- description-") == []


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(pages("b", lang="de"), id="other-language"),
        pytest.param(pages("b", robots=(("robots", "noindex"),)), id="noindex"),
        pytest.param(pages("b", canonicals=(BASE + "a/",)), id="canonical-elsewhere"),
        pytest.param(pages("b", refresh=(0, "/a/")), id="alias"),
        pytest.param(pages("a/page/2"), id="further-page-of-a-list"),
        pytest.param({"404.html": good("404.html", **SAME)}, id="error-page"),
        pytest.param({"b/index.html": alias("/a/")}, id="alias-as-hugo-writes-it"),
        pytest.param(pages("b", titles=(), descriptions=()), id="nothing"),
        pytest.param(pages("b", titles=("",), descriptions=("",)), id="empty"),
    ],
)
def test_pages_that_search_results_do_not_show_beside_are_no_doubles(
    second: dict[str, Facts],
) -> None:
    assert found(pages("a") | second, "title-double description-double") == []
    assert found(pages("a", "c") | second, "title-double")


def test_the_same_language_in_other_letters_is_the_same() -> None:
    assert found(pages("a", lang="en-US") | pages("b", lang="en-us"), "title-double")


def test_two_pages_without_titles_have_not_the_same_one() -> None:
    assert found(pages("a", "b", titles=("",), descriptions=()), "title description-") == []

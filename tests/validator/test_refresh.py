"""Meta refresh: what browsers understand, by the HTML standard."""

from __future__ import annotations

import pytest

from workflow.validator.pages import refresh

CASES = [
    pytest.param("0;url=/a/", (0, "/a/"), id="as most write it"),
    pytest.param("5; url=/a/", (5, "/a/"), id="a blank"),
    pytest.param("  5  ;  URL  =  /a/", (5, "/a/"), id="blanks and capitals"),
    pytest.param("0; url='/a b/'", (0, "/a b/"), id="single quotes"),
    pytest.param('0; url="/a/" x', (0, "/a/"), id="what follows the quote is dropped"),
    pytest.param('0; url="/a/', (0, "/a/"), id="a quote without its end"),
    pytest.param("0;'/a/'", (0, "/a/"), id="quotes without url"),
    pytest.param("0;/a/", (0, "/a/"), id="without url"),
    pytest.param("0 /a/", (0, "/a/"), id="a blank alone"),
    pytest.param("0 url=/a/", (0, "/a/"), id="a blank before url"),
    pytest.param("0,url=/a/", (0, "/a/"), id="a comma"),
    pytest.param("0.5;url=/a/", (0, "/a/"), id="decimals are read over"),
    pytest.param(".5;url=/a/", (0, "/a/"), id="only decimals"),
    pytest.param("1.2.3; url=/a/", (1, "/a/"), id="points"),
    pytest.param("0; urls.html", (0, "urls.html"), id="a name that begins with url"),
    pytest.param("0; url", (0, "url"), id="url without a sign is an address"),
    pytest.param("0; ur=/a/", (0, "ur=/a/"), id="a misspelt url is an address"),
    pytest.param("0;url=", (0, ""), id="no address"),
    pytest.param("300", (300, ""), id="seconds alone"),
    pytest.param("5;", (5, ""), id="a separator alone"),
    pytest.param("0;url=/a;b,c", (0, "/a;b,c"), id="separators within the address"),
    pytest.param("", None, id="nothing"),
    pytest.param("url=/a/", None, id="no seconds"),
    pytest.param(";url=/a/", None, id="a separator first"),
    pytest.param("-1;url=/a/", None, id="negative"),
    pytest.param("5a;url=/a/", None, id="a letter behind the seconds"),
    pytest.param("five", None, id="a word"),
    pytest.param("٣;url=/a/", None, id="digits of another script"),
]


@pytest.mark.parametrize(("content", "read"), CASES)
def test_a_refresh_is_read_as_browsers_read_it(
    content: str, read: tuple[float, str] | None
) -> None:
    assert refresh.parse(content) == read

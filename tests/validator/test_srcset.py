"""srcset: candidates by the HTML standard, and what browsers drop."""

from __future__ import annotations

import pytest

from workflow.validator.pages import srcset

CASES = [
    pytest.param("a.png", ("a.png",), False, id="one address"),
    pytest.param("a.png 1x, b.png 2x", ("a.png", "b.png"), False, id="densities"),
    pytest.param("a.png 320w, b.png 480w", ("a.png", "b.png"), False, id="widths"),
    pytest.param("a.png, b.png 2x", ("a.png", "b.png"), False, id="the first is 1x by itself"),
    pytest.param("/300.png 300w,/600.png 600w", ("/300.png", "/600.png"), False, id="no blank"),
    pytest.param("a.png,b.png", ("a.png,b.png",), False, id="without a blank it is one address"),
    pytest.param("foo, bar 2x", ("foo", "bar"), False, id="a comma at the end of an address"),
    pytest.param(
        "/format=webp,width=640/https://x.org/a.png 640w, b 800w",
        ("/format=webp,width=640/https://x.org/a.png", "b"),
        False,
        id="commas within an address",
    ),
    pytest.param(
        "data:image/png;base64,AAA= 1x, b.png 2x",
        ("data:image/png;base64,AAA=", "b.png"),
        False,
        id="data",
    ),
    pytest.param("data:image/gif,0001", ("data:image/gif,0001",), False, id="data alone"),
    pytest.param("\n  a.png\t1x,\n  b.png 2x,\n", ("a.png", "b.png"), False, id="blanks"),
    pytest.param(",,foo 1x,,,", ("foo",), False, id="commas around"),
    pytest.param("", (), False, id="nothing"),
    pytest.param(" , ,, ", (), False, id="commas only"),
    pytest.param("a 1.5x, b .5x, c 1e2x", ("a", "b", "c"), False, id="decimals"),
    pytest.param("a 100w 50h, b 200w 100h", ("a", "b"), False, id="heights for the future"),
    pytest.param("v2@1.5x.png 2x", ("v2@1.5x.png",), False, id="a sign in a name"),
    pytest.param("a 1000px, b 800w", ("a", "b"), True, id="an unknown unit"),
    pytest.param("a 0w", ("a",), True, id="no width"),
    pytest.param("a -1x", ("a",), True, id="a negative density"),
    pytest.param("a +1x", ("a",), True, id="a plus sign"),
    pytest.param("a 1.5w", ("a",), True, id="a width with decimals"),
    pytest.param("a 2X", ("a",), True, id="a capital"),
    pytest.param("a 50h", ("a",), True, id="a height alone"),
    pytest.param("a 1x 2x", ("a",), True, id="two densities"),
    pytest.param("a 1x 2w", ("a",), True, id="density and width"),
    pytest.param("a 1x, b 1.0x", ("a", "b"), True, id="one density twice"),
    pytest.param("a, b", ("a", "b"), True, id="1x twice"),
    pytest.param("a 10w, b 010w", ("a", "b"), True, id="one width twice"),
    pytest.param("a 1x, b 200w", ("a", "b"), True, id="widths beside densities"),
    pytest.param("foo 1x (a, b), bar 2x", ("foo", "bar"), True, id="a comma in parentheses"),
    pytest.param("(((, foo 2x", ("(((", "foo"), False, id="parentheses in an address"),
    pytest.param("foo (bar, baz 2x", ("foo",), True, id="an open parenthesis reaches to the end"),
    pytest.param("foo,bar, ,foo, bar 2x", ("foo,bar", "foo", "bar"), True, id="empty candidates"),
]


@pytest.mark.parametrize(("value", "urls", "faulty"), CASES)
def test_candidates_are_read_as_browsers_read_them(
    value: str, urls: tuple[str, ...], faulty: bool
) -> None:
    assert srcset.parse(value) == (urls, faulty)


def test_a_hostile_value_takes_no_time() -> None:
    assert srcset.parse("a " + "(" * 50_000).urls == ("a",)
    assert srcset.parse("a " + "9" * 50_000 + "w").urls == ("a",)
    assert len(srcset.parse("a 1x, " * 20_000).urls) == 20_000

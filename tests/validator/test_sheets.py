from __future__ import annotations

import pytest

from workflow.validator.facts import Ref, Sheet
from workflow.validator.files.sheets import css_refs, sheet


def loaded(text: str) -> list[str]:
    return [f"{ref.kind} {ref.url}" for ref in css_refs(text, "style", "text")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a{background:url(x.png)}", ["css x.png"], id="bare"),
        pytest.param('a{background:url("x.png")}', ["css x.png"], id="double quotes"),
        pytest.param("a{background:url('x.png')}", ["css x.png"], id="single quotes"),
        pytest.param("a{background:url(\n  x.png\t)}", ["css x.png"], id="blanks inside"),
        pytest.param("a{background:url( ' x.png ' )}", ["css x.png"], id="blanks in the quotes"),
        pytest.param("a{background:URL(x.png)}", ["css x.png"], id="capitals"),
        pytest.param("a{b:url(1.png),url(2.png)}", ["css 1.png", "css 2.png"], id="several"),
        pytest.param("a{b:url(1.png)}c{d:url(1.png)}", ["css 1.png"], id="each once"),
        pytest.param("background:url(x.png)", ["css x.png"], id="of a style attribute"),
        pytest.param("--hero:url(x.png)", ["css x.png"], id="in a custom property"),
        pytest.param("a{b:url(x.png", ["css x.png"], id="the end closes it"),
        pytest.param('a{b:url("x.png', ["css x.png"], id="the end closes the string"),
        pytest.param(
            'a{b:url("x.png" modifier)}c{d:url(y)}', ["css x.png", "css y"], id="modifier"
        ),
        pytest.param('a{b:src("x.png")}', ["css x.png"], id="src()"),
        pytest.param("a{b:url()}c{d:url('')}", [], id="empty"),
        pytest.param("a{b:url(data:image/png;base64,AA)}", [], id="data"),
        pytest.param(
            "a{b:url(\"data:image/svg+xml,<svg fill='url(#a)'>)\")}c{d:url(y)}",
            ["css y"],
            id="data with parentheses and quotes",
        ),
        pytest.param("a{b:url(a(b).png)}", [], id="a parenthesis needs an escape"),
        pytest.param(r"a{b:url(a\(b\).png)}", ["css a(b).png"], id="escaped parentheses"),
        pytest.param(r"a{b:url(a\20 b.png)}", ["css a b.png"], id="a blank as hexadecimal"),
        pytest.param(r"a{b:url('\E9t\E9.png')}", ["css été.png"], id="letters as hexadecimal"),
        pytest.param("a{b:url('x\\\n.png')}", ["css x.png"], id="a continued line"),
        pytest.param("a{b:url(a b.png)}c{d:url(y)}", ["css y"], id="a bare blank spoils it"),
        pytest.param("a{b:my-url(x.png) curl(y)}", [], id="another function"),
        pytest.param("/* url(x.png) */ a{b:url(y.png)}", ["css y.png"], id="comment"),
        pytest.param("a{b:url(y.png)} /* url(x.png)", ["css y.png"], id="comment without end"),
        pytest.param('a{content:"/* "}b{c:url(y.png)} /* */', ["css y.png"], id="no comment"),
        pytest.param('a::after{content:"url(x.png)"}', [], id="in a string"),
        pytest.param('a{content:"it\'s"}b{c:url(y.png)}', ["css y.png"], id="quote in quotes"),
        pytest.param(r"""a\"b{c:url(y.png)}""", ["css y.png"], id="escaped quote in a selector"),
        pytest.param("a{content:\"open\n}b{c:url('y.png')}", ["css y.png"], id="string cut off"),
        pytest.param(
            'a{content:"url(x.png)\n}b{c:url(y.png)}', ["css y.png"], id="in a string cut off"
        ),
        pytest.param("a{filter:url(#blur)}", ["css #blur"], id="a part of the page"),
        pytest.param("a{mask:url(masks.svg#m)}", ["css masks.svg#m"], id="a part of a picture"),
        pytest.param("a{behavior:url(#default#VML)}", [], id="what only one browser had"),
        pytest.param(
            "@font-face{src:url(a.eot?#iefix)format('x'),local('B'),url(a.woff2)format('woff2')}",
            ["css a.eot?#iefix", "css a.woff2"],
            id="font face",
        ),
        pytest.param('@import "x.css";', ["style x.css"], id="import string"),
        pytest.param("@import 'x.css' screen;", ["style x.css"], id="import with media"),
        pytest.param("@IMPORT url(x.css);", ["style x.css"], id="import url"),
        pytest.param(
            '@import url("x.css") layer(a) supports(display: grid);a{b:url(y)}',
            ["style x.css", "css y"],
            id="import with layer and supports",
        ),
        pytest.param('@import"x.css";', ["style x.css"], id="import without blank"),
        pytest.param("@import/* c */url(x.css)", ["style x.css"], id="import after a comment"),
        pytest.param("@import-thing 'x'; @imports 'y';", [], id="not quite import"),
        pytest.param('@import "";', [], id="import nothing"),
        pytest.param("@charset 'utf-8';@import 'x';", ["style x"], id="after charset"),
        pytest.param(
            "@namespace url(http://www.w3.org/1999/xhtml);@namespace s 'y';a{b:url(z)}",
            ["css z"],
            id="namespaces",
        ),
        pytest.param("@-moz-document url(http://x/){a{b:url(z)}}", ["css z"], id="document"),
        pytest.param(
            'a{b:image-set("1.png" 1x, "2.avif" type("image/avif"), url(3.png) 3x) "no"}',
            ["css 1.png", "css 2.avif", "css 3.png"],
            id="image-set",
        ),
        pytest.param(
            "a{b:-webkit-image-set(url('1.png') 1x);c:url(2.png)}",
            ["css 1.png", "css 2.png"],
            id="image-set with prefix",
        ),
        pytest.param('a{b:image("1.png", red)}', ["css 1.png"], id="image()"),
        pytest.param(
            "a{b:cross-fade(url(1.png), linear-gradient(red, blue))}",
            ["css 1.png"],
            id="cross-fade",
        ),
        pytest.param("a{b:url(//host/x.png)}", ["css //host/x.png"], id="another host"),
        pytest.param("a{color:red}", [], id="nothing"),
    ],
)
def test_css_loads_what_a_browser_loads(text: str, expected: list[str]) -> None:
    assert loaded(text) == expected


def test_references_say_where_they_stand() -> None:
    assert css_refs("color:red;background:url(x.png)", "div", "style") == [
        Ref("css", "x.png", "div", "style")
    ]


def test_a_fragment_alone_is_nothing_in_a_file_of_its_own() -> None:
    assert [ref.url for ref in sheet(b"a{b:url(#x);c:url(y.svg#x)}").refs] == ["y.svg#x"]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("a{b:url(ü.png)}".encode(), id="UTF-8"),
        pytest.param("a{b:url(ü.png)}".encode("utf-8-sig"), id="with a byte order mark"),
        pytest.param("a{b:url(ü.png)}".encode("utf-16"), id="UTF-16"),
        pytest.param('@charset "latin1";a{b:url(ü.png)}'.encode("latin-1"), id="declared"),
        pytest.param('@charset "no-such";a{b:url(ü.png)}'.encode(), id="declared, but unknown"),
    ],
)
def test_a_sheet_is_read_in_its_encoding(raw: bytes) -> None:
    assert [ref.url for ref in sheet(raw).refs] == ["ü.png"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"\0\xff\xfe", b"url(", b"@import", b"image-set(", b'"', b"\\", b"/*", b"\xff\xfea"],
)
def test_any_bytes_are_a_sheet(raw: bytes) -> None:
    assert isinstance(sheet(raw), Sheet)


def test_a_large_sheet_takes_no_time() -> None:
    # What backtracks would take minutes.
    for part in (b'"', b"'\\", b"/*", b"url(", b"image-set(", b"@namespace ", b"\\", b"url(a "):
        sheet(b"@import 'x';" + part * 100_000)

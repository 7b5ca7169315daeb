"""A page's facts: where it leads, what it is, and what its own markup gets wrong."""

from __future__ import annotations

import html
import random

import pytest

from workflow.validator.facts import Page, Ref
from workflow.validator.pages.parser import page


def read(html: str) -> Page:
    return page(html.encode())


def refs(html: str) -> list[tuple[str, ...]]:
    return [tuple(ref) for ref in read(html).refs]


REFERENCES = [
    ("<a href=/a/>x</a>", [("link", "/a/", "a", "href")]),
    ("<A HREF='/a/'>x</A>", [("link", "/a/", "a", "href")]),
    ("<a href=1 href=2>x</a>", [("link", "1", "a", "href")]),
    ("<a href='?a=1&amp;b=2&copy=3'>x</a>", [("link", "?a=1&b=2&copy=3", "a", "href")]),
    ("<a href=' \n/a\n/b\t'>x</a>", [("link", "/a/b", "a", "href")]),
    ("<a href='/a b/ü'>x</a>", [("link", "/a b/ü", "a", "href")]),
    ("<a href=/1><a href=/2>x", [("link", "/1", "a", "href"), ("link", "/2", "a", "href")]),
    ("<p><a href=a>x</a><a href=a>y</a>", [("link", "a", "a", "href")]),
    ("<map name=m><area href=/a/ alt=x></map>", [("link", "/a/", "area", "href")]),
    ("<img src=a.png alt=''>", [("image", "a.png", "img", "src")]),
    ("<img src=a.png alt='' usemap=#m>", ["image", ("use", "#m", "img", "usemap")]),
    ("<img src=a.png alt='' longdesc=d>", ["image", ("cite", "d", "img", "longdesc")]),
    ("<body background=a.png>", [("image", "a.png", "body", "background")]),
    ("<table><td background=a.png>", [("image", "a.png", "td", "background")]),
    ("<input type=IMAGE src=a.png alt=x>", [("image", "a.png", "input", "src")]),
    ("<input src=a.png>", []),
    (
        "<img alt='' src=a srcset='b 1x, c 2x'>",
        ["image", ("srcset", "b", "img", "srcset"), ("srcset", "c", "img", "srcset")],
    ),
    (
        "<picture><source srcset='a,b 1x' src=c><img src=d alt=''></picture>",
        [("srcset", "a,b", "source", "srcset"), ("image", "d", "img", "src")],
    ),
    ("<link rel=preload imagesrcset='a 2x'>", [("srcset", "a", "link", "imagesrcset")]),
    (
        "<video src=a poster=b><source src=c><track src=d></video>",
        [
            ("media", "a", "video", "src"),
            ("image", "b", "video", "poster"),
            ("media", "c", "source", "src"),
            ("media", "d", "track", "src"),
        ],
    ),
    ("<audio src=a></audio>", [("media", "a", "audio", "src")]),
    ("<embed src=a>", [("media", "a", "embed", "src")]),
    ("<object data=a usemap=#m></object>", ["media", ("use", "#m", "object", "usemap")]),
    ("<iframe src=a></iframe>", [("frame", "a", "iframe", "src")]),
    ("<iframe src=a srcdoc='<p>'></iframe>", []),
    ("<frameset><frame src=a></frameset>", [("frame", "a", "frame", "src")]),
    ("<script src=a>text</script>", [("script", "a", "script", "src")]),
    ("<script>x = '<a href=a>'</script>", []),
    ("<script type=text/template><a href=a></script>", []),
    ("<style>@import 'a.css'; b{c:url(d)}</style>", ["style", ("css", "d", "style", "text")]),
    ("<p style='background: url(a.png)'>", [("css", "a.png", "p", "style")]),
    ("<link rel=stylesheet href=a>", [("style", "a", "link", "href")]),
    ("<link rel='alternate StyleSheet' href=a>", [("style", "a", "link", "href")]),
    ("<link rel='shortcut icon' href=a>", [("icon", "a", "link", "href")]),
    ("<link rel=apple-touch-icon href=a>", [("icon", "a", "link", "href")]),
    ("<link rel=manifest href=a>", [("manifest", "a", "link", "href")]),
    ("<link rel=modulepreload href=a>", [("preload", "a", "link", "href")]),
    ("<link rel=canonical href=a>", [("canonical", "a", "link", "href")]),
    ("<link rel=alternate hreflang=de href=a>", [("alternate", "a", "link", "href")]),
    ("<link rel=alternate type=application/rss+xml href=a>", [("feed", "a", "link", "href")]),
    ("<link rel=amphtml href=a>", [("rel", "a", "link", "href")]),
    ("<link rel=preconnect href=//a.org>", []),
    ("<link rel='dns-prefetch preconnect' href=//a.org>", []),
    ("<link href=a>", []),
    ("<meta property=og:image content=/a.png>", [("og", "/a.png", "meta", "content")]),
    ("<meta name=twitter:image content=/a.png>", [("og", "/a.png", "meta", "content")]),
    ("<meta property=og:title content=/a.png>", []),
    ("<meta http-equiv=REFRESH content='0; url=a'>", [("refresh", "a", "meta", "content")]),
    ("<form action=/a></form>", [("form", "/a", "form", "action")]),
    ("<form action=/a method=POST></form>", []),
    (
        "<form action=http://a.org method=POST></form>",
        [("form", "http://a.org", "form", "action")],
    ),
    ("<form action=''></form>", []),
    ("<form><button formaction=a></form>", [("form", "a", "button", "formaction")]),
    ("<form method=post><p><input formaction=a></form>", []),
    ("<blockquote cite=a></blockquote>", [("cite", "a", "blockquote", "cite")]),
    ("<svg><a href=b xlink:href=a>x</a></svg>", [("link", "b", "a", "href")]),
    ("<svg><a xlink:href=a>x</a></svg>", [("link", "a", "a", "xlink:href")]),
    ("<svg><use href=#a /></svg>", [("use", "#a", "use", "href")]),
    ("<svg><use xlink:href=s.svg#a /></svg>", [("use", "s.svg#a", "use", "xlink:href")]),
    ("<svg><image href=a.png /></svg>", [("image", "a.png", "image", "href")]),
    ("<pre><code><a href=a>x</a></code></pre>", [("link", "a", "a", "href")]),
    ("<!-- <a href=a>x</a> -->", []),
    ("<textarea><a href=a>x</a></textarea>", []),
    ("<template><a href=a>x</a><img src=b></template>", []),
    ("<noscript><img src=a></noscript>", [("image", "a", "img", "src")]),
    ("<a href='a>x</a><a href=b>y</a>", []),
    ("<my-link href=a>x</my-link>", []),
    ("<img data-src=a src=b alt=''>", [("image", "b", "img", "src")]),
]


@pytest.mark.parametrize(
    ("html", "expected"), [pytest.param(html, one, id=html[:70]) for html, one in REFERENCES]
)
def test_references_are_those_that_a_browser_follows_or_loads(
    html: str, expected: list[str | tuple[str, ...]]
) -> None:
    found = refs(html)
    assert [
        ref[0] if isinstance(one, str) else ref for ref, one in zip(found, expected, strict=True)
    ] == expected


FACTS = [
    ("base", "<base target=_top><base href=/a/><base href=/b/>", "/a/"),
    ("bases", "<base target=_top><base href=/a/><base href=/b/>", 2),
    ("base", "<base href=''>", ""),
    ("base", "<p>", None),
    ("ids", "<p id=a><a name=b></a><meta name=c><svg><g id=d></svg><p id=''>", ("a", "d", "b")),
    ("ids", "<a id=a name=b></a><map name=m></map><p id=a>", ("a", "b", "m")),
    ("ids", "<template><p id=a></template><!-- <p id=b> --><pre id=c>", ("c",)),
    ("ids", "<noscript><p id=a></noscript>", ("a",)),
    ("double_ids", "<p id=a><p id=b><p id=a><p id=a>", ("a",)),
    ("double_ids", "<a id=a name=a>x</a>", ()),
    ("double_ids", "<p id=a><noscript><p id=a></noscript>", ()),
    ("titles", "<title> A \n &amp; B </title>", ("A & B",)),
    ("titles", "<title>A</title><title></title>", ("A", "")),
    ("titles", "<title>A</title><svg><g><title>B</title></g></svg>", ("A",)),
    ("titles", "<head><div></div><title>A</title>", ("A",)),
    ("descriptions", "<meta name=Description content=' a  b '>", ("a b",)),
    ("descriptions", "<meta name=description>", ("",)),
    ("h1", "<h1> A <b>b</b></h1><h1 hidden>x</h1><h1></h1>", ("A b", "")),
    ("h1", "<h1><img src=a alt=Logo></h1>", ("Logo",)),
    ("headings", "<h2>a</h2><h1>b</h1><h6>c</h6><template><h3></template>", "216"),
    ("lang", "<html lang=de-CH>", "de-CH"),
    ("lang", "<html lang>", ""),
    ("lang", "<html xml:lang=de>", None),
    ("charset", "<meta charset=UTF-8>", "UTF-8"),
    ("charset", "<meta http-equiv=content-type content='text/html; charset=\"a\"'>", "a"),
    ("charset", "<p>", None),
    ("charset", "\ufeff<p>", "utf-8"),
    ("viewport", "<meta name=viewport content='width=1'>", "width=1"),
    ("doctype", "<!DOCTYPE html><p>", True),
    ("doctype", "<!-- c --><!doctype html SYSTEM 'about:legacy-compat'>", True),
    ("doctype", "<html><!doctype html>", False),
    ("robots", "<meta name=RoBots content=NoIndex>", (("robots", "noindex"),)),
    (
        "robots",
        "<meta name=robots content=all><meta name=googlebot content=none>",
        (("robots", "all"), ("googlebot", "none")),
    ),
    ("canonicals", "<link rel='me Canonical' href=a><link rel=canonical href=b>", ("a", "b")),
    ("canonicals", "<link rel=canonical href=''>", ()),
    ("canonicals", "<head><img src=a><link rel=canonical href=/a/>", ()),
    ("canonical_in_body", "<head><img src=a><link rel=canonical href=/a/>", True),
    ("canonical_in_body", "<noscript><img src=a></noscript><link rel=canonical href=/a/>", False),
    ("alternates", "<link rel=alternate hreflang=' de' href=/de/>", ((" de", "/de/"),)),
    ("alternates", "<link rel=alternate hreflang=de>", (("de", ""),)),
    ("alternates", "<body><link rel=alternate hreflang=de href=/de/>", ()),
    ("alternates", "<link rel=alternate hreflang='' href=/de/>", ()),
    ("social", "<meta property=og:title content=' A '>", (("og:title", "A"),)),
    ("social", "<meta name=twitter:card>", (("twitter:card", ""),)),
    ("jsonld_errors", "<script type=application/ld+json>{\"a\": 1}</script>", ()),
    ("jsonld_errors", "<script type=application/ld+json></script>", ("it is empty",)),
    ("no_alt", "<img src=a><img src=b alt><img src=c alt=''><img src=d alt=' '>", ("a", "d")),
    ("no_alt", "<img src=a aria-hidden=true><img src=b aria-hidden=false>", ("b",)),
    ("no_alt", "<img src=a role=presentation><img src=b role=button>", ("b",)),
    ("no_alt", "<img src=a aria-label=x><img src=b title=''><img src=c title=x>", ("b",)),
    ("no_alt", "<p id=x>x</p><img src=a aria-labelledby=x><img src=b aria-labelledby=y>", ("b",)),
    ("no_alt", "<input type=image src=a alt=''><area href=b><area>", ("a", "b")),
    ("no_alt", "<noscript><img src=a></noscript>", ()),
    ("nameless_links", "<a href=a></a><a href=b> &nbsp; </a><a href=c>x</a><a></a>", ("a", "b")),
    ("nameless_links", "<a href=a><img src=x alt=''></a><a href=b><img src=x alt=b></a>", ("a",)),
    ("nameless_links", "<a href=a aria-label=x></a><a href=b title=x></a>", ()),
    ("nameless_links", "<a href=a><i class=icon></i></a>", ("a",)),
    ("nameless_links", "<a href=a><svg aria-label=x></svg></a>", ()),
    ("nameless_links", "<a href=a><svg><title>x</title></svg></a>", ()),
    ("nameless_links", "<a href=#a aria-hidden=true></a>", ()),
    ("refresh", "<meta http-equiv=refresh content='0; url=\"/a/\"'>", (0, "/a/")),
    (
        "refresh",
        "<meta http-equiv=refresh content=x><meta http-equiv=refresh content=5>"
        "<meta http-equiv=refresh content='0;url=a'>",
        (5, ""),
    ),
    ("refresh", "<noscript><meta http-equiv=refresh content=5></noscript>", None),
    ("bad_refresh", "<meta http-equiv=refresh content=';url=a'>", (";url=a",)),
    ("bad_refresh", "<meta http-equiv=refresh>", ("",)),
    ("bad_srcset", "<img alt='' srcset='a 1x, b 20px'>", ("a 1x, b 20px",)),
    ("empty", "<a href=''>x</a><a href>x</a><a href=' '>x</a><a>x</a>", (("a", "href"),) * 3),
    ("empty", "<img alt=''><img alt='' src=''><img alt='' srcset=a>", (("img", "src"),) * 2),
    ("empty", "<img alt='' srcset=' , '>", (("img", "srcset"),)),
    ("empty", "<script src=''></script><iframe src=' '></iframe>",
     (("script", "src"), ("iframe", "src"))),
    ("empty", "<link rel=icon><link rel=preload imagesrcset=a>", (("link", "href"),)),
    ("empty", "<script> </script><script>x()</script><script src=a></script>",
     (("script", "text"),)),
    ("empty", "<img alt='' src=a usemap=''>", (("img", "usemap"),)),
    ("leftovers", "<a href=#ZgotmplZ>x</a>", ("ZgotmplZ",)),
    ("leftovers", "<style>a{color:ZgotmplZ}</style>", ("ZgotmplZ",)),
    ("leftovers", "<img alt=x src=#ZgotmplZ><meta content='0;url=#ZgotmplZ'>", ("ZgotmplZ",)),
    ("leftovers", "<h2 title=ZgotmplZ>ZgotmplZ</h2><meta content='ZgotmplZ is'>", ()),
    ("leftovers", "<p>aHAHAHUGOSHORTCODE12s0HBHB b</p>", ("HAHAHUGOSHORTCODE12s0HBHB",)),
    ("leftovers", "<p>%!s(MISSING) and 100%!</p>", ("%!s(MISSING)",)),
    ("leftovers", "<p>%!d(string=a)", ("%!d(string=a)",)),
    ("leftovers", "<p title='{{ .Title }}'>{{< note >}}x{{% /note %}}</p>",
     ("{{ .Title }}", "{{< note >}}", "{{% /note %}}")),
    ("leftovers", "<pre>{{ .Title }}</pre><p><code>{{</code></p><script>{{a}}</script>", ()),
    ("leftovers", "<pre>{{ .A }}</pre><p title='{{ .B }}'><code>{{ .C }}</code>", ("{{ .B }}",)),
    ("leftovers", "<pre><code>{{ .A }}</code></pre><p>{{ .B }}", ("{{ .B }}",)),
    ("leftovers", "<pre>&lt;no value&gt; %!d(a)</pre><p>{{ .B }}", ("{{ .B }}",)),
    ("leftovers", "<p>&lt;no value&gt;</p>", ("<no value>",)),
    ("leftovers", "<script src=/livereload.js?port=1313></script>", ("/livereload.js?port=1313",)),
    ("leftovers", "<p>{a} 5% {b}</p>", ()),
    ("leftovers", "<p>{{if .X}}{{ i18n &quot;a&quot; }}{{end}}</p>",
     ("{{if .X}}", '{{ i18n "a" }}', "{{end}}")),
    ("leftovers", "<p>{{&lt; note &gt;}} {{- $a }}</p>", ("{{< note >}}", "{{- $a }}")),
    ("leftovers", "<p>$\\frac{{a}}{2} {{n \\choose k}} {{ x^2 }} {{}}$</p>", ()),
    ("forms", "<script src=https://form.jotform.com/jsform/210001112223334></script>",
     (("script", "210001112223334"),)),
    ("forms", "<script src=//eu.jotform.com/jsform/123456789012></script>",
     (("script", "123456789012"),)),
    ("forms", "<iframe id=JotFormIFrame-123456 src=https://form.jotform.com/123456?a=b></iframe>",
     (("iframe", "123456"),)),
    ("forms", "<iframe id=JotFormIFrame-123456 data-src=x></iframe>", (("iframe", "123456"),)),
    ("forms", "<iframe id=JotFormIFrame-9 src=https://form.jotform.com/123456></iframe>",
     (("iframe", "https://form.jotform.com/123456"),)),
    ("forms", "<iframe src=https://hipaa.jotform.com/123456></iframe>", (("iframe", "123456"),)),
    ("forms", "<script src=https://acme.jotform.com/jsform/12ab></script>",
     (("script", "https://acme.jotform.com/jsform/12ab"),)),
    ("forms", "<a href=https://form.jotform.com/123456>x</a>", (("link", "123456"),)),
    ("forms", "<a href=https://form.jotform.com/abc>x</a>",
     (("link", "https://form.jotform.com/abc"),)),
    ("forms", "<a href=https://www.jotform.com/pricing>x</a>", ()),
    ("forms", "<a href=https://form.jotform.com/acme/contact>x</a>", ()),
    ("forms", "<a href=https://notjotform.com/123456>x</a>", ()),
    ("forms", "<form method=post action=https://submit.jotform.com/submit/123456></form>",
     (("other", "123456"),)),
    ("forms", "<script src=https://cdn.jotfor.ms/js/x.js></script>", ()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "html", "expected"),
    [pytest.param(field, html, one, id=f"{field}: {html[:60]}") for field, html, one in FACTS],
)
def test_a_page_tells_what_it_is(field: str, html: str, expected: object) -> None:
    assert getattr(read(html), field) == expected


JSON_LD = [
    ('{"url": "https://a.org/", "image": ["/a.png", {"url": "/b.png"}]}',
     ("https://a.org/", "/a.png", "/b.png")),
    ('[{"@graph": [{"logo": "/l.png", "sameAs": ["https://b.org"]}]}]',
     ("/l.png", "https://b.org")),
    ('{"@id": "/a/", "isPartOf": {"@id": "https://a.org/#site"}}', ("/a/",)),
    ('{"@context": "https://schema.org", "name": "/a", "url": "a.html"}', ()),
    ('<!-- {"url": "/a"} -->', ("/a",)),
    ('//<![CDATA[\n{"url": "/a"}\n//]]>', ("/a",)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "urls"), JSON_LD)
def test_addresses_in_json_ld_are_references(text: str, urls: tuple[str, ...]) -> None:
    one = read(f'<script type="Application/LD+JSON; charset=utf-8">{text}</script>')
    assert one.jsonld_errors == ()
    assert one.refs == tuple(Ref("jsonld", url, "script", "text") for url in urls)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param('{\n"a": 1,\n}', "in line 3", id="a comma too many"),
        pytest.param('"{}"', "encoded twice", id="a text"),
        pytest.param("[" * 100_000, "nested too deeply", id="depth"),
        pytest.param("{'a': 1}", "in line 1", id="single quotes"),
    ],
)
def test_json_ld_that_cannot_be_read_says_why(text: str, reason: str) -> None:
    (error,) = read(f"<script type=application/ld+json>{text}</script>").jsonld_errors
    assert reason in error


@pytest.mark.parametrize(
    "mark",
    [
        "data-validate-ignore",
        "data-proofer-ignore=true",
        "data-proofer-ignore=''",
        "class='a data-proofer-ignore b'",
    ],
)
def test_what_is_ignored_leads_nowhere_and_is_still_a_target(mark: str) -> None:
    one = read(
        f"<title>T</title><div {mark}><h2 id=a>{{{{ .X }}}}</h2><p id=c><a href=b name=n></a><img>"
        "<svg><use href=#u></svg><b style='a:url(c)'></b></div><a href=d>x</a>"
    )
    assert [ref.url for ref in one.refs] == ["d"]
    assert set(one.ids) == {"a", "c", "n"}
    assert one.headings == "2"
    assert not (one.empty or one.no_alt or one.nameless_links or one.leftovers)


@pytest.mark.parametrize("mark", ["data-proofer-ignore=false", "class=data-proofer-ignoreX"])
def test_what_only_looks_ignored_is_read(mark: str) -> None:
    assert refs(f"<p {mark}><a href=a>x</a></p>") == [("link", "a", "a", "href")]


def test_a_page_that_is_ignored_whole_keeps_what_it_is() -> None:
    one = read("<html data-proofer-ignore lang=en><title>T</title><base href=/b/><a href=a>x</a>")
    assert (one.refs, one.titles, one.lang, one.base) == ((), ("T",), "en", "/b/")


def test_references_stand_in_the_pages_order() -> None:
    html = "<img src=1 alt=''><a href=2>x</a><script src=3></script><noscript><a href=4></noscript>"
    assert [ref.url for ref in read(html + "<a href=5>x</a>").refs] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("raw", "url"),
    [
        pytest.param("<a href=ä>".encode(), "ä", id="utf-8 by default"),
        pytest.param("<a href=ä>".encode("utf-8-sig"), "ä", id="a mark"),
        pytest.param("<a href=ä>".encode("utf-16"), "ä", id="utf-16 with its mark"),
        pytest.param("<meta charset=iso-8859-1><a href=ä>".encode("latin-1"), "ä", id="latin 1"),
        pytest.param("<meta charset=cp1250><a href=č>".encode("cp1250"), "č", id="cp1250"),
        pytest.param(b"<a href=\xe4>", "\ufffd", id="wrong bytes"),
        pytest.param("<meta charset=nonsense><a href=ä>".encode(), "ä", id="unknown"),
    ],
)
def test_bytes_are_read_in_the_encoding_that_they_declare(raw: bytes, url: str) -> None:
    assert page(raw).refs[-1].url == url


def test_no_bytes_whatever_are_too_much() -> None:
    chance = random.Random(5)
    parts = [
        *(
            b'<a href="',
            b'">',
            b"<svg>",
            b"<use href=",
            b"<template>",
            b"<noscript>",
            b"</noscript>",
        ),
        *(b"<script type=application/ld+json>", b"</script>", b"<style>", b"url(", b"{{", b"%!s("),
        *(
            b"\x00",
            b"\xff",
            b"<meta http-equiv=refresh content=",
            b" srcset='a 1x,",
            b"<img ",
            b"<!--",
        ),
        *(b" data-proofer-ignore", b"<table background>", b"<html lang>", b"<frameset>", b"<h1>"),
        *(b"<iframe src=//form.jotform.com/", b"<meta charset=utf-16>", b"<base href>", b"<title>"),
    ]
    for _ in range(2_000):
        page(b"".join(chance.choices(parts, k=chance.randrange(1, 30))))
    assert page(b"") == Page(doctype=False)
    assert page(b"<a href=x>" * 20_000).refs == (Ref("link", "x", "a", "href"),)


UTF8 = [
    pytest.param("<meta charset=utf-8><p>ü", "utf-8", None, id="as it says"),
    pytest.param("<meta charset=utf-8><p>ü", "latin-1", 23, id="another"),
    pytest.param("<meta charset=latin1><p>ü", "latin-1", None, id="as another says"),
    pytest.param("<p>ü", "latin-1", None, id="of a page that says nothing"),
]


@pytest.mark.parametrize(("text", "encoding", "at"), UTF8)
def test_bytes_that_are_no_utf_8_are_found(text: str, encoding: str, at: int | None) -> None:
    assert page(text.encode(encoding)).not_utf8 == at


def test_json_ld_that_is_empty_is_told_once() -> None:
    one = read("<script type=application/ld+json></script>")
    assert one.jsonld_errors and not one.empty


UNCLOSED = [
    ("<p>a</p>\n <!-- x <p>b</p></body></html>", ("comment", 2, 2)),
    ("<body></body></html>\n<!-- a --><!-- b <p>", ("comment", 2, 11)),
    ("<!doctype html><!-- a <html><body>", ("comment", 1, 16)),
    ("<!-- a --><!-- b <!-- <p>", ("comment", 1, 11)),
    ("<body><script>x</body></html>\n", ("script", 1, 7)),
    ("<body></body></html><!-- a --><script>u", ("script", 1, 31)),
    ("<script></script><SCRIPT a='>' src=x.js />\r\n<p></body></html>", ("script", 1, 18)),
    ("<script>a='<!-- <script>'</script><p>x</p></body>", ("script", 1, 1)),
    ("<p>ü<script>a('<script>')</body>ü\n", ("script", 1, 5)),
    ("<head><style>a{}</head><body></body>", ("style", 1, 7)),
    ("<head><title>x &amp; y</head><body></body>", ("title", 1, 7)),
    ("<textarea></textarea>\n<textarea>\n\nx</body>", ("textarea", 2, 1)),
    ("<noscript><img src=x></body>", ("noscript", 1, 1)),
    ("<iframe src=x><p>x</p></body>", ("iframe", 1, 1)),
]


@pytest.mark.parametrize(("html", "place"), UNCLOSED)
def test_what_is_never_closed_is_found_where_it_begins(
    html: str, place: tuple[str, int, int]
) -> None:
    found = read(html).unclosed
    assert found is not None and found[:3] == place
    assert found[3].lower().startswith("<!--" if place[0] == "comment" else f"<{place[0]}")


@pytest.mark.parametrize(
    "html",
    [
        "<!--><p>x</p></body>",
        "<p>x<!---></body></html>",
        "<!-- </body></html>--></body></html>",
        "</body></html><!-- built -->",
        "</body></html><!-- built",
        "<!--[if IE]><script></script><p><![endif]--></body>",
        "<![if !IE]><p><![endif]></body>",
        "<script>a = '<\\/script>'</script></body></html>",
        "<script>a = '</script>';</script></body></html>",
        "<script><!-- </body></html> --></script></body></html>",
        "<script></div></body></html></script></div></body></html>",
        "<script><!-- <script></script> --></script></body></html>",
        "<script>a</script>",
        "<body><script src=x></script></body></html>",
        "<style></style>\n",
        "<title>&lt;title&gt;</title>",
        "<svg><title>x</svg><p>y</p>",
        "<?xml version='1.0'?><html><head><script src='x'/></head><body></body></html>",
        "<script src=x>",
        "<textarea>\n",
    ],
)
def test_what_is_closed_or_hides_nothing_is_fine(html: str) -> None:
    assert read(html).unclosed is None


BOUND = [
    "<p v-if=a>{{ name }}</p>",
    "<p :class=a title='{{ name }}'>x</p>",
    "<button @click=a>{{ count }}</button>",
    "<div x-data='{}'><p>{{ name }}</p></div>",
    "<p v-pre>{{ name }}</p>",
    "<div v-cloak><p>{{ $t('hello') }}</p></div>",
    "<div ng-app=a>{{ item.name | currency }}</div>",
    "<p>{{ name }}</p><script src=https://unpkg.com/vue@3/dist/vue.global.js></script>",
    "<p>{{ name }}</p><script src=/js/vue.min.js></script>",
    "<p>{{ name }}</p><script src=//cdn.jsdelivr.net/npm/alpinejs@3.x.x/dist/cdn.min.js></script>",
    "<p>{{ name }}</p><script src=/angular.min.js></script>",
    "<p>{{ name }}</p><script>Vue.createApp({})</script>",
    "<p>{{ name }}</p><script>new Vue({el: '#a'})</script>",
    "<p>{{ name }}</p><script type=module>import a from 'https://unpkg.com/petite-vue'</script>",
]


@pytest.mark.parametrize("html", BOUND)
def test_what_a_script_fills_in_is_no_leftover(html: str) -> None:
    assert read(html).leftovers == ()


@pytest.mark.parametrize(
    "left",
    [
        "{{ .Title }}",
        "{{ site.Title }}",
        '{{ i18n "a" }}',
        "{{ relURL .x }}",
        "{{- name -}}",
        "{{ $x := 1 }}",
        "{{ partial x }}",
        "{{ end }}",
        "{{&lt; note &gt;}}",
        "{{% note %}}",
        "%!s(MISSING)",
    ],
)
def test_what_hugo_left_is_found_beside_what_a_script_fills_in(left: str) -> None:
    found = read(f"<div v-cloak x-data='{{}}'><p>{{{{ name }}}} {left}</p></div>").leftovers
    assert found == (html.unescape(left),)


@pytest.mark.parametrize(
    "more",
    [
        "",
        "<p data-v=1 id=x-data class=v-if>",
        "<script src=/alpine/huts.js></script>",
        "<script src=/js/revue.js></script>",
        "<script>a = 1</script>",
    ],
)
def test_a_name_in_braces_that_no_script_fills_in_is_a_leftover(more: str) -> None:
    assert read(f"<p>{{{{ name }}}}</p>{more}").leftovers == ("{{ name }}",)

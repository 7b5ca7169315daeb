"""Places in the source: the line and column at which somebody can mend a finding."""

from __future__ import annotations

import time

import pytest

from workflow.validator.pages.parser import page
from workflow.validator.pages.positions import EXCERPT, places

FOUND = [
    ("<p>\n <a href=/a/>", ("a", "href", "/a/"), [(2, 10)]),
    ('<a\n  class="x"\n  href="/a/">', ("a", "href", "/a/"), [(3, 9)]),
    ("<A HREF='/a/'>", ("a", "href", "/a/"), [(1, 10)]),
    ("<a href=/a/><a href=/b/>\n<a href=/a/>", ("a", "href", "/a/"), [(1, 9), (2, 9)]),
    ("<a href=/b/ href=/a/>", ("a", "href", "/a/"), []),
    ("<area href=/a/><a href=/a/>", ("a", "href", "/a/"), [(1, 24)]),
    ("<a href=' \n/a\n/b'>", ("a", "href", "/a/b"), [(1, 10)]),
    ("<a href='?a&amp;b&copy=1&#x61;'>", ("a", "href", "?a&b&copy=1a"), [(1, 10)]),
    ("<a href=\"/&#43;&eacute;\">", ("a", "href", "/+é"), [(1, 10)]),
    ("äöü<a href=ä>", ("a", "href", "ä"), [(1, 12)]),
    ("<a title='>' href=/a>", ("a", "href", "/a"), [(1, 19)]),
    ("<a title=\"<a href='/a'>\" href=/b><a href=/a>", ("a", "href", "/b"), [(1, 31)]),
    ("<a href=''><a href><a href=' '><a>", ("a", "href", ""), [(1, 10), (1, 19), (1, 29)]),
    ("<img alt=''><img src=a><img srcset=a>", ("img", "src", ""), [(1, 1)]),
    ("<link rel=icon>", ("link", "href", ""), [(1, 1)]),
    ("<!-- <a href=/a> --><a href=/a>", ("a", "href", "/a"), [(1, 29)]),
    ("<!--><a href=/a>-->", ("a", "href", "/a"), [(1, 14)]),
    ("<script>'<a href=/a>'</script>\n<a href=/a>", ("a", "href", "/a"), [(2, 9)]),
    ("<title><a href=/a></title><textarea><a href=/a></textarea>", ("a", "href", "/a"), []),
    ("<svg><title/><style/><a href=/a></svg>", ("a", "href", "/a"), [(1, 30)]),
    ("<svg/><title><a href=/a></title>", ("a", "href", "/a"), []),
    (
        "<template><template></template><a href=/a></template><a href=/a>",
        ("a", "href", "/a"),
        [(1, 62)],
    ),
    ("<noscript><img src=/a></noscript>", ("img", "src", "/a"), [(1, 20)]),
    ("<img srcset='aa.png 1x,\n a.png 2x'>", ("img", "srcset", "a.png"), [(2, 2)]),
    ("<img srcset='a 1x, a 1x'>", ("img", "srcset", "a 1x, a 1x"), [(1, 14)]),
    ("<meta content='0; url=/a'>", ("meta", "content", "/a"), [(1, 23)]),
    ("<meta content=x><meta content=/a>", ("meta", "content", "/a"), [(1, 31)]),
    ("<p style=\"a: url('/a b')\">", ("p", "style", "/a b"), [(1, 19)]),
    ("<style>\na { b: url(/a) }</style>", ("style", "text", "/a"), [(2, 12)]),
    (
        '<script>{"url":\n "https:\\/\\/a.org"}</script>',
        ("script", "text", "https://a.org"),
        [(2, 3)],
    ),
    ("<svg><use xlink:href=#a /></svg>", ("use", "xlink:href", "#a"), [(1, 22)]),
    ("<title>a</title>\n<title>b</title>", ("title", None, None), [(1, 1), (2, 1)]),
    ("<!doctype html>\n<html>", ("html", "lang", None), [(2, 1)]),
    ("<html lang=xx>", ("html", "lang", None), [(1, 12)]),
    ("<p id=a><b id=b><i id=a>", (None, "id", "a"), [(1, 7), (1, 23)]),
    ("a {}\n b { c: url(x/a.png) url(a.png) }", ("css", "text", "a.png"), [(2, 26)]),
    ("User-agent: *\nSitemap: /s.xml", ("sitemap", "text", "/s.xml"), [(2, 10)]),
    ('{"icons":\n [{"src": "/i.png"}]}', ("icons", "src", "/i.png"), [(2, 12)]),
    ("<p>a\n{{ .Title }}", (None, None, "{{ .Title }}"), [(2, 1)]),
    ("<p>&lt;no value&gt;", (None, None, "<no value>"), [(1, 4)]),
    (
        "<?xml version='1.0'?><feed><title/>\n<link href='/a?b&amp;c'/></feed>",
        ("link", "href", "/a?b&c"),
        [(2, 13)],
    ),
    (
        "<?xml version='1.0'?><item>\n<link>\n<![CDATA[/a]]></link></item>",
        ("link", "text", "/a"),
        [(3, 10)],
    ),
    ("<a href=/b>", ("a", "href", "/a"), []),
    ("<a href=/a", ("a", "href", "/a"), [(1, 9)]),
    ("", ("a", "href", "/a"), []),
    ("", ("title", None, None), []),
    ("<p>", (None, None, None), []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("html", "wanted", "expected"),
    [pytest.param(html, wanted, expected, id=html[:60]) for html, wanted, expected in FOUND],
)
def test_a_finding_stands_where_it_can_be_mended(
    html: str,
    wanted: tuple[str | None, str | None, str | None],
    expected: list[tuple[int, int]],
) -> None:
    assert [(line, column) for line, column, _ in places(html.encode(), *wanted)] == expected


def test_an_excerpt_is_one_line_that_shows_what_is_at_fault() -> None:
    (short,) = places(b"<p><a\n  class=x\n  href=/a/>Text</a></p>", "a", "href", "/a/")
    assert short[2] == "<a class=x href=/a/>Text</a></p>"
    long = f"<a class='{'x ' * 200}' href=/a/>{'y' * 200}"
    (cut,) = places(long.encode(), "a", "href", "/a/")
    assert len(cut[2]) <= EXCERPT
    assert cut[2].startswith("…") and cut[2].endswith("…") and "href=/a/>" in cut[2]


def test_no_more_places_are_told_than_asked_for() -> None:
    assert len(places(b"<a href=x>" * 50, "a", "href", "x")) == 20
    assert len(places(b"<a href=x>" * 50, "a", "href", "x", most=3)) == 3


@pytest.mark.parametrize(
    "raw",
    [
        "<a href=ä>".encode("utf-8-sig"),
        "<a href=ä>".encode("utf-16"),
        "<meta charset=latin1><a href=ä>".encode("latin-1"),
    ],
)
def test_the_source_is_read_in_its_own_encoding(raw: bytes) -> None:
    assert [excerpt for *_, excerpt in places(raw, "a", "href", "ä")] == ["<a href=ä>"]


def test_every_reference_of_a_page_has_a_place() -> None:
    html = """<!doctype html><html lang=en><head><meta http-equiv=refresh content="5; URL='/r/'">
    <link rel=preload imagesrcset="p1.png 1x, p2.png 2x"><link rel="canonical" href="/c?a&amp;b">
    <meta property=og:image content=" /o.png "><script src=s.js></script>
    <style>@import "i.css"; a { b: url( 'c d.png' ) }</style>
    <script type=application/ld+json>{"url": "https:\\/\\/example.org\\/j"}</script></head><body>
    <a href="
      /two
      lines/">x</a><img src=&#47;i.png srcset="data:image/png;base64,A,B 1x, /w_1,h_2/x.png 2x">
    <svg><a xlink:href=v>x</a><use href="#u"/><image href="si.png"/></svg>
    <noscript><img src=n.png></noscript><p style="background:url(&quot;q.png&quot;)">
    <form action=f><button formaction=g></button></form><video poster=h src=k></video>"""
    refs = page(html.encode()).refs
    assert len(refs) > 20
    lost = [ref for ref in refs if not places(html.encode(), ref.element, ref.attribute, ref.url)]
    assert lost == []


def test_a_large_page_is_searched_in_milliseconds() -> None:
    raw = b"<div class='a b c'><a href=/x/>text</a><span>more</span></div>" * 2_000
    began = time.perf_counter()
    for number in range(20):
        places(raw, "a", "href", f"/{number}/")
    assert time.perf_counter() - began < 5


def test_hostile_sources_end() -> None:
    for raw in (b"<svg " * 20_000, b"<!--" * 20_000, b"<a href='" * 20_000, b"<template>" * 3_000):
        assert places(raw, "a", "href", "nowhere") == []

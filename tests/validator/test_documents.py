from __future__ import annotations

import json

import pytest

from workflow.validator.facts import Feed, Manifest, Robots, Sitemap
from workflow.validator.files.documents import feed, kind_of, manifest, robots, sitemap
from workflow.validator.files.sitemaps import MOST_ENTRIES, is_date

RSS = '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">{}</rss>'
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom">{}</feed>'
SITEMAP = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</urlset>'
ONE = "<url><loc>https://x.org/</loc></url>"


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("robots.txt", "", "robots"),
        ("blog/robots.txt", "", None),
        ("index.xml", RSS, "feed"),
        ("blog/feed", RSS, None),
        ("x.rss", RSS, "feed"),
        ("x.xml", f'<?xml version="1.0"?>\n<!-- a > b -->\n<?xml-stylesheet x?>{ATOM}', "feed"),
        ("x.xml", f'<!DOCTYPE rss SYSTEM "x" [<!ENTITY a "b">]>{RSS}', "feed"),
        ("x.xml", '<rdf:RDF xmlns:rdf="x">', "feed"),
        ("x.XML", SITEMAP, "sitemap"),
        ("x.xml", '<s:urlset xmlns:s="x">', "sitemap"),
        ("x.xml", "\ufeff" + SITEMAP, "sitemap"),
        ("x.xml", "<sitemapindex>", "sitemap"),
        ("x.xml", "<OpenSearchDescription>", None),
        ("x.xml", "<rss-of-ours>", None),
        ("x.xml", "", None),
        ("sitemap.xml", "<not-a-sitemap>", "sitemap"),
        ("en/sitemap.xml", "", "sitemap"),
        ("feed.xml", "no XML", "feed"),
        ("x.atom", "", "feed"),
        ("index.xml", "<opml>", None),
        ("x.svg", RSS, None),
        ("x.webmanifest", "", "manifest"),
        ("manifest.json", '{"icons": []}', "manifest"),
        ("manifest.json", '{"main.js": "main.123.js"}', None),
        ("index.json", '{"icons": []}', None),
    ],
)
def test_a_file_is_known_by_its_name_and_its_root_element(
    path: str, text: str, kind: str | None
) -> None:
    assert kind_of(path, text.encode()) == kind


def test_xml_in_utf_16_is_known_too() -> None:
    assert kind_of("x.xml", RSS.format("<channel/>").encode("utf-16")) == "feed"
    assert feed(RSS.format("<channel/>").encode("utf-16")) == Feed()


def told(facts: Feed | Sitemap | Robots | Manifest) -> list[str]:
    return [f"{ref.kind} {ref.url} {ref.element} {ref.attribute}" for ref in facts.refs]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            RSS.format(
                "<channel><link>https://x.org/</link><item><link>/a/</link></item></channel>"
            ),
            ["link https://x.org/ link text", "link /a/ link text"],
            id="links",
        ),
        pytest.param(
            RSS.format("<channel><item><link>\n /a?b&amp;c \n</link></item></channel>"),
            ["link /a?b&c link text"],
            id="blanks and entities",
        ),
        pytest.param(
            RSS.format("<channel><item><link><![CDATA[/a?b&c]]></link></item></channel>"),
            ["link /a?b&c link text"],
            id="CDATA",
        ),
        pytest.param(
            RSS.format("<channel><item><guid>/a/</guid></item></channel>"),
            ["link /a/ guid text"],
            id="guid is an address",
        ),
        pytest.param(
            RSS.format(
                '<channel><item><guid isPermaLink="false">a-1</guid></item>'
                "<item><guid>/b/</guid></item></channel>"
            ),
            ["link /b/ guid text"],
            id="guid that is none",
        ),
        pytest.param(
            RSS.format(
                '<channel><item><enclosure url="/a.mp3"/><comments>/a#c</comments></item>'
                "<image><url>/i.png</url><link>/</link></image></channel>"
            ),
            [
                "media /a.mp3 enclosure url",
                "link /a#c comments text",
                "image /i.png url text",
                "link / link text",
            ],
            id="enclosure, comments, image",
        ),
        pytest.param(
            RSS.format('<channel><atom:link rel="self" href="/index.xml"/></channel>'),
            ["feed /index.xml link href"],
            id="the feed itself",
        ),
        pytest.param(
            RSS.format('<channel><atom:link rel="hub" href="https://hub.example"/></channel>'),
            [],
            id="a hub is no page",
        ),
        pytest.param(
            RSS.format(
                '<channel><item xmlns:m="http://search.yahoo.com/mrss/">'
                '<m:group><m:content url="/v.mp4"/></m:group><m:thumbnail url="/t.jpg"/></item>'
                "</channel>"
            ),
            ["media /v.mp4 media:content url", "media /t.jpg media:thumbnail url"],
            id="media",
        ),
        pytest.param(
            RSS.format(
                "<channel><item><description>&lt;a href='/no/'&gt;</description></item></channel>"
            ),
            [],
            id="markup in a description",
        ),
        pytest.param(
            ATOM.format(
                '<link href="/"/><link rel="self" href="/atom.xml"></link><icon>/i.png</icon>'
                '<entry><link href="/a/"/><link rel="enclosure" href="/a.mp3"/>'
                '<content src="/a.pdf"/><author><uri>/me/</uri></author><id>tag:x</id></entry>'
            ),
            [
                "link / link href",
                "feed /atom.xml link href",
                "image /i.png icon text",
                "link /a/ link href",
                "media /a.mp3 link href",
                "media /a.pdf content src",
                "link /me/ uri text",
            ],
            id="Atom",
        ),
        pytest.param(
            '<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:link href="/"/></a:feed>',
            ["link / link href"],
            id="Atom with a prefix",
        ),
        pytest.param(
            ATOM.format(
                '<entry xml:base="https://x.org/blog/"><link href="a/"/></entry><link href="b/"/>'
            ),
            ["link https://x.org/blog/a/ link href", "link b/ link href"],
            id="xml:base",
        ),
        pytest.param(
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
            'xmlns="http://purl.org/rss/1.0/"><channel><link>/</link></channel>'
            "<item><link>/a/</link></item></rdf:RDF>",
            ["link / link text", "link /a/ link text"],
            id="RSS 1.0",
        ),
    ],
)
def test_a_feed_leads_where_its_readers_go(text: str, expected: list[str]) -> None:
    facts = feed(text.encode())
    assert (facts.error, told(facts)) == (None, expected)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("", "it is empty", id="empty"),
        pytest.param("<rss><channel>", "no element found", id="cut off"),
        pytest.param("<rss><channel>\n&nbsp;", "line 2, column 1: undefined entity", id="entity"),
        pytest.param("<rss><channel>a & b", "not well-formed", id="ampersand"),
        pytest.param("<rss><channel><x:y/>", "unbound prefix", id="prefix"),
        pytest.param("<html/>", "its root element is html", id="another root"),
        pytest.param("<rss/>", "no channel", id="no channel"),
        pytest.param('<!DOCTYPE rss [<!ENTITY a "b">]><rss/>', "declares entities", id="declared"),
        pytest.param('<?xml version="1.0" encoding="no-such"?><rss/>', "encoding", id="encoding"),
        pytest.param('<?xml version="1.0" encoding="shift_jis"?><rss/>', "encoding", id="many"),
    ],
)
def test_a_feed_that_no_reader_reads_says_why(text: str, error: str) -> None:
    assert error in (feed(text.encode()).error or "")


def test_what_a_broken_feed_says_before_it_breaks_is_kept() -> None:
    text = RSS.format("<channel><item><link>/a/</link></item>&")
    assert told(feed(text.encode())) == ["link /a/ link text"]


def test_a_feed_with_an_external_dtd_is_read_without_it() -> None:
    text = '<!DOCTYPE rss PUBLIC "a" "http://127.0.0.1:9/rss.dtd"><rss><channel/></rss>'
    assert feed(text.encode()) == Feed()


def test_a_sitemap_lists_its_pages_their_languages_and_images() -> None:
    facts = sitemap(
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        'xmlns:h="http://www.w3.org/1999/xhtml" '
        'xmlns:i="http://www.google.com/schemas/sitemap-image/1.1">'
        '<url><loc>\n https://x.org/?a&amp;b </loc><h:link rel="alternate" hreflang="de" '
        'href="https://x.org/de/"/><i:image><i:loc>https://x.org/i.png</i:loc></i:image></url>'
        "<url><loc><![CDATA[https://x.org/nø/]]></loc><lastmod>2026-13-01</lastmod></url>"
        "</urlset>".encode()
    )
    assert told(facts) == [
        "sitemap https://x.org/?a&b loc text",
        "image https://x.org/i.png image:loc text",
        "sitemap https://x.org/nø/ loc text",
    ]
    assert facts.alternates == (("https://x.org/?a&b", "de", "https://x.org/de/"),)
    assert facts.bad_dates == ("2026-13-01",)
    assert (facts.is_index, facts.error) == (False, None)


def test_an_index_of_sitemaps_lists_sitemaps() -> None:
    facts = sitemap(
        b'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap>'
        b"<loc>https://x.org/en/sitemap.xml</loc></sitemap></sitemapindex>"
    )
    assert told(facts) == ["sitemap https://x.org/en/sitemap.xml loc text"]
    assert (facts.is_index, facts.error) == (True, None)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param(" \n", "it is empty", id="empty"),
        pytest.param("no XML", "line 1, column 1: syntax error", id="no XML"),
        pytest.param("<not-a-sitemap/>", "root element is not-a-sitemap", id="root"),
        pytest.param(f"<urlset>{ONE}</urlset>", "namespace is missing", id="no namespace"),
        pytest.param(f'<urlset xmlns="x">{ONE}</urlset>', "namespace is x", id="namespace"),
        pytest.param(SITEMAP.format(""), "it lists nothing", id="nothing"),
        pytest.param(SITEMAP.format(ONE + "<url/>"), "its entry 2 has no address", id="no loc"),
        pytest.param(
            SITEMAP.format("<url><loc> </loc></url>"), "its entry 1 has no address", id="empty loc"
        ),
        pytest.param(
            SITEMAP.format(f"<url><loc>https://x.org/{'a' * 2040}</loc></url>"),
            "over 2,047",
            id="long",
        ),
        pytest.param(SITEMAP.format(ONE * (MOST_ENTRIES + 1)), "50,001 entries", id="many"),
        pytest.param(
            SITEMAP.format("<url><loc>https://x.org/?a&b=c</loc></url>"), "line 1", id="ampersand"
        ),
    ],
)
def test_a_sitemap_that_search_engines_refuse_says_why(text: str, error: str) -> None:
    assert error in (sitemap(text.encode()).error or "")


def test_a_sitemap_of_more_bytes_than_are_read_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow.validator.files.sitemaps.LARGEST", 100)
    assert "at most 100 are read" in (sitemap(SITEMAP.format(ONE).encode()).error or "")


@pytest.mark.parametrize(
    "text",
    [
        "2026",
        "2026-03",
        "2026-03-04",
        "2024-02-29",
        "2026-03-04T10:20Z",
        "2026-03-04T10:20:30+01:00",
        "2026-03-04T10:20:30.45-05:30",
    ],
)
def test_dates_of_the_w3c_are_dates(text: str) -> None:
    assert is_date(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026/03/04",
        "04 Mar 2026",
        "2026-3-4",
        "2026-13-01",
        "2026-00-01",
        "2026-04-31",
        "2026-02-29",
        "1900-02-29",
        "2026-03-04T10:20:30",
        "2026-03-04 10:20:30Z",
        "2026-03-04T24:00Z",
        "2026-03-04T10:60Z",
        "0001-01-01T00:00:00Z",
        "２０２６",
    ],
)
def test_other_dates_are_none(text: str) -> None:
    assert not is_date(text)


def test_groups_of_robots_txt_have_their_agents_and_rules() -> None:
    facts = robots(
        b"\xef\xbb\xbfUser-Agent: *\r\nDISALLOW:/a # why\rallow: *.html$\n\nCrawl-delay: 3\n"
        b"Disallow:\nuser-agent : GoogleBot\nUser-agent: Bing\nDisallow: /\n"
        b"Sitemap: https://x.org/sitemap.xml\nContent-Signal: ai-train=no\n# end"
    )
    assert facts == Robots(
        refs=facts.refs,
        groups=(
            (("*",), ((False, "/a"), (True, "*.html$"))),
            (("googlebot", "bing"), ((False, "/"),)),
        ),
    )
    assert told(facts) == ["sitemap https://x.org/sitemap.xml sitemap text"]


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("# a comment\n\n", [], id="comment"),
        pytest.param("user-agent:*\ndisallow:", [], id="nothing is disallowed"),
        pytest.param("User-agent: *", [], id="no rule"),
        pytest.param("x-unknown: 1\nlicense: /l.xml\nnoindex: /", [], id="unknown names"),
        pytest.param("Allow: /", ["1 Allow: /"], id="rule before all agents"),
        pytest.param("User-agent: *\ndisallow /x", ["2 disallow /x"], id="no colon"),
        pytest.param("User-agent: *\nallow: page.html", ["2 allow: page.html"], id="no path"),
        pytest.param(
            "User-agent: *\nallow: https://x.org/a", ["2 allow: https://x.org/a"], id="address"
        ),
        pytest.param("User-agent:", ["1 User-agent:"], id="no agent"),
        pytest.param("Sitemap:", ["1 Sitemap:"], id="no sitemap"),
        pytest.param("user agent: x", ["1 user agent: x"], id="misspelt agent"),
        pytest.param("User-agent: *\nDissalow: /x", ["2 Dissalow: /x"], id="misspelt rule"),
    ],
)
def test_lines_that_robots_do_not_understand_are_told(text: str, bad: list[str]) -> None:
    assert [f"{number} {line}" for number, line in robots(text.encode()).bad_lines] == bad


def test_two_rules_for_agents_after_a_rule_begin_a_new_group() -> None:
    facts = robots(b"user-agent: a\ndisallow: /1\nuser-agent: b\ncrawl-delay: 1\ndisallow: /2")
    assert facts.groups == ((("a",), ((False, "/1"),)), (("b",), ((False, "/2"),)))


def test_a_page_of_html_by_the_name_of_robots_txt_is_told_in_few_lines() -> None:
    assert len(robots(b"<p>\n" * 1000).bad_lines) == 20


def test_a_manifest_names_icons_screenshots_and_pages() -> None:
    said = {
        "name": "X",
        "start_url": "/?pwa",
        "scope": "/",
        "icons": [{"src": "/192.png", "sizes": "192x192"}, {"src": " /512.png\n"}],
        "screenshots": [{"src": "s.png"}],
        "shortcuts": [{"name": "New", "url": "/new/", "icons": [{"src": "/new.png"}]}],
    }
    facts = manifest(b"\xef\xbb\xbf" + json.dumps(said).encode())
    assert facts.error is None
    assert told(facts) == [
        "link /?pwa start_url text",
        "icon /192.png icons src",
        "icon /512.png icons src",
        "image s.png screenshots src",
        "link /new/ shortcuts url",
        "icon /new.png icons src",
    ]


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        pytest.param(b"", "line 1, column 1", id="empty"),
        pytest.param(b'{"name": "x",}', "line 1, column 14", id="comma"),
        pytest.param(b'{"name": NaN}', "NaN is no number", id="no number"),
        pytest.param(b"[]", "no JSON object", id="list"),
        pytest.param(b'{"name": "\xff"}', "UTF-8", id="encoding"),
        pytest.param(b"[" * 200_000, "no JSON", id="deep"),
        pytest.param(b'{"icons": "x"}', "icons is no list of objects", id="icons"),
        pytest.param(b'{"icons": ["x"]}', "icons is no list of objects", id="icon"),
        pytest.param(b'{"icons": [{}]}', "one of icons has no src", id="no src"),
        pytest.param(b'{"start_url": 1}', "start_url is no string", id="start"),
    ],
)
def test_a_manifest_that_browsers_refuse_says_why(raw: bytes, error: str) -> None:
    assert error in (manifest(raw).error or "")


@pytest.mark.parametrize("raw", [b"", b"\0", b"\xff\xfe", b"<", b"{", b"\xff" * 99, b"<a>" * 99999])
def test_any_bytes_are_facts(raw: bytes) -> None:
    assert isinstance(feed(raw), Feed)
    assert isinstance(sitemap(raw), Sitemap)
    assert isinstance(robots(raw), Robots)
    assert isinstance(manifest(raw), Manifest)


def test_an_address_that_a_sitemap_lists_twice_is_there_twice() -> None:
    entry = "<url><loc>https://x.org/a/</loc></url>"
    assert (
        told(sitemap(SITEMAP.format(entry * 2).encode()))
        == ["sitemap https://x.org/a/ loc text"] * 2
    )

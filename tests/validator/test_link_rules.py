"""What is said of the references of a site, and what is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from workflow.validator.facts import KINDS, Facts, Page, Ref, Sheet
from workflow.validator.findings import Finding
from workflow.validator.links.link_rules import RULES, link_findings
from workflow.validator.links.references import BROKEN
from workflow.validator.links.resolving import Resolver
from workflow.validator.sites import Site

HERE = "blog/index.html"
ABOUT = Page(ids=("team",))
FILES = (HERE, "about/index.html", "empty/x.txt", "img/a.png", "c++/index.html", "a\\b/c.html")


def findings(
    pages: Mapping[str, Facts],
    *,
    base_url: str | None = "https://example.org/",
    files: Iterable[str] = FILES,
    folder: Path = Path("/nowhere"),
    orphans: bool = False,
) -> list[Finding]:
    site = Site(folder, base_url, frozenset(files) | pages.keys(), pages)
    found = link_findings(site, Resolver(site))
    return [one for one in found if orphans or one.code != "page-orphan"]


def of_refs(*refs: tuple[str, str], **other: object) -> list[tuple[str, str]]:
    """(code, url) of what is found in a page with these (kind, url)."""
    page = Page(tuple(Ref(kind, url, "a", "href") for kind, url in refs), ids=("own",))
    found = findings({HERE: page, "about/index.html": ABOUT}, **other)  # type: ignore[arg-type]
    return [(one.code, one.url or "") for one in found]


def said_of(kind: str, url: str, **other: object) -> str | None:
    found = of_refs((kind, url), **other)
    assert len(found) < 2
    return found[0][0] if found else None


def test_every_kind_of_reference_of_pages_has_a_rule_for_what_is_not_there() -> None:
    assert BROKEN.keys() == KINDS.keys() - {"sitemap"}
    for kind, code in BROKEN.items():
        assert said_of(kind, "/nothing/") == code
        assert said_of(kind, "/img/a.png") is None


def test_the_rules_are_those_that_are_used() -> None:
    codes = [rule.code for rule in RULES]
    assert len(codes) == len(set(codes))
    assert set(BROKEN.values()) <= set(codes)
    for rule in RULES:
        assert rule.severity in ("error", "warning", "notice")
        assert rule.hint.endswith(".")
        assert not rule.summary.endswith(".")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param("/about/", None, id="there"),
        pytest.param("", None, id="empty"),
        pytest.param("#", None, id="hash"),
        pytest.param("#TOP", None, id="top"),
        pytest.param("#own", None, id="own-fragment"),
        pytest.param("?q#own", None, id="query-and-fragment"),
        pytest.param("#:~:text=x", None, id="text"),
        pytest.param("#team", "link-fragment", id="no-such-id-here"),
        pytest.param("?q#team", "link-fragment", id="no-such-id-after-a-query"),
        pytest.param("/about/#team", None, id="fragment-elsewhere"),
        pytest.param("/about/#own", "link-fragment", id="no-such-id-elsewhere"),
        pytest.param("/about/#Team", "link-fragment", id="id-in-other-case"),
        pytest.param("/nothing/#own", "link-broken", id="nothing-with-a-fragment"),
        pytest.param("/img/a.png#xywh=1", None, id="fragment-of-a-picture"),
        pytest.param("/About/", "link-case", id="case"),
        pytest.param("/about", "link-folder", id="no-slash"),
        pytest.param("/about#team", "link-folder", id="no-slash-with-fragment"),
        pytest.param("/about#own", "link-fragment", id="no-slash-with-bad-fragment"),
        pytest.param("/empty/", "link-no-index", id="no-index"),
        pytest.param("/empty", "link-no-index", id="no-index-no-slash"),
        pytest.param("/about/index.html/", "link-broken", id="slash-after-file"),
        pytest.param("http:///x", "link-invalid", id="invalid"),
        pytest.param("htp://x.org", "link-invalid", id="misspelt-scheme"),
        pytest.param("tel:", "link-invalid", id="no-number"),
        pytest.param("mailto:", "mail-invalid", id="no-address"),
        pytest.param("mailto:x", "mail-invalid", id="no-host"),
        pytest.param("mailto://a@example.org", "mail-invalid", id="mail-with-slashes"),
        pytest.param("mailto:?subject=x", None, id="form-letter"),
        pytest.param("https://x.org/", None, id="external"),
        pytest.param("https://x.org/a%2Fb+c", None, id="external-as-it-likes"),
        pytest.param("https://medium.com/@x", None, id="external-with-an-at"),
        pytest.param("https://x.org//a@b", None, id="external-with-slashes-and-an-at"),
        pytest.param("//x.org/", None, id="no-scheme"),
        pytest.param("http://x.org/", "link-insecure", id="insecure"),
        pytest.param("HTTP://x.org/", "link-insecure", id="insecure-loud"),
        pytest.param("http://example.org/about/", "link-insecure", id="insecure-own"),
        pytest.param("http://example.org/nothing/", "link-broken", id="insecure-own-broken"),
        pytest.param("http://localhost:1313/x", "link-localhost", id="localhost"),
        pytest.param("http://localhost?x", "link-localhost", id="localhost-query"),
        pytest.param("//posts/", "link-localhost", id="two-slashes-for-one"),
        pytest.param("/\\posts/", "link-localhost", id="a-slash-and-a-backslash"),
        pytest.param("http://intranet/x", "link-localhost", id="no-dot"),
        pytest.param("//127.0.0.1/", "link-localhost", id="loopback"),
        pytest.param("http://[::1]/", "link-localhost", id="loopback-6"),
        pytest.param("localhost:8080/x", "link-localhost", id="localhost-as-a-scheme"),
        pytest.param("file:///etc/x", "link-localhost", id="file"),
        pytest.param("C:\\x", "link-localhost", id="drive"),
        pytest.param("javascript:void(0)", None, id="script"),
        pytest.param("https://u:p@x.org/", "link-untidy", id="user-in-it"),
        pytest.param(r"\about\ ".strip(), "link-untidy", id="backslashes"),
        pytest.param(r"https:\\x.org", "link-untidy", id="external-backslashes"),
        pytest.param("/about%2Findex.html", "link-untidy", id="encoded-slash"),
        pytest.param("/a%5Cb/c.html", "link-untidy", id="encoded-backslash"),
        pytest.param("/about/?a=%2F+%zz\\", None, id="query-as-it-likes"),
        pytest.param("/c++/", "link-plus", id="plus"),
        pytest.param("/c%2B%2B/", None, id="plus-encoded"),
    ],
)
def test_links(url: str, code: str | None) -> None:
    assert said_of("link", url) == code


@pytest.mark.parametrize(
    ("kind", "url", "code"),
    [
        ("image", "/img/a.png", None),
        ("image", "/img", "image-broken"),
        ("image", "/about", "image-broken"),
        ("image", "/img/A.png", "link-case"),
        ("image", "/", "image-broken"),
        ("image", "#part", None),
        ("srcset", "/about/", "srcset-broken"),
        ("script", "/about/", "script-broken"),
        ("style", "/about/index.html", "style-broken"),
        ("image", "data:image/png;base64,AAAA", None),
        ("image", "http:///x.png", "link-invalid"),
        ("image", "http://localhost/x.png", "link-localhost"),
        ("image", "http://x.org/x.png", "mixed-content"),
        ("srcset", "http://example.org/img/a.png", "mixed-content"),
        ("script", "http://x.org/x.js", "mixed-content"),
        ("style", "http://x.org/x.css", "mixed-content"),
        ("css", "http://x.org/x.woff2", "mixed-content"),
        ("frame", "http://x.org/", "mixed-content"),
        ("form", "http://x.org/", "mixed-content"),
        ("media", "//x.org/a.mp4", None),
        ("canonical", "http://example.org/about/", None),
        ("og", "http://x.org/a.png", None),
        ("og", "/about", None),
        ("jsonld", "/about", None),
        ("jsonld", "https://", "jsonld-broken"),
        ("canonical", "https:// example.org", "canonical-broken"),
        ("canonical", "/empty/", "canonical-broken"),
        ("canonical", "/about", "link-folder"),
        ("feed", "/empty/", "link-no-index"),
        ("form", "/about", "link-folder"),
        ("refresh", "/about/#own", "link-fragment"),
        ("use", "#own", None),
        ("use", "#nothing", "use-broken"),
        ("css", "#nothing", None),
        ("jsonld", "/about/#organization", None),
    ],
)
def test_other_references(kind: str, url: str, code: str | None) -> None:
    assert said_of(kind, url) == code


@pytest.mark.parametrize("base_url", ["http://example.org/", None])
def test_nothing_is_mixed_on_a_site_that_does_not_come_by_https(base_url: str | None) -> None:
    assert said_of("image", "http://x.org/x.png", base_url=base_url) is None


def test_a_site_by_http_links_by_http() -> None:
    assert said_of("link", "http://x.org/", base_url="http://example.org/") is None
    assert said_of("link", "http://x.org/", base_url=None) == "link-insecure"


def test_a_base_url_with_a_path_is_not_to_be_left() -> None:
    for kind in ("link", "image", "script"):
        assert said_of(kind, "/about/", base_url="https://example.org/sub/") == "link-outside"
        assert said_of(kind, "/sub/img/a.png", base_url="https://example.org/sub/") is None
    assert said_of("link", "https://example.org/", base_url="https://example.org/sub/") is None


def test_a_reference_is_told_once_a_page_and_use() -> None:
    refs = (
        Ref("link", "/nothing/", "a", "href"),
        Ref("link", "/nothing/", "area", "href"),
        Ref("image", "/nothing/", "img", "src"),
    )
    found = findings({HERE: Page(refs), "about/index.html": Page(refs)})
    assert [(one.page, one.code, one.element) for one in found] == [
        ("about/index.html", "link-broken", "a"),
        ("about/index.html", "image-broken", "img"),
        (HERE, "link-broken", "a"),
        (HERE, "image-broken", "img"),
    ]


def test_a_finding_tells_what_is_there_instead_and_where_to_look() -> None:
    page = Page((Ref("link", "../abuot/", "area", "href"),))
    (one,) = findings({HERE: page})
    assert one.message == "/abuot/ is not there; is /about/ meant?"
    assert (one.url, one.element, one.attribute) == ("../abuot/", "area", "href")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("#Own", "nothing in this page has the id Own; is own meant?"),
        ("/about/#%54eam", "nothing in /about/ has the id Team; is team meant?"),
        ("/about/#zzz", "nothing in /about/ has the id zzz"),
        ("/blog/#zzz", "nothing in /blog/ has the id zzz"),
    ],
)
def test_a_fragment_names_the_page_and_the_nearest_id(url: str, message: str) -> None:
    page = Page((Ref("link", url, "a", "href"),), ids=("own",))
    (one,) = findings({HERE: page, "about/index.html": ABOUT})
    assert one.message == message


def test_the_same_menu_is_judged_alike_on_every_page() -> None:
    menu = (Ref("link", "/blog/#zzz", "a", "href"), Ref("link", "x/", "a", "href"))
    found = findings({HERE: Page(menu), "about/index.html": Page(menu), "blog/x/index.html": ABOUT})
    assert [(one.page, one.message) for one in found] == [
        ("about/index.html", "nothing in /blog/ has the id zzz"),
        ("about/index.html", "/about/x/ is not there; /blog/x/ is"),
        (HERE, "nothing in /blog/ has the id zzz"),
    ]


def test_a_base_element_holds_for_its_own_page_only() -> None:
    refs = (Ref("link", "team/", "a", "href"), Ref("link", "#own", "a", "href"))
    pages = {
        HERE: Page(refs, base="/about/", ids=("own",)),
        "about/index.html": Page(refs, ids=("own",)),
        "about/team/index.html": Page(),
        "x/index.html": Page(refs, base="../about/"),
        "y/z/index.html": Page(refs, base="../about/"),
    }
    found = findings(pages)
    assert [(one.page, one.url) for one in found] == [
        ("y/z/index.html", "team/"),
        ("y/z/index.html", "#own"),
    ]


def test_a_base_element_that_breaks_fragments_is_named() -> None:
    refs = (Ref("link", "#own", "a", "href"),)
    (one,) = findings({HERE: Page(refs, base="/about/", ids=("own",)), "about/index.html": ABOUT})
    assert (one.code, one.message) == ("link-fragment", "nothing in /about/ has the id own")
    assert "base element turns it into /about/#own" in (one.hint or "")


def alias(target: str) -> Page:
    return Page(
        (Ref("canonical", target, "link", "href"), Ref("refresh", target, "meta", "content")),
        refresh=(0.0, target),
    )


@pytest.mark.parametrize(
    ("url", "code", "message"),
    [
        ("/old/", "link-redirect", "/old/ only leads on to /about/"),
        ("/old", "link-folder", "/old is a folder, whose address is /old/"),
        ("/older/", "link-redirect", "/older/ only leads on to /about/"),
        ("/old/#team", "link-redirect", "/old/ only leads on to /about/"),
        ("/old/#zzz", "link-fragment", "nothing in /about/ has the id zzz"),
        ("/lost/", "link-broken", "/lost/ leads on to nothing: /nothing/ is not there"),
        ("/a/", "link-broken", "/a/ leads on to nothing: it leads round in a circle"),
    ],
)
def test_links_to_aliases_tell_where_they_lead(url: str, code: str, message: str) -> None:
    pages = {
        HERE: Page((Ref("link", url, "a", "href"),)),
        "about/index.html": ABOUT,
        "old/index.html": alias("https://example.org/about/"),
        "older/index.html": alias("/old/"),
        "lost/index.html": alias("/nothing/"),
        "a/index.html": alias("/b/"),
        "b/index.html": alias("/a/"),
    }
    found = [one for one in findings(pages) if one.page == HERE]
    assert [one.code for one in found] == [code]
    assert found[0].message.startswith(message)


def test_a_short_link_to_another_site_is_no_detour() -> None:
    pages = {HERE: Page((Ref("link", "/chat/", "a", "href"),)), "chat/index.html": alias("//x.org")}
    assert findings(pages) == []


@pytest.mark.parametrize(
    ("target", "codes"),
    [
        ("/about/", []),
        ("https://x.org/", []),
        ("/nothing/", ["refresh-broken"]),
        ("/about", ["link-folder"]),
        ("/other/", ["link-redirect"]),
        ("/old/", ["refresh-broken"]),
        ("#", ["refresh-broken"]),
    ],
)
def test_an_alias_is_wrong_once(target: str, codes: list[str]) -> None:
    pages = {
        "old/index.html": alias(target),
        "other/index.html": alias("/about/"),
        "about/index.html": ABOUT,
    }
    found = findings(pages)
    assert [one.code for one in found if one.page == "old/index.html"] == codes


def test_a_page_that_reloads_itself_now_and_then_is_fine() -> None:
    ref = Ref("refresh", "/blog/", "meta", "content")
    assert findings({HERE: Page((ref,), refresh=(30.0, "/blog/"))}) == []
    assert findings({HERE: Page(refresh=(30.0, ""))}) == []


def test_a_page_that_reloads_itself_for_ever_is_not() -> None:
    (one,) = findings({HERE: Page(refresh=(0.0, ""))})
    assert (one.code, one.element, one.url) == ("refresh-invalid", "meta", None)


@pytest.mark.parametrize(
    ("element", "attribute", "code"),
    [
        ("a", "href", "link-empty"),
        ("area", "href", "link-empty"),
        ("link", "href", "link-empty"),
        ("video", "poster", "link-empty"),
        ("img", "src", "image-broken"),
        ("input", "src", "image-broken"),
        ("image", "xlink:href", "image-broken"),
        ("script", "src", "script-broken"),
        ("iframe", "src", "frame-broken"),
        ("video", "src", "media-broken"),
        ("track", "src", "media-broken"),
        ("object", "data", "media-broken"),
        ("use", "href", "use-broken"),
        ("img", "srcset", "srcset-invalid"),
        ("blockquote", "cite", None),
    ],
)
def test_blank_addresses(element: str, attribute: str, code: str | None) -> None:
    found = findings({HERE: Page(empty=((element, attribute), (element, attribute)))})
    assert [(one.code, one.url, one.element, one.attribute) for one in found] == (
        [(code, "", element, attribute)] if code else []
    )


def test_a_script_that_neither_holds_nor_names_anything_is_told() -> None:
    (found,) = findings({HERE: Page(empty=(("script", "text"), ("script", "text")))})
    assert (found.code, found.element) == ("script-empty", "script")


def test_what_browsers_do_not_understand_is_told() -> None:
    srcset = "a.png 1x, b.png\n 200w, " + "c.png 1x, " * 20
    page = Page(bad_srcset=(srcset, srcset), bad_refresh=("3x; url=/", ""))
    found = findings({HERE: page})
    assert [(one.code, one.url) for one in found] == [
        ("srcset-invalid", srcset),
        ("refresh-invalid", "3x; url=/"),
        ("refresh-invalid", ""),
    ]
    assert "\n" not in found[0].message
    assert len(found[0].message) < 140
    assert "without content" in found[2].message


def test_references_of_style_sheets_count_from_the_sheet() -> None:
    sheet = Sheet(
        (
            Ref("css", "../img/a.png", "", "text"),
            Ref("css", "img/a.png", "", "text"),
            Ref("css", "#mask", "", "text"),
            Ref("css", "../img/a.png?#iefix", "", "text"),
            Ref("css", "http://x.org/f.woff2", "", "text"),
            Ref("style", "other.css", "", "text"),
        )
    )
    found = findings({"css/main.css": sheet})
    assert [(one.page, one.code, one.url) for one in found] == [
        ("css/main.css", "css-broken", "img/a.png"),
        ("css/main.css", "mixed-content", "http://x.org/f.woff2"),
        ("css/main.css", "style-broken", "other.css"),
    ]


def test_the_part_of_a_picture_that_is_used_must_be_in_it(tmp_path: Path) -> None:
    (tmp_path / "sprite.svg").write_text('<svg><symbol id="a"/></svg>')
    refs = [Ref("use", f"/sprite.svg#{name}", "use", "href") for name in "ab"]
    found = findings({HERE: Page(tuple(refs))}, files=("sprite.svg",), folder=tmp_path)
    assert [(one.code, one.url) for one in found] == [("use-broken", "/sprite.svg#b")]


def orphans(pages: Mapping[str, Facts]) -> list[str]:
    found = findings(pages, orphans=True)
    return [one.page for one in found if one.code == "page-orphan"]


def test_pages_that_no_link_leads_to_are_named() -> None:
    def linking(*urls: str, kind: str = "link", **other: object) -> Page:
        refs = tuple(Ref(kind, url, "a", "href") for url in urls)
        return Page(refs, **other)  # type: ignore[arg-type]

    pages: dict[str, Facts] = {
        "index.html": linking(
            "/linked/", "by-case", "https://example.org/whole/", "/old/", "/404/"
        ),
        "linked/index.html": Page(),
        "by-case/index.html": Page(),
        "whole/index.html": Page(),
        "moved/index.html": Page(),
        "old/index.html": alias("/moved/"),
        "unused/index.html": alias("/only-by-alias/"),
        "only-by-alias/index.html": Page(),
        "itself/index.html": linking("/itself/", "#x", "."),
        "framed/index.html": Page(),
        "page/2/index.html": linking("/framed/", kind="frame"),
        "page/3/index.html": Page(),
        "linked/x/index.html": linking("/page/2/"),
        "canonical/index.html": linking("/page/3/", kind="canonical"),
        "hidden/index.html": Page(robots=(("robots", "noindex, nofollow"),)),
        "none/index.html": Page(robots=(("googlebot", "none"),)),
        "open/index.html": Page(robots=(("robots", "index,follow"),)),
        "404.html": Page(),
        "de/404.html": Page(),
        "google0123456789abcdef.html": Page(),
        ".well-known/x.html": Page(),
        "sitemap.xml": Page(),
    }
    del pages["sitemap.xml"]
    assert orphans(pages) == [
        "canonical/index.html",
        "itself/index.html",
        "linked/x/index.html",
        "only-by-alias/index.html",
        "open/index.html",
        "page/3/index.html",
    ]


def test_where_the_home_page_leads_on_to_is_no_orphan() -> None:
    assert orphans({"index.html": alias("/en/"), "en/index.html": Page()}) == []


def test_a_link_shared_by_pages_counts_though_one_of_them_is_its_target() -> None:
    menu = Page((Ref("link", "/a/", "a", "href"), Ref("link", "/b/", "a", "href")))
    assert orphans({"a/index.html": menu, "b/index.html": menu}) == []
    assert orphans({"a/index.html": menu}) == ["a/index.html"]


@pytest.mark.parametrize(
    ("element", "kind", "message"),
    [
        ("img", "image", "/ is a page, and no image"),
        ("meta", "og", None),
        ("script", "jsonld", None),
        ("style", "css", None),
    ],
)
def test_a_page_is_no_image_but_may_be_named_where_one_can_be(
    element: str, kind: str, message: str | None
) -> None:
    page = Page((Ref(kind, "https://example.org/", element, "content"),))
    found = findings({HERE: page, "index.html": Page()})
    assert [one.message for one in found] == ([message] if message else [])
    assert all("with" in (one.hint or "") for one in found)

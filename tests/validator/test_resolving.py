"""Where references lead in a site: the verdicts, case by case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from workflow.validator.facts import Facts, Page
from workflow.validator.links.resolving import Resolver, Verdict
from workflow.validator.sites import Site

NFC, NFD = "caf\u00e9", "cafe\u0301"
FILES = (
    "index.html",
    "404.html",
    "about/index.html",
    "about/team.html",
    "a b/index.html",
    "blog/one/index.html",
    "blog/one/photo.jpg",
    "blog/index.html",
    "c++/index.html",
    "50%.html",
    "a#b?c.html",
    "%C3%BC.html",
    "tromsø/index.html",
    f"{NFD}.html",
    "empty/only.txt",
    "same/only.txt",
    "same.html",
    "folder.html/index.html",
    "docs.pdf",
    "sub/x.html",
    "Read Me.TXT",
    ".well-known/x",
    "\udce4.html",
)


def resolver(
    files: Iterable[str] = FILES,
    base_url: str | None = "https://example.org/",
    facts: Mapping[str, Facts] | None = None,
    folder: Path = Path("/nowhere"),
) -> Resolver:
    return Resolver(Site(folder, base_url, frozenset(files), facts or {}))


def verdict(
    url: str, page: str = "blog/one/index.html", base: str | None = None, **other: str | None
) -> Verdict:
    return resolver(**other).resolve(page, base, url)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        pytest.param("", "blog/one/index.html", id="empty-is-the-page"),
        pytest.param(" ", "blog/one/index.html", id="blank-is-the-page"),
        pytest.param("#x", "blog/one/index.html", id="own-fragment"),
        pytest.param("?q", "blog/one/index.html", id="query-of-the-page"),
        pytest.param("?q#x", "blog/one/index.html", id="query-and-fragment-of-the-page"),
        pytest.param("?a=https://x.org/", "blog/one/index.html", id="address-in-a-query"),
        pytest.param(".", "blog/one/index.html", id="dot"),
        pytest.param("./", "blog/one/index.html", id="dot-slash"),
        pytest.param("./?q", "blog/one/index.html", id="dot-slash-query"),
        pytest.param("..", "blog/index.html", id="two-dots"),
        pytest.param("../", "blog/index.html", id="two-dots-slash"),
        pytest.param("../../", "index.html", id="up-to-the-root"),
        pytest.param("../../../../", "index.html", id="clamped-at-the-root"),
        pytest.param("../../../about/", "about/index.html", id="clamped-then-down"),
        pytest.param("%2e%2E/%2e./about/", "about/index.html", id="encoded-dots"),
        pytest.param("photo.jpg", "blog/one/photo.jpg", id="beside"),
        pytest.param("./photo.jpg?v=1#t=2", "blog/one/photo.jpg", id="beside-with-query"),
        pytest.param("../one/photo.jpg", "blog/one/photo.jpg", id="up-and-down"),
        pytest.param("/", "index.html", id="root"),
        pytest.param("/?d=x&p=y", "index.html", id="root-with-query"),
        pytest.param("/index.html", "index.html", id="root-index"),
        pytest.param("/about/", "about/index.html", id="folder"),
        pytest.param("/about/index.html", "about/index.html", id="explicit-index"),
        pytest.param("/about/team.html#a", "about/team.html", id="file"),
        pytest.param("/about/x/../", "about/index.html", id="through-what-is-not-there"),
        pytest.param("/a%20b/", "a b/index.html", id="encoded-blank"),
        pytest.param("/a b/", "a b/index.html", id="raw-blank"),
        pytest.param("  /about/\n", "about/index.html", id="blanks-around"),
        pytest.param("/ab\tout/", "about/index.html", id="tab-within"),
        pytest.param("/c++/", "c++/index.html", id="raw-plus"),
        pytest.param("/c%2B%2b/", "c++/index.html", id="encoded-plus"),
        pytest.param("/about%2Fteam.html", "about/team.html", id="slash-encoded"),
        pytest.param("/50%.html", "50%.html", id="lone-percent"),
        pytest.param("/50%25.html", "50%.html", id="encoded-percent"),
        pytest.param("/a%23b%3Fc.html", "a#b?c.html", id="encoded-marks"),
        pytest.param("/%25C3%25BC.html", "%C3%BC.html", id="a-name-that-looks-encoded"),
        pytest.param("/tromsø/", "tromsø/index.html", id="raw-unicode"),
        pytest.param("/troms%C3%B8/", "tromsø/index.html", id="encoded-unicode"),
        pytest.param("/troms%c3%b8/", "tromsø/index.html", id="encoded-in-small-letters"),
        pytest.param(f"/{NFD}.html", f"{NFD}.html", id="same-normal-form"),
        pytest.param("/%E4.html", "\udce4.html", id="bytes-that-are-no-utf-8"),
        pytest.param("/folder.html/", "folder.html/index.html", id="folder-named-as-a-file"),
        pytest.param("/same.html", "same.html", id="file-beside-a-folder"),
        pytest.param("/docs.pdf#page=2", "docs.pdf", id="pdf"),
        pytest.param("/.well-known/x", ".well-known/x", id="hidden"),
        pytest.param("/404.html", "404.html", id="error-page"),
        pytest.param(r"..\..\about\team.html", "about/team.html", id="backslashes"),
        pytest.param(r"\about\ ".strip(), "about/index.html", id="backslash-root"),
        pytest.param("https://example.org", "index.html", id="own-domain"),
        pytest.param("https://example.org/about/", "about/index.html", id="own-domain-page"),
        pytest.param("http://example.org/about/", "about/index.html", id="own-domain-by-http"),
        pytest.param("HTTPS://EXAMPLE.ORG:443/about/", "about/index.html", id="own-domain-loud"),
        pytest.param("//example.org/about/", "about/index.html", id="own-domain-no-scheme"),
        pytest.param("https://example.org./about/", "about/index.html", id="own-domain-with-dot"),
        pytest.param("https://example.org/../about/", "about/index.html", id="own-domain-clamped"),
        pytest.param(
            r"https:\\example.org\about\ ".strip(), "about/index.html", id="own-backslash"
        ),
        pytest.param("https://me@example.org/about/", "about/index.html", id="own-with-user"),
    ],
)
def test_found(url: str, path: str) -> None:
    assert verdict(url)[:2] == ("found", path)


@pytest.mark.parametrize(
    ("url", "fragment"),
    [
        ("/about/", None),
        ("/about/#", ""),
        ("/about/?q#a%20b", "a%20b"),
        ("?q#x", "x"),
        ("?q", None),
        ("#", ""),
        ("#a#b?c", "a#b?c"),
    ],
)
def test_a_fragment_is_handed_on_raw(url: str, fragment: str | None) -> None:
    assert verdict(url).fragment == fragment


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        pytest.param("/nothing/", "/nothing/ is not there", id="nothing-near"),
        pytest.param("nothing.html", "/blog/one/nothing.html is not there", id="relative"),
        pytest.param("/about/team.html/", "/about/team.html is, a file", id="slash-after-a-file"),
        pytest.param("/about/team", "/about/team.html is", id="without-extension"),
        pytest.param("/about/team/", "/about/team.html is, a file", id="folder-for-a-file"),
        pytest.param("/about.html", "/about/ is", id="file-for-a-folder"),
        pytest.param("/about//team.html", "/about/team.html is, with one slash", id="two-slashes"),
        pytest.param("/about//", "/about/ is, with one slash", id="two-slashes-at-the-end"),
        pytest.param("..//about/", "/blog//about/ is not there", id="two-slashes-relative"),
        pytest.param("../..//about/", "//about/ is not there", id="two-slashes-at-the-root"),
        pytest.param("/a+b/", "no blank", id="plus-for-a-blank"),
        pytest.param("/a%2520b/", "/a%20b/ is not there", id="encoded-twice"),
        pytest.param("/%C3%BC.html", "must be written %25", id="percent-in-a-name"),
        pytest.param(f"/{NFC}.html", "Unicode", id="other-normal-form"),
        pytest.param("/caf%C3%A9.html", "Unicode", id="other-normal-form-encoded"),
        pytest.param("/abuot/", "is /about/ meant?", id="misspelt-folder"),
        pytest.param("/about/tean.html", "is /about/team.html meant?", id="misspelt-file"),
        pytest.param("photo.jpeg", "is /blog/one/photo.jpg meant?", id="other-extension"),
        pytest.param("/photo.jpg", "/blog/one/photo.jpg is", id="in-another-folder"),
        pytest.param("https;//x.org/", "is https:// meant?", id="semicolon"),
        pytest.param("http//x.org/", "is https:// meant?", id="no-colon"),
        pytest.param("www.x.org", "is https:// meant?", id="www"),
        pytest.param("me@x.org", "is mailto: meant?", id="mail-address"),
        pytest.param("post.md#x", "Markdown source", id="markdown"),
        pytest.param("\u200bhttps//x", "invisible", id="invisible-character"),
        pytest.param("..%2F..%2Fabout/", "is not there", id="dots-between-encoded-slashes"),
        pytest.param("/..%2f..%2fetc/passwd", "is not there", id="encoded-escape"),
        pytest.param("(https://x.org)", "is not there", id="brackets"),
        pytest.param("/ZZ%ZZ", "/ZZ%ZZ is not there", id="bad-escape"),
        pytest.param("/%FF", "is not there", id="no-utf-8"),
        pytest.param("https://example.org/gone/", "/gone/ is not there", id="own-domain"),
    ],
)
def test_missing_names_what_is_there_instead(url: str, detail: str) -> None:
    kind, path, _, told, _ = verdict(url)
    assert (kind, path) == ("missing", None)
    assert detail in told


@pytest.mark.parametrize(
    ("url", "path", "detail"),
    [
        ("/About/", "about/index.html", "/about/ is, in other letters' case"),
        ("/About", "about/index.html", "/about/ is"),
        ("/about/Team.HTML", "about/team.html", "/about/team.html is"),
        ("/read%20me.txt#x", "Read Me.TXT", "/Read Me.TXT is"),
        ("/TROMSØ/", "tromsø/index.html", "/tromsø/ is"),
    ],
)
def test_other_letters_case_is_told_apart_as_s3_does(url: str, path: str, detail: str) -> None:
    told = verdict(url)
    assert told[:2] == ("case", path)
    assert detail in told.detail


@pytest.mark.parametrize(
    "url", ["/about", "../../about", "/about?q#x", "https://example.org/about"]
)
def test_a_folder_without_its_slash(url: str) -> None:
    told = verdict(url)
    assert told[:2] == ("folder", "about/index.html")
    assert told.detail == "/about is a folder, whose address is /about/"


@pytest.mark.parametrize("url", ["/empty/", "/empty", "/same/", "/same"])
def test_a_folder_without_an_index(url: str) -> None:
    told = verdict(url)
    assert told.kind == "no-index"
    assert f"/{url.strip('/')}/ holds no index.html" == told.detail


def test_a_site_without_a_home_page() -> None:
    assert verdict("/", files=("a.html",)).kind == "no-index"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://example.com/a?b#c", "https://example.com/a?b"),
        ("//cdn.example.org/x.js", "https://cdn.example.org/x.js"),
        ("https://www.example.org/", "https://www.example.org/"),
        ("https://example.org.br/", "https://example.org.br/"),
        ("https://example.organic/", "https://example.organic/"),
        ("https://example.org@evil.com/about/", "https://evil.com/about/"),
        ("https://example.com", "https://example.com/"),
        ("https://example.com?q", "https://example.com/?q"),
        ("https://example.com/a/../b?c#d", "https://example.com/b?c"),
        ("https://example.com/%2e%2E/b", "https://example.com/b"),
        ("https://example.com/a.b/c%2Fd?e=/../f", "https://example.com/a.b/c%2Fd?e=/../f"),
        ("https://example.org:8443/about/", "https://example.org:8443/about/"),
        ("http://example.org:443/", "http://example.org:443/"),
        (r"https:\\example.com\a", "https://example.com/a"),
        ("https://tést.example/ü?q=ü x", "https://xn--tst-bma.example/%C3%BC?q=%C3%BC%20x"),
        ("http://[::1]:80/", "http://[::1]/"),
    ],
)
def test_other_hosts_are_external(url: str, address: str) -> None:
    told = verdict(url)
    assert (told.kind, told.path, told.address) == ("external", None, address)


def test_a_host_is_compared_in_its_ascii_form() -> None:
    for base_url in ("https://münchen.de/", "https://xn--mnchen-3ya.de"):
        for url in ("https://MÜNCHEN.de/about/", "https://xn--mnchen-3ya.de/about/"):
            assert verdict(url, base_url=base_url)[:2] == ("found", "about/index.html")


@pytest.mark.parametrize(
    "url",
    [
        "mailto:a@x.org",
        "tel:123",
        "javascript:void(0)",
        "data:,x/../y",
        "blob:x",
        "about:blank",
        "sms:1",
        "ftp://x.org/",
        "slack://open",
        "file:///C:/x",
        "C:\\x",
    ],
)
def test_other_schemes_are_skipped(url: str) -> None:
    assert verdict(url).kind == "skipped"


@pytest.mark.parametrize(
    "url",
    [
        "htp://x.org",
        "http:/x",
        "http:x",
        "http:///x",
        "///x",
        "https://",
        "https://exa mple.org/",
        "http://localhost]",
        "https://x.org:port/",
        "mailto:",
        "tel:",
        "/a%00b",
        "/a%0Ab",
        "/\x7f",
    ],
)
def test_invalid(url: str) -> None:
    told = verdict(url)
    assert told.kind == "invalid"
    assert told.detail


@pytest.mark.parametrize(
    ("base", "url", "expected"),
    [
        pytest.param("/about/", "team.html", ("found", "about/team.html"), id="root"),
        pytest.param("../../about/", "team.html", ("found", "about/team.html"), id="relative"),
        pytest.param("/about/team.html", "x/..", ("found", "about/index.html"), id="a-file"),
        pytest.param("/about", "team.html", ("missing", None), id="without-slash"),
        pytest.param("/about/", "/blog/", ("found", "blog/index.html"), id="root-link"),
        pytest.param("/about/", "#x", ("found", "about/index.html"), id="fragment"),
        pytest.param("/about/", "", ("found", "about/index.html"), id="empty"),
        pytest.param("/about/", "?q#x", ("found", "about/index.html"), id="query"),
        pytest.param("/gone/", "#x", ("missing", None), id="fragment-of-nothing"),
        pytest.param("https://cdn.org/x/", "y.png", ("external", None), id="other-host"),
        pytest.param("//cdn.org/x/", "/about/", ("external", None), id="other-host-root-link"),
        pytest.param("https://cdn.org/", "#x", ("external", None), id="other-host-fragment"),
        pytest.param(
            "https://example.org/about/", "team.html", ("found", "about/team.html"), id="own"
        ),
        pytest.param(
            "https://cdn.org/",
            "https://example.org/about/",
            ("found", "about/index.html"),
            id="back",
        ),
        pytest.param("", "photo.jpg", ("found", "blog/one/photo.jpg"), id="empty-base"),
        pytest.param("?q", "photo.jpg", ("found", "blog/one/photo.jpg"), id="query-base"),
        pytest.param("data:,x", "photo.jpg", ("found", "blog/one/photo.jpg"), id="data-base"),
        pytest.param("javascript:x", "#x", ("found", "blog/one/index.html"), id="script-base"),
        pytest.param("http://[", "photo.jpg", ("found", "blog/one/photo.jpg"), id="invalid-base"),
    ],
)
def test_a_base_element(base: str, url: str, expected: tuple[str, str | None]) -> None:
    assert verdict(url, base=base)[:2] == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("/sub/about/", ("found", "about/index.html"), id="inside"),
        pytest.param("../../about/", ("found", "about/index.html"), id="relative"),
        pytest.param("/sub/", ("found", "index.html"), id="root"),
        pytest.param("/%73ub/", ("found", "index.html"), id="root-encoded"),
        pytest.param("/sub", ("folder", "index.html"), id="root-without-slash"),
        pytest.param("https://example.org/sub", ("folder", "index.html"), id="whole-root"),
        pytest.param("https://example.org/sub/about/", ("found", "about/index.html"), id="whole"),
        pytest.param("/about/", ("outside", None), id="root-link"),
        pytest.param("/", ("outside", None), id="host-root"),
        pytest.param("/submarine/", ("outside", None), id="same-beginning"),
        pytest.param("../../../about/", ("outside", None), id="above-the-root"),
        pytest.param("https://example.org/", ("external", None), id="whole-outside"),
        pytest.param("//example.org/other/", ("external", None), id="no-scheme-outside"),
        pytest.param(
            "https://example.org/submarine/", ("external", None), id="whole-same-beginning"
        ),
        pytest.param("/sub/sub/x.html", ("found", "sub/x.html"), id="folder-of-that-name"),
        pytest.param("/sub//", ("missing", None), id="two-slashes"),
    ],
)
@pytest.mark.parametrize("base_url", ["https://example.org/sub/", "https://example.org/sub"])
def test_a_base_url_with_a_path(url: str, expected: tuple[str, str | None], base_url: str) -> None:
    assert verdict(url, base_url=base_url)[:2] == expected


def test_what_leaves_the_base_url_but_is_inside_is_named() -> None:
    told = verdict("/about/", base_url="https://example.org/sub/")
    assert told.detail == "/about/ is not below /sub/, where the site is; /sub/about/ is there"


@pytest.mark.parametrize("base_url", [None, "", "/", "localhost:1313", "https://", "ftp://x.org/"])
def test_without_a_base_url_whole_addresses_are_external(base_url: str | None) -> None:
    assert verdict("/about/", base_url=base_url)[:2] == ("found", "about/index.html")
    assert verdict("../../about/", base_url=base_url)[:2] == ("found", "about/index.html")
    assert verdict("https://example.org/about/", base_url=base_url).kind == "external"
    assert verdict("//example.org/x", base_url=base_url).address == "https://example.org/x"
    assert verdict("https:///about/", base_url=base_url).kind == "invalid"


def test_names_of_the_pages_own_folder_mean_themselves() -> None:
    files = ("a#b?c %41/index.html", "a#b?c %41/x.png", "ü\\/x.png")
    assert verdict("x.png", files[0], files=files).path == files[1]  # type: ignore[arg-type]
    assert verdict("./x.png?a:b", files[0], files=files).path == files[1]  # type: ignore[arg-type]
    assert verdict("x.png", "ü\\/index.html", files=files).path == files[2]  # type: ignore[arg-type]


IDS = Page(ids=("team", "Über", "a b", "tangent%3A-k", "a%2Cb", "|>/2", "caf\u00e9", "x:~:y"))


@pytest.mark.parametrize(
    "fragment",
    [
        pytest.param("", id="empty"),
        pytest.param("team", id="as-written"),
        pytest.param("te%61m", id="encoded"),
        pytest.param("Über", id="raw-unicode"),
        pytest.param("%C3%9Cber", id="encoded-unicode"),
        pytest.param("%c3%9cber", id="encoded-unicode-small"),
        pytest.param("a%20b", id="blank-encoded"),
        pytest.param("a b", id="blank"),
        pytest.param("tangent%3A-k", id="raw-before-decoded"),
        pytest.param("a%252Cb", id="encoded-percent"),
        pytest.param("%7C%3E/2", id="marks"),
        pytest.param("top", id="top"),
        pytest.param("TOP", id="top-loud"),
        pytest.param("Top", id="top-mixed"),
        pytest.param(":~:text=foo", id="text"),
        pytest.param("team:~:text=a-,b,c,-d&text=e", id="text-after-an-id"),
        pytest.param("top:~:text=a", id="text-after-top"),
        pytest.param("x:~:y", id="id-with-that-mark"),
        pytest.param("/route", id="route"),
        pytest.param("!/route", id="old-route"),
    ],
)
def test_fragments_that_are_there(fragment: str) -> None:
    assert resolver(facts={"index.html": IDS}).has_fragment("index.html", fragment)


@pytest.mark.parametrize(
    "fragment",
    ["Team", "teams", "tea", "%ZZ", "a+b", "cafe\u0301", "tangent:-k-", "no:~:text=team", "top2"],
)
def test_fragments_that_are_not(fragment: str) -> None:
    assert not resolver(facts={"index.html": IDS}).has_fragment("index.html", fragment)


def test_fragments_of_other_files_mean_something_else() -> None:
    for path in ("docs.pdf", "film.mp4", "notes.txt", "pic.png", "unread.html"):
        assert resolver().has_fragment(path, "page=2")


def test_an_empty_page_has_no_fragment_but_its_top() -> None:
    checked = resolver(facts={"index.html": Page()})
    assert checked.has_fragment("index.html", "top")
    assert not checked.has_fragment("index.html", "x")


def test_the_ids_of_a_picture_are_looked_into(tmp_path: Path) -> None:
    picture = "<svg><symbol id='a'/><g viewBox='0' id = \"b c\"/><g data-id='d'/></svg>"
    (tmp_path / "sprite.svg").write_text(picture)
    checked = resolver(("sprite.svg", "gone.svg"), folder=tmp_path)
    assert checked.has_fragment("sprite.svg", "a")
    assert checked.has_fragment("sprite.svg", "b%20c")
    assert checked.has_fragment("sprite.svg", "svgView(viewBox(0,0,1,1))")
    assert checked.has_fragment("sprite.svg", "xywh=0,0,1,1")
    assert not checked.has_fragment("sprite.svg", "d")
    assert not checked.has_fragment("sprite.svg", "top")
    assert checked.has_fragment("gone.svg", "a")


@pytest.mark.parametrize(
    ("fragment", "near"),
    [("Team", "team"), ("%C3%BCber", "Über"), ("teams", "team"), ("something-else", None)],
)
def test_the_fragment_that_may_be_meant(fragment: str, near: str | None) -> None:
    assert resolver(facts={"index.html": IDS}).near_fragment("index.html", fragment) == near


def alias(target: str, seconds: float = 0.0) -> Page:
    return Page(refresh=(seconds, target))


ALIASES: dict[str, Facts] = {
    "about/index.html": Page(),
    "old/index.html": alias("https://example.org/about/"),
    "older/index.html": alias("../old/"),
    "away/index.html": alias("https://example.com/"),
    "lost/index.html": alias("/nothing/"),
    "a/index.html": alias("/b/"),
    "b/index.html": alias("/a/"),
    "self/index.html": alias("/self/"),
    "again/index.html": alias(""),
    "slow/index.html": alias("/about/", 5.0),
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("about/index.html", None),
        ("old/index.html", ("found", "about/index.html")),
        ("older/index.html", ("found", "about/index.html")),
        ("away/index.html", ("external", None)),
        ("lost/index.html", ("missing", None)),
        ("self/index.html", ("invalid", "self/index.html")),
        ("again/index.html", None),
        ("slow/index.html", None),
        ("docs.pdf", None),
    ],
)
def test_aliases_are_followed_to_the_end(
    path: str, expected: tuple[str, str | None] | None
) -> None:
    told = resolver(ALIASES, facts=ALIASES).leads_to(path)
    assert (told and told[:2]) == expected


def test_a_circle_of_aliases_is_told() -> None:
    told = resolver(ALIASES, facts=ALIASES).leads_to("a/index.html")
    assert told is not None
    assert (told.kind, told.detail) == ("invalid", "it leads round in a circle: /a/ → /b/ → /a/")


def test_a_chain_of_aliases_has_an_end() -> None:
    chain: dict[str, Facts] = {f"{n}.html": alias(f"{n + 1}.html") for n in range(30)}
    told = resolver([*chain, "30.html"], facts=chain).leads_to("0.html")
    assert told is not None
    assert told.kind == "invalid"


def test_guesses_are_made_for_few_references_only() -> None:
    checked = resolver([*FILES, *(f"many/{n:03}.html" for n in range(600))])
    assert "meant" not in checked.resolve("index.html", None, "many/0x1.html").detail
    told = [checked.resolve("index.html", None, f"abut{n}/").detail for n in range(100)]
    assert "meant" in told[0]
    assert "meant" not in told[-1]

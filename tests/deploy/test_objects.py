"""How files are stored: types, caching, compression, redirects, phases, fingerprints, patterns."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any

import brotli
import pytest

from workflow.config import Deploy
from workflow.deploy.content import read_content
from workflow.deploy.objects import Wanted, body, is_fingerprinted, wanted
from workflow.deploy.patterns import matches
from workflow.errors import TaskFailed

BASE = "https://www.example.org/"
IMMUTABLE = "public, max-age=31536000, immutable"
HOUR = "public, max-age=3600"
ANEW = "public, max-age=0, must-revalidate"
HEX = "066ec9cf6b7676198e5711ee31e784239b8141d52f0735ef069b5f3d70de6172"
REDIRECT = "x-amz-website-redirect-location"


def store(
    folder: Path, files: dict[str, bytes], base: str = BASE, **said: Any
) -> dict[str, Wanted]:
    """What these files are stored as, by the environment's deploy settings."""
    for name, raw in files.items():
        path = folder / "public" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    deploy = Deploy.model_validate({"strategy": "native", "bucket": "example", **said})
    return wanted(read_content(folder / "public", cache=None), deploy, base)


def one(folder: Path, name: str, raw: bytes = b"x", **said: Any) -> dict[str, str]:
    return store(folder, {name: raw}, **said)[name].headers


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("INDEX.HTM", "text/html; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.json", "application/json; charset=utf-8"),
        ("a.js.map", "application/json; charset=utf-8"),
        ("index.xml", "application/xml; charset=utf-8"),
        ("a.rss", "application/rss+xml; charset=utf-8"),
        ("a.svg", "image/svg+xml; charset=utf-8"),
        ("robots.txt", "text/plain; charset=utf-8"),
        ("site.webmanifest", "application/manifest+json; charset=utf-8"),
        ("a.ics", "text/calendar; charset=utf-8"),
        ("a.webp", "image/webp"),
        ("a.avif", "image/avif"),
        ("favicon.ico", "image/x-icon"),
        ("a.JPG", "image/jpeg"),
        ("a.woff2", "font/woff2"),
        ("a.wasm", "application/wasm"),
        ("a.pdf", "application/pdf"),
        ("a.mp4", "video/mp4"),
        ("a.webm", "video/webm"),
        (".well-known/apple-app-site-association", "application/json; charset=utf-8"),
        ("CNAME", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
    ],
)
def test_a_files_name_tells_its_type_whatever_this_machine_thinks(
    tmp_path: Path, name: str, kind: str
) -> None:
    assert one(tmp_path, name)["Content-Type"] == kind


@pytest.mark.parametrize(
    ("name", "phase", "cache"),
    [
        (f"css/main.min.{HEX}.css", "fingerprinted", IMMUTABLE),
        ("posts/one/cover_hu_c4b3903900ae227b.png", "fingerprinted", IMMUTABLE),
        (f"search.{HEX}.json", "fingerprinted", IMMUTABLE),
        ("css/main.css", "assets", HOUR),
        ("images/a.png", "assets", HOUR),
        ("files/a.pdf", "assets", HOUR),
        ("index.html", "pages", ANEW),
        ("posts/index.xml", "pages", ANEW),
        ("sitemap.xml", "pages", ANEW),
        ("robots.txt", "pages", ANEW),
        ("index.json", "pages", ANEW),
        ("site.webmanifest", "pages", ANEW),
        ("sw.js", "pages", ANEW),
        ("app/service-worker.js", "pages", ANEW),
    ],
)
def test_what_names_other_files_comes_last_and_is_asked_for_anew(
    tmp_path: Path, name: str, phase: str, cache: str
) -> None:
    stored = store(tmp_path, {name: b"x"})[name]
    assert (stored.phase, stored.headers["Cache-Control"]) == (phase, cache)


FINGERPRINTED = [
    f"main.{HEX}.css",
    f"main.min.{HEX}.css",
    f"js/bundle.{HEX}.js",
    f"js/bundle.{HEX}.js.map",
    f"a.{HEX[:32]}.css",
    f"a.{HEX}{HEX[:32]}.css",
    f"a.{HEX}{HEX}.js",
    f"logo.{HEX}.svg",
    f"photo.{HEX}.jpg",
    f"data.{HEX}.json",
    f"two words.{HEX}.css",
    "cover_hu_c4b3903900ae227b.png",
    "cover_hu_bd61b837dc2c875b.webp",
    "sunset_hu15210517121918042184.jpg",
    "sunset_hu59e0d9ae2cd2f7ad2f4ae9ecf8d8a2b8_83514_600x0_resize_q75_box.jpg",
    "a-b_hu3d03a01dcc18bc5be0e67db3d8d209a6_1_40x40_fill_box_smart1_2.png",
    "images/a_hu_c4b3903900ae227b.avif",
    "runtime.4f2a1b9c.js",
    "main.8e2c7d6f4a.css",
    "chunk-9d41c07b3e.js",
    "app-0123456789abcdef0123.js",
    "component---src-pages-index-js-1a2b3c4d5e6f7a8b9c0d.js",
    "vendors.4f2a1b9c.chunk.js",
    "main.4f2a1b9c.min.css",
    "runtime.4f2a1b9c.js.map",
    "inter.4f2a1b9c.woff2",
    "module.8e2c7d6f4a.wasm",
    "index-B3xY_9aZ.js",
    "index-D4f-8kQz.css",
    "assets/vendor-x7Kd2LmQ.js",
]
NOT_FINGERPRINTED = [
    "index.html",
    f"page.{HEX}.html",
    f"feed.{HEX}.xml",
    f"notes.{HEX}.txt",
    "main.css",
    "main.min.css",
    "jquery-3.7.1.min.js",
    "bootstrap.5.3.2.min.css",
    "report-20240101.pdf",
    "report.2024abcd.pdf",
    "photo.12345678.jpg",
    "photo-5f3a9c1b.jpg",
    "scan-20240101b.jpg",
    "app.20240101.js",
    "app-20240101ab.js",
    "app.20240101123000.js",
    "build.123456789.js",
    "app.deadbeef.js",
    "app-facade.js",
    "app-decade90.js",
    "lib.abcdef1.js",
    "app-Version2.js",
    "app-release2.js",
    "main-Summer24.css",
    "app-MyChart3.js",
    "app-overview.js",
    "app-settings.css",
    "team-IMG_1234.jpg",
    "hero-Summer24.jpg",
    "photo_human.jpg",
    "photo_hu_small.jpg",
    "photo_hu1234.jpg",
    "d41d8cd98f00b204e9800998ecf8427e.jpg",
    f"{HEX}.css",
    f"{HEX}/style.css",
    "4f2a1b9c.js",
    "550e8400-e29b-41d4-a716-446655440000.js",
    "download-1a2b3c4d.zip",
    "sw.js",
    "CNAME",
    "",
]


def test_there_are_enough_names_to_judge_by() -> None:
    assert len(FINGERPRINTED + NOT_FINGERPRINTED) >= 60


@pytest.mark.parametrize("name", FINGERPRINTED)
def test_a_fingerprint_is_seen(name: str) -> None:
    assert is_fingerprinted(name)


@pytest.mark.parametrize("name", NOT_FINGERPRINTED)
def test_what_a_person_may_have_called_so_is_no_fingerprint(name: str) -> None:
    assert not is_fingerprinted(name)


def test_the_last_rule_that_says_a_thing_counts(tmp_path: Path) -> None:
    rules = [
        {"match": "*.pdf", "cache_control": "no-store", "content_type": "application/x-pdf"},
        {"match": "downloads/**", "cache_control": "private"},
        {"match": "*.zip", "cache_control": "no-cache"},
    ]
    files = {"a.pdf": b"x", "downloads/b/c.pdf": b"x", "a.zip": b"x", "a.png": b"x"}
    stored = store(tmp_path, files, objects=rules)
    said = {
        path: (one.headers["Content-Type"], one.headers["Cache-Control"])
        for path, one in stored.items()
    }
    assert said == {
        "a.pdf": ("application/x-pdf", "no-store"),
        "downloads/b/c.pdf": ("application/x-pdf", "private"),
        "a.zip": ("application/zip", "no-cache"),
        "a.png": ("image/png", HOUR),
    }


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.pdf", "a.pdf", True),
        ("*.pdf", "deep/er/a.pdf", True),
        ("*.pdf", "a.pdf/b", False),
        ("*.PDF", "a.pdf", False),
        ("robots.txt", "sub/robots.txt", True),
        ("/robots.txt", "robots.txt", True),
        ("/robots.txt", "sub/robots.txt", False),
        ("downloads/**", "downloads/a", True),
        ("downloads/**", "downloads/b/c", True),
        ("downloads/**", "downloads", False),
        ("downloads/**", "downloads-old/a", False),
        ("downloads/**", "my/downloads/a", False),
        ("downloads/", "downloads/b/c", True),
        ("a/*/b.html", "a/x/b.html", True),
        ("a/*/b.html", "a/x/y/b.html", False),
        ("a/**/b.html", "a/b.html", True),
        ("a/**/b.html", "a/x/y/b.html", True),
        ("**/b.html", "b.html", True),
        ("**/drafts/*", "x/drafts/y", True),
        ("photo-?.jpg", "photo-1.jpg", True),
        ("photo-?.jpg", "photo-10.jpg", False),
        ("a?b", "a/b", False),
        ("a[1].txt", "a[1].txt", True),
        ("a[1].txt", "a1.txt", False),
        ("a.txt", "abtxt", False),
        ("**", "anything/at/all", True),
        ("*", "anything/at/all", True),
        ("/*", "anything/at/all", False),
        ("/*", "top\nline", True),
    ],
)
def test_patterns_mean_what_they_say(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


TEXT = b"<p>The same words over and over again.</p>\n" * 100


@pytest.mark.parametrize(("option", "encoding"), [("gzip", "gzip"), ("brotli", "br")])
def test_text_is_stored_compressed_if_wanted_and_the_same_each_time(
    tmp_path: Path, option: str, encoding: str
) -> None:
    headers = one(tmp_path, "index.html", TEXT, compress=option)
    assert headers["Content-Encoding"] == encoding
    stored = body(TEXT, headers)
    assert len(stored) < len(TEXT) / 5
    assert stored == body(TEXT, headers)
    read = gzip.decompress(stored) if option == "gzip" else brotli.decompress(stored)
    assert read == TEXT


def test_gzip_notes_no_time() -> None:
    assert body(TEXT, {"Content-Encoding": "gzip"})[4:8] == bytes(4)


def test_without_an_encoding_the_bytes_are_stored_as_they_are() -> None:
    assert body(TEXT, {"Content-Type": "text/html"}) is TEXT


@pytest.mark.parametrize("name", ["a.png", "a.woff2", "a.zip", "a.mp4", "a.pdf"])
def test_what_is_compressed_already_is_left_alone(tmp_path: Path, name: str) -> None:
    assert "Content-Encoding" not in one(tmp_path, name, TEXT, compress="gzip")


@pytest.mark.parametrize(
    "name", ["a.css", "a.js", "a.json", "a.xml", "a.svg", "a.webmanifest", "a.wasm", "a.ttf"]
)
def test_all_that_shrinks_is_compressed(tmp_path: Path, name: str) -> None:
    assert one(tmp_path, name, TEXT, compress="gzip")["Content-Encoding"] == "gzip"


def test_what_is_small_stays_as_it_is(tmp_path: Path) -> None:
    stored = store(tmp_path, {"small.txt": b"x" * 1023, "large.txt": b"x" * 1024}, compress="gzip")
    assert "Content-Encoding" not in stored["small.txt"].headers
    assert stored["large.txt"].headers["Content-Encoding"] == "gzip"


def test_a_rule_may_ask_for_another_compression_or_none(tmp_path: Path) -> None:
    rules = [{"match": "*.css", "compress": "brotli"}, {"match": "raw/**", "compress": "none"}]
    files = {"a.html": TEXT, "a.css": TEXT, "raw/a.css": TEXT}
    stored = store(tmp_path, files, compress="gzip", objects=rules)
    encodings = {path: one.headers.get("Content-Encoding") for path, one in stored.items()}
    assert encodings == {"a.html": "gzip", "a.css": "br", "raw/a.css": None}


def test_a_missing_brotli_is_missed_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)
    with pytest.raises(TaskFailed) as caught:
        one(tmp_path, "index.html", TEXT, compress="brotli")
    assert (caught.value.error.code, caught.value.error.action) == ("brotli_missing", "escalate")
    with pytest.raises(TaskFailed, match="not installed"):
        body(TEXT, {"Content-Encoding": "br"})
    assert one(tmp_path, "index.html", TEXT, compress="gzip")["Content-Encoding"] == "gzip"


def test_size_and_digest_are_those_of_the_file_also_where_it_is_compressed(tmp_path: Path) -> None:
    plain = store(tmp_path, {"index.html": TEXT})["index.html"]
    packed = store(tmp_path, {"index.html": TEXT}, compress="gzip")["index.html"]
    assert (plain.size, plain.sha256) == (packed.size, packed.sha256) == (len(TEXT), plain.sha256)


# Redirects


def alias(url: str) -> bytes:
    """As Hugo writes it, minified."""
    return (
        f"<!doctype html><html lang=en><head><title>{url}</title><link rel=canonical href={url}>"
        f'<meta charset=utf-8><meta http-equiv=refresh content="0; url={url}"></head></html>'
    ).encode()


@pytest.mark.parametrize(
    ("url", "location"),
    [
        (f"{BASE}posts/one/", "/posts/one/"),
        ("https://www.example.org", "/"),
        ("https://WWW.example.org:443/a/", "/a/"),
        ("http://www.example.org/a/", "/a/"),
        (f"{BASE}a/?b=c&amp;d=e#f", "/a/?b=c&d=e#f"),
        (f"{BASE}olé/ü b/".replace(" ", "%20"), "/ol%C3%A9/%C3%BC%20b/"),
        (f"{BASE}ol%C3%A9/", "/ol%C3%A9/"),
        ("/posts/one/", "/posts/one/"),
        ("../../posts/one/", "/posts/one/"),
        ("https://other.example.com/old/x/?q=1", "https://other.example.com/old/x/?q=1"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("mailto:someone@example.org", None),
        ("javascript:alert(1)", None),
        (f"{BASE}old/x/", None),
        (f"{BASE}old/x/index.html", None),
        (f"{BASE}{'a' * 2100}/", None),
        (f"{BASE}/evil.example/", None),
        ("http://[broken/", None),
    ],
)
def test_an_alias_redirects_to_where_its_page_leads(
    tmp_path: Path, url: str, location: str | None
) -> None:
    headers = one(tmp_path, "old/x/index.html", alias(url), redirects=True)
    assert headers.get(REDIRECT) == location


def test_a_site_below_a_path_redirects_below_it(tmp_path: Path) -> None:
    base = "https://example.org/blog/"
    stored = store(tmp_path, {"old/index.html": alias(f"{base}new/")}, base=base, redirects=True)
    assert stored["old/index.html"].headers[REDIRECT] == "/blog/new/"


def test_aliases_redirect_only_if_wanted(tmp_path: Path) -> None:
    assert REDIRECT not in one(tmp_path, "old/index.html", alias(f"{BASE}new/"))

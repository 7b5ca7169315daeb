"""What lies in public/: digests, aliases, links to this machine, secrets; and the cache of it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from workflow import publicdir
from workflow.deploy.content import Content, Finding, cache_of, read_content, remember
from workflow.errors import TaskFailed

KEY_ID = "AKIA" + "QWERTYUIOPASDFGH"
SECRET = "abcdEFGH1234/+abcdEFGH1234/+abcdEFGH1234"
KEY_BODY = "MIIEowIBAAKCAQEA7bq9dR5m2v1XkQe0hG3pYwZs"


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def age(folder: Path) -> None:
    """Let every file look as if it was written long ago, its ctime excepted: see `later`."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (1_700_000_000, 1_700_000_000))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets the clock go ahead: the only way to an old ctime without waiting."""
    ahead = [0.0]
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + int(ahead[0] * 1e9))

    def go(seconds: float) -> None:
        ahead[0] += seconds

    return go


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are opened by their descriptor, as readers of public/ do."""
    names: list[str] = []
    real = os.open

    def note(path: str, flags: int, *rest: int) -> int:
        names.append(os.path.basename(path))
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", note)
    return names


def of(folder: Path, cache: Path | None = None, *, force: bool = False) -> Content:
    return read_content(folder, cache=cache, force=force)


def findings(folder: Path, name: str, text: str | bytes) -> tuple[Finding, ...]:
    return of(write(folder, {name: text})).facts[name].findings


# Facts


def test_every_file_has_its_digest_and_size(tmp_path: Path) -> None:
    site = write(tmp_path / "site", {"index.html": "<p>", "a/b.png": b"\x89PNG", "empty": ""})
    content = of(site)
    assert content.folder == Path(os.path.realpath(site))
    assert {path: (f.sha256, f.size) for path, f in content.facts.items()} == {
        path: (hashlib.sha256(raw).hexdigest(), len(raw))
        for path, raw in (("index.html", b"<p>"), ("a/b.png", b"\x89PNG"), ("empty", b""))
    }


def test_its_manifest_is_the_one_that_a_build_takes(tmp_path: Path) -> None:
    site = write(tmp_path / "site", {"index.html": "1", "é.txt": "2", "a/b.bin": b"3" * 3_000_000})
    os.symlink("index.html", site / "link")
    os.symlink("/nowhere", site / "dangling")
    os.mkfifo(site / "pipe")
    assert of(site).manifest == publicdir.manifest(site)
    assert of(site).manifest.digest == publicdir.manifest(site).digest


def test_a_link_to_a_file_of_the_site_is_that_file(tmp_path: Path) -> None:
    site = write(tmp_path / "site", {"a/real.html": "text"})
    write(tmp_path, {"outside.html": "other"})
    os.symlink("a/real.html", site / "inside")
    os.symlink("inside", site / "twice")
    os.symlink(site / "a/real.html", site / "absolute")
    os.symlink("../outside.html", site / "out")
    os.symlink("a", site / "folder")
    os.symlink("nowhere", site / "dangling")
    facts = of(site).facts
    assert sorted(facts) == ["a/real.html", "absolute", "inside", "twice"]
    assert facts["inside"] == facts["twice"] == facts["absolute"] == facts["a/real.html"]
    assert len(of(site).manifest.links) == 6


def test_a_folder_that_is_a_link_itself_is_read_where_it_is(tmp_path: Path) -> None:
    site = write(tmp_path / "real", {"index.html": "1"})
    os.symlink("real", tmp_path / "public")
    assert of(tmp_path / "public").folder == Path(os.path.realpath(site))


@pytest.mark.parametrize(
    ("page", "leads"),
    [
        (
            '<!DOCTYPE html><html lang="en"><head><title>https://e.org/new/</title>\n'
            '<link rel="canonical" href="https://e.org/new/">\n<meta charset="utf-8">\n'
            '<meta http-equiv="refresh" content="0; url=https://e.org/new/"></head></html>',
            "https://e.org/new/",
        ),
        (
            "<!doctype html><link rel=canonical href=https://e.org/new/>"
            '<meta http-equiv=refresh content="0; url=https://e.org/new/">',
            "https://e.org/new/",
        ),
        (
            "<META HTTP-EQUIV='Refresh' CONTENT='0;URL=/a?b=1&amp;c=2'>"
            "<link href='/a?b=1&amp;c=2' rel='canonical'/>",
            "/a?b=1&c=2",
        ),
        ('<meta http-equiv="refresh" content="0; url=/new/">', None),
        ('<link rel=canonical href=/a/><meta http-equiv=refresh content="0; url=/b/">', None),
        ('<link rel=canonical href=/a/><meta http-equiv=refresh content="5; url=/a/">', None),
        ('<link rel=canonical href=/a/><meta http-equiv=refresh content="30">', None),
        ("<link rel=canonical href=/a/><p>See the refresh rate.</p>", None),
        (
            '<link rel=canonical href=/a/><meta http-equiv=refresh content="0; url=/a/">'
            + "<p>text</p>" * 1000,
            None,
        ),
    ],
    ids=["plain", "minified", "capitals", "no canonical", "other canonical", "slow", "no url",
         "prose", "large"],
)  # fmt: skip
def test_an_alias_page_tells_where_it_leads(tmp_path: Path, page: str, leads: str | None) -> None:
    assert of(write(tmp_path, {"old/index.html": page})).facts["old/index.html"].redirect == leads


def test_only_html_is_an_alias(tmp_path: Path) -> None:
    page = '<link rel=canonical href=/a/><meta http-equiv=refresh content="0; url=/a/">'
    assert of(write(tmp_path, {"a.txt": page})).facts["a.txt"].redirect is None


# Links to this machine

LOCAL = "http://localhost:1313/x/"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", f'<a href="{LOCAL}">x</a>'),
        ("a.html", f"<a class=b href={LOCAL}>x</a>"),
        ("a.html", f"<A HREF='{LOCAL}'>x</A>"),
        ("a.html", f'<a title="a > b" href={LOCAL}>x</a>'),
        ("a.html", f"<a\n  href = {LOCAL}\n>x</a>"),
        ("a.html", f"<link rel=canonical href={LOCAL}>"),
        ("a.html", f'<meta property="og:url" content="{LOCAL}">'),
        ("a.html", f'<meta http-equiv=refresh content="0; url={LOCAL}">'),
        ("a.html", f"<script src={LOCAL}></script>"),
        ("a.html", "<img src=https://127.0.0.1:8443/a.png>"),
        ("a.html", f'<img srcset="/a.jpg 1x, {LOCAL}a.jpg 2x">'),
        ("a.html", f"<form action={LOCAL}></form>"),
        ("a.html", f"<video poster='{LOCAL}'>"),
        ("a.html", f"<div data-url={LOCAL}></div>"),
        ("a.html", f'<div style="background:url({LOCAL}a.png)"></div>'),
        ("a.html", f"<style>body{{background:url('{LOCAL}a.png')}}</style>"),
        ("a.html", f'<script type=application/ld+json>{{"@id":"{LOCAL}"}}</script>'),
        ("a.html", '<script>x={"url":"http:\\/\\/localhost:1313\\/x\\/"}</script>'),
        ("a.html", "<a href='https://share.example/?u=http%3A%2F%2Flocalhost%3A1313%2F'>x</a>"),
        ("a.html", f"<script>if (a < b) c()</script><a href={LOCAL}>x</a>"),
        ("a.html", f"<!-- it's --><a title=it's href={LOCAL}>x</a>"),
        ("a.htm", "<a href=http://LOCALHOST/>x</a>"),
        ("a.html", "<a href=http://0.0.0.0:8000/>x</a>"),
        ("a.html", "<a href=http://127.1.2.3>x</a>"),
        ("a.html", "<a href=http://[::1]:1313/>x</a>"),
        ("a.html", "<a href=http://localhost>x</a>"),
        ("a.css", f"@font-face{{src:url({LOCAL}a.woff2)}}"),
        ("a.css", f'@import "{LOCAL}a.css";'),
        ("a.svg", f'<svg><image xlink:href="{LOCAL}"/></svg>'),
        ("sitemap.xml", f"<urlset><url><loc>{LOCAL}</loc></url></urlset>"),
        ("index.xml", f"<rss><channel><link>{LOCAL}</link></channel></rss>"),
        ("index.xml", f"<item><guid isPermaLink=false>{LOCAL}</guid></item>"),
        ("index.xml", f'<atom:link href="{LOCAL}" rel="self"/>'),
        ("index.xml", f"<entry><id><![CDATA[{LOCAL}]]></id></entry>"),
        ("index.json", f'[{{"title":"x","permalink":"{LOCAL}"}}]'),
        ("site.webmanifest", f'{{"start_url": "{LOCAL}"}}'),
        ("robots.txt", f"User-agent: *\nSitemap: {LOCAL}sitemap.xml\n"),
        ("llms.txt", f"- [Page]({LOCAL})"),
    ],
)  # fmt: skip
def test_a_link_to_this_machine_is_found(tmp_path: Path, name: str, text: str) -> None:
    (found, *_) = findings(tmp_path, name, text)
    assert found.kind == "localhost"
    assert "link to http" in found.what


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", f"<p>Open {LOCAL} in your browser.</p>"),
        ("a.html", f"<pre><code>&lt;a href=&#34;{LOCAL}&#34;&gt;</code></pre>"),
        ("a.html", f'<code>href="{LOCAL}"</code>'),
        ("a.html", f"<p>curl {LOCAL} > file; a=1</p>"),
        ("a.html", f'<meta name=description content="Runs at {LOCAL} by default.">'),
        ("a.html", f"<input placeholder={LOCAL}>"),
        ("a.html", f"<!-- <a href={LOCAL}>x</a> -->"),
        ("a.html", "<a href=http://localhost.example.com/>x</a>"),
        ("a.html", "<a href=https://example.com/http://localhost/>x</a>"),
        ("a.html", "<a href=http://127.example.com/>x</a>"),
        ("a.html", "<a href=http://127.0.0.1.example.com/>x</a>"),
        ("a.html", "<a href=http://mylocalhost/>x</a>"),
        ("a.html", "<a href=/localhost/>x</a>"),
        ("a.html", f'<a title="write href={LOCAL} here">x</a>'),
        ("a.html", f"<b title=\"<a href='{LOCAL}'>\">x</b>"),
        ("a.css", f"/* see {LOCAL} */"),
        ("a.js", f'const fallback = new URL(a, "{LOCAL}")'),
        ("index.json", f'{{"content":"Open {LOCAL} now"}}'),
        ("index.xml", f"<description>Open {LOCAL}</description>"),
        ("a.txt", f"Open {LOCAL}"),
        ("a.png", f"<a href={LOCAL}>"),
        ("a.csv", LOCAL),
    ],
)  # fmt: skip
def test_prose_code_and_other_hosts_are_no_links(tmp_path: Path, name: str, text: str) -> None:
    assert findings(tmp_path, name, text) == ()


def test_a_link_is_told_with_its_element_its_line_and_without_its_query(tmp_path: Path) -> None:
    text = f"<p>\n\n<a class=x href='{LOCAL}?token=abc#d'>x</a>"
    assert findings(tmp_path, "a.html", text) == (
        Finding("localhost", "<a href>, a link to http://localhost:1313/x/", 3),
    )


def test_of_many_links_in_a_file_three_are_told(tmp_path: Path) -> None:
    assert len(findings(tmp_path, "a.html", f"<a href={LOCAL}>\n" * 500)) == 3


def test_odd_markup_takes_no_time_to_look_through(tmp_path: Path) -> None:
    # Each would take minutes if the search went back and forth.
    for text in (
        '<a b="' * 50_000,
        "<a b='<a c=\"" * 50_000,
        "<a =" * 50_000,
        "<a '" * 50_000,
        "<a " + "b" * 300_000,
        "<a " + "href=" * 50_000,
        "<!--" * 50_000,
        "<script>" * 50_000,
        "<" * 300_000,
        "\n" * 300_000,
        '"a":"' * 50_000,
        "secret_key" + " " * 300_000,
        "secret_key" * 30_000,
        "-----BEGIN PRIVATE KEY-----" * 10_000,
        "<loc>" * 50_000,
        "url(" * 50_000,
        "](" * 50_000,
        "https://localhost" * 20_000,
        "%3A%2F%2Flocalhost" * 20_000,
    ):
        for name in ("a.html", "a.xml", "a.css", "a.json", "a.txt"):
            findings(tmp_path, name, f"<p>http://localhost/ apiKey PRIVATE KEY</p>{text}")


def test_an_odd_small_page_takes_no_time_either(tmp_path: Path) -> None:
    page = "refresh<meta" + ' a="b"' * 500 + " =" * 400
    assert of(write(tmp_path, {"a.html": page})).facts["a.html"].redirect is None


# Secrets


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"key: {KEY_ID}", "an AWS access key"),
        (f"https://e.org/?X-Amz-Credential={KEY_ID.replace('AKIA', 'ASIA')}%2F", "AWS access key"),
        (f"aws_secret_access_key = {SECRET}", "an AWS secret access key"),
        (f'"SecretAccessKey": "{SECRET}"', "an AWS secret access key"),
        (f"AWS_SECRET_ACCESS_KEY={SECRET}", "an AWS secret access key"),
        (
            f"<b class=nx>secretAccessKey</b><b>:</b> <b>&#34;{SECRET}&#34;</b>",
            "an AWS secret access key",
        ),
        (f"-----BEGIN RSA PRIVATE KEY-----\n{KEY_BODY}\n", "a private key"),
        (f'"private_key": "-----BEGIN PRIVATE KEY-----\\n{KEY_BODY}\\n', "a private key"),
        (f"-----BEGIN OPENSSH PRIVATE KEY-----\r\n{KEY_BODY}", "a private key"),
        ("https://api.jotform.com/form/1?apiKey=" + "0123456789abcdef" * 2, "a JotForm API key"),
        ("token: ghp_" + "a1B2" * 9, "a GitHub token"),
        ("github_pat_" + "11ABCDEFG0" * 6, "a GitHub token"),
        ("npm_" + "a1B2" * 9, "an npm token"),
        ("sk_live_" + "a1B2" * 6, "a secret key of Stripe"),
        ("xoxb-123456789012-abcdefABCDEF", "a Slack token"),
    ],
)
def test_a_secret_is_found_and_never_told(tmp_path: Path, text: str, what: str) -> None:
    (found, *_) = findings(tmp_path, "page.html", f"<p>\n{text}</p>")
    assert found.kind == "secret" and what in found.what and found.line == 2
    cache = tmp_path / "cache.json"
    of(tmp_path, cache)
    told = repr(found) + (cache.read_text() if cache.exists() else "")
    for secret in (KEY_ID, SECRET, KEY_BODY, "a1B2", "11ABCDEFG0", "0123456789abcdef"):
        assert secret not in told


@pytest.mark.parametrize(
    "text",
    [
        "AKIA" + "IOSFODNN7EXAMPLE",
        f"x{KEY_ID}",
        f"{KEY_ID}7",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY",
        "aws_secret_access_key = YOUR_SECRET_ACCESS_KEY",
        "secret_key = " + "0123456789abcdef0123456789abcdef01234567",
        "your secret access key, and never share it with anybody at all, whoever they are",
        "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
        "A file that starts with -----BEGIN PRIVATE KEY----- is a key.",
        "https://maps.example/?apiKey=" + "0123456789abcdef" * 2,
        'apiKey: "AIzaSyA-0123456789abcdefghijklmnopqrstu"',
        "ghp_short",
        "through_" + "a1B2" * 9,
        "xoxb-your-token-comes-here",
        "pk_live_" + "a1B2" * 6,
    ],
)
def test_samples_and_public_keys_are_no_secrets(tmp_path: Path, text: str) -> None:
    assert findings(tmp_path, "page.html", f"<p>{text}</p>") == ()


def test_files_without_an_extension_are_looked_through_and_pictures_are_not(
    tmp_path: Path,
) -> None:
    assert findings(tmp_path, ".env", KEY_ID)
    assert not findings(tmp_path, "a.png", KEY_ID)


# The cache


def test_a_second_look_reads_nothing_and_finds_the_same(
    tmp_path: Path, later: Callable[[float], None], opened: list[str]
) -> None:
    page = '<link rel=canonical href=/a/><meta http-equiv=refresh content="0; url=/a/">'
    files: dict[str, str | bytes] = {
        "index.html": f"<a href={LOCAL}>",
        "old.html": page,
        "a": KEY_ID,
    }
    site, cache = write(tmp_path / "site", files), tmp_path / "cache.json"
    later(10)
    first = of(site, cache)
    assert sorted(opened) == ["a", "index.html", "old.html"]
    opened.clear()
    assert of(site, cache) == first
    assert opened == []
    assert first.facts["a"].findings and first.facts["old.html"].redirect


def test_a_file_written_to_just_now_is_read_again(
    tmp_path: Path, later: Callable[[float], None], opened: list[str]
) -> None:
    site, cache = write(tmp_path / "site", {"new": "1", "old": "1"}), tmp_path / "cache.json"
    later(10)
    of(site, cache)
    later(-9)  # one second after they were written
    (site / "new").write_text("2")
    of(site, cache)
    opened.clear()
    of(site, cache)
    assert opened == ["new"]
    later(5)
    of(site, cache)
    opened.clear()
    of(site, cache)
    assert opened == []


def test_a_change_that_keeps_size_and_mtime_is_seen(
    tmp_path: Path, later: Callable[[float], None]
) -> None:
    site, cache = write(tmp_path / "site", {"a": "one"}), tmp_path / "cache.json"
    age(site)
    later(10)
    of(site, cache)
    write(site, {"a": "two"})
    age(site)
    assert of(site, cache).facts["a"].sha256 == hashlib.sha256(b"two").hexdigest()


def test_another_file_of_the_same_size_and_times_is_seen_by_its_inode(
    tmp_path: Path, later: Callable[[float], None]
) -> None:
    site, cache = write(tmp_path / "site", {"a": "one", "b": "two"}), tmp_path / "cache.json"
    later(10)
    of(site, cache)
    said = json.loads(cache.read_text())
    said["files"]["a"][:3] = said["files"]["b"][:3]
    cache.write_text(json.dumps(said))
    os.rename(site / "b", site / "a")
    assert of(site, cache).facts["a"].sha256 == hashlib.sha256(b"two").hexdigest()


def test_force_trusts_nothing_and_writes_the_cache_anew(
    tmp_path: Path, later: Callable[[float], None], opened: list[str]
) -> None:
    site, cache = write(tmp_path / "site", {"a": "one"}), tmp_path / "cache.json"
    later(10)
    of(site, cache)
    said = json.loads(cache.read_text())
    said["files"]["a"][4] = "0" * 64
    cache.write_text(json.dumps(said))
    assert of(site, cache).facts["a"].sha256 == "0" * 64
    right = hashlib.sha256(b"one").hexdigest()
    assert of(site, cache, force=True).facts["a"].sha256 == right
    opened.clear()
    assert of(site, cache).facts["a"].sha256 == right
    assert opened == []


@pytest.mark.parametrize(
    "broken",
    [b"", b"\x00" * 40, b"[]", b'{"version": 1}', b'{"files": {}}', b"nonsense"],
)
def test_a_broken_cache_is_as_good_as_none(
    tmp_path: Path, later: Callable[[float], None], broken: bytes
) -> None:
    site, cache = write(tmp_path / "site", {"a": "one"}), tmp_path / "cache.json"
    later(10)
    cache.write_bytes(broken)
    assert of(site, cache) == of(site)
    assert json.loads(cache.read_bytes())["files"]["a"][4] == hashlib.sha256(b"one").hexdigest()


@pytest.mark.parametrize("row", [[], {}, None, 7, [1, 2, 3, 4], "short and long"])
def test_a_broken_entry_costs_its_file_one_more_look(
    tmp_path: Path, later: Callable[[float], None], row: object
) -> None:
    site, cache = write(tmp_path / "site", {"a": "one"}), tmp_path / "cache.json"
    later(10)
    good = of(site, cache)
    said = json.loads(cache.read_text())
    said["files"]["a"] = [*said["files"]["a"][:4], row] if isinstance(row, str) else row
    cache.write_text(json.dumps(said))
    assert of(site, cache) == good


def test_a_cache_of_another_folder_or_of_other_rules_is_not_used(
    tmp_path: Path,
    later: Callable[[float], None],
    opened: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, two = write(tmp_path / "one", {"a": "1"}), write(tmp_path / "two", {"a": "1"})
    cache = tmp_path / "cache.json"
    later(10)
    of(one, cache)
    of(two, cache)
    assert opened == ["a", "a"]
    monkeypatch.setattr("workflow.deploy.content.rules", lambda: "others")
    of(two, cache)
    assert opened == ["a", "a", "a"]


def test_what_is_gone_leaves_the_cache(tmp_path: Path, later: Callable[[float], None]) -> None:
    site, cache = write(tmp_path / "site", {"a": "1", "b": "2"}), tmp_path / "cache.json"
    later(10)
    of(site, cache)
    (site / "b").unlink()
    of(site, cache)
    assert list(json.loads(cache.read_text())["files"]) == ["a"]


def test_a_cache_that_cannot_be_written_costs_only_time(
    tmp_path: Path, later: Callable[[float], None]
) -> None:
    site = write(tmp_path / "site", {"a": "1"})
    later(10)
    assert of(site, tmp_path / "missing" / "cache.json") == of(site)


def _built(root: Path, public: Path, files: dict[str, str | bytes]) -> None:
    """As a build does it: made beside, looked at, put into its place, remembered."""
    new = write(public.with_name("new"), files)
    walked = publicdir.walk(new)
    manifest = publicdir.hashed(walked)
    public.rename(public.with_name(f"old-{os.urandom(4).hex()}"))
    new.rename(public)
    remember(root, "main", public, walked, manifest)


def test_what_a_build_has_looked_at_is_not_read_again_by_a_deploy(
    tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.deploy.content._TICK_NS", 0)  # in place of a wait
    cache = cache_of(tmp_path, "main")
    cache.parent.mkdir(parents=True)
    files: dict[str, str | bytes] = {"index.html": f"<p>{KEY_ID}</p>", "a.html": "<p>A</p>"}
    public = write(tmp_path / "public", files)
    before = read_content(public, cache=cache)
    _built(tmp_path, public, {**files, "a.html": "<p>B</p>", "b.html": "<p>new</p>"})
    opened.clear()
    found = read_content(public, cache=cache)
    assert sorted(name for name in opened if name.endswith("html")) == ["a.html", "b.html"]
    assert found.facts["index.html"] == before.facts["index.html"]
    assert found.manifest == publicdir.manifest(public)
    (public / "index.html").write_text("<p>other, as long  </p>")
    assert read_content(public, cache=cache).facts["index.html"].findings == ()


def test_a_file_written_just_before_its_folder_took_its_place_is_read_again(
    tmp_path: Path, opened: list[str]
) -> None:
    cache = cache_of(tmp_path, "main")
    cache.parent.mkdir(parents=True)
    public = write(tmp_path / "public", {"index.html": "<p>A</p>"})
    read_content(public, cache=cache)
    _built(tmp_path, public, {"index.html": "<p>A</p>"})
    opened.clear()
    read_content(public, cache=cache)
    assert "index.html" in opened


def test_names_that_are_no_utf8_survive_the_cache(
    tmp_path: Path, later: Callable[[float], None], opened: list[str]
) -> None:
    site, cache = write(tmp_path / "site", {"a": "1"}), tmp_path / "cache.json"
    try:
        Path(os.fsdecode(os.fsencode(site) + b"/\xff")).write_text("2")
    except OSError:
        pytest.skip("only on macOS: this file system takes UTF-8 names only")
    later(10)
    first = of(site, cache)
    opened.clear()
    assert of(site, cache) == first and opened == []


# What changes meanwhile


def while_reading(
    monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[Path], object]
) -> None:
    """Makes a change at the moment at which the file is about to be opened."""
    real = os.open

    def open_changed(path: str, flags: int, *rest: int) -> int:
        if os.path.basename(path) == name:
            change(Path(path))
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", open_changed)


def _replace(path: Path) -> None:
    (path.parent / "aside").write_text("1")
    os.replace(path.parent / "aside", path)


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "change",
    [
        Path.unlink,
        lambda path: path.write_text("longer"),
        lambda path: path.write_text(""),
        _replace,
        _link,
        _pipe,
    ],
    ids=["vanishes", "grows", "is emptied", "is replaced", "becomes a link", "becomes a pipe"],
)
def test_a_file_that_changes_while_it_is_read_fails_and_may_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object]
) -> None:
    site = write(tmp_path / "site", {"a": "1", "b": "2"})
    while_reading(monkeypatch, "b", change)
    with pytest.raises(TaskFailed) as caught:
        of(site)
    error = caught.value.error
    assert (error.code, error.action, error.category) == ("content_changing", "retry", "content")
    assert f"{site}/b" in error.message


def test_a_folder_that_vanishes_fails_too(tmp_path: Path) -> None:
    with pytest.raises(TaskFailed) as caught:
        of(tmp_path / "missing")
    assert caught.value.error.code == "content_changing"


@pytest.mark.parametrize(
    ("number", "code"), [(errno.EACCES, "permission_denied"), (errno.EIO, "system_error")]
)
def test_what_cannot_be_read_is_for_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    site = write(tmp_path / "site", {"a": "1"})

    def refuse(path: Path) -> None:
        raise OSError(number, os.strerror(number), str(path))

    while_reading(monkeypatch, "a", refuse)
    with pytest.raises(TaskFailed) as caught:
        of(site)
    assert (caught.value.error.code, caught.value.error.action) == (code, "escalate")


def test_whoever_waits_can_end_it_from_any_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publicdir, "_PARALLEL_BYTES", 1)
    monkeypatch.setattr(publicdir, "_CHECK_EVERY", 1)
    site = write(tmp_path / "site", {str(number): "x" for number in range(200)})
    before, threads = set(threading.enumerate()), set()

    def check() -> None:
        threads.add(threading.current_thread())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_content(site, cache=tmp_path / "cache.json", check=check)
    assert threads == {threading.main_thread()}
    assert set(threading.enumerate()) <= before
    assert not (tmp_path / "cache.json").exists()


@pytest.mark.parametrize(
    "name", ["dl/deploy.py", "dl/old.bak", "dl/a.php", "dl/notes", "x.unheard"]
)
def test_a_secret_in_text_is_found_whatever_the_file_is_called(tmp_path: Path, name: str) -> None:
    site = write(tmp_path / "site", {name: "key = AKIA" + "Q3EGUFZK7XLP2MNA\n"})
    (found,) = read_content(site, cache=None).facts[name].findings
    assert (found.kind, found.what, found.line) == ("secret", "an AWS access key", 1)


def test_a_secret_in_a_large_file_is_found_also_where_two_reads_meet(tmp_path: Path) -> None:
    before = "x" * 99 + "\n"
    meeting = before * ((1 << 20) // 100 * 9) + "y" * 71 + " "
    text = meeting[: (9 << 20) - 10] + " AKIA" + "Q3EGUFZK7XLP2MNA\n" + before
    site = write(tmp_path / "site", {"big.js": text})
    facts = read_content(site, cache=None).facts["big.js"]
    (found,) = facts.findings
    assert found.line == text[: text.index("AKIA")].count("\n") + 1
    assert facts.sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_what_is_no_text_is_not_looked_through(tmp_path: Path) -> None:
    key = b"AKIA" + b"Q3EGUFZK7XLP2MNA"
    site = write(tmp_path / "site", {"a.bin": b"\0\1" + key, "b.png": b"PNG " + key})
    assert [one.findings for one in read_content(site, cache=None).facts.values()] == [(), ()]

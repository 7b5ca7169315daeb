from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path

import pytest

from workflow.validator.facts import Feed, Manifest, Page, Ref, Robots, Sheet, Sitemap
from workflow.validator.files import cache as kept_facts
from workflow.validator.files import processes, reading
from workflow.validator.files.examining import examine
from workflow.validator.files.reading import read_site
from workflow.validator.sites import Site

PAGE = (
    '<!doctype html><html lang="en"><title>{0}</title><a href="/{0}/">{0}</a><a href="/">Home</a>'
)


class Built:
    """A site in a folder, with a cache beside it, and a note of what was read and parsed."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = home / "public"
        self.cache = home / "cache"
        self.read: list[str] = []
        self.parsed: list[str] = []
        self.folder.mkdir()
        read = processes.read

        def noted_read(
            root: str, path: str, known: bytes | None, table: kept_facts.Table
        ) -> processes.Read:
            self.read.append(path)
            return read(root, path, known, table)

        def noted_examine(path: str, raw: bytes) -> object:
            self.parsed.append(path)
            return examine(path, raw)

        monkeypatch.setattr(processes, "read", noted_read)
        monkeypatch.setattr("workflow.validator.files.processes.examine", noted_examine)

    def write(self, path: str, text: str) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def pages(self, count: int) -> None:
        for number in range(count):
            self.write(f"page-{number}/index.html", PAGE.format(number))

    def site(self, *, cached: bool = True, processes: int | None = None) -> Site:
        self.read.clear()
        self.parsed.clear()
        cache = self.cache if cached else None
        return read_site(self.folder, base_url=None, cache=cache, processes=processes)


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Built:
    return Built(tmp_path, monkeypatch)


@pytest.fixture
def hours_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every walk begins long after the last file was written."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 3_600_000_000_000)


def test_a_site_has_all_its_files_and_the_facts_of_some(built: Built) -> None:
    for path, text in {
        "index.html": PAGE.format("home"),
        "a/OLD.HTM": PAGE.format("old"),
        "b.xhtml": PAGE.format("b"),
        "css/main.css": "a{b:url(x.png)}",
        "index.xml": "<rss><channel><link>/</link></channel></rss>",
        "sitemap.xml": "<urlset/>",
        "robots.txt": "User-agent: *",
        "a/robots.txt": "User-agent: *",
        "site.webmanifest": "{}",
        "manifest.json": '{"main.js": "main.1.js"}',
        "browserconfig.xml": "<browserconfig/>",
        "picture.svg": "<svg/>",
        ".well-known/security.txt": "",
    }.items():
        built.write(path, text)
    site = read_site(
        built.folder,
        base_url="https://x.org/",
        cache=None,
        environment="live",
        is_production=True,
        form_ids=frozenset({"1"}),
    )
    assert site.files == {
        path.relative_to(built.folder).as_posix()
        for path in built.folder.rglob("*")
        if path.is_file()
    }
    assert {path: type(one) for path, one in site.facts.items()} == {
        "a/OLD.HTM": Page,
        "b.xhtml": Page,
        "css/main.css": Sheet,
        "index.html": Page,
        "index.xml": Feed,
        "robots.txt": Robots,
        "site.webmanifest": Manifest,
        "sitemap.xml": Sitemap,
    }
    assert site.pages["index.html"].titles == ("home",)
    assert (site.base_url, site.environment, site.is_production, site.form_ids) == (
        "https://x.org/",
        "live",
        True,
        frozenset({"1"}),
    )


def test_the_order_of_the_facts_is_that_of_the_paths(built: Built) -> None:
    for name in ("c", "a", "b"):
        built.write(f"{name}/index.html", PAGE.format(name))
    assert list(built.site(processes=1).facts) == ["a/index.html", "b/index.html", "c/index.html"]


def test_links_are_followed_to_files_of_the_folder_only(built: Built, tmp_path: Path) -> None:
    real = built.write("real/page.html", PAGE.format("real"))
    outside = tmp_path / "outside.html"
    outside.write_text("<title>not ours</title>", encoding="utf-8")
    (built.folder / "link.html").symlink_to(real)
    (built.folder / "out.html").symlink_to(outside)
    (built.folder / "nowhere.html").symlink_to("not-there.html")
    (built.folder / "circle").symlink_to(built.folder)
    (built.folder / "folder").symlink_to(built.folder / "real")
    site = built.site()
    assert site.files == {"real/page.html", "link.html"}
    assert site.pages["link.html"] == site.pages["real/page.html"]


def test_a_folder_that_is_a_link_is_read_where_it_is(built: Built, tmp_path: Path) -> None:
    built.write("index.html", PAGE.format("home"))
    link = tmp_path / "link"
    link.symlink_to(built.folder)
    site = read_site(link, base_url=None, cache=None)
    assert site.folder == built.folder.resolve()
    assert site.files == {"index.html"}


def test_pipes_are_no_files(built: Built) -> None:
    os.mkfifo(built.folder / "pipe.html")
    assert built.site().files == frozenset()


def test_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_site(tmp_path / "public", base_url=None, cache=None)
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        read_site(tmp_path / "file", base_url=None, cache=None)


def test_names_that_are_no_text_are_read_too(built: Built) -> None:
    name = os.fsdecode(b"caf\xe9.html")
    try:
        built.write(name, PAGE.format("café"))
        built.write(os.fsdecode(b"caf\xe9.css"), "")
    except OSError:
        pytest.skip("this file system has no such names")
    for _ in range(2):
        assert built.site().pages[name].titles == ("café",)


@pytest.mark.usefixtures("hours_later")
def test_a_second_look_reads_nothing(built: Built) -> None:
    built.pages(5)
    built.write("browserconfig.xml", "<browserconfig/>")
    first = built.site()
    assert len(built.read) == len(built.parsed) == 6
    saved = kept_facts.file_for(built.cache, f"{built.folder.resolve()}/").stat()
    assert built.site() == first
    assert built.read == []
    # Nor does it write what is written already.
    again = kept_facts.file_for(built.cache, f"{built.folder.resolve()}/").stat()
    assert again.st_ino == saved.st_ino


@pytest.mark.usefixtures("hours_later")
def test_after_one_page_has_changed_one_page_is_read(built: Built) -> None:
    built.pages(5)
    built.site()
    built.write("page-3/index.html", PAGE.format("new"))
    site = built.site()
    assert built.read == ["page-3/index.html"]
    assert site.pages["page-3/index.html"].titles == ("new",)
    assert site.pages["page-2/index.html"].titles == ("2",)


@pytest.mark.usefixtures("hours_later")
def test_files_that_come_and_go_come_and_go(built: Built) -> None:
    built.pages(3)
    built.site()
    (built.folder / "page-1/index.html").unlink()
    built.write("page-9/index.html", PAGE.format(9))
    for _ in range(2):
        assert set(built.site().pages) == {f"page-{n}/index.html" for n in (0, 2, 9)}


@pytest.mark.usefixtures("hours_later")
def test_a_rebuild_reads_every_file_and_parses_what_is_new(built: Built) -> None:
    built.pages(5)
    built.site()
    for file in built.folder.rglob("*.html"):
        raw = file.read_bytes()
        file.unlink()
        file.write_bytes(raw)
    built.write("page-2/index.html", PAGE.format("new"))
    os.rename(built.folder / "page-4", built.folder / "page-5")
    site = built.site()
    assert sorted(built.read) == [f"page-{n}/index.html" for n in (0, 1, 2, 3, 5)]
    assert set(built.parsed) == {"page-2/index.html", "page-5/index.html"}
    assert [page.titles[0] for page in site.pages.values()] == ["0", "1", "new", "3", "4"]


def test_a_file_written_a_moment_ago_is_read_again(built: Built) -> None:
    # A second write may leave size and times as they are: clocks of file systems are coarse.
    file = built.write("index.html", PAGE.format("one"))
    seen = file.stat()
    built.site()
    file.write_text(PAGE.format("two"), encoding="utf-8")
    os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    site = built.site()
    assert built.read == ["index.html"]
    assert site.pages["index.html"].titles == ("two",)


@pytest.mark.usefixtures("hours_later")
def test_a_write_that_leaves_size_and_mtime_is_seen(built: Built) -> None:
    file = built.write("index.html", PAGE.format("one"))
    built.site()
    seen = file.stat()
    time.sleep(0.02)
    file.write_text(PAGE.format("two"), encoding="utf-8")
    os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert built.site().pages["index.html"].titles == ("two",)


@pytest.mark.usefixtures("hours_later")
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda raw: b"", id="empty"),
        pytest.param(lambda raw: raw[:-5], id="cut off"),
        pytest.param(lambda raw: raw[:-5] + b"12345", id="overwritten"),
        pytest.param(lambda raw: b"0" + raw, id="another mark"),
        pytest.param(lambda raw: b"\n\n" + raw, id="no mark"),
    ],
)
def test_a_cache_that_is_of_no_use_is_as_good_as_none(built: Built, spoil: object) -> None:
    assert callable(spoil)
    built.pages(2)
    first = built.site()
    path = kept_facts.file_for(built.cache, f"{built.folder.resolve()}/")
    path.write_bytes(spoil(path.read_bytes()))
    assert built.site() == first
    assert len(built.parsed) == 2
    built.site()
    assert built.read == []


@pytest.mark.usefixtures("hours_later")
def test_facts_of_another_format_are_made_anew(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.pages(2)
    built.site()
    monkeypatch.setattr("workflow.validator.facts.FORMAT", 999_999)
    built.site()
    assert len(built.parsed) == 2


def test_a_cache_that_cannot_be_written_does_no_harm(built: Built, tmp_path: Path) -> None:
    built.pages(2)
    (tmp_path / "cache").write_text("a file where the folder should be", encoding="utf-8")
    assert len(built.site().pages) == 2


@pytest.mark.usefixtures("hours_later")
def test_nothing_is_left_beside_the_cache(built: Built) -> None:
    built.pages(2)
    built.site()
    assert len(list(built.cache.iterdir())) == 1


@pytest.mark.usefixtures("hours_later")
def test_two_sites_share_a_folder_for_their_caches(built: Built, tmp_path: Path) -> None:
    built.pages(2)
    built.site()
    other = tmp_path / "other"
    other.mkdir()
    (other / "index.html").write_text(PAGE.format("other"), encoding="utf-8")
    assert set(read_site(other, base_url=None, cache=built.cache).pages) == {"index.html"}
    built.site()
    assert built.read == []


@pytest.mark.usefixtures("hours_later")
def test_a_cache_does_not_grow_with_every_edit(built: Built) -> None:
    built.write("index.html", "")
    sizes = []
    for edition in range(12):
        links = "".join(f'<a href="/{edition}-{number}/">x</a>' for number in range(200))
        built.write("index.html", links)
        site = built.site()
        assert len(site.pages["index.html"].refs) == 200
        sizes.append(kept_facts.file_for(built.cache, f"{built.folder.resolve()}/").stat().st_size)
    assert max(sizes) < 3 * sizes[0]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_any_number_of_processes_find_the_same(
    built: Built, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.pages(150)
    built.write("main.css", "a{b:url(/0/)}")
    alone = built.site(cached=False, processes=1)
    # This one waits for the helpers, so that they have something to do.
    read = processes.read

    def slowly(
        root: str, path: str, known: bytes | None, table: kept_facts.Table
    ) -> processes.Read:
        time.sleep(0.005)
        return read(root, path, known, table)

    monkeypatch.setattr(processes, "read", slowly)
    assert built.site(processes=count) == alone
    assert (len(built.parsed) < 151) is (count > 1)
    # Once more, with what is known by its digest.
    assert built.site(processes=count) == alone


@pytest.mark.parametrize(
    "helper",
    [
        pytest.param("raise SystemExit(3)", id="at once"),
        pytest.param("import sys; sys.stdin.buffer.read(100)", id="when it is asked"),
        pytest.param(
            "import sys; sys.stdin.buffer.read(100); print('x' * 1000, flush=True)", id="talking"
        ),
    ],
)
def test_a_helper_that_dies_loses_nothing(
    built: Built, helper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.pages(150)
    monkeypatch.setattr(processes, "_HELPER", helper)
    assert len(built.site(cached=False, processes=3).pages) == 150
    assert len(built.parsed) == 150


def test_without_further_processes_one_does_it_all(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.pages(100)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert len(built.site(cached=False, processes=3).pages) == 100


def test_a_page_that_may_not_be_read_is_an_error(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.pages(3)
    real = os.open

    def refuse(path: str, *given: int) -> int:
        if path.endswith("page-2/index.html"):  # root may read everything: its mode would not do
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return real(path, *given)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError):
        built.site(processes=1)


@pytest.mark.parametrize("count", [1, 2])
def test_a_page_that_vanishes_meanwhile_is_an_error(
    built: Built, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.pages(150)
    walk = reading._walk

    def walk_and_remove(*given: object) -> object:
        found = list(walk(*given))  # type: ignore[arg-type]
        (built.folder / "page-149/index.html").unlink()
        return found

    monkeypatch.setattr(reading, "_walk", walk_and_remove)
    with pytest.raises(FileNotFoundError):
        built.site(processes=count)


class _Stopped(Exception):
    pass


@pytest.mark.parametrize("calls", [1, 100, 203])
def test_whoever_asks_may_stop_it(built: Built, calls: int) -> None:
    built.pages(200)
    left = calls

    def check() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise _Stopped

    with pytest.raises(_Stopped):
        read_site(built.folder, base_url=None, cache=built.cache, check=check, processes=2)
    assert not built.cache.exists()


def test_more_processes_are_used_only_for_much(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_processors", lambda: 2)
    started = []
    helper = processes._Helper

    def noted(*given: object) -> object:
        started.append(given)
        return helper(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(processes, "_Helper", noted)
    built.pages(200)
    built.site(cached=False)
    assert len(started) == 0
    for number in range(200):
        built.write(f"page-{number}/index.html", PAGE.format(number) + " " * 30_000)
    built.site(cached=False)
    assert len(started) == 1


def test_pages_share_the_references_that_they_have_in_common(built: Built) -> None:
    built.pages(3)
    for _ in range(2):
        pages = list(built.site().pages.values())
        assert pages[0].refs[1] == Ref("link", "/", "a", "href")
        assert pages[0].refs[1] is pages[2].refs[1]


def test_the_facts_of_eight_hundred_pages_are_loaded_in_no_time(
    built: Built, tmp_path: Path
) -> None:
    # 800 pages with 80 references each took 12 ms where this was written; the bar is generous,
    # for a busy machine, and yet far below what parsing them again would take.
    table = kept_facts.Table()
    kept = kept_facts.Kept(table)
    shared = [Ref("link", f"/menu/{number}/", "a", "href") for number in range(70)]
    for number in range(800):
        own = [Ref("link", f"/{number}/{other}/", "a", "href") for other in range(10)]
        page = Page(refs=(*shared, *own), titles=(f"Page {number}",))
        key = b"%d" % number
        kept.files[f"{number}.html"] = ((1, 2, 3, 4), key)
        kept.records[key] = kept_facts.pack(page, table)
    path = tmp_path / "facts"
    kept_facts.save(path, kept)
    best = min(_seconds_to_load(path) for _ in range(5))
    assert best < 0.1


def _seconds_to_load(path: Path) -> float:
    began = time.perf_counter()
    kept = kept_facts.load(path)
    loaded = [kept.facts(name) for name in kept.files]
    assert len(loaded) == 800
    return time.perf_counter() - began


def test_a_link_that_leads_to_itself_stops_nothing(built: Built) -> None:
    (built.folder / "self.html").symlink_to("self.html")
    assert "self.html" not in read_site(built.folder, base_url=None, cache=None).files

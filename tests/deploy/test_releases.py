"""Releases: numbered, kept with their bytes, found again, forgotten in the end."""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import suppress
from pathlib import Path

import pytest

from workflow.deploy.objects import Wanted
from workflow.deploy.releases import Release, Releases, parse
from workflow.deploy.store import FOLDER, Keeping, Store
from workflow.errors import TaskFailed


def _wanted(text: str, path: str = "index.html") -> Wanted:
    raw = text.encode()
    headers = {"Content-Type": "text/html; charset=utf-8"}
    return Wanted(path, len(raw), hashlib.sha256(raw).hexdigest(), headers, "pages")


def _keep(root: Path, *texts: str) -> None:
    keeping = Keeping(root)
    for text in texts:
        keeping.put(_wanted(text).sha256, text.encode())
    keeping.show()
    keeping.close()


def _kept(store: Store, text: str) -> bytes | None:
    place = store.place(_wanted(text).sha256)
    return None if place is None else place.read()


def _publish(root: Path, text: str, restores: str | None = None) -> str:
    releases = Releases(root, "staging")
    one = _wanted(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    release_id = releases.next_id(digest)
    _keep(root, text)
    release = Release(
        release_id, "staging", "main", "s3://b", "https://b/", digest, "2026-01-19T14:30:00Z",
        "task", (one,), {"index.html": "v1"}, restores,
    )  # fmt: skip
    releases.write(release_id, release.as_json())
    return release_id


def test_a_release_is_numbered_whatever_the_clock_says_and_named_after_its_content(
    tmp_path: Path,
) -> None:
    first, second = _publish(tmp_path, "one"), _publish(tmp_path, "two")
    mark = hashlib.sha256(b"two").hexdigest()[:8]
    assert first.startswith("staging-0001-")
    assert second == f"staging-0002-{mark}"
    assert Releases(tmp_path, "staging").ids() == [first, second]
    assert Releases(tmp_path, "production").ids() == []


def test_a_manifest_says_all_that_it_takes_to_publish_the_release_again(tmp_path: Path) -> None:
    release_id = _publish(tmp_path, "one")
    read = Releases(tmp_path, "staging").read(release_id)
    assert read.files == (_wanted("one"),)
    assert read.versions == {"index.html": "v1"}
    assert parse(read.as_json()) == read


def test_going_back_means_the_newest_release_with_another_content(tmp_path: Path) -> None:
    first = _publish(tmp_path, "one")
    second = _publish(tmp_path, "two")
    again = _publish(tmp_path, "two")
    assert Releases(tmp_path, "staging").before(again, partial=False) == first
    assert Releases(tmp_path, "staging").before(second, partial=False) == first


def test_going_back_twice_goes_back_two(tmp_path: Path) -> None:
    first, second = _publish(tmp_path, "one"), _publish(tmp_path, "two")
    _publish(tmp_path, "three")
    back = _publish(tmp_path, "two", restores=second)
    assert Releases(tmp_path, "staging").before(back, partial=False) == first


def test_after_a_deploy_that_stopped_half_way_going_back_means_the_last_whole_release(
    tmp_path: Path,
) -> None:
    _publish(tmp_path, "one")
    second = _publish(tmp_path, "two")
    assert Releases(tmp_path, "staging").before(second, partial=True) == second


def test_what_was_live_before_counts_also_where_that_was_brought_back(tmp_path: Path) -> None:
    first = _publish(tmp_path, "one")
    _publish(tmp_path, "two")
    _publish(tmp_path, "one", restores=first)
    third = _publish(tmp_path, "three")
    assert Releases(tmp_path, "staging").before(third, partial=False) == first


def test_where_there_is_nothing_to_go_back_to_it_says_so(tmp_path: Path) -> None:
    only = _publish(tmp_path, "one")
    with pytest.raises(TaskFailed) as caught:
        Releases(tmp_path, "staging").before(only, partial=False)
    assert caught.value.error.code == "no_such_release"


@pytest.mark.parametrize("name", ["staging-0099-00000000", "nonsense"])
def test_a_release_that_is_not_there_is_told_with_those_that_are(tmp_path: Path, name: str) -> None:
    only = _publish(tmp_path, "one")
    with pytest.raises(TaskFailed) as caught:
        Releases(tmp_path, "staging").read(name)
    assert caught.value.error.code == "no_such_release"
    assert only in str(caught.value.error.hint)


def test_a_damaged_manifest_is_told_and_stops_no_other(tmp_path: Path) -> None:
    first, second = _publish(tmp_path, "one"), _publish(tmp_path, "two")
    releases = Releases(tmp_path, "staging")
    (releases.folder / f"{second}.json").write_bytes(b'{"release": ')
    with pytest.raises(TaskFailed) as caught:
        releases.read(second)
    assert caught.value.error.code == "release_unreadable"
    assert releases.read(first).release_id == first
    releases.prune(10)
    assert releases.ids() == [first, second]


def test_old_releases_are_forgotten_with_the_bytes_that_only_they_named(tmp_path: Path) -> None:
    releases = Releases(tmp_path, "staging")
    for text in ("one", "two", "three"):
        _publish(tmp_path, text)
    releases.prune(2)
    assert [name.split("-")[1] for name in releases.ids()] == ["0002", "0003"]
    store = Store(tmp_path)
    assert [_kept(store, text) for text in ("one", "two", "three")] == [None, b"two", b"three"]


def test_the_bytes_that_a_deploy_under_way_may_be_about_to_name_stay(tmp_path: Path) -> None:
    _keep(tmp_path, "old")
    under_way = Keeping(tmp_path)
    assert under_way.has(_wanted("old").sha256, 3)
    assert not Store(tmp_path).keep_only(())
    under_way.close()
    assert _kept(Store(tmp_path), "old") == b"old"
    assert Store(tmp_path).keep_only(())
    assert _kept(Store(tmp_path), "old") is None


def test_content_is_kept_once_whatever_its_size(tmp_path: Path) -> None:
    source = tmp_path / "two"
    source.write_bytes(b"two")
    for _ in range(2):
        keeping = Keeping(tmp_path)
        keeping.put(_wanted("one").sha256, b"one")
        keeping.put(_wanted("one").sha256, b"one")
        keeping.put_file(_wanted("two").sha256, source)
        keeping.show()
        keeping.close()
    store = Store(tmp_path)
    assert (_kept(store, "one"), _kept(store, "two")) == (b"one", b"two")
    assert len(list(store.folder.glob("*.pack"))) == 1
    assert (store.folder / _wanted("two").sha256[:2] / _wanted("two").sha256).is_file()
    assert store.place("0" * 64) is None


def test_what_a_deploy_that_died_has_kept_is_swept_out_and_counts_for_nothing(
    tmp_path: Path,
) -> None:
    died = Keeping(tmp_path)
    died.put(_wanted("one").sha256, b"one")
    left = {path: path.read_bytes() for path in died.folder.glob("*.pack")}
    died.close()
    assert not list(died.folder.glob("*.pack"))  # not shown: gone
    for path, raw in left.items():
        path.write_bytes(raw)  # as after a kill
    assert _kept(Store(tmp_path), "one") is None
    assert Store(tmp_path).keep_only([_wanted("one").sha256])
    assert not list(died.folder.glob("*.pack"))


def test_a_pack_whose_index_is_damaged_is_swept_out(tmp_path: Path) -> None:
    _keep(tmp_path, "one")
    (index,) = (tmp_path / FOLDER).glob("*.json")
    index.write_text("{")
    assert _kept(Store(tmp_path), "one") is None
    assert Store(tmp_path).keep_only([_wanted("one").sha256])
    assert not [*(tmp_path / FOLDER).glob("*.pack"), *(tmp_path / FOLDER).glob("*.json")]


def test_a_pack_that_a_power_cut_has_shortened_holds_what_is_whole(tmp_path: Path) -> None:
    _keep(tmp_path, "one", "three")
    (pack,) = (tmp_path / FOLDER).glob("*.pack")
    os.truncate(pack, 5)
    assert _kept(Store(tmp_path), "one") == b"one"
    assert _kept(Store(tmp_path), "three") is None
    _keep(tmp_path, "three")
    assert _kept(Store(tmp_path), "three") == b"three"


def test_a_pack_of_which_little_is_named_gives_up_the_rest(tmp_path: Path) -> None:
    many = [f"content {number}" for number in range(10)]
    _keep(tmp_path, *many)
    _keep(tmp_path, "another")
    (large,) = [path for path in (tmp_path / FOLDER).glob("*.pack") if path.stat().st_size > 10]
    for named in (many[:6], many[:2]):
        assert Store(tmp_path).keep_only([_wanted(text).sha256 for text in (*named, "another")])
        assert large.exists() == (len(named) == 6)
        store = Store(tmp_path)
        assert [_kept(store, text) for text in named] == [text.encode() for text in named]
        assert _kept(store, "another") == b"another"
    assert sum(path.stat().st_size for path in store.folder.glob("*.pack")) < 40
    assert _kept(store, many[9]) is None


def test_a_disk_that_is_full_costs_only_what_did_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.pwrite

    def full(descriptor: int, raw: memoryview, offset: int) -> int:
        if bytes(raw) == b"two":
            raise OSError(errno.ENOSPC, "no space")
        return write(descriptor, raw, offset)

    keeping = Keeping(tmp_path)
    monkeypatch.setattr(os, "pwrite", full)
    for text in ("one", "two", "three"):
        with suppress(OSError):
            keeping.put(_wanted(text).sha256, text.encode())
    keeping.show()
    keeping.close()
    store = Store(tmp_path)
    assert [_kept(store, text) for text in ("one", "two", "three")] == [b"one", None, b"three"]

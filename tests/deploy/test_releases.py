"""Releases: numbered, kept with their bytes, found again, forgotten in the end."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from workflow.deploy.objects import Wanted
from workflow.deploy.releases import Release, Releases, parse
from workflow.deploy.store import Store
from workflow.errors import TaskFailed

DAY = 86_400


def _wanted(text: str, path: str = "index.html") -> Wanted:
    raw = text.encode()
    headers = {"Content-Type": "text/html; charset=utf-8"}
    return Wanted(path, len(raw), hashlib.sha256(raw).hexdigest(), headers, "pages")


def _publish(root: Path, text: str, restores: str | None = None) -> str:
    releases = Releases(root, "staging")
    one = _wanted(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    release_id = releases.next_id(digest)
    Store(root).put(one.sha256, text.encode())
    releases.write(
        Release(
            release_id, "staging", "main", "s3://b", "https://b/", digest, "2026-01-19T14:30:00Z",
            "task", (one,), {"index.html": "v1"}, restores,
        )
    )  # fmt: skip
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
    store, releases = Store(tmp_path), Releases(tmp_path, "staging")
    for text in ("one", "two", "three"):
        _publish(tmp_path, text)
    for digest in store.digests():
        then = os.stat(store.path(digest)).st_mtime - 2 * DAY
        os.utime(store.path(digest), (then, then))
    releases.prune(2)
    assert [name.split("-")[1] for name in releases.ids()] == ["0002", "0003"]
    assert store.digests().keys() == {_wanted("two").sha256, _wanted("three").sha256}


def test_bytes_put_there_today_stay_since_another_deploy_may_be_about_to_name_them(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    old, fresh = _wanted("old").sha256, _wanted("fresh").sha256
    store.put(old, b"old")
    store.put(fresh, b"fresh")
    then = os.stat(store.path(fresh)).st_mtime - 2 * DAY
    for digest in (old, fresh):
        os.utime(store.path(digest), (then, then))
    store.put(fresh, b"fresh")  # there already: put again all the same
    assert store.keep_only(()) == 1
    assert store.digests() == {fresh: 5}


def test_content_is_kept_once_and_whole(tmp_path: Path) -> None:
    store = Store(tmp_path)
    one = _wanted("one")
    store.put(one.sha256, b"one")
    source = tmp_path / "two"
    source.write_bytes(b"two")
    store.put_file(_wanted("two").sha256, source)
    assert store.path(one.sha256).read_bytes() == b"one"
    assert store.digests() == {one.sha256: 3, _wanted("two").sha256: 3}
    store.path(one.sha256).write_bytes(b"")  # as a power cut may leave it
    store.put(one.sha256, b"one")
    assert store.path(one.sha256).read_bytes() == b"one"
    assert store.has(one.sha256) and not store.has("0" * 64)

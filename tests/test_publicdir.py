"""The manifest of a built folder, and the replacement of one folder by another."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from pathlib import Path

import pytest

from workflow import publicdir
from workflow.publicdir import File, manifest, mend, replacing


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def read(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def hidden(parent: Path) -> list[str]:
    return sorted(name for name in os.listdir(parent) if name.startswith("."))


def test_a_manifest_lists_path_size_and_sha256_in_the_order_of_the_paths_bytes(
    tmp_path: Path,
) -> None:
    site = write(tmp_path / "site", {"é.txt": "1", "a/b.txt": "22", "a.txt": "333", "Z": ""})
    assert manifest(site).files == (
        File("Z", 0, hashlib.sha256(b"").hexdigest()),
        File("a.txt", 3, hashlib.sha256(b"333").hexdigest()),
        File("a/b.txt", 2, hashlib.sha256(b"22").hexdigest()),
        File("é.txt", 1, hashlib.sha256(b"1").hexdigest()),
    )
    assert manifest(site).total_bytes == 6


def test_the_digest_is_that_of_its_canonical_lines(tmp_path: Path) -> None:
    site = write(tmp_path / "site", {"a": "1", "b": "22"})
    os.symlink("a", site / "link")
    one, two, target = (hashlib.sha256(text).hexdigest() for text in (b"1", b"22", b"a"))
    lines = f"a\0{1}\0{one}\nb\0{2}\0{two}\nlink\0->\0{target}\n"
    assert manifest(site).digest == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize(
    "change",
    [{"a": "2"}, {"a": "11"}, {"c": ""}, {"sub/b": "22"}],
    ids=["content", "size", "new file", "moved file"],
)
def test_every_change_changes_the_digest(tmp_path: Path, change: dict[str, str]) -> None:
    site = write(tmp_path / "site", {"a": "1", "b": "22"})
    before = manifest(site).digest
    if "sub/b" in change:
        (site / "b").unlink()
    write(site, change)
    assert manifest(site).digest != before


def test_times_modes_and_empty_folders_do_not_change_the_digest(tmp_path: Path) -> None:
    site = write(tmp_path / "site", {"a": "1"})
    before = manifest(site).digest
    os.utime(site / "a", (0, 0))
    (site / "a").chmod(0o600)
    (site / "empty").mkdir()
    assert manifest(site).digest == before


def test_links_are_reported_and_never_followed(tmp_path: Path) -> None:
    write(tmp_path / "outside", {"secret": "x"})
    site = write(tmp_path / "site", {"a": "1"})
    os.symlink("../outside", site / "folder")
    os.symlink("/nowhere", site / "dangling")
    os.mkfifo(site / "pipe")
    found = manifest(site)
    assert [file.path for file in found.files] == ["a"]
    assert found.links == (("dangling", "/nowhere"), ("folder", "../outside"))
    assert found.others == ("pipe",)
    assert found.as_dict()["links"][1] == {"path": "folder", "target": "../outside"}


def test_a_name_that_is_no_utf8_survives_json(tmp_path: Path) -> None:
    site = write(tmp_path / "site", {"a": "1"})
    try:
        Path(os.fsdecode(os.fsencode(site) + b"/\xff.txt")).write_text("2")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    data = json.loads(json.dumps(manifest(site).as_dict()))
    assert os.fsencode(data["files"][1]["path"]) == b"\xff.txt"


def test_much_is_hashed_by_threads_with_the_same_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    for number in range(40):
        (site / f"{number}.bin").write_bytes(bytes([number]) * (50_000 + number))
    alone = manifest(site)
    monkeypatch.setattr(publicdir, "_PARALLEL_BYTES", 1)
    assert manifest(site) == alone
    assert len(alone.files) == 40


def test_a_file_that_cannot_be_read_fails_the_manifest_from_any_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = write(tmp_path / "site", {str(number): "x" for number in range(50)})
    monkeypatch.setattr(publicdir, "_PARALLEL_BYTES", 1)
    opened = os.open

    def break_one(path: str, flags: int, *rest: int) -> int:
        if path.endswith("/7"):
            raise OSError(errno.EIO, "broken disk", path)
        return opened(path, flags, *rest)

    monkeypatch.setattr(os, "open", break_one)
    with pytest.raises(OSError, match="broken disk"):
        manifest(site)


def test_a_file_that_changes_while_it_is_read_fails_the_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = write(tmp_path / "site", {"a": "1", "b": "2" * 3_000_000})
    read = os.read

    def read_and_write(descriptor: int, size: int) -> bytes:
        with (site / "b").open("a") as file:
            file.write("more")
        return read(descriptor, size)

    monkeypatch.setattr(os, "read", read_and_write)
    with pytest.raises(publicdir.Changed, match="changed while it was read"):
        manifest(site)


def test_a_walk_sees_every_name_and_reads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = write(tmp_path / "site", {"a": "1", "b/c": "22"})
    os.symlink("a", site / "link")
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("opened"))
    found = publicdir.walk(site)
    assert sorted((file.path, file.seen.st_size) for file in found.files) == [("a", 1), ("b/c", 2)]
    assert (found.links, found.others) == ([("link", "a")], [])
    assert found.root == f"{os.path.realpath(site)}/"


def test_whoever_waits_for_a_read_can_end_it(tmp_path: Path) -> None:
    site = write(tmp_path / "site", {str(number): "x" for number in range(300)})
    found = publicdir.walk(site)
    read: list[str] = []

    def check() -> None:
        if read:
            raise TimeoutError("enough")

    with pytest.raises(TimeoutError, match="enough"):
        publicdir.read_each(found.root, found.files, lambda f, _: read.append(f.path), check)
    assert 0 < len(read) < 300


def test_a_replacement_takes_the_place_and_the_old_folder_goes(tmp_path: Path) -> None:
    public = write(tmp_path / "public", {"old": "1"})
    public.chmod(0o750)
    with replacing(public) as replacement:
        write(replacement.folder, {"new": "2"})
        assert read(public) == {"old": "1"}
        replacement.publish()
        assert read(public) == {"new": "2"}
    assert hidden(tmp_path) == []
    assert public.stat().st_mode & 0o777 == 0o750


def test_the_first_build_makes_the_folder(tmp_path: Path) -> None:
    with replacing(tmp_path / "public") as replacement:
        write(replacement.folder, {"new": "2"})
        replacement.publish()
    assert read(tmp_path / "public") == {"new": "2"}
    assert hidden(tmp_path) == []


def test_what_is_not_published_leaves_no_trace(tmp_path: Path) -> None:
    public = write(tmp_path / "public", {"old": "1"})
    with pytest.raises(KeyboardInterrupt), replacing(public) as replacement:
        write(replacement.folder, {"new": "2"})
        raise KeyboardInterrupt
    assert read(public) == {"old": "1"}
    assert hidden(tmp_path) == []


def test_a_link_stays_a_link_and_its_target_is_replaced(tmp_path: Path) -> None:
    target = write(tmp_path / "srv" / "www", {"old": "1"})
    public = tmp_path / "public"
    public.symlink_to("srv/www")
    with replacing(public) as replacement:
        assert replacement.folder.parent == target.parent  # the same file system as the target
        write(replacement.folder, {"new": "2"})
        replacement.publish()
    assert public.is_symlink()
    assert read(target) == {"new": "2"}
    assert hidden(tmp_path / "srv") == []


def test_a_copy_shares_no_file_with_the_old_folder(tmp_path: Path) -> None:
    public = write(tmp_path / "public", {"kept": "1", "sub/x": "2"})
    (public / "link").symlink_to("kept")
    with replacing(public, from_copy=True) as replacement:
        assert read(replacement.folder) == {"kept": "1", "link": "1", "sub/x": "2"}
        assert (replacement.folder / "link").is_symlink()
        with (replacement.folder / "kept").open("r+") as file:
            file.write("9")  # in place, as Hugo does
        assert (public / "kept").read_text() == "1"


def test_both_ways_to_swap_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publicdir, "trade", lambda one, other: False)
    public = write(tmp_path / "public", {"old": "1"})
    with replacing(public) as replacement:
        write(replacement.folder, {"new": "2"})
        replacement.publish()
        assert read(public) == {"new": "2"}
        assert read(replacement.folder) == {"old": "1"}
    assert hidden(tmp_path) == []


def test_a_second_rename_that_fails_brings_the_old_folder_back(tmp_path: Path) -> None:
    public = write(tmp_path / "public", {"old": "1"})
    with pytest.raises(FileNotFoundError):
        publicdir.swap_by_renames(tmp_path / "vanished", public)
    assert read(public) == {"old": "1"}
    assert hidden(tmp_path) == []


def test_a_folder_moved_away_by_a_killed_build_comes_back(tmp_path: Path) -> None:
    write(tmp_path / ".public.workflow-old-11111111", {"old": "1"})
    write(tmp_path / ".public.workflow-new-22222222", {"half": "2"})
    mend(tmp_path / "public")
    assert read(tmp_path / "public") == {"old": "1"}
    assert hidden(tmp_path) == []


def test_left_overs_of_killed_builds_go_when_the_site_is_there(tmp_path: Path) -> None:
    public = write(tmp_path / "public", {"now": "3"})
    write(tmp_path / ".public.workflow-old-11111111", {"old": "1"})
    write(tmp_path / ".public.workflow-new-22222222/sub", {"half": "2"})
    others = [".public.workflow.yaml", ".publicity.workflow-new-33333333"]
    for name in others:
        (tmp_path / name).mkdir()
    mend(public)
    assert read(public) == {"now": "3"}
    assert hidden(tmp_path) == others


def test_the_folder_of_a_build_that_lives_is_left_alone(tmp_path: Path) -> None:
    public = write(tmp_path / "public", {"now": "3"})
    with replacing(public) as first:
        write(first.folder, {"first": "1"})
        with replacing(public) as second:
            write(second.folder, {"second": "2"})
            second.publish()
        assert read(first.folder) == {"first": "1"}
        first.publish()
    assert read(public) == {"first": "1"}
    assert hidden(tmp_path) == []


def test_a_lock_alone_decides_what_is_left_over(tmp_path: Path) -> None:
    folder = write(tmp_path / ".public.workflow-new-22222222", {"half": "2"})
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    mend(tmp_path / "public")
    assert folder.exists()
    os.close(descriptor)
    mend(tmp_path / "public")
    assert not folder.exists()


def test_mending_where_nothing_is_does_nothing(tmp_path: Path) -> None:
    mend(tmp_path / "missing" / "public")
    assert os.listdir(tmp_path) == []


def test_the_replaced_site_is_put_into_the_trash_where_there_is_one(tmp_path: Path) -> None:
    public, trash = tmp_path / "public", tmp_path / "trash"
    for folder in (public, trash):
        folder.mkdir()
    (public / "old").write_text("old")
    with replacing(public, trash=trash) as replacement:
        (replacement.folder / "new").write_text("new")
        replacement.publish()
    assert os.listdir(public) == ["new"]
    (put_away,) = trash.iterdir()
    assert (put_away / "old").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["public", "trash"]


def test_a_trash_on_another_disk_or_none_costs_only_time(tmp_path: Path) -> None:
    public = tmp_path / "public"
    public.mkdir()
    with replacing(public, trash=tmp_path / "missing") as replacement:
        replacement.publish()
    assert os.listdir(tmp_path) == ["public"]

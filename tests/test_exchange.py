"""Names, renames and locks: the protocol at the top of the exchange, step by step."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from pathlib import Path

import pytest

from workflow import durable, layout
from workflow.claim import Claim, claim
from workflow.config import load_config
from workflow.errors import WorkflowError
from workflow.exchange import Exchange
from workflow.intake import Intake
from workflow.leftovers import remove_leftovers
from workflow.overview import resolve
from workflow.result import Result
from workflow.settle import ended, settle
from workflow.sweep import Sweep
from workflow.swept import Swept

ID = "2026-01-19-1430-hugo-build-staging"


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    exchange = Exchange(tmp_path)
    exchange.prepare()
    return exchange


def _put(path: str, text: str = "x") -> str:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Path(path).write_text(text)
    return path


# -- durable steps -----------------------------------------------------------------------------


def test_a_new_file_never_takes_a_name_that_is_taken(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    assert durable.create(path, b"first")
    assert not durable.create(path, b"second")
    assert Path(path).read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["a"], "nothing is left over"


def test_a_move_takes_no_name_that_is_taken_and_a_lost_race_is_an_answer(tmp_path: Path) -> None:
    one, two = _put(str(tmp_path / "1/t"), "one"), _put(str(tmp_path / "2/t"), "two")
    assert not durable.rename(one, two)
    assert (Path(one).read_text(), Path(two).read_text()) == ("one", "two")
    assert not durable.rename(str(tmp_path / "gone"), str(tmp_path / "3"))


def test_what_is_made_visible_was_made_durable_before_and_its_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, link, rename = os.fsync, os.link, os.rename

    def kind(descriptor: int) -> str:
        return "folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file"

    def synced(descriptor: int) -> None:
        steps.append(f"sync {kind(descriptor)}")
        sync(descriptor)

    def linked(source: str, target: str) -> None:
        steps.append("link")
        link(source, target)

    def renamed(source: str, target: str) -> None:
        steps.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "link", linked)
    monkeypatch.setattr(os, "rename", renamed)
    durable.create(str(tmp_path / "a"), b"x")
    assert steps == ["sync file", "link", "sync folder"]
    steps.clear()
    durable.replace(str(tmp_path / "a"), b"y")
    assert steps == ["sync file", "rename", "sync folder"]


def test_left_overs_go_when_their_writer_is_dead_and_stay_while_it_lives(
    exchange: Exchange,
) -> None:
    dead = _put(exchange.path(layout.PENDING, ".dead.tmp"))
    alive = _put(exchange.path(layout.PENDING, ".alive.tmp"))
    with open(alive) as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        assert remove_leftovers(exchange) == 1
    assert (os.path.exists(dead), os.path.exists(alive)) == (False, True)


@pytest.mark.parametrize("folder", [layout.BUILDS, layout.DEPLOYS, f"{layout.RELEASES}/staging"])
def test_what_dead_handlers_left_where_they_keep_what_they_know_goes_too(
    exchange: Exchange, folder: str
) -> None:
    os.makedirs(exchange.path(folder))
    kept = _put(exchange.path(folder, "main.json"))
    dead = _put(exchange.path(folder, ".0123456789abcdef.tmp"))
    assert remove_leftovers(exchange) == 1
    assert (os.path.exists(dead), os.path.exists(kept)) == (False, True)


# -- finding -----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", layout.STATE_FOLDERS)
def test_a_task_is_found_in_every_state(exchange: Exchange, state: str) -> None:
    path = _put(exchange.task_path(state, ID))
    found = exchange.find(ID)
    assert found is not None
    assert (found.state, found.path) == (state, path)


@pytest.mark.parametrize("month", ["2026-01", "2026-02", "2031-12"])
def test_a_task_is_found_in_the_archive_of_its_month_or_a_later_one(
    exchange: Exchange, month: str
) -> None:
    _put(exchange.path("archive", month, "tasks", f"{ID}.md"))
    result = _put(exchange.path("archive", month, "results", f"{month}-02", f"{ID}.result.md"))
    found = exchange.find(ID)
    assert found is not None
    assert found.archived
    assert exchange.result(ID) == result
    assert exchange.matching("2026-01-19") == [ID]


def test_a_result_is_found_on_whichever_day_the_task_ended(exchange: Exchange) -> None:
    late = _put(exchange.path("results", "2026-03-05", f"{ID}.result.md"))
    for day in ("2026-01-19", "2026-01-20", "2026-03-04"):
        os.makedirs(exchange.path("results", day))
    assert exchange.result(ID) == late
    undated = _put(exchange.path("results", "2026-03-04", "by-hand.result.md"))
    assert exchange.result("by-hand") == undated


def test_finding_a_task_reads_no_folder_of_ended_tasks(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(exchange.task_path("completed", ID))
    _put(exchange.path("results", "2026-01-19", f"{ID}.result.md"))
    listed: list[str] = []
    listdir = os.listdir

    def listing(path: str) -> list[str]:
        listed.append(str(path))
        return listdir(path)

    monkeypatch.setattr(os, "listdir", listing)
    assert exchange.find(ID)
    assert exchange.result(ID)
    assert not [p for p in listed if "tasks/" in p or "results/2" in p]


def test_an_id_is_resolved_from_its_file_name_too(exchange: Exchange) -> None:
    _put(exchange.task_path("completed", ID))
    assert resolve(exchange, f"{ID}.md").task_id == ID
    with pytest.raises(WorkflowError, match="no task"):
        resolve(exchange, "../../etc/passwd")


# -- results -----------------------------------------------------------------------------------


def test_a_result_that_was_published_is_never_replaced(exchange: Exchange) -> None:
    day = "2026-01-19"
    for verdict in ("The first.", "The second."):
        _put(exchange.task_path("in-progress", ID), "---\ntask_type: noop\n---\n")
        lease = exchange.lease(ID)
        assert lease is not None
        result = Result(
            ID, "noop", "success", verdict, f"{day}T10:00:00Z", f"{day}T10:00:00Z", 0.0, "worker"
        )
        settle(exchange, [ended(lease, result)])
        os.unlink(exchange.task_path("completed", ID))
    (only,) = Path(exchange.path("results")).glob(f"2*/{ID}.result.md")
    assert only.parent.name == "2026-01-19"
    assert "The first." in only.read_text()


def test_the_latest_link_follows_and_never_dangles_meanwhile(exchange: Exchange) -> None:
    for day in ("2026-01-19", "2026-01-20"):
        path = _put(exchange.path("results", day, f"{ID}.result.md"), day)
        exchange.link_latest("hugo-build", path)
        link = Path(exchange.path("results/latest/hugo-build.result.md"))
        assert link.read_text() == day
        assert not os.path.isabs(os.readlink(link)), "the exchange can be moved"


def test_logs_lie_beside_the_result_also_when_they_were_moved_one_by_one(
    exchange: Exchange,
) -> None:
    for number in (1, 2):
        _put(os.path.join(exchange.run_folder(ID), f"attempt-{number}.log"))
        exchange.publish_logs(ID, "2026-01-19", exchange.run_files(ID) or ())
        exchange.clear_run(ID)
        assert not os.path.exists(exchange.run_folder(ID))
    logs = Path(exchange.logs(ID) or "")
    assert sorted(p.name for p in logs.iterdir()) == ["attempt-1.log", "attempt-2.log"]
    assert logs.parent.name == "2026-01-19"


# -- leases ------------------------------------------------------------------------------------


def test_a_task_has_one_lease_at_a_time_and_a_new_one_after(exchange: Exchange) -> None:
    first = exchange.lease(ID)
    assert first is not None
    assert exchange.lease(ID) is None
    first.release(remove=True)
    second = exchange.lease(ID)
    assert second is not None
    second.release(remove=True)
    assert os.listdir(exchange.path(layout.LEASES)) == []


def test_a_claim_is_won_by_one_of_many(exchange: Exchange) -> None:
    Path(exchange.path("workflow.yaml")).write_text("version: 1\n")
    _put(exchange.task_path("pending", ID), "---\ntask_type: noop\n---\n")
    config = load_config(exchange.root)
    barrier = threading.Barrier(8)
    won: list[Claim] = []

    def race() -> None:
        intake = Intake(exchange, config, Swept())
        assert intake.look()
        group = intake.take(frozenset())
        barrier.wait()
        won.extend(claim(exchange, intake, group))

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.task.task_id for one in won] == [ID]
    assert exchange.find(ID) is not None
    assert exchange.find(ID).state == "in-progress"  # type: ignore[union-attr]
    won[0].lease.release(remove=True)


def test_whoever_waited_for_a_lease_that_was_removed_gets_a_valid_one(exchange: Exchange) -> None:
    first = exchange.lease(ID)
    assert first is not None
    stale = os.open(first.path, os.O_RDWR)
    first.release(remove=True)
    second = exchange.lease(ID)
    assert second is not None
    fcntl.flock(stale, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the removed file's lock means nothing
    assert exchange.lease(ID) is None
    os.close(stale)
    second.release(remove=True)


def test_the_newest_are_all_there_whatever_else_lies_beside_them(exchange: Exchange) -> None:
    folder = exchange.folder("completed")
    old = [f"2026-01-{day:02}-0000-noop" for day in range(1, 29)]
    last = [f"2026-02-01-0000-noop-{number}" for number in range(5)]
    undated = [f"by-hand-{number}" for number in range(40)]
    for name in (*old, *last, *undated):
        _put(os.path.join(folder, f"{name}.md"))
    _put(os.path.join(folder, ".gitkeep"))
    for limit in (1, 3, 5, 6, 30, 33, 34, 100):
        newest = exchange.newest("completed", limit)
        assert len(newest) == len(set(newest))
        assert set(undated) <= set(newest)
        expected = sorted([*old, *last], reverse=True)[:limit]
        assert set(expected) <= set(newest)
        if limit <= 5:
            assert set(last) <= set(newest), "all of the minute that the limit cuts"


def test_many_quick_tasks_share_the_syncs_of_folders(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(exchange.path("workflow.yaml")).write_text("version: 1\n")
    folders = 0
    sync = os.fsync

    def counted(descriptor: int) -> None:
        nonlocal folders
        folders += stat.S_ISDIR(os.fstat(descriptor).st_mode)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", counted)
    needed = []
    for count in (1, 40):
        for number in range(count):
            name = f"2026-01-19-1430-noop-{count}-{number}"
            _put(exchange.task_path("pending", name), "---\ntask_type: noop\nstatus: x\n---\n")
        folders = 0
        Sweep(exchange, load_config(exchange.root)).run()
        needed.append(folders)
    assert len(exchange.names("completed")) == 41
    alone, together = needed
    assert together <= alone

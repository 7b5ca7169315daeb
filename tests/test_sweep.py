"""What a sweep does with what it finds."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.program import CONFIG, Program, slow_hugo

MINIMAL = "---\ntask_type: noop\n---\n"
PATIENT = CONFIG + "policies: {settle_seconds: 60}\n"
HALF = "---\ntask_type: noop\nparams:\n"


def until(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait for something that another process does; there is no event to wait for but files."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def let_go(pipe: Path) -> None:
    """Let one process that waits at the pipe go on."""
    with pipe.open("w") as file:
        file.write("\n")


@pytest.fixture
def slow(program: Program) -> tuple[Program, Path]:
    """An exchange whose Hugo waits until it is let go."""
    hugo, pipe = slow_hugo(program.root.parent)
    config = program.root / "workflow.yaml"
    config.write_text(CONFIG + f"hugo: {{path: {hugo}}}\n")
    return program, pipe


def begun(program: Program) -> list[int]:
    """The process ids of the slow builds that have begun."""
    file = program.root.parent / "begun"
    return [int(line.split()[1]) for line in file.read_text().splitlines()] if file.exists() else []


# -- what is taken, what is left alone ---------------------------------------------------------


def test_a_half_written_file_is_left_alone_until_it_has_settled(program: Program) -> None:
    (program.root / "workflow.yaml").write_text(PATIENT)
    file = program.write("2026-01-01-0000-noop-half.md", HALF)
    swept = program("sweep", "--json")
    assert swept.data["being_written"] == ["2026-01-01-0000-noop-half"]
    assert file.read_text() == HALF

    program.age(file, 61)
    program("sweep")

    failed = program.root / "tasks/failed/2026-01-01-0000-noop-half.md"
    assert failed.read_text() == HALF, "byte for byte"
    result = program.result("2026-01-01-0000-noop-half")
    assert result["error"]["code"] == "unreadable_task"
    assert result["error"]["action"] == "fix"
    assert "not closed" in result["error"]["message"]
    assert "---" in result["error"]["hint"]


def test_a_half_written_file_that_is_finished_meanwhile_runs(program: Program) -> None:
    (program.root / "workflow.yaml").write_text(PATIENT)
    file = program.write("2026-01-01-0000-noop-half.md", HALF)
    program("sweep")
    file.write_text(MINIMAL)
    program("sweep")
    assert program.result("2026-01-01-0000-noop-half")["status"] == "success"


def test_an_unreadable_file_from_the_future_is_not_left_alone_for_ever(program: Program) -> None:
    file = program.write("2026-01-01-0000-noop-half.md", HALF)
    program.age(file, -3600)
    program("sweep")
    assert program.states("2026-01-01-0000-noop-half") == ["failed"]


@pytest.mark.parametrize(
    ("front_matter", "code", "said"),
    [
        ("task_type: hugo-buld\n", "unknown_type", "hugo-build"),
        ("task_typ: noop\n", "invalid_task", "task_typ"),
        ("task_type: noop\nparams: {mesage: x}\n", "invalid_task", "message"),
        (
            "task_type: hugo-build\nparams: {environment: stagin}\n",
            "no_such_environment",
            "staging",
        ),
        ("task_type: hugo-build\nparams: {site_path: /etc}\n", "no_such_site", "main"),
        ("task_type: noop\npriority: asap\n", "invalid_task", "priority"),
        ("task_type: noop\ntask_type: noop\n", "unreadable_task", "twice"),
        ("task_type: noop\n\tb: c\n", "unreadable_task", "tab"),
        ("- a list\n", "unreadable_task", "mapping"),
    ],
)
def test_a_wrong_task_ends_with_a_result_that_says_what_and_where(
    program: Program, front_matter: str, code: str, said: str
) -> None:
    file = program.write("2026-01-01-0000-wrong.md", f"---\n{front_matter}---\n")
    program.age(file, 3)
    good = program.submit("noop")

    program("sweep")

    result = program.result("2026-01-01-0000-wrong")
    assert (result["status"], result["error"]["code"]) == ("failed", code)
    assert said in result["body"]
    assert result["error"]["line"] >= 2
    assert program.result(good)["status"] == "success", "the good task beside it runs"


def test_what_is_no_plain_file_is_refused_without_being_read(program: Program) -> None:
    pending = program.root / "tasks/pending"
    (pending / "2026-01-01-0000-link.md").symlink_to("/etc/passwd")
    os.mkfifo(pending / "2026-01-01-0000-pipe.md")
    (pending / "2026-01-01-0000-folder.md").mkdir()

    assert program("sweep").code == 0

    for name in ("link", "pipe", "folder"):
        result = program.result(f"2026-01-01-0000-{name}")
        assert result["error"]["code"] == "not_a_file"
    assert (program.root / "tasks/failed/2026-01-01-0000-link.md").is_symlink()
    assert os.listdir(pending) == []


@pytest.mark.parametrize("name", ["-rf", "a b", "ä\n..", "x" * 240, "😀", "_"])
def test_a_name_that_cannot_be_an_id_is_refused_under_one_that_can(
    program: Program, name: str
) -> None:
    program.write(f"{name}.md", MINIMAL)
    program("sweep")
    assert os.listdir(program.root / "tasks/pending") == []
    (failed,) = (program.root / "tasks/failed").iterdir()
    assert failed.read_text() == MINIMAL
    assert program.result(failed.stem)["error"]["code"] == "invalid_name"


def test_an_id_is_never_run_twice(program: Program) -> None:
    program.write("2026-01-01-0000-noop.md", MINIMAL)
    program("sweep")
    program.write("2026-01-01-0000-noop.md", MINIMAL + "again\n")
    program("sweep")

    assert program.states("2026-01-01-0000-noop") == ["completed"]
    refused = program.root / "tasks/failed/2026-01-01-0000-noop-refused-2.md"
    assert refused.read_text() == MINIMAL + "again\n"
    assert program.result("2026-01-01-0000-noop-refused-2")["error"]["code"] == "duplicate_id"


def test_an_archived_id_is_never_run_again_even_if_its_result_was_cleared_away(
    program: Program,
) -> None:
    old = "2020-01-19-1430-noop"
    (program.root / "archive/2020-01/tasks").mkdir(parents=True)
    program.write(f"{old}.md", MINIMAL, "archive/2020-01/tasks")
    program.write(f"{old}.md", MINIMAL)
    program("sweep")
    assert program.states(old) == []
    assert program.result(f"{old}-refused-2")["error"]["code"] == "duplicate_id"


def test_files_that_are_no_tasks_stay_where_they_are(program: Program) -> None:
    program.write("notes.txt", "mine")
    program.write(".hidden.md", "mine")
    program("sweep")
    assert sorted(os.listdir(program.root / "tasks/pending")) == [".hidden.md", "notes.txt"]


# -- order and company -------------------------------------------------------------------------


def test_the_urgent_run_first_and_then_the_old(program: Program) -> None:
    for number, (name, priority) in enumerate(
        [("low", "low"), ("old", "normal"), ("new", "normal"), ("urgent", "urgent")]
    ):
        file = program.write(f"{name}.md", f"---\ntask_type: noop\npriority: {priority}\n---\n")
        program.age(file, 100 - number)

    swept = program("sweep", "--jobs", "1")

    started = [line.split()[1] for line in swept.err.splitlines() if line.startswith("started")]
    assert started == ["urgent", "old", "new", "low"]


def test_two_tasks_never_work_on_one_site_at_once(slow: tuple[Program, Path]) -> None:
    program, pipe = slow
    ids = [program.submit("hugo-build", "--env", env) for env in ("dev", "staging")]
    other = program.submit("noop")
    sweep = program.start("sweep", "--jobs", "3")
    until(lambda: program.exchange.result(other) and begun(program))
    assert len(begun(program)) == 1, "the noop ran beside the first build, the second build waits"
    let_go(pipe)
    until(lambda: len(begun(program)) == 2)
    assert program.exchange.result(ids[0]) is not None
    let_go(pipe)
    assert sweep.wait(30) == 0
    assert [program.result(i)["status"] for i in ids] == ["success", "success"]


def test_what_arrives_while_a_task_runs_is_run_by_the_same_sweep(
    slow: tuple[Program, Path],
) -> None:
    program, pipe = slow
    program.submit("hugo-build", "--env", "dev")
    sweep = program.start("sweep", "--jobs", "2")
    until(lambda: begun(program))
    late = program.submit("noop")
    until(lambda: program.exchange.result(late))
    assert sweep.poll() is None, "the build still runs"
    let_go(pipe)
    assert sweep.wait(30) == 0


def test_a_second_sweep_ends_at_once_and_well(slow: tuple[Program, Path]) -> None:
    program, pipe = slow
    program.submit("hugo-build", "--env", "dev")
    sweep = program.start("sweep")
    until(lambda: begun(program))
    second = program("sweep")
    assert (second.code, second.out) == (0, "")
    told = program("sweep", "--json")
    assert (told.code, told.data) == (0, {"swept": False})
    assert len(begun(program)) == 1
    let_go(pipe)
    assert sweep.wait(30) == 0


# -- parked ------------------------------------------------------------------------------------


def test_a_task_waits_for_its_time(program: Program) -> None:
    text = "---\ntask_type: noop\nstatus: pending\nnot_before: {}\n---\n"
    later = program.write("later.md", text.format("2999-01-01T00:00:00Z"))
    program.write("now.md", text.format("2001-01-01T00:00:00Z"))
    program("sweep")
    assert program.result("now")["status"] == "success"
    assert program.states("later") == ["waiting"]
    parked = program.root / "tasks/waiting" / later.name
    assert "status: waiting" in parked.read_text(), "the key follows the folder"

    parked.write_text(text.format("2001-01-01T00:00:00Z"))
    program("sweep")
    assert program.result("later")["status"] == "success"


def test_a_task_waits_for_the_one_that_it_follows(program: Program) -> None:
    program.write("second.md", "---\ntask_type: noop\nafter: first\n---\n")
    program("sweep")
    assert program.states("second") == ["waiting"]
    program.write("first.md", MINIMAL)
    program("sweep")
    assert program.result("second")["status"] == "success"


def test_a_task_does_not_follow_one_that_gave_something_else(program: Program) -> None:
    program.write("first.md", "---\ntask_type: noop\nexpected_outputs: {message: == other}\n---\n")
    program.write("second.md", "---\ntask_type: noop\nafter: [first]\n---\n")
    program("sweep")
    assert program.result("first")["verification"]["verdict"] == "failed_expectations"
    assert program.result("second")["status"] == "cancelled"


def test_a_task_that_asks_for_approval_waits_for_a_person(program: Program) -> None:
    program.write("asks.md", "---\ntask_type: noop\nrequires_approval: true\n---\n")
    program("sweep")
    assert program.states("asks") == ["waiting"]
    assert program("verify", "asks").code == 4
    assert program("wait", "asks", "--until", "approval").code == 4


# -- time, cancellation, death -----------------------------------------------------------------


def test_a_build_that_takes_too_long_is_ended_and_its_old_site_stays(
    slow: tuple[Program, Path],
) -> None:
    program, _ = slow
    public = program.root / "site/public"
    public.mkdir()
    (public / "index.html").write_text("old")
    task_id = program.write(
        "long.md", "---\ntask_type: hugo-build\ntimeout_minutes: 0.01\n---\n"
    ).stem
    program("sweep")
    result = program.result(task_id)
    assert (result["status"], result["error"]["code"]) == ("timeout", "timeout")
    assert (public / "index.html").read_text() == "old"
    (pid,) = begun(program)
    assert not _lives(pid)
    assert [p.name for p in (program.root / "site").iterdir() if p.name.startswith(".")] == []


def test_a_running_task_is_cancelled_with_all_that_it_started(slow: tuple[Program, Path]) -> None:
    program, _ = slow
    task_id = program.submit("hugo-build", "--env", "dev")
    sweep = program.start("sweep")
    until(lambda: begun(program))
    assert program("cancel", task_id).code == 0
    assert sweep.wait(30) == 0
    result = program.result(task_id)
    assert (result["status"], program.states(task_id)) == ("cancelled", ["failed"])
    assert not _lives(begun(program)[0])
    assert program("cancel", task_id).code == 6, "it has ended already"


def test_a_task_that_has_not_begun_is_cancelled_with_a_result(program: Program) -> None:
    task_id = program.submit("noop")
    assert program("cancel", task_id).code == 0
    assert program.states(task_id) == ["failed"]
    assert program.result(task_id)["status"] == "cancelled"
    program("sweep")
    assert program.states(task_id) == ["failed"]


def test_a_killed_sweep_leaves_a_task_that_the_next_one_runs_again(
    slow: tuple[Program, Path],
) -> None:
    program, pipe = slow
    task_id = program.submit("hugo-build", "--env", "dev")
    sweep = program.start("sweep")
    until(lambda: begun(program))
    (child,) = begun(program)
    sweep.send_signal(signal.SIGKILL)
    sweep.wait()
    assert program.states(task_id) == ["in-progress"]

    program("sweep")
    if _lives(child):
        # The child outlived its sweep and holds the lease: the task is not free.
        assert len(begun(program)) == 1
        os.kill(child, signal.SIGKILL)
        until(lambda: not _lives(child))
    waker = threading.Thread(target=let_go, args=(pipe,), daemon=True)
    waker.start()
    program("sweep")

    result = program.result(task_id)
    assert result["status"] == "success"
    assert [a["status"] for a in result["attempts"]] == ["interrupted", "success"]
    assert len(begun(program)) == 2


def test_a_child_that_outlives_its_killed_sweep_keeps_the_task_from_running_twice(
    slow: tuple[Program, Path],
) -> None:
    program, _ = slow
    hugo, _ = slow_hugo_that_ignores_everything(program)
    task_id = program.submit("hugo-build", "--env", "dev")
    sweep = program.start("sweep")
    until(lambda: begun(program))
    sweep.send_signal(signal.SIGKILL)
    sweep.wait()
    (child,) = begun(program)
    assert _lives(child), f"{hugo} was to live on"
    other = program.submit("hugo-build", "--env", "staging")

    swept = program("sweep")

    assert swept.code == 0
    assert len(begun(program)) == 1
    assert program.states(task_id) == ["in-progress"]
    assert program.states(other) == ["pending"], "its site is being worked on"
    os.kill(child, signal.SIGKILL)


def slow_hugo_that_ignores_everything(program: Program) -> tuple[Path, Path]:
    """Let the slow Hugo close its output first, so that its sweep's death does not reach it."""
    hugo = program.root.parent / "slow-hugo"
    text = hugo.read_text().replace("read line", "exec >/dev/null 2>&1\nread line", 1)
    hugo.write_text(text)
    return hugo, program.root.parent / "let-go"


def test_a_sweep_that_is_told_to_stop_ends_its_children_and_the_next_one_goes_on(
    slow: tuple[Program, Path],
) -> None:
    program, pipe = slow
    task_id = program.submit("hugo-build", "--env", "dev")
    sweep = program.start("sweep")
    until(lambda: begun(program))
    sweep.send_signal(signal.SIGTERM)
    assert sweep.wait(30) == 130
    assert not _lives(begun(program)[0])
    assert program.states(task_id) == ["in-progress"]
    threading.Thread(target=let_go, args=(pipe,), daemon=True).start()
    program("sweep")
    assert program.result(task_id)["status"] == "success"


def test_a_task_whose_attempts_are_all_cut_off_ends_as_interrupted(program: Program) -> None:
    program.write("2026-01-01-0000-noop.md", MINIMAL, "tasks/in-progress")
    lease = program.root / ".workflow/leases/2026-01-01-0000-noop.json"
    attempts = ",".join(
        f'{{"number": {n}, "started_at": "2026-01-01T00:00:00Z", "status": "interrupted"}}'
        for n in (1, 2, 3)
    )
    lease.write_text(f'{{"attempts": [{attempts}]}}')
    program("sweep")
    result = program.result("2026-01-01-0000-noop")
    assert (result["status"], result["error"]["code"]) == ("failed", "interrupted")
    assert result["error"]["action"] == "escalate"


def test_a_task_whose_result_was_published_before_the_crash_is_only_moved(
    program: Program,
) -> None:
    task_id = program.submit("noop")
    program("sweep")
    (program.root / f"tasks/completed/{task_id}.md").rename(
        program.root / f"tasks/in-progress/{task_id}.md"
    )
    before = program.result(task_id)
    program("sweep")
    assert program.states(task_id) == ["completed"]
    assert program.result(task_id) == before, "it was not run again"


def test_a_replaced_site_is_removed_by_a_later_sweep(program: Program) -> None:
    trash = program.root / ".workflow/trash"
    for _ in range(2):
        program.submit("hugo-build", "--env", "dev")
        program("sweep")
    assert len(list(trash.iterdir())) == 1, "the site before the last"
    program.submit("hugo-build", "--env", "dev")
    program("sweep")
    assert len(list(trash.iterdir())) <= 1
    program("doctor", "--fix")
    assert list(trash.iterdir()) == []


def test_a_lost_runtime_folder_loses_no_task(program: Program) -> None:
    task_id = program.submit("noop")
    subprocess.run(["rm", "-rf", str(program.root / ".workflow")], check=True)
    assert program("sweep").code == 0
    assert program.result(task_id)["status"] == "success"


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
    except FileNotFoundError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return not Path("/proc/self").exists()
    return state != "Z"


def test_a_task_whose_lease_somebody_holds_is_passed_over_and_not_waited_for(
    program: Program,
) -> None:
    held, free = program.submit("noop"), program.submit("noop")
    lease = program.exchange.lease(held)
    assert lease is not None
    assert program("sweep").code == 0
    assert program.states(held) == ["pending"]
    assert program.states(free) == ["completed"]
    lease.release(remove=True)
    program("sweep")
    assert program.states(held) == ["completed"]


def test_the_archive_is_looked_at_once_a_day(program: Program) -> None:
    old = "2020-01-19-1430-noop-old"
    program("sweep")
    program.write(f"{old}.md", "---\ntask_type: noop\n---\n", "tasks/completed")
    program.submit("noop")
    program("sweep")
    assert program.states(old) == ["completed"], "not again on the same day"
    stamp = program.root / ".workflow/parked"
    times, signature = stamp.read_text().split("\n", 1)
    yesterday = " ".join(str(float(time) - 86_400) for time in times.split())
    stamp.write_text(f"{yesterday}\n{signature}")
    program("sweep")
    assert program.states(old) == []
    assert (program.root / f"archive/2020-01/tasks/{old}.md").is_file()


# -- its own failures --------------------------------------------------------------------------


def test_failed_tasks_do_not_show_in_the_exit_code(program: Program) -> None:
    (program.root / "site/hugo.toml").write_text("baseURL = [\n")
    task_id = program.submit("hugo-build", "--env", "dev")
    assert program("sweep").code == 0
    assert program.result(task_id)["status"] == "failed"


def test_a_broken_entry_of_the_configuration_stops_only_the_tasks_that_need_it(
    program: Program,
) -> None:
    broken = CONFIG.replace("approval: approve", "aproval: approve")
    (program.root / "workflow.yaml").write_text(broken)
    program.write("a.md", "---\ntask_type: hugo-build\nparams: {environment: dev}\n---\n")
    program.write("b.md", "---\ntask_type: hugo-build\nparams: {environment: staging}\n---\n")
    swept = program("sweep")
    assert swept.code == 2
    assert "workflow.yaml:6" in swept.err
    assert "did you mean approval" in swept.err
    assert program.result("a")["status"] == "success"
    assert program.result("b")["error"]["code"] == "bad_config"


def test_an_unusable_configuration_leaves_every_task_where_it_is(program: Program) -> None:
    task_id = program.submit("noop")
    (program.root / "workflow.yaml").write_text("version: [\n")
    swept = program("sweep")
    assert swept.code == 2
    assert "workflow.yaml:2" in swept.err
    assert program.states(task_id) == ["pending"]


def test_only_the_named_task_is_run(program: Program) -> None:
    first, second = program.submit("noop"), program.submit("noop")
    assert first != second
    program("sweep", "--task", second)
    assert program.states(first) == ["pending"]
    assert program.states(second) == ["completed"]

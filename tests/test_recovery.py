"""What becomes of a task whose sweep has died: known by its lease, never guessed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.program import Program
from tests.test_disk_full import read_only

SECONDS = 30
SLEEPER = 'echo "$$" >> began; exec sleep 600'


def _until(holds: Callable[[], Any]) -> None:
    """Wait for another process's doing, of which no event tells us."""
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def _began(program: Program) -> list[int]:
    path = program.root / "began"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def _killed_sweep(program: Program, script: str = SLEEPER, minutes: str = "10") -> str:
    """A task whose program runs on while the sweep that started it was killed."""
    program.write(
        "2026-01-01-0000-program.md",
        f"---\ntask_type: program\ntimeout_minutes: {minutes}\n"
        f"params: {{script: {json.dumps(script)}}}\n---\n",
    )
    sweep = program.start("sweep")
    _until(lambda: _began(program))
    lease = program.root / ".workflow/leases/2026-01-01-0000-program.json"
    _until(lambda: "programs" in lease.read_text())
    sweep.kill()
    sweep.wait()
    return "2026-01-01-0000-program"


def _cut_off(program: Program, task_type: str) -> str:
    """A task that was claimed by a sweep of which nothing is left, the lease neither."""
    task_id = program.submit(task_type)
    name = f"{task_id}.md"
    (program.root / "tasks/pending" / name).rename(program.root / "tasks/in-progress" / name)
    return task_id


def _end(program: Program) -> None:
    for pid in _began(program):
        if _lives(pid):
            os.killpg(pid, signal.SIGKILL)


def test_a_lease_names_who_runs_the_task_where_since_when_and_until_when(
    program: Program,
) -> None:
    task_id = _killed_sweep(program)
    try:
        said = json.loads((program.root / f".workflow/leases/{task_id}.json").read_text())
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        assert said["worker_id"].startswith("program-")
        assert said["host"] == os.uname().nodename.split(".")[0]
        assert said["boot"] == boot
        assert said["process_start"].startswith(boot)
        assert said["running"]["number"] == 1
        assert said["running"]["started_at"] < said["deadline"]
        assert [p["pid"] for p in said["programs"]] == _began(program)
    finally:
        _end(program)


def test_a_program_that_outlives_its_sweep_is_left_alone_until_its_deadline(
    program: Program,
) -> None:
    task_id = _killed_sweep(program)
    (pid,) = _began(program)
    try:
        swept = program("sweep")
        assert swept.code == 0
        assert "its program still runs" in swept.err
        assert _lives(pid)
        assert program.states(task_id) == ["in-progress"]
        assert _began(program) == [pid], "no second attempt beside it"
    finally:
        _end(program)


def test_a_program_that_outlives_its_sweep_and_its_deadline_is_ended_first(
    program: Program,
) -> None:
    task_id = _killed_sweep(program, minutes="0.05")
    (pid,) = _began(program)
    try:
        _until(lambda: program("sweep").code == 0 and not _lives(pid))
        attempts = program.result(task_id)["attempts"]
        assert attempts[0]["status"] == "interrupted"
        assert len(_began(program)) == len(attempts) == 2, "then it runs again"
    finally:
        _end(program)


def test_cancelling_ends_a_program_whose_sweep_is_gone(program: Program) -> None:
    task_id = _killed_sweep(program)
    (pid,) = _began(program)
    try:
        assert program("cancel", task_id).code == 0
        assert program("sweep").code == 0
        assert not _lives(pid)
        assert program.result(task_id)["status"] == "cancelled"
        assert program.states(task_id) == ["failed"]
    finally:
        _end(program)


def test_status_tells_of_a_task_whose_sweep_is_gone(program: Program) -> None:
    task_id = _killed_sweep(program)
    try:
        (running,) = program("status", "--json").data["running"]
        assert running["task_id"] == task_id
        assert running["sweep_lives"] is False
        assert "its sweep is gone" in program("status").out
    finally:
        _end(program)


def test_a_running_task_gives_signs_of_life(program: Program) -> None:
    program.write(
        "2026-01-01-0000-program.md",
        f"---\ntask_type: program\nparams: {{script: {json.dumps(SLEEPER)}}}\n---\n",
    )
    sweep = program.start("sweep")
    lease = program.root / ".workflow/leases/2026-01-01-0000-program.json"
    try:
        _until(lambda: _began(program))
        then = time.time() - 3600
        os.utime(lease, (then, then))
        _until(lambda: time.time() - lease.stat().st_mtime < 60)
        (running,) = program("status", "--json").data["running"]
        assert running["sweep_lives"] is True
        assert running["last_sign_of_life_seconds"] < 60
        assert "last sign of life" in program("status").out
    finally:
        sweep.terminate()
        sweep.wait(SECONDS)


def test_what_was_claimed_and_not_begun_runs_even_if_it_must_not_be_repeated(
    program: Program,
) -> None:
    task_id = _cut_off(program, "effect-once")
    (program.root / f".workflow/leases/{task_id}.json").write_text('{"claimed": true}')
    assert program("sweep").code == 0
    assert program.result(task_id)["status"] == "success"


def test_what_may_have_begun_and_must_not_be_repeated_ends_as_interrupted(
    program: Program,
) -> None:
    task_id = _cut_off(program, "effect-once")
    assert program("sweep").code == 0
    result = program.result(task_id)
    assert result["error"]["code"] == "interrupted"
    assert result["error"]["action"] == "escalate"
    assert not (program.root / "effects.log").exists()


def test_a_task_that_takes_the_machine_down_each_time_is_not_tried_for_ever(
    program: Program,
) -> None:
    """A power cut may empty what the lease said of the running attempt, not what was synced."""
    task_id = _cut_off(program, "effect")
    lease = program.root / f".workflow/leases/{task_id}.json"
    code = "import os, types; from workflow import lease; sync = lease.durable.sync_all\n" + (
        "def cut(descriptors):\n    sync(descriptors); os._exit(9)\n"
        "lease.durable = types.SimpleNamespace(sync_all=cut)\n"
        "from workflow.__main__ import main; import sys; sys.argv = ['workflow', 'sweep']; main()\n"
    )
    for made in (1, 2):
        died = subprocess.run(
            [sys.executable, "-c", code], cwd=program.root, env=program.environ, check=False
        )
        assert died.returncode == 9
        said = json.loads(lease.read_text())
        assert len(said["attempts"]) == made
    assert program("sweep").code == 0
    result = program.result(task_id)
    assert result["error"]["code"] == "interrupted"
    assert len(result["attempts"]) == 3


def test_a_cancelled_task_is_not_run_by_the_sweep_that_follows_a_crash(program: Program) -> None:
    task_id = _cut_off(program, "effect")
    program.exchange.ask_to_cancel(task_id)
    assert program("sweep").code == 0
    assert program.result(task_id)["status"] == "cancelled"
    assert not (program.root / "effects.log").exists()


def test_submit_that_waits_starts_the_sweep_itself(program: Program) -> None:
    ran = program("submit", "noop", "--wait", "20", "--json")
    assert (ran.code, ran.data["status"]) == (0, "success")
    assert ran.json["warnings"] == []


def test_submit_that_does_not_wait_leaves_the_work_to_the_timer(program: Program) -> None:
    task_id = program.submit("noop")
    assert program.states(task_id) == ["pending"]


def test_submit_starts_no_sweep_where_it_is_told_not_to(program: Program) -> None:
    config = program.root / "workflow.yaml"
    config.write_text(config.read_text() + "policies: {submit_starts_sweep: never}\n")
    assert program("submit", "noop", "--wait", "1").code == 8
    config.write_text(config.read_text().replace("never", "always"))
    task_id = program.submit("noop")
    _until(lambda: program.states(task_id) == ["completed"])


def test_submit_starts_no_sweep_where_only_pending_may_be_written(program: Program) -> None:
    folder = program.root / "tasks/in-progress"
    with read_only(folder):  # as a sandbox does it
        ran = program("submit", "noop", "--wait", "1")
        assert ran.code == 8
    assert program.exchange.names("pending") == [ran.out.strip()]


def test_a_result_that_is_settled_late_does_not_pass_for_the_latest(program: Program) -> None:
    early = program.submit("effect")
    program("sweep")
    late = program.submit("effect")
    program("sweep")
    (program.root / f"tasks/completed/{early}.md").rename(
        program.root / f"tasks/in-progress/{early}.md"
    )
    assert program("sweep").code == 0
    assert program.states(early) == ["completed"]
    link = os.readlink(program.root / "results/latest/effect.result.md")
    assert Path(link).name == f"{late}.result.md"


def test_an_archive_that_was_killed_is_finished_whatever_the_clock_says_now(
    program: Program,
) -> None:
    """It was killed while the newest result lay in both places; then the clock was set back."""
    task_id = program.submit("effect")
    program("sweep")
    result = Path(program.exchange.result(task_id) or "")
    day = result.parent.name
    there = program.root / "archive" / day[:7] / "results" / day
    there.mkdir(parents=True)
    os.link(result, there / result.name)
    (program.root / ".workflow/archiving").write_text(day)
    program.submit("effect")
    assert program("sweep").code == 0
    found = [p for p in program.root.rglob(result.name) if not p.is_symlink()]
    assert found == [there / result.name]
    assert not (program.root / ".workflow/archiving").exists()
    assert program("show", task_id, "--json").data["status"] == "success"


def test_a_cancelled_task_ends_well_also_when_the_sweep_is_told_to_stop(program: Program) -> None:
    """Its cancellation was asked for before it began: no attempt is there to be cut off."""
    task_id = program.submit("effect-once")
    code = (
        "import os, signal, sys; from workflow import sweep\n"
        "begin = sweep.Sweep._attempt\n"
        "def asked(self, claimed, cancel):\n"
        "    self.exchange.ask_to_cancel(claimed.task.task_id)\n"
        "    came = begin(self, claimed, cancel)\n"
        "    self._stop_for('SIGTERM')\n"
        "    return came\n"
        "sweep.Sweep._attempt = asked\n"
        "from workflow.__main__ import main; sys.argv = ['workflow', 'sweep']; main()\n"
    )
    stopped = subprocess.run(
        [sys.executable, "-c", code], cwd=program.root, env=program.environ, check=False
    )
    assert stopped.returncode == 130
    assert program.result(task_id)["status"] == "cancelled"
    assert program.states(task_id) == ["failed"]

"""Times: back-off between attempts, and clocks that are set while tasks wait and run."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.program import CONFIG, Program

LIBRARIES = [
    *Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"),
    *Path("/usr/lib/faketime").glob("libfaketimeMT.so.1"),
]
needs_faketime = pytest.mark.skipif(not LIBRARIES, reason="faketime is not installed")
YEAR_BACK, YEAR_ON = "-365d", "+365d"
THROTTLED = """\
---
task_type: passing-fault
retry: {{max_attempts: {most}, backoff_seconds: {backoff}}}
params: {{times: {times}}}
---
"""


def clock(offset: str) -> dict[str, str]:
    """What makes a program see a clock that is set this far from ours.

    What is measured since boot, and the times of files, stay as they are: as after `date -s`.
    """
    return {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME": offset,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DISABLE_SHM": "1",
        "NO_FAKE_STAT": "1",
    }


def seconds_until(moment: datetime) -> str:
    return f"{(moment - datetime.now(UTC)).total_seconds():+.0f}s"


def until(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait for what other processes do, of which no event tells us."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def not_before(program: Program, task_id: str) -> datetime:
    text = (program.root / f"tasks/waiting/{task_id}.md").read_text()
    found = re.search(r"(?m)^not_before: ['\"]?([^'\"\n]+)", text)
    assert found is not None
    return datetime.fromisoformat(found[1])


def make_due(program: Program, task_id: str) -> None:
    """Do by hand what time would do."""
    path = program.root / f"tasks/waiting/{task_id}.md"
    past = "not_before: 2001-01-01T00:00:00Z"
    path.write_text(re.sub(r"(?m)^not_before: .*$", past, path.read_text()))


# -- retries -----------------------------------------------------------------------------------


def test_a_passing_fault_is_tried_again_after_pauses_that_double(program: Program) -> None:
    program.write("it.md", THROTTLED.format(most=5, backoff=100, times=3))
    for attempt in (1, 2, 3):
        before = datetime.now(UTC)
        assert program("sweep").code == 0
        after = datetime.now(UTC)
        assert program.states("it") == ["waiting"]
        assert program.exchange.result("it") is None
        pause = 100 * 2 ** (attempt - 1)
        due = not_before(program, "it")
        assert timedelta(seconds=0.75 * pause - 1) <= due - before, attempt
        assert due - after <= timedelta(seconds=1.25 * pause + 2), attempt
        assert program("sweep").code == 0
        assert program.states("it") == ["waiting"], "not before its time"
        make_due(program, "it")
    assert program("sweep").code == 0

    result = program.result("it")
    assert result["status"] == "success"
    told = [(a["number"], a["status"], a.get("error")) for a in result["attempts"]]
    assert told == [*((n, "failed", "throttled") for n in (1, 2, 3)), (4, "success", None)]
    assert all(attempt["started_at"] for attempt in result["attempts"])
    assert (program.root / "effects.log").read_text() == "it\n"


def test_a_task_in_back_off_is_run_by_itself_once_its_time_has_come(program: Program) -> None:
    program.write("it.md", THROTTLED.format(most=3, backoff=0.5, times=2))
    until(lambda: program("sweep").code == 0 and program.exchange.result("it"))
    assert len(program.result("it")["attempts"]) == 3


def test_tasks_that_fail_together_are_not_tried_again_together(program: Program) -> None:
    ids = [f"it-{number}" for number in range(8)]
    for task_id in ids:
        program.write(f"{task_id}.md", THROTTLED.format(most=3, backoff=1000, times=1))
    program("sweep")
    assert len({not_before(program, task_id) for task_id in ids}) >= 6


@pytest.mark.parametrize("action", ["fix", "escalate"])
def test_a_fault_that_does_not_pass_is_never_tried_again(program: Program, action: str) -> None:
    text = THROTTLED.format(most=5, backoff=0, times=1).replace("times: 1", f"action: {action}")
    program.write("it.md", text)
    program("sweep")
    program("sweep")
    result = program.result("it")
    assert (result["status"], program.states("it")) == ("failed", ["failed"])
    assert [a["error"] for a in result["attempts"]] == ["throttled"]
    assert result["error"]["action"] == action


def test_attempts_end_where_the_task_or_the_policy_says(program: Program) -> None:
    policy = "policies: {retry: {max_attempts: 2, backoff_seconds: 0}}\n"
    (program.root / "workflow.yaml").write_text(CONFIG + policy)
    program.write("own.md", THROTTLED.format(most=4, backoff=0, times=9))
    program.write("policy.md", "---\ntask_type: passing-fault\nparams: {times: 9}\n---\n")
    results = program.exchange.result
    until(lambda: program("sweep").code == 0 and results("own") and results("policy"))
    assert len(program.result("own")["attempts"]) == 4
    result = program.result("policy")
    assert [(a["number"], a["error"]) for a in result["attempts"]] == [
        (1, "throttled"), (2, "throttled"),
    ]  # fmt: skip
    assert (result["status"], result["error"]["code"]) == ("failed", "throttled")
    assert not (program.root / "effects.log").exists()


# -- the clock is set --------------------------------------------------------------------------


def assert_found(program: Program, task_id: str, offset: str) -> None:
    """`show`, `verify` and `list` find a task that has ended well, with its result."""
    shown = program("show", task_id, "--json", **clock(offset))
    assert shown.code == 0, shown.err
    assert shown.data["result"]["status"] == "success"
    assert program("verify", task_id, **clock(offset)).code == 0
    assert len(program.states(task_id)) <= 1


@needs_faketime
@pytest.mark.parametrize("offset", [YEAR_BACK, "-70min", "+70min", YEAR_ON])
def test_a_clock_that_is_set_between_submit_and_sweep_costs_nothing(
    program: Program, offset: str
) -> None:
    task_id = program.submit("effect")
    assert program("sweep", **clock(offset)).code == 0
    assert program.states(task_id) == ["completed"]
    day = program.result(task_id)["completed_at"][:10]
    path = program.exchange.result(task_id)
    assert path is not None
    assert Path(path).parent.name == day, "the day as the clock was"
    for seen in ("+0", offset):
        assert_found(program, task_id, seen)
    again = program.submit("effect")
    assert program("sweep", **clock("+0")).code == 0
    assert_found(program, again, "+0")
    assert (program.root / "effects.log").read_text().split() == [task_id, again]


@needs_faketime
@pytest.mark.parametrize("offset", [YEAR_BACK, YEAR_ON])
def test_a_task_of_a_wrong_clock_is_found_for_ever_after(program: Program, offset: str) -> None:
    """Its id says another year than its result, in pending, in the archive and in between."""
    wrong = program("submit", "effect", **clock(offset)).out.strip()
    assert wrong
    assert program("sweep").code == 0
    assert_found(program, wrong, "+0")
    for later in ("+45d", "+400d"):
        assert program("archive", **clock(later)).code == 0
        assert_found(program, wrong, later)
        assert_found(program, wrong, "+0")
    name = f"{wrong}.md"
    program.write(name, "---\ntask_type: effect\n---\n")
    program("sweep", **clock("+400d"))
    assert (program.root / "effects.log").read_text().split() == [wrong], "its id is used up"
    assert program.result(f"{wrong}-refused-2")["error"]["code"] == "duplicate_id"


@needs_faketime
def test_what_a_clock_far_ahead_had_archived_is_still_found(program: Program) -> None:
    before = [program.submit("effect") for _ in range(3)]
    assert program("sweep").code == 0
    assert program("sweep", **clock(YEAR_ON)).code == 0
    ahead = program("submit", "effect", **clock(YEAR_ON)).out.strip()
    assert program("sweep", **clock(YEAR_ON)).code == 0
    for task_id in (*before, ahead):
        for seen in ("+0", YEAR_ON):
            assert_found(program, task_id, seen)
    after = program.submit("effect")
    assert program("sweep").code == 0
    assert_found(program, after, "+0")
    link = program.root / "results/latest/effect.result.md"
    assert link.is_file(), "it leads somewhere"


@needs_faketime
@pytest.mark.parametrize("offset", [YEAR_BACK, "-1h", "+1h", YEAR_ON])
def test_a_clock_that_is_set_during_a_back_off_does_not_prolong_it(
    program: Program, offset: str
) -> None:
    program.write("it.md", THROTTLED.format(most=3, backoff=1, times=1))
    assert program("sweep").code == 0
    assert program.states("it") == ["waiting"]

    def done() -> bool:
        assert program("sweep", **clock(offset)).code == 0
        return program.exchange.result("it") is not None

    until(done, 15)
    assert [a["status"] for a in program.result("it")["attempts"]] == ["failed", "success"]


@needs_faketime
def test_a_time_that_a_person_named_is_kept_whatever_the_clock_was(program: Program) -> None:
    moment = datetime.now(UTC) + timedelta(hours=6)
    text = f"---\ntask_type: effect\nnot_before: {moment:%Y-%m-%dT%H:%M:%SZ}\n---\n"
    program.write("later.md", text)
    for offset in ("+0", YEAR_BACK, "+5h"):
        assert program("sweep", **clock(offset)).code == 0
        assert program.states("later") == ["waiting"], offset
    assert program("sweep", **clock("+7h")).code == 0
    assert program.states("later") == ["completed"]


@needs_faketime
@pytest.mark.parametrize("zones", [("Pacific/Kiritimati", "Pacific/Pago_Pago"),
                                   ("Pacific/Pago_Pago", "Pacific/Kiritimati")])  # fmt: skip
def test_days_and_ids_are_those_of_utc_in_every_time_zone(
    program: Program, zones: tuple[str, str]
) -> None:
    eve = clock(seconds_until(datetime(2029, 12, 31, 12, 30, 30, tzinfo=UTC)))
    there, here = zones  # 14 hours ahead, 11 behind: never the day of UTC in both
    task_id = program("submit", "effect", TZ=there, **eve).out.strip()
    assert task_id.startswith("2029-12-31-123")
    assert program("sweep", TZ=here, **eve).code == 0
    result = program.result(task_id)
    assert result["completed_at"].startswith("2029-12-31T12:3")
    assert (program.root / f"results/2029-12-31/{task_id}.result.md").is_file()
    program.write("later.md", "---\ntask_type: effect\nnot_before: 2029-12-31T18:00:00Z\n---\n")
    program("sweep", TZ=there, **eve)
    assert program.states("later") == ["waiting"]


# -- the clock is set while a task runs --------------------------------------------------------


class Running:
    """A sweep that runs a task and whose clock can be set."""

    def __init__(
        self, program: Program, monkeypatch: pytest.MonkeyPatch, script: str, minutes: float
    ) -> None:
        self.program = program
        self.file = program.root.parent / "clock"
        self.set("+0")
        for name, value in clock("").items():
            if name != "FAKETIME":
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(self.file))
        monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
        program.write(
            "it.md",
            f"---\ntask_type: program\ntimeout_minutes: {minutes}\n"
            f"params: {{script: 'echo begun; : >begun; {script}'}}\n---\n",
        )
        self.sweep = program.start("sweep")
        until((program.root / "begun").exists)

    def set(self, offset: str) -> None:
        aside = self.file.with_suffix(".new")
        aside.write_text(f"{offset}\n")
        aside.rename(self.file)


@needs_faketime
@pytest.mark.parametrize("offset", [YEAR_BACK, YEAR_ON])
def test_a_clock_that_is_set_neither_ends_a_running_task_nor_falsifies_its_duration(
    program: Program, monkeypatch: pytest.MonkeyPatch, offset: str
) -> None:
    os.mkfifo(program.root / "go")
    running = Running(program, monkeypatch, "read line <go", minutes=1)
    running.set(offset)
    (program.root / "go").write_text("\n")
    assert running.sweep.wait(30) == 0
    result = program.result("it")
    assert result["status"] == "success"
    assert 0 <= result["duration_seconds"] < 30
    assert 0 <= result["attempts"][0]["duration_seconds"] < 30
    monkeypatch.delenv("FAKETIME_TIMESTAMP_FILE")
    for seen in ("+0", offset):
        assert_found(program, "it", seen)


@needs_faketime
@pytest.mark.parametrize("offset", [YEAR_BACK, YEAR_ON])
def test_a_time_limit_is_kept_whatever_the_clock_says(
    program: Program, monkeypatch: pytest.MonkeyPatch, offset: str
) -> None:
    running = Running(program, monkeypatch, "exec sleep 600", minutes=0.05)
    running.set(offset)
    assert running.sweep.wait(30) == 0
    result = program.result("it")
    assert (result["status"], result["error"]["code"]) == ("timeout", "timeout")
    assert 3 <= result["duration_seconds"] < 30
    assert "begun" in result["logs"]


@needs_faketime
@pytest.mark.parametrize("offset", [YEAR_BACK, YEAR_ON])
def test_a_clock_that_is_set_frees_no_task_whose_program_outlives_its_sweep(
    program: Program, offset: str
) -> None:
    script = "echo $$ >>begun; exec sleep 600"
    program.write("it.md", f"---\ntask_type: program\nparams: {{script: '{script}'}}\n---\n")
    begun = program.root / "begun"
    sweep = program.start("sweep")
    until(lambda: begun.exists() and begun.read_text())
    sweep.send_signal(signal.SIGKILL)
    sweep.wait()
    try:
        assert program("sweep", **clock(offset)).code == 0
        assert len(begun.read_text().split()) == 1
        assert program.states("it") == ["in-progress"]
    finally:
        os.kill(int(begun.read_text().split()[0]), signal.SIGKILL)

"""Whoever asks after a task that has not ended is told why, wherever they ask."""

from __future__ import annotations

import os
import re
import time

import pytest

from tests.program import CONFIG, Program

FAULT = "the other side asked us to wait"
ASKING = ("wait", "verify", "show", "status", "list")


def backing_off(program: Program) -> str:
    """A task that failed of a passing fault and is to be tried again."""
    policies = "policies: {retry: {max_attempts: 3, backoff_seconds: 600}}\n"
    (program.root / "workflow.yaml").write_text(CONFIG + policies)
    task_id = program.submit("passing-fault")
    assert program("sweep").code == 0
    assert program.states(task_id) == ["waiting"]
    return task_id


def ask(program: Program, command: str, task_id: str) -> str:
    words = [] if command in ("status", "list") else [task_id]
    more = ["--timeout", "0.2"] if command == "wait" else []
    ran = program(command, *words, *more)
    return ran.out + ran.err


@pytest.mark.parametrize("command", ASKING)
def test_a_task_that_is_tried_again_says_what_failed(program: Program, command: str) -> None:
    told = ask(program, command, backing_off(program))
    assert FAULT in told
    assert "Tried again after" in told


def test_a_task_whose_next_try_is_due_still_says_what_failed(program: Program) -> None:
    task_id = backing_off(program)
    path = program.root / f"tasks/waiting/{task_id}.md"
    path.write_text(re.sub("not_before: .*", "not_before: 2026-01-01T00:00:00Z", path.read_text()))
    told = program("show", task_id, "--json").data
    assert told["waits_for"] == "sweep"
    assert FAULT in told["reason"]


def test_waiting_for_a_task_that_is_tried_again_ends_with_the_reason(program: Program) -> None:
    task_id = backing_off(program)
    waited = program("wait", task_id, "--timeout", "0.2", "--json")
    assert (waited.code, waited.data["waits_for"]) == (75, "time")
    assert FAULT in waited.json["error"]["message"]


@pytest.mark.parametrize("command", ["show", "verify", "list", "status"])
def test_where_nobody_sweeps_it_is_said(program: Program, command: str) -> None:
    task_id = backing_off(program)
    program.age(program.root / ".workflow/last-sweep", 3600)
    assert "the last sweep ran 1 h ago" in ask(program, command, task_id)


def test_who_waits_is_told_that_only_their_own_sweep_has_run(program: Program) -> None:
    policies = "policies: {retry: {max_attempts: 3, backoff_seconds: 600}}\n"
    (program.root / "workflow.yaml").write_text(CONFIG + policies)
    ran = program("submit", "passing-fault", "--wait", "3")
    assert ran.code == 75
    assert FAULT in ran.err
    assert "no timer" in ran.err


def test_several_that_have_not_ended_are_several(program: Program) -> None:
    program("sweep")
    ids = [program.submit("noop") for _ in range(2)]
    told = program("wait", *ids, "--timeout", "0.2").err
    assert f"{ids[0]}, {ids[1]} have not ended yet" in told


def test_a_release_that_runs_once_it_was_approved_does_not_say_that_it_waits(
    program: Program,
) -> None:
    task_id = program.submit("release", "--env", "staging", "wait_at=sending")
    program("sweep")
    digest = program("plan", task_id, "--field", "data.digest").out.strip()
    assert program("approve", task_id, "staging", digest).code == 0
    sweep = program.start("sweep")
    until = time.monotonic() + 30
    while not (program.root / "is-sending").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    for command in ("verify", "wait", "show", "list"):
        told = ask(program, command, task_id)
        assert "approved, running: attempt 1 since" in told, command
        assert "waits for approval" not in told, command
    os.kill(sweep.pid, 9)
    sweep.wait()
    assert "its sweep is gone" in ask(program, "verify", task_id)


# -- what is said of how it ended --------------------------------------------------------------


def test_who_submits_and_waits_is_told_how_it_ended(program: Program) -> None:
    ran = program("submit", "noop", "--wait", "30")
    task_id = ran.out.strip()
    assert ran.code == 0
    assert f"{task_id}  success  " in ran.err, "and stdout has the id alone"


def test_who_approves_and_waits_is_told_how_it_ended(program: Program) -> None:
    task_id = program.submit("release", "--env", "staging")
    program("sweep")
    digest = program("plan", task_id, "--field", "data.digest").out.strip()
    ran = program("approve", task_id, "staging", digest, "--wait", "30")
    assert ran.code == 0
    assert f"{task_id}  success  The folder was published." in ran.err


def test_who_tries_again_can_wait_for_it(program: Program) -> None:
    program.submit("noop")
    program("sweep")
    ran = program("retry", "latest", "--wait", "30")
    assert (ran.code, f"{ran.out.strip()}  success" in ran.err) == (0, True)

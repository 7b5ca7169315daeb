"""Which task `latest` means: the one that was submitted last; for who decides, one that waits."""

from __future__ import annotations

import json
import os

from tests.program import Program
from workflow.overview import resolve

MINUTE = "2026-01-19-1430"


def write(program: Program, name: str, second: int, folder: str, more: str = "") -> str:
    """A task that was submitted at a second of one minute, and has come to lie in a folder."""
    head = f"task_type: noop\ncreated_at: 2026-01-19T14:30:{second:02}Z\nstatus: pending\n{more}"
    program.write(f"{MINUTE}-{name}.md", f"---\n{head}---\n", f"tasks/{folder}")
    return f"{MINUTE}-{name}"


def latest(program: Program) -> str:
    return resolve(program.exchange, "latest").task_id


def release(program: Program) -> str:
    """A release that has planned and waits for approval."""
    task_id = program.submit("release", "--env", "staging")
    assert program("sweep").code == 0
    assert program.states(task_id) == ["waiting"]
    return task_id


def test_the_latest_is_the_one_submitted_last_whatever_has_become_of_it(program: Program) -> None:
    done = program.submit("noop", "--description", "done")
    program("sweep")
    assert latest(program) == done
    parked = release(program)
    for command in ("wait", "verify", "show"):
        more = ["--timeout", "0.2"] if command == "wait" else []
        told = json.dumps(program(command, "latest", *more, "--json").json)
        assert parked in told, command
        assert done not in told, command
    program("cancel", parked)
    young = program.submit("noop", "--description", "young")
    assert latest(program) == young, "it has not even begun"


def test_a_task_that_ends_later_is_not_the_latest_for_that(program: Program) -> None:
    write(program, "zz-first", 10, "completed")
    second = write(program, "second", 40, "waiting")
    os.utime(program.root / f"tasks/waiting/{second}.md", (1, 1))
    assert latest(program) == second


def test_of_a_chain_that_was_submitted_within_a_second_the_last_link_is_the_latest(
    program: Program,
) -> None:
    last = write(program, "a-deploy", 10, "waiting", f"after: [{MINUTE}-b-build]\n")
    write(program, "b-build", 10, "completed")
    assert latest(program) == last


def test_a_time_that_was_copied_with_a_file_is_not_believed(program: Program) -> None:
    write(program, "old", 30, "completed")
    text = "---\ntask_type: noop\ncreated_at: 2031-01-01T00:00:00Z\n---\n"
    file = program.write(f"{MINUTE}-copied.md", text, "tasks/completed")
    os.utime(file, (1, 1))
    assert latest(program) == f"{MINUTE}-old"


def test_the_latest_is_found_where_all_has_been_archived(program: Program) -> None:
    task_id = program.submit("noop")
    program("sweep")
    month = program.root / "archive" / task_id[:7]
    (month / "tasks").mkdir(parents=True)
    (program.root / f"tasks/completed/{task_id}.md").rename(month / "tasks" / f"{task_id}.md")
    assert latest(program) == task_id


def test_who_decides_means_the_newest_that_waits_for_approval(program: Program) -> None:
    parked = release(program)
    program.submit("noop", "--description", "younger")
    shown = program("plan", "latest", "--json")
    assert (shown.code, shown.data["task_id"]) == (0, parked)
    approved = program("approve", "latest", "staging", shown.data["digest"][:8], "--json")
    assert (approved.code, approved.data["task_id"]) == (0, parked)
    rejected = program("reject", "latest", "--json")
    assert (rejected.code, rejected.data["task_id"]) == (0, parked), "agreed to, and not begun"
    nothing = program("plan", "latest")
    assert (nothing.code, "no task waits for approval" in nothing.err) == (5, True)


def test_a_deploy_that_has_not_planned_yet_is_planned_as_the_latest(program: Program) -> None:
    task_id = program.submit("release", "--env", "staging")
    assert program("plan", "latest", "--json").data["task_id"] == task_id

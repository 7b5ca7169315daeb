"""What may go wrong between two machines and their server, one thing at a time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.sync.faults import asked, refuse_pushes, with_fault
from tests.sync.machines import BRANCH, CONFIG, Machines, git

ONCE = "---\ntask_type: effect-once\nstatus: pending\ntimeout_minutes: 0.01\n---\n"
SAFE = "---\ntask_type: effect\nstatus: pending\ntimeout_minutes: 0.01\n---\n"


def _sweep_until_ended(machines: Machines, number: int, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while len(machines.ended()) < number or machines.files("tasks"):
        assert time.monotonic() < until, machines.files()
        machines.clones[1].sync()
        time.sleep(0.3)


@pytest.mark.parametrize("text", [ONCE, SAFE], ids=["once", "safe"])
@pytest.mark.parametrize("what", ["kill-before", "kill-after"])
@pytest.mark.parametrize("at", ["took", "ended"])
def test_a_machine_that_dies_at_a_push_leaves_one_end_for_each_task(
    two: Machines, text: str, what: str, at: str
) -> None:
    two.push({"t": text})
    first, second = two.clones
    assert with_fault(first, what, at)("sweep", "--sync").code == -9
    _sweep_until_ended(two, 1)
    first.sync()  # it comes back
    second.sync()

    assert two.ended() == ["t"]
    result = first.result("t")
    assert result == second.result("t")
    assert first.states("t") == second.states("t")
    effects = two.effects()["t"]
    if text == ONCE:
        assert effects <= 1
        # Taken, and nobody knows whether it was begun: a person decides.
        not_known = (what, at) in {("kill-after", "took"), ("kill-before", "ended")}
        code = (result.get("error") or {}).get("code")
        assert (code == "interrupted") == not_known
    else:
        assert result["status"] == "success"
        assert effects == (2 if (what, at) == ("kill-before", "ended") else 1)


def test_a_result_that_comes_too_late_is_kept_aside_and_the_branch_counts(two: Machines) -> None:
    two.push({"t": ONCE})
    first = two.clones[0]
    assert with_fault(first, "kill-before", "ended")("sweep", "--sync").code == -9
    assert first.result("t")["status"] == "success"
    _sweep_until_ended(two, 1)
    said: Any = first.sync()
    assert any("taken over" in warning for warning in said["warnings"])
    assert first.result("t")["error"]["code"] == "interrupted"
    assert first.states("t") == ["failed"]
    (kept,) = first.root.glob("results/*/t.logs/superseded-*.md")
    assert "status: success" in kept.read_text()


@pytest.mark.parametrize("at", ["took", "ended"])
def test_a_push_whose_answer_was_lost_is_no_failure(two: Machines, at: str) -> None:
    two.push({"t": ONCE})
    first = with_fault(two.clones[0], "lose-answer", at)
    said: Any = first.sync()
    assert said["warnings"] == []
    assert two.ended() == ["t"]
    assert two.effects() == {"t": 1}
    assert two.files("tasks") == []


def test_while_the_server_refuses_pushes_nothing_is_run_and_then_all_is(two: Machines) -> None:
    first, second = two.clones
    two.push({"t": ONCE})
    hook = refuse_pushes(two.server)
    own = first.submit("effect-once")
    said: Any = first.sync()
    assert "down for maintenance" in said["warnings"][0]
    assert said["data"]["shared"]["reached"] is False
    assert two.effects() == {}
    assert first.states(own) == ["waiting"]
    hook.unlink()
    second.sync()
    first.sync()
    assert sorted(two.ended()) == sorted([own, "t"])
    assert two.effects() == {own: 1, "t": 1}


def test_what_ended_while_the_server_refused_is_told_later(two: Machines) -> None:
    first, second = two.clones
    two.push({"t": "---\ntask_type: program\nparams: {script: sleep 1}\n---\n"})
    running = first.start("sweep", "--sync")
    while not two.files("claims"):
        time.sleep(0.05)
    hook = refuse_pushes(two.server)
    assert running.wait(30) == 0
    assert first.states("t") == ["completed"]
    assert two.ended() == []
    hook.unlink()
    first.sync()
    second.sync()
    assert second.states("t") == ["completed"]


def test_no_server_means_that_nothing_is_run_by_a_plain_sweep_either(two: Machines) -> None:
    first = two.clones[0]
    own = first.submit("effect")
    git(first.root, "remote", "set-url", "origin", str(two.server.parent / "gone.git"))
    ran = first("sweep")
    assert ran.code == 0
    assert "could not be asked" in ran.err
    assert first.states(own) == ["waiting"]
    assert two.effects() == {}


def test_a_branch_that_somebody_forced_back_is_not_believed(two: Machines) -> None:
    first = two.clones[0]
    two.push({"t": ONCE})
    before = git(two.server, "rev-parse", BRANCH).strip()
    first.sync()
    git(two.server, "update-ref", BRANCH, before)
    ran = first("sweep", "--sync", "--json")
    assert ran.code == 2
    assert ran.json["error"]["code"] == "branch_rewound"
    assert two.effects() == {"t": 1}


def test_links_and_strange_files_of_the_branch_go_nowhere(two: Machines) -> None:
    first = two.clones[0]
    two.push({"t": SAFE})
    work = two.server.parent / "phone"
    (work / "tasks/pending/link.md").symlink_to("/etc/passwd")
    (work / "tasks/pending/-rf.md").write_text(SAFE)
    (work / "ended/2026-01-01").mkdir(parents=True)
    (work / "ended/2026-01-01/x.result.md").write_text(
        "---\ntask_id: x\nstatus: success\n---\n\x1b[2J\n"
    )
    (work / "ended/2026-01-01/y.result.md").write_text(
        "---\ntask_id: other\nstatus: success\n---\n"
    )
    git(work, "add", "-A")
    git(work, "commit", "-qm", "strange")
    git(work, "push", "-q", "origin", "site-tasks")
    said: Any = first.sync()
    assert len(said["warnings"]) >= 2
    assert first.states("t") == ["completed"]
    assert not list(first.root.glob("results/2026-01-01/*"))
    assert not list(first.root.glob("tasks/*/link.md"))


def test_a_slip_in_the_settings_lets_nothing_run(two: Machines) -> None:
    first = two.clones[0]
    (first.root / "workflow.yaml").write_text(CONFIG.replace("grace_seconds", "grace_second"))
    own = first.submit("effect")
    ran = first("sweep")
    assert ran.code == 2
    assert "sync.grace_second" in ran.err
    assert first.states(own) == ["pending"]


def test_with_nothing_new_one_question_is_asked_and_without_sync_none(two: Machines) -> None:
    first = with_fault(two.clones[0])
    two.push({"t": SAFE})
    first.sync()
    first.sync()
    before = asked(first)
    assert first("sweep", "--sync").err.startswith("Nothing to do")
    assert asked(first) == before + 1
    first("sweep")
    assert asked(first) == before + 1
    two.push({"u": SAFE})
    first.sync()
    assert first.states("u") == ["completed"]


def test_sync_without_settings_says_how(tmp_path: Path, program: Any) -> None:
    ran = program("sweep", "--sync")
    assert ran.code == 2
    assert "sync: {branch: site-tasks}" in ran.err

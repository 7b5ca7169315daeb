"""What several machines do together: chains, approvals, edits, environments, waiting."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.sync.faults import with_fault
from tests.sync.machines import CONFIG, Machine, Machines, git

ASKS = "---\ntask_type: effect-once\nrequires_approval: true\nstatus: pending\n---\n"


def test_what_one_machine_submits_another_runs_and_both_show_the_result(two: Machines) -> None:
    first, second = two.clones
    own = first.submit("effect", "--wait", "20")  # runs here at once: it was asked for here
    assert first.states(own) == ["completed"]
    two.push({"phone": "---\ntask_type: effect\n---\nBy hand.\n"})
    second.sync()
    assert "1 task ended on other machines." in first("sweep", "--sync").err
    assert first.result("phone") == second.result("phone")
    assert "By hand." in (first.root / "tasks/completed/phone.md").read_text()
    assert first("show", "phone").code == 0
    assert "success" in second("list").out
    # By when it ended, not by when it came here.
    link = (second.root / "results/latest/effect.result.md").resolve()
    assert link.name == "phone.result.md"


def test_nothing_but_tasks_and_how_they_ended_is_pushed(two: Machines) -> None:
    first = two.clones[0]
    secret = "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    script = f"yes line | head -c 300000; echo {secret}"
    two.push({"t": f"---\ntask_type: program\nparams: {{script: '{script}'}}\n---\n"})
    first.sync()
    files = two.files()
    assert all(path == "README.md" or path.startswith("ended/") for path in files), files
    (log,) = (path for path in files if path.endswith(".log"))
    text = two.show(log)
    assert len(text) <= 65_536
    assert "wJalrXUtnFEMI" not in text
    whole = next(first.root.glob("results/*/t.logs/attempt-1.log"))
    assert whole.stat().st_size > 300_000, "the whole stays where it was run"
    assert git(first.root, "status", "--porcelain") == ""
    assert git(first.root, "branch", "--list").split() == ["*", "main"]


def test_a_task_that_follows_another_is_run_where_that_was(two: Machines) -> None:
    first, second = two.clones
    two.push({
        "a": "---\ntask_type: effect\n---\n",
        "b": "---\ntask_type: effect\nafter: [a]\nnot_before: 2026-01-01T00:00:00Z\n---\n",
    })  # fmt: skip
    first.sync("--task", "a")
    said: Any = second.sync()
    assert second.states("b") == []
    assert "follows a" in said["data"]["shared"]["left_alone"]["b"]
    first.sync()
    assert first.effects() == {"a": 1, "b": 1}


def test_one_that_follows_a_failed_one_is_ended_by_whoever_looks(two: Machines) -> None:
    first, second = two.clones
    two.push({
        "a": "---\ntask_type: effect\nparams: {fail: true}\n---\n",
        "b": "---\ntask_type: effect\nafter: [a]\n---\n",
    })  # fmt: skip
    first.sync("--task", "a")
    second.sync()
    assert second.result("b")["error"]["code"] == "predecessor_failed"


def _accepting(machines: Machines) -> tuple[Machine, Machine]:
    for machine in machines.clones:
        text = CONFIG.replace("grace_seconds: 1", "grace_seconds: 1, accept_approvals: true")
        (machine.root / "workflow.yaml").write_text(text)
    return machines.clones[0], machines.clones[1]


def test_an_approval_given_on_one_machine_lets_the_other_run_once(two: Machines) -> None:
    first, second = _accepting(two)
    two.push({"t": ASKS})
    first.sync()
    assert two.files("tasks", "plans") == ["plans/t.jsonl", "tasks/pending/t.md"]
    said: Any = second.sync()
    assert "belongs to" in said["data"]["shared"]["left_alone"]["t"]
    plan = second("plan", "t", "--json").data
    assert second("approve", "t", "-", plan["digest"][:8]).code == 0
    second.sync()
    assert second.effects() == {}
    assert two.files("approvals") == ["approvals/t.json"]
    first.sync()
    assert first.effects() == {"t": 1}
    assert two.files("approvals", "plans", "tasks") == []
    how = first.result("t")["outputs"]["approval"]
    assert how["digest"] == plan["digest"]
    second.sync()
    assert second.result("t")["status"] == "success"
    assert not list((second.root / ".workflow/approvals").iterdir())


@pytest.mark.parametrize("what", ["kill-before", "kill-after"])
def test_an_approval_serves_once_also_if_the_machine_dies_as_it_is_used_up(
    two: Machines, what: str
) -> None:
    first, second = two.clones
    two.push({"t": ASKS})
    first.sync()
    digest = first("plan", "t", "--json").data["digest"]
    assert first("approve", "t", "-", digest[:8]).code == 0
    assert with_fault(first, what, "renewed")("sweep", "--sync").code == -9
    assert two.effects() == {}
    first.sync()
    second.sync()
    result = second.result("t")
    assert result == first.result("t")
    if what == "kill-before":
        assert (two.effects(), result["status"]) == ({"t": 1}, "success")
    else:
        assert (two.effects(), result["error"]["code"]) == ({}, "interrupted")


def test_an_approval_that_came_by_the_branch_counts_only_where_the_owner_says_so(
    two: Machines,
) -> None:
    first, second = two.clones
    two.push({"t": ASKS})
    first.sync()
    second.sync()
    digest = second("plan", "t", "--json").data["digest"]
    assert second("approve", "t", "-", digest[:8]).code == 0
    second.sync()
    first.sync()
    assert first.effects() == {}
    assert first.states("t") == ["waiting"]


def test_an_approval_of_another_plan_lets_nothing_run(two: Machines) -> None:
    first, second = _accepting(two)
    two.push({"t": ASKS})
    first.sync()
    second.sync()
    digest = second("plan", "t", "--json").data["digest"]
    second("approve", "t", "-", digest[:8])
    path = second.root / ".workflow/approvals/t.json"
    forged = json.loads(path.read_text()) | {"digest": "0" * 64}
    path.write_text(json.dumps(forged))
    second.sync()
    first.sync()
    assert two.effects() == {}
    assert first.result("t")["error"]["code"] == "stale_plan"


def test_an_edit_before_anybody_took_it_counts_and_reaches_the_branch(two: Machines) -> None:
    first, second = two.clones
    later = "---\ntask_type: effect\nstatus: pending\nnot_before: 2999-01-01\n---\n"
    first.write("2026-01-01-0000-x.md", later)
    first.sync()
    (waiting,) = first.root.glob("tasks/waiting/*.md")
    waiting.write_text(later.replace("not_before: 2999-01-01\n", "") + "Edited.\n")
    first.sync("--env", "staging")
    second.sync()
    first.sync()
    assert two.effects() == {"2026-01-01-0000-x": 1}
    (done,) = second.root.glob("tasks/completed/*.md")
    assert "Edited." in done.read_text()


def test_of_an_edit_on_both_sides_none_is_lost(two: Machines) -> None:
    first, second = two.clones
    text = "---\ntask_type: effect\nnot_before: 2999-01-01\n---\n"
    first.write("2026-01-01-0000-x.md", text)
    first.sync()
    two.push({"2026-01-01-0000-x": "---\ntask_type: effect\n---\nTheirs.\n"})
    second.sync()
    (waiting,) = first.root.glob("tasks/waiting/*.md")
    waiting.write_text(text + "Mine.\n")
    said: Any = first.sync()
    assert any("edited on two machines" in warning for warning in said["warnings"])
    (kept,) = first.root.glob(".workflow/sync/edited-here/*.md")
    assert "Mine." in kept.read_text()
    (done,) = first.root.glob("tasks/completed/*.md")
    assert "Theirs." in done.read_text()


def test_a_task_cancelled_before_anybody_took_it_is_run_nowhere(two: Machines) -> None:
    first, second = two.clones
    text = "---\ntask_type: effect\nnot_before: 2999-01-01\n---\n"
    first.write("2026-01-01-0000-x.md", text)
    first.sync()
    assert first("cancel", "2026-01-01-0000-x").code == 0
    first.sync()
    second.sync()
    assert second.result("2026-01-01-0000-x")["status"] == "cancelled"
    assert two.files("tasks") == []


def test_a_file_that_is_no_task_is_refused_once_with_its_result_everywhere(two: Machines) -> None:
    first, second = two.clones
    two.push({"bad": "---\ntask_type: [\n---\n", "odd": "---\ntask_type: nothing-such\n---\n"})
    first.sync()
    first.sync()
    second.sync()
    assert two.ended() == ["bad", "odd"]
    assert second.result("bad")["error"]["code"] == "unreadable_task"
    assert second.result("odd")["error"]["code"] == "unknown_type"


def test_a_name_that_was_used_before_is_not_run_again(two: Machines) -> None:
    first = two.clones[0]
    two.push({"t": "---\ntask_type: effect\n---\n"})
    first.sync()
    two.push({"t": "---\ntask_type: effect\n---\nAgain.\n"})
    said: Any = first.sync()
    assert "rename it" in said["data"]["shared"]["left_alone"]["t"]
    assert first.effects() == {"t": 1}


def test_a_fault_that_passes_is_tried_again_by_whichever_machine(two: Machines) -> None:
    first, second = two.clones
    two.push({"t": "---\ntask_type: passing-fault\nparams: {times: 1}\n"
              "retry: {max_attempts: 3, backoff_seconds: 0}\n---\n"})  # fmt: skip
    first.sync()
    until = 40
    while not two.ended() and until:
        second.sync()
        until -= 1
    assert second.result("t")["outputs"]["attempt"] == 2
    assert [a["number"] for a in second.result("t")["attempts"]] == [1, 2]


def test_a_machine_serves_the_environments_it_is_told_and_names_the_others(two: Machines) -> None:
    first = two.clones[0]
    text = "---\ntask_type: release\nparams: {environment: %s}\n---\n"
    two.push({"d": text % "dev", "s": text % "staging", "n": "---\ntask_type: noop\n---\n"})
    said: Any = first.sync("--env", "dev")
    assert said["data"]["shared"]["left"] == ["staging"]
    assert sorted(two.ended()) == ["d", "n"]


def test_a_copied_exchange_owns_no_claims_of_the_one_it_was_copied_from(
    two: Machines, tmp_path: Path
) -> None:
    first = two.clones[0]
    two.push({"t": "---\ntask_type: noop\n---\n"})
    first.sync()
    copy = tmp_path / "copy/exchange"
    shutil.copytree(first.root, copy, symlinks=True)
    Machine(copy).sync()
    read = [json.loads((root / ".workflow/sync/machine.json").read_text())["id"]
            for root in (first.root, copy)]  # fmt: skip
    assert read[0] != read[1]


def test_what_the_steps_leave_in_a_clone_is_packed_where_the_owner_lets_git_do_so(
    two: Machines,
) -> None:
    first = two.clones[0]
    packs = first.root / ".git/objects/pack"
    git(first.root, "config", "gc.autoPackLimit", "1")
    for auto in ("0", "6700"):
        git(first.root, "config", "gc.auto", "0")  # or `fetch` would pack, too
        for number in range(2):
            two.push({f"t{auto}{number}": "---\ntask_type: noop\n---\n"})
            git(first.root, "fetch", "-q", "origin", "site-tasks")
            git(first.root, "repack", "-q", "-d")
        before = len(list(packs.glob("*.pack")))
        assert before > 1
        git(first.root, "config", "gc.auto", auto)
        first.sync()
        assert len(list(packs.glob("*.pack"))) == (before if auto == "0" else 1)

"""The branch begins anew (`workflow archive --shared`), and nothing that anybody saw is lost."""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path
from typing import Any

import pytest

from tests.endurance.machines import tasks
from tests.sync.faults import with_fault
from tests.sync.hosted import hosted
from tests.sync.machines import BRANCH, Machine, Machines, git, make_machines, old, ran_git

ONCE = "---\ntask_type: effect-once\nstatus: pending\n---\n"
LATER = "---\ntask_type: effect-once\nstatus: pending\nnot_before: 2999-01-01\n---\n"
DAYS = ("2020-01-15", "2020-02-01")
DOCS = Path(__file__).parents[2] / "docs/several-machines.md"


def with_history(machines: Machines) -> None:
    """Endings of two past months, of which nobody has learned yet, and one open task."""
    machines.push_files({k: v for day in DAYS for k, v in old(day).items()})
    machines.push({"open": LATER})


def tip(machines: Machines) -> str:
    return git(machines.server, "rev-parse", BRANCH).strip()


def archives(machines: Machines) -> dict[str, str]:
    told = git(machines.server, "for-each-ref", "--format=%(refname) %(objectname)", "refs/archive")
    return {line.split()[0]: line.split()[1] for line in told.splitlines()}


def begin_anew(machine: Machine, *words: str) -> dict[str, Any]:
    ran = machine("archive", "--shared", "--json", *words)
    assert ran.code == 0, (ran.out, ran.err)
    said: dict[str, Any] = ran.json["data"]
    return said


def days(machines: Machines) -> set[str]:
    return {path.split("/")[1] for path in machines.files("ended")}


def test_past_months_leave_the_branch_and_stay_in_an_archive_with_all_of_its_history(
    two: Machines,
) -> None:
    first, second = two.clones
    with_history(two)
    second.sync()
    before = tip(two)
    said = begin_anew(first)
    assert archives(two) == {said["shared"]["archive"]: before}
    assert said["shared"]["days"] == list(DAYS)
    assert two.files() == ["tasks/pending/open.md"]
    assert git(two.server, "rev-list", "--count", BRANCH).strip() == "1"
    again = begin_anew(first)
    assert again["shared"]["archive"] is None
    assert len(archives(two)) == 1
    # Here it was brought, and put away like all that is old.
    assert "It was done on 2020-01-15." in first("show", "2020-01-15-0900-effect-old").out
    assert list(first.root.glob("archive/2020-02/tasks/*.md"))


def test_who_learned_of_nothing_meanwhile_learns_all_of_it_and_goes_on(two: Machines) -> None:
    first, second = two.clones
    two.push({"earlier": LATER})
    second.sync()  # and sleeps
    with_history(two)
    begin_anew(first)
    two.push({"new": ONCE})
    said: Any = second.sync()
    assert said["warnings"] == []
    for day in DAYS:
        assert second.states(f"{day}-0900-effect-old") == ["completed"]
        assert second.result(f"{day}-0900-effect-old")["status"] == "success"
    assert two.effects() == {"new": 1}
    assert second.sync()["data"]["ended"] == {}  # type: ignore[index]


def test_who_slept_while_it_began_anew_twice_learns_what_ended_in_between(two: Machines) -> None:
    first, second = two.clones
    two.push({"a": ONCE})
    second.sync()
    for number, day in enumerate(DAYS):
        two.push_files(old(day))
        begin_anew(first)
        two.push({f"between-{number}": ONCE})
        first.sync()
    assert len(archives(two)) == 2
    second.sync()
    ended = [f"{day}-0900-effect-old" for day in DAYS] + ["a", "between-0", "between-1"]
    assert [second.states(task_id) for task_id in ended] == [["completed"]] * 5
    assert two.effects() == {"a": 1, "between-0": 1, "between-1": 1}


def test_a_task_that_runs_meanwhile_ends_once_and_its_claim_stays(two: Machines) -> None:
    first, second = two.clones
    two.push_files(old(DAYS[0]))
    gate = two.server.parent / "gate"
    script = f"until [ -e {gate} ]; do sleep 0.05; done; echo t >> effects.log"
    two.push({"t": f"---\ntask_type: program\nparams: {{script: '{script}'}}\n---\n"})
    running = second.start("sweep", "--sync")
    while not two.files("claims"):
        time.sleep(0.05)
    begin_anew(first)
    assert two.files("claims") == ["claims/t.json"]
    gate.touch()
    assert running.wait(30) == 0
    first.sync()
    assert two.ended() == ["t"]
    assert two.effects() == {"t": 1}
    assert first.result("t") == second.result("t")


@pytest.mark.parametrize("what", ["kill-before", "kill-after", "lose-answer"])
def test_cut_off_at_its_push_it_was_done_or_was_not_and_can_be_asked_for_again(
    two: Machines, what: str
) -> None:
    first, second = two.clones
    with_history(two)
    second.sync()
    before = tip(two)
    ran = with_fault(first, what, "began anew")("archive", "--shared")
    assert ran.code == (0 if what == "lose-answer" else -9)
    assert (archives(two) == {}) == (what == "kill-before")
    assert (tip(two) == before) == (what == "kill-before")
    begin_anew(first)
    assert list(archives(two).values()) == [before]
    two.push({"new": ONCE})
    first.sync()
    second.sync()
    assert two.effects() == {"new": 1}
    for machine in two.clones:
        assert machine.exchange.find(f"{DAYS[0]}-0900-effect-old") is not None


def test_a_step_that_another_machine_makes_first_is_kept(two: Machines) -> None:
    first, second = two.clones
    with_history(two)
    second.sync()
    two.push({"late": ONCE})
    git(two.server, "branch", "with-late", "site-tasks")
    git(two.server, "update-ref", BRANCH, "site-tasks^")
    archiving = with_fault(first, "other-first", "began anew")
    other = first.root.parent / "fault/other"
    other.write_text(f"(unset GIT_DIR; git -C {two.server} update-ref {BRANCH} with-late)\n")
    said = begin_anew(archiving)
    assert list(archives(two)) == [said["shared"]["archive"]]
    assert set(two.files()) == {"tasks/pending/open.md", "tasks/pending/late.md"}
    second.sync()
    first.sync()
    assert two.effects() == {"late": 1}


def forged(machines: Machines, *, tree: str | None = None, message: str = "") -> str:
    """A branch that begins anew as somebody who may push would forge it."""
    made = git(
        machines.server, "commit-tree", tree or f"{BRANCH}^{{tree}}", stdin=message
    ).strip()  # fmt: skip
    git(machines.server, "update-ref", BRANCH, made)
    return made


def without(machines: Machines, *paths: str) -> str:
    """The tree of the branch without some of its files."""
    work = machines.server.parent / "forger"
    if not work.exists():
        git(machines.server.parent, "clone", "-q", str(machines.server), str(work))
    git(work, "fetch", "-q", "origin", "site-tasks")
    git(work, "checkout", "-q", "-f", "--detach", "FETCH_HEAD")
    git(work, "rm", "-rq", *paths)
    tree = git(work, "write-tree").strip()
    commit = git(work, "commit-tree", tree, stdin="x").strip()
    git(work, "push", "-q", "origin", f"{commit}:refs/forged/x")
    return tree


@pytest.mark.parametrize(
    "forgery", ["says nothing", "no archive", "older archive", "open task gone", "half a day gone"]
)
def test_a_forged_beginning_is_not_believed_and_nothing_is_run(two: Machines, forgery: str) -> None:
    first = two.clones[0]
    with_history(two)
    earlier = tip(two)
    two.push_files(old(DAYS[0], "second"))
    two.push({"t": ONCE})
    first.sync()
    seen, place = tip(two), "refs/archive/site-tasks/2026-03-01-forged"
    message = f"x\n\nWorkflow-Archive: {seen} {place}\n"
    tree = None
    if forgery != "no archive":
        git(two.server, "update-ref", place, seen)
    if forgery == "says nothing":
        message = "x\n"
    elif forgery == "older archive":
        message = message.replace(seen, earlier)
        git(two.server, "update-ref", place, earlier)
        git(two.server, "update-ref", BRANCH, earlier)
    elif forgery == "open task gone":
        tree = without(two, "tasks/pending/open.md")
    elif forgery == "half a day gone":
        tree = without(two, f"ended/{DAYS[0]}/{DAYS[0]}-0900-effect-second.result.md")
    forged(two, tree=tree, message=message)
    ran = first("sweep", "--sync", "--json")
    assert ran.code == 2
    assert ran.json["error"]["code"] == "branch_rewound"
    assert two.effects() == {"t": 1}
    assert first("sweep", "--sync").code == 2, "a second look believes it no more than the first"


def test_the_same_made_by_hand_is_believed(two: Machines) -> None:
    first = two.clones[0]
    with_history(two)
    first.sync()
    seen, place = tip(two), "refs/archive/site-tasks/by-hand"
    git(two.server, "update-ref", place, seen)
    tree = without(two, f"ended/{DAYS[0]}")
    forged(two, tree=tree, message=f"x\n\nWorkflow-Archive: {seen} {place}\n")
    two.push({"t": ONCE})
    first.sync()
    assert two.effects() == {"t": 1}


def test_a_day_stays_while_an_open_task_follows_one_that_ended_then(two: Machines) -> None:
    first, second = two.clones
    two.push_files({**old(DAYS[0]), **old(DAYS[1])})
    two.push({"b": f"---\ntask_type: effect\nafter: [{DAYS[0]}-0900-effect-old]\n---\n"})
    said = begin_anew(first)
    assert (said["shared"]["days"], said["shared"]["kept"]) == ([DAYS[1]], [DAYS[0]])
    told: Any = second.sync()
    assert "machine gone ran" in told["data"]["shared"]["left_alone"]["b"]


def test_a_task_that_follows_one_in_the_archive_still_belongs_to_the_machine_of_that(
    two: Machines,
) -> None:
    first, second = two.clones
    with_history(two)
    second.sync()
    begin_anew(first)
    for machine in two.clones:
        machine.sync()
    two.push({"b": f"---\ntask_type: effect\nafter: [{DAYS[0]}-0900-effect-old]\n---\n"})
    for machine in two.clones:
        told: Any = machine.sync()
        assert "machine gone ran" in told["data"]["shared"]["left_alone"]["b"]


def test_a_name_in_the_archive_is_not_run_again_by_who_was_there(two: Machines) -> None:
    first = two.clones[0]
    with_history(two)
    begin_anew(first)
    two.push({f"{DAYS[0]}-0900-effect-old": "---\ntask_type: effect\n---\nAgain.\n"})
    told: Any = first.sync()
    assert "rename it" in told["data"]["shared"]["left_alone"][f"{DAYS[0]}-0900-effect-old"]
    assert two.effects() == {}


def test_one_month_alone_and_a_dry_run(two: Machines) -> None:
    first = two.clones[0]
    with_history(two)
    before = tip(two)
    said = begin_anew(first, "--dry-run")
    assert said["shared"]["days"] == list(DAYS)
    assert (tip(two), archives(two)) == (before, {})
    begin_anew(first, "--month", "2020-02")
    assert days(two) == {DAYS[0]}


def test_a_server_that_lets_nobody_force_says_so_and_keeps_all(two: Machines) -> None:
    first = two.clones[0]
    with_history(two)
    before = tip(two)
    git(two.server, "config", "receive.denyNonFastForwards", "true")
    began = time.monotonic()
    ran = first("archive", "--shared", "--json")
    assert ran.code == 6
    assert ran.json["error"]["code"] == "server_unreachable"
    assert time.monotonic() - began < 20, "it is no race, and not tried again and again"
    assert (tip(two), archives(two)) == (before, {})


def test_without_other_machines_it_says_so(program: Any) -> None:
    ran = program("archive", "--shared")
    assert ran.code == 2
    assert "no other machine shares this exchange" in ran.err


def test_the_branch_begins_anew_while_machines_race_and_each_task_is_done_once(
    tmp_path: Path,
) -> None:
    machines = make_machines(tmp_path, 3)
    first, second, third = machines.clones
    # No claim runs out meanwhile, however busy this machine is: then each is done once.
    wanted = {name: text.replace("0.05", "2") for name, text in tasks(60).items()}
    machines.push_files(old(DAYS[0]))
    machines.push(wanted)
    running = [machine.start("sweep", "--sync") for machine in (first, second)]
    times = 0
    while len(machines.ended()) < len(wanted) and times < 6:
        machines.push_files(old(f"2020-0{times + 2}-01"))
        begin_anew(third)
        times += 1
    assert [process.wait(60) for process in running] == [0, 0]
    assert times > 1
    assert len(archives(machines)) == times
    for machine in machines.clones:
        machine.sync()
    effects = machines.effects()
    assert set(effects.values()) == {1}
    assert set(effects) == {task_id for task_id in wanted if "noop" not in task_id}
    for machine in machines.clones:
        for task_id in wanted:
            assert machine.result(task_id)["status"] == "success"


def test_what_the_page_says_of_finding_an_old_result_is_so(two: Machines) -> None:
    first, second = two.clones
    with_history(two)
    begin_anew(first)
    block = next(b for b in re.findall(r"```sh\n(.*?)```", DOCS.read_text(), re.DOTALL)
                 if "refs/archive" in b)  # fmt: skip
    lines = [shlex.split(line, comments=True) for line in block.splitlines()]
    task_id = f"{DAYS[0]}-0900-effect-old"
    said = ""
    for words in lines:
        if words and words[0] == "git":
            filled = [word.replace("DAY", DAYS[0]).replace("ID", task_id) for word in words[1:]]
            if "ARCHIVE" in " ".join(filled):
                (name,) = (name.removeprefix("refs/archive/site-tasks/") for name in archives(two))
                filled = [word.replace("ARCHIVE", name) for word in filled]
            ran = ran_git(second.root, *filled)
            assert ran.returncode == 0, (words, ran.stderr)
            said = ran.stdout
    assert f"It was done on {DAYS[0]}." in said
    assert second.states(task_id) == []


def test_all_of_it_goes_over_http_as_well(two: Machines) -> None:
    first, second = two.clones
    two.push({"earlier": LATER})
    with hosted(two.server.parent) as address:
        for machine in two.clones:
            git(machine.root, "remote", "set-url", "origin", f"{address}/{two.server.name}")
        second.sync()
        with_history(two)
        before = tip(two)
        begin_anew(first)
        assert list(archives(two).values()) == [before]
        two.push({"new": ONCE})
        second.sync()
    assert second.states(f"{DAYS[0]}-0900-effect-old") == ["completed"]
    assert two.effects() == {"new": 1}

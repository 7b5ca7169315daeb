"""Approvals with real sweeps: whatever is tried, nothing is published that nobody agreed to.

The task type `release` stands in for a deploy: what it publishes is counted in effects.log.
"""

from __future__ import annotations

import json
import os
import pty
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.endurance.warm import Warm
from tests.program import CONFIG, Program, Ran, make_exchange
from workflow import document
from workflow.__main__ import _idle
from workflow.approval import Approval
from workflow.plans import read_plan

PHRASE = "DEPLOY TO PRODUCTION"
WHERE = ("planning", "sending")
STAGING = '{base_url: "https://staging.example.com/", approval: approve'
PRODUCTION = '{base_url: "https://www.example.com/", approval: phrase'


@dataclass(frozen=True)
class Quick(Program):
    """The program without its start-up: each run is a process, forked from a warm one."""

    warm: Warm

    def __call__(self, *words: str, stdin: str = "", **environ: str) -> Ran:
        if stdin or environ:
            return super().__call__(*words, stdin=stdin, **environ)
        output = self.root.parent / f"said-{threading.get_native_id()}"
        child = self.warm.run(words, cwd=self.root, output=output)
        return Ran(child.code, child.out, child.err)


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    program = make_exchange(tmp_path_factory.mktemp("warm"))
    with Warm(program.environ, program.root) as started:
        yield started


@pytest.fixture
def site(tmp_path: Path, warm: Warm) -> Program:
    """An exchange with one page to publish."""
    program = Quick(make_exchange(tmp_path).root, warm)
    change(program, "first")
    return program


def change(program: Program, text: str) -> None:
    page = program.root / "content/index.html"
    page.parent.mkdir(exist_ok=True)
    page.write_text(text)


def configure(program: Program, **settings: str) -> None:
    """Add to an environment's settings in workflow.yaml."""
    config = CONFIG
    for name, more in settings.items():
        before = {"staging": STAGING, "production": PRODUCTION}[name]
        config = config.replace(before, f"{before}, {more}")
    (program.root / "workflow.yaml").write_text(config)


def planned(program: Program, *words: str, env: str = "staging") -> tuple[str, str]:
    """A release that has planned and waits; its id and its plan's digest."""
    task_id = program.submit("release", "--env", env, *words)
    assert program("sweep").code == 0
    assert program.states(task_id) == ["waiting"]
    return task_id, digest_of(program, task_id)


def digest_of(program: Program, task_id: str) -> str:
    stored = read_plan(program.exchange, task_id)
    assert stored is not None
    return stored.planned.digest


def approve(program: Program, task_id: str, digest: str, env: str = "staging") -> Ran:
    return program("approve", task_id, env, digest[:8])


def effects(program: Program) -> list[str]:
    path = program.root / "effects.log"
    return path.read_text().split() if path.exists() else []


def plannings(program: Program) -> int:
    path = program.root / "planned.log"
    return len(path.read_text().split()) if path.exists() else 0


def record(program: Program, task_id: str) -> Path:
    return program.root / f".workflow/approvals/{task_id}.json"


def journal(program: Program, what: str) -> list[dict[str, Any]]:
    lines = [line for path in program.journal.iterdir() for line in path.read_text().splitlines()]
    return [said for line in lines if (said := json.loads(line))["what"] == what]


def witness(program: Program, text: str) -> str:
    """What the hook makes of a person's message: the task for which it counts."""
    code = "import sys; from workflow.witness import witness; print(witness(*sys.argv[1:]) or '')"
    ran = subprocess.run(
        [sys.executable, "-c", code, str(program.root), text], env=program.environ,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return ran.stdout.strip()


def until(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait for what another process does, of which no event tells us."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def is_idle(program: Program) -> bool:
    """Whether the next tick finds nothing to do before it loads anything."""
    return bool(_idle(str(program.root)))


# -- the way as it should be -------------------------------------------------------------------


def test_a_release_plans_once_and_waits_and_costs_nothing_meanwhile(site: Program) -> None:
    task_id, digest = planned(site)
    assert effects(site) == []
    assert is_idle(site)
    waits = site("wait", task_id, "--until", "approval", "--json")
    assert (waits.code, waits.json["error"]["code"]) == (4, "needs_approval")
    commands = [step["cmd"] for step in waits.json["next"]]
    assert commands == [
        f"workflow plan {task_id}",
        f"workflow approve {task_id} staging {digest[:8]}",
    ]
    verified = site("verify", task_id, "--json")
    assert (verified.code, [s["cmd"] for s in verified.json["next"]]) == (4, commands)
    assert [s["cmd"] for s in site("show", task_id, "--json").json["next"]] == commands
    status = site("status", "--json")
    assert commands[1] in status.data["waiting"][0]["reason"]
    assert commands == [s["cmd"] for s in status.json["next"]]
    (site.root / "workflow.yaml").write_text(CONFIG + "# touched\n")  # the sweep looks closely
    assert site("sweep").code == 0
    assert (plannings(site), effects(site)) == (1, [])


def test_an_approved_plan_is_carried_out_once_and_the_result_says_who_agreed(
    site: Program,
) -> None:
    task_id, digest = planned(site)
    given = approve(site, task_id, digest)
    assert given.code == 0, given.err
    assert given.out.startswith(f"approved {digest[:8]} until ")
    assert not is_idle(site)
    again = approve(site, task_id, digest)
    assert (again.code, "as it was before" in again.out) == (0, True)

    for _ in range(2):
        assert site("sweep").code == 0

    assert effects(site) == [task_id]
    result = site.result(task_id)
    assert result["status"] == "success"
    said = result["outputs"]["approval"]
    assert (said["way"], said["digest"], said["through"]) == ("approved", digest, "command")
    assert said["by"] and said["at"] < said["expires_at"]
    assert f"Approved by {said['by']} (command)" in result["body"]
    assert site("wait", task_id).code == 0
    (line,) = journal(site, "approved")
    assert (line["task"], line["approval"]["digest"]) == (task_id, digest)
    (line,) = journal(site, "agreed")
    assert line["approval"] == said
    assert site("doctor").code == 0, "the journal's chain holds"
    for folder in ("plans", "approvals", "leases", "runs"):
        assert os.listdir(site.root / ".workflow" / folder) == [], folder


def test_approve_that_waits_starts_the_sweep_and_says_how_it_ended(site: Program) -> None:
    task_id, digest = planned(site)
    ran = site("approve", task_id, "staging", digest, "--wait", "30", "--json")
    assert (ran.code, ran.data["status"]) == (0, "success")
    assert ran.data["approval"]["digest"] == digest
    assert effects(site) == [task_id]


def test_the_approval_that_is_written_into_the_file_is_a_note(site: Program) -> None:
    task_id, digest = planned(site)
    approve(site, task_id, digest)
    text = (site.root / f"tasks/waiting/{task_id}.md").read_text()
    assert document.parse(text.encode()).data["approval"]["digest"] == digest
    record(site, task_id).unlink()
    assert site("sweep").code == 0
    assert effects(site) == []
    assert site.states(task_id) == ["waiting"]


def test_an_environment_that_asks_for_nothing_is_published_to_at_once(site: Program) -> None:
    task_id = site.submit("release", "--env", "dev")
    assert site("sweep").code == 0
    assert effects(site) == [task_id]
    assert site.result(task_id)["outputs"]["approval"]["way"] == "none"
    assert not journal(site, "agreed")


def test_a_policy_that_changes_while_a_task_waits_counts(site: Program) -> None:
    task_id, _ = planned(site)
    config = CONFIG.replace("approval: approve", "approval: none")
    (site.root / "workflow.yaml").write_text(config)
    assert site("sweep").code == 0
    assert effects(site) == [task_id]


def test_an_approval_without_the_phrase_is_not_enough_once_the_policy_wants_it(
    site: Program,
) -> None:
    task_id, digest = planned(site)
    approve(site, task_id, digest)
    config = CONFIG.replace("approval: approve", "approval: phrase")
    (site.root / "workflow.yaml").write_text(config)
    assert site("sweep").code == 0
    assert (site.states(task_id), effects(site)) == (["waiting"], [])
    assert "without the phrase" in site("show", task_id).out
    assert approve(site, task_id, digest).code == 4


def test_submit_that_waits_comes_back_as_soon_as_a_person_is_needed(site: Program) -> None:
    # Started as people start it, which the tests do not let last that long.
    ran = site("submit", "release", "--env", "staging", "--wait", "100", "--json", LANG="C")
    assert (ran.code, ran.json["error"]["code"]) == (4, "needs_approval")
    assert ran.json["next"][1]["cmd"].startswith(f"workflow approve {ran.data['task_id']} staging")


def test_a_type_that_publishes_nothing_is_asked_about_if_its_task_wants_it(
    program: Program,
) -> None:
    program.write("asks.md", "---\ntask_type: effect\nrequires_approval: true\n---\n")
    program("sweep")
    assert (program.states("asks"), effects(program)) == (["waiting"], [])
    shown = program("plan", "asks", "--json").data
    assert shown["approve"] == f"workflow approve asks - {shown['digest'][:8]}"
    assert "fail=false" in shown["summary"]
    assert program("approve", "asks", "-", shown["digest"][:8]).code == 0
    program("sweep")
    assert effects(program) == ["asks"]
    assert program.result("asks")["outputs"]["approval"]["way"] == "approved"


# -- nothing is published ----------------------------------------------------------------------


def test_what_was_approved_and_has_changed_since_is_not_published(site: Program) -> None:
    task_id, digest = planned(site)
    approve(site, task_id, digest)
    change(site, "swapped")
    assert site("sweep").code == 0
    assert effects(site) == []
    result = site.result(task_id)
    assert (result["error"]["code"], result["error"]["action"]) == ("stale_plan", "escalate")
    for command in ("wait", "verify"):
        ran = site(command, task_id, "--json")
        assert (ran.code, ran.json["error"]["code"]) == (6, "stale_plan")
        assert ran.json["next"][0]["cmd"] == f"workflow retry {task_id}"
    assert not record(site, task_id).exists()


def test_what_changed_before_it_was_approved_is_planned_anew(site: Program) -> None:
    task_id, digest = planned(site)
    change(site, "newer")
    refused = approve(site, task_id, digest)
    assert (refused.code, "has changed since" in refused.err) == (6, True)
    anew = site("plan", task_id, "--json")
    now = anew.data["digest"]
    assert now != digest
    assert digest[:8] in anew.json["warnings"][0]
    assert site("approve", task_id, "staging", digest[:8]).code == 6, "the old one is over"
    assert approve(site, task_id, now).code == 0
    site("sweep")
    assert effects(site) == [task_id]


def test_content_that_is_swapped_while_the_release_plans_is_not_published(site: Program) -> None:
    (site.root / "go-on").touch()
    task_id, digest = planned(site, "wait_at=planning")
    (site.root / "go-on").unlink()
    approve(site, task_id, digest)
    (site.root / "is-planning").unlink()
    sweep = site.start("sweep")
    until((site.root / "is-planning").exists)
    change(site, "swapped")
    (site.root / "go-on").touch()
    assert sweep.wait(30) == 0
    assert effects(site) == []
    assert site.result(task_id)["error"]["code"] == "stale_plan"


def test_an_approval_that_was_used_serves_no_second_time(site: Program) -> None:
    task_id, digest = planned(site)
    approve(site, task_id, digest)
    used = record(site, task_id).read_bytes()
    task = (site.root / f"tasks/waiting/{task_id}.md").read_bytes()
    site("sweep")
    assert effects(site) == [task_id]

    record(site, task_id).write_bytes(used)
    site.write(f"{task_id}.md", task)
    site("sweep")
    assert site.result(f"{task_id}-refused-2")["error"]["code"] == "duplicate_id"

    other, same = planned(site)  # the same content, hence the same digest
    assert same == digest
    record(site, other).write_bytes(used)
    site("sweep")
    assert (site.states(other), effects(site)) == (["waiting"], [task_id])
    assert not record(site, task_id).exists(), "what is left over is removed"


def _lifted(said: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({**said, **changes}).encode()


FORGED: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "of another plan": lambda said: _lifted(said, digest="0" * 64),
    "of another environment": lambda said: _lifted(said, environment="dev"),
    "of another task": lambda said: _lifted(said, task_id="other"),
    "of another type": lambda said: _lifted(said, task_type="noop"),
    "of no digest": lambda said: _lifted(said, digest=""),
    "of half a digest": lambda said: _lifted(said, digest=said["digest"][:8]),
    "expired": lambda said: _lifted(said, expires_at="2026-01-01T00:00:00Z"),
    "expired by the time since boot": lambda said: _lifted(said, expires_since_boot=0.0),
    "from the future of another boot": lambda said: _lifted(
        said, at="2999-01-01T00:00:00Z", expires_at="2999-01-02T00:00:00Z", boot="another"
    ),
    "with a time that is none": lambda said: _lifted(said, expires_at=None),
    "torn": lambda said: _lifted(said)[:-20],
    "empty": lambda said: b"",
    "a list": lambda said: b"[]",
}


@pytest.mark.parametrize("kind", FORGED)
def test_an_approval_is_worth_nothing_if_it_is(site: Program, kind: str) -> None:
    task_id, digest = planned(site)
    approve(site, task_id, digest)
    said = json.loads(record(site, task_id).read_text())
    record(site, task_id).write_bytes(FORGED[kind](said))
    assert site("sweep").code == 0
    assert effects(site) == []
    if kind == "of another plan":
        assert site.result(task_id)["error"]["code"] == "stale_plan"
        return
    assert site.states(task_id) == ["waiting"]
    assert (site("sweep").code, effects(site)) == (0, [])
    assert plannings(site) == 1, "it does not plan again for that"
    assert approve(site, task_id, digest).code == 0, "a person may still agree"
    site("sweep")
    assert effects(site) == [task_id]


def test_an_approval_that_expired_says_so(site: Program) -> None:
    task_id, digest = planned(site)
    approve(site, task_id, digest)
    said = json.loads(record(site, task_id).read_text())
    record(site, task_id).write_bytes(_lifted(said, expires_since_boot=0.0))
    assert "expired at" in site("show", task_id).out


@pytest.mark.parametrize(
    "words",
    [
        ["{id}", "production", "{digest}"],
        ["{id}", "dev", "{digest}"],
        ["{id}", "staging", "00000000"],
    ],
)
def test_approve_refuses_what_is_not_meant(site: Program, words: list[str]) -> None:
    task_id, digest = planned(site)
    ran = site("approve", *(w.format(id=task_id, digest=digest[:8]) for w in words), "--json")
    assert ran.code == 6
    assert ran.json["error"]["code"] in ("wrong_environment", "stale_plan")
    assert not record(site, task_id).exists()


def test_approve_refuses_what_cannot_be_approved(site: Program) -> None:
    task_id, digest = planned(site)
    assert site("approve", task_id, "staging", digest[:7]).code == 2
    assert site("approve", "nobody", "staging", digest).code == 5
    free = site.submit("release", "--env", "dev")
    assert site("approve", free, "dev", digest, "--json").json["error"]["code"] == (
        "needs_no_approval"
    )
    young = site.submit("release", "--env", "staging")
    refused = site("approve", young, "staging", digest, "--json")
    assert (refused.code, refused.json["error"]["code"]) == (6, "not_planned")
    assert "--until approval" in refused.json["error"]["hint"]
    site("cancel", task_id)
    ended = site("approve", task_id, "staging", digest, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (6, "already_ended")


def test_a_task_that_follows_another_is_not_approved_before_it(site: Program) -> None:
    first = site.submit("noop", "--description", "first")
    task_id = site.submit("release", "--env", "staging", "--after", first)
    shown = site("plan", task_id, "--json")
    assert first in shown.json["warnings"][0]
    refused = site("approve", task_id, "staging", shown.data["digest"], "--json")
    assert (refused.code, refused.json["error"]["code"]) == (6, "not_planned")
    assert effects(site) == []


def test_a_task_that_is_edited_while_it_waits_is_planned_anew(site: Program) -> None:
    task_id, digest = planned(site)
    approve(site, task_id, digest)
    path = site.root / f"tasks/waiting/{task_id}.md"
    path.write_text(path.read_text().replace("environment: staging", "environment: production"))
    site("sweep")
    assert effects(site) == []
    assert site.states(task_id) == ["waiting"]
    assert digest_of(site, task_id) != digest


# -- the owner's waiver, and what a task file declares -------------------------------------------


def test_a_small_change_is_waived_where_the_owner_says_so(site: Program) -> None:
    configure(site, staging="waive: {max_changed: 1}")
    task_id = site.submit("release", "--env", "staging")
    site("sweep")
    assert effects(site) == [task_id]
    result = site.result(task_id)
    assert result["outputs"]["approval"]["way"] == "waived"
    assert "1 changed and 0 deleted" in result["outputs"]["approval"]["reason"]
    assert "Nobody had to approve it" in result["body"]
    assert journal(site, "agreed")[0]["approval"]["way"] == "waived"


@pytest.mark.parametrize("how", ["changed", "deleted", "phrase"])
def test_a_change_is_not_waived_beyond_that(site: Program, how: str) -> None:
    more = "waive: {max_changed: 1}"
    configure(site, staging=more, production=more)
    if how == "changed":
        (site.root / "content/second.html").write_text("2")
    elif how == "deleted":
        (site.root / "live.json").write_text('{"gone.html": "0"}')
    env = "production" if how == "phrase" else "staging"
    planned(site, env=env)
    assert effects(site) == []


def _declared(program: Program, **keys: Any) -> str:
    lines = "".join(f"{name}: {json.dumps(value)}\n" for name, value in keys.items())
    program.write(
        "declared.md",
        f"---\ntask_type: release\ncreated_by: mark\n{lines}params: {{environment: production}}\n"
        "---\n",
    )
    program("sweep")
    return "declared"


def test_a_declared_approval_counts_where_the_owner_accepts_it(site: Program) -> None:
    configure(site, production="accept_declared: true")
    task_id = _declared(site, approval_confirmed=True, approval_confirmation=PHRASE)
    assert effects(site) == [task_id]
    said = site.result(task_id)["outputs"]["approval"]
    assert (said["way"], said["by"]) == ("declared", "mark")


@pytest.mark.parametrize(
    ("accepted", "keys"),
    [
        (False, {"approval_confirmed": True, "approval_confirmation": PHRASE}),
        (True, {"approval_confirmed": True}),
        (True, {"approval_confirmation": PHRASE}),
        (True, {"approval_confirmed": True, "approval_confirmation": PHRASE.lower()}),
        (True, {"approval_confirmed": False, "approval_confirmation": PHRASE}),
        (False, {"approval": {"by": "mark", "digest": "0" * 64}}),
    ],
)
def test_a_declaration_is_not_taken_for_more_than_it_is(
    site: Program, accepted: bool, keys: dict[str, Any]
) -> None:
    if accepted:
        configure(site, production="accept_declared: true")
    (site.root / "tasks/templates/release.md").write_text(
        f"---\ntask_type: release\napproval_confirmed: true\napproval_confirmation: {PHRASE}\n---\n"
    )
    task_id = _declared(site, **keys)
    assert (effects(site), site.states(task_id)) == ([], ["waiting"])


# -- the phrase --------------------------------------------------------------------------------


def at_terminal(program: Program, words: list[str], typed: str, **environ: str) -> Ran:
    """Run a command at a terminal of its own and type a line once it asks for something."""
    master, slave = pty.openpty()
    try:
        process = subprocess.Popen(
            program.argv(*words), cwd=program.root, env={**program.environ, **environ},
            stdin=slave, stderr=slave, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        os.close(slave)
        shown = b""
        while True:
            try:
                chunk = os.read(master, 4096)
            except OSError:  # Linux's way to say that nobody has it open any more
                break
            shown += chunk
            if not chunk or (b"type " in shown and shown.rstrip().endswith(b":")):
                break
        if process.poll() is None:
            os.write(master, f"{typed}\n".encode())
        out, _ = process.communicate(timeout=30)
        return Ran(process.returncode, out, shown.decode())
    finally:
        os.close(master)


def test_the_phrase_is_typed_by_a_person_at_a_terminal(site: Program) -> None:
    task_id, digest = planned(site, env="production")
    words = ["approve", task_id, "production", digest[:8]]
    silent = site(*words, "--json", stdin=f"{PHRASE}\n")
    assert (silent.code, silent.json["error"]["code"]) == (4, "needs_phrase")
    assert at_terminal(site, words, PHRASE, CLAUDECODE="1").code == 4
    wrong = at_terminal(site, words, PHRASE.lower())
    assert wrong.code == 4
    assert not record(site, task_id).exists()

    typed = at_terminal(site, words, PHRASE)

    assert typed.code == 0, typed.err
    for shown in (digest[:8], "1 changed, 0 deleted", "the folder live"):
        assert shown in typed.err
    site("sweep")
    assert effects(site) == [task_id]
    assert site.result(task_id)["outputs"]["approval"]["through"] == "phrase"


def test_a_phrase_that_a_person_was_seen_to_write_serves_once(site: Program) -> None:
    task_id, digest = planned(site, env="production")
    assert witness(site, f"please {PHRASE}") == ""
    assert approve(site, task_id, digest, "production").code == 4
    assert witness(site, f" {PHRASE}\n") == task_id
    ran = approve(site, task_id, digest, "production")
    assert ran.code == 0, ran.err
    site("sweep")
    assert effects(site) == [task_id]
    assert site.result(task_id)["outputs"]["approval"]["through"] == "witnessed"
    other, same = planned(site, env="production")
    assert approve(site, other, same, "production").code == 4, "it was used up"


def test_a_witnessed_phrase_is_for_the_plan_that_waited_then(site: Program) -> None:
    task_id, digest = planned(site, env="production")
    assert witness(site, PHRASE) == task_id
    change(site, "newer")
    now = site("plan", task_id, "--json").data["digest"]
    assert now != digest
    assert approve(site, task_id, now, "production").code == 4
    assert witness(site, PHRASE) == task_id, "said again, it is for the plan of now"
    seen = site.root / ".workflow/witnessed.json"
    said = json.loads(seen.read_text())
    seen.write_bytes(_lifted(said, expires_since_boot=0.0))
    assert approve(site, task_id, now, "production").code == 4, "too long ago"
    assert effects(site) == []


def test_a_phrase_that_may_mean_two_tasks_or_none_means_none(site: Program) -> None:
    assert witness(site, PHRASE) == ""
    planned(site, env="staging")
    assert witness(site, PHRASE) == "", "that one asks for no phrase"
    planned(site, env="production")
    planned(site, env="production")
    assert witness(site, PHRASE) == ""
    assert not (site.root / ".workflow/witnessed.json").exists()


# -- killed ------------------------------------------------------------------------------------


def _killed(program: Program, where: str) -> None:
    """A sweep that is killed while the release is `planning`, or `sending`."""
    sweep = program.start("sweep")
    until((program.root / f"is-{where}").exists)
    sweep.send_signal(signal.SIGKILL)
    sweep.wait()
    (program.root / f"is-{where}").unlink()


def test_a_release_that_is_killed_while_it_plans_plans_again(site: Program) -> None:
    task_id = site.submit("release", "--env", "staging", "wait_at=planning")
    _killed(site, "planning")
    (site.root / "go-on").touch()
    assert site("sweep").code == 0
    assert (site.states(task_id), effects(site), plannings(site)) == (["waiting"], [], 2)
    approve(site, task_id, digest_of(site, task_id))
    site("sweep")
    result = site.result(task_id)
    assert [a["status"] for a in result["attempts"]] == ["interrupted", "success"]
    assert effects(site) == [task_id]


def test_a_release_that_is_killed_as_it_plans_each_time_is_not_tried_for_ever(
    site: Program,
) -> None:
    task_id = site.submit("release", "--env", "staging", "wait_at=planning")
    for _ in range(3):
        _killed(site, "planning")
    assert site("sweep").code == 0
    result = site.result(task_id)
    assert (result["error"]["code"], effects(site)) == ("interrupted", [])
    assert len(result["attempts"]) == plannings(site) == 3


def test_an_approval_outlives_a_kill_before_the_point_of_no_return(site: Program) -> None:
    (site.root / "go-on").touch()
    task_id, digest = planned(site, "wait_at=planning")
    (site.root / "go-on").unlink()
    (site.root / "is-planning").unlink()
    approve(site, task_id, digest)
    _killed(site, "planning")
    (site.root / "go-on").touch()
    site("sweep")
    assert effects(site) == [task_id]
    assert site.result(task_id)["outputs"]["approval"]["way"] == "approved"


def test_a_release_that_is_killed_as_it_sends_ends_as_interrupted_and_says_what_is_live(
    site: Program,
) -> None:
    task_id, digest = planned(site, "wait_at=sending")
    approve(site, task_id, digest)
    _killed(site, "sending")
    (site.root / "go-on").touch()
    for _ in range(2):
        assert site("sweep").code == 0
    result = site.result(task_id)
    assert (result["error"]["code"], result["error"]["action"]) == ("interrupted", "escalate")
    assert result["outputs"]["live"] == "partial"
    assert result["outputs"]["approval"]["digest"] == digest
    assert effects(site) == []
    assert not record(site, task_id).exists()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_as_the_approval_is_used_up_gives_no_second_use(site: Program, when: str) -> None:
    task_id, digest = planned(site)
    approve(site, task_id, digest)
    code = (
        "import os, sys; from workflow import approval\n"
        "use_up = approval.use_up_approval\n"
        "def killed(exchange, task_id):\n"
        f"    {'use_up(exchange, task_id)' if when == 'after' else 'pass'}\n"
        "    os._exit(9)\n"
        "approval.use_up_approval = killed\n"
        "from workflow.__main__ import main; sys.argv = ['workflow', 'sweep']; main()\n"
    )
    died = subprocess.run(
        [sys.executable, "-c", code], cwd=site.root, env=site.environ, check=False
    )
    assert died.returncode == 9
    assert record(site, task_id).exists() == (when == "before")
    for _ in range(2):
        assert site("sweep").code == 0
    result = site.result(task_id)
    assert result["error"]["code"] == "interrupted"
    assert result["outputs"]["approval"]["digest"] == digest
    assert effects(site) == []
    assert not record(site, task_id).exists()


def test_an_approved_release_that_fails_is_not_tried_again_by_itself(site: Program) -> None:
    task_id, digest = planned(site, "fail=retry")
    approve(site, task_id, digest)
    site("sweep")
    result = site.result(task_id)
    assert (result["status"], result["error"]["action"]) == ("failed", "retry")
    assert result["outputs"]["approval"]["digest"] == digest
    assert effects(site) == [task_id], "one approval, one effect"


def test_a_release_that_nobody_had_to_approve_is_tried_again_after_a_passing_fault(
    site: Program,
) -> None:
    config = site.root / "workflow.yaml"
    config.write_text(CONFIG + "policies: {retry: {max_attempts: 2, backoff_seconds: 0}}\n")
    task_id = site.submit("release", "--env", "dev", "fail=retry")
    until(lambda: site("sweep").code == 0 and site.exchange.result(task_id))
    assert len(site.result(task_id)["attempts"]) == 2


# -- at the same time --------------------------------------------------------------------------


def test_of_several_who_approve_at_once_all_are_told_and_one_effect_comes_of_it(
    site: Program,
) -> None:
    task_id, digest = planned(site)
    with ThreadPoolExecutor(3) as people:
        codes = list(people.map(lambda _: approve(site, task_id, digest).code, range(3)))
    assert codes == [0, 0, 0]
    assert len(journal(site, "approved")) == 1
    with ThreadPoolExecutor(3) as sweeps:
        list(sweeps.map(lambda _: site("sweep"), range(3)))
    until(lambda: site.exchange.result(task_id))
    assert effects(site) == [task_id]


def test_an_approval_is_seen_by_a_sweep_that_runs_already(site: Program) -> None:
    task_id, digest = planned(site)
    site.submit("release", "--env", "dev", "wait_at=sending")
    sweep = site.start("sweep", "--jobs", "2")
    until((site.root / "is-sending").exists)
    assert approve(site, task_id, digest).code == 0
    until(lambda: site.exchange.result(task_id))
    assert sweep.poll() is None
    (site.root / "go-on").touch()
    assert sweep.wait(30) == 0
    assert effects(site).count(task_id) == 1


def test_a_release_that_is_being_planned_is_neither_approved_nor_rejected(site: Program) -> None:
    task_id = site.submit("release", "--env", "staging", "wait_at=planning")
    sweep = site.start("sweep")
    until((site.root / "is-planning").exists)
    for command in (
        ["plan", task_id],
        ["reject", task_id],
        ["approve", task_id, "staging", "0" * 8],
    ):
        ran = site(*command, "--json")
        assert (ran.code, ran.json["error"]["code"]) == (75, "still_running"), command
    assert site("cancel", task_id).code == 0
    assert sweep.wait(30) == 0
    assert site.result(task_id)["status"] == "cancelled"
    assert effects(site) == []


def test_a_sweep_that_is_told_to_stop_while_a_release_plans_leaves_it_for_the_next(
    site: Program,
) -> None:
    task_id = site.submit("release", "--env", "staging", "wait_at=planning")
    sweep = site.start("sweep")
    until((site.root / "is-planning").exists)
    sweep.send_signal(signal.SIGTERM)
    assert sweep.wait(30) == 130
    assert site.states(task_id) == ["in-progress"]
    (site.root / "go-on").touch()
    site("sweep")
    assert site.states(task_id) == ["waiting"]


def test_a_sweep_that_is_told_to_stop_while_a_release_sends_says_what_is_live(
    site: Program,
) -> None:
    task_id, digest = planned(site, "wait_at=sending")
    approve(site, task_id, digest)
    sweep = site.start("sweep")
    until((site.root / "is-sending").exists)
    sweep.send_signal(signal.SIGTERM)
    assert sweep.wait(30) == 130
    result = site.result(task_id)
    assert result["error"]["code"] == "interrupted"
    assert result["outputs"]["approval"]["digest"] == digest
    (site.root / "go-on").touch()
    site("sweep")
    assert effects(site) == []


def test_a_release_that_plans_for_too_long_is_ended(site: Program) -> None:
    text = "---\ntask_type: release\ntimeout_minutes: 0.005\nparams: {wait_at: planning}\n---\n"
    site.write("long.md", text)
    site("sweep")
    result = site.result("long")
    assert (result["status"], result["error"]["code"]) == ("timeout", "timeout")
    assert effects(site) == []


# -- no ----------------------------------------------------------------------------------------


def test_a_release_is_rejected_with_a_reason(site: Program) -> None:
    task_id, digest = planned(site)
    approve(site, task_id, digest)
    ran = site("reject", task_id, "--reason", "not on a Friday", "--json")
    assert (ran.code, ran.data["status"]) == (0, "rejected")
    result = site.result(task_id)
    assert (result["status"], result["error"]["code"]) == ("rejected", "rejected")
    assert result["error"]["message"].endswith("not on a Friday")
    assert result["error"]["action"] == "escalate"
    assert site.states(task_id) == ["failed"]
    site("sweep")
    assert effects(site) == []
    assert journal(site, "rejected")
    assert not record(site, task_id).exists()
    assert read_plan(site.exchange, task_id) is None
    assert site("reject", task_id).code == 6
    assert site("wait", task_id).code == 3


def test_a_release_that_waits_is_cancelled(site: Program) -> None:
    task_id, digest = planned(site)
    approve(site, task_id, digest)
    assert site("cancel", task_id).code == 0
    site("sweep")
    assert (site.result(task_id)["status"], effects(site)) == ("cancelled", [])
    assert not record(site, task_id).exists()


def test_a_release_that_is_tried_again_is_approved_again(site: Program) -> None:
    task_id, digest = planned(site)
    approve(site, task_id, digest)
    site("sweep")
    again = site("retry", task_id).out.strip()
    assert "approval" not in (site.root / f"tasks/pending/{again}.md").read_text().split()
    change(site, "second")
    site("sweep")
    assert (site.states(again), effects(site)) == (["waiting"], [task_id])


# -- what would be done ------------------------------------------------------------------------


def test_the_plan_says_in_which_folders_the_files_lie_that_it_does_not_name(site: Program) -> None:
    for folder, files in {"archive": 30, "b": 4, "c": 3, "d": 2}.items():
        (site.root / "content" / folder).mkdir(parents=True)
        for number in range(files):
            (site.root / f"content/{folder}/{number:02}.html").write_text("x")
    task_id, _ = planned(site)
    told = "  and 30 more (--all): 20 in archive/, 4 in b/, 3 in c/, 3 elsewhere\n"
    assert told in site("plan", task_id).out
    assert "elsewhere" not in site("plan", task_id, "--all").out


def test_the_plan_names_every_file_with_its_reason_and_the_command_to_approve(
    site: Program,
) -> None:
    for number in range(12):
        (site.root / f"content/{number:02}.html").write_text("x")
    (site.root / "live.json").write_text('{"gone.html": "0", "index.html": "0"}')
    task_id, digest = planned(site)
    shown = site("plan", task_id)
    assert shown.code == 0
    assert "new (12): content differs\n  00.html\n" in shown.out
    assert "  and 2 more (--all): 2 at the top\n" in shown.out and "11.html" not in shown.out
    assert "changed (1): content differs\n  index.html" in shown.out
    assert "deleted (1): gone\n  gone.html" in shown.out
    assert "for 15 minutes and once" in shown.out
    assert f"workflow approve {task_id} staging {digest[:8]}" in shown.err
    assert "11.html" in site("plan", task_id, "--all").out
    data = site("plan", task_id, "--json").data
    assert (data["digest"], data["policy"], data["waits"]) == (digest, "approve", True)
    assert len(data["details"]["actions"]) == 14
    assert plannings(site) == 1, "all of that came from the plan that waits"
    site("plan", task_id, "--fresh")
    assert plannings(site) == 2


def test_a_task_that_has_not_planned_yet_is_planned_by_looking_at_it(site: Program) -> None:
    task_id = site.submit("release", "--env", "staging")
    digest = site("plan", task_id, "--json").data["digest"]
    assert (site.states(task_id), effects(site)) == (["pending"], [])
    assert approve(site, task_id, digest).code == 0
    site("sweep")
    assert effects(site) == [task_id]


def test_there_is_no_plan_of_what_publishes_nothing_or_has_ended(site: Program) -> None:
    noop = site.submit("noop")
    assert site("plan", noop, "--json").json["error"]["code"] == "nothing_to_plan"
    site("sweep")
    ended = site("plan", noop, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (6, "already_ended")
    assert f"workflow show {noop}" in ended.json["error"]["hint"]


def test_an_approval_is_made_of_what_its_file_says(site: Program) -> None:
    task_id, digest = planned(site)
    site("approve", task_id, "staging", digest, "--reason", "looked at it")
    said = Approval(**json.loads(record(site, task_id).read_text()))
    assert (said.task_id, said.digest, said.environment) == (task_id, digest, "staging")
    assert said.reason == "looked at it"
    site("sweep")
    assert site.result(task_id)["outputs"]["approval"]["reason"] == "looked at it"


# -- whatever happens --------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_each_effect_has_an_approval_of_its_own_for_that_very_plan(
    site: Program, seed: int
) -> None:
    """Random steps of a person, of whoever changes the content, of sweeps that are killed, and of
    somebody who puts old approvals back."""
    chance = random.Random(seed)
    (site.root / "go-on").touch()
    agreed: list[str] = []
    kept: list[tuple[str, bytes]] = []

    def submit() -> None:
        site.submit("release", "--env", "staging", f"wait_at={chance.choice(WHERE)}")

    def agree() -> None:
        waiting = site.exchange.names("waiting")
        if waiting:
            task_id = chance.choice(waiting)
            digest = digest_of(site, task_id)
            if approve(site, task_id, digest).out.rstrip().endswith("UTC"):
                agreed.append(digest)
                kept.append((task_id, record(site, task_id).read_bytes()))

    def put_back() -> None:
        if kept:
            task_id, raw = chance.choice(kept)
            record(site, chance.choice([task_id, *site.exchange.names("waiting")])).write_bytes(raw)

    def kill() -> None:
        (site.root / "go-on").unlink()
        for where in WHERE:
            (site.root / f"is-{where}").unlink(missing_ok=True)
        sweep = site.start("sweep")
        until(lambda: sweep.poll() is not None or list(site.root.glob("is-*")))
        sweep.kill()
        sweep.wait()
        (site.root / "go-on").touch()

    def sweep() -> None:
        site("sweep")

    def alter() -> None:
        change(site, chance.choice("ab"))

    steps: dict[Callable[[], None], int] = {
        submit: 4, agree: 5, sweep: 6, alter: 1, kill: 1, put_back: 2,
    }  # fmt: skip
    for step in chance.choices(list(steps), list(steps.values()), k=40):
        step()
    site("sweep")

    sent = site.root / "sent.log"
    done = Counter(sent.read_text().split() if sent.exists() else [])
    assert len(effects(site)) == sum(done.values())
    assert done <= Counter(agreed), "each effect used up one approval of that plan"
    assert max(Counter(effects(site)).values(), default=0) <= 1
    assert site("doctor").code == 0

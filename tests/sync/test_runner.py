"""The workflow file for GitHub Actions: its shape, and its shell steps as a runner runs them.

GitHub itself cannot be here; a clone with a runner's environment stands in for its machine.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.sync.machines import CONFIG, Machine, Machines, git, make_machines

FILE = Path(__file__).parents[2] / "deploy/github-actions/site-tasks.yml"
RELEASE = "---\ntask_type: release\nparams: {environment: %s}\n---\n"


@pytest.fixture
def workflow() -> dict[str, Any]:
    read: dict[str, Any] = yaml.load(FILE.read_text(), Loader=yaml.BaseLoader)  # `on` is a word
    return read


def _step(workflow: dict[str, Any], job: str) -> dict[str, Any]:
    (step,) = (step for step in workflow["jobs"][job]["steps"] if step.get("name") == "Sweep")
    found: dict[str, Any] = step
    return found


def _run(machine: Machine, step: dict[str, Any], **values: str) -> dict[str, str]:
    """Run a step in a clone, as a runner does; gives what it put out."""
    home = machine.root.parent / "runner"
    (home / "bin").mkdir(parents=True, exist_ok=True)
    program = home / "bin/workflow"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m workflow "$@"\n')
    program.chmod(0o755)
    given = {name: values.get(name, text) for name, text in step["env"].items()}
    assert not any("${{" in text for text in given.values())
    environ = {
        **machine.environ, **given, "RUNNER_TEMP": str(home),
        "GITHUB_OUTPUT": str(home / "output"), "GITHUB_STEP_SUMMARY": str(home / "summary"),
        "PATH": f"{home / 'bin'}:{machine.environ['PATH']}",
    }  # fmt: skip
    (home / "output").write_text("")
    subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=machine.root, env=environ, check=True, timeout=60,
    )  # fmt: skip
    return dict(line.split("=", 1) for line in (home / "output").read_text().splitlines())


def _make_shallow(machine: Machine) -> None:
    """Clone anew as actions/checkout does: the newest commit alone."""
    url = git(machine.root, "remote", "get-url", "origin").strip()
    shutil.rmtree(machine.root)
    git(machine.root.parent, "clone", "-q", "--depth=1", f"file://{url}", str(machine.root))


def test_a_push_of_tasks_starts_it_and_one_after_the_other_does_all_there_is(
    workflow: dict[str, Any],
) -> None:
    push = workflow["on"]["push"]
    assert push == {"branches": ["site-tasks"], "paths": ["tasks/pending/**", "approvals/**"]}
    assert "schedule" in workflow["on"], "machines that are gone are seen by time alone"
    for job in workflow["jobs"].values():
        assert job["concurrency"]["cancel-in-progress"] == "false"
        checkout = job["steps"][0]
        assert checkout["with"]["ref"] == "${{ github.event.repository.default_branch }}"
    sweep, environment = workflow["jobs"]["sweep"], workflow["jobs"]["environment"]
    assert "environment" not in sweep, "what asks nobody has no environment's secrets"
    assert environment["environment"] == "${{ matrix.environment }}"
    assert environment["permissions"] == {"contents": "write", "id-token": "write"}
    assert workflow["permissions"] == {"contents": "write"}


def test_what_the_runner_installs_is_named_by_the_owner_or_nothing_is_installed(
    workflow: dict[str, Any], tmp_path: Path
) -> None:
    """The name `workflow` alone is another program's on package indexes."""
    pip, told = tmp_path / "pip", tmp_path / "told"
    pip.write_text(f'#!/bin/sh\nprintf "%s " "$@" >> {told}\n')
    pip.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    for job in workflow["jobs"].values():
        (step,) = (step for step in job["steps"] if step.get("name") == "Install")
        script = ["bash", "-eo", "pipefail", "-c", step["run"]]
        ran = subprocess.run(script, env=environ | {"WORKFLOW_PACKAGE": ""}, capture_output=True)
        assert ran.returncode != 0 and b"WORKFLOW_PACKAGE" in ran.stderr
        assert not told.exists()
        subprocess.run(script, env=environ | {"WORKFLOW_PACKAGE": "./program[hugo]"}, check=True)
        assert told.read_text().split() == ["install", "--quiet", "./program[hugo]"]
        told.unlink()


def test_no_text_from_outside_becomes_part_of_a_script(workflow: dict[str, Any]) -> None:
    scripts = [
        step["run"]
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if "run" in step
    ]  # fmt: skip
    assert len(scripts) == 4
    for script in scripts:
        assert "${{" not in script
        subprocess.run(["bash", "-n", "-c", script], check=True)


def test_its_steps_run_what_is_open_and_leave_each_environment_to_its_own_job(
    workflow: dict[str, Any], tmp_path: Path
) -> None:
    config = CONFIG.replace("grace_seconds: 1", "grace_seconds: 1, accept_approvals: true")
    machines = make_machines(tmp_path, 4, config)
    runner, protected, again, laptop = machines.clones
    _make_shallow(protected)
    machines.push(
        {"n": "---\ntask_type: noop\n---\n", "d": RELEASE % "dev", "s": RELEASE % "staging"}
    )
    put_out = _run(runner, _step(workflow, "sweep"), OPEN_ENVIRONMENTS="dev")
    assert json.loads(put_out["left"]) == ["staging"]
    assert machines.ended() == ["d", "n"]

    # The job of the environment plans it on a disk of its own, and a person has to agree.
    step = _step(workflow, "environment")
    named = {"TASK_ENVIRONMENT": "staging", "WORKFLOW_WORKER": "github-staging"}
    _run(protected, step, **named)
    assert machines.ended() == ["d", "n"]
    assert "plans/s.jsonl" in machines.files("plans")
    put_out = _run(runner, _step(workflow, "sweep"), OPEN_ENVIRONMENTS="dev")
    assert json.loads(put_out["left"]) == [], "no reviewer is asked while a person decides"

    laptop.sync()
    digest = laptop("plan", "s", "--json").data["digest"]
    ran = laptop("approve", "s", "staging", digest[:8])
    assert ran.code == 0, ran.err
    laptop.sync()
    assert "[new]" in git(machines.server, "log", "-1", "--format=%s", "site-tasks")
    put_out = _run(runner, _step(workflow, "sweep"), OPEN_ENVIRONMENTS="dev")
    assert json.loads(put_out["left"]) == ["staging"]
    _run(again, step, **named)  # another disk, the same worker
    laptop.sync()
    assert laptop.result("s")["status"] == "success"
    assert machines.effects()["s"] == 1


def test_the_machines_own_steps_start_no_runner_unless_they_bring_something_new(
    workflow: dict[str, Any], two: Machines
) -> None:
    first, second = two.clones
    condition = workflow["jobs"]["sweep"]["if"]
    marks = re.findall(r"head_commit.message, '([^']+)'", condition)
    assert marks == ["Workflow-Step:", "[new]"]
    two.push({"t": "---\ntask_type: noop\n---\n"})
    first.sync()
    later = "---\ntask_type: noop\nnot_before: 2999-01-01\n---\n"
    second.write("2026-01-01-0000-later.md", later)
    second.sync()
    said = git(two.server, "log", "-z", "--format=%B", "site-tasks").rstrip("\0")
    *ours, phone = said.split("\0")
    assert "Workflow-Step:" not in phone
    assert all("Workflow-Step:" in message for message in ours)
    assert ["[new]" in message for message in ours] == [True, False, False]


def test_the_branch_begins_with_the_runners_file_where_the_owner_has_one(two: Machines) -> None:
    first = two.clones[0]
    path = first.root / ".github/workflows/site-tasks.yml"
    path.parent.mkdir(parents=True)
    path.write_bytes(FILE.read_bytes())
    first.submit("noop")
    first.sync()
    assert two.show(".github/workflows/site-tasks.yml") == FILE.read_text()

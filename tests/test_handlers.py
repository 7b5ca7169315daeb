"""Task types from other packages, found by their entry points."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.program import Program


def test_a_task_type_of_another_package_is_run_as_one_of_ours(program: Program) -> None:
    task_id = program.submit("effect")
    assert program("sweep").code == 0
    assert program.result(task_id)["outputs"] == {"effects": 1}
    assert (program.root / "effects.log").read_text() == f"{task_id}\n"


def test_types_lists_what_other_packages_bring(program: Program) -> None:
    names = [row["name"] for row in program("types", "--json").data["types"]]
    assert {"hugo-build", "noop", "effect", "effect-once"} <= set(names)


def test_a_package_whose_handler_cannot_be_loaded_stops_nothing_and_is_named(
    program: Program, tmp_path: Path
) -> None:
    metadata = tmp_path / "plugins" / "half_installed-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: half-installed\nVersion: 1.0\n"
    )
    (metadata / "entry_points.txt").write_text("[workflow.handlers]\nbroken = not_there\n")
    environ = {"PYTHONPATH": f"{program.environ['PYTHONPATH']}{os.pathsep}{metadata.parent}"}
    asked = program("submit", "broken", **environ)
    assert asked.code == 2
    assert "ModuleNotFoundError" in asked.err
    program.write("2026-01-01-0000-broken.md", "---\ntask_type: broken\n---\n")
    beside = program.submit("effect")
    assert program("sweep", **environ).code == 0
    assert program.result("2026-01-01-0000-broken")["error"]["code"] == "unknown_type"
    assert program.result(beside)["status"] == "success"
    findings = program("doctor", "--json", **environ).data["findings"]
    (found,) = [f for f in findings if f["subject"] == "task type broken"]
    assert "ModuleNotFoundError" in found["message"]


def test_a_task_has_its_own_time_limit_or_that_of_its_type_or_that_of_the_policies(
    program: Program,
) -> None:
    code = (
        "from workflow.config import load_config; from workflow.task import load_task\n"
        "for name in 'abc':\n"
        "    task, _ = load_task(f'{name}.md', name, load_config('.'))\n"
        "    print(task.timeout_seconds)\n"
    )
    for name, keys in (
        ("a", "task_type: program\nparams: {script: x}\ntimeout_minutes: 2"),
        ("b", "task_type: program\nparams: {script: x}"),
        ("c", "task_type: effect"),
    ):
        program.write(f"{name}.md", f"---\n{keys}\n---\n", folder=".")
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=program.root, env=program.environ, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert said.stdout.split() == ["120.0", "300", "600"]


def test_a_program_is_given_what_it_asks_for(program: Program) -> None:
    """As a script that wants its confirmation typed."""
    script = 'read answer; echo "it said $answer"'
    program.write(
        "asks.md",
        f"---\ntask_type: program\nparams: {{script: '{script}', answers: \"yes\\n\"}}\n---\n",
    )
    program("sweep")
    assert "it said yes" in program.result("asks")["logs"]

"""The shipped timers say what their systems need, and run a sweep."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import Program

REPOSITORY = Path(__file__).parent.parent
TIMERS = REPOSITORY / "workflow/data/timers"


def _filled(name: str, program: Program) -> str:
    """A timer's file with its two placeholders replaced, as the documented lines do it."""
    launcher = program.root.parent / "workflow"
    if not launcher.exists():
        launcher.write_text(
            f'#!/bin/sh\nPYTHONPATH={REPOSITORY} exec {sys.executable} -m workflow "$@"\n'
        )
        launcher.chmod(0o755)
    text = (TIMERS / name).read_text()
    return text.replace("@ROOT@", str(program.root)).replace("@WORKFLOW@", str(launcher))


def test_the_launchd_job_runs_a_sweep_every_few_seconds(program: Program) -> None:
    job = plistlib.loads(_filled("dev.workflow.sweep.plist", program).encode())
    assert job["ProgramArguments"][1:] == ["--root", str(program.root), "sweep"]
    assert job["StartInterval"] <= 10
    assert job["ThrottleInterval"] <= job["StartInterval"], "or launchd allows one in ten seconds"
    assert "/opt/homebrew/bin" in job["EnvironmentVariables"]["PATH"].split(":")
    assert job["WatchPaths"] == [str(program.root / "tasks/pending")]


def test_the_launchd_job_works_with_the_path_that_launchd_gives(program: Program) -> None:
    job = plistlib.loads(_filled("dev.workflow.sweep.plist", program).encode())
    task_id = program.submit("hugo-build", "--env", "dev")
    environ = {"HOME": str(program.root.parent / "home"), **job["EnvironmentVariables"]}
    subprocess.run(job["ProgramArguments"], cwd="/", env=environ, check=True)
    assert program.result(task_id)["status"] == "success"


def test_the_cron_line_runs_a_sweep(program: Program) -> None:
    line = _filled("crontab", program).splitlines()[-1]
    assert line.split()[:5] == ["*"] * 5
    task_id = program.submit("noop")
    shell = line.split(maxsplit=5)[5]
    environ = {"HOME": str(program.root.parent / "home"), "PATH": "/usr/bin:/bin"}
    subprocess.run(["/bin/sh", "-c", shell], cwd="/", env=environ, check=True)
    assert program.result(task_id)["status"] == "success"


def test_systemd_accepts_the_units(program: Program) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    folder = program.root.parent / "units"
    folder.mkdir()
    names = ["workflow-sweep.service", "workflow-sweep.timer", "workflow-sweep.path"]
    for name in names:
        (folder / name).write_text(_filled(name, program))
    runtime = program.root.parent / "runtime"
    runtime.mkdir(mode=0o700)
    ran = subprocess.run(
        ["systemd-analyze", "--user", "verify", *(str(folder / name) for name in names)],
        capture_output=True, text=True, check=False,
        env={**program.environ, "XDG_RUNTIME_DIR": str(runtime)},
    )  # fmt: skip
    complaints = [line for line in ran.stderr.splitlines() if "workflow-sweep" in line]
    assert (ran.returncode, complaints) == (0, [])


def test_the_repository_shows_the_timers_that_the_package_carries() -> None:
    kinds = ("launchd", "systemd", "cron")
    shown = [p for kind in kinds for p in (REPOSITORY / "deploy" / kind).iterdir()]
    assert sorted(p.name for p in shown) == sorted(os.listdir(TIMERS))
    assert all(p.resolve() == TIMERS / p.name for p in shown)

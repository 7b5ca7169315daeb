"""The units for systemd: systemd itself checks them; systemctl is a stand-in.

A user's own systemd cannot run in a container: it wants a cgroup that is delegated to it.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.service.conftest import Served
from workflow.service import systemd
from workflow.service.job import Job

ODD = "/a b%c $d \"e\" f\\g 'h' é/x"


def _units(folder: Path, job: Job) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = []
    for suffix in ("service", "timer", "path"):
        path = folder / f"workflow-sweep-{job.name}.{suffix}"
        path.write_bytes(systemd.unit(job, suffix))
        paths.append(path)
    return paths


def _verify(folder: Path, paths: list[Path]) -> str:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    ran = subprocess.run(
        ["systemd-analyze", "--user", "verify", *map(str, paths)],
        capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_RUNTIME_DIR": str(runtime)},
    )  # fmt: skip
    ours = [line for line in ran.stderr.splitlines() if "workflow-sweep" in line]
    return "\n".join([*ours, *([f"exit {ran.returncode}"] if ran.returncode else [])])


@pytest.mark.parametrize("name", ["plain", "a b", "per%cent", "do$llar", 'quo"te', "back\\slash"])
def test_systemd_accepts_the_units_wherever_the_exchange_lies(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    root.mkdir()
    program = root / "work flow"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    paths = _units(tmp_path / "units", Job(str(root), (str(program),), f"/usr/bin:{root}"))
    assert _verify(tmp_path, paths) == ""


def test_systemd_would_tell_a_unit_that_is_wrong(tmp_path: Path) -> None:
    paths = _units(tmp_path / "units", Job(str(tmp_path), ("/bin/true",), "/usr/bin"))
    paths[0].write_text(paths[0].read_text().replace("StandardError=", "StandardEror="))
    paths[1].write_text(paths[1].read_text().replace("OnUnitInactiveSec=5s", "OnActiveSec=x"))
    assert "StandardEror" in _verify(tmp_path, paths)


def test_odd_signs_are_written_as_systemd_reads_them() -> None:
    service = systemd.unit(Job(ODD, ("/v/workflow",), f"/usr/bin:{ODD}"), "service").decode()
    lines = dict(line.split("=", 1) for line in service.splitlines() if "=" in line)
    doubled = ODD.replace("%", "%%")
    quoted = doubled.replace("\\", "\\\\").replace('"', '\\"')
    # `:` says that $ is no variable.
    assert lines["ExecStart"] == f':"/v/workflow" "--root" "{quoted}" "sweep"'
    assert lines["Environment"] == f'"PATH=/usr/bin:{quoted}"'
    assert lines["StandardError"] == f"append:{doubled}/.workflow/timer.log"
    path = systemd.unit(Job(ODD, ("/v/workflow",), ""), "path").decode()
    assert f"\nPathChanged={doubled}/tasks/pending\n" in path


def test_the_units_do_what_a_timer_needs() -> None:
    job = Job("/srv/tasks", ("/v/workflow",), "/usr/bin")
    service, timer, path = (systemd.unit(job, s).decode() for s in ("service", "timer", "path"))
    assert "\nType=oneshot\n" in service
    assert "\nStartLimitIntervalSec=0\n" in service, "five tasks in ten seconds are no failure"
    assert "\nTimeoutStartSec=infinity\n" in service, "a deploy has its own time limit"
    assert "\nAccuracySec=1s\n" in timer, "the default is a minute"
    assert "\nOnUnitInactiveSec=5s\n" in timer
    assert "\nDirectoryNotEmpty=" not in path, "a half-written file would start it for ever"
    assert "\nWantedBy=timers.target\n" in timer
    assert "\nWantedBy=default.target\n" in path


def test_the_timer_and_the_path_are_switched_on_and_the_service_is_not(linux: Served) -> None:
    assert linux("install").code == 0
    names = [path.name for path in linux.files]
    path, service, timer = names
    assert linux.calls == [
        "--user daemon-reload",
        f"--user enable {timer} {path}",
        f"--user restart {timer} {path}",
    ]
    assert linux("uninstall").code == 0
    assert linux.calls[3:] == [f"--user disable --now {timer} {path}", "--user daemon-reload"]
    assert service.endswith(".service")


def test_a_timer_that_somebody_stopped_is_started_again(linux: Served) -> None:
    assert linux("install").code == 0
    for active in linux.state.glob("*.active"):
        active.unlink()
    ran = linux("status")
    assert ran.code == 8
    assert "NOT loaded (timer: inactive, path: inactive)" in ran.out
    ran = linux("install")
    assert ran.code == 0, ran.err
    assert "wrote" not in ran.out


def test_a_sweep_that_failed_shows_in_status_and_doctor(linux: Served) -> None:
    assert linux("install").code == 0
    (linux.state / "exit").write_text("1")
    ran = linux("status")
    assert "last exit   1" in ran.out
    assert "exit-code" in ran.out
    found = linux.program("doctor", "--json", PATH=linux.tools).data["findings"]
    assert [f["state"] for f in found if f["subject"] == "timer"] == ["warning"]


def test_without_a_systemd_of_ones_own_the_reason_is_said(linux: Served) -> None:
    (linux.state / "no-bus").touch()
    ran = linux("install", "--kind", "systemd")
    assert ran.code == 2
    assert "Failed to connect to bus" in ran.err


def test_who_stays_when_nobody_is_logged_in_is_said(linux: Served) -> None:
    assert "loginctl enable-linger" in linux("install", USER="nobody-here").err

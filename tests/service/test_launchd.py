"""The agent for launchd, and what launchctl answers. launchctl itself is a stand-in."""

from __future__ import annotations

import os
import plistlib
from pathlib import Path
from typing import Any

import pytest

from tests.service.conftest import Served
from workflow.errors import WorkflowError
from workflow.exchange import Exchange
from workflow.service import launchd, machine, mark
from workflow.service.job import Job
from workflow.service.machine import Machine

DOCUMENTED: dict[str, Any] = {
    "AbandonProcessGroup": bool, "Disabled": bool, "EnableGlobbing": bool,
    "EnvironmentVariables": dict, "ExitTimeOut": int, "GroupName": str, "HardResourceLimits": dict,
    "InitGroups": bool, "KeepAlive": (bool, dict), "Label": str, "LaunchOnlyOnce": bool,
    "LimitLoadToSessionType": (str, list), "LowPriorityIO": bool, "MachServices": dict,
    "Nice": int, "ProcessType": str, "Program": str, "ProgramArguments": list,
    "QueueDirectories": list, "RootDirectory": str, "RunAtLoad": bool, "SessionCreate": bool,
    "SoftResourceLimits": dict, "Sockets": dict, "StandardErrorPath": str, "StandardInPath": str,
    "StandardOutPath": str, "StartCalendarInterval": (dict, list), "StartInterval": int,
    "StartOnMount": bool, "ThrottleInterval": int, "TimeOut": int, "Umask": (int, str),
    "UserName": str, "WatchPaths": list, "WorkingDirectory": str,
}  # fmt: skip
"""Keys and types as launchd.plist(5) of macOS documents them; launchd ignores any other."""
PROCESS_TYPES = {"Background", "Standard", "Adaptive", "Interactive"}


def _job(root: str = "/Users/mark/site tasks") -> Job:
    return Job(root, ("/opt/venv/bin/workflow",), "/Users/mark/bin:/usr/bin:/bin")


def test_every_key_is_documented_and_has_its_type() -> None:
    for background in (False, True):
        agent = plistlib.loads(launchd.plist(_job(), background=background))
        for key, value in agent.items():
            assert isinstance(value, DOCUMENTED[key]), key
        assert agent["ProcessType"] in PROCESS_TYPES
        assert -20 <= agent["Nice"] <= 20


def test_the_agent_sweeps_every_few_seconds_and_when_a_task_arrives() -> None:
    job = _job()
    agent = plistlib.loads(launchd.plist(job))
    assert agent["Label"] == f"dev.workflow.sweep.{job.name}"
    assert agent["ProgramArguments"] == ["/opt/venv/bin/workflow", "--root", job.root, "sweep"]
    assert agent["StartInterval"] <= 5
    assert agent["ThrottleInterval"] <= agent["StartInterval"], "or one start in ten seconds"
    assert agent["WatchPaths"] == [f"{job.root}/tasks/pending"]
    assert "QueueDirectories" not in agent, ".gitkeep would keep it running for ever"
    assert agent["RunAtLoad"] is True
    assert agent["ProcessType"] != "Background", "somebody waits for the build"
    assert agent["StandardErrorPath"] == f"{job.root}/.workflow/timer.log"
    path = agent["EnvironmentVariables"]["PATH"].split(":")
    assert path[0] == "/Users/mark/bin"
    assert {"/opt/homebrew/bin", "/usr/local/bin"} <= set(path)
    assert list(agent["EnvironmentVariables"]) == ["PATH"], "a variable may be a secret"


def test_the_agent_is_what_apples_own_format_allows(tmp_path: Path) -> None:
    raw = launchd.plist(_job("/Users/mark/--a & <b> é"))
    path = tmp_path / "a.plist"
    path.write_bytes(raw)
    assert plistlib.loads(raw)["ProgramArguments"][2] == "/Users/mark/--a & <b> é"
    assert mark.state_of(str(path)) == "ours"
    comments = [part.split(b"-->")[0] for part in raw.split(b"<!--")[1:]]
    assert comments
    # XML allows no two hyphens in a comment; the seal takes the place of those of the template.
    assert not any(b"--" in comment for comment in comments)


def test_the_file_is_named_by_its_label(mac: Served) -> None:
    assert mac("install").code == 0
    (path,) = mac.files
    assert path.parent == mac.home / "Library/LaunchAgents"
    assert plistlib.loads(path.read_bytes())["Label"] == path.stem


def test_it_is_loaded_into_the_login_on_the_screen(mac: Served) -> None:
    assert mac("install").code == 0
    enable, bootstrap = mac.calls
    domain = bootstrap.split()[1]
    assert domain.startswith("gui/")
    assert enable == f"enable {domain}/{mac.files[0].stem}"


def test_without_a_login_on_the_screen_it_is_loaded_for_the_background(mac: Served) -> None:
    (mac.state / "no-screen").touch()
    ran = mac("install")
    assert ran.code == 0, ran.err
    assert "nobody is logged in" in ran.err
    assert "bootstrap user/" in mac.calls[-1]
    agent = plistlib.loads(mac.files[0].read_bytes())
    assert agent["LimitLoadToSessionType"] == "Background"
    assert mac("status", "--json").data["timers"][0]["loaded"] is True
    assert mac("uninstall").code == 0
    assert list(mac.state.glob("*.loaded")) == []


def test_after_a_login_on_the_screen_it_moves_there(mac: Served) -> None:
    (mac.state / "no-screen").touch()
    assert mac("install").code == 0
    (mac.state / "no-screen").unlink()
    ran = mac("install")
    assert ran.code == 0, ran.err
    (loaded,) = mac.state.glob("*.loaded")
    assert loaded.name.startswith("gui%")


def test_a_renewed_agent_waits_until_the_old_one_has_gone(mac: Served, tmp_path: Path) -> None:
    assert mac("install").code == 0
    (mac.state / "slow").touch()
    (tmp_path / "more").mkdir()
    ran = mac("install", PATH=f"{mac.tools}:{tmp_path / 'more'}")
    assert ran.code == 0, ran.err
    verbs = [call.split()[0] for call in mac.calls]
    assert verbs == ["enable", "bootstrap", "bootout", "enable", "bootstrap"]


def test_a_job_that_somebody_booted_out_is_loaded_again(mac: Served) -> None:
    assert mac("install").code == 0
    for loaded in mac.state.glob("*.loaded"):
        loaded.unlink()
    assert mac("status").code == 8
    ran = mac("install")
    assert ran.code == 0, ran.err
    assert [line.split()[0] for line in ran.out.splitlines()] == ["ran", "ran"], (
        "no file is written"
    )


@pytest.mark.parametrize(
    ("code", "advice"),
    [(5, "log out and in"), (119, "Login Items"), (125, "own screen"), (1, "Login Items")],
)
def test_what_launchctl_refuses_is_explained(mac: Served, code: int, advice: str) -> None:
    (mac.state / "refuse").write_text(str(code))
    ran = mac("install")
    assert ran.code == 1
    assert f"Bootstrap failed: {code}" in ran.err
    assert advice in ran.err


class There(Machine):
    """A machine with a home folder that a test gives it."""

    place: Path

    @property
    def home(self) -> str:
        return str(self.place)


def test_a_sweep_at_work_is_not_cut_off(mac: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mac("install").code == 0
    monkeypatch.setattr(machine, "_SWEEP_PATIENCE", 0.1)
    ours = There(mac.program.exchange, {"PATH": mac.tools}, os.geteuid())
    ours.place = mac.home
    (there,) = launchd.present(ours)
    with mac.program.exchange.sweeping() as alone:
        assert alone
        with pytest.raises(WorkflowError, match="would be cut off") as refused:
            launchd.unload(there, ours)
    assert refused.value.exit == 75
    assert len(list(mac.state.glob("*.loaded"))) == len(mac.files) == 1
    launchd.unload(there, ours)
    assert (list(mac.state.glob("*.loaded")), mac.files) == ([], [])


@pytest.mark.parametrize("said", ["0", "(never exited)", "78: EX_CONFIG", "-9"])
def test_the_last_exit_is_read_as_launchctl_prints_it(mac: Served, said: str) -> None:
    assert mac("install").code == 0
    (loaded,) = mac.state.glob("*.loaded")
    loaded.write_text(f"{mac.files[0]}\n{said}\n")
    one = mac("status", "--json").data["timers"][0]
    expected = {"0": 0, "(never exited)": None, "78: EX_CONFIG": 78, "-9": -9}[said]
    assert one["last_exit"] == expected


def test_a_folder_that_macos_guards_is_told(tmp_path: Path) -> None:
    ours = There(Exchange(tmp_path), {"PATH": ""}, 501)
    ours.place = tmp_path
    told = launchd.advice(_job(f"{tmp_path}/Documents/tasks"), ours)
    assert any("Full Disk Access" in line for line in told)
    assert launchd.advice(_job(f"{tmp_path}/PycharmProjects/tasks"), ours) == []

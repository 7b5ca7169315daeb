"""Installing a timer, looking at it, removing it: what holds for every kind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.program import make_exchange
from tests.service import stand_ins
from tests.service.conftest import Served
from workflow.errors import WorkflowError
from workflow.exchange import Exchange
from workflow.service import mark, timer
from workflow.service.machine import Machine


def test_a_timer_is_installed_loaded_and_seen_to_sweep(served: Served) -> None:
    task_id = served.program.submit("noop")
    ran = served("install")
    assert ran.code == 0, ran.err
    assert "A sweep ran" in ran.err
    assert served.program.result(task_id)["status"] == "success"
    for path in served.files:
        assert f"wrote         {path}" in ran.out, "every file is said"
        assert mark.state_of(str(path)) == "ours"
    said = [
        line.split("  ", 1)[1].strip() for line in ran.out.splitlines() if line.startswith("ran")
    ]
    assert [line.split(" ", 1)[1] for line in said] == served.calls, "every command is said"


def test_installing_again_changes_nothing(served: Served) -> None:
    assert served("install").code == 0
    before = {path: path.stat().st_mtime_ns for path in served.files}
    calls = served.calls
    # Its sweeps go on by themselves; here nothing starts one.
    ran = served("install", "--wait", "0")
    assert (ran.code, ran.out) == (0, "")
    assert "nothing to do" in ran.err
    assert served.calls == calls
    assert {path: path.stat().st_mtime_ns for path in served.files} == before


def test_a_changed_path_renews_it(served: Served) -> None:
    assert served("install").code == 0
    more = served.program.root.parent / "more"
    more.mkdir()
    ran = served("install", PATH=f"{served.tools}:{more}")
    assert ran.code == 0, ran.err
    assert any(str(more) in path.read_text() for path in served.files)


def test_uninstalling_takes_back_all_of_it_and_nothing_else(served: Served) -> None:
    theirs = served.home / "Library/LaunchAgents/com.example.plist"
    theirs.parent.mkdir(parents=True, exist_ok=True)
    theirs.write_text("theirs")
    assert served("install").code == 0
    written = served.files
    ran = served("uninstall")
    assert ran.code == 0, ran.err
    assert served.files == []
    assert all(f"removed       {path}" in ran.out for path in written)
    assert theirs.read_text() == "theirs"
    again = served("uninstall")
    assert again.code == 0
    assert "nothing to do" in again.err


def test_a_file_of_somebody_elses_is_left_alone(served: Served) -> None:
    assert served("install").code == 0
    path = served.files[0]
    assert served("uninstall").code == 0
    path.write_text("somebody else's")
    ran = served("install")
    assert ran.code == 6
    assert "was not made by this command" in ran.err
    assert str(path) in ran.err
    assert path.read_text() == "somebody else's"


def test_a_link_in_its_place_is_not_followed(linux: Served) -> None:
    assert linux("install").code == 0
    path = linux.files[0]
    assert linux("uninstall").code == 0
    target = linux.home / "precious"
    target.write_text("precious")
    path.symlink_to(target)
    assert linux("install").code == 6
    assert target.read_text() == "precious"
    assert path.is_symlink()


def test_a_file_that_was_changed_by_hand_is_neither_overwritten_nor_lost(served: Served) -> None:
    assert served("install").code == 0
    path = served.files[0]
    changed = path.read_text().replace(">5<", ">7<").replace("Nice=5", "Nice=7") + "\n"
    path.write_text(changed)
    ran = served("install")
    assert ran.code == 6
    assert "was changed by hand" in ran.err
    assert path.read_text() == changed
    ran = served("uninstall")
    assert ran.code == 0, ran.err
    assert not path.exists()
    assert Path(f"{path}.edited").read_text() == changed
    assert f"{path}.edited" in ran.out


def test_a_rehearsal_shows_files_and_commands_and_changes_nothing(served: Served) -> None:
    ran = served("install", "--dry-run")
    assert ran.code == 0, ran.err
    assert served.files == []
    assert served.calls == []
    told = served("install", "--dry-run", "--json")
    assert served("install").code == 0
    for path in served.files:
        assert f"--- {path}" in ran.out
        assert told.data["files"][str(path)] == path.read_text(), "shown as it is then written"
    commands = [one["what"] for one in told.data["done"] if one["did"] == "ran"]
    assert [command.split(" ", 1)[1] for command in commands] == served.calls


def test_a_rehearsal_shows_what_another_machine_would_get(linux: Served) -> None:
    ran = linux("install", "--dry-run", "--kind", "launchd")
    assert ran.code == 0, ran.err
    assert "<key>StartInterval</key>" in ran.out


def test_status_says_what_is_there(served: Served) -> None:
    none = served("status", "--json")
    assert none.code == 8
    assert (none.data["installed"], none.data["alive"]) == (False, False)
    assert served("install").code == 0
    ran = served("status", "--json")
    assert ran.code == 0, ran.out
    (one,) = ran.data["timers"]
    assert (one["kind"], one["loaded"], one["last_exit"]) == (served.kind, True, 0)
    assert one["root"] == str(served.program.root)
    assert ran.data["last_sweep_seconds"] < 60
    plain = served("status")
    assert f"{served.kind}, loaded" in plain.out
    assert str(served.program.root / ".workflow/timer.log") in plain.out


def test_every_answer_is_one_document_with_json(linux: Served) -> None:
    for words in (["install"], ["status"], ["uninstall"], ["install", "--kind", "nonsense"]):
        ran = linux(*words, "--json")
        assert ran.json["schema"] == "workflow/1", words
    assert ran.json["error"]["code"] == "no_such_kind"


def test_two_exchanges_have_a_timer_each(served: Served, tmp_path: Path) -> None:
    assert served("install").code == 0
    first = served.files
    (tmp_path / "other").mkdir()
    other = make_exchange(tmp_path / "other")
    ran = served("install", "--root", str(other.root))
    assert ran.code == 0, ran.err
    assert len(served.files) == 2 * len(first), "of the same folder name, and not of the same name"
    assert served("uninstall", "--root", str(other.root)).code == 0
    assert served.files == first
    assert served("status").code == 0


def test_an_exchange_is_one_however_it_is_reached(mac: Served) -> None:
    assert mac("install").code == 0
    link = mac.program.root.parent / "link"
    link.symlink_to(mac.program.root)
    ran = mac("install", "--wait", "0", "--root", str(link))
    assert ran.code == 0, ran.err
    assert "nothing to do" in ran.err


def test_claude_code_is_told_to_ask_a_person(mac: Served) -> None:
    for action in ("install", "uninstall"):
        ran = mac(action, CLAUDECODE="1")
        assert ran.code == 4
        assert "a person sets up the timer" in ran.err
    assert mac.files == []
    assert mac("install", "--dry-run", CLAUDECODE="1").code == 0
    assert mac("status", CLAUDECODE="1").code == 8


def test_root_installs_nothing_by_accident(tmp_path: Path) -> None:
    here = str(tmp_path)
    with pytest.raises(WorkflowError, match="have root run"):
        timer.refuse_for_others(here, uid=0, owner=0, as_root=False)
    with pytest.raises(WorkflowError, match="belongs to another user"):
        timer.refuse_for_others(here, uid=0, owner=501, as_root=True)
    with pytest.raises(WorkflowError, match="belongs to another user"):
        timer.refuse_for_others(here, uid=502, owner=501, as_root=False)
    timer.refuse_for_others(here, uid=501, owner=501, as_root=False)
    timer.refuse_for_others(here, uid=0, owner=0, as_root=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be refused as root")
def test_the_command_itself_refuses_root(linux: Served) -> None:
    ran = linux.program("service", "install", PATH=linux.tools)
    assert ran.code == 2
    assert "--as-root" in ran.err
    assert linux.files == []


def test_nothing_is_installed_for_a_configuration_that_no_sweep_can_read(mac: Served) -> None:
    (mac.program.root / "workflow.yaml").write_text("version: 1\nsites: [\n")
    ran = mac("install")
    assert ran.code == 2, "it would fail every five seconds"
    assert mac.files == []


def test_no_sweep_within_the_time_is_exit_8(linux: Served) -> None:
    assert linux("install").code == 0
    log = linux.program.root / ".workflow/timer.log"
    log.write_text("error: \x1b[31mthe disk is full\x1b[0m AKIAIOSFODNN7EXAMPLE\n\n")
    ran = linux("install", "--wait", "0.3")
    assert ran.code == 8
    assert "the disk is full" in ran.err
    assert "\x1b" not in ran.err
    assert "AKIAIOSFODNN7EXAMPLE" not in ran.err


def test_what_a_shell_has_and_a_timer_would_not_is_said(linux: Served) -> None:
    ran = linux("install", AWS_PROFILE="klm", JOTFORM_API_KEY="0123456789abcdef0123456789abcdef")
    assert ran.code == 0
    assert "AWS_PROFILE" in ran.err
    assert "JOTFORM_API_KEY" in ran.err
    everything = ran.out + ran.err + "".join(path.read_text() for path in linux.files)
    assert "0123456789abcdef0123456789abcdef" not in everything


def test_folders_of_path_that_a_timer_must_not_search_are_left_out(served: Served) -> None:
    public = served.program.root.parent / "public"
    public.mkdir()
    public.chmod(0o777)
    mine = served.program.root.parent / "mine"
    mine.mkdir()
    path = f"node_modules/.bin:{public}:{mine}:/nowhere:{served.tools}"
    ran = served("install", PATH=path)
    assert ran.code == 0, ran.err
    assert "node_modules/.bin" in ran.err
    assert "everybody may write there" in ran.err
    text = "".join(file.read_text() for file in served.files)
    assert str(mine) in text
    for left_out in ("node_modules", f"{public}:", "/nowhere"):
        assert left_out not in text


def test_a_second_kind_is_not_put_beside_the_first(mac: Served) -> None:
    assert mac("install").code == 0
    stand_ins.put(mac.program.root.parent / "tools", "systemctl", stand_ins.SYSTEMCTL)
    ran = mac("install", "--kind", "systemd")
    assert ran.code == 6
    assert "launchd starts sweeps here already" in ran.err


def test_where_nothing_can_start_a_sweep_it_says_so(linux: Served, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    ran = linux("install", PATH=str(tmp_path / "bare"))
    assert ran.code == 2
    for kind in ("launchd", "systemd", "cron"):
        assert kind in ran.err


def test_a_folder_that_no_timer_file_can_name_is_refused(linux: Served, tmp_path: Path) -> None:
    odd = tmp_path / "two\nlines"
    odd.mkdir()
    other = make_exchange(odd)
    ran = linux("install", "--root", str(other.root))
    assert ran.code == 2
    assert "line breaks" in ran.err
    assert linux.files == []


def test_any_other_name_of_a_folder_serves(served: Served, tmp_path: Path) -> None:
    odd = tmp_path / "a b%c $d \"e\" f\\g 'h' &<é>@ROOT@"
    odd.mkdir()
    other = make_exchange(odd)
    here = {"PATH": served.tools, "HOME": str(served.home)}
    ran = other("service", "install", "--as-root", **here)
    assert ran.code == 0, ran.err
    state = other("service", "status", "--json", **here)
    assert state.data["timers"][0]["root"] == str(other.root)
    assert other("service", "uninstall", "--as-root", **here).code == 0
    assert served.files == []


def test_the_doctor_knows_of_it(served: Served) -> None:
    def says(**environ: str) -> tuple[str, str]:
        ran = served.program("doctor", "--json", PATH=served.tools, **environ)
        (found,) = (f for f in ran.data["findings"] if f["subject"] == "timer")
        return found["state"], f"{found['message']} -> {found['mend']}"

    assert says()[0] == "warning"
    assert "workflow service install" in says()[1]
    assert served("install").code == 0
    assert says()[0] == "ok"
    assert says()[1].startswith(f"{served.kind} starts sweeps")
    served.program.age(served.program.root / ".workflow/last-sweep", 3600)
    assert says()[0] == "failed"
    assert "1 h ago" in says()[1]


def test_a_timer_whose_python_is_gone_is_told(served: Served, tmp_path: Path) -> None:
    assert served("install").code == 0
    gone = "/nowhere/bin/workflow"
    for path in served.files:
        lines = path.read_text()
        program = served("status", "--json").data["timers"][0]["program"]
        path.write_text(lines.replace(program, gone))
    ran = served("status")
    assert ran.code == 8
    assert "no longer there" in ran.out
    found = served.program("doctor", "--json", PATH=served.tools).data["findings"]
    assert any(f["subject"] == "timer" and gone in f["message"] for f in found)


def test_the_timer_of_an_exchange_that_has_gone_is_found_and_removed(
    served: Served, tmp_path: Path
) -> None:
    (tmp_path / "old").mkdir()
    old = make_exchange(tmp_path / "old")
    assert served("install", "--root", str(old.root)).code == 0
    assert served("install").code == 0
    old.root.rename(tmp_path / "moved")
    found = served.program("doctor", "--json", PATH=served.tools).data["findings"]
    told = [f for f in found if f["subject"] == "timer" and str(old.root) in f["message"]]
    assert told[0]["mend"] == "workflow service uninstall --lost"
    assert served("uninstall", "--lost").code == 0
    assert served("status").code == 0, "the one whose exchange is there stays"
    assert str(old.root) not in "".join(path.read_text() for path in served.files)


def test_a_machine_program_that_is_missing_is_no_crash(tmp_path: Path) -> None:
    program = make_exchange(tmp_path)
    machine = Machine(Exchange(program.root), {"PATH": str(tmp_path)}, os.geteuid())
    assert machine.ask("launchctl", "print", "x").code == -1
    assert not machine.has("launchctl")


def test_where_no_sweeper_is_alive_every_command_points_to_the_timer(mac: Served) -> None:
    program = mac.program
    submitted = program("submit", "noop", "--json")
    task_id = submitted.data["task_id"]
    for ran in (
        submitted,
        program("wait", task_id, "--timeout", "0.2", "--json"),
        program("status", "--json"),
    ):
        assert "workflow service install" in [step["cmd"] for step in ran.json["next"]]
    assert program("wait", task_id, "--timeout", "0.2").code == 8
    new = program("init", str(program.root.parent / "new"), "--json")
    assert any("service install" in step["cmd"] for step in new.json["next"])

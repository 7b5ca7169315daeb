"""Where the page goes, and what is never overwritten for it; opening it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from tests.program import Program
from workflow.cli import run
from workflow.config import load_config
from workflow.errors import WorkflowError
from workflow.report.opening import open_page


def configure(program: Program, settings: str) -> None:
    path = program.root / "workflow.yaml"
    path.write_text(f"{path.read_text()}report: {{{settings}}}\n")


def test_git_ignores_the_page(program: Program, tmp_path: Path) -> None:
    assert program("init", str(tmp_path / "new"), "--site", str(program.root / "site")).code == 0
    assert "/results/*" in (tmp_path / "new/.gitignore").read_text().splitlines()


def test_the_page_goes_where_workflow_yaml_says_and_tasks_beside_it(
    program: Program, tmp_path: Path
) -> None:
    cloud = tmp_path / "Cloud Drive"
    cloud.mkdir()
    configure(program, f'path: "{cloud}/site.html"')
    assert program("report").out.strip() == str(cloud / "site.html")
    task_id = program.submit("noop")
    assert program("report", task_id).out.strip() == str(cloud / f"site/{task_id}.html")
    assert not (program.root / "results/report.html").exists()


def test_a_page_is_written_anew_with_the_mode_that_it_has(program: Program) -> None:
    page = program.root / "results/report.html"
    program("report")
    page.chmod(0o600)
    before = page.stat().st_ino
    program.submit("noop")
    assert program("report").code == 0
    after = page.stat()
    assert stat.S_IMODE(after.st_mode) == 0o600 and after.st_ino != before
    assert os.listdir(program.root / ".workflow/staged") == []


def test_a_file_that_is_no_page_of_ours_stays(program: Program) -> None:
    page = program.root / "results/report.html"
    page.write_text("<!doctype html>\n<p>my own notes</p>\n")
    ran = program("report", "--json")
    assert ran.code == 6 and ran.json["error"]["code"] == "not_a_report"
    assert "report: {path" in ran.json["error"]["hint"]
    assert page.read_text().endswith("<p>my own notes</p>\n")


def test_a_link_a_folder_and_a_pipe_stay(program: Program, tmp_path: Path) -> None:
    program("report")
    page = program.root / "results/report.html"
    aside = tmp_path / "aside.html"
    page.rename(aside)
    whole = aside.read_bytes()
    for kind in ("link", "folder", "pipe"):
        if kind == "link":
            page.symlink_to(aside)
        elif kind == "folder":
            page.mkdir()
        else:
            os.mkfifo(page)
        ran = program("report", "--json")
        assert ran.code == 6 and ran.json["error"]["code"] == "not_a_report"
        assert os.path.lexists(page)
        page.rmdir() if page.is_dir() else page.unlink()
    assert aside.read_bytes() == whole


def test_a_disk_that_is_not_there_is_not_written_beside(program: Program, tmp_path: Path) -> None:
    configure(program, f"path: {tmp_path}/disk/report.html")
    task_id = program.submit("noop")
    for words in (("report",), ("report", task_id)):
        ran = program(*words, "--json")
        assert ran.code == 2 and ran.json["error"]["code"] == "report_folder"
    assert not (tmp_path / "disk").exists()


def test_what_the_system_refuses_is_told(program: Program) -> None:
    (program.root / "results/report").write_text("in the way")
    ran = program("report", program.submit("noop"), "--json")
    assert ran.code == 1 and ran.json["error"]["code"] == "report_unwritable"
    assert "results/report" in ran.json["error"]["message"] and ran.json["error"]["retryable"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("path: index.php", "must name a file that ends in .html"),
        ('path: "a\\0b.html"', "NUL"),
        ("after_sweep: often", "report.after_sweep"),
        ("where: x", "unknown key"),
    ],
)
def test_settings_that_are_wrong_are_told(program: Program, settings: str, said: str) -> None:
    configure(program, settings)
    problems = [p.sentence() for p in load_config(program.root).problems]
    assert len(problems) == 1 and said in problems[0]
    assert program("report").code == 0, "what is sound is worked with"


def test_the_page_is_opened_by_its_path_and_no_shell(tmp_path: Path) -> None:
    opener = tmp_path / "opener"
    opener.write_text(f'#!/bin/sh\nprintf "%s|" "$#" "$1" > "{tmp_path}/said"\n')
    opener.chmod(0o755)
    page = f"{tmp_path}/a $(touch x); b.html"
    open_page(page, str(opener))
    assert (tmp_path / "said").read_text() == f"1|{page}|"


def test_an_opener_that_is_missing_or_fails_is_told_with_the_path(tmp_path: Path) -> None:
    failing = tmp_path / "failing"
    failing.write_text("#!/bin/sh\nexit 3\n")
    failing.chmod(0o755)
    for opener, code in ((tmp_path / "none", "no_opener"), (failing, "not_opened")):
        with pytest.raises(WorkflowError) as caught:
            open_page("/tmp/page.html", str(opener))
        assert caught.value.code == code and "/tmp/page.html" in str(caught.value.hint)


def test_an_opener_that_is_the_browser_itself_is_left_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.report.opening._SECONDS", 0.2)
    browser = tmp_path / "browser"
    browser.write_text("#!/bin/sh\nsleep 1\n")
    browser.chmod(0o755)
    open_page("/tmp/page.html", str(browser))


def test_where_nothing_can_open_it_the_page_is_written_all_the_same(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("workflow.report.opening.OPENER", str(program.root / "no-opener"))
    code = run(["--root", str(program.root), "report", "--open", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert code == 2 and said["error"]["code"] == "no_opener"
    assert Path(said["data"]["path"]).exists()

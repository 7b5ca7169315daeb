"""`workflow status --watch` and `logs -f`: on a terminal and off it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.program import CONFIG, Program
from tests.terminal.screen import Screen, plain
from workflow import board
from workflow.board import Watching
from workflow.config import load_config

SLOW = (
    "commands:\n  slow: {argv: [/bin/sh, -c, 'echo step one; while ! [ -e go ]; do sleep 0.05;"
    " done; echo step two'], safe_to_repeat: true}\n"
)


def on_screen(program: Program, *words: str, columns: int = 80, rows: int = 24) -> Screen:
    environ = {key: value for key, value in program.environ.items() if key != "NO_COLOR"}
    return Screen(program.argv(*words), program.root, environ, columns, rows)


def watched(program: Program, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        program.argv(*words),
        cwd=program.root,
        env=program.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_board_shows_what_comes_and_ends_by_ctrl_c(program: Program) -> None:
    first = program.submit("noop")
    program("sweep")
    screen = on_screen(program, "status", "--watch")
    assert "ENDED LAST" in screen.read(first)
    second = program.submit("noop", "--description", "second")
    screen.read(second)
    screen.press("\x03")
    told = screen.read()
    assert screen.close() == 0
    left = told.rsplit("Ctrl-C ends this", 1)[1]
    assert second in left, "what was last seen stays on the terminal"
    assert "Traceback" not in told


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 10), (40, 8)])
def test_the_board_fits_its_terminal(program: Program, columns: int, rows: int) -> None:
    for number in range(12):
        program.write(f"later-{number}.md", "---\ntask_type: noop\nnot_before: 2999-01-01\n---\n")
        program.write(f"wrong-{number}.md", "---\ntask_type: nothing\n---\n")
    program("sweep")
    watching = Watching(program.exchange, lambda: load_config(program.root))
    shown = plain(board.render(watching.look(), watching, columns, rows)).split("\n")
    assert len(shown) <= rows
    assert shown[0].startswith("12 waiting, 12 failed"[: columns - 1])


def test_a_reason_that_stands_with_one_task_is_not_repeated_with_those_that_followed_it(
    program: Program,
) -> None:
    fails = "commands:\n  fails: {argv: [/bin/sh, -c, 'echo no disk >&2; exit 3']}\n"
    (program.root / "workflow.yaml").write_text(CONFIG + fails)
    first, *others = program.submit("fails", "--then", "noop", "--then", "noop").split()
    program("sweep")
    watching = Watching(program.exchange, lambda: load_config(program.root))
    on_board = plain(board.render(watching.look(), watching, 160, 30))
    for shown in (on_board, program("status").out, program("list").out):
        assert shown.count("no disk") == 1, shown
        assert shown.count(f"not run, as {first} did not succeed") == 2
    # Where that task is not in the list, the reason is.
    alone = program("list", "--limit", "1").out
    assert others[-1] in alone and "no disk" in alone


def test_what_waits_for_a_person_comes_first(program: Program) -> None:
    for number in range(15):
        program.write(f"a-{number:02}.md", "---\ntask_type: noop\nnot_before: 2999-01-01\n---\n")
    program.write("zz-ask.md", "---\ntask_type: noop\nrequires_approval: true\n---\n")
    program("sweep")
    watching = Watching(program.exchange, lambda: load_config(program.root))
    seen = watching.look()
    assert seen.waiting[0]["task_id"] == "zz-ask"
    assert "and 6 more" in board.render(seen, watching, 80, 60)


def test_nothing_is_read_again_where_nothing_has_changed(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.submit("noop")
    program.write("later.md", "---\ntask_type: noop\nnot_before: 2999-01-01\n---\n")
    program("sweep")
    watching = Watching(program.exchange, lambda: load_config(program.root))
    first = watching.look()
    opened: list[str] = []
    real = os.listdir

    def listdir(path: str) -> list[str]:
        opened.append(path)
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    monkeypatch.setattr(board, "overview", lambda *_: pytest.fail("read again"))
    monkeypatch.setattr(board, "waits_for", lambda *_: pytest.fail("read again"))
    assert watching.look() is first
    assert opened == []


def test_off_a_terminal_each_change_is_a_line(program: Program) -> None:
    (program.root / "workflow.yaml").write_text(CONFIG + SLOW)
    program.write("later.md", "---\ntask_type: noop\nnot_before: 2999-01-01\n---\n")
    program("sweep")
    watch = watched(program, "status", "--watch")
    assert watch.stdout is not None
    assert watch.stdout.readline()[10:] == "1 waiting\n"
    assert watch.stdout.readline()[10:] == "waits later: not before 2999-01-01T00:00:00Z\n"
    task_id = program.submit("slow")
    assert watch.stdout.readline()[10:] == f"waits {task_id}: runs at the next sweep\n"
    sweep = program.start("sweep")
    assert watch.stdout.readline()[10:] == f"started {task_id}\n"
    (program.root / "go").touch()
    assert watch.stdout.readline()[10:] == f"ended {task_id}: success: slow ended well.\n"
    assert sweep.wait(60) == 0
    watch.send_signal(signal.SIGINT)
    out, err = watch.communicate(timeout=60)
    assert (watch.returncode, out, err) == (0, "", "")


def test_a_broken_configuration_ends_no_watch(program: Program) -> None:
    program("sweep")
    watch = watched(program, "status", "--watch")
    assert watch.stdout is not None
    assert watch.stdout.readline()[10:] == "no tasks yet\n"
    (program.root / "workflow.yaml").write_text("version: [\n")
    assert "workflow.yaml" in watch.stdout.readline()
    watch.send_signal(signal.SIGINT)
    watch.communicate(timeout=60)
    assert watch.returncode == 0


@pytest.mark.parametrize("words", [("status", "--watch"), ("logs", "latest", "-f")])
def test_what_goes_on_and_on_is_no_json_document(program: Program, words: tuple[str, ...]) -> None:
    program.submit("noop")
    ran = program(*words, "--json")
    assert ran.code == 2
    assert ran.json["error"]["code"] == "usage"


def test_logs_are_followed_to_the_end_that_is_told(program: Program) -> None:
    (program.root / "workflow.yaml").write_text(CONFIG + SLOW)
    task_id = program.submit("slow")
    follows = watched(program, "logs", task_id, "-f")
    assert follows.stderr is not None
    assert follows.stdout is not None
    assert "has not begun" in follows.stderr.readline()
    sweep = program.start("sweep")
    assert follows.stdout.readline() == "step one\n"
    (program.root / "go").touch()
    out, err = follows.communicate(timeout=60)
    assert out == "step two\n"
    assert "success: slow ended well." in err
    assert f"next: workflow verify {task_id}" in err
    assert (follows.returncode, sweep.wait(60)) == (0, 0)


def test_who_stops_following_leaves_the_task_alone(program: Program) -> None:
    task_id = program.submit("noop")
    screen = on_screen(program, "logs", task_id, "-f")
    screen.read("has not begun")
    time.sleep(0.3)
    screen.press("\x03")
    assert "It goes on without you." in screen.read()
    assert screen.close() == 0
    assert program.states(task_id) == ["pending"]


def test_a_log_makes_a_terminal_do_nothing(program: Program) -> None:
    printed = r"printf '\033]0;owned\007 one \033[31mtwo\033[0m 夏\n'"
    (program.root / "loud").write_text(f"#!/bin/sh\n{printed}\n")
    (program.root / "loud").chmod(0o755)
    (program.root / "workflow.yaml").write_text(CONFIG + "commands:\n  loud: {argv: [./loud]}\n")
    task_id = program.submit("loud")
    program("sweep")
    for words in (("logs", task_id), ("logs", task_id, "-f")):
        ran = program(*words)
        assert ran.out == " one two 夏\n"


def test_a_sweep_shows_what_runs_on_a_terminal(program: Program) -> None:
    (program.root / "workflow.yaml").write_text(CONFIG + SLOW)
    task_id = program.submit("slow")
    screen = on_screen(program, "sweep")
    screen.read(f"running   {task_id}  \\d+ s")
    Path(program.root / "go").touch()
    told = screen.read()
    assert screen.close() == 0, told
    assert f"ended     {task_id}  success: slow ended well." in told
    assert "1 of 1 tasks succeeded." in told


@pytest.mark.parametrize("columns", [80, 120])
def test_screens_fit_and_no_command_is_broken(program: Program, columns: int) -> None:
    program.write("2026-01-19-1430-ask.md", "---\ntask_type: noop\nrequires_approval: true\n---\n")
    program.write(f"2026-01-19-1431-{'long' * 12}.md", "---\ntask_type: hugo-biuld\n---\n")
    program("sweep")
    for words in (["list"], ["status"], ["show", "2026-01-19-1430"], ["plan", "latest"]):
        screen = on_screen(program, *words, columns=columns)
        told = screen.read()
        screen.close()
        assert "workflow approve 2026-01-19-1430-ask - " in told or words[0] == "list"
        for line in told.split("\n"):
            whole = "workflow " in line or "2026-01-19-1431" in line
            assert len(line) <= columns or whole, line
        assert "\x1b[" in screen.raw, "colours on a terminal"


def test_claude_code_and_no_colour_get_plain_text(program: Program) -> None:
    program.submit("noop")
    program("sweep")
    for name in ("CLAUDECODE", "NO_COLOR"):
        environ = {**program.environ, name: "1"}
        screen = Screen(program.argv("status"), program.root, environ, 80, 24)
        told = screen.read()
        screen.close()
        assert "success" in told
        assert "\x1b[3" not in screen.raw

"""Beside another git, and after a kill -9: nothing is doubled, nothing stays half done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.git.bench import Bench, git
from tests.program import Program, make_exchange

SECONDS = 30


def until(holds: Callable[[], Any]) -> None:
    """Wait for another process's doing, of which no event tells us."""
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_a_lock_of_another_git_is_waited_for(bench: Bench) -> None:
    """A person's commit of named paths, whose hook takes its time, holds the index meanwhile."""
    bench.write({"static/robots.txt": "x\n", "content/new.md": "x\n"})
    begun, let_go = bench.root / "begun", bench.root / "let-go"
    bench.hook("pre-commit", f"touch {begun}; while [ ! -e {let_go} ]; do sleep 0.05; done; exit 1")
    words = ["git", "commit", "-q", "-m", "A person's", "--", "static"]
    person = subprocess.Popen(
        words, cwd=bench.site, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until(begun.exists)
    assert (bench.site / ".git/index.lock").exists()
    (bench.site / ".git/hooks/pre-commit").unlink()
    begun.unlink()

    def let_go_when_met() -> None:
        until(lambda: any("waiting for it" in line for line in bench.said))
        let_go.touch()

    helper = threading.Thread(target=let_go_when_met)
    helper.start()
    bench.run()
    helper.join()
    assert person.wait() == 1, "its own hook has refused it"
    assert "another git holds index.lock; waiting for it" in bench.said
    assert bench.git("log", "-1", "--format=%s") == "Menu"
    assert bench.git("status", "--porcelain") == " M static/robots.txt"


def test_a_lock_that_stays_is_left_alone_and_tried_again_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.git.program.LOCK_WAIT", 0.3)
    bench.write({"content/new.md": "x\n", "content/old.md": "y\n"})
    lock = bench.site / ".git/index.lock"
    lock.touch()
    then = time.time() - 3600
    os.utime(lock, (then, then))
    for paths in (["content"], ["content/old.md"]):
        failure = bench.fail_unchanged("index_locked", paths=paths, branch="claude/x", create=True)
        assert failure.error.action == "retry"
        assert "index.lock, since 60 minutes" in failure.error.message
    lock.unlink()
    assert bench.run().outputs["file_count"] == 2


def test_a_commit_of_somebody_while_ours_is_made_is_not_lost(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"})

    def meddle(argv: Sequence[Any]) -> None:
        if "commit" in argv:
            bench.before_each = lambda _: None
            bench.git("commit", "-q", "--allow-empty", "-m", "A person's")

    bench.before_each = meddle
    outcome = bench.run(paths="content/new.md")
    assert bench.git("log", "-2", "--format=%s") == "Menu\nA person's"
    assert outcome.outputs["parent"] == bench.git("rev-parse", "HEAD~1")


def test_files_that_vanish_while_they_are_committed_leave_nothing_to_commit(bench: Bench) -> None:
    bench.write({"content/old.md": "changed\n"})

    def meddle(argv: Sequence[Any]) -> None:
        if "commit" in argv:
            bench.write({"content/old.md": "old\n"})

    bench.before_each = meddle
    outcome = bench.run(paths="content/old.md", branch="claude/x", create=True)
    assert outcome.outputs["committed"] is False
    assert bench.git("branch", "--show-current") == "claude/menu"


# -- the program, killed -----------------------------------------------------------------------


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """An exchange whose site is in git, with a server, on the branch claude/menu."""
    made = make_exchange(tmp_path)
    site = made.root / "site"
    git(tmp_path, "init", "-q", "--bare", "server.git")
    for words in (
        ("init", "-q", "-b", "claude/menu"),
        ("config", "user.name", "Ada"),
        ("config", "user.email", "ada@example.org"),
        ("add", "."),
        ("commit", "-q", "-m", "First"),
        ("remote", "add", "origin", f"file://{tmp_path}/server.git"),
    ):
        git(site, *words)
    (site / "content/new.md").write_text("x\n")
    return made


def blocking_hook(program: Program, name: str) -> Path:
    """A hook that says it has begun, and waits to be let go."""
    folder = program.root.parent
    hook = program.root / f"site/.git/hooks/{name}"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        f"#!/bin/sh\ntouch {folder}/begun\nwhile [ ! -e {folder}/let-go ]; do sleep 0.05; done\n"
    )
    hook.chmod(0o755)
    return folder


def submit(program: Program) -> str:
    return program.submit(
        "git-commit", "--set", "paths=content", "--set", "message=Menu", "--set", "push=true"
    )


@pytest.mark.parametrize("hook", ["pre-push", "pre-commit", "post-commit"])
def test_a_sweep_that_is_killed_leaves_one_commit_and_the_next_one_pushes_it(
    program: Program, hook: str
) -> None:
    folder, site = blocking_hook(program, hook), program.root / "site"
    task_id = submit(program)
    sweep = program.start("sweep")
    until((folder / "begun").exists)
    sweep.kill()
    sweep.wait()
    (folder / "let-go").touch()
    until(lambda: program("sweep").code == 0 and program.states(task_id) != ["in-progress"])
    result = program.result(task_id)
    assert result["status"] == "success", result["body"]
    assert git(site, "log", "--format=%s") == "Menu\nFirst"
    server = git(folder / "server.git", "rev-parse", "claude/menu")
    assert server == git(site, "rev-parse", "HEAD") == result["outputs"]["commit"]
    assert git(site, "status", "--porcelain") == ""


def test_everything_killed_between_commit_and_push_is_taken_up_by_the_next_sweep(
    program: Program,
) -> None:
    folder, site = blocking_hook(program, "pre-push"), program.root / "site"
    task_id = submit(program)
    sweep = program.start("sweep")
    until((folder / "begun").exists)
    lease = (program.root / f".workflow/leases/{task_id}.json").read_text()
    groups = [one["pid"] for one in json.loads(lease)["programs"]]
    sweep.kill()
    sweep.wait()
    for group in groups:
        with suppress(ProcessLookupError):  # of those that had ended before
            os.killpg(group, signal.SIGKILL)
    commit = git(site, "rev-parse", "HEAD")
    assert git(site, "log", "--format=%s") == "Menu\nFirst"
    (folder / "let-go").touch()
    until(lambda: program("sweep").code == 0 and program.states(task_id) != ["in-progress"])
    result = program.result(task_id)
    assert result["status"] == "success", result["body"]
    assert [one["status"] for one in result["attempts"]] == ["interrupted", "success"]
    assert result["outputs"]["commit"] == commit
    assert git(folder / "server.git", "rev-parse", "claude/menu") == commit
    assert list((program.root / ".workflow/cache").glob("git-*")) == []


def test_a_cancelled_task_leaves_everything_as_it_was(program: Program) -> None:
    folder, site = blocking_hook(program, "pre-commit"), program.root / "site"
    before = git(site, "status", "--porcelain"), git(site, "ls-files", "--stage")
    task_id = submit(program)
    sweep = program.start("sweep")
    until((folder / "begun").exists)
    assert program("cancel", task_id).code == 0
    assert sweep.wait() == 0
    assert program.result(task_id)["status"] == "cancelled"
    assert (git(site, "status", "--porcelain"), git(site, "ls-files", "--stage")) == before
    assert git(site, "log", "--format=%s") == "First"

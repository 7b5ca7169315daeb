"""`workflow doctor` on what lies beyond the exchange: git, publishing, forms, Claude's files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.program import Program
from tests.test_publish import Live
from tests.test_publish import live as live


def findings(program: Program, *words: str, **environ: str) -> dict[str, dict[str, Any]]:
    found = program("doctor", "--json", *words, **environ).data["findings"]
    return {one["subject"]: one for one in found}


def test_it_asks_the_bucket_and_the_forms_account_whether_they_let_us_in(live: Live) -> None:
    found = findings(live)
    assert found["deploy to staging"]["state"] == "ok"
    assert found["jotform"]["state"] == "ok"

    wrong = findings(live, AWS_ACCESS_KEY_ID="WRONG", JOTFORM_API_KEY="wrong" * 6)
    assert wrong["deploy to staging"]["state"] == "failed"
    assert "access key" in wrong["deploy to staging"]["message"]
    assert wrong["jotform"]["state"] == "failed"

    silent = findings(live, "--offline", AWS_ACCESS_KEY_ID="WRONG")
    assert silent["deploy to staging"]["state"] == "ok", "nobody was asked"
    assert "jotform" not in silent


def test_a_machine_without_git_is_told_and_how_to_get_it(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from workflow.config import load_config
    from workflow.doctor import sites
    from workflow.git import program as git_program

    monkeypatch.setattr(git_program, "PLACES", ())
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    (found,) = sites.git(load_config(program.root))
    assert found.state == "warning" and "no task can commit" in found.message
    assert "install" in (found.mend or "")

    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.17.1\n")
    old.chmod(0o755)
    (found,) = sites.git(load_config(program.root))
    assert "2.17.1" in found.message and "2.30" in (found.mend or "")


def test_a_repository_whose_commits_would_have_no_name_is_told(program: Program) -> None:
    assert findings(program)["git"]["state"] == "ok", "the site is in no repository"
    nameless = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    git = ["git", "-C", str(program.root / "site")]
    subprocess.run([*git, "init", "--quiet"], check=True)
    told = findings(program, **nameless)["git"]
    assert told["state"] == "warning"
    assert "user.name for the site main" in told["message"]
    subprocess.run([*git, "config", "user.name", "A"], check=True)
    subprocess.run([*git, "config", "user.email", "a@example.com"], check=True)
    assert findings(program, **nameless)["git"]["state"] == "ok"


def test_files_for_claude_that_are_not_what_init_would_write_now_are_told(program: Program) -> None:
    assert "claude" not in findings(program), "it never wrote any"
    assert program("init", str(program.root), "--claude").code == 0
    assert findings(program)["claude"]["state"] == "ok"
    config = program.root / "workflow.yaml"
    config.write_text(config.read_text().replace("staging:", "preview:"))
    stale = [one for one in findings(program).values() if "init --claude" in (one["mend"] or "")]
    assert stale, "the guide names environments that are no more"

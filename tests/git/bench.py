"""A site in a real git repository, a bare one as its server, and the handler run by itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from workflow.config import load_config
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Context, Outcome
from workflow.handlers import git_commit
from workflow.process import Finished
from workflow.process import run as run_process

CONFIG = """\
version: 1
sites:
  main: {path: site}
environments:
  dev: {base_url: "http://localhost:1313/"}
"""
TASK = "2026-01-19-1430-git-commit-menu"


def git(folder: Path, *words: str, stdin: str | None = None) -> str:
    """Run git as a person does; gives what it printed."""
    ran = subprocess.run(
        ["git", *words], cwd=folder, input=stdin, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"git {' '.join(words)}: {ran.stderr}"
    return ran.stdout.rstrip("\n")


def isolate(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Keeps git away from this home, this system's settings, and whatever git we are run by."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "AWS_", "JOTFORM_"))]:
        monkeypatch.delenv(name)
    home = folder / "home"
    home.mkdir(exist_ok=True)
    (home / ".gitconfig").write_text(
        "[user]\nname = Ada\nemail = ada@example.org\n[init]\ndefaultBranch = main\ntemplateDir =\n"
        "[advice]\ndetachedHead = false\n"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


@dataclass
class Bench:
    """An exchange whose site is a clone of a bare repository, on the branch claude/menu."""

    root: Path
    timeout: float = 60.0
    task_id: str = TASK
    attempt: int = 1
    recorded: list[dict[str, Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    ran: list[Sequence[str | os.PathLike[str]]] = field(default_factory=list)
    before_each: Callable[[Sequence[str | os.PathLike[str]]], object] = lambda _: None
    """Called with the words of each program before it is started."""

    @property
    def site(self) -> Path:
        return self.root / "site"

    @property
    def server(self) -> Path:
        return self.root / "server.git"

    @property
    def log(self) -> str:
        return (self.root / f"logs/attempt-{self.attempt}.log").read_text()

    def git(self, *words: str, stdin: str | None = None) -> str:
        return git(self.site, *words, stdin=stdin)

    def write(self, files: Mapping[str, str | bytes | None]) -> Bench:
        for name, content in files.items():
            path = self.site / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def configure(self, more: str) -> Bench:
        (self.root / "workflow.yaml").write_text(CONFIG + more)
        return self

    def hook(self, name: str, script: str) -> Bench:
        path = self.site / ".git/hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return self

    def state(self) -> dict[str, Any]:
        """All that must be as before when a task has failed."""
        names = self.git("ls-files", "-z", "--cached", "--others").split("\0")[:-1]
        files = {
            name: (os.lstat(self.site / name).st_mode, (self.site / name).read_bytes())
            for name in names
            if (self.site / name).is_file()
        }
        return {
            "head": self.git("symbolic-ref", "-q", "HEAD"),
            "refs": self.git("for-each-ref"),
            "index": self.git("ls-files", "--stage"),
            "status": self.git("status", "--porcelain=v2"),
            "files": files,
            "locks": sorted(str(path) for path in (self.site / ".git").rglob("*.lock")),
            "stash": self.git("stash", "list"),
        }

    def run(self, **params: Any) -> Outcome:
        """Runs the handler as the runner would; paths and a message are given if none are."""
        logs = self.root / "logs"
        logs.mkdir(exist_ok=True)
        given = {"paths": ["content"], "message": "Menu", **params}
        context = Context(
            task_id=self.task_id,
            task_type="git-commit",
            params=git_commit.Params.model_validate(given),
            config=load_config(self.root),
            attempt=self.attempt,
            make_folder=lambda: logs,
            run_program=self.run_program,
            say=self.said.append,
            record=lambda outputs: self.recorded.append(dict(outputs)),
        )
        outcome = git_commit.run(context)
        assert set(outcome.outputs) == set(git_commit.OUTPUTS)
        return outcome

    def fail(self, code: str, **params: Any) -> TaskFailed:
        """Runs the handler, which must fail so."""
        with pytest.raises(TaskFailed) as caught:
            self.run(**params)
        assert caught.value.error.code == code, caught.value.error
        return caught.value

    def fail_unchanged(self, code: str, **params: Any) -> TaskFailed:
        """It must fail so and leave everything as it was."""
        before = self.state()
        failure = self.fail(code, **params)
        assert self.state() == before
        return failure

    def run_program(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Finished:
        self.before_each(argv)
        self.ran.append(argv)
        log = self.root / f"logs/attempt-{self.attempt}.log"
        finished = run_process(
            argv, cwd=cwd, env=env, log=log, timeout=self.timeout, grace=1.0, stdin=stdin
        )
        if finished.ended == "timeout":
            error = TaskError("timeout", "git was still running", "escalate", "time")
            raise TaskFailed(error, status="timeout")
        return finished

    def clone(self, name: str = "other") -> Path:
        """Somebody else's clone, on the same branch if the server has it."""
        folder = self.root / name
        git(self.root, "clone", "-q", f"file://{self.server}", name)
        return folder


def make_bench(folder: Path) -> Bench:
    """With one commit on main, which the server has; claude/menu is checked out."""
    bench = Bench(folder).configure("")
    git(folder, "init", "-q", "--bare", "server.git")
    git(folder, "init", "-q", "site")
    bench.write(
        {
            "hugo.toml": 'baseURL = "https://example.org/"\n',
            "content/_index.md": "one\ntwo\nthree\nfour\nfive\nsix\nseven\n",
            "content/old.md": "old\n",
            "static/robots.txt": "User-agent: *\n",
            ".gitignore": "/public/\n*.tmp\n",
        }
    )
    bench.git("add", ".")
    bench.git("commit", "-q", "-m", "First")
    bench.git("remote", "add", "origin", f"file://{bench.server}")
    bench.git("push", "-q", "origin", "main")
    bench.git("switch", "-q", "-c", "claude/menu")
    return bench

"""The program as a process, in an exchange made for one test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sites import SITE
from workflow import document
from workflow.exchange import Exchange

CONFIG = """\
version: 1
sites:
  main: {path: site}
environments:
  dev: {base_url: "http://localhost:1313/"}
  staging: {base_url: "https://staging.example.com/", approval: approve}
  production: {base_url: "https://www.example.com/", approval: phrase}
"""
SECONDS = 60


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.json["data"]
        return data


@dataclass(frozen=True)
class Program:
    root: Path

    @property
    def exchange(self) -> Exchange:
        return Exchange(self.root)

    @property
    def journal(self) -> Path:
        return self.root / ".workflow/journal"

    @property
    def environ(self) -> dict[str, str]:
        home = self.root.parent / "home"
        home.mkdir(exist_ok=True)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("CLAUDE", "WORKFLOW"))}
        here = Path(__file__).parent
        path = os.pathsep.join(map(str, (here.parent, here / "plugins")))
        return {**kept, "HOME": str(home), "PYTHONPATH": path, "NO_COLOR": "1"}

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "workflow", *words]

    def __call__(self, *words: str, stdin: str = "", **environ: str) -> Ran:
        """Run the program to its end."""
        ran = subprocess.run(
            self.argv(*words),
            cwd=self.root,
            env={**self.environ, **environ},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the program and go on; what it prints goes to a file beside the exchange."""
        with (self.root.parent / "started.log").open("a") as log:
            return subprocess.Popen(
                self.argv(*words),
                cwd=self.root,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
            )

    def submit(self, *words: str) -> str:
        ran = self("submit", *words)
        assert ran.code == 0, ran.err
        return ran.out.strip()

    def write(self, name: str, text: str | bytes, folder: str = "tasks/pending") -> Path:
        """Write a file as a person with an editor does."""
        path = self.root / folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def result(self, task_id: str) -> dict[str, Any]:
        path = self.exchange.result(task_id)
        assert path is not None, f"{task_id} has no result"
        read = document.parse(Path(path).read_bytes())
        return {**read.data, "body": read.body}

    def states(self, task_id: str) -> list[str]:
        """The folders that hold the task; there must only ever be one."""
        return [p.parent.name for p in self.root.glob(f"tasks/*/{task_id}.md")]

    def age(self, path: Path, seconds: float) -> None:
        """Let a file look as if it was last changed so long ago."""
        then = path.stat().st_mtime - seconds
        os.utime(path, (then, then))


def make_exchange(folder: Path, config: str = CONFIG) -> Program:
    """An exchange in `folder`/exchange with a small real Hugo site."""
    root = folder / "exchange"
    root.mkdir()
    (root / "workflow.yaml").write_text(config)
    for name, text in SITE.items():
        path = root / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    Exchange(root).prepare()
    return Program(root)


def slow_hugo(folder: Path, script: str = "") -> tuple[Path, Path]:
    """A stand-in for the Hugo program that says it has begun and then waits to be let go.

    Returns its path and that of a pipe: open it for writing and close it, and all that wait go
    on. It stands in for a long build, which real Hugo does not give on demand.
    """
    pipe = folder / "let-go"
    os.mkfifo(pipe)
    program = folder / "slow-hugo"
    program.write_text(
        "#!/bin/sh\n"
        '[ "$1" = version ] && { echo "hugo v0.168.0-abc+extended linux/amd64"; exit 0; }\n'
        f'echo "begun $$" >> {folder}/begun\n{script}\n'
        f"read line < {pipe}\n"
        'while [ "$1" ]; do [ "$1" = --destination ] && out=$2; case $1 in\n'
        "--destination=*) out=${1#--destination=};; esac; shift; done\n"
        'mkdir -p "$out"; echo hello > "$out/index.html"\n'
        'echo "Total in 1 ms"\n'
    )
    program.chmod(0o755)
    return program, pipe

"""Several machines that share one exchange: a bare repository, and a clone each."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.program import Program
from workflow.exchange import Exchange

CONFIG = """\
version: 1
sites:
  main: {path: site}
environments:
  dev: {base_url: "http://localhost:1313/"}
  staging: {base_url: "https://staging.example.com/", approval: approve}
  production: {base_url: "https://www.example.com/", approval: phrase}
sync: {branch: site-tasks, grace_seconds: 1}
policies: {jobs: 2, settle_seconds: 0.2, timeout_minutes: 0.1, archive: never}
"""
BRANCH = "refs/heads/site-tasks"
RESULT = """\
---
task_id: {task_id}
task_type: effect
status: success
started_at: {day}T09:00:00Z
completed_at: {day}T09:00:01Z
duration_seconds: 1.0
outputs: {{}}
---

It was done on {day}.
"""


def ran_git(
    folder: Path, *words: str, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run git as a person does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", "-c", "user.name=P", "-c", "user.email=p@example.com", *words],
        cwd=folder, env={**kept, "GIT_CONFIG_GLOBAL": os.devnull}, input=stdin,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def git(folder: Path, *words: str, stdin: str | None = None) -> str:
    """What git says, which must not fail."""
    ran = ran_git(folder, *words, stdin=stdin)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@dataclass(frozen=True)
class Machine(Program):
    """One clone, with surroundings of its own."""

    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        return {**super().environ, "GIT_CONFIG_GLOBAL": os.devnull, **self.more}

    def sync(self, *words: str) -> dict[str, object]:
        ran = self("sweep", "--sync", *words, "--json")
        assert ran.code == 0, (ran.out, ran.err)
        return ran.json

    def effects(self) -> Counter[str]:
        log = self.root / "effects.log"
        return Counter(log.read_text().split() if log.exists() else ())

    def named(self, worker: str) -> Machine:
        return Machine(self.root, {**self.more, "WORKFLOW_WORKER": worker})


@dataclass(frozen=True)
class Machines:
    """A bare repository and its clones."""

    server: Path
    clones: Sequence[Machine]

    def files(self, *below: str) -> list[str]:
        """What the branch holds now."""
        return git(self.server, "ls-tree", "-r", "--name-only", BRANCH, "--", *below).split()

    def show(self, path: str) -> str:
        return git(self.server, "show", f"{BRANCH}:{path}")

    def ended(self) -> list[str]:
        """The ids that ended, once for each result."""
        names = [path.rpartition("/")[2] for path in self.files("ended")]
        return sorted(n.removesuffix(".result.md") for n in names if n.endswith(".result.md"))

    def claim(self, task_id: str) -> dict[str, object]:
        said: dict[str, object] = json.loads(self.show(f"claims/{task_id}.json"))
        return said

    def push(self, tasks: Mapping[str, str]) -> None:
        """Put tasks into the branch as a phone does: an ordinary commit, pushed."""
        self.push_files({f"tasks/pending/{name}.md": text for name, text in tasks.items()})

    def push_files(self, files: Mapping[str, str]) -> None:
        work = self.server.parent / "phone"
        if not work.exists():
            git(self.server.parent, "clone", "-q", str(self.server), str(work))
        # A sweep that ends meanwhile is another machine's push: the phone begins anew, too.
        for _ in range(10):
            if self._pushed(work, files):
                return
        raise AssertionError("no push of ten came through")

    def _pushed(self, work: Path, files: Mapping[str, str]) -> bool:
        if git(self.server, "for-each-ref", BRANCH):
            git(work, "fetch", "-q", "origin", "site-tasks")
            git(work, "checkout", "-q", "-f", "-B", "site-tasks", "FETCH_HEAD")
        else:
            git(work, "checkout", "-q", "--orphan", "site-tasks")
            git(work, "rm", "-rfq", "--ignore-unmatch", ".")
        for name, text in files.items():
            path = work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git(work, "add", "-A")
        git(work, "commit", "-qm", "from the phone")
        ran = ran_git(work, "push", "-q", "origin", "site-tasks")
        assert ran.returncode == 0 or "rejected]" in ran.stderr, ran.stderr
        return ran.returncode == 0

    def effects(self, of: Iterable[Machine] | None = None) -> Counter[str]:
        total: Counter[str] = Counter()
        for clone in self.clones if of is None else of:
            total += clone.effects()
        return total


def make_machines(folder: Path, number: int = 3, config: str = CONFIG) -> Machines:
    server = folder / "server.git"
    git(folder, "init", "-q", "--bare", "-b", "main", str(server))
    first = folder / "seed"
    git(folder, "clone", "-q", str(server), str(first))
    (first / "workflow.yaml").write_text(config)
    (first / ".gitignore").write_text("/.workflow/\n/results/\n/tasks/\n/archive/\n/*.log\n")
    (first / "site").mkdir()
    (first / "site/hugo.toml").write_text("title = 'x'\n")
    git(first, "add", "-A")
    git(first, "commit", "-qm", "an exchange")
    git(first, "push", "-q", "origin", "HEAD:main")
    clones = []
    for count in range(number):
        root = folder / f"machine-{count}" / "exchange"
        git(folder, "clone", "-q", str(server), str(root))
        Exchange(root).prepare()
        clones.append(Machine(root))
    return Machines(server, clones)


def old(day: str, name: str = "old") -> dict[str, str]:
    """What ended on a day of a past month, on a machine that is no more."""
    task_id = f"{day}-0900-effect-{name}"
    place = f"ended/{day}/{task_id}"
    return {
        f"{place}.md": f"---\ntask_id: {task_id}\ntask_type: effect\nstatus: completed\n---\n",
        f"{place}.result.md": RESULT.format(task_id=task_id, day=day),
        f"{place}.json": '{"format": "workflow/claim/1", "home": "machine gone"}\n',
    }

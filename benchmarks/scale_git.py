"""How far an exchange that travels by git carries: `python -m benchmarks.scale_git [--tasks 5000]`.

A bare repository on this disk is the server, so what is measured is git and us, and no network. Two
kinds of tasks: those that are over at once, up to 25 of which share a push, and programs, one a
push, which is the worst that the branch can be asked for.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from benchmarks.measure import duration, environment, run
from benchmarks.scale import Table, about, disk_use, megabytes
from workflow.exchange import Exchange

Kind = Literal["noop", "program"]
BRANCH = "site-tasks"
MOST_SWEEPS = 10
CONFIG = """\
version: 1
sync: {branch: site-tasks}
commands:
  program: {summary: Do nothing in a process of its own, argv: [/bin/true], safe_to_repeat: true}
policies: {jobs: 1, archive: never}
"""
COUNTING = """\
#!/bin/sh
case " $* " in *" push "*) echo push >> "{log}";; esac
exec "{git}" "$@"
"""
CLONES: Mapping[str, Sequence[str]] = {
    "whole": (),
    f"`--single-branch -b {BRANCH}`": ("--single-branch", "-b", BRANCH),
    f"`--depth 1 -b {BRANCH}`": ("--depth", "1", "-b", BRANCH),
    "`--filter=blob:none --no-checkout`": ("--filter=blob:none", "--no-checkout"),
}


def git(folder: Path, *words: str, stdin: bytes | None = None) -> str:
    """What git says. Raises CalledProcessError."""
    ran = subprocess.run(
        ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.com", *words],
        cwd=folder, env=surroundings(), input=stdin, capture_output=True, check=True,
    )  # fmt: skip
    return ran.stdout.decode()


def timed(folder: Path, *words: str) -> float:
    """The seconds that git takes."""
    return run(["git", *words], cwd=folder, env=surroundings())


def surroundings() -> dict[str, str]:
    kept = {name: value for name, value in environment().items() if not name.startswith("GIT_")}
    return {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


@dataclass(frozen=True)
class Machine:
    """A clone with an exchange, whose pushes are counted."""

    root: Path
    env: Mapping[str, str]
    log: Path

    @property
    def pushes(self) -> int:
        return len(self.log.read_bytes().splitlines()) if self.log.exists() else 0

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        program = Path(sys.executable).parent / "workflow"
        return subprocess.Popen(
            [program, *words], cwd=self.root, env=self.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def __call__(self, *words: str) -> float:
        """The seconds that one of our commands takes, which must not fail."""
        began = time.perf_counter()
        finished(self.start(*words))
        return time.perf_counter() - began


def finished(*processes: subprocess.Popen[bytes]) -> None:
    codes = [process.wait() for process in processes]
    if any(codes):
        raise RuntimeError(f"our programs ended with {codes}")


@dataclass(frozen=True)
class Yard:
    """A server and its machines."""

    server: Path
    machines: Sequence[Machine]

    @property
    def address(self) -> str:
        return f"file://{self.server}"  # as over a network: nothing is linked or copied

    def ended(self) -> int:
        there = git(self.server, "ls-tree", "-r", "--name-only", BRANCH, "ended")
        return there.count(".result.md\n")

    def commits(self) -> int:
        return int(git(self.server, "rev-list", "--count", BRANCH))

    def push(self, files: Mapping[str, bytes], *, gone: Sequence[str] = ()) -> None:
        """Put files into the branch by one commit, as a person's push would."""
        said = b"x"
        lines = [b"commit refs/heads/%s\n" % BRANCH.encode()]
        lines.append(b"committer bench <bench@example.com> %d +0000\n" % time.time())
        lines.append(b"data %d\n%s\n" % (len(said), said))
        if git(self.server, "for-each-ref", f"refs/heads/{BRANCH}"):
            lines.append(b"from refs/heads/%s^0\n" % BRANCH.encode())
        lines += [b"D %s\n" % path.encode() for path in gone]
        lines += [file(path, raw) for path, raw in files.items()]
        git(self.server, "fast-import", "--quiet", stdin=b"".join(lines))


def file(path: str, raw: bytes) -> bytes:
    return b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(raw), raw)


def make_yard(folder: Path, machines: int) -> Yard:
    server = folder / "server.git"
    folder.mkdir()
    git(folder, "init", "-q", "--bare", "-b", "main", str(server))
    git(server, "config", "uploadpack.allowFilter", "true")  # as hosts have it
    seed = folder / "seed"
    git(folder, "clone", "-q", str(server), str(seed))
    (seed / "workflow.yaml").write_text(CONFIG, encoding="utf-8")
    (seed / ".gitignore").write_text("/.workflow/\n/results/\n/tasks/\n/archive/\n", "utf-8")
    git(seed, "add", "-A")
    git(seed, "commit", "-qm", "an exchange")
    git(seed, "push", "-q", "origin", "HEAD:main")
    return Yard(server, [make_machine(folder, server, f"machine-{n}") for n in range(machines)])


def make_machine(folder: Path, server: Path, name: str) -> Machine:
    home = folder / name
    git(folder, "clone", "-q", f"file://{server}", str(home / "exchange"))
    Exchange(home / "exchange").prepare()
    real, log = shutil.which("git"), home / "pushes"
    (home / "bin").mkdir()
    counting = home / "bin/git"
    counting.write_text(COUNTING.format(log=log, git=real), encoding="utf-8")
    counting.chmod(0o755)
    env = surroundings()
    path = os.pathsep.join([str(counting.parent), env["PATH"]])
    return Machine(home / "exchange", {**env, "PATH": path}, log)


def tasks(count: int, kind: Kind) -> dict[str, bytes]:
    """New ones, no two of the same bytes: git would keep them once."""
    made = {}
    for number in range(count):
        task_id = f"2026-01-01-0000-{kind}-{number:05}"
        text = f"---\ntask_id: {task_id}\ntask_type: {kind}\nstatus: pending\n---\n"
        made[f"tasks/pending/{task_id}.md"] = text.encode()
    return made


# -- the race --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Race:
    """What came of machines that drain one branch."""

    tasks: int
    machines: int
    seconds: float
    commits: int
    pushes: int

    def cells(self) -> list[str]:
        lost = self.pushes - self.commits
        return [
            f"{self.machines}", f"{self.tasks:,}", f"{self.seconds:.1f} s",
            f"{self.tasks / self.seconds:.1f}/s", f"{self.commits:,}",
            f"{self.commits / self.seconds * 60:,.0f}/min",
            f"{lost:,} ({lost / max(1, self.pushes):.0%})",
        ]  # fmt: skip


RACE_HEAD = ["machines", "tasks", "took", "tasks", "pushes", "pushes", "lost to another's push"]


def race(yard: Yard, count: int, kind: Kind) -> Race:
    """Let all machines sweep until the branch has nothing open."""
    yard.push(tasks(count, kind))
    before, done = yard.commits(), yard.ended()
    pushed = sum(machine.pushes for machine in yard.machines)
    began = time.perf_counter()
    for _ in range(MOST_SWEEPS):  # who never came first gives up for now, and its timer starts anew
        finished(*[machine.start("sweep", "--sync") for machine in yard.machines])
        if yard.ended() - done == count:
            break
    else:
        raise RuntimeError(f"{yard.ended() - done} of {count} tasks ended")
    took = time.perf_counter() - began
    pushes = sum(machine.pushes for machine in yard.machines) - pushed
    return Race(count, len(yard.machines), took, yard.commits() - before, pushes)


def contention(scratch: Path, sizes: Sequence[int], count: int) -> Iterator[Table]:
    for kind, what in (("program", "one task a push"), ("noop", "25 quick tasks a push")):
        table = Table(f"Machines that race, {what}", RACE_HEAD)
        for size in sizes:
            folder = scratch / f"{kind}-{size}"
            table.add(*race(make_yard(folder, size), count, kind).cells())  # type: ignore[arg-type]
            shutil.rmtree(folder)
        yield table


# -- what is left of it ----------------------------------------------------------------------


def objects(repository: Path) -> dict[str, int]:
    told = git(repository, "count-objects", "-v").splitlines()
    return {name: int(number) for name, number in (line.split(": ") for line in told)}


def stored(what: str, repository: Path) -> list[str]:
    """A row: what a repository holds."""
    counted = objects(repository)
    folder = repository / ".git" if (repository / ".git").is_dir() else repository
    return [
        what,
        f"{len(git(repository, 'for-each-ref').splitlines())}",
        f"{counted['count'] + counted['in-pack']:,}",
        f"{counted['count']:,}",
        f"{counted['packs']}",
        megabytes(counted["size-pack"] * 1024),
        megabytes(disk_use(folder)),
    ]


TOOK_HEAD = ["what", "took", ".git on disk"]
STORED_HEAD = ["repository", "refs", "objects", "loose", "packs", "in packs", "on disk"]


def storage(yard: Yard, what: str) -> Table:
    """The server and a machine, before and after git has tidied up."""
    table = Table(f"What the repositories hold, {what}", STORED_HEAD)
    places = [("server", yard.server)]
    places += [("a machine", machine.root) for machine in yard.machines[:1]]
    for name, place in places:
        table.add(*stored(name, place))
        took = timed(place, "gc", "--quiet", "--prune=now")
        table.add(*stored(f"{name}, after `git gc` ({duration(took)})", place))
    return table


def clones(yard: Yard, scratch: Path, what: str) -> Table:
    """What it takes to get at the branch, for a machine that has nothing yet."""
    table = Table(f"Getting it, {what}", TOOK_HEAD)
    for name, words in CLONES.items():
        target = scratch / "clone"
        took = timed(scratch, "clone", "-q", *words, yard.address, str(target))
        table.add(f"clone, {name}", duration(took), megabytes(disk_use(target / ".git")))
        shutil.rmtree(target)
    table.add("`git ls-remote`", duration(timed(scratch, "ls-remote", yard.address, BRANCH)), "-")
    return table


def took_and_size(took: float, machine: Machine) -> tuple[str, str]:
    return duration(took), megabytes(disk_use(machine.root / ".git"))


def newcomer(yard: Yard, table: Table) -> None:
    """The first sweep of a machine that has seen nothing yet: it brings all that the branch has."""
    machine = make_machine(yard.server.parent, yard.server, "newcomer")
    took = machine("sweep", "--sync")
    table.add("a new machine's first `sweep --sync`", *took_and_size(took, machine))
    shutil.rmtree(machine.root.parent)


# -- months ----------------------------------------------------------------------------------


def months(yard: Yard, days: int, per_day: int) -> None:
    """Give the branch a past of past months, with the three commits that a lone task leaves.

    Files as real ones of this branch, under other names and on other days.
    """
    names = git(yard.server, "ls-tree", "-r", "--name-only", BRANCH, "ended").split()
    model = next(name for name in names if name.endswith(".result.md"))
    day, task_id = model.split("/")[1], model.split("/")[2].removesuffix(".result.md")
    raws = {
        suffix: git(yard.server, "show", f"{BRANCH}:ended/{day}/{task_id}{suffix}")
        for suffix in (".md", ".result.md", ".json")
    }
    first = datetime.now(UTC).replace(day=1) - timedelta(days=days)
    stream = bytearray()
    for number in range(days * per_day):
        then = first + timedelta(days=number // per_day, seconds=number % per_day * 300)
        stream += _task(task_id, then, number, raws)
    git(yard.server, "fast-import", "--quiet", stdin=b"feature done\n" + stream + b"done\n")


def _task(model: str, then: datetime, number: int, raws: Mapping[str, str]) -> bytes:
    new = f"{then:%Y-%m-%d-%H%M}-noop-{number}"
    files = {suffix: raw.replace(model, new).encode() for suffix, raw in raws.items()}
    waits, runs, claim = f"tasks/pending/{new}.md", f"tasks/in-progress/{new}.md", f"claims/{new}"
    gone = "".join(f"D {path}\n" for path in (runs, f"{claim}.json")).encode()
    ended = b"".join(file(f"ended/{then:%Y-%m-%d}/{new}{s}", raw) for s, raw in files.items())
    steps = (
        file(waits, files[".md"]),
        b"D %s\n" % waits.encode()
        + file(runs, files[".md"])
        + file(f"{claim}.json", files[".json"] + new.encode()),
        gone + ended,
    )
    begin = b"commit refs/heads/%s\ncommitter a <a@b> %d +0000\ndata 1\nx\n" % (
        BRANCH.encode(), then.timestamp(),
    )  # fmt: skip
    on_top = b"" if number else b"from refs/heads/%s^0\n" % BRANCH.encode()
    return begin + on_top + begin.join(steps)


def pruning(yard: Yard, scratch: Path, what: str) -> Iterator[Table]:
    """`workflow archive --shared`, and what all of it costs afterwards."""
    first, other = yard.machines[:2]
    table = Table(f"`workflow archive --shared`, {what}", TOOK_HEAD)
    for machine in (first, other):
        took = machine("sweep", "--sync")
        table.add("a machine that brings all that ended", *took_and_size(took, machine))
    table.add("the command", *took_and_size(first("archive", "--shared"), first))
    took = other("sweep", "--sync")
    table.add("another machine's next sweep, which proves it", *took_and_size(took, other))
    yield table
    after = clones(yard, scratch, f"{what}, after it")
    newcomer(yard, after)
    yield after
    kept = Table(f"The server, {what}, after it", STORED_HEAD)
    git(yard.server, "gc", "--quiet", "--prune=now")
    kept.add(*stored("server, history kept", yard.server))
    yield kept


# -- all of it -------------------------------------------------------------------------------


def measure(scratch: Path, options: argparse.Namespace) -> Iterator[Table]:
    yield from contention(scratch, options.contention, options.single)
    yard = make_yard(scratch / "race", options.machines + 1)
    *racing, behind = yard.machines
    table = Table(f"{options.tasks:,} quick tasks through one repository", RACE_HEAD)
    table.add(*race(Yard(yard.server, racing), options.tasks, "noop").cells())
    yield table
    what = f"{options.tasks:,} tasks of one day"
    getting = Table("A machine that is far behind", TOOK_HEAD)
    fetched = timed(behind.root, "fetch", "-q", "origin", f"{BRANCH}:refs/heads/{BRANCH}")
    getting.add("`git fetch`", *took_and_size(fetched, behind))
    took = behind("sweep", "--sync")
    getting.add("its sweep: bringing how all ended", *took_and_size(took, behind))
    yield getting
    yield storage(yard, what)
    yield clones(yard, scratch, what)
    shutil.rmtree(yard.server.parent)

    yard = make_yard(scratch / "months", 2)
    race(yard, 10, "noop")
    months(yard, options.days, options.per_day)
    what = f"{options.days} days of {options.per_day} tasks"
    yield storage(yard, what)
    before = clones(yard, scratch, what)
    newcomer(yard, before)
    yield before
    yield from pruning(yard, scratch, what)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_git", description=__doc__)
    parser.add_argument("--tasks", type=int, default=5_000, help="quick ones, in one race")
    parser.add_argument("--machines", type=int, default=3, help="that race over those")
    parser.add_argument("--single", type=int, default=200, help="tasks in each smaller race")
    parser.add_argument("--contention", type=int, nargs="*", default=[1, 2, 4, 8],
                        help="machines in each of those")  # fmt: skip
    parser.add_argument("--days", type=int, default=300, help="of a branch with a past")
    parser.add_argument("--per-day", type=int, default=50, help="tasks on each of them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="workflow-scale-") as scratch:
        for table in measure(Path(scratch), options):
            print(table, flush=True)
    print(about())
    return 0


if __name__ == "__main__":
    sys.exit(main())

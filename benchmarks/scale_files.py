"""How far the files carry: `python -m benchmarks.scale_files [--finished 100000] [--jobs 8]`.

An exchange with a long past is worked with as a busy one would be: many tasks by one sweep, several
sweeps and many submitters at once, the commands that people use, the end of a month. Beside it the
floors and a peer, in the same run.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import peers, raw
from benchmarks.begin import claims
from benchmarks.measure import duration, environment, pairs, run
from benchmarks.past import give_past, months_back
from benchmarks.scale import Table, about, disk_use, inodes, megabytes
from benchmarks.workshop import Workshop, open_exchange
from workflow import layout
from workflow.exchange import Exchange
from workflow.submission import Wish, submit

CONFIG = """\
version: 1
commands:
  nap:
    summary: Be a program that takes a while
    argv: [sleep, "{seconds}"]
    parameters: {seconds: {type: number, minimum: 0, maximum: 60, default: 0}}
    safe_to_repeat: true
policies: {archive: never}
"""
COMMANDS = {
    "types": ("types",),
    "sweep": ("sweep",),
    "list": ("list",),
    "list --type noop --limit 100": ("list", "--type", "noop", "--limit", "100"),
    "status": ("status",),
    "show ID, of this month": ("show", "NEWEST"),
    "show ID, archived": ("show", "OLDEST"),
    "wait ID, ended": ("wait", "NEWEST"),
    "archive --dry-run": ("archive", "--dry-run"),
}
"""What is timed; `types` looks at nothing of the past."""
AUDIT = """\
import sys
from workflow.audit import audit
from workflow.exchange import Exchange

found = audit(Exchange(sys.argv[1]))
assert found.compared and not (found.altered or found.missing or found.journal.broken), found
"""
SUBMITTING = """\
import sys
from benchmarks.workshop import open_exchange
from workflow.submission import Wish, submit
from pathlib import Path

exchange, config = open_exchange(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    submit(exchange, config, Wish("noop", description=f"{sys.argv[3]} {number}"))
"""


@dataclass(frozen=True)
class Spent:
    """What processes took, from the start of the first to the end of the last."""

    seconds: float
    cpu: float
    """Seconds of all processors, what they started included."""
    peak: int
    """Bytes of memory, of the largest."""


def start(words: Sequence[str | Path], cwd: Path) -> subprocess.Popen[bytes]:
    nothing = subprocess.DEVNULL
    return subprocess.Popen(
        words, cwd=cwd, env=environment(), stdin=nothing, stdout=nothing, stderr=nothing
    )


def spend(*starting: Sequence[str | Path], cwd: Path) -> Spent:
    """Run programs side by side to their end. Raises RuntimeError if one fails."""
    began = time.perf_counter()
    running = [start(words, cwd) for words in starting]
    cpu, peak, left = 0.0, 0, list(running)
    while left:
        for process in list(left):
            peak = max(peak, _peak(process.pid))
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                left.remove(process)
                process.returncode = os.waitstatus_to_exitcode(status)
                cpu += used.ru_utime + used.ru_stime
        time.sleep(0.005)
    took = time.perf_counter() - began
    if any(process.returncode for process in running):
        raise RuntimeError(f"{starting[0]} ended with {[p.returncode for p in running]}")
    return Spent(took, cpu, peak)


def _peak(pid: int) -> int:
    """What a process has had in memory at most. (Its rusage counts the memory of whoever forked
    it, which is us.)"""
    try:
        told = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB", told, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


class Files:
    """The measurements, all of one exchange with a past."""

    def __init__(self, workshop: Workshop, options: argparse.Namespace) -> None:
        self.workshop, self.options = workshop, options
        self.jobs = str(options.jobs)
        self.root = workshop.exchange("long", CONFIG)
        self.small = workshop.exchange("small", CONFIG)
        give_past(self.root, workshop.program, options.finished, options.month)
        give_past(self.small, workshop.program, 100, 50)
        for root in (self.root, self.small):
            workshop.sweep(root)

    def submit(self, count: int, seconds: float | None = None, root: Path | None = None) -> None:
        """Tasks that do nothing, or programs that take so many seconds."""
        exchange, config = open_exchange(root or self.root)
        wish = Wish("noop") if seconds is None else Wish("nap", params={"seconds": seconds})
        for _ in range(count):
            submit(exchange, config, wish)

    def sweep(self, sweeps: int = 1, root: Path | None = None) -> Spent:
        words = (self.workshop.program, "sweep", "--jobs", self.jobs)
        return spend(*[words] * sweeps, cwd=root or self.root)

    # -- tables ------------------------------------------------------------------------------

    def draining(self) -> Table:
        table = Table(
            f"Drained by one sweep with {self.jobs} jobs, {self.options.finished:,} finished "
            "tasks beside them",
            ["tasks", "count", "took", "rate", "processor time a task", "peak memory"],
        )
        plans: list[tuple[str, int, float | None]] = [("nothing", self.options.tasks, None)]
        for seconds in self.options.seconds:
            count = max(1, self.options.programs // (5 if seconds >= 1 else 1))
            plans.append((f"a program of {seconds:g} s", count, seconds))
        for what, count, seconds in plans:
            self.submit(count, seconds)
            spent = self.sweep()
            table.add(what, f"{count:,}", duration(spent.seconds), _rate(count, spent.seconds),
                      duration(spent.cpu / count), megabytes(spent.peak))  # fmt: skip
        count = self.options.tasks
        floor = raw.measure(self.workshop.scratch / "raw", count)[1]
        table.add("the same files and fsyncs in a bare loop", f"{count:,}", duration(floor),
                  _rate(count, floor), "-", "-")  # fmt: skip
        try:
            took = peers.huey_sqlite(self.workshop.scratch / "huey", count)[1]
            table.add("huey on SQLite, each commit synced", f"{count:,}", duration(took),
                      _rate(count, took), "-", "-")  # fmt: skip
        except peers.Absent as reason:
            table.add(f"huey: {reason}", "-", "-", "-", "-", "-")
        return table

    def sweeping_at_once(self) -> Table:
        count, sweeps = self.options.tasks, self.options.workers
        table = Table("Sweeps at once over one exchange", ["sweeps", "tasks", "took", "rate"])
        for number in (1, sweeps):
            self.submit(count)
            took = self.sweep(number).seconds
            table.add(f"{number}", f"{count:,}", duration(took), _rate(count, took))
        return table

    def submitting_at_once(self) -> Table:
        table = Table("Submitters at once", ["what", "tasks", "took", "rate"])
        each = max(1, self.options.tasks // self.options.workers)
        for number in (1, self.options.workers):
            took = self._submitters(number, each)
            table.add(f"{number} in processes that live on", f"{number * each:,}", duration(took),
                      _rate(number * each, took))  # fmt: skip
        words = (self.workshop.program, "submit", "noop")
        for number in (1, self.options.workers):
            took = spend(*[words] * number, cwd=self.root).seconds
            table.add(f"{number} times `workflow submit` at once", f"{number}", duration(took),
                      _rate(number, took))  # fmt: skip
        self.sweep()
        return table

    def _submitters(self, number: int, each: int) -> float:
        pipe, words = subprocess.PIPE, [sys.executable, "-c", SUBMITTING, str(self.root), str(each)]
        running = [
            subprocess.Popen([*words, f"by {n}"], stdin=pipe, stdout=pipe, text=True)
            for n in range(number)
        ]
        for process in running:
            assert process.stdout is not None
            process.stdout.readline()
        began = time.perf_counter()
        for process in running:
            process.communicate("\n")
        took = time.perf_counter() - began
        if any(process.returncode for process in running):
            raise RuntimeError("a submitter failed")
        return took

    def beginning(self) -> Table:
        """From the call of submit to the claim, while a sweep runs programs."""
        table = Table("How soon a task is begun", ["while", "tasks", "median", "at most"])
        half, seconds = max(1, self.options.jobs // 2), max(self.options.seconds)
        busy = f"{half} of {self.jobs} places are taken"
        table.add(busy, *self._waits(half, seconds, None))
        count = self.options.programs
        line = f"all are taken, and {count:,} programs of {seconds / 10:g} s wait"
        table.add(f"{line}; it is urgent", *self._waits(count, seconds / 10, "urgent"))
        return table

    def _waits(self, count: int, seconds: float, priority: str | None) -> tuple[str, str, str]:
        self.submit(count, seconds)
        sweep = start((self.workshop.program, "sweep", "--jobs", self.jobs), self.root)
        exchange, config = open_exchange(self.root)
        while len(exchange.names("pending")) == count:
            time.sleep(0.01)
        called: dict[str, float] = {}
        until = time.monotonic() + 8 * seconds
        while sweep.poll() is None and time.monotonic() < until:
            now = time.time()
            called[submit(exchange, config, Wish("noop", priority=priority))] = now
            time.sleep(0.23)  # no divisor of how often a sweep looks
        sweep.wait()
        self.sweep()
        waits = [at - called[task] for task, at in claims(self.root) if task in called]
        waits = waits[:-1] or waits  # the last may have come as the sweep ended
        return f"{len(waits)}", duration(median(waits)), duration(max(waits))

    def commands(self) -> Table:
        count = self.options.pairs
        table = Table(
            f"What commands cost at {self.options.finished:,} finished tasks",
            ["command", "long", "at 100", "ratio"],
        )
        newest = {root: max(Exchange(root).names("completed")) for root in (self.root, self.small)}
        oldest = {root: _archived(root) for root in (self.root, self.small)}

        def floor(root: Path) -> float:
            return run([sys.executable, "-c", "pass"], cwd=root)

        idle = pairs(partial(self.workshop.sweep, self.root), partial(floor, self.root), count)
        table.add("idle `sweep`, beside `python -c pass`", duration(idle.ours),
                  duration(idle.other), str(idle))  # fmt: skip
        for what in self.options.commands:

            def ours(root: Path, words: Sequence[str] = COMMANDS[what]) -> float:
                named = {"NEWEST": newest[root], "OLDEST": oldest[root]}
                return run(
                    [self.workshop.program, *(named.get(word, word) for word in words)], cwd=root
                )

            pair = pairs(partial(ours, self.root), partial(ours, self.small), count)
            table.add(f"`{what}`", duration(pair.ours), duration(pair.other), str(pair))
        return table

    def sizes(self) -> Table:
        """What a finished task leaves on the disk; of real ones, the journal's lines included."""
        table = Table("What a finished task leaves", ["task", "inodes", "on disk", "journal"])
        for what, seconds in (("that does nothing", None), ("a program", 0.0)):
            count = max(1, self.options.tasks // 5)
            root = self.workshop.exchange(f"sizes-{what}", CONFIG)
            self.submit(1, seconds, root)
            self.sweep(1, root)
            before = (inodes(root), disk_use(root), _journal(root))
            self.submit(count, seconds, root)
            self.sweep(1, root)
            after = (inodes(root), disk_use(root), _journal(root))
            each = [(new - old) / count for new, old in zip(after, before, strict=True)]
            table.add(what, f"{each[0]:.1f}", f"{each[1] / 1e3:.1f} kB", f"{each[2]:,.0f} bytes")
        return table

    def folders(self) -> Table:
        table = Table("Folders of the long past", ["folder", "entries", "the folder itself"])
        today = os.path.relpath(Exchange(self.root).days()[0], self.root)
        for name in (layout.COMPLETED, today):
            path = self.root / name
            table.add(f"`{name}`", f"{len(os.listdir(path)):,}", f"{path.stat().st_size:,} bytes")
        whole = disk_use(self.root)
        table.add("all of it", f"{inodes(self.root):,}", megabytes(whole))
        table.add("`.workflow/journal`", "-", megabytes(_journal(self.root)))
        return table

    def archiving(self) -> Table:
        """The end of a month: what a sweep does by itself once, and holds its lock for."""
        table = Table("The end of a month", ["what", "took", "a task", "peak memory"])
        (month,) = months_back(datetime.now(UTC).date(), 1)
        count = sum(name.startswith(month) for name in Exchange(self.root).names("completed"))
        spent = spend([self.workshop.program, "archive"], cwd=self.root)
        table.add(f"`archive` of {count:,} tasks", duration(spent.seconds),
                  duration(spent.seconds / max(1, count)), megabytes(spent.peak))  # fmt: skip
        total = len(Exchange(self.root).names("completed"))
        spent = spend([sys.executable, "-c", AUDIT, str(self.root)], cwd=self.root)
        table.add("`doctor` comparing every file with the journal", duration(spent.seconds), "-",
                  megabytes(spent.peak))  # fmt: skip
        table.add(f"`tar -czf` of that month: {self._packed(month)}", "-", "-", "-")
        table.add("left in this month", f"{total:,} tasks", "-", "-")
        return table

    def _packed(self, month: str) -> str:
        """A whole month of the archive in one file, as a person puts it away."""
        folder, packed = self.root / layout.ARCHIVE, self.workshop.scratch / "month.tar.gz"
        took = run(["tar", "-C", folder, "-czf", packed, month])
        before, after = disk_use(folder / month), packed.stat().st_size
        return f"{megabytes(before)} to {megabytes(after)}, {duration(took)}"

    def growing(self) -> Table:
        """What gets slow first as one month grows."""
        what = ("idle sweep", "`list`", "`status`", "`show ID`", "a sweep with one task")
        table = Table("As one month grows", ["tasks in the month", *what])
        for size in self.options.months:
            root = self.workshop.exchange(f"month-{size}", CONFIG)
            give_past(root, self.workshop.program, size, size)
            self.workshop.sweep(root)
            program, task_id = self.workshop.program, max(Exchange(root).names("completed"))
            cells = []
            for words in (["sweep"], ["list"], ["status"], ["show", task_id]):
                took = [run([program, *words], cwd=root) for _ in range(self.options.pairs)]
                cells.append(duration(median(took)))
            took = []
            for _ in range(self.options.pairs):
                exchange, config = open_exchange(root)
                submit(exchange, config, Wish("noop"))
                took.append(self.workshop.sweep(root))
            table.add(f"{size:,}", *cells, duration(median(took)))
        return table


def _rate(count: int, seconds: float) -> str:
    return f"{count / seconds:,.1f}/s"


def _archived(root: Path) -> str:
    """The oldest task in the archive; the oldest of all where nothing is archived yet."""
    names = [path.stem for path in root.glob("archive/*/tasks/*.md")]
    return min(names or Exchange(root).names("completed"))


def _journal(root: Path) -> int:
    return sum(path.stat().st_size for path in (root / layout.JOURNAL).iterdir())


def measure(workshop: Workshop, options: argparse.Namespace) -> Iterator[Table]:
    files = Files(workshop, options)
    yield files.folders()
    yield files.commands()
    yield files.draining()
    yield files.sweeping_at_once()
    yield files.submitting_at_once()
    yield files.beginning()
    yield files.sizes()
    yield files.archiving()
    yield files.growing()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_files", description=__doc__)
    number = partial(parser.add_argument, type=int)
    number("--finished", default=100_000, help="tasks of the past")
    number("--month", default=30_000, help="of these in each month")
    number("--tasks", default=2_000, help="that do nothing, in each drain")
    number("--programs", default=400, help="tasks that are programs, in each drain")
    parser.add_argument("--seconds", type=float, nargs="*", default=[0.0, 0.2, 2.0],
                        help="that such a program takes")  # fmt: skip
    number("--jobs", default=8, help="of a sweep")
    number("--workers", default=8, help="sweeps, and submitters, at once")
    number("--pairs", default=7, help="runs of each command")
    parser.add_argument("--commands", nargs="*", default=list(COMMANDS), choices=COMMANDS)
    number("--months", nargs="*", default=[1_000, 10_000, 100_000, 300_000],
           help="tasks in one month, to see what grows")  # fmt: skip
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="workflow-scale-") as scratch:
        for table in measure(Workshop(Path(scratch), quick=False), options):
            print(table, flush=True)
    print(about())
    return 0


if __name__ == "__main__":
    sys.exit(main())

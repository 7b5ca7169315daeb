"""Who acts in a soak: submitters, people with editors, sweeps, and those who kill them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests import bad_files
from tests.endurance.soak_check import Known
from tests.endurance.soak_disk import Ballast
from tests.program import Program
from workflow import document

CLOCKS = ["-365d", "-3h", "-30s", "+30s", "+3h", "+40d", "+365d"]
FAKETIME = [*Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")]
SUBMIT = """
import random, sys
from workflow.cli import run
dice = random.Random(int(sys.argv[2]))
for _ in range(int(sys.argv[3])):
    words = dice.choice([["effect"], ["effect"], ["effect", "fail=true"], ["effect-once"],
                         ["passing-fault", "times=1"], ["passing-fault", "times=2"], ["noop"]])
    if run(["submit", *words, "--root", sys.argv[1]]) not in (0, 1):
        sys.exit(7)
    sys.stdout.flush()
"""
"""Several submissions in one process. An id that is printed is acknowledged."""
GRACE = 30.0
"""Seconds after which a process that should have ended is a defect."""


@dataclass
class Started:
    """A process of the soak, and where it writes."""

    what: str
    process: subprocess.Popen[bytes]
    out: Path
    err: Path
    since: float
    signal_at: float | None = None
    number: signal.Signals = signal.SIGKILL


class Actors:
    """Everything that can happen to an exchange, by the throw of a die."""

    def __init__(self, program: Program, aside: Path, dice: random.Random) -> None:
        self.program = program
        self.aside = aside
        self.dice = dice
        self.known = Known()
        self.counts: Counter[str] = Counter()
        self.defects: list[str] = []
        self.effects, self.together = aside / "effects.log", aside / "together.log"
        self.ballast = Ballast(program.root.parent)
        self._started: list[Started] = []
        self._number = 0
        # Outside the small disk, where what happened is noted whatever room is left in there.
        (program.root / "effects.log").symlink_to(self.effects)
        self._ledger = (aside / "ledger.log").open("a")
        (aside / "locks").mkdir()

    # -- processes ---------------------------------------------------------------------------

    def start(self, what: str, argv: list[str], **environ: str) -> Started:
        self._number += 1
        out, err = (self.aside / f"{self._number:06}.{end}" for end in ("out", "err"))
        with out.open("wb") as to, err.open("wb") as errors:
            process = subprocess.Popen(
                argv, cwd=self.program.root, env={**self.environ, **environ},
                stdin=subprocess.DEVNULL, stdout=to, stderr=errors,
            )  # fmt: skip
        started = Started(what, process, out, err, time.monotonic())
        self._started.append(started)
        return started

    @property
    def environ(self) -> dict[str, str]:
        environ = self.program.environ
        environ["HOME"] = str(self.aside)
        return environ

    def living(self, what: str) -> list[Started]:
        return [s for s in self._started if s.what == what and s.process.poll() is None]

    def see_to_the_started(self) -> None:
        """Send the signals that are due, and look at what has ended."""
        now = time.monotonic()
        for started in list(self._started):
            code = started.process.poll()
            if code is not None:
                self._started.remove(started)
                self._ended(started, code)
            elif started.signal_at is not None and now >= started.signal_at:
                started.signal_at = None
                with suppress(ProcessLookupError):
                    started.process.send_signal(started.number)
                    self.counts[f"{started.what}s ended by {started.number.name}"] += 1
            elif now - started.since > GRACE * 2:
                self.defects.append(f"{started.what} hangs: {started.err}")
                started.process.kill()

    def _ended(self, started: Started, code: int) -> None:
        said = started.err.read_text(errors="replace")
        full = "No space left on device" in said
        if full:
            self.counts["times a full disk was told"] += 1
        right = (0, 130, -signal.SIGKILL, -signal.SIGTERM) if started.what == "sweep" else (0, -9)
        if "Traceback" in said or "a defect of ours" in said or not (code in right or full):
            self.defects.append(f"{started.what} ended with {code}: {said[-2000:]}")
        if started.what == "submitter":
            for line in started.out.read_text().split("\n")[:-1]:
                self.accept(line.strip(), "submitted")
        if started.what != "submitter" or code == 0:
            started.out.unlink()
        started.err.unlink()

    def run(self, *words: str, **environ: str) -> tuple[int, str]:
        """A command to its end; its exit code and what it printed."""
        started = self.start("command", self.program.argv(*words), **environ)
        with suppress(subprocess.TimeoutExpired):
            started.process.wait(GRACE)
        self._started.remove(started)
        code, out = started.process.poll(), started.out.read_text()
        said = started.err.read_text(errors="replace")
        if code is None:
            self.defects.append(f"{words} hangs")
            started.process.kill()
        if "Traceback" in said or "a defect of ours" in said:
            self.defects.append(f"{words} ended with {code}: {said[-2000:]}")
        self.counts["times a full disk was told"] += "No space left on device" in said
        started.out.unlink()
        started.err.unlink()
        return code if code is not None else -1, out

    def accept(self, task_id: str, how: str) -> None:
        """Note that somebody was told that this task is in."""
        self._ledger.write(f"{how} {task_id}\n")
        self._ledger.flush()
        self.known.accepted[task_id] = how
        self.counts[f"tasks {how}"] += 1

    def clock(self, chance: float) -> dict[str, str]:
        """Now and then, a clock that was set."""
        if not FAKETIME or self.dice.random() >= chance:
            return {}
        self.counts["clock jumps"] += 1
        return {
            "LD_PRELOAD": str(FAKETIME[0]), "FAKETIME": self.dice.choice(CLOCKS),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DISABLE_SHM": "1", "NO_FAKE_STAT": "1",
        }  # fmt: skip

    # -- what they do ------------------------------------------------------------------------

    def sweep(self) -> None:
        if len(self.living("sweep")) >= 2:
            return
        words = self.dice.choice([["sweep"], ["sweep", "--jobs", "4"], ["sweep", "--jobs", "1"]])
        started = self.start("sweep", self.program.argv(*words), **self.clock(0.15))
        self.counts["sweeps"] += 1
        fate = self.dice.random()
        if fate < 0.7:
            started.signal_at = time.monotonic() + self.dice.uniform(0.1, 1.5)
            started.number = signal.SIGKILL if fate < 0.55 else signal.SIGTERM

    def submit(self) -> None:
        if self.living("submitter"):
            return
        argv = [sys.executable, "-c", SUBMIT, str(self.program.root),
                str(self.dice.randrange(10**9)), str(self.dice.randint(1, 12))]  # fmt: skip
        started = self.start("submitter", argv, **self.clock(0.05))
        if self.dice.random() < 0.2:
            started.signal_at = time.monotonic() + self.dice.uniform(0.3, 0.8)

    def write(self) -> None:
        """As an editor does; a program whose script notices if it runs beside itself."""
        self._number += 1
        task_id = f"{time.strftime('%Y-%m-%d-%H%M', time.gmtime())}-program-{self._number}"
        lock, seconds = self.aside / "locks" / task_id, self.dice.choice([0, 0.05, 0.3, 1])
        away = self.dice.choice(["", "setsid ", "trap '' TERM; "])
        script = (
            f"exec 9>{lock}; flock -n 9 || echo {task_id} >>{self.together}; "
            f"echo {task_id} >>{self.effects}; {away}sleep {seconds}; echo done"
        )
        text = (
            f"---\ntask_type: program\nstatus: pending\nparams:\n  script: |\n    {script}\n---\n"
        )
        if self._put(task_id, text.encode()):
            self.accept(task_id, "written")

    def write_badly(self) -> None:
        bad = self.dice.choice(_BAD)
        self._number += 1
        task_id = f"bad-{self._number}"
        if isinstance(bad.content, bytes):
            if self._put(task_id, bad.content):
                self.known.contents[task_id] = bad.content
                self.accept(task_id, "bad")
            return
        with suppress(OSError):
            bad.content(self.program.root / f"tasks/pending/{task_id}.md")
            self.accept(task_id, "bad")

    def _put(self, task_id: str, raw: bytes) -> bool:
        """Whether there was room for it; if not, what there was room for stays there."""
        try:
            path = self.program.root / f"tasks/pending/{task_id}.md"
            path.write_bytes(raw)
        except OSError:
            self.counts["times a full disk was told"] += 1
            return False
        return True

    def cancel(self) -> None:
        """What has not ended, most of the time."""
        waiting = [p.stem for s in ("pending", "waiting", "in-progress")
                   for p in (self.program.root / "tasks" / s).glob("2*.md")]  # fmt: skip
        if not waiting:
            return
        task_id = self.dice.choice(waiting)
        code, out = self.run("cancel", task_id, "--json")
        if code == 0 and '"status": "cancelled"' in out:
            self.known.cancelled.add(task_id)
            self.counts["cancelled"] += 1

    def retry(self) -> None:
        ended = [p for p in (self.program.root / "tasks/failed").glob("2*.md")
                 if b"task_type: program" not in _read(p)]  # fmt: skip
        if not ended:
            return
        code, out = self.run("retry", self.dice.choice(ended).stem, **self.clock(0.05))
        if code == 0:
            self.accept(out.strip(), "retried")

    def archive(self) -> None:
        code, _ = self.run("archive", **self.clock(0.7))
        self.counts["archived"] += code == 0

    def kill_a_child(self) -> None:
        """Of a sweep: a program that a task has started, or one that this has started."""
        children = [pid for s in self.living("sweep") for pid in _descendants(s.process.pid)]
        if children:
            with suppress(ProcessLookupError):
                os.kill(self.dice.choice(children), signal.SIGKILL)
                self.counts["children killed"] += 1

    def crowd(self) -> None:
        """Leave hardly any room, or some."""
        self.ballast.leave(self.dice.choice([0, 0, 2048, 16_384, 65_536, 262_144]))
        self.counts["times the disk was nearly full"] += self.ballast.is_possible

    def make_room(self) -> None:
        self.ballast.remove()


_BAD = [bad for bad in [*bad_files.BYTES, *bad_files.YAML, *bad_files.KEYS, *bad_files.PLACES]
        if not (isinstance(bad.content, bytes) and len(bad.content) > 50_000)]  # fmt: skip


def _read(path: Path) -> bytes:
    try:
        return document.read_regular(str(path))
    except (OSError, document.InvalidDocument):
        return b"task_type: program"


def _descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        with suppress(OSError, ValueError):
            stat = Path(f"/proc/{int(name)}/stat").read_text()
            parents.setdefault(int(stat.rpartition(") ")[2].split()[1]), []).append(int(name))
    found, look = [], [pid]
    while look:
        children = parents.get(look.pop(), [])
        found += children
        look += children
    return found

"""Every state-changing system call of every scenario, and one fault at each of them.

    python -m tests.endurance.crash [--scenario NAME …] [--fault kill|ENOSPC|EIO …] [--every N]

A clean run is recorded; then, for each call that changed a file of the exchange or its site, in
each thread and program, the same run is made again in a fresh copy of the exchange and struck at
that very call: killed before it is made, or the call refused. Then plain sweeps run until nothing
is left to do, and the invariants are checked. A strike that hit another call than the one that was
meant is tried again, and counted as not reached if it never did.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.endurance import invariants, strace, trace_order
from tests.endurance.cold import Cold
from tests.endurance.invariants import FAULTS, Expected
from tests.endurance.points import PROGRAM, Point, aim_again, find_points, is_same
from tests.endurance.scenarios import Scenario, named, stage
from tests.endurance.strace import Call, Strace
from tests.endurance.warm import MAIN, Child, Warm
from tests.program import make_exchange

KILL = "kill"
TRIES = 8
QUIET_SECONDS = 20.0
"""How long tasks may take to end after the fault: the longest is a retry's wait."""
_DEFECTS = ("Traceback (most recent call last)", "a defect of ours")


@dataclass
class Tried:
    point: Point
    fault: str
    reached: bool = False
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    folder: Path | None = None

    @property
    def survived(self) -> bool:
        return self.reached and not self.problems


class Crash:
    """The scenarios, played in copies below `folder` by one warm process."""

    def __init__(
        self, folder: Path, warm: Warm, *, jobs: int = 2, struck: Warm | Cold | None = None
    ) -> None:
        self.folder = folder
        self.warm = warm
        self._struck = struck or warm
        """By what the command is run that is struck."""
        self._slots = threading.Semaphore(jobs)
        self._numbers = itertools.count()

    # -- the clean run -----------------------------------------------------------------------

    def record(self, scenario: Scenario) -> tuple[list[Point], list[str], int]:
        """The points of a scenario, what is wrong with its clean run, how many names it made."""
        if not (self.folder / scenario.name).exists():
            stage(self.warm, self.folder / scenario.name, scenario)
        root = self._copy(scenario)
        log = root.parent / "trace"
        followers: list[Strace] = []
        before = invariants.snapshot(root)
        child = self._struck.run(
            scenario.words,
            cwd=root,
            output=root.parent / "struck",
            hold=MAIN,
            attach=lambda thread: followers.append(Strace(thread, log, follow=True)),
        )
        followers[0].wait()
        calls = strace.read_record(log)
        problems = [] if child.code == 0 else [f"the clean run exited {child.code}: {child.err}"]
        order = trace_order.check(calls, root, ended=child.code == 0)
        problems += [f"order: {problem}" for problem in order.problems]
        problems += self._settle(root, scenario, before, child, "nothing")
        points = list(find_points(scenario, calls, child, root))
        if not problems:
            shutil.rmtree(root.parent)
        return points, problems, order.names

    def _copy(self, scenario: Scenario) -> Path:
        folder = self.folder / f"{scenario.name}-{next(self._numbers)}"
        shutil.copytree(self.folder / scenario.name, folder, symlinks=True)
        return folder / "exchange"

    # -- one fault ---------------------------------------------------------------------------

    def strike(self, point: Point, fault: str) -> Tried:
        tried = Tried(point, fault)
        aims = [(point.role, point.ordinal), *point.peers]
        for number in range(TRIES * len(aims)):
            role, ordinal = aims[number % len(aims)]
            root = self._copy(point.scenario)
            before = invariants.snapshot(root)
            with self._slots:
                child, calls = self._run_struck(root, point, role, fault, ordinal)
            struck = next((c for c in calls if c.injected or c.result == "?"), None)
            if struck is not None and is_same(struck, point, root) and child.held:
                tried.reached = True
                tried.folder = root.parent
                tried.problems = self._judge(root, point, fault, before, child)
                break
            if not point.peers:
                aims = [(role, aim_again(calls, point, root, ordinal))]
            shutil.rmtree(root.parent)
        if tried.survived and tried.folder is not None:
            shutil.rmtree(tried.folder)
            tried.folder = None
        return tried

    def _run_struck(
        self, root: Path, point: Point, role: str, fault: str, ordinal: int
    ) -> tuple[Child, list[Call]]:
        how = "signal=KILL" if fault == KILL else f"error={fault}"
        log = root.parent / "trace"
        followers: list[Strace] = []
        child = self._struck.run(
            point.scenario.words,
            cwd=root,
            output=root.parent / "struck",
            hold=MAIN if role == PROGRAM else role,
            attach=lambda thread: followers.append(
                Strace(
                    thread,
                    log,
                    names=[point.name],
                    inject=f"{point.name}:{how}:when={ordinal}",
                    follow=point.role == PROGRAM,
                    path=None if point.file is None else str(root / point.file),
                )
            ),
        )
        for follower in followers:
            follower.wait()
        calls = strace.read_record(log) if followers else []
        return child, calls or [_NO_CALL]

    def _judge(
        self, root: Path, point: Point, fault: str, before: dict[str, bytes], child: Child
    ) -> list[str]:
        problems = list(invariants.links(root))
        said = child.out + child.err
        if any(defect in said for defect in _DEFECTS):
            problems.append(f"said: a defect: {child.err.strip()[-500:]}")
        if fault == KILL and child.code != -9 and point.role != PROGRAM:
            problems.append(f"said: was to be killed, exited {child.code}")
        program_hit = point.role == PROGRAM
        problems += self._settle(root, point.scenario, before, child, fault, program_hit)
        if fault in FAULTS and point.name in strace.SYNCS and _is_record(point):
            told = said + "".join(
                paths[0].read_text() for paths in invariants.results(root).values()
            )
            if FAULTS[fault] not in told:
                problems.append(f"said: nothing of a sync that failed (exit {child.code})")
        if child.code > 0 and fault in FAULTS and FAULTS[fault] not in said:
            problems.append(f"said: exited {child.code} without a reason: {said.strip()[-300:]}")
        return problems

    # -- afterwards --------------------------------------------------------------------------

    def _settle(
        self,
        root: Path,
        scenario: Scenario,
        before: dict[str, bytes],
        child: Child,
        fault: str,
        program_hit: bool = False,
    ) -> list[str]:
        """Sweep until all have ended, then say what does not hold."""
        submitted = child.out.split() if scenario.words[0] == "submit" else []
        acknowledged = set(submitted if child.code == 0 else ())
        cancelled = list(before) if scenario.words[0] == "cancel" and child.code == 0 else []
        problems = []
        if scenario.again:
            again = self._plain(root, *scenario.again)
            acknowledged |= set(again.out.split())
            if len(invariants.tasks(root)) != 1:
                problems.append(f"one task: {sorted(invariants.tasks(root))} for one key")
        if scenario.words[0] == "submit":
            before = {**before, **invariants.snapshot(root)}
        problems += self._sweep_until_quiet(root)
        expected = Expected(before, acknowledged, fault, cancelled, program_hit)
        return problems + invariants.check(root, expected)

    def _sweep_until_quiet(self, root: Path) -> list[str]:
        until = time.monotonic() + QUIET_SECONDS
        while True:
            child = self._plain(root, "sweep")
            if child.code != 0:
                return [f"an end: a sweep afterwards exited {child.code}: {child.err.strip()}"]
            left = invariants.unfinished(root)
            if not left:
                break
            if time.monotonic() > until:
                return [f"an end: {left} never ended; the last sweep said {child.err.strip()}"]
            # For the end of a retry's wait, or of a program that outlived its sweep.
            time.sleep(0.1)
        self._plain(root, "sweep")
        return []

    def _plain(self, root: Path, *words: str) -> Child:
        with self._slots:
            return self.warm.run(words, cwd=root, output=root.parent / "after")


_NO_CALL = Call(0, "", "", (), False, "?", 0, 0)


def _is_record(point: Point) -> bool:
    """Whether what was to be made durable is a task, a result or the archive."""
    return point.paths[0].startswith(("/tasks", "/results/DATE", "/archive"))


# -- the command -------------------------------------------------------------------------------


@contextmanager
def workshop(folder: Path, jobs: int, *, cold: bool = False) -> Iterator[Crash]:
    """A warm process, and a folder in which its exchanges are made.

    `cold`: what is struck is started as the real program is.
    """
    (folder / "warm-up").mkdir()
    program = make_exchange(folder / "warm-up")
    with Warm(program.environ, program.root) as warm:
        yield Crash(folder, warm, jobs=jobs, struck=Cold(program) if cold else warm)


def prove(
    crash: Crash,
    scenario: Scenario,
    faults: Mapping[str, int],
    *,
    jobs: int = 2,
    say: Callable[[str], None] = print,
) -> tuple[list[Tried], bool]:
    """Strike in a scenario, with each fault at every so-many-th point.

    Returns what came of it, and whether the clean run was sound.
    """
    points, problems, names = crash.record(scenario)
    for problem in problems:
        say(f"NOT SOUND  {scenario.name}, no fault: {problem}")
    strikes = [
        (point, fault)
        for fault, every in faults.items()
        for point in points[_start(every, points) :: scenario.every * every]
    ]
    began = time.monotonic()
    # More at once than there are processors: most of them wait, for a retry's time say.
    with ThreadPoolExecutor(8 * jobs) as pool:
        tried = list(pool.map(lambda one: crash.strike(*one), strikes))
    for one in tried:
        _say_one(one, say)
    seconds = time.monotonic() - began
    about = f"{len(points)} calls, {names} names made durable, {seconds:.1f} s"
    say(f"{scenario.name}: {counts(tried)} ({about})")
    return tried, not problems


def _start(every: int, points: Sequence[Point]) -> int:
    """Of each so many the middle one; the first where there are fewer."""
    middle = (every - 1) // 2
    return middle if middle < len(points) else 0


def _say_one(one: Tried, say: Callable[[str], None]) -> None:
    if one.survived:
        return
    verdict = "NOT SURVIVED" if one.reached else "NOT REACHED"
    say(f"{verdict}  {one.point.scenario.name}, {one.fault} at {one.point}")
    for problem in one.problems:
        say(f"    {problem}")
    if one.folder is not None:
        say(f"    kept: {one.folder}")


def counts(tried: Sequence[Tried]) -> str:
    """As `12 tried, 11 survived, 1 not reached`; what was not reached was not tried."""
    count = Counter(
        "survived" if one.survived else "failed" if one.reached else "unreached" for one in tried
    )
    text = f"{count['survived'] + count['failed']} tried, {count['survived']} survived"
    return text + (f", {count['unreached']} not reached" if count["unreached"] else "")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance.crash")
    parser.add_argument("--scenario", action="append", default=[], metavar="NAME")
    parser.add_argument("--fault", action="append", choices=[KILL, *FAULTS])
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each N-th point only")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--cold", action="store_true", help="start the interpreter each time")
    parser.add_argument("--folder", type=Path, help="where the exchanges are made")
    options = parser.parse_args()
    if reason := strace.why_not():
        print(f"crash points: none tried: {reason}")
        return 1
    folder = Path(tempfile.mkdtemp(prefix="workflow-crash-", dir=options.folder))
    tried: list[Tried] = []
    well = True
    faults = dict.fromkeys(options.fault or [KILL, *FAULTS], options.every)
    with workshop(folder, options.jobs, cold=options.cold) as crash:
        for scenario in named(options.scenario):
            if missing := scenario.missing():
                print(f"{scenario.name}: left out: {', '.join(missing)} is not installed")
                continue
            done, sound = prove(crash, scenario, faults, jobs=options.jobs)
            tried += done
            well = well and sound and all(one.survived for one in done)
    print(f"crash points: {counts(tried)}")
    if well:
        shutil.rmtree(folder)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())

"""Three machines race over many tasks, and one of them is killed again and again.

    python -m tests.endurance.machines [--rounds 20] [--tasks 100] [--seed N] [--anew]

Each round: a bare repository, three clones, tasks of four kinds pushed into the branch at once;
each machine sweeps in a loop; one of them is killed with SIGKILL at random moments, and then comes
back, or (every other round) stays away for good with its disk. Afterwards: every task ended once in
the branch (lost 0, doubled 0), every living machine has that very result, and what must not be
repeated had its effect at most once. What may be repeated and was cut off counts as repeated.
With --anew a fourth machine lets the branch begin anew all the while (`workflow archive --shared`).
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.sync.machines import Machine, Machines, make_machines, old

KINDS = ("noop", "effect", "effect-once", "program")
QUIET_SECONDS = 120.0
MOST_KILLS = 25
LAUNCHER = """
import os, sys, time
import workflow.sweeping, workflow.sweep, workflow.sync.sharing
import workflow_test_handlers.effect, workflow_test_handlers.effect_once
from workflow.__main__ import main

sys.argv[1:] = ["sweep"]
while sys.stdin.readline():
    child = os.fork()
    if not child:
        from workflow.cli import run
        os._exit(run(["sweep", "--sync", "--root", os.getcwd()]))
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""
"""Starts sweeps that have imported everything already: more sweeps, and more kills, in a second."""


@dataclass
class Round:
    """What came of a round."""

    tasks: int = 0
    kills: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    interrupted: int = 0
    repeated: int = 0
    seconds: float = 0.0
    anew: int = 0
    """How often the branch began anew."""

    @property
    def sound(self) -> bool:
        return not (self.lost or self.doubled or self.differing)


class Sweeps:
    """The sweeps of one machine, one after the other."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        log = (machine.root.parent / "sweeps.log").open("a")
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER], cwd=machine.root, env=machine.environ, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
        log.close()
        self.pid = 0
        self.ends = False

    def loop(self) -> None:
        """Sweep after sweep, as a timer does, until `ends`."""
        while not self.ends:
            self.start()
            self.wait()
            time.sleep(0.05)

    def start(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        while not line.strip().isdigit():
            assert line, "the launcher is gone"
            line = self.process.stdout.readline()
        self.pid = int(line)

    def wait(self) -> None:
        assert self.process.stdout is not None
        while True:
            line = self.process.stdout.readline()
            assert line, "the launcher is gone"
            if line.strip() == "gone":
                self.pid = 0
                return

    def kill(self) -> bool:
        """False if it had ended before."""
        if not self.pid:  # that number would mean ourselves
            return False
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
            return True
        return False

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()


def tasks(number: int) -> dict[str, str]:
    made = {}
    for count in range(number):
        kind = KINDS[count % len(KINDS)]
        task_id = f"2026-01-01-0000-{kind}-{count:03}"
        params = "timeout_minutes: 0.05\n"
        if kind == "program":
            params += f"params: {{script: 'sleep 0.2; echo {task_id} >> effects.log'}}\n"
        made[task_id] = f"---\ntask_type: {kind}\nstatus: pending\n{params}---\n"
    return made


class Archiving:
    """A machine that archives past months of the branch, again and again, as they appear."""

    def __init__(self, machines: Machines, machine: Machine, chance: random.Random) -> None:
        self.machines, self.machine, self.chance = machines, machine, chance
        self.times = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._loop)

    def __enter__(self) -> Archiving:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._over.wait(self.chance.uniform(0.1, 1.0)):
            month, day = 1 + self.times % 10, 1 + self.times // 10 % 28
            self.machines.push_files(old(f"2020-{month:02}-{day:02}"))
            ran = self.machine("archive", "--shared", "--json")
            self.times += ran.code == 0 and bool(ran.json["data"]["shared"]["days"])


def play(
    folder: Path, number: int, chance: random.Random, *, comes_back: bool, anew: bool = False
) -> Round:
    """One round. `comes_back`: whether the machine that is killed sweeps again in the end."""
    machines = make_machines(folder, 4 if anew else 3)
    if not anew:
        return _race(machines, number, chance, comes_back)
    *racing, keeper = machines.clones
    machines.push_files(old("2019-12-01"))
    with Archiving(machines, keeper, random.Random(chance.random())) as archiving:
        came = _race(Machines(machines.server, racing), number, chance, comes_back)
    came.anew = archiving.times
    return came


def _race(machines: Machines, number: int, chance: random.Random, comes_back: bool) -> Round:
    began = time.monotonic()
    wanted = tasks(number)
    machines.push(wanted)
    came = Round(tasks=number)
    sweeps = [Sweeps(machine) for machine in machines.clones]
    victim = sweeps[0]
    loops = [threading.Thread(target=one.loop) for one in sweeps]
    for loop in loops:
        loop.start()
    try:
        until = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < until:
            done = len(wanted.keys() & set(machines.ended()))
            if done >= number and not machines.files("tasks", "claims"):
                break
            if done < number * 0.9 and came.kills < MOST_KILLS:
                time.sleep(chance.uniform(0.1, 1.2))
                came.kills += victim.kill()
            else:
                if not comes_back:
                    victim.ends = True
                time.sleep(0.2)
    finally:
        for one in sweeps:
            one.ends = True
        for loop in loops:
            loop.join()
    living = sweeps if comes_back else sweeps[1:]
    for one in living:  # what the last step told, everybody learns
        one.start()
        one.wait()
    for one in sweeps:
        one.close()
    judge(machines, wanted, [one.machine for one in living], came)
    came.seconds = time.monotonic() - began
    return came


def judge(machines: Machines, wanted: dict[str, str], living: list[Machine], came: Round) -> None:
    ended = Counter(machines.ended())
    came.lost = sorted(wanted.keys() - ended.keys())
    came.doubled = sorted(task_id for task_id, times in ended.items() if times > 1)
    for task_id in wanted.keys() & ended.keys():
        (path,) = (p for p in machines.files("ended") if p.endswith(f"/{task_id}.result.md"))
        said = machines.show(path)
        came.interrupted += "code: interrupted" in said
        for machine in living:
            here = machine.exchange.result(task_id)
            states = machine.states(task_id)
            if here is None or Path(here).read_text() != said or len(states) != 1:
                came.differing.append(f"{machine.root.parent.name}: {task_id} {states}")
    for task_id, times in machines.effects().items():
        if "effect-once" in task_id and times > 1:
            came.doubled.append(f"{task_id}: {times} effects")
        came.repeated += times - 1
    unheard = [i for i in wanted if "effect-once" in i and machines.effects()[i] == 0]
    silent = {i for i in unheard if "code: interrupted" not in _result(machines, i)}
    came.lost += sorted(silent)


def _result(machines: Machines, task_id: str) -> str:
    found = [p for p in machines.files("ended") if p.endswith(f"/{task_id}.result.md")]
    return machines.show(found[0]) if found else "code: interrupted"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance.machines")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--anew", action="store_true", help="the branch begins anew meanwhile")
    options = parser.parse_args(argv)
    seed = random.randrange(10**6) if options.seed is None else options.seed
    print(
        f"three machines, {options.tasks} tasks, {options.rounds} rounds, seed {seed}", flush=True
    )
    total = Round()
    for count in range(options.rounds):
        folder = Path(tempfile.mkdtemp(prefix="workflow-machines-"))
        came = play(
            folder, options.tasks, random.Random(seed + count), comes_back=count % 2 == 0,
            anew=options.anew,
        )  # fmt: skip
        print(
            f"{count + 1:3}: {came.seconds:5.1f} s, {came.kills} kills, lost {len(came.lost)}, "
            f"doubled {len(came.doubled)}, interrupted {came.interrupted}, "
            f"repeated {came.repeated}, differing {len(came.differing)}"
            + (f", anew {came.anew}" if options.anew else ""),
            flush=True,
        )
        for name in ("lost", "doubled", "differing"):
            getattr(total, name).extend(getattr(came, name))
        for name in ("tasks", "kills", "interrupted", "repeated", "seconds", "anew"):
            setattr(total, name, getattr(total, name) + getattr(came, name))
        if came.sound:
            shutil.rmtree(folder)
        else:
            print(f"     kept in {folder}: {(came.lost + came.doubled + came.differing)[:5]}")
    print(
        f"{total.tasks} tasks, {total.kills} kills: lost {len(total.lost)}, doubled "
        f"{len(total.doubled)}, differing {len(total.differing)}; interrupted {total.interrupted} "
        f"(must not be repeated), repeated {total.repeated} (may be), {total.seconds:.0f} s"
        + (f"; the branch began anew {total.anew} times" if options.anew else "")
    )
    return 0 if total.sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

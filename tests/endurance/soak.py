"""A soak: everything that can happen to an exchange, at random, for as long as you like.

    python -m tests.endurance.soak --minutes 10 [--seed N]

On a small disk that is nearly full at times: submissions, cancellations, retries, files written by
hand (bad ones too), archiving, sweeps that are killed, programs that are killed, clocks that are
set. Then there is room again, sweeps run until all is quiet, and everything that was noted outside
the disk is held against what is there. Exit 1, and the exchange is kept, if anything is not right.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.endurance.soak_actors import FAKETIME, Actors
from tests.endurance.soak_check import Found, check, unfinished
from tests.endurance.soak_disk import small_disk
from tests.program import CONFIG, make_exchange

POLICIES = """\
policies:
  jobs: 3
  settle_seconds: 0.2
  timeout_minutes: 0.1
  retry: {max_attempts: 5, backoff_seconds: 0.2}
"""
QUIET_SECONDS = 90.0
"""Longest wait until everything has ended, once nothing more happens."""
STEP = 0.05


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance.soak")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None, help="else another one each time")
    options = parser.parse_args(argv)
    seed = random.randrange(10**6) if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix="workflow-soak-"))
    with small_disk(folder, 24 + round(4 * options.minutes)) as (disk, kind):
        clocks = "" if FAKETIME else ", no clock jumps (faketime is not installed)"
        print(f"soak: {options.minutes:g} minutes, seed {seed}, on {kind}{clocks}", flush=True)
        aside = folder / "aside"
        aside.mkdir()
        program = make_exchange(disk, CONFIG + POLICIES)
        actors = Actors(program, aside, random.Random(seed))
        let_it_happen(actors, options.minutes * 60)
        calm_down(actors)
        found = check(program.root, actors.known, actors.effects, actors.together)
        well = report(actors, found)
        if not well:
            # Not by shutil, which stumbles over the pipes that lie there.
            subprocess.run(["cp", "-a", str(program.root), str(folder / "kept")], check=True)
    if well:
        shutil.rmtree(folder)
    else:
        print(f"kept for a look: {folder} (seed {seed})")
    return 0 if well else 1


def let_it_happen(actors: Actors, seconds: float) -> None:
    """Throw the die again and again."""
    weights: dict[Callable[[], None], float] = {
        actors.sweep: 30,
        actors.submit: 10,
        actors.write: 8,
        actors.write_badly: 5,
        actors.kill_a_child: 6,
        actors.cancel: 2,
        actors.retry: 2,
        actors.archive: 0.7,
        actors.crowd: 0.8,
        actors.make_room: 1.5,
    }
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        (act,) = actors.dice.choices(list(weights), list(weights.values()))
        act()
        actors.see_to_the_started()
        time.sleep(STEP)


def calm_down(actors: Actors) -> None:
    """Make room, let what runs end, and sweep until nothing is left to be done."""
    actors.make_room()
    until = time.monotonic() + QUIET_SECONDS
    while actors.living("sweep") or actors.living("submitter"):
        actors.see_to_the_started()
        time.sleep(STEP)
    actors.see_to_the_started()
    while unfinished(actors.program.root) and time.monotonic() < until:
        actors.run("sweep")
        time.sleep(STEP)
    code, _ = actors.run("sweep")
    if code:
        actors.defects.append(f"the last sweep ended with {code}")
    for task_id in actors.dice.sample(sorted(actors.known.accepted), k=min(
        20, len(actors.known.accepted))):  # fmt: skip
        code, out = actors.run("show", task_id, "--json")
        if code or '"result"' not in out:
            actors.defects.append(f"show {task_id} ended with {code}")


def report(actors: Actors, found: Found) -> bool:
    """Print the count of each; whether all is well."""
    for what, count in sorted(actors.counts.items()):
        print(f"{count:>7}  {what}")
    print(
        f"{found.unannounced:>7}  files that nobody told of: cut off by a kill, or by a full disk"
    )
    print("ended as: " + ", ".join(f"{n} {how}" for how, n in found.ended.most_common()))
    for title, lines in (
        ("lost", found.lost), ("doubled", found.doubled), ("not right", found.other),
        ("defects", actors.defects),
    ):  # fmt: skip
        for line in lines[:20]:
            print(f"{title}: {line}")
    left = unfinished(actors.program.root)
    if left:
        print(f"not ended after {QUIET_SECONDS:g} s: " + ", ".join(left[:20]))
    print(f"lost {len(found.lost)}, doubled {len(found.doubled)}")
    return found.is_well and not actors.defects and not left


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that everything is unmounted
    sys.exit(main(sys.argv[1:]))

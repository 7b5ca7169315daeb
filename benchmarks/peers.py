"""Two peers whose queue is a folder too, as they come. Neither forces anything onto the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from benchmarks.measure import environment


class Absent(Exception):
    """A peer is not installed; says how to get it."""


def huey(root: Path, count: int) -> tuple[float, float]:
    """Seconds for enqueuing and for executing `count` no-op tasks, results stored, one process."""
    try:
        from huey import FileHuey
    except ImportError:
        raise Absent("not installed (`pip install huey`)") from None
    queue = FileHuey("bench", path=os.fspath(root), use_thread_lock=True)

    @queue.task()  # type: ignore[untyped-decorator]
    def noop() -> str:
        return "Nothing was to be done."

    began = time.perf_counter()
    for _ in range(count):
        noop()
    submitted = time.perf_counter() - began
    began = time.perf_counter()
    done = 0
    while (task := queue.dequeue()) is not None:
        queue.execute(task)
        done += 1
    drained = time.perf_counter() - began
    if done != count or queue.result_count() != count:
        raise RuntimeError(f"huey did {done} of {count} tasks")
    return submitted, drained


def nq(root: Path, count: int) -> tuple[float, float]:
    """Seconds for enqueuing `count` runs of `true` behind a job that blocks, and for the rest."""
    program = shutil.which("nq")
    if program is None:
        raise Absent("not installed (`apt-get install nq`)")
    root.mkdir()
    gate = root / "gate"
    os.mkfifo(gate)
    env = {**environment(), "NQDIR": os.fspath(root / "queue")}

    def enqueue(*argv: str) -> None:
        subprocess.run([program, "-q", *argv], env=env, stdin=subprocess.DEVNULL, check=True)

    enqueue("cat", os.fspath(gate))
    try:
        began = time.perf_counter()
        for _ in range(count):
            enqueue("true")
        submitted = time.perf_counter() - began
    finally:
        with open(gate, "wb"):
            began = time.perf_counter()
    subprocess.run([program, "-w"], env=env, stdin=subprocess.DEVNULL, check=True)
    return submitted, time.perf_counter() - began

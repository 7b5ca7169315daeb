"""Peers as they come, and one as durable as we are: huey on SQLite with every commit synced."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import environment


class Absent(Exception):
    """A peer is not installed; says how to get it."""


def huey(root: Path, count: int) -> tuple[float, float]:
    """Seconds for enqueuing and for executing `count` no-op tasks, results stored, one process."""
    try:
        from huey import FileHuey
    except ImportError:
        raise Absent("not installed (`pip install huey`)") from None
    return _huey(FileHuey("bench", path=os.fspath(root), use_thread_lock=True), count)


def huey_sqlite(root: Path, count: int) -> tuple[float, float]:
    """The same on SQLite, which syncs every commit to the disk."""
    try:
        from huey import SqliteHuey
    except ImportError:
        raise Absent("not installed (`pip install huey`)") from None
    root.mkdir()
    return _huey(SqliteHuey("bench", filename=os.fspath(root / "queue.db"), fsync=True), count)


def _huey(queue: Any, count: int) -> tuple[float, float]:
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


def _installed(program: str, package: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise Absent(f"not installed (`apt-get install {package}`)")
    return path


def _gate(root: Path) -> Path:
    """A pipe in the new folder `root`; who reads it blocks until it was opened and closed."""
    root.mkdir()
    gate = root / "gate"
    os.mkfifo(gate)
    return gate


def task_spooler(root: Path, count: int) -> tuple[float, float]:
    """Seconds for enqueuing `count` runs of `true` behind a job that blocks, and for the rest.

    It lets no more than some 990 jobs wait: of more tasks the time of 900 is taken, and scaled.
    """
    queued = min(count, 900)
    program = _installed("tsp", "task-spooler")
    gate = _gate(root)
    env = {
        **environment(),
        "TS_SOCKET": os.fspath(root / "socket"),
        "TS_MAXCONN": str(queued + 10),  # each waiting job is a process that waits
        "TMPDIR": os.fspath(root),
    }

    def ask(*argv: str) -> None:
        nothing = subprocess.DEVNULL
        subprocess.run([program, *argv], env=env, stdin=nothing, stdout=nothing, check=True)

    try:
        ask("-n", "cat", os.fspath(gate))
        began = time.perf_counter()
        for _ in range(queued):
            ask("-n", "true")
        submitted = time.perf_counter() - began
        with open(gate, "wb"):
            began = time.perf_counter()
        ask("-w", str(queued))  # the gate is number 0
        drained = time.perf_counter() - began
        return submitted * count / queued, drained * count / queued
    finally:
        ask("-K")


def nq(root: Path, count: int) -> tuple[float, float]:
    """Seconds for enqueuing `count` runs of `true` behind a job that blocks, and for the rest."""
    program = _installed("nq", "nq")
    gate = _gate(root)
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

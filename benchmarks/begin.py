"""How soon a task is begun, and what memory a sweep takes as there are more of them."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from statistics import median

from benchmarks.measure import Row, duration, environment
from benchmarks.workshop import Workshop, open_exchange, submit_noop
from workflow import layout

BEGIN_BAR = 0.1
"""Seconds from the task's name in pending to its claim."""
MEMORY_BAR = 1.2


def measure(workshop: Workshop) -> Iterator[Row]:
    yield _begin(workshop)
    yield _memory(workshop)


def _begin(workshop: Workshop) -> Row:
    root = workshop.exchange("begin")
    seen: dict[str, float] = {}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.001):
            for name in os.listdir(root / layout.PENDING):
                if layout.is_task_name(name):
                    seen.setdefault(name.removesuffix(layout.SUFFIX), time.time())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for number in range(3 if workshop.quick else 21):
            words = ["submit", "noop", "--wait", "60", "--description", f"number {number}"]
            subprocess.run(
                [workshop.program, *words],
                cwd=root,
                env=environment(),
                check=True,
                capture_output=True,
            )
    finally:
        over.set()
        watcher.join()
    waits = [claimed - seen[task] for task, claimed in claims(root) if task in seen]
    took = median(waits)
    return Row(
        f"`submit --wait`: from the task's name to its claim, {len(waits)} times",
        duration(took),
        f"at most {duration(max(waits))}",
        None,
        duration(BEGIN_BAR),
        took <= BEGIN_BAR,
    )


def claims(root: Path) -> Iterator[tuple[str, float]]:
    for file in (root / layout.JOURNAL).iterdir():
        for line in file.read_text(encoding="utf-8").splitlines():
            said = json.loads(line)
            if said["what"] == "claimed":
                yield said["task"], datetime.fromisoformat(said["at"]).timestamp()


def _memory(workshop: Workshop) -> Row:
    few, many = (100, 500) if workshop.quick else (100, 10_000)
    low, high = (_peak(workshop, count) for count in (few, many))
    return Row(
        f"peak memory of a sweep over {many:,} tasks",
        f"{high / 1024:.1f} MiB",
        f"{low / 1024:.1f} MiB (over {few})",
        None,
        f"{MEMORY_BAR:g} times",
        high <= MEMORY_BAR * low,
    )


def _peak(workshop: Workshop, count: int) -> int:
    """In KiB, of one real sweep over so many pending tasks."""
    root = workshop.exchange(f"memory-{count}")
    model = submit_noop(root)
    exchange, _ = open_exchange(root)
    text = Path(exchange.task_path("pending", model)).read_text(encoding="utf-8")
    for number in range(1, count):
        task_id = f"{model}-{number}"
        path = Path(exchange.task_path("pending", task_id))
        path.write_text(text.replace(model, task_id), encoding="utf-8")
    with open(os.devnull, "wb") as nothing:
        sweep = subprocess.Popen(
            [workshop.program, "sweep"], cwd=root, env=environment(), stdout=nothing, stderr=nothing
        )
        _, status, usage = os.wait4(sweep.pid, 0)
    sweep.returncode = os.waitstatus_to_exitcode(status)
    if sweep.returncode or exchange.count("completed") != count:
        raise RuntimeError(f"{exchange.count('completed')} of {count} tasks were completed")
    return usage.ru_maxrss

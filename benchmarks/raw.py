"""The exchange's own steps on files in a bare loop: what durability alone costs.

The writes, fsyncs, renames, links and locks of `exchange.submit`, `exchange.claim` and
`settle.settle`, in their order, by the very functions of `durable`, with bytes of the same number.
Left out is all else: YAML, checks, looking whether an id is free, threads, the start of a process.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from workflow import durable

_TASK = b"x" * 325
_RESULT = b"x" * 790
"""As many bytes as the files of a no-op task have."""
_LEASE = b"x" * 190


def measure(root: Path, count: int) -> tuple[float, float]:
    """Seconds for submitting and for draining `count` tasks below the new folder `root`."""
    steps = _Steps(root)
    names = [f"task-{number}" for number in range(count)]
    began = time.perf_counter()
    for name in names:
        steps.submit(name)
    submitted = time.perf_counter() - began
    began = time.perf_counter()
    for name in names:
        steps.drain(name)
    return submitted, time.perf_counter() - began


class _Steps:
    def __init__(self, root: Path) -> None:
        for name in ("pending", "in-progress", "completed", "day", "latest", "leases", "runs"):
            (root / name).mkdir(parents=True)
        self.root = os.fspath(root)

    def path(self, *names: str) -> str:
        return "/".join((self.root, *names))

    def submit(self, name: str) -> None:
        pending = os.open(self.path("pending"), os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(pending, fcntl.LOCK_EX)
        durable.create(self.path("pending", name), _TASK)
        os.close(pending)

    def drain(self, name: str) -> None:
        running = self.path("in-progress", name)
        lease = os.open(self.path("leases", name), os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
        durable.move(self.path("pending", name), running)
        durable.replace(running, _TASK, sync_name=False)  # status: in-progress
        os.mkdir(self.path("runs", name))
        os.pwrite(lease, _LEASE, 0)
        durable.create(self.path("day", name), _RESULT)
        durable.replace(running, _TASK, sync_name=False)  # status: completed
        durable.move(running, self.path("completed", name))
        os.rmdir(self.path("runs", name))
        os.unlink(self.path("leases", name))
        os.close(lease)
        os.symlink(f"../day/{name}", self.path("latest", f".{name}"))
        os.rename(self.path("latest", f".{name}"), self.path("latest", "noop"))

"""The exchange's own steps on files in a bare loop: what durability alone costs.

The writes, fsyncs, renames, links and locks of `pending.publish_task`, `claim.claim` and
`settle.settle` for one task after the other, in their order, with bytes of the same number: each
file and each folder is synced when it has changed. Left out is all else: YAML, checks, looking
whether an id is free, the journal, threads, the start of a process.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

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
        for name in ("pending", "in-progress", "completed", "day", "latest", "leases"):
            (root / name).mkdir(parents=True)
        self.root = os.fspath(root)

    def path(self, *names: str) -> str:
        return "/".join((self.root, *names))

    def submit(self, name: str) -> None:
        pending = os.open(self.path("pending"), os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(pending, fcntl.LOCK_EX)
        aside = self.write_aside("pending", name, _TASK)
        os.link(aside, self.path("pending", name))
        os.unlink(aside)
        self.sync("pending")
        os.close(pending)

    def drain(self, name: str) -> None:
        running = self.path("in-progress", name)
        lease = os.open(self.path("leases", name), os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(self.path("pending", name), running)
        self.sync("in-progress")
        self.sync("pending")
        os.pwrite(lease, _LEASE, 0)
        aside = self.write_aside("day", name, _RESULT)
        os.link(aside, self.path("day", name))
        os.unlink(aside)
        self.sync("day")
        os.rename(self.write_aside("in-progress", name, _TASK), running)  # status: completed
        os.rename(running, self.path("completed", name))
        self.sync("completed")
        self.sync("in-progress")
        os.unlink(self.path("leases", name))
        os.close(lease)
        os.symlink(f"../day/{name}", self.path("latest", f".{name}"))
        os.rename(self.path("latest", f".{name}"), self.path("latest", "noop"))

    def write_aside(self, folder: str, name: str, raw: bytes) -> str:
        path = self.path(folder, f".{name}.tmp")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, raw)
        os.fsync(descriptor)
        os.close(descriptor)
        return path

    def sync(self, folder: str) -> None:
        descriptor = os.open(self.path(folder), os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(descriptor)
        os.close(descriptor)

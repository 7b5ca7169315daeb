"""A small file system of its own, and something on it that takes up room."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEGABYTE = 1024 * 1024


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[tuple[Path, str]]:
    """An ext4 on a loop device, else a tmpfs, else a plain folder; and which of them it is.

    Blocks of 1 KB, since what is kept there is small, and as many inodes.
    """
    disk, image = folder / "disk", folder / "disk.img"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(megabytes * MEGABYTE)
    ways = {
        "ext4": [
            ["mkfs.ext4", "-q", "-F", "-b", "1024", "-N", str(megabytes * 512), "-m", "0",
             str(image)],
            ["mount", "-o", "loop", str(image), str(disk)],
        ],
        "tmpfs": [["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(disk)]],
    }  # fmt: skip
    kind = "a plain folder (only root can mount)"
    for name, commands in ways.items() if os.geteuid() == 0 else ():
        if all(_does(command) for command in commands):
            kind = f"{name} of {megabytes} MB"
            break
    try:
        yield disk, kind
    finally:
        if disk.is_mount():
            _unmount(disk)
        image.unlink()


def _does(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _unmount(disk: Path) -> None:
    deadline = time.monotonic() + 20
    while not _does(["umount", str(disk)]):
        if time.monotonic() > deadline:  # somebody still has a file open there
            subprocess.run(["umount", "--lazy", str(disk)], check=True)
            return
        time.sleep(0.2)


class Ballast:
    """A file that leaves as little room on the disk as is wished."""

    def __init__(self, disk: Path) -> None:
        self.path = disk / "ballast"
        self.is_possible = disk.is_mount()

    def leave(self, free: int) -> None:
        """Let this many bytes be free, as near as it can be done."""
        self.remove()
        if not self.is_possible:
            return
        with self.path.open("wb", buffering=0) as file:
            try:
                while (more := self._free() - free) > 0:
                    file.write(b"\0" * min(more, MEGABYTE))
            except OSError:
                return  # others write too: it is fuller than was wished

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def _free(self) -> int:
        seen = os.statvfs(self.path.parent)
        return seen.f_bavail * seen.f_frsize

"""Tables of sizes and times, for the simulations of what a long and busy life costs."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Table:
    """A Markdown table under a line that says what it shows."""

    title: str
    head: list[str]
    rows: list[list[str]] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        self.rows.append(list(cells))

    def __str__(self) -> str:
        rule = ["---", *["---:"] * (len(self.head) - 1)]
        lines = [f"| {' | '.join(cells)} |" for cells in (self.head, rule, *self.rows)]
        return "\n".join([f"{self.title}:", "", *lines, ""])


def disk_use(folder: Path) -> int:
    """Bytes that a folder takes on the disk, as `du` counts them: whole blocks, folders too."""
    total = 0
    folders = [os.fspath(folder)]
    total += os.lstat(folder).st_blocks * 512
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                total += entry.stat(follow_symlinks=False).st_blocks * 512
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    return total


def inodes(folder: Path) -> int:
    """Entries below a folder, itself left out."""
    return sum(len(names) + len(files) for _, names, files in os.walk(folder))


def megabytes(size: float) -> str:
    return f"{size / 1e6:.1f} MB"


def about() -> str:
    """What all of it was measured on."""
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False).stdout
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python "
        f"{platform.python_version()}, {git.strip()}, load {os.getloadavg()[0]:.1f}."
    )

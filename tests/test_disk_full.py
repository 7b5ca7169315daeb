"""A full disk loses nothing, says so, and everything goes on once there is room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.program import Program, make_exchange


@contextmanager
def mounted(folder: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    if os.geteuid() != 0 or not Path("/proc/mounts").exists():
        pytest.skip("only root can mount a small file system, only on Linux")
    disk = folder / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=False
    )
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody may write into the folder meanwhile, root neither."""
    bind = ["mount", "--bind", str(folder), str(folder)]
    if os.geteuid() != 0 or subprocess.run(bind, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave no room for another byte."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65_536, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return ballast


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path) as disk:
        yield disk


def test_a_full_disk_loses_no_task_and_invents_no_result(small_disk: Path) -> None:
    program: Program = make_exchange(small_disk)
    task_id = program.submit("noop", "message=kept")
    text = (program.root / f"tasks/pending/{task_id}.md").read_text()
    ballast = fill(small_disk)

    refused = program("submit", "noop")
    assert refused.code == 1
    assert "No space left on device" in refused.err
    swept = program("sweep")
    assert swept.code == 1
    assert "No space left on device" in swept.err
    assert len(program.states(task_id)) == 1
    (path,) = program.root.glob(f"tasks/*/{task_id}.md")
    assert path.read_text().replace("in-progress", "pending") == text
    assert program.exchange.result(task_id) is None

    ballast.unlink()
    assert program("sweep").code == 0
    result = program.result(task_id)
    assert result["outputs"] == {"message": "kept"}
    assert program.states(task_id) == ["completed"]
    assert [p.name for p in program.root.rglob("*.tmp")] == []

"""A full disk loses nothing, says so, and everything goes on once there is room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import Program, make_exchange


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    if os.geteuid() != 0 or not Path("/proc/mounts").exists():
        pytest.skip("only root can mount a small file system, only on Linux")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _fill(disk: Path) -> Path:
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


def test_a_full_disk_loses_no_task_and_invents_no_result(small_disk: Path) -> None:
    program: Program = make_exchange(small_disk)
    task_id = program.submit("noop", "message=kept")
    text = (program.root / f"tasks/pending/{task_id}.md").read_text()
    ballast = _fill(small_disk)

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

"""The benchmark of deploys runs, on a small site, with whichever tools are installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CASES = 7


def test_the_benchmark_publishes_in_every_case_and_tells_time_requests_and_memory(
    tmp_path: Path,
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--only", "deploys", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    rows = [line.strip("| ").split(" | ") for line in ran.stdout.splitlines() if "|" in line]
    ours = next(row for row in rows if row[0] == "workflow")
    *seconds, requests, memory = ours[1:]
    assert len(seconds) == CASES and all(float(cell) > 0 for cell in seconds)
    first, rebuilt, edited = (int(cell.replace(",", "")) for cell in requests.split(", "))
    assert rebuilt < edited < first, "only what is new or changed is sent"
    assert all(int(cell) > 10 for cell in memory.split(", "))
    hugo = next(row for row in rows if row[0].startswith("hugo deploy"))
    assert len(hugo) == len(ours)

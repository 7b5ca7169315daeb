"""The program as one file, beside the installed one: an idle tick must not pay for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import workflow
from benchmarks.measure import Row, compared, environment, pairs, run
from benchmarks.workshop import Workshop

BAR = 2.0
_BUILD = Path(workflow.__file__).parent.parent / "deploy/onefile/build.py"


def measure(workshop: Workshop) -> Iterator[Row]:
    file = workshop.scratch / "onefile" / "workflow"
    subprocess.run([sys.executable, _BUILD, file], check=True, capture_output=True)
    cache = workshop.scratch / "onefile" / "cache"
    environ = {**environment(), "XDG_CACHE_HOME": os.fspath(cache)}
    root = workshop.swept("short-history", finished=10)

    def started(program: Path, *words: str) -> float:
        return run([program, *words], cwd=root, env=environ)

    def first() -> float:
        shutil.rmtree(cache, ignore_errors=True)
        return started(file, "--version")

    def beside(what: str, *words: str) -> Row:
        pair = pairs(
            lambda: started(file, *words),
            lambda: started(workshop.program, *words),
            workshop.small_pairs,
        )
        return compared(f"one file, {what}", pair, "installed", BAR)

    size = file.stat().st_size / 1e6
    pair = pairs(first, lambda: started(workshop.program, "--version"), workshop.large_pairs)
    yield compared(f"one file of {size:.0f} MB, first start of all", pair, "installed")
    yield beside("idle tick", "sweep")
    yield beside("`workflow status --json`", "status", "--json")

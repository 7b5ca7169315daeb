"""The idle tick: `workflow sweep` with nothing to do, beside the start of the interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Row, compared, environment, pairs, run
from benchmarks.workshop import Workshop
from workflow import layout

BAR = 2.0
FLAT = 1.2
PARKED = 5
HEAVY = {
    "asyncio", "filelock", "importlib.metadata", "inspect", "pydantic", "re", "rich", "ruamel",
    "subprocess", "typer", "typing", "yaml",
}  # fmt: skip

_PARKED_TASK = "---\ntask_type: noop\nnot_before: 2999-01-01T00:00:00Z\n---\n"


def measure(workshop: Workshop) -> Iterator[Row]:
    short = workshop.swept("short-history", finished=10)
    long = workshop.longest
    parked = workshop.exchange("parked")
    for number in range(PARKED):
        name = f"2999-01-01-0000-noop-{number}{layout.SUFFIX}"
        (parked / layout.PENDING / name).write_text(_PARKED_TASK, encoding="utf-8")
    workshop.sweep(parked)
    history = f"{workshop.long_history:,}"
    yield _beside_python(workshop, short, "idle tick, 10 finished tasks")
    yield _beside_python(workshop, long, f"idle tick, {history} finished tasks")
    yield _beside_python(workshop, parked, f"idle tick, {PARKED} parked tasks")
    flat = pairs(lambda: workshop.sweep(long), lambda: workshop.sweep(short), workshop.small_pairs)
    yield compared(f"idle tick, {history} finished tasks", flat, "10 finished tasks", FLAT)
    for root in (short, long, parked):
        yield _leaves_all_alone(workshop, root)
    yield _loads_nothing_heavy(workshop, short)


def _beside_python(workshop: Workshop, root: Path, what: str) -> Row:
    def floor() -> float:
        return run([sys.executable, "-c", "pass"], cwd=root)

    pair = pairs(lambda: workshop.sweep(root), floor, workshop.small_pairs)
    return compared(what, pair, "`python -c pass`", BAR)


def _leaves_all_alone(workshop: Workshop, root: Path) -> Row:
    before = _snapshot(root)
    workshop.sweep(root)
    after = _snapshot(root)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    passed = changed == {layout.LAST_SWEEP}
    said = ", ".join(f"`{path}`" for path in sorted(changed)[:4]) or "nothing"
    what = f"entries that an idle tick changes among {len(before):,}"
    return Row(what, said, "-", None, f"`{layout.LAST_SWEEP}` alone", passed)


def _snapshot(root: Path) -> dict[str, tuple[int, int, int, int]]:
    """Every entry's inode, size and times of change; folders too, so that a rename shows."""
    seen = {}
    folders = [os.fspath(root)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                info = entry.stat(follow_symlinks=False)
                seen[os.path.relpath(entry.path, root)] = (
                    info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns,
                )  # fmt: skip
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    return seen


def _loads_nothing_heavy(workshop: Workshop, root: Path) -> Row:
    """What the tick imports beyond what the interpreter does when it starts."""
    own = _imported(root, os.fspath(workshop.program), "sweep") - _imported(root, "-c", "pass")
    heavy = {name for name in own if name in HEAVY or name.split(".")[0] in HEAVY}
    said = ", ".join(f"`{name}`" for name in sorted(heavy or own))
    return Row("modules that an idle tick imports", said, "-", None, "none heavy", not heavy)


def _imported(root: Path, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rsplit("|", 1)[1].strip() for line in lines[1:]}

"""A few seconds of the soak: that it runs, and that it would tell."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.endurance.soak_check import Known, check
from tests.program import Program

REPOSITORY = Path(__file__).parents[1]
BOTH = ("effect", "effect-once")


@pytest.mark.skipif(sys.platform != "linux", reason="it looks at /proc, not on macOS")
def test_a_short_soak_loses_and_doubles_nothing(program: Program, tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    soaked = subprocess.run(
        [sys.executable, "-m", "tests.endurance.soak", "--minutes", "0.2", "--seed", str(seed)],
        cwd=REPOSITORY, env={**program.environ, "TMPDIR": str(tmp_path)}, capture_output=True,
        text=True, timeout=240, check=False,
    )  # fmt: skip
    assert soaked.returncode == 0, soaked.stdout + soaked.stderr
    assert soaked.stdout.splitlines()[-1] == "lost 0, doubled 0"
    for what in ("sweeps", "tasks submitted", "tasks written"):
        assert re.search(rf"(?m)^ *[1-9]\d*  {what}$", soaked.stdout), soaked.stdout


@pytest.fixture
def soaked(program: Program) -> tuple[Program, Known]:
    """An exchange in which two tasks were run, and what is known of them."""
    known = Known({program.submit(kind): "submitted" for kind in BOTH})
    assert program("sweep").code == 0
    return program, known


def seen(soaked: tuple[Program, Known]) -> tuple[int, int, int]:
    program, known = soaked
    found = check(program.root, known, program.root / "effects.log", program.root / "together.log")
    return len(found.lost), len(found.doubled), len(found.other)


def test_its_check_finds_nothing_where_all_is_well(soaked: tuple[Program, Known]) -> None:
    assert seen(soaked) == (0, 0, 0)


def test_its_check_finds_what_is_lost(soaked: tuple[Program, Known]) -> None:
    program, known = soaked
    first, second = known.accepted
    (program.root / f"tasks/completed/{first}.md").unlink()
    Path(str(program.exchange.result(first))).unlink()
    (program.root / "effects.log").write_text(f"{first}\n")
    lost, doubled, other = seen(soaked)
    assert lost == 2, f"{first} is nowhere, {second} had no effect"
    assert doubled == 1, f"{first} had an effect and is no task"
    assert other == 1, "the link to the newest result leads nowhere"


def test_its_check_finds_what_is_doubled(soaked: tuple[Program, Known]) -> None:
    program, known = soaked
    first, second = known.accepted
    (program.root / "effects.log").write_text(f"{first}\n{second}\n{second}\n")
    (program.root / f"tasks/failed/{first}.md").write_text("---\ntask_type: effect\n---\n")
    (program.root / "together.log").write_text(f"{first}\n")
    assert seen(soaked) == (0, 3, 0)


def test_its_check_finds_what_was_left_or_does_not_fit(soaked: tuple[Program, Known]) -> None:
    program, known = soaked
    first, second = known.accepted
    known.cancelled.add(second)
    (program.root / "tasks/pending/.abc.tmp").write_text("")
    (program.root / f".workflow/leases/{first}.json").write_text("")
    (program.root / f"tasks/completed/{first}.md").rename(program.root / f"tasks/failed/{first}.md")
    for path in program.root.glob(".workflow/journal/*.jsonl"):
        path.write_bytes(path.read_bytes().replace(first.encode(), b"somebody-else", 1))
    lost, doubled, other = seen(soaked)
    assert (lost, doubled) == (0, 0)
    assert other >= 5

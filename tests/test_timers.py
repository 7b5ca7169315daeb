"""The timers' files as they are shipped; what becomes of them is tested in tests/service."""

from __future__ import annotations

import os
import plistlib
import re
from pathlib import Path

import pytest

from tests.program import Program
from workflow.service.kinds import KINDS

REPOSITORY = Path(__file__).parent.parent
TIMERS = REPOSITORY / "workflow/data/timers"


def test_the_repository_shows_the_timers_that_the_package_carries() -> None:
    shown = [p for kind in KINDS for p in (REPOSITORY / "deploy" / kind).iterdir()]
    assert sorted(p.name for p in shown) == sorted(os.listdir(TIMERS))
    assert all(p.resolve() == TIMERS / p.name for p in shown)


def test_the_shipped_plist_is_one_before_it_is_filled_in() -> None:
    job = plistlib.loads((TIMERS / "dev.workflow.sweep.plist").read_bytes())
    assert job["ProgramArguments"] == ["@PROGRAM@", "--root", "@ROOT@", "sweep"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_exchange_made_by_init_gets_every_file_filled_in(
    program: Program, tmp_path: Path, kind: str
) -> None:
    root = tmp_path / "site-tasks"
    assert program("init", str(root)).code == 0
    words = ["service", "install", "--kind", kind, "--dry-run", "--json"]
    ran = program("--root", str(root), *words)
    assert ran.code == 0, ran.err
    files = ran.data["files"]
    assert files
    for text in files.values():
        assert str(root) in text
        assert not re.search("@[A-Z_]+@", text), "a placeholder is left"


def test_the_page_on_timers_names_every_kind_and_every_file() -> None:
    readme = (REPOSITORY / "deploy/README.md").read_text(encoding="utf-8")
    assert all(kind in readme for kind in KINDS)
    assert all(name in readme for name in os.listdir(TIMERS))

"""An exchange of its own for every test, and the program as people run it: as a process."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import Program, make_exchange
from workflow import redact

# It would hide that two streams into one pipe come out in another order than they were written.
os.environ.pop("PYTHONUNBUFFERED", None)

EXPECTED_SKIPS = (
    r"only on macOS",
    r"launchd",
    r"mounting is not allowed",
    r"loop mounts(?!.*not installed)",
    r"strace cannot trace here",
    r"bubblewrap cannot make a sandbox here",
    r"(zsh|fish) is not installed",
    r"macOS has the real one",
)
"""Reasons for a skip that are no surprise on CI's machine: what a container may forbid."""

_surprising: list[str] = []


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program in a fresh exchange with a small real Hugo site."""
    return make_exchange(tmp_path)


@pytest.fixture(autouse=True)
def _what_one_test_hides_another_may_show() -> Iterator[None]:
    yield
    redact.hidden.clear()


@pytest.fixture(scope="session", autouse=True)
def _the_home_folder_is_left_alone() -> Iterator[None]:
    """Fail the session if something wrote into the real home folder's places of configuration."""
    home = Path.home()
    watched = [home / ".aws", home / ".config" / "workflow", home / ".workflow", home / ".claude"]
    before = {path: _mark(path) for path in watched}
    yield
    changed = [str(path) for path in watched if _mark(path) != before[path]]
    assert not changed, f"tests changed {changed}"


def _mark(path: Path) -> tuple[int, list[str]] | None:
    try:
        return path.stat().st_mtime_ns, sorted(os.listdir(path))
    except OSError:
        return None


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
        if not any(re.search(expected, reason) for expected in EXPECTED_SKIPS):
            _surprising.append(f"{report.nodeid}: {reason}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get("WORKFLOW_STRICT_SKIPS") and _surprising and not session.exitstatus:
        print("\nSkipped without an expected reason:", *_surprising, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

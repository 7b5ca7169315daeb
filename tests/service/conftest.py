"""The program, on a machine whose timer systems are stand-ins or none."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.program import Program, Ran, make_exchange
from tests.service import stand_ins


@dataclass(frozen=True)
class Served:
    """An exchange, and a machine that has one timer system."""

    program: Program
    kind: str
    state: Path
    """Where the stand-in keeps what it was told, and looks for how to behave."""
    tools: str
    """The PATH on which it is found."""

    def __call__(self, *words: str, **environ: str) -> Ran:
        as_root = ["--as-root"] if words[0] != "status" else []
        # A sweep that does not come must not cost a test 15 seconds.
        return self.program("service", *words, *as_root, **{"PATH": self.tools, **environ})

    @property
    def home(self) -> Path:
        return self.program.root.parent / "home"

    @property
    def calls(self) -> list[str]:
        """What the stand-in was told to change."""
        told = (self.state / "calls").read_text().splitlines()
        asking = ("print ", "--user show")
        return [line for line in told if not line.startswith(asking)]

    @property
    def files(self) -> list[Path]:
        return sorted(
            p
            for p in self.home.rglob("*")
            if p.is_file() and "sweep" in p.name and self.state not in p.parents
        )


def _served(folder: Path, kind: str, tool: str, text: str) -> Served:
    program = make_exchange(folder)
    tools = stand_ins.put(folder / "tools", tool, text)
    state = Path(program.environ["HOME"]) / kind
    state.mkdir()
    return Served(program, kind, state, f"{tools}{os.pathsep}/usr/bin{os.pathsep}/bin")


@pytest.fixture
def mac(tmp_path: Path) -> Served:
    return _served(tmp_path, "launchd", "launchctl", stand_ins.LAUNCHCTL)


@pytest.fixture
def linux(tmp_path: Path) -> Served:
    return _served(tmp_path, "systemd", "systemctl", stand_ins.SYSTEMCTL)


@pytest.fixture(params=["launchd", "systemd"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Served:
    """Each of the two in turn: what holds for every kind that has files."""
    if request.param == "launchd":
        return _served(tmp_path, "launchd", "launchctl", stand_ins.LAUNCHCTL)
    return _served(tmp_path, "systemd", "systemctl", stand_ins.SYSTEMCTL)

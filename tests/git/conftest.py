"""The workbench of these tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.git.bench import Bench, git, isolate, make_bench


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workbench that is copied for every test: git takes longer to make it."""
    folder = tmp_path_factory.mktemp("git-bench")
    with pytest.MonkeyPatch.context() as monkeypatch:
        isolate(monkeypatch, folder)
        make_bench(folder)
    yield folder


@pytest.fixture
def bench(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True, symlinks=True)
    settings = tmp_path / "site/.git/config"
    settings.write_text(settings.read_text().replace(str(made), str(tmp_path)))
    isolate(monkeypatch, tmp_path)
    # The copies have inodes and times of their own, which some of git's commands take for changes.
    git(tmp_path / "site", "update-index", "-q", "--refresh")
    return Bench(tmp_path)

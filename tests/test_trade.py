"""Two names that trade places in one step."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from workflow import trade as module
from workflow.trade import trade

needs_support = pytest.mark.skipif(
    sys.platform not in ("linux", "darwin"), reason="only Linux and macOS can trade names"
)


@needs_support
def test_two_folders_trade_places(tmp_path: Path) -> None:
    (tmp_path / "a" / "one").mkdir(parents=True)
    (tmp_path / "b" / "two").mkdir(parents=True)
    if not trade(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this file system cannot trade names")
    assert os.listdir(tmp_path / "a") == ["two"]
    assert os.listdir(tmp_path / "b") == ["one"]


@needs_support
def test_a_missing_folder_is_an_error_that_names_both(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(FileNotFoundError) as caught:
        trade(tmp_path / "a", tmp_path / "b")
    assert caught.value.errno == errno.ENOENT
    assert (caught.value.filename, caught.value.filename2) == (
        str(tmp_path / "a"),
        str(tmp_path / "b"),
    )


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP])
def test_a_system_that_cannot_says_so(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # A kernel or file system without the call cannot be had here: its answer is made up.
    monkeypatch.setattr(module, "_renameat2", lambda: lambda one, other: number)
    monkeypatch.setattr(module, "_renamex_np", lambda: lambda one, other: number)
    assert trade("a", "b") is False


def test_a_c_library_without_the_call_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_renameat2", lambda: None)
    monkeypatch.setattr(module, "_renamex_np", lambda: None)
    assert trade("a", "b") is False

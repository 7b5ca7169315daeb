"""What tests of content tasks stand on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.content.desk import SINGLE, Desk
from tests.sites import isolate, workshop


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    isolate(monkeypatch, tmp_path)
    desk = Desk(workshop(tmp_path).root)
    return desk.write({"layouts/_default/single.html": SINGLE})

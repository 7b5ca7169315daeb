from __future__ import annotations

from pathlib import Path

import pytest

from tests.sync.machines import Machines, make_machines


@pytest.fixture
def three(tmp_path: Path) -> Machines:
    """A bare repository and three clones, each an exchange of its own."""
    return make_machines(tmp_path)


@pytest.fixture
def two(tmp_path: Path) -> Machines:
    return make_machines(tmp_path, 2)

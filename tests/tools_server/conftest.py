"""The program without its start-up, where a test runs it besides the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.endurance.warm import Warm
from tests.program import make_exchange


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    program = make_exchange(tmp_path_factory.mktemp("warm"))
    with Warm(program.environ, program.root) as started:
        yield started

"""One busy exchange and one browser for all tests that only look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.program import Program
from tests.report.browser import Page, browsing
from tests.report.busy import busy_exchange, wait_for_approval


@pytest.fixture(scope="session")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Four weeks of work, a failure of today, and a deploy that waits for approval; its page is
    written. Not to be changed."""
    program = busy_exchange(tmp_path_factory.mktemp("busy"))
    wait_for_approval(program)
    assert program("report").code == 0
    return program


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browsing(tmp_path_factory.mktemp("browser")) as page:
        yield page

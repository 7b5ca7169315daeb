"""The power fails under load, on real file systems; many more cuts: `make crash-test`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.endurance.power_cut import FILE_SYSTEMS, NotAllowed, cut_power

CUTS = 2


@pytest.mark.parametrize("file_system", FILE_SYSTEMS)
def test_whatever_was_acknowledged_survives_a_power_cut_once(
    tmp_path: Path, file_system: str
) -> None:
    said: list[str] = []
    try:
        total = cut_power(tmp_path, file_system, CUTS, seed=1, say=said.append)
    except NotAllowed as reason:
        pytest.skip(str(reason))
    assert total.survived == total.made == CUTS, "\n".join(said)
    assert total.submitted > 0, "the load was at work"
    assert total.results > 0

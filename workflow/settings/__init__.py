"""What the settings of workflow.yaml have in common: strict models, addresses, paths."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

_NO_ADDRESS = re.compile(r"[\s\x00-\x1f\x7f]|%(?![0-9A-Fa-f]{2})")
"""What Hugo refuses in an address: blanks, and a % that escapes nothing."""


def _http(url: str) -> str:
    if not url.startswith(("http://", "https://")) or len(url.split("://", 1)[1]) == 0:
        raise ValueError("must be an address that starts with http:// or https://")
    odd = _NO_ADDRESS.search(url)
    if odd:
        raise ValueError(f"is no address: {odd[0]!r} cannot stand in one")
    return url


def _no_nul(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("holds a NUL character, which no path can")
    return path


Url = Annotated[str, AfterValidator(_http)]
AnyPath = Annotated[Path, AfterValidator(_no_nul)]


class Strict(BaseModel):
    # Built when used, and then once: a nested model is built with the one that holds it.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

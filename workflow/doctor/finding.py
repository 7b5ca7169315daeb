"""What is said of one thing that was looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `mend` says what to do unless it is `ok`."""

    subject: str
    state: State
    message: str
    mend: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

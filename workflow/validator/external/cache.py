"""What other hosts answered, kept from one check to the next.

A file of JSON that may be deleted at any time. What cannot be read, or comes from a newer program,
counts as nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from workflow import durable
from workflow.validator.external.verdict import External, State

FORMAT = 1
_CLOCK_SLACK = 60.0


class Cache:
    """Answers by address, each with the time at which it came (seconds since 1970)."""

    def __init__(self, path: Path | None, *, good_seconds: float, bad_seconds: float) -> None:
        """`path`: None keeps nothing."""
        self._path = path
        self._good = good_seconds
        self._bad = bad_seconds
        self._kept: dict[str, tuple[float, External]] = {}
        self._is_changed = False
        if path is not None:
            self._kept = _read(path)

    def get(self, address: str, now: float) -> External | None:
        """What is known of the address, unless it is too old."""
        kept = self._kept.get(address)
        return kept[1] if kept is not None and self._is_fresh(*kept, now) else None

    def put(self, address: str, answer: External, now: float) -> None:
        """Keep an answer; that nobody was asked is none."""
        if answer.state != "skipped":
            self._kept[address] = (now, answer)
            self._is_changed = True

    def save(self, now: float) -> None:
        """Write what is worth keeping. Raises OSError."""
        if self._path is None or not self._is_changed:
            return
        fresh = {
            address: [round(at), *answer]
            for address, (at, answer) in sorted(self._kept.items())
            if self._is_fresh(at, answer, now)
        }
        text = json.dumps({"format": FORMAT, "answers": fresh}, ensure_ascii=False, indent=0)
        path = os.path.abspath(self._path)
        durable.make_folder(os.path.dirname(path))
        durable.replace(path, text.encode("utf-8", "backslashreplace"))
        self._is_changed = False

    def _is_fresh(self, at: float, answer: External, now: float) -> bool:
        # A time to come means that a clock was wrong.
        age = now - at
        most = self._good if answer.state in ("ok", "redirected") else self._bad
        return -_CLOCK_SLACK <= age < most


def _read(path: Path) -> dict[str, tuple[float, External]]:
    try:
        said = json.loads(path.read_bytes())
        if said["format"] != FORMAT:
            return {}
        return _kept(said["answers"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _kept(answers: Mapping[str, list[object]]) -> dict[str, tuple[float, External]]:
    """Raises ValueError or TypeError if one of them was not written by us."""
    kept = {}
    for address, (at, state, status, detail, location) in answers.items():
        if (
            state not in get_args(State)
            or not isinstance(at, (int, float))
            or not isinstance(status, int | None)
            or not isinstance(detail, str)
            or not isinstance(location, str | None)
        ):
            raise ValueError(f"{address} was not kept by us")
        kept[address] = (at, External(state, status, detail, location))  # type: ignore[arg-type]
    return kept

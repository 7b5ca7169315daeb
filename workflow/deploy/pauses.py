"""Waiting for the world: in steps that grow, and never deaf to whoever wants us to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

_CHECK_SECONDS = 0.25


def growing(first: float, longest: float) -> Iterator[float]:
    """Seconds to wait before each further try: twice as long each time, up to a limit."""
    seconds = first
    while True:
        yield min(seconds, longest)
        seconds *= 2


def pause(seconds: float, check: Callable[[], None]) -> None:
    """Wait so long. Raises what `check` raises, at most a quarter of a second late."""
    until = time.monotonic() + seconds
    never = threading.Event()
    check()
    while (left := until - time.monotonic()) > 0:
        never.wait(min(left, _CHECK_SECONDS))
        check()

"""Something that is fetched while something else is done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Later(Generic[T]):
    """Runs `work` in a thread at once; `result` waits for what came of it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._value: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value = self._work()
        except BaseException as error:
            self._error = error

    def join(self) -> None:
        self._thread.join()

    def result(self) -> T:
        """What `work` gave. Raises what it raised."""
        self.join()
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # it is what `work` gave

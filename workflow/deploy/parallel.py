"""Many calls at once: so many threads, one failure for all, and a pace that the server sets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

CHECK_SECONDS = 0.2
_CALM_SECONDS = 0.5
"""Between two times of slowing down: one burst of refusals is one piece of news."""


def in_parallel(
    workers: int, calls: Iterable[Callable[[], None]], check: Callable[[], None] = lambda: None
) -> None:
    """Make all calls, `workers` at a time. The first failure stops the rest: calls under way are
    waited for, no further one is begun, and the failure is raised.

    `calls` may be a generator; the threads take from it one at a time. `check` is called every
    0.2 seconds by the caller's thread, and may raise to stop it all in the same way.
    """
    todo = iter(calls)
    taking = threading.Lock()
    failures: list[BaseException] = []

    def take() -> Callable[[], None] | None:
        with taking:
            return None if failures else next(todo, None)

    def work(call: Callable[[], None] | None) -> None:
        try:
            while call:
                call()
                call = None  # what it holds must not stay in memory while the next one is made
                call = take()
        except BaseException as failure:
            failures.append(failure)

    threads: list[threading.Thread] = []
    try:
        while len(threads) < max(1, workers) and (call := take()):
            thread = threading.Thread(target=work, args=(call,), daemon=True)
            thread.start()
            threads.append(thread)
        for thread in threads:
            while thread.is_alive():
                thread.join(CHECK_SECONDS)
                check()
    except BaseException as failure:
        failures.append(failure)
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


class Pace:
    """How many requests may be under way at once: fewer when the server says that it is too much,
    then slowly as many as at first again."""

    def __init__(self, most: int) -> None:
        self.most = max(1, most)
        self.limit = float(self.most)
        self._under_way = 0
        self._slowed = 0.0
        self._changed = threading.Condition()

    @contextmanager
    def one(self, check: Callable[[], None]) -> Iterator[None]:
        """The right to one request. Raises what `check` raises, which is called while we wait."""
        with self._changed:
            while self._under_way >= int(self.limit):
                self._changed.wait(CHECK_SECONDS)
                if self._under_way >= int(self.limit):
                    check()
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify()

    def slow_down(self) -> None:
        """Half as many from now on, never none."""
        with self._changed:
            now = time.monotonic()
            if now - self._slowed >= _CALM_SECONDS:
                self._slowed = now
                self.limit = max(1.0, self.limit / 2)

    def went_well(self) -> None:
        """One more after each round that went well."""
        if self.limit < self.most:
            with self._changed:
                self.limit = min(float(self.most), self.limit + 1 / self.limit)
                self._changed.notify()

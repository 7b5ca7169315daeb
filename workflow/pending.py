"""Making names in tasks/pending/: the only thing that a submitter does to an exchange."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from workflow import durable
from workflow.errors import Exit, WorkflowError
from workflow.exchange import Exchange

PATIENCE = 10.0
"""Seconds to wait for another submitter, who needs a few milliseconds."""


@contextmanager
def submitting(exchange: Exchange) -> Iterator[None]:
    """Hold the right to make names in pending (rule 7 of the protocol).

    Raises WorkflowError `busy_exchange` if somebody else keeps it for long: one that hangs.
    """
    descriptor = os.open(exchange.folder("pending"), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(descriptor, exchange.folder("pending"))
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: str) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise WorkflowError(
                    "busy_exchange",
                    f"another process has held {folder} for {PATIENCE:.0f} seconds",
                    Exit.RUNNING,
                    hint="nothing was submitted: end what holds it (`lsof` tells) and try again",
                    retryable=True,
                ) from None
            time.sleep(0.005)  # flock knows no deadline
        else:
            return


def publish_task(
    exchange: Exchange, wanted: str, render: Callable[[str], bytes], tail: str = ""
) -> str:
    """Publish a task in pending under `wanted`, or `wanted-2`, … and return its id.

    `render` makes the file for an id; `tail` is kept at the end of whichever id is taken. Call it
    inside `submitting`.
    """

    def numbered(number: int) -> str:
        return f"{wanted}{tail}" if number == 1 else f"{wanted}-{number}{tail}"

    while True:
        task_id = numbered(_first_free(lambda number: _is_free(exchange, numbered(number))))
        if durable.create(exchange.task_path("pending", task_id), render(task_id)):
            return task_id


def _first_free(is_free: Callable[[int], bool]) -> int:
    """A number that is free, the least of all where the used ones have no gaps.

    Doubling, then halving: the thousandth task of one minute costs twenty looks, not a thousand.
    """
    used, free = 0, 1
    while not is_free(free):
        used, free = free, free * 2
    while free - used > 1:
        middle = (used + free) // 2
        used, free = (used, middle) if is_free(middle) else (middle, free)
    return free


def _is_free(exchange: Exchange, task_id: str) -> bool:
    # Twice: a task that goes back to waiting for a retry walks against the order of our look, and
    # is seen by the second one.
    found = exchange.find(task_id) or exchange.find(task_id)
    return found is None and exchange.result(task_id) is None

"""What is to be sent, what was, and what could not be.

    .workflow/notify/state.json

Written whole, and durably before and after each message, by the one process that holds
.workflow/notify/lock. How far the journal was read and what that gave to send change together: so
no event is lost, and none is told twice.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from workflow import durable, layout
from workflow.exchange import Exchange
from workflow.notify import FOLDER, STATE
from workflow.notify.happenings import Cursor, end_of_journal
from workflow.notify.messages import Message
from workflow.result import utc

DELAYS = (30.0, 120.0, 600.0, 3600.0)
"""Seconds until a message that was not taken is tried again; after the last of them it is not."""
MOST_UNSENT = 20
"""Messages that wait for one channel; beyond it the oldest is given up."""
_MOST_GIVEN_UP = 20


@dataclass
class Unsent:
    """A message for one channel that nobody has taken yet."""

    channel: str
    message: Message
    due: float
    """When it is tried, in seconds since the epoch."""
    tries: int = 0
    why: str = ""
    on_its_way: bool = False
    """It may have arrived: if its sender dies now, it is not sent again."""


@dataclass
class Outbox:
    cursor: Cursor
    told: dict[str, str] = field(default_factory=dict)
    """The plans that people were told of: task -> digest."""
    unsent: list[Unsent] = field(default_factory=list)
    given_up: list[dict[str, str]] = field(default_factory=list)
    """`at`, `channel`, `title`, `why` of the last ones that could not be sent."""
    sent: dict[str, str] = field(default_factory=dict)
    """Channel -> when it last took a message."""

    def due(self, now: float) -> list[Unsent]:
        # A clock that was set back must not make a message wait for a year.
        return [one for one in self.unsent if not now < one.due <= now + DELAYS[-1]]

    @property
    def next_due(self) -> float | None:
        return min((one.due for one in self.unsent), default=None)

    def add(self, channel: str, message: Message) -> None:
        waiting = [one for one in self.unsent if one.channel == channel]
        for one in waiting[: max(0, len(waiting) + 1 - MOST_UNSENT)]:
            self.give_up(one, one.why or "too many wait already")
        self.unsent.append(Unsent(channel, message, time.time()))

    def take_off(self, one: Unsent) -> None:
        self.unsent = [other for other in self.unsent if other is not one]

    def was_sent(self, one: Unsent) -> None:
        self.take_off(one)
        self.sent[one.channel] = _now()

    def give_up(self, one: Unsent, why: str) -> None:
        self.take_off(one)
        said = {"at": _now(), "channel": one.channel, "title": one.message.title, "why": why}
        self.given_up = [*self.given_up, said][-_MOST_GIVEN_UP:]

    def put_off(self, one: Unsent, why: str) -> None:
        """It was certainly not taken: try it again later, a few times."""
        one.on_its_way, one.why, one.tries = False, why, one.tries + 1
        if one.tries > len(DELAYS):
            self.give_up(one, why)
        else:
            one.due = time.time() + DELAYS[one.tries - 1]


def read(exchange: Exchange) -> Outbox | None:
    """What lies in the outbox; None if there is none, or none that can be read."""
    try:
        with open(_path(exchange), "rb") as file:
            said = json.load(file)
        unsent = [_unsent(one) for one in said.pop("unsent")]
        return Outbox(Cursor(*said.pop("cursor")), unsent=unsent, **said)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _unsent(said: dict[str, Any]) -> Unsent:
    message = said.pop("message")
    for key in ("environments", "tasks"):
        message[key] = tuple(message[key])
    return Unsent(message=Message(**message), **said)


def write(exchange: Exchange, outbox: Outbox) -> None:
    """Put it in the place of the earlier one. Raises OSError."""
    durable.make_folder(exchange.path(FOLDER))
    raw = json.dumps(asdict(outbox), ensure_ascii=False, indent=1).encode()
    durable.replace(_path(exchange), raw, aside=exchange.staged)


def something_new(exchange: Exchange, outbox: Outbox) -> bool:
    """Whether there is something to tell, or to try again, for all that a quick look shows."""
    return outbox.cursor != end_of_journal(exchange) or bool(outbox.due(time.time()))


def begin(exchange: Exchange) -> None:
    """Make an outbox where none is: from now on what happens is told. Raises OSError."""
    if read(exchange) is None:
        write(exchange, Outbox(end_of_journal(exchange)))


def forget(exchange: Exchange) -> None:
    """Nobody is told any more: what happens meanwhile is not told later."""
    with suppress(OSError):
        os.unlink(_path(exchange))


@contextmanager
def held(exchange: Exchange) -> Iterator[bool]:
    """The right to send; False at once where another process has it."""
    durable.make_folder(exchange.path(FOLDER))
    lock = os.open(exchange.path(FOLDER, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(lock)


def let_a_sweep_look(exchange: Exchange, due: float) -> None:
    """Make a sweep of the tick at `due` (seconds since the epoch), whatever its stamp says of the
    rest: what is to be told, or to be tried again, is seen by none that is idle. Raises OSError.

    RACE: a stamp that is written meanwhile may be lost, and then a tick looks in vain.
    """
    path = exchange.path(layout.PARKED)
    try:
        with open(path, encoding="utf-8") as file:
            times, signature = file.read().split("\n", 1)
        written, stamped = map(float, times.split())
    except (FileNotFoundError, ValueError):
        return  # no stamp: the next tick is a sweep
    if due < stamped:
        aside = exchange.path(layout.RUNTIME, f".{os.getpid()}-notify{durable.TEMPORARY}")
        with open(aside, "w", encoding="utf-8") as file:
            file.write(f"{written} {due}\n{signature}")
        os.rename(aside, path)


def _path(exchange: Exchange) -> str:
    return exchange.path(STATE)


def _now() -> str:
    return utc(datetime.now(UTC))

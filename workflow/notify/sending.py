"""The process that sends: started by a sweep, short-lived, alone."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from workflow.config import Config, load_config
from workflow.exchange import Exchange
from workflow.notify import LOG
from workflow.notify import outbox as outboxes
from workflow.notify.happenings import OPEN, look
from workflow.notify.messages import messages
from workflow.notify.outbox import Outbox
from workflow.notify.services import send

SECONDS = 60.0
"""After which nothing more is begun: the next sweep goes on."""


def run(root: str) -> None:
    """Tell what has happened since the last time. Raises WorkflowError, OSError."""
    exchange, config = Exchange(root), load_config(root)
    until = time.monotonic() + SECONDS
    while config.notify and time.monotonic() < until:
        with outboxes.held(exchange) as alone:
            if not alone:
                return  # whoever sends looks once more after it has let go
            with suppress(FileNotFoundError):  # what it said is of an earlier time
                os.truncate(exchange.path(LOG), 0)
            outbox = outboxes.read(exchange)
            if outbox is None:
                return
            _gather(exchange, config, outbox)
            _send_what_is_due(exchange, config, outbox, until)
        if not outboxes.something_new(exchange, outbox):
            return


def _gather(exchange: Exchange, config: Config, outbox: Outbox) -> None:
    """Turn what has happened into messages."""
    for one in list(outbox.unsent):
        if one.on_its_way:
            outbox.give_up(one, "it may have arrived: its sender was ended meanwhile")
        elif one.channel not in config.notify:
            outbox.take_off(one)
    seen = look(exchange, config, outbox.cursor, outbox.told)
    for name, channel in config.notify.items():
        for message in messages(seen, channel, config):
            outbox.add(name, message)
    outbox.cursor = seen.cursor
    told = {one.task_id: one.digest for one in seen.happenings if one.digest is not None}
    outbox.told = {
        task_id: digest
        for task_id, digest in {**outbox.told, **told}.items()
        if (found := exchange.find(task_id)) is not None and found.state in OPEN
    }
    outboxes.write(exchange, outbox)


def _send_what_is_due(exchange: Exchange, config: Config, outbox: Outbox, until: float) -> None:
    for name, channel in config.notify.items():
        for one in outbox.due(time.time()):
            if one.channel != name or time.monotonic() > until:
                continue

            def on_its_way(one: outboxes.Unsent = one) -> None:
                one.on_its_way = True
                outboxes.write(exchange, outbox)

            answer = send(name, channel, one.message, on_its_way)
            if answer.outcome == "sent":
                outbox.was_sent(one)
            elif answer.outcome == "unknown" or answer.final:
                outbox.give_up(one, answer.said)
            else:
                for other in [each for each in outbox.due(time.time()) if each.channel == name]:
                    # What serves one does not serve the others either, and each would wait for it.
                    outbox.put_off(other, answer.said)
            outboxes.write(exchange, outbox)
            if answer.outcome != "sent":
                outboxes.let_a_sweep_look(exchange, 0.0)  # it learns when to try again
                break

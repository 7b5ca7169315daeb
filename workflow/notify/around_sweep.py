"""What a sweep does about notifications: next to nothing.

Messages are sent by a process of its own, in a session of its own, which a sweep does not wait for.
Only where systemd started the sweep it lingers for a moment, since systemd ends what is left of a
unit with its main process (systemd.kill(5)); a task that arrives meanwhile ends that.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress

from workflow.config import Config
from workflow.exchange import Exchange
from workflow.notify import LOG
from workflow.notify import outbox as outboxes

LINGER_SECONDS = 3.0
_LOOK_SECONDS = 0.05


def before(exchange: Exchange, config: Config) -> None:
    """At a sweep's beginning: what it does from here on is told. Never raises."""
    if not config.notify:
        outboxes.forget(exchange)
        return
    with suppress(OSError):
        outboxes.begin(exchange)
        # If this sweep dies, the next tick has to look: what it has done is still to be told.
        outboxes.let_a_sweep_look(exchange, 0.0)


def after(exchange: Exchange, config: Config) -> subprocess.Popen[bytes] | None:
    """At its end, while it is still the one sweep: start the process that tells what it did.

    What could not be sent makes a later tick a sweep. Never raises: no task depends on it.
    """
    if not config.notify:
        return None
    outbox = outboxes.read(exchange)
    if outbox is None:
        return None
    with suppress(OSError):
        if outbox.next_due is not None:
            outboxes.let_a_sweep_look(exchange, outbox.next_due)
        if outboxes.something_new(exchange, outbox):
            return _start(exchange)
    return None


def linger(exchange: Exchange, sender: subprocess.Popen[bytes] | None) -> None:
    """At its very end, the next sweep may begin: give the process a moment, where it needs that."""
    if sender is None:
        return
    # For a parent that lives on: its dead child would stay in the list of processes.
    threading.Thread(target=sender.wait, daemon=True).start()
    if os.environ.get("SYSTEMD_EXEC_PID") != str(os.getpid()):
        return
    until = time.monotonic() + LINGER_SECONDS
    while time.monotonic() < until and not exchange.count("pending"):
        if sender.poll() is not None:
            return
        time.sleep(_LOOK_SECONDS)


def _start(exchange: Exchange) -> subprocess.Popen[bytes]:
    with open(exchange.path(LOG), "ab") as log:
        return subprocess.Popen(
            # -P: no `workflow` that lies in the folder we happen to stand in.
            [sys.executable, "-P", "-m", "workflow.notify", exchange.root],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )

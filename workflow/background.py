"""Starting a sweep beside a command, so that nobody has to wait for the timer's next tick."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from workflow import layout
from workflow.exchange import Exchange


def start_sweep(exchange: Exchange) -> bool:
    """Start a sweep that outlives us. False where we may not write what a sweep writes.

    In a sandbox that leaves us tasks/pending alone, the timer's sweep has to do the work: one of
    ours could neither claim a task nor reach what its handler needs.
    """
    try:
        exchange.prepare()
        exchange.check_rights()
        if sys.platform == "darwin" or threading.active_count() > 1:
            # Apple's system libraries do not survive a fork without an exec, nor does a lock that
            # another thread holds.
            _spawn(exchange)
        else:
            _fork(exchange)
    except OSError:
        return False  # whatever was submitted is submitted: the timer sees to it
    return True


def _spawn(exchange: Exchange) -> None:
    with open(exchange.path(layout.SWEEP_LOG), "wb") as log:
        sweep = subprocess.Popen(
            # -P: no `workflow` that lies in the folder we happen to stand in.
            [sys.executable, "-P", "-m", "workflow", "sweep", "--root", exchange.root],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # For a parent that lives on: its dead child would stay in the list of processes.
    threading.Thread(target=sweep.wait, daemon=True).start()


def _fork(exchange: Exchange) -> None:
    """A copy of this process has imported nearly all that a sweep needs: it begins at once."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    code = 1
    try:
        os.setsid()
        if os.fork() == 0:
            _redirect(exchange.path(layout.SWEEP_LOG))
            code = _sweep(exchange.root)
        else:
            code = 0  # the one between: the sweep is nobody's child, and nobody waits for it
    finally:
        os._exit(code)


def _redirect(log: str) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    sys.stdout.flush()
    sys.stderr.flush()
    for source, target in ((nothing, 0), (said, 1), (said, 2)):
        os.dup2(source, target)


def _sweep(root: str) -> int:
    from workflow.boundary import answer, guarded
    from workflow.sweeping import sweep_once

    code = guarded(lambda: answer(sweep_once(root)))
    sys.stdout.flush()
    sys.stderr.flush()
    return code

"""Leaves one line in a file of the exchange's site: what a task did can be counted."""

from __future__ import annotations

import os
from collections.abc import Sequence

from workflow import handler
from workflow.config import Config
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Context, Outcome

SUMMARY = "Leave a line in effects.log; may be repeated"
SAFE_TO_REPEAT = True
QUICK = True


class Params(handler.Params):
    fail: bool = False


def resources(params: Params, config: Config) -> Sequence[str]:
    return ()


def run(context: Context) -> Outcome:
    leave(context)
    if context.params.fail:
        raise TaskFailed(TaskError("told_to_fail", "it was told to fail", "fix"))
    return Outcome(outputs={"effects": 1}, verdict="One line was left.")


def leave(context: Context) -> None:
    """One write of one line: it happens whole, before or after any kill."""
    path = context.config.root / "effects.log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, f"{context.task_id}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

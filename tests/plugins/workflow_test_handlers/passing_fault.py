"""Fails with a fault that passes, so many times, and then works."""

from __future__ import annotations

from collections.abc import Sequence

from workflow import handler
from workflow.config import Config
from workflow.errors import Action, TaskError, TaskFailed
from workflow.handler import Context, Outcome
from workflow_test_handlers.effect import leave

SUMMARY = "Fail a few times, then work"
SAFE_TO_REPEAT = True


class Params(handler.Params):
    times: int = 1
    action: Action = "retry"


def resources(params: Params, config: Config) -> Sequence[str]:
    return ()


def run(context: Context) -> Outcome:
    if context.attempt <= context.params.times:
        raise TaskFailed(
            TaskError("throttled", "the other side asked us to wait", context.params.action)
        )
    leave(context)
    return Outcome(outputs={"attempt": context.attempt}, verdict="It worked in the end.")

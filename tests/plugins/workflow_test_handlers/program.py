"""Runs a shell script that the task names: what no real task type would ever allow."""

from __future__ import annotations

from collections.abc import Sequence

from workflow import handler
from workflow.config import Config
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Context, Outcome

SUMMARY = "Run a shell script"
SAFE_TO_REPEAT = True
TIMEOUT_MINUTES = 5


class Params(handler.Params):
    script: str
    answers: str = ""


def resources(params: Params, config: Config) -> Sequence[str]:
    return ()


def run(context: Context) -> Outcome:
    done = context.run_program(
        ["/bin/sh", "-c", context.params.script],
        cwd=context.config.root,
        env=None,
        stdin=context.params.answers.encode(),
    )
    outputs = {"exit_code": done.returncode, "output_bytes": done.output_bytes}
    if done.returncode:
        raise TaskFailed(
            TaskError("script_failed", f"it ended with {done.returncode}", "fix"), outputs=outputs
        )
    return Outcome(outputs=outputs, verdict="The script ended well.")

"""Why a task did not pass its point of no return: nothing was done in any of these cases."""

from __future__ import annotations

from workflow.errors import TaskError, TaskFailed


def unreachable(why: str) -> TaskFailed:
    return TaskFailed(
        TaskError(
            "server_unreachable",
            f"the server on which machines meet cannot be reached ({why}); nothing was done",
            "retry",
            "network",
            hint="it is tried again by itself",
        )
    )


def claim_lost() -> TaskFailed:
    return TaskFailed(
        TaskError(
            "claim_lost",
            "another machine has taken this task over, or its approval was used there; nothing was "
            "done here",
            "escalate",
            "decision",
            hint="its result comes from that machine",
        )
    )


def used_up(task_id: str) -> TaskFailed:
    return TaskFailed(
        TaskError(
            "interrupted",
            "an attempt before this one was cut off as it was about to begin, and has used the "
            "approval up",
            "escalate",
            "crash",
            hint=f"plan it anew with `workflow retry {task_id}`; a person has to approve that one",
        )
    )

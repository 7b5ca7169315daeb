"""What a sweep takes in where machines share the exchange."""

from __future__ import annotations

from typing import Protocol

from workflow import layout
from workflow.admission import Parked
from workflow.config import Config
from workflow.errors import WorkflowError
from workflow.exchange import Exchange
from workflow.intake import Intake
from workflow.swept import Swept
from workflow.task import Task


class Known(Protocol):
    """What the newest commit says."""

    exchange: Exchange
    config: Config
    only: str | None

    def is_mine(self, task_id: str) -> bool:
        """Whether this machine has taken it."""

    def is_elsewhere(self, task_id: str) -> bool:
        """Whether others decide about it now: the branch has it, and it is not ours."""

    def wants_sharing(self, task: Task) -> str:
        """Remember a task that nobody else knows of yet; gives what it waits for."""


class SharedIntake(Intake):
    """Takes in only what the newest commit says is ours; tells of what nobody knows yet."""

    def __init__(self, known: Known, swept: Swept) -> None:
        super().__init__(known.exchange, known.config, swept, known.only)
        self._branch = known

    def _names(self, state: str) -> list[str]:
        return [name for name in super()._names(state) if not self._branch.is_elsewhere(name)]

    def decide(self, state: str, task: Task) -> None:
        if self._branch.is_mine(task.task_id):
            super().decide(state, task)
        else:
            self._park(task, state, Parked("time", self._branch.wants_sharing(task)))

    def offer(self, task: Task, state: str) -> None:
        if self._branch.is_mine(task.task_id):
            super().offer(task, state)


def refuse_broken(config: Config) -> None:
    """Raises WorkflowError `bad_config`: a slip of the pen under `sync:` must not let two machines
    run one task."""
    for name, problem in config.broken.items():
        if name.split(".")[0] == "sync":
            raise WorkflowError(
                "bad_config",
                f"{name} is unusable: {problem.sentence(layout.CONFIG)}",
                hint=f"mend {layout.CONFIG}: nothing is run meanwhile",
                problems=config.problems,
            )

"""Exchanges to measure: made in a scratch folder, with as much history as is asked for."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from benchmarks.measure import run
from workflow import layout
from workflow.config import Config, load_config
from workflow.exchange import Exchange
from workflow.submission import Wish, submit

CONFIG = "version: 1\n"


class Workshop:
    """A scratch folder. `quick` makes everything small: to see that it works, not how fast."""

    def __init__(self, scratch: Path, *, quick: bool) -> None:
        self.scratch = scratch
        self.quick = quick
        self.small_pairs = 5 if quick else 31
        """Rounds for what takes milliseconds."""
        self.large_pairs = 2 if quick else 15
        """Rounds for what takes around a second."""
        self.long_history = 1_000 if quick else 100_000
        self.appendix: list[str] = []
        """Further tables, printed below the one that all parts share."""

    @cached_property
    def program(self) -> Path:
        """The installed console script, beside the interpreter that runs us."""
        path = Path(sys.executable).parent / "workflow"
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is not there: run the benchmarks in the virtual environment that the "
                "package is installed into"
            )
        return path

    def sweep(self, root: Path) -> float:
        """One real sweep; its wall time."""
        return run([self.program, "sweep"], cwd=root)

    def exchange(self, name: str, config: str = CONFIG) -> Path:
        """A new and empty one."""
        root = self.scratch / name
        root.mkdir()
        (root / layout.CONFIG).write_text(config, encoding="utf-8")
        Exchange(root).prepare()
        return root

    def swept(self, name: str, *, finished: int) -> Path:
        """One with a history, after whose last sweep nothing is left to do. Made once."""
        root = self.scratch / name
        if not root.exists():
            self.exchange(name)
            grow(root, finished, self)
            self.sweep(root)
        return root

    @cached_property
    def longest(self) -> Path:
        """The exchange with the long history."""
        return self.swept("long-history", finished=self.long_history)


def open_exchange(root: Path) -> tuple[Exchange, Config]:
    return Exchange(root), load_config(root)


def submit_noop(root: Path) -> str:
    exchange, config = open_exchange(root)
    return submit(exchange, config, Wish("noop"))


def grow(root: Path, finished: int, workshop: Workshop) -> None:
    """Give an exchange a history: copies of one real task and its real result under other ids.

    They are spread over the days of this month: older ones would lie in the archive.
    """
    model = submit_noop(root)
    workshop.sweep(root)
    exchange = Exchange(root)
    task_path, result_path = exchange.find(model), exchange.result(model)
    assert task_path is not None and result_path is not None
    task = Path(task_path.path).read_text(encoding="utf-8")
    result = Path(result_path).read_text(encoding="utf-8")
    model_day = os.path.basename(os.path.dirname(result_path))
    today = datetime.now(UTC)
    days = [f"{today:%Y-%m}-{day:02}" for day in range(1, today.day + 1)]
    for day in days:
        os.makedirs(exchange.path(layout.RESULTS, day), exist_ok=True)
    for number in range(1, finished):
        day = days[number * len(days) // finished]
        task_id = f"{day}-{number // 60 % 24:02}{number % 60:02}-noop-history-{number}"
        home = exchange.path(layout.RESULTS, day)
        for path, text in (
            (exchange.task_path("completed", task_id), task),
            (os.path.join(home, task_id + layout.RESULT_SUFFIX), result),
        ):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace(model, task_id).replace(model_day, day))

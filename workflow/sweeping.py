"""One sweep as a command: the lock, the progress that people see, the answer.

Free of the command line's library: a timer's sweep that finds something to do comes here straight
from the front door.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workflow.columns import cut, printable
from workflow.config import load_config
from workflow.errors import Exit, Problem, WorkflowError
from workflow.exchange import Exchange
from workflow.layout import CONFIG
from workflow.notify import STATE as NOTIFICATIONS
from workflow.overview import approval_next, resolve
from workflow.reply import Reply, folded, is_plain
from workflow.screen import in_colour
from workflow.sweep import Sweep

if TYPE_CHECKING:
    from types import ModuleType

    from workflow.config import Config
    from workflow.swept import Swept
    from workflow.sync.sharing import Sharing as SyncedSweep


def sweep_once(
    root: str,
    *,
    jobs: int | None = None,
    only: str | None = None,
    environments: Sequence[str] | None = None,
) -> Reply:
    """Run everything that can run. Raises WorkflowError for an unusable configuration, OSError.

    Where machines share the exchange: everything that no other one has taken, for these
    environments, and that has none.
    """
    exchange = Exchange(root)
    exchange.prepare()
    with exchange.sweeping() as alone:
        if not alone:
            return _busy(only)
        exchange.touch_last_sweep()
        exchange.check_rights()
        # What was imported stays for good, and what a task leaves behind is freed as it goes:
        # looking through all of it again and again would cost a tenth of the sweep.
        gc.freeze()
        gc.set_threshold(100_000, 10, 100)
        config = load_config(root)
        teller = _teller(exchange, config)
        if teller is not None:
            teller.before(exchange, config)
        shared = _shared(exchange, config, environments)
        if only is not None:
            if shared is None or not shared.seen.knows(only):
                only = resolve(exchange, only).task_id
            if shared is not None:
                shared.only_this(only)
        with _Progress() as notice:
            swept = Sweep(
                exchange, config, jobs=jobs, only=only, notice=notice, sharing=shared
            ).run()
        if shared is not None:
            shared.finish()
        exchange.touch_last_sweep()
        sender = teller.after(exchange, config) if teller is not None else None
    reply = _reply(exchange, swept, config.problems)
    if shared is not None:
        reply.data["shared"] = shared.told()
        reply.warnings += shared.warnings
        reply.notes += shared.notes
    if config.report.after_sweep and (swept.ended or swept.parked or swept.archived):
        # The lock is free again: whatever becomes of the page, the next sweep need not wait.
        from workflow.report.making import after_sweep

        trouble = after_sweep(exchange, config)
        reply.warnings += [trouble] if trouble else []
    if teller is not None:
        teller.linger(exchange, sender)
    return reply


def _shared(
    exchange: Exchange, config: Config, environments: Sequence[str] | None
) -> SyncedSweep | None:
    """What other machines have to do with this sweep; None where the exchange is this one's."""
    if config.sync is None and not any(name.startswith("sync") for name in config.broken):
        return None
    from workflow.sync.intake import refuse_broken
    from workflow.sync.sharing import Sharing

    refuse_broken(config)
    shared = Sharing(exchange, config, environments)
    shared.begin()
    return shared


def _teller(exchange: Exchange, config: Config) -> ModuleType | None:
    """What tells people of what happens; None where nobody is told, or was until now."""
    if not config.notify and not os.path.lexists(exchange.path(NOTIFICATIONS)):
        return None
    from workflow.notify import around_sweep

    return around_sweep


def _busy(only: str | None) -> Reply:
    reply = Reply(data={"swept": False}, notes=["Another sweep is running."])
    if only is not None:
        reply.exit = Exit.RUNNING
        reply.error = WorkflowError(
            "still_running",
            "another sweep is running and will take it",
            Exit.RUNNING,
            retryable=True,
        )
    return reply


def _reply(exchange: Exchange, swept: Swept, problems: Sequence[Problem]) -> Reply:
    data = {
        "swept": True,
        "ended": swept.ended,
        "parked": swept.parked,
        "being_written": swept.unsettled,
        "archived": swept.archived,
    }
    reply = Reply(data=data)
    well = sum(status == "success" for status in swept.ended.values())
    said = []
    if swept.ended:
        said.append(f"{well} of {len(swept.ended)} tasks succeeded")
    if swept.parked:
        said.append(f"{len(swept.parked)} parked")
    if swept.unsettled:
        said.append(f"{len(swept.unsettled)} left alone: still being written")
    if swept.archived:
        said.append(f"{swept.archived} archived")
    reply.notes.append("; ".join(said).capitalize() + "." if said else "Nothing to do.")
    ended = list(swept.ended)
    if len(ended) == 1:
        reply.next = [(f"workflow show {ended[0]}", "read its result")]
    elif ended:
        reply.next = [("workflow list", "see them all")]
    elif swept.parked:
        reply.next = _of_parked(exchange, swept.parked)
    if swept.stopped:
        reply.exit = Exit.INTERRUPTED
        reply.error = WorkflowError(
            "interrupted",
            "ended early by a signal",
            Exit.INTERRUPTED,
            hint="what ran is seen to by the next sweep",
        )
    elif swept.trouble:
        reply.exit = Exit.DEFECT
        reply.error = WorkflowError(
            "system_error",
            swept.trouble,
            Exit.DEFECT,
            hint="`workflow doctor` looks at folders, rights and disk",
            retryable=True,
        )
    elif problems:
        # The sound parts of the configuration have been worked with; the rest wants mending.
        reply.exit = Exit.USAGE
        said_problems = "; ".join(problem.sentence(CONFIG) for problem in problems)
        reply.error = WorkflowError(
            "bad_config", said_problems, hint=f"mend {CONFIG}", problems=problems
        )
    return reply


def _of_parked(exchange: Exchange, parked: Mapping[str, str]) -> list[tuple[str, str]]:
    """What to do where a sweep only found tasks that wait: for whom, or for what."""
    if len(parked) > 1:
        return [("workflow status", "see what waits, and for whom")]
    ((task_id, reason),) = parked.items()
    if "waits for approval" in reason:
        return approval_next(exchange, task_id)
    return [(f"workflow show {task_id}", "see what it waits for")]


class _Progress:
    """Lines of what happens; on a terminal also a live line of what runs, and since when."""

    def __init__(self) -> None:
        self.running: dict[str, tuple[float, str]] = {}
        self.live: Any = None
        self.console: Any = None

    def __enter__(self) -> Any:
        if not is_plain(sys.stderr):
            from rich.console import Console
            from rich.live import Live

            self.console = Console(stderr=True)
            self.live = Live(
                console=self.console,
                get_renderable=self._board,
                refresh_per_second=4,
                transient=True,
            )
            self.live.start()
        return self.notice

    def __exit__(self, *_: object) -> None:
        if self.live is not None:
            self.live.stop()

    def notice(self, happening: str, task_id: str, text: str) -> None:
        if happening == "started":
            self.running[task_id] = (time.monotonic(), text)
        elif happening == "progress":
            began, _ = self.running.get(task_id, (time.monotonic(), ""))
            self.running[task_id] = (began, text)
        else:
            self.running.pop(task_id, None)
        if happening == "progress" or (happening == "started" and self.live is not None):
            return
        line = f"{happening:<9} {task_id}  {text}"
        if self.live is not None:
            self._print_above(happening, folded(printable(line)))
        else:
            print(line, file=sys.stderr, flush=True)

    def _print_above(self, happening: str, line: str) -> None:
        from rich.text import Text

        well = happening in ("ended", "recovered") and "  success: " in line
        tint = "green" if well else _TINTS.get(happening, "red")
        coloured = in_colour(happening, tint) + line.removeprefix(happening)
        self.console.print(Text.from_ansi(coloured), soft_wrap=True)

    def _board(self) -> Any:
        from rich.text import Text

        now, columns = time.monotonic(), self.console.width
        # A line each: what a program says may be long, and its beginning tells which it is.
        lines = [
            cut(printable(f"running   {task_id}  {now - began:.0f} s  {text}"), columns)
            for task_id, (began, text) in list(self.running.items())
        ]
        return Text("\n".join(lines), style="cyan", no_wrap=True)


_TINTS = {"started": "cyan", "parked": "yellow", "archived": "dim"}

"""workflow sweep"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workflow.cli import Place, command
from workflow.commands import choices
from workflow.errors import Exit, WorkflowError
from workflow.reply import Reply, is_plain

if TYPE_CHECKING:
    from workflow.swept import Swept


@command
def run(
    place: Place,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=64, help="Tasks side by side.")
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            "--task", metavar="ID", help="Run this one only.", autocompletion=choices.task_ids
        ),
    ] = None,
) -> Reply:
    """Run everything that can run, then exit. The timer calls this every few seconds.

    Finding another sweep at work it exits 0 at once. Failed tasks are results, not failures of
    the sweep: they do not show in its exit code.

    \b
    workflow sweep
    workflow sweep --jobs 4
    """
    from workflow.sweep import Sweep

    exchange = place.exchange()
    exchange.prepare()
    with exchange.sweeping() as alone:
        if not alone:
            return _busy(only)
        exchange.touch_last_sweep()
        config = place.config()
        if only is not None:
            from workflow.overview import resolve

            only = resolve(exchange, only).task_id
        with _progress() as notice:
            report = Sweep(exchange, config, jobs=jobs, only=only, notice=notice).run()
        exchange.touch_last_sweep()
    return _reply(report, config.problems)


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


def _reply(report: Swept, problems: Any) -> Reply:
    from workflow.layout import CONFIG

    data = {
        "swept": True,
        "ended": report.ended,
        "parked": report.parked,
        "being_written": report.unsettled,
        "archived": report.archived,
    }
    reply = Reply(data=data)
    well = sum(status == "success" for status in report.ended.values())
    said = []
    if report.ended:
        said.append(f"{well} of {len(report.ended)} tasks succeeded")
    if report.parked:
        said.append(f"{len(report.parked)} parked")
    if report.unsettled:
        said.append(f"{len(report.unsettled)} left alone: still being written")
    if report.archived:
        said.append(f"{report.archived} archived")
    reply.notes.append("; ".join(said).capitalize() + "." if said else "Nothing to do.")
    ended = list(report.ended)
    if len(ended) == 1:
        reply.next = [(f"workflow show {ended[0]}", "read its result")]
    elif ended:
        reply.next = [("workflow list", "see them all")]
    if report.stopped:
        reply.exit = Exit.INTERRUPTED
        reply.error = WorkflowError(
            "interrupted",
            "ended early by a signal",
            Exit.INTERRUPTED,
            hint="what ran is seen to by the next sweep",
        )
    elif report.trouble:
        reply.exit = Exit.DEFECT
        reply.error = WorkflowError(
            "system_error",
            report.trouble,
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


class _progress:
    """Lines of what happens; on a terminal also a live line of what runs, and since when."""

    def __init__(self) -> None:
        self.running: dict[str, tuple[float, str]] = {}
        self.live: Any = None

    def __enter__(self) -> Any:
        if not is_plain(sys.stderr):
            from rich.console import Console
            from rich.live import Live

            self.live = Live(
                console=Console(stderr=True),
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
            self.live.console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr, flush=True)

    def _board(self) -> Any:
        from rich.text import Text

        now = time.monotonic()
        lines = [
            f"running   {task_id}  {now - began:.0f} s  {text}"
            for task_id, (began, text) in list(self.running.items())
        ]
        return Text("\n".join(lines), style="cyan")

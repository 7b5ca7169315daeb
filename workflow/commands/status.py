"""workflow status"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from workflow import layout
from workflow.cli import Place, command
from workflow.exchange import Exchange, Found
from workflow.overview import (
    ago,
    approval_next,
    overview,
    select,
    silence,
    since,
    summaries,
    sweeper_warning,
    waits_for,
)
from workflow.reply import Reply


@command
def run(
    place: Place,
    brief: Annotated[bool, typer.Option("--brief", help="A few lines.")] = False,
    line: Annotated[bool, typer.Option("--line", help="One line, for a prompt or a bar.")] = False,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Go on until Ctrl-C: a board, or off a terminal the changes."),
    ] = False,
) -> Reply:
    """What runs now, what waits for whom, the last results, and whether the timer is alive.

    \b
    workflow status
    workflow status --line
    workflow status --watch
    """
    if watch:
        from workflow import board

        exchange = place.exchange()
        return Reply(live=lambda: board.watch(exchange, place.config))
    exchange, config = place.exchange(), place.config()
    counts = {state: exchange.count(state) for state in layout.STATE_FOLDERS}
    running = [
        overview(exchange, Found(i, "in-progress", exchange.task_path("in-progress", i)))
        for i in sorted(exchange.names("in-progress"))
    ]
    parked: list[dict[str, Any]] = []
    for state in ("waiting", "pending"):
        for task_id in sorted(exchange.names(state)):
            found = Found(task_id, state, exchange.task_path(state, task_id))
            reason = waits_for(exchange, config, found)
            kind, why = reason or ("sweep", "cannot be read as it is")
            parked.append({"task_id": task_id, "waits_for": kind, "reason": why})
    last = list(select(exchange, ("completed", "failed"), limit=3 if brief else 5))
    quiet = silence(exchange)
    silent = sweeper_warning(exchange, config)
    data = {
        "counts": counts,
        "running": running,
        "waiting": parked,
        "last": last,
        "sweeper": {"alive": silent is None, "last_seen_seconds": quiet},
    }
    reply = Reply(data=data)
    if silent:
        reply.warnings.append(silent)
    reply.warnings += [problem.sentence(layout.CONFIG) for problem in config.problems]
    shown = [f"{counts[state]} {state}" for state in layout.STATE_FOLDERS if counts[state]]
    one_line = ", ".join(shown) or "no tasks yet"
    if line:
        reply.text = one_line + ("" if silent is None else " (sweeper not running)")
        reply.warnings = []
        return reply
    parts = [one_line]
    if quiet is not None:
        parts.append(f"last sweep {ago(quiet)} ago")
    parts += [_running_line(task) for task in running]
    rows = 3 if brief else 10
    parts += [f"waits     {task['task_id']}  {task['reason']}" for task in parked[:rows]]
    if len(parked) > rows:
        parts.append(f"          and {len(parked) - rows} more")
    if last:
        parts.append("last results:")
        told = zip(last, summaries(last), strict=True)
        parts += [f"  {task['status']:<9} {task['task_id']}  {said}" for task, said in told]
    reply.text = "\n".join(parts)
    reply.next = _following(exchange, parked, last, silent)
    return reply


def _running_line(task: dict[str, Any]) -> str:
    began = since(task.get("started_at"))
    beat = task.get("last_sign_of_life_seconds")
    said = f"running   {task['task_id']}" + (f"  {began}" if began else "")
    if beat is not None:
        said += f", last sign of life {ago(beat)} ago"
    if task.get("sweep_lives") is False:
        said += "; its sweep is gone: the next one sees to it"
    return said


def _following(
    exchange: Exchange,
    parked: list[dict[str, Any]],
    last: list[dict[str, Any]],
    silent: str | None,
) -> list[tuple[str, str]]:
    following = []
    if silent:
        following.append(("workflow service install", "a person sets up the timer, once"))
    if silent and parked:
        following.append(("workflow sweep", "or run what waits by hand"))
    for task in parked:
        if task["waits_for"] == "approval":
            following += approval_next(exchange, task["task_id"])
            break
    if last and last[0]["status"] != "success":
        following.append((f"workflow show {last[0]['task_id']}", "the last one failed"))
    return following or [("workflow types", "see what can be asked for")]

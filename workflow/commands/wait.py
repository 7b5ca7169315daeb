"""workflow wait"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workflow.background import start_sweep
from workflow.cli import Place, command
from workflow.commands import choices
from workflow.errors import Exit, WorkflowError
from workflow.exchange import Exchange
from workflow.overview import (
    ENDED,
    ago,
    approval_next,
    overview,
    resolve,
    silence,
    sweeper_warning,
    waits_for,
)
from workflow.reply import Reply

if TYPE_CHECKING:
    from workflow.config import Config

DEFAULT_SECONDS = 110.0
"""Below the two minutes after which Claude Code takes a command's life."""
GRACE_SECONDS = 10.0
"""How long to hope for a sweep where none has given a sign of life lately."""
TIMER_STEPS = [
    ("workflow service install", "a person sets up the timer, once"),
    ("workflow sweep", "or a person runs it by hand"),
]
"""What to do where no sweeper is alive."""
_LOOK_SECONDS = 0.1
_FIRST_LOOK_SECONDS = 0.01


@command
def run(
    place: Place,
    ids: Annotated[
        list[str],
        typer.Argument(metavar="ID...", help="Ids, or `latest`.", autocompletion=choices.task_ids),
    ],
    timeout: Annotated[
        float, typer.Option(metavar="S", help="Give up (exit 75) after so many seconds.", min=0)
    ] = DEFAULT_SECONDS,
    until: Annotated[str, typer.Option(help="`done`, or `approval` to stop there too.")] = "done",
) -> Reply:
    """Wait until the tasks have ended and say how.

    Exit codes: 0 all went well, 3 one did not, 4 one needs approval, 6 what was approved had
    changed, 8 no sweeper runs, 75 still running: ask again.

    \b
    workflow wait latest
    workflow wait 2026-01-19-1430-hugo-build-staging --timeout 60
    """
    if until not in ("done", "approval"):
        raise WorkflowError(
            "usage", f"--until takes done or approval, not {until!r}", hint="leave it away for done"
        )
    exchange = place.exchange()
    found = [resolve(exchange, task_id).task_id for task_id in ids]
    return wait_for(place, found, timeout=timeout, until="done" if until == "done" else "approval")


def sweep_and_wait(place: Place, reply: Reply, ids: list[str], seconds: float | None) -> Reply:
    """Let a sweep begin, if the policy has it so, and wait for the tasks if that was asked for.

    Gives `reply`, completed by how they ended, or by what a person has to agree to first.
    """
    exchange, config = place.exchange(), place.config()
    starts = config.policies.submit_starts_sweep
    wanted = starts == "always" or (starts == "with-wait" and bool(seconds))
    silent = sweeper_warning(exchange, config)
    started = wanted and start_sweep(exchange)
    if silent and not started:
        reply.warnings.append(silent)
        reply.next += TIMER_STEPS[:1]
    if seconds is None:
        return reply
    waited = wait_for(place, ids, timeout=seconds, until="approval")
    if silent and started and waited.exit == Exit.RUNNING:
        waited.warnings.append(
            "no timer seems to run here, and the sweep that this command started does not come "
            "back: a person has to install the timer (`workflow service install`)"
        )
    waited.data = {**reply.data, **waited.data}
    if waited.exit == Exit.DONE:
        # For people: what stands on stdout is the command's own answer, which programs read.
        waited.notes = [*reply.notes, *waited.text.splitlines()]
    waited.text = reply.text
    waited.warnings = list(dict.fromkeys([*reply.warnings, *waited.warnings]))
    return waited


def wait_for(
    place: Place, ids: list[str], *, timeout: float, until: Literal["done", "approval"]
) -> Reply:
    """Wait for tasks that exist; see the command."""
    exchange, config = place.exchange(), place.config()
    clock = time.monotonic
    began = clock()
    waiting_for_person: list[str] = []
    last_look_at_parked = began - 1.0
    while True:
        open_ids = [task_id for task_id in ids if not _ended(exchange, task_id)]
        if not open_ids:
            break
        now = clock()
        if now - last_look_at_parked >= 1.0:
            last_look_at_parked = now
            waiting_for_person = [i for i in open_ids if _needs_approval(exchange, config, i)]
            if until == "approval" and waiting_for_person:
                break
        if now - began >= timeout:
            break
        quiet = silence(exchange)
        dead = quiet is None or quiet > config.policies.sweeper_stale_seconds
        if dead and now - began >= min(GRACE_SECONDS, timeout):
            break
        place.pulse()
        # No event tells of a rename on every system. Often at first: most tasks are short.
        pause = min(_LOOK_SECONDS, _FIRST_LOOK_SECONDS + (now - began) / 10)
        time.sleep(min(pause, max(0.0, timeout - (now - began))))
    return _reply(exchange, config, ids, waiting_for_person)


def _ended(exchange: Exchange, task_id: str) -> bool:
    """Whether its result is there and the task has been moved: all that a sweep has to do."""
    found = exchange.find(task_id)
    return found is not None and found.state in ENDED


def _needs_approval(exchange: Exchange, config: Config, task_id: str) -> bool:
    found = exchange.find(task_id)
    if found is None or found.state != "waiting":
        return False
    reason = waits_for(exchange, config, found)
    return reason is not None and reason[0] == "approval"


def _reply(exchange: Exchange, config: Config, ids: list[str], for_person: list[str]) -> Reply:
    told = [_told(exchange, config, task_id) for task_id in ids]
    data: dict[str, Any] = {"tasks": told}
    if len(told) == 1:
        data |= told[0]
    reply = Reply(data=data)
    reply.text = "\n".join(_line(entry) for entry in told)
    still = [entry["task_id"] for entry in told if entry["state"] not in ENDED]
    failed = [entry for entry in told if entry["state"] in ENDED and not _went_well(entry)]
    silent = sweeper_warning(exchange, config)
    if failed:
        first = failed[0]
        if first.get("error_code") == "stale_plan":
            return _fails(
                reply,
                Exit.CONFLICT,
                "stale_plan",
                f"{first['task_id']}: {first['summary']}",
                [(f"workflow retry {first['task_id']}", "let it plan anew; approve that")],
            )
        return _fails(
            reply,
            Exit.TASK_FAILED,
            "task_failed",
            f"{first['task_id']}: {first['summary']}",
            [(f"workflow show {first['task_id']}", "what is wrong and how to mend it")],
        )
    if for_person and still:
        return _fails(
            reply,
            Exit.NEEDS_APPROVAL,
            "needs_approval",
            f"{for_person[0]} waits for approval",
            approval_next(exchange, for_person[0]),
        )
    if still and silent:
        return _fails(
            reply,
            Exit.NO_SWEEPER,
            "no_sweeper",
            f"{still[0]} was not run: {silent}",
            TIMER_STEPS,
        )
    if still:
        return _fails(
            reply,
            Exit.RUNNING,
            "still_running",
            _not_ended(exchange, [entry for entry in told if entry["state"] not in ENDED]),
            [(f"workflow wait {' '.join(still)}", "wait on")],
        )
    reply.next = [(f"workflow verify {ids[-1]}", "check it and see what comes next")]
    return reply


def _told(exchange: Exchange, config: Config, task_id: str) -> dict[str, Any]:
    """The task, and what keeps it from its end."""
    found = resolve(exchange, task_id)
    told = overview(exchange, found)
    reason = None if found.state in ENDED else waits_for(exchange, config, found)
    return told if reason is None else {**told, "waits_for": reason[0], "reason": reason[1]}


def _not_ended(exchange: Exchange, open_tasks: list[dict[str, Any]]) -> str:
    """Which tasks are not done, why, and how long no sweep has looked at them."""
    ids = ", ".join(entry["task_id"] for entry in open_tasks)
    reasons = dict.fromkeys(entry["reason"] for entry in open_tasks if entry.get("reason"))
    said = f"{ids} {'has' if len(open_tasks) == 1 else 'have'} not ended yet"
    if reasons:
        said += ": " + "; ".join(reason.rstrip(".") for reason in reasons)
    quiet = silence(exchange)
    return (
        said if quiet is None or quiet < GRACE_SECONDS else f"{said}; last sweep {ago(quiet)} ago"
    )


def _went_well(entry: dict[str, Any]) -> bool:
    verdict = str(entry.get("verdict") or "")
    return entry["status"] == "success" and not verdict.startswith("failed")


def _line(entry: dict[str, Any]) -> str:
    told = entry.get("summary") or entry.get("reason") or ""
    return f"{entry['task_id']}  {entry['status']}  {told}".rstrip()


def _fails(
    reply: Reply, code: Exit, name: str, message: str, following: list[tuple[str, str]]
) -> Reply:
    reply.exit = code
    reply.not_yet = code in (Exit.NEEDS_APPROVAL, Exit.RUNNING)
    reply.error = WorkflowError(name, message, code, retryable=code == Exit.RUNNING)
    reply.next = following
    return reply

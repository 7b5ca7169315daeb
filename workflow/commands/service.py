"""workflow service"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workflow.cli import Place, command
from workflow.errors import Exit, WorkflowError
from workflow.reply import Reply

if TYPE_CHECKING:
    from workflow.service.machine import Machine, Rehearsal

_ACTIONS = ("install", "uninstall", "status")


@command
def run(
    place: Place,
    action: Annotated[
        str,
        typer.Argument(
            metavar="[install|uninstall|status]",
            help="What to do.",
            autocompletion=lambda: list(_ACTIONS),
        ),
    ] = "status",
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="launchd, systemd or cron; default: the first that this machine has.",
            autocompletion=lambda: ["launchd", "systemd", "cron"],
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the files and the commands, and change nothing.")
    ] = False,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--wait",
            metavar="SECONDS",
            min=0,
            help="How long to wait for the first sweep; default 15, for cron 75.",
        ),
    ] = None,
    as_root: Annotated[
        bool, typer.Option("--as-root", help="Let root run the tasks, and mean it.")
    ] = False,
    lost: Annotated[
        bool,
        typer.Option(
            "--lost", help="With uninstall: the timers whose exchange is no longer there."
        ),
    ] = False,
) -> Reply:
    """The timer that starts sweeps by itself: install it once, see whether it lives, remove it.

    Each exchange has one of its own. Nothing that somebody else wrote is overwritten; what is done
    is said, file by file. A person runs this, not Claude Code.

    \b
    workflow service install
    workflow service install --kind cron --dry-run
    workflow service status
    workflow service uninstall
    """
    if action not in _ACTIONS:
        raise WorkflowError(
            "usage",
            f"there is no `service {action}`",
            hint=f"one of {', '.join(_ACTIONS)}",
        )
    if action == "status":
        return _status(place, kind)
    from workflow.service import timer

    root = os.path.realpath(place.root)
    if not dry_run:
        timer.refuse_for_claude(os.environ.get("CLAUDECODE"))
        timer.refuse_for_others(root, os.geteuid(), os.stat(root).st_uid, as_root=as_root)
    if action == "uninstall":
        return _uninstall(place, kind, dry_run=dry_run, lost=lost)
    return _install(place, kind, dry_run=dry_run, seconds=seconds)


def _machine(place: Place, *, dry_run: bool = False) -> Machine | Rehearsal:
    from workflow.service.machine import Machine, Rehearsal

    return (Rehearsal if dry_run else Machine)(place.exchange(), os.environ, os.geteuid())


def _install(place: Place, wanted: str | None, *, dry_run: bool, seconds: float | None) -> Reply:
    from workflow.service import timer
    from workflow.service.job import job_for
    from workflow.service.kinds import named
    from workflow.service.machine import Rehearsal

    place.config()  # a sweep that cannot read it would fail every five seconds
    machine = _machine(place, dry_run=dry_run)
    exchange = machine.exchange
    job, remarks = job_for(exchange.root, os.environ)
    before = exchange.last_sweep()
    kind, changed = timer.install(job, machine, wanted)
    reply = Reply(
        data={
            "kind": kind,
            "name": job.name,
            "program": list(job.argv),
            "changed": changed and not dry_run,
            "done": _told(machine),
            "log": job.log,
        },
        text=_lines(machine, dry_run=dry_run),
        warnings=remarks,
    )
    advice = named(kind).advice(job, machine)
    if isinstance(machine, Rehearsal):
        reply.data["files"] = {path: raw.decode() for path, raw in machine.files.items()}
        reply.text = "\n\n".join([reply.text, *_shown(machine)]).strip()
        reply.notes = advice
        reply.whole = reply.verbatim = True
        reply.next = [("workflow service install", "do it")]
        return reply
    wait = named(kind).patience if seconds is None else seconds
    if not changed:
        reply.notes.append(f"{kind} has it as it should be: nothing to do.")
    if wait and sys.stderr.isatty():
        print(f"waiting for the first sweep, up to {wait:.0f} s", file=sys.stderr)
    took = timer.await_sweep(exchange, before, wait) if wait else None
    if wait and took is None:
        reply.error = timer.no_sweep_came(exchange, kind, wait)
        reply.exit = Exit.NO_SWEEPER
        return reply
    reply.data["swept_after_seconds"] = None if took is None else round(took, 1)
    if took is not None:
        when = "at once" if took < 1 else f"after {took:.0f} s"
        reply.notes.append(f"A sweep ran {when}: the timer works.")
    reply.notes += [f"Its log is {job.log}.", *advice]
    reply.next = [("workflow submit hugo-build", "build the site; the timer runs it")]
    return reply


def _uninstall(place: Place, wanted: str | None, *, dry_run: bool, lost: bool) -> Reply:
    from workflow.service import timer

    machine = _machine(place, dry_run=dry_run)
    removed = (
        timer.uninstall_lost(machine, wanted)
        if lost
        else timer.uninstall(machine.exchange.root, machine, wanted)
    )
    reply = Reply(
        data={"removed": [] if dry_run else removed, "done": _told(machine)},
        text=_lines(machine, dry_run=dry_run),
    )
    if not removed:
        reply.notes.append("There is no timer of ours here: nothing to do.")
    elif not dry_run and not lost:
        reply.notes.append("Tasks now wait until somebody runs `workflow sweep`.")
    return reply


def _status(place: Place, wanted: str | None) -> Reply:
    from workflow.overview import ago, silence, sweeper_warning
    from workflow.service import timer
    from workflow.service.log import TIMER_LOG, last_words

    machine = _machine(place)
    exchange = machine.exchange
    found = timer.states(exchange.root, machine, wanted)
    quiet, log = silence(exchange), exchange.path(TIMER_LOG)
    alive = sweeper_warning(exchange, place.config()) is None
    words = last_words(exchange.root)
    reply = Reply(
        data={
            "installed": bool(found),
            "alive": alive,
            "last_sweep_seconds": quiet,
            "timers": [asdict(one) for one in found],
            "log": log if os.path.exists(log) else None,
            "log_ends_with": words or None,
        }
    )
    lines = []
    for one in found:
        ended = "unknown" if one.last_exit is None else str(one.last_exit)
        lines += [
            f"timer       {one.kind}, {'loaded' if one.loaded else 'NOT loaded'} ({one.detail})",
            *(f"file        {path}" for path in one.files),
            f"starts      {one.program}" + (" (which is no longer there)" if one.broken else ""),
            f"last exit   {ended}",
        ]
    if not found:
        lines.append("timer       none is installed" + (f" ({wanted})" if wanted else ""))
    lines.append("last sweep  " + ("never" if quiet is None else f"{ago(quiet)} ago"))
    if os.path.exists(log):
        lines.append(f"log         {log}")
        if words:
            lines.append(f"            ends with: {words}")
    reply.text = "\n".join(lines)
    well = all(one.loaded and not one.broken for one in found)
    if not (found and well and alive):
        reply.next = [("workflow service install", "a person runs it once; it mends a broken one")]
    if not alive or not well:
        told = "no sweep has run lately" if well else "the timer is not in order"
        reply.exit, reply.error = (
            Exit.NO_SWEEPER,
            WorkflowError("no_sweeper", told, Exit.NO_SWEEPER),
        )
    return reply


def _told(machine: Machine) -> list[dict[str, Any]]:
    return [{"did": verb, "what": what} for verb, what in machine.done]


def _lines(machine: Machine, *, dry_run: bool) -> str:
    verbs = {"wrote": "write", "ran": "run", "removed": "remove", "added": "add", "kept": "keep"}
    return "\n".join(
        f"{('would ' + verbs.get(verb, verb)) if dry_run else verb:<12}  {what}"
        for verb, what in machine.done
    )


def _shown(machine: Rehearsal) -> list[str]:
    return [f"--- {path}\n{raw.decode().rstrip()}" for path, raw in machine.files.items()]

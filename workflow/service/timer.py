"""Install, remove and look at the timer of one exchange."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from workflow.errors import Exit, WorkflowError
from workflow.exchange import Exchange
from workflow.service import mark
from workflow.service.job import Job
from workflow.service.kinds import Timer, fitting, named, timers
from workflow.service.log import last_words
from workflow.service.machine import Machine

_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class State:
    """A timer as `status` tells it."""

    kind: str
    name: str
    root: str
    program: str
    files: tuple[str, ...]
    loaded: bool
    last_exit: int | None
    detail: str
    broken: bool
    """What it starts is gone."""


def refuse_for_others(root: str, uid: int, owner: int, *, as_root: bool) -> None:
    """A timer is the person's own. Raises WorkflowError `not_as_root`, `not_yours`."""
    if uid == 0 and not as_root:
        raise WorkflowError(
            "not_as_root",
            "this would have root run the tasks",
            hint="run it as the person whose site it is, without sudo; where root is meant, "
            "as in a container, add --as-root",
        )
    if uid != owner:
        raise WorkflowError(
            "not_yours",
            f"{root} belongs to another user than you",
            hint="run it as that user: a sweep of yours could not work there",
        )


def refuse_for_claude(said: str | None) -> None:
    """A timer is set up by a person. `said`: $CLAUDECODE. Raises WorkflowError `needs_person`.

    This keeps an assistant from doing it in good faith; it is no wall against a hostile one.
    """
    if said == "1":
        raise WorkflowError(
            "needs_person",
            "a person sets up the timer, once, and not Claude Code",
            Exit.NEEDS_APPROVAL,
            hint="ask the person to run this command in a terminal of their own; "
            "`workflow service status` and --dry-run are for everybody",
        )


def mine(root: str, machine: Machine) -> list[Timer]:
    """The timers of one exchange: one, or none; more if somebody installed by hand."""
    root = os.path.realpath(root)
    return [timer for timer in timers(machine) if timer.installed.root == root]


def install(job: Job, machine: Machine, wanted: str | None) -> tuple[str, bool]:
    """Install and load the timer; gives its kind, and whether anything had to be done.

    Raises WorkflowError `no_timer_system`, `other_timer`, `not_ours`, `edited`, `sweep_running`,
    `timer_refused`; OSError.
    """
    before = mine(job.root, machine)
    chosen = wanted or (before[0].kind if before else None)
    chosen = fitting(machine, chosen)
    others = [timer.kind for timer in before if timer.kind != chosen]
    if others:
        raise WorkflowError(
            "other_timer",
            f"{others[0]} starts sweeps here already",
            Exit.CONFLICT,
            hint="remove that first: `workflow service uninstall`",
        )
    kind = named(chosen)
    for path in kind.places(job, machine):
        _refuse_to_overwrite(path)
    return chosen, kind.load(job, machine)


def _refuse_to_overwrite(path: str) -> None:
    state = mark.state_of(path)
    if state in ("foreign", "edited"):
        what = "was not made by this command" if state == "foreign" else "was changed by hand"
        raise WorkflowError(
            "not_ours" if state == "foreign" else "edited",
            f"{path} {what}, and is left alone",
            Exit.CONFLICT,
            hint=f"move it away (mv {path} {path}.mine), then install again",
        )


def uninstall(root: str, machine: Machine, wanted: str | None) -> list[str]:
    """Remove the timers of an exchange, of one kind or of all; gives their kinds.

    Raises WorkflowError `sweep_running`, `timer_refused`; OSError.
    """
    if wanted is not None:
        named(wanted)
    removed = []
    for timer in mine(root, machine):
        if wanted not in (None, timer.kind):
            continue
        kind = named(timer.kind)
        kind.unload(timer.installed, machine)
        removed.append(timer.kind)
    return removed


def uninstall_lost(machine: Machine, wanted: str | None) -> list[str]:
    """Remove the timers whose exchange is gone: moved, or deleted; gives their kinds.

    Raises WorkflowError `timer_refused`; OSError.
    """
    if wanted is not None:
        named(wanted)
    gone = [t for t in timers(machine) if t.installed.lost and wanted in (None, t.kind)]
    for timer in gone:
        named(timer.kind).unload(timer.installed, machine)
    return [timer.kind for timer in gone]


def states(root: str, machine: Machine, wanted: str | None = None) -> list[State]:
    """What there is for an exchange, and what its system says of it."""
    if wanted is not None:
        named(wanted)
    found = []
    for timer in mine(root, machine):
        if wanted not in (None, timer.kind):
            continue
        one = timer.installed
        seen = named(timer.kind).look(one, machine)
        found.append(
            State(
                timer.kind, one.name, one.root, one.program, one.files,
                seen.loaded, seen.last_exit, seen.detail, one.broken,
            )
        )  # fmt: skip
    return found


def await_sweep(exchange: Exchange, before: float | None, seconds: float) -> float | None:
    """Wait for another sign of life than `before`; seconds that it took, None if none came."""
    began = time.monotonic()
    while (waited := time.monotonic() - began) < seconds:
        if exchange.last_sweep() not in (None, before):
            return waited
        time.sleep(_LOOK_SECONDS)
    return None


def no_sweep_came(exchange: Exchange, kind: str, seconds: float) -> WorkflowError:
    """What to say of a timer that is loaded, and starts nothing."""
    words = last_words(exchange.root)
    said = f"; its log ends with: {words}" if words else ""
    hint = "see `workflow service status`"
    if kind == "cron":
        hint += ", and whether a cron daemon runs at all (`systemctl status cron`)"
    return WorkflowError(
        "no_sweeper",
        f"{kind} has it, and no sweep ran within {seconds:.0f} s{said}",
        Exit.NO_SWEEPER,
        hint=hint,
    )

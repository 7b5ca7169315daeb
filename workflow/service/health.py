"""What `workflow doctor` says of the timer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from workflow.overview import ago
from workflow.service.kinds import Timer, timers
from workflow.service.log import TIMER_LOG, last_words
from workflow.service.machine import Machine
from workflow.service.timer import states

INSTALL = "`workflow service install`, run once by a person"


class Verdict(NamedTuple):
    state: Literal["ok", "warning", "failed"]
    message: str
    mend: str | None = None


def examine(machine: Machine, quiet: float | None, *, silent: bool) -> Iterator[Verdict]:
    """What is to be said of this exchange's timer, and of timers whose exchange is gone.

    `quiet`: seconds since the last sweep, None if there was none; `silent`: whether that is too
    long.
    """
    root = machine.exchange.root
    told = "no sweep has run here yet" if quiet is None else f"the last sweep ran {ago(quiet)} ago"
    found = states(root, machine)
    for one in found:
        if one.broken:
            yield Verdict(
                "failed", f"{one.kind} starts {one.program}, which is no longer there", INSTALL
            )
        elif not one.loaded:
            yield Verdict("failed", f"{one.kind} has not loaded it ({one.detail}); {told}", INSTALL)
        elif silent:
            words = last_words(root)
            said = f"; its log ends with: {words}" if words else ""
            yield Verdict(
                "failed",
                f"{one.kind} has it, and {told}{said}",
                f"read {TIMER_LOG}, then {INSTALL}",
            )
        elif one.last_exit:
            yield Verdict(
                "warning",
                f"{one.kind} starts sweeps, and the last one ended with {one.last_exit}",
                f"read {TIMER_LOG}",
            )
        else:
            yield Verdict("ok", f"{one.kind} starts sweeps; {told}")
    if not found:
        if silent:
            yield Verdict("warning", f"none is installed, and {told}", INSTALL)
        else:
            yield Verdict("ok", f"{told}, by no timer of `workflow service install`")
    if len(found) > 1:
        kinds = " and ".join(one.kind for one in found)
        yield Verdict("warning", f"{kinds} both start sweeps here", "workflow service uninstall")
    for timer in timers(machine):
        if timer.installed.lost and timer.installed.root != root:
            yield _lost(timer)


def _lost(timer: Timer) -> Verdict:
    one = timer.installed
    return Verdict(
        "warning",
        f"{timer.kind} starts sweeps of {one.root}, where there is no exchange (any more, or "
        "while its disk is away)",
        "workflow service uninstall --lost",
    )

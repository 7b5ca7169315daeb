"""The kinds of timer there are, and which of them serves here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from workflow.errors import WorkflowError
from workflow.service import cron, launchd, systemd
from workflow.service.job import Job
from workflow.service.machine import Machine, Rehearsal
from workflow.service.seen import Installed, Look


class Kind(Protocol):
    """What every kind has; each is a module.

    `patience`: seconds within which a timer that was loaded has started its first sweep.
    """

    @property
    def patience(self) -> float: ...

    def missing(self, machine: Machine) -> str | None:
        """Why it cannot serve here; None if it can."""
        ...

    def places(self, job: Job, machine: Machine) -> list[str]:
        """The files of this exchange's timer, there or not."""
        ...

    def load(self, job: Job, machine: Machine) -> bool:
        """Write the files and have them loaded; False if all was so already.

        Raises WorkflowError, OSError.
        """
        ...

    def unload(self, installed: Installed, machine: Machine) -> None:
        """Take back what `load` did, and nothing else. Raises WorkflowError, OSError."""
        ...

    def present(self, machine: Machine) -> list[Installed]:
        """Every timer of ours on this machine, of whatever exchange. Raises WorkflowError."""
        ...

    def look(self, installed: Installed, machine: Machine) -> Look:
        """What the system says of one."""
        ...

    def advice(self, job: Job, machine: Machine) -> list[str]:
        """What a person should know about this kind here."""
        ...


KINDS: Mapping[str, Kind] = {"launchd": launchd, "systemd": systemd, "cron": cron}
"""In the order in which they are tried."""


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer that is there, with its kind."""

    kind: str
    installed: Installed


def fitting(machine: Machine, wanted: str | None) -> str:
    """The kind to install. Raises WorkflowError `no_timer_system`, `no_such_kind`."""
    if wanted is not None:
        reason = named(wanted).missing(machine)
        # Rehearsed it is shown: to be read, or taken to another machine.
        if reason is not None and not isinstance(machine, Rehearsal):
            raise WorkflowError("no_timer_system", f"{wanted} cannot serve here: {reason}")
        return wanted
    reasons = {name: kind.missing(machine) for name, kind in KINDS.items()}
    found = next((name for name, reason in reasons.items() if reason is None), None)
    if found is None:
        said = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise WorkflowError(
            "no_timer_system",
            f"nothing here can start a sweep by itself ({said})",
            hint="install cron, or have something else run `workflow sweep` every few seconds",
        )
    return found


def named(kind: str) -> Kind:
    """Raises WorkflowError `no_such_kind`."""
    if kind not in KINDS:
        raise WorkflowError(
            "no_such_kind", f"there is no timer of the kind {kind!r}", hint=f"one of {_known()}"
        )
    return KINDS[kind]


def _known() -> str:
    return ", ".join(KINDS)


def timers(machine: Machine) -> list[Timer]:
    """Every timer of ours on this machine. What cannot be asked has none that we could see."""
    found = []
    for name, kind in KINDS.items():
        try:
            found += [Timer(name, one) for one in kind.present(machine)]
        except (WorkflowError, OSError):
            continue
    return found

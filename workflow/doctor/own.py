"""What is the program's own: its configuration, task types, audit trail and timer, and the files
that it has written for Claude Code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from workflow import layout
from workflow.audit import audit
from workflow.config import Config
from workflow.doctor.finding import Finding
from workflow.exchange import Exchange
from workflow.handlers import broken_types
from workflow.overview import silence, sweeper_warning

_SHOWN = 5


def configuration(config: Config) -> Iterator[Finding]:
    for problem in config.problems:
        yield Finding(
            layout.CONFIG, "failed", problem.sentence(layout.CONFIG), f"mend {layout.CONFIG}"
        )
    if not config.problems:
        sites, places = len(config.sites), len(config.environments)
        yield Finding(layout.CONFIG, "ok", f"{sites} site(s), {places} environment(s)")


def handlers(config: Config) -> Iterator[Finding]:
    """Task types that other packages bring."""
    for name, reason in broken_types(config).items():
        if f"commands.{name}" in config.broken:
            continue  # told with what is wrong in workflow.yaml
        yield Finding(
            f"task type {name}",
            "failed",
            f"cannot be used: {reason}",
            "mend or remove the package that brings it",
        )


def commands(config: Config) -> Iterator[Finding]:
    """Whether what the owner's own commands need is there."""
    from workflow.declared import program

    for name, command in config.commands.items():
        lacks = list(program.missing(command, config))
        yield from (Finding(f"command {name}", "failed", what, how) for what, how in lacks)
        if not lacks:
            yield Finding(f"command {name}", "ok", program.find(command, config))


def trail(exchange: Exchange) -> Iterator[Finding]:
    """The journal, and whether the tasks and results that it tells of are as they were."""
    found = audit(exchange)
    said = found.journal
    for place in said.broken[:_SHOWN]:
        yield Finding(
            "journal",
            "failed",
            f"was altered: {layout.JOURNAL}/{place}",
            "no task is affected; find out who changed it, and compare it with a backup",
        )
    if found.altered:
        more = f" and {len(found.altered) - _SHOWN} more" if len(found.altered) > _SHOWN else ""
        yield Finding(
            "audit trail",
            "failed",
            f"changed since they were written: {', '.join(found.altered[:_SHOWN])}{more}",
            "compare them with git or a backup",
        )
    if not said.broken and not found.altered:
        text = f"{said.lines} lines, chain whole to {said.head[:12]}"
        text += f"; {found.compared} files are as they were written" if found.compared else ""
        text += f"; {said.torn} lines torn by crashes" if said.torn else ""
        text += f"; {found.missing} files were cleared away" if found.missing else ""
        yield Finding("journal", "ok", text)


def timer(exchange: Exchange, config: Config) -> Iterator[Finding]:
    """What starts sweeps by itself, and whether it does."""
    from workflow.service.health import examine as examine_timer
    from workflow.service.machine import Machine

    machine = Machine(exchange, os.environ, os.geteuid())
    silent = sweeper_warning(exchange, config) is not None
    for verdict in examine_timer(machine, silence(exchange), silent=silent):
        yield Finding("timer", *verdict)


def claude_files(exchange: Exchange, config: Config) -> Iterator[Finding]:
    """Whether what `init --claude` has written is what it would write today."""
    from workflow.claude.install import outdated

    stale = list(outdated(Path(exchange.root), config))
    for name in stale:
        yield Finding(
            name, "warning", "is not as init would write it now", "workflow init --claude"
        )
    if not stale and os.path.exists(exchange.path(".claude", "settings.json")):
        yield Finding("claude", "ok", "guide, skill, permissions and hooks are up to date")

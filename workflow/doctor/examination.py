"""All looks, in the order of mending."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from workflow import layout
from workflow.config import Config
from workflow.doctor import ground, own, services, sites
from workflow.doctor.finding import Finding
from workflow.errors import told
from workflow.exchange import Exchange
from workflow.leftovers import empty_trash, remove_leftovers


def examine(exchange: Exchange, config: Config, *, offline: bool = False) -> list[Finding]:
    """Look at everything; the order is that of mending. What cannot be looked at is a finding.

    `offline`: neither AWS nor JotForm is asked.
    """
    looks: tuple[Callable[[], Iterable[Finding]], ...] = (
        lambda: own.configuration(config),
        lambda: ground.folders(exchange),
        lambda: ground.file_system(exchange),
        lambda: ground.disk(exchange),
        lambda: sites.hugo(config),
        lambda: sites.sites(config),
        lambda: sites.git(config),
        lambda: services.deploys(config, offline=offline),
        lambda: services.jotform_account(config, offline=offline),
        lambda: services.notifications(exchange, config),
        lambda: own.handlers(config),
        lambda: own.commands(config),
        lambda: own.trail(exchange),
        lambda: own.timer(exchange, config),
        lambda: own.claude_files(exchange, config),
    )
    findings: list[Finding] = []
    for look in looks:
        try:
            findings.extend(look())
        except OSError as error:
            subject = os.path.relpath(str(error.filename or exchange.root), exchange.root)
            findings.append(Finding(subject, "failed", told(error), "see to its rights"))
    return findings


def mend(exchange: Exchange) -> list[str]:
    """What can be mended safely: missing folders, left-overs of dead writers. Says what it did."""
    missing = [name for name in layout.FOLDERS if not os.path.isdir(exchange.path(name))]
    try:
        exchange.prepare()
        removed = remove_leftovers(exchange)
        empty_trash(exchange)
    except OSError as error:
        return [f"could not mend all: {told(error)}"]
    done = [f"made {name}" for name in missing]
    if removed:
        done.append(f"removed {removed} left-overs of programs that died")
    return done

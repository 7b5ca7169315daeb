"""Is everything there that the configuration needs, and how to mend what is not."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from workflow import layout
from workflow.audit import audit
from workflow.config import Config
from workflow.errors import TaskFailed
from workflow.exchange import Exchange
from workflow.handlers import broken_types
from workflow.hugo.site import is_site
from workflow.leftovers import empty_trash, remove_leftovers
from workflow.overview import sweeper_warning

LOW_DISK_BYTES = 200 * 1024 * 1024
_SHOWN = 5
_SYNCED = ("Mobile Documents", "Dropbox", "OneDrive", "Google Drive", "CloudStorage")
"""Folders that a service rewrites behind our back: renames and locks mean nothing there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `mend` says what to do unless it is `ok`."""

    subject: str
    state: Literal["ok", "warning", "failed"]
    message: str
    mend: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def examine(exchange: Exchange, config: Config) -> list[Finding]:
    """Look at everything; the order is that of mending."""
    return [
        *_configuration(config),
        *_folders(exchange),
        *_disk(exchange),
        *_hugo(config),
        *_sites(config),
        *_handlers(),
        *_trail(exchange),
        *_timer(exchange, config),
    ]


def mend(exchange: Exchange) -> list[str]:
    """What can be mended safely: missing folders, left-overs of dead writers. Says what it did."""
    missing = [name for name in layout.FOLDERS if not os.path.isdir(exchange.path(name))]
    exchange.prepare()
    done = [f"made {name}" for name in missing]
    removed = remove_leftovers(exchange)
    empty_trash(exchange)
    if removed:
        done.append(f"removed {removed} temporary files of programs that died")
    return done


def _configuration(config: Config) -> Iterator[Finding]:
    for problem in config.problems:
        yield Finding(
            layout.CONFIG, "failed", problem.sentence(layout.CONFIG), f"mend {layout.CONFIG}"
        )
    if not config.problems:
        sites, places = len(config.sites), len(config.environments)
        yield Finding(layout.CONFIG, "ok", f"{sites} site(s), {places} environment(s)")


def _folders(exchange: Exchange) -> Iterator[Finding]:
    missing = [name for name in layout.FOLDERS if not os.path.isdir(exchange.path(name))]
    if missing:
        yield Finding(
            "folders", "warning", "missing: " + ", ".join(missing), "workflow doctor --fix"
        )
    for name in layout.FOLDERS:
        path = exchange.path(name)
        if os.path.isdir(path) and not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            yield Finding(name, "failed", "cannot be written", f"chmod u+rwx {path}")
    trouble = _file_system_trouble(exchange)
    if trouble:
        yield Finding(
            "file system",
            "failed",
            trouble,
            "keep the exchange on a local disk (APFS, ext4, XFS, Btrfs, ZFS)",
        )
    elif not missing:
        yield Finding("folders", "ok", "there, writable, with links, locks and renames")
    if any(part in exchange.root for part in _SYNCED):
        yield Finding(
            "folders",
            "warning",
            "lie in a folder that a service synchronises",
            "move the exchange to a local folder",
        )


def _file_system_trouble(exchange: Exchange) -> str | None:
    """Try what the protocol stands on."""
    runtime = exchange.path(layout.RUNTIME)
    if not os.path.isdir(runtime) or not os.access(runtime, os.W_OK):
        return None
    try:
        with tempfile.TemporaryDirectory(dir=runtime) as folder:
            first, second = os.path.join(folder, "a"), os.path.join(folder, "b")
            with open(first, "w", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.link(first, second)
            os.rename(second, first)
    except OSError as error:
        return f"the disk lacks links or locks: {error.strerror}"
    return None


def _disk(exchange: Exchange) -> Iterator[Finding]:
    free = shutil.disk_usage(exchange.root).free
    text = f"{free / 1024**3:.1f} GiB free"
    if free < LOW_DISK_BYTES:
        yield Finding("disk", "warning", text, "free some space before the next build")
    else:
        yield Finding("disk", "ok", text)


def _hugo(config: Config) -> Iterator[Finding]:
    from workflow.hugo import program as hugo_program

    try:
        found = hugo_program.find(config)
    except TaskFailed as failure:
        yield Finding("hugo", "failed", failure.error.message, failure.error.hint)
    else:
        yield Finding("hugo", "ok", f"{found.version} at {found.path}")


def _sites(config: Config) -> Iterator[Finding]:
    if not config.sites:
        yield Finding(
            "sites", "failed", "none is configured", f"add one under `sites:` in {layout.CONFIG}"
        )
    for name, site in config.sites.items():
        path: Path = config.path(site.path)
        subject = f"site {name}"
        if not path.is_dir():
            yield Finding(
                subject,
                "failed",
                f"there is no folder {path}",
                f"correct sites.{name}.path in {layout.CONFIG}",
            )
        elif not is_site(path):
            yield Finding(subject, "failed", f"{path} has no Hugo configuration", "add a hugo.toml")
        elif not os.access(path, os.W_OK):
            yield Finding(subject, "failed", f"{path} cannot be written", f"chmod u+w {path}")
        else:
            yield Finding(subject, "ok", str(path))


def _handlers() -> Iterator[Finding]:
    """Task types that other packages bring."""
    for name, reason in broken_types().items():
        yield Finding(
            f"task type {name}",
            "failed",
            f"cannot be used: {reason}",
            "mend or remove the package that brings it",
        )


def _trail(exchange: Exchange) -> Iterator[Finding]:
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


def _timer(exchange: Exchange, config: Config) -> Iterator[Finding]:
    silent = sweeper_warning(exchange, config)
    if silent:
        yield Finding("timer", "warning", silent, "see deploy/README.md for launchd, systemd, cron")
    else:
        yield Finding("timer", "ok", "a sweep ran lately")

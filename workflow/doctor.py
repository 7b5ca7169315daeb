"""Is everything there that the configuration needs, and how to mend what is not."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from workflow import layout
from workflow.audit import audit
from workflow.config import Config
from workflow.errors import TaskFailed, told
from workflow.exchange import Exchange
from workflow.handlers import broken_types
from workflow.hugo.site import is_site
from workflow.leftovers import empty_trash, remove_leftovers
from workflow.overview import silence, sweeper_warning

LOW_DISK_BYTES = 200 * 1024 * 1024
_SHOWN = 5
_NETWORKED = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "vboxsf", "fuse.sshfs", "fuse.rclone")
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
    """Look at everything; the order is that of mending. What cannot be looked at is a finding."""
    looks: tuple[Callable[[], Iterable[Finding]], ...] = (
        lambda: _configuration(config),
        lambda: _folders(exchange),
        lambda: _file_system(exchange),
        lambda: _disk(exchange),
        lambda: _hugo(config),
        lambda: _sites(config),
        lambda: _deploys(config),
        lambda: _jotform(config),
        lambda: _handlers(config),
        lambda: _commands(config),
        lambda: _trail(exchange),
        lambda: _timer(exchange, config),
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


def _configuration(config: Config) -> Iterator[Finding]:
    for problem in config.problems:
        yield Finding(
            layout.CONFIG, "failed", problem.sentence(layout.CONFIG), f"mend {layout.CONFIG}"
        )
    if not config.problems:
        sites, places = len(config.sites), len(config.environments)
        yield Finding(layout.CONFIG, "ok", f"{sites} site(s), {places} environment(s)")


def _folders(exchange: Exchange) -> Iterator[Finding]:
    missing = []
    well = True
    for name in (*layout.FOLDERS, layout.JOURNAL):
        path = exchange.path(name)
        if not os.path.lexists(path):
            missing += [] if name == layout.JOURNAL else [name]
        elif not os.path.isdir(path):
            well = False
            what = "a link that leads nowhere" if os.path.islink(path) else "a file"
            mend = f"move it away, then `workflow doctor --fix`: {path}"
            yield Finding(name, "failed", f"is {what}, and should be a folder", mend)
        elif not os.access(path, layout.rights(name)):
            well = False
            mine = os.stat(path).st_uid == os.geteuid()
            mend = f"chmod u+rwx {path}" if mine else f"chown {os.geteuid()} {path}"
            said = "cannot be written" if mine else "belongs to somebody else"
            yield Finding(name, "failed", said, mend)
    if missing:
        said = "missing: " + ", ".join(missing)
        yield Finding("folders", "warning", said, "workflow doctor --fix")
    elif well:
        yield Finding("folders", "ok", "all there, and writable")
    if any(part in exchange.root for part in _SYNCED):
        yield Finding(
            "folders",
            "warning",
            "lie in a folder that a service synchronises",
            "move the exchange to a local folder",
        )


def _file_system(exchange: Exchange) -> Iterator[Finding]:
    try:
        with open("/proc/self/mounts", encoding="utf-8") as file:
            kind = file_system_kind(file.read(), os.path.realpath(exchange.root))
    except OSError:
        kind = ""  # macOS does not tell in a file
    if kind.startswith(_NETWORKED):
        yield Finding(
            "file system",
            "failed",
            f"is {kind}: its locks do not pass to child processes, its renames may be seen late",
            "keep the exchange on a local disk (APFS, ext4, XFS, Btrfs, ZFS)",
        )
        return
    trouble = _file_system_trouble(exchange)
    if trouble:
        yield Finding(
            "file system",
            "failed",
            trouble,
            "keep the exchange on a local disk (APFS, ext4, XFS, Btrfs, ZFS)",
        )


def file_system_kind(mounts: str, path: str) -> str:
    """The type of the file system that `path` lies on, from the text of /proc/self/mounts."""
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) > 2:
            # A space in a path is written as \040 there.
            point = fields[1].encode().decode("unicode_escape").rstrip("/") + "/"
            if f"{path}/".startswith(point) and len(point) >= len(best):
                best, kind = point, fields[2]
    return kind


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


def _deploys(config: Config) -> Iterator[Finding]:
    """Whether each environment could be published; nothing is asked of the network."""
    from workflow.deploy import conflicts, readiness

    for found in conflicts.shared_buckets(config):
        yield Finding(
            f"deploys to {found.first} and {found.second}",
            "failed",
            found.reason,
            "give each a bucket or a prefix of its own, and to both shared_bucket: true if they "
            f"share one, in {layout.CONFIG}",
        )
    for name, environment in config.environments.items():
        deploy = environment.deploy
        if deploy is None:
            continue
        subject = f"deploy to {name}"
        lacks = list(readiness.missing(deploy, config))
        lax = [*readiness.misleading(name, environment), *readiness.unguarded(name, environment)]
        yield from (Finding(subject, "failed", one.message, one.hint) for one in lacks)
        yield from (Finding(subject, "warning", one.message, one.hint) for one in lax)
        if not lacks and not lax:
            yield Finding(subject, "ok", readiness.destination(deploy))


def _jotform(config: Config) -> Iterator[Finding]:
    """Whether the account can be asked, where there is anything to ask it; the key is not shown."""
    if not config.forms and not config.jotform.model_fields_set:
        return
    from workflow.forms.client import JotForm

    try:
        with JotForm.open(config, lambda: None, tries=1) as api:
            left = api.get("/user/usage").limit_left
    except TaskFailed as failure:
        error = failure.error
        state: Literal["warning", "failed"] = "warning" if error.action == "retry" else "failed"
        yield Finding("jotform", state, error.message, error.hint)
    else:
        calls = "" if left is None else f"; {left:,} calls are left for today"
        yield Finding("jotform", "ok", f"the key is let in{calls}")


def _handlers(config: Config) -> Iterator[Finding]:
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


def _commands(config: Config) -> Iterator[Finding]:
    """Whether what the owner's own commands need is there."""
    from workflow.declared import program

    for name, command in config.commands.items():
        lacks = list(program.missing(command, config))
        yield from (Finding(f"command {name}", "failed", what, how) for what, how in lacks)
        if not lacks:
            yield Finding(f"command {name}", "ok", program.find(command, config))


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
    """What starts sweeps by itself, and whether it does."""
    from workflow.service.health import examine as examine_timer
    from workflow.service.machine import Machine

    machine = Machine(exchange, os.environ, os.geteuid())
    silent = sweeper_warning(exchange, config) is not None
    for verdict in examine_timer(machine, silence(exchange), silent=silent):
        yield Finding("timer", *verdict)

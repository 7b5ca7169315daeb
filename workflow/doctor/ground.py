"""What the exchange stands on: its folders and their rights, the file system, room on the disk."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator

from workflow import layout
from workflow.doctor.finding import Finding
from workflow.exchange import Exchange

LOW_DISK_BYTES = 200 * 1024 * 1024
_NETWORKED = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "vboxsf", "fuse.sshfs", "fuse.rclone")
_SYNCED = ("Mobile Documents", "Dropbox", "OneDrive", "Google Drive", "CloudStorage")
"""Folders that a service rewrites behind our back: renames and locks mean nothing there."""


def folders(exchange: Exchange) -> Iterator[Finding]:
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


def file_system(exchange: Exchange) -> Iterator[Finding]:
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


def disk(exchange: Exchange) -> Iterator[Finding]:
    free = shutil.disk_usage(exchange.root).free
    text = f"{free / 1024**3:.1f} GiB free"
    if free < LOW_DISK_BYTES:
        yield Finding("disk", "warning", text, "free some space before the next build")
    else:
        yield Finding("disk", "ok", text)

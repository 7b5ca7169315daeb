"""Steps on files that a crash or a power cut leaves either wholly done or wholly undone.

A new file is written under a name that nobody looks at (a dot file, locked while its writer
lives), fsynced, and linked to its real name: link(2) fails where the name is taken, rename(2)
would silently overwrite. Then its folder is fsynced, without which the name itself may be lost.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

TEMPORARY = ".tmp"


def _sync(descriptor: int) -> None:
    """Onto the medium: macOS's fsync(2) stops at the drive's cache, F_FULLFSYNC does not."""
    if hasattr(fcntl, "F_FULLFSYNC"):
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def sync_folder(folder: str) -> None:
    """Make the names in a folder durable: those that came, those that went."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _written_aside(folder: str, raw: bytes) -> Iterator[str]:
    """A durable file with these bytes under a name that nobody looks at, for one step."""
    path = os.path.join(folder, f".{secrets.token_hex(8)}{TEMPORARY}")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        # Locked while its writer lives, so that `remove_if_abandoned` can tell.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        view = memoryview(raw)
        while view:
            view = view[os.write(descriptor, view) :]
        _sync(descriptor)
        yield path
    finally:
        with suppress(FileNotFoundError):
            os.unlink(path)
        os.close(descriptor)


def create(path: str, raw: bytes) -> bool:
    """Publish a new file, whole and durable. False if the name is taken."""
    folder = os.path.dirname(path)
    while True:
        with _written_aside(folder, raw) as aside:
            try:
                os.link(aside, path)
            except FileExistsError:
                return False
            except FileNotFoundError:
                if os.path.isdir(folder):
                    # RACE: between our open and our flock a sweep took it for a left-over.
                    continue
                raise
        sync_folder(folder)
        return True


def replace(path: str, raw: bytes, *, sync_name: bool = True) -> None:
    """Put new bytes in the place of a file, whole and durable.

    Without `sync_name` a power cut may bring the old bytes back, whole: enough where a move
    follows, whose own syncs cover the name, or where the old bytes would do as well.
    """
    folder = os.path.dirname(path)
    while True:
        with _written_aside(folder, raw) as aside:
            try:
                os.rename(aside, path)
            except FileNotFoundError:
                if os.path.isdir(folder):
                    continue  # RACE: as in `create`
                raise
        if sync_name:
            sync_folder(folder)
        return


def move(source: str, target: str) -> bool:
    """Move a file by one rename, durably. False if it is gone, or the target's name is taken.

    RACE: a name that appears at the target between the look and the rename would be
    overwritten. Targets are only ever made by the holder of the task's lease.
    """
    if os.path.lexists(target):
        return False
    try:
        os.rename(source, target)
    except FileNotFoundError:
        return False
    sync_folder(os.path.dirname(target))
    sync_folder(os.path.dirname(source))
    return True


def remove_if_abandoned(path: str) -> bool:
    """Remove the temporary file of a writer that died; False while the writer lives."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True

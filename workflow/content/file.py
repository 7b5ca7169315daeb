"""A content file, read and written below its open folder.

What `durable` does with paths is done here with names below a descriptor: a path could lead
elsewhere by the time it is used. New bytes lie under a hidden name, which Hugo leaves out, until
they are whole and synced.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from workflow import durable
from workflow.content.place import Opened, Target, is_link, link_refused, opened
from workflow.content.refusals import refused
from workflow.errors import TaskError, TaskFailed
from workflow.figures import size

LARGEST = 4 << 20
"""Bytes of a file that is read or written: a page of a thousand screens has one million."""
_ASIDE = re.compile(r"\.workflow-[0-9a-f]{16}\.tmp")


class Read(NamedTuple):
    """What is in a file."""

    raw: bytes
    mode: int
    """Its rights, as chmod takes them."""
    owner: tuple[int, int]
    """User and group."""

    @property
    def digest(self) -> str:
        return digest(self.raw)


def digest(raw: bytes) -> str:
    """sha256 in hex, by which tasks say which bytes they mean."""
    return hashlib.sha256(raw).hexdigest()


def look(target: Target) -> tuple[Target, Read | None]:
    """The target with its path spelled as it is there, and what is in it; None if it is not there.

    Raises what `read` and `opened` raise.
    """
    try:
        with opened(target) as folder:
            return folder.target, read(folder)
    except FileNotFoundError:
        return target, None


def read(folder: Opened) -> Read | None:
    """What is in the file of an open folder; None if it is not there.

    Raises TaskFailed `symbolic_link`, `not_a_file`, `file_too_large`, OSError.
    """
    # O_NONBLOCK: a pipe would wait for its writer.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(folder.name, flags, dir_fd=folder.descriptor)
    except FileNotFoundError:
        return None
    except OSError as error:
        if is_link(folder.descriptor, folder.name):
            raise link_refused(folder.target.path) from error
        raise
    try:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode):
            raise refused(
                "not_a_file", f"{folder.target.path} is no plain file", "name another path"
            )
        raw = b""
        with os.fdopen(descriptor, "rb", closefd=False) as opened_file:
            if seen.st_size <= LARGEST:
                raw = opened_file.read(LARGEST + 1)
        if max(seen.st_size, len(raw)) > LARGEST:
            raise too_large(folder.target, max(seen.st_size, len(raw)))
    finally:
        os.close(descriptor)
    return Read(raw, stat.S_IMODE(seen.st_mode), (seen.st_uid, seen.st_gid))


def too_large(target: Target, number: int) -> TaskFailed:
    return refused(
        "file_too_large",
        f"{target.path} has {size(number)}; a content file that tasks write has {size(LARGEST)} "
        "at most",
        "take out what is no text, or edit the file by hand",
    )


def create(folder: Opened, raw: bytes) -> bool:
    """Show a new file under a name that is free, whole and durable. False if it is taken."""
    with _aside(folder, raw) as name:
        at = folder.descriptor
        try:
            # link(2) fails where the name is taken; rename(2) would overwrite.
            os.link(name, folder.name, src_dir_fd=at, dst_dir_fd=at, follow_symlinks=False)
        except FileExistsError:
            return False
        os.unlink(name, dir_fd=at)
    durable.sync_all([folder.descriptor])
    return True


def replace(folder: Opened, raw: bytes, before: Read) -> None:
    """Put new bytes in the place of those that were read, with the same rights.

    Raises TaskFailed `file_changed` if others stand there by now. RACE: what is written between
    that look and the rename, some microseconds, would be overwritten; no editor can be locked out.
    """
    with _aside(folder, raw, before) as name:
        now = read(folder)
        if now is None or now.raw != before.raw:
            what = "is gone" if now is None else "has changed"
            raise TaskFailed(
                TaskError(
                    "file_changed",
                    f"{folder.target.path} {what} since this task read it",
                    "retry",
                    "content",
                    hint="nothing was written; run the task again once nobody else writes there",
                )
            )
        os.rename(name, folder.name, src_dir_fd=folder.descriptor, dst_dir_fd=folder.descriptor)
    durable.sync_all([folder.descriptor])


@contextmanager
def _aside(folder: Opened, raw: bytes, like: Read | None = None) -> Iterator[str]:
    """New bytes, synced, under a hidden name; it is gone afterwards."""
    remove_abandoned(folder)
    at = folder.descriptor
    name = f".workflow-{secrets.token_hex(8)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600 if like else 0o644, dir_fd=at)
    try:
        # Locked while its writer lives, so that the next one can tell.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        view = memoryview(raw)
        while view:
            view = view[os.write(descriptor, view) :]
        if like is not None:
            with suppress(OSError):  # another group's file, and we are not of that group
                os.fchown(descriptor, -1, like.owner[1])
            os.fchmod(descriptor, like.mode)
        durable.sync_all([descriptor])
        yield name
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=at)
        os.close(descriptor)


def remove_abandoned(folder: Opened) -> None:
    """Remove what writers left under their hidden names that were killed."""
    at = folder.descriptor
    for name in filter(_ASIDE.fullmatch, os.listdir(at)):
        with suppress(OSError):
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name, dir_fd=at)
            finally:
                os.close(descriptor)

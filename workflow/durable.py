"""Steps on files that a crash or a power cut leaves either wholly done or wholly undone.

A new file is written under a name that nobody looks at (a dot file, locked while its writer
lives), fsynced, and linked to its real name: link(2) fails where the name is taken, rename(2)
would silently overwrite. Then its folder is fsynced, without which the name itself may be lost.

An fsync is by far the dearest step. A `Stage` holds the new bytes of several files, syncs all of
them side by side (the file system then commits them together) and shows none before.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress

TEMPORARY = ".tmp"
_SIDE_BY_SIDE = 8
"""Threads that sync at once; more of them gain nothing on ext4, XFS and APFS."""


def sync_all(descriptors: Sequence[int]) -> None:
    """Make all of these files and folders durable. Raises OSError if one of them cannot be."""
    if hasattr(fcntl, "F_FULLFSYNC"):
        # macOS: fsync(2) stops at the drive's cache, and F_FULLFSYNC of one file empties all of it.
        for descriptor in descriptors:
            os.fsync(descriptor)
        for descriptor in descriptors[-1:]:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        return
    failed: list[OSError] = []

    def sync(some: Sequence[int]) -> None:
        try:
            for descriptor in some:
                os.fsync(descriptor)
        except OSError as error:
            failed.append(error)

    places = min(_SIDE_BY_SIDE, len(descriptors))
    others = [
        threading.Thread(target=sync, args=(descriptors[place::places],))
        for place in range(1, places)
    ]
    for thread in others:
        thread.start()
    sync(descriptors[:: places or 1])
    for thread in others:
        thread.join()
    if failed:
        raise failed[0]


def sync_folders(folders: Iterable[str], also: Sequence[int] = ()) -> None:
    """Make the names in folders durable: those that came, those that went; and descriptors too."""
    opened: list[int] = []
    try:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        opened.extend(os.open(folder, flags) for folder in dict.fromkeys(folders))
        sync_all([*opened, *also])
    finally:
        for descriptor in opened:
            os.close(descriptor)


class Staged:
    """One file's new bytes, under a name that nobody looks at."""

    def __init__(self, folder: str, raw: bytes) -> None:
        while True:
            self.aside = os.path.join(folder, f".{secrets.token_hex(8)}{TEMPORARY}")
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self.descriptor = os.open(self.aside, flags, 0o644)
            # Locked while its writer lives, so that `remove_if_abandoned` can tell.
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)
            if os.fstat(self.descriptor).st_nlink:
                break
            # RACE: between our open and our lock a sweep took it for a left-over.
            os.close(self.descriptor)
        self._aside_lies_there = True
        try:
            view = memoryview(raw)
            while view:
                view = view[os.write(self.descriptor, view) :]
        except BaseException:
            self.discard()
            raise

    def create(self, path: str) -> bool:
        """Show it under a name that is free. False if the name is taken."""
        try:
            os.link(self.aside, path)
        except FileExistsError:
            return False
        with suppress(OSError):  # shown is shown; of the other name `discard` sees to
            os.unlink(self.aside)
            self._aside_lies_there = False
        return True

    def replace(self, path: str) -> None:
        """Show it in the place of a file."""
        os.rename(self.aside, path)
        self._aside_lies_there = False

    def discard(self) -> None:
        """Remove the name that nobody looks at; what was shown stays."""
        if self._aside_lies_there:
            with suppress(OSError):  # what still stays, the next sweep removes
                os.unlink(self.aside)
        os.close(self.descriptor)


class Stage:
    """New bytes for several files: `write` each, `sync` all, then show them one by one.

    `folder` is where they lie meanwhile, on the file system of the places where they are shown.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._staged: list[Staged] = []

    def write(self, raw: bytes) -> Staged:
        """Raises OSError if the disk is full, …; what was written before stays staged."""
        staged = Staged(self._folder, raw)
        self._staged.append(staged)
        return staged

    def sync(self, folders: Iterable[str] = (), also: Sequence[int] = ()) -> None:
        """Make all that was written durable, and these folders and descriptors beside it."""
        sync_folders(folders, [*(staged.descriptor for staged in self._staged), *also])

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        while self._staged:
            self._staged.pop().discard()


def create(path: str, raw: bytes, *, aside: str | None = None) -> bool:
    """Publish a new file, whole and durable. False if the name is taken.

    `aside`: a folder where the bytes lie meanwhile; its own by default.
    Raises OSError, and then there is no such file: whoever is told so may try again.
    """
    folder = os.path.dirname(path)
    with Stage(aside or folder) as stage:
        staged = stage.write(raw)
        stage.sync()
        created = staged.create(path)
    if created:
        try:
            sync_folders([folder])
        except OSError:
            # Taken back, unless somebody has taken it further already: then it was published.
            with suppress(FileNotFoundError):
                os.unlink(path)
                raise
    return created


def replace(path: str, raw: bytes, *, aside: str | None = None) -> None:
    """Put new bytes in the place of a file, whole and durable. `aside`: as for `create`."""
    folder = os.path.dirname(path)
    with Stage(aside or folder) as stage:
        staged = stage.write(raw)
        stage.sync()
        staged.replace(path)
    sync_folders([folder])


def remove(path: str) -> bool:
    """Remove a file durably. False if there was none."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    sync_folders([os.path.dirname(path)])
    return True


def rename(source: str, target: str) -> bool:
    """Move a file by one rename. False if it is gone, or the target's name is taken.

    Durable only after `sync_folders` of both folders. RACE: a name that appears at the target
    between the look and the rename would be overwritten. Targets are only ever made by the holder
    of the task's lease.
    """
    if os.path.lexists(target):
        return False
    try:
        os.rename(source, target)
    except FileNotFoundError:
        return False
    return True


def make_folder(path: str) -> bool:
    """Make a folder and those above it, durably. False if it was there."""
    above = os.path.dirname(path)
    if os.path.isdir(path):
        return False
    make_folder(above)
    try:
        os.mkdir(path)
    except FileExistsError:
        if os.path.isdir(path):
            return False
        raise
    sync_folders([above])
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

"""The bytes of kept releases, once each, under the digest of their content.

    .workflow/objects/ab/abcdef…

A file is written whole under another name and renamed; it is checked whenever it is used, so that
nothing has to be fsynced. What no kept release names is swept out after a deploy.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from workflow import durable

FOLDER = ".workflow/objects"
_TOKEN = 2
_FRESH = 86_400.0
"""Seconds for which nothing is swept out."""


class Store:
    """The store below one exchange."""

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER
        self._made: set[str] = set()

    def path(self, sha256: str) -> Path:
        return self.folder / sha256[:_TOKEN] / sha256

    def has(self, sha256: str) -> bool:
        return self.path(sha256).is_file()

    def put(self, sha256: str, raw: bytes) -> None:
        """Keep content whose digest the caller has checked. Raises OSError."""
        path = self.path(sha256)
        if _is_there(path, len(raw)):
            return
        aside = self._aside(path)
        try:
            aside.write_bytes(raw)
            aside.replace(path)
        except OSError:
            aside.unlink(missing_ok=True)
            raise

    def put_file(self, sha256: str, source: Path) -> None:
        """Keep a large file: by a copy that shares its blocks where the file system can."""
        import shutil

        path = self.path(sha256)
        if _is_there(path, source.stat().st_size):
            return
        aside = self._aside(path)
        try:
            shutil.copyfile(source, aside)
            aside.replace(path)
        except OSError:
            aside.unlink(missing_ok=True)
            raise

    def _aside(self, path: Path) -> Path:
        if path.parent.name not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent.name)
        name = f".{path.name}.{os.getpid()}-{threading.get_ident()}{durable.TEMPORARY}"
        return path.with_name(name)

    def digests(self) -> dict[str, int]:
        """All that is kept, with its size in bytes: a power cut may have left it shorter."""
        return {entry.name: entry.stat().st_size for entry in self._entries()}

    def keep_only(self, wanted: Iterable[str]) -> int:
        """Remove what is not among these digests; how many were removed.

        What was put there today stays: another environment's deploy may be under way, whose
        release does not name it yet.
        """
        kept, removed = set(wanted), 0
        for entry in self._entries():
            if entry.name not in kept and time.time() - entry.stat().st_mtime > _FRESH:
                with suppress(OSError):
                    os.unlink(entry.path)
                    removed += 1
        return removed

    def _entries(self) -> Iterator[os.DirEntry[str]]:
        with suppress(FileNotFoundError):
            for folder in os.scandir(self.folder):
                if folder.is_dir():
                    yield from os.scandir(folder.path)


def _is_there(path: Path, size: int) -> bool:
    """Whether it is kept already, as a whole; if so, it counts as put there now."""
    with suppress(FileNotFoundError):
        if path.stat().st_size == size:
            os.utime(path)
            return True
    return False

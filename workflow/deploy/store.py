"""The bytes of kept releases, once each, found by the digest of their content.

    .workflow/objects/RANDOM.pack     what one deploy put there, one after the other
    .workflow/objects/RANDOM.json     which digest begins where in it, and how long it is
    .workflow/objects/ab/abcdef…      a large file by itself
    .workflow/objects/.lock           shared by deploys under way, taken alone to sweep out

A file for each content would cost a first publish of thousands of pages a quarter of its time. A
pack counts from the moment that its index is there. Nothing is fsynced: whatever is taken from here
is compared with its digest. What no kept release names is swept out after a deploy.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from workflow import durable

FOLDER = ".workflow/objects"
_TOKEN = 2
_PACK, _INDEX = ".pack", ".json"
_CHUNK = 1 << 20
_WORTH_KEEPING = 0.5
"""A pack of which less is still named is written anew, with that alone."""


class Place(NamedTuple):
    """Where content lies: so many bytes of a file."""

    path: str
    offset: int
    size: int
    whole: bool = True
    """Whether the file has to end there too."""

    def open(self) -> int:
        """A descriptor. Raises OSError, also if a link is in its place or its size is another."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        there, wanted = os.fstat(descriptor).st_size, self.offset + self.size
        if there < wanted or (self.whole and there > wanted):
            os.close(descriptor)
            raise OSError(errno.ESTALE, "has another size now", self.path)
        return descriptor

    def read(self) -> bytes:
        """All of it. Raises OSError."""
        descriptor = self.open()
        try:
            return b"".join(self.chunks(descriptor))
        finally:
            os.close(descriptor)

    def chunks(self, descriptor: int) -> Iterator[bytes]:
        """All of it, a piece at a time; less if the file is cut short meanwhile."""
        offset, end = self.offset, self.offset + self.size
        while offset < end and (chunk := os.pread(descriptor, min(end - offset, _CHUNK), offset)):
            offset += len(chunk)
            yield chunk

    def digest(self, kind: str) -> str | None:
        """Of its content, in hex; None if it cannot be read."""
        total = hashlib.new(kind, usedforsecurity=False)
        try:
            descriptor = self.open()
            try:
                for chunk in self.chunks(descriptor):
                    total.update(chunk)
            finally:
                os.close(descriptor)
        except OSError:
            return None
        return total.hexdigest()


class Store:
    """What is kept below one exchange; to be read. `Keeping` adds to it."""

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER
        self._packed: dict[str, Place] | None = None

    def place(self, sha256: str) -> Place | None:
        """Where this content lies, as a whole; None if it is not kept. What a power cut has left
        of it may still be other bytes."""
        packed = self._all_packed().get(sha256)
        if packed is not None:
            return packed
        path = self.alone(sha256)
        try:
            return Place(os.fspath(path), 0, path.stat().st_size)
        except OSError:
            return None

    def alone(self, sha256: str) -> Path:
        """Where a large file of this digest lies, or would."""
        return self.folder / sha256[:_TOKEN] / sha256

    def _all_packed(self) -> dict[str, Place]:
        if self._packed is None:
            self._packed = {}
            for pack in self._packs():
                self._packed.update(pack)
        return self._packed

    def _packs(self) -> Iterator[dict[str, Place]]:
        """What is whole in each pack, by digest; nothing of one whose index cannot be read."""
        for name in self._names(_INDEX):
            path = os.path.join(self.folder, name.removesuffix(_INDEX) + _PACK)
            with suppress(OSError, ValueError, TypeError, AttributeError):
                end = os.stat(path).st_size
                said = json.loads((self.folder / name).read_bytes())
                yield {
                    digest: Place(path, offset, size, whole=False)
                    for digest, (offset, size) in said.items()
                    if offset + size <= end
                }

    def _names(self, ending: str) -> list[str]:
        with suppress(FileNotFoundError, NotADirectoryError):
            return sorted(name for name in os.listdir(self.folder) if name.endswith(ending))
        return []

    def _all_alone(self) -> Iterator[os.DirEntry[str]]:
        with suppress(FileNotFoundError):
            for folder in os.scandir(self.folder):
                if folder.is_dir():
                    yield from os.scandir(folder.path)

    def keep_only(self, wanted: Iterable[str]) -> bool:
        """Remove what is not among these digests; False if a deploy is under way, whose release
        does not name yet what it relies on: then nothing is. Raises OSError."""
        if not self.folder.is_dir():
            return True
        with ExitStack() as closing:
            if not _lock(self.folder, fcntl.LOCK_EX | fcntl.LOCK_NB, closing):
                return False
            kept = set(wanted)
            for entry in self._all_alone():
                if entry.name not in kept:
                    os.unlink(entry.path)
            self._thin_out(kept)
            self._packed = None
        return True

    def _thin_out(self, kept: set[str]) -> None:
        """Remove packs of which little is named any more, having put that little into a new one;
        and what deploys that died, or a power cut, have left of others."""
        stems = {name.rpartition(".")[0] for name in (*self._names(_PACK), *self._names(_INDEX))}
        still: set[str] = set()
        with _Pack.making(self.folder) as moved:
            for pack in self._packs():
                named = {digest: at for digest, at in pack.items() if digest in kept - still}
                size = sum(place.size for place in named.values())
                if not size or size < _WORTH_KEEPING * sum(at.size for at in pack.values()):
                    for digest, place in named.items():
                        moved.add(digest, place.read())
                else:
                    stems -= {Path(place.path).stem for place in named.values()}
                still |= named.keys()
            moved.show()
        for stem in stems:
            # The index first: without it the pack is no pack.
            (self.folder / (stem + _INDEX)).unlink(missing_ok=True)
            (self.folder / (stem + _PACK)).unlink(missing_ok=True)


class Keeping(Store):
    """A deploy's hold on the store: what it puts there, and what it relies on, stays until `close`.

    Threads may share it. What was put is there for others once `show` was called.
    """

    def __init__(self, root: Path) -> None:
        """Raises OSError if the store cannot be made."""
        super().__init__(root)
        self._closing = ExitStack()
        self.folder.mkdir(parents=True, exist_ok=True)
        _lock(self.folder, fcntl.LOCK_SH, self._closing)
        self._pack = self._closing.enter_context(_Pack.making(self.folder))
        self._guard = threading.Lock()

    def has(self, sha256: str, size: int) -> bool:
        with self._guard:
            place = self.place(sha256)
        return sha256 in self._pack.index or (place is not None and place.size == size)

    def put(self, sha256: str, raw: bytes) -> None:
        """Keep content whose digest the caller has checked. Raises OSError."""
        if not self.has(sha256, len(raw)):
            self._pack.add(sha256, raw)

    def put_file(self, sha256: str, source: Path) -> None:
        """Keep a large file: by a copy that shares its blocks where the file system can."""
        path = self.alone(sha256)
        if self.has(sha256, source.stat().st_size):
            return
        path.parent.mkdir(exist_ok=True)
        aside = path.with_name(f".{secrets.token_hex(8)}{durable.TEMPORARY}")
        try:
            shutil.copyfile(source, aside)
            aside.replace(path)
        except OSError:
            aside.unlink(missing_ok=True)
            raise

    def show(self) -> None:
        """Let others find what was put. Raises OSError."""
        self._pack.show()

    def close(self) -> None:
        """Let go; what was put and not shown is gone."""
        self._closing.close()


@dataclass
class _Pack:
    """Content in the making of a pack. The file is there from the first that is added."""

    folder: Path
    index: dict[str, tuple[int, int]] = field(default_factory=dict)
    _descriptor: int | None = None
    _path: str = ""
    _end: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def add(self, sha256: str, raw: bytes) -> None:
        """Raises OSError; then only these bytes are missing."""
        with self._guard:
            if self._descriptor is None:
                self._path = os.path.join(self.folder, secrets.token_hex(8) + _PACK)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                self._descriptor = os.open(self._path, flags, 0o644)
            descriptor, offset = self._descriptor, self._end
            self._end += len(raw)
        view, at = memoryview(raw), offset
        while view:
            written = os.pwrite(descriptor, view, at)
            view, at = view[written:], at + written
        with self._guard:
            self.index[sha256] = (offset, len(raw))

    def show(self) -> None:
        """Write its index. Raises OSError; then it is as if it were not there."""
        if self._descriptor is None:
            return
        index = Path(self._path).with_suffix(_INDEX)
        aside = index.with_name(f".{index.stem}{durable.TEMPORARY}")
        aside.write_text(json.dumps(self.index, separators=(",", ":")), encoding="utf-8")
        aside.replace(index)
        os.close(self._descriptor)
        self._descriptor = None

    @classmethod
    @contextmanager
    def making(cls, folder: Path) -> Iterator[_Pack]:
        """One that is removed in the end, unless it was shown."""
        pack = cls(folder)
        try:
            yield pack
        finally:
            if pack._descriptor is not None:
                os.close(pack._descriptor)
                with suppress(OSError):
                    os.unlink(pack._path)


def _lock(folder: Path, how: int, closing: ExitStack) -> bool:
    """Hold the store's lock as long as `closing`. False if that would mean to wait."""
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    closing.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError:
        return False
    return True

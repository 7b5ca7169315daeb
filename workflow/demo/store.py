"""Objects as files in a folder: bytes once under their digest, a JSON record for each key.

Neither name is the key itself: keys may be longer than file names, and differ by case alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stored:
    """One object, without its bytes."""

    key: str
    etag: str
    """MD5 in hex, as S3 gives to what was sent in one piece."""
    sha256: str
    size: int
    modified: int
    """Seconds since the epoch."""
    headers: dict[str, str]
    """What is sent along with it; names in lower case."""


class PreconditionFailed(Exception):
    """The object is not what the client takes it for."""


class Missing(Exception):
    """There is no such object."""


class Store:
    """The objects of one bucket. Safe to use from many threads of one process."""

    def __init__(self, folder: Path) -> None:
        self._bodies = folder / "bodies"
        self._records = folder / "objects"
        for made in (self._bodies, self._records):
            made.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._objects = {
            stored.key: stored
            for path in self._records.glob("*.json")
            for stored in (Stored(**json.loads(path.read_bytes())),)
        }

    def __iter__(self) -> Iterator[Stored]:
        """All of them, in the order of their keys' bytes."""
        with self._lock:
            found = list(self._objects.values())
        return iter(sorted(found, key=lambda stored: stored.key.encode()))

    def find(self, key: str) -> Stored:
        """Raises Missing."""
        with self._lock:
            return self._find(key)

    def body(self, stored: Stored) -> bytes:
        return (self._bodies / stored.sha256).read_bytes()

    def put(
        self,
        key: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        only_new: bool = False,
        if_match: str | None = None,
    ) -> Stored:
        """Store an object. Raises PreconditionFailed, or Missing for `if_match` on nothing."""
        digest = hashlib.sha256(body).hexdigest()
        md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
        stored = Stored(key, md5, digest, len(body), int(time.time()), dict(headers))
        with self._lock:
            if only_new and key in self._objects:
                raise PreconditionFailed
            if if_match is not None:
                _check(self._find(key), if_match)
            if not (self._bodies / digest).exists():
                _write(self._bodies / digest, body)
            self._set(stored)
        return stored

    def copy(
        self, source: str, key: str, headers: Mapping[str, str] | None, if_match: str | None
    ) -> Stored:
        """Store another object with the same bytes; None keeps the headers too.

        Raises Missing, PreconditionFailed.
        """
        with self._lock:
            old = self._find(source)
            if if_match is not None:
                _check(old, if_match)
            kept = dict(old.headers if headers is None else headers)
            new = Stored(key, old.etag, old.sha256, old.size, int(time.time()), kept)
            self._set(new)
        return new

    def delete(self, key: str, if_match: str | None = None) -> None:
        """Deleting what is not there is no error. Raises PreconditionFailed."""
        with self._lock:
            stored = self._objects.get(key)
            if if_match is not None:
                if stored is None:
                    raise PreconditionFailed
                _check(stored, if_match)
            if self._objects.pop(key, None):
                self._record(key).unlink()

    def _find(self, key: str) -> Stored:
        if key not in self._objects:
            raise Missing
        return self._objects[key]

    def _set(self, stored: Stored) -> None:
        _write(self._record(stored.key), json.dumps(asdict(stored), indent=1).encode())
        self._objects[stored.key] = stored

    def _record(self, key: str) -> Path:
        return self._records / f"{hashlib.sha256(key.encode()).hexdigest()}.json"


def _check(stored: Stored, if_match: str) -> None:
    if if_match.strip() != "*" and if_match.strip().strip('"') != stored.etag:
        raise PreconditionFailed


def _write(path: Path, raw: bytes) -> None:
    """Write a file that is there whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            file.write(raw)
            file.close()
            os.replace(file.name, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(file.name)
            raise

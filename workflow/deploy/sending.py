"""Sending files: each as it was planned, byte for byte, or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from workflow import figures
from workflow.deploy import objects
from workflow.deploy.known import Known
from workflow.deploy.objects import Phase, Wanted
from workflow.deploy.parallel import CHECK_SECONDS
from workflow.deploy.plan import Step
from workflow.deploy.s3 import Bucket, ContentChanged, Stored, in_parallel
from workflow.deploy.source import Source
from workflow.deploy.store import Keeping, Place
from workflow.deploy.target import Target

IN_PARTS = 16 << 20
"""Bytes from which on a file is sent in parts, and never held in memory as a whole."""
IN_MEMORY = 64 << 20
"""Bytes of files that may be under way at once, however many workers there are."""
_SAY_SECONDS = 0.2


@dataclass
class Sending:
    """What of a source was sent to a bucket so far, and how the rest is."""

    target: Target
    source: Source
    bucket: Bucket
    known: Known
    keeping: Keeping | None
    """Where the bytes are kept for a rollback; None if they are not."""
    say: Callable[[str], None]
    files: int = 0
    size: int = 0
    """Bytes of the files, as they are on disk."""
    begun: bool = False
    """Whether anything may have been sent."""
    _said: float = 0.0
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _room: _Room = field(default_factory=lambda: _Room(IN_MEMORY))

    def send(self, phase: Phase, steps: Sequence[Step]) -> None:
        """Send these, side by side. The first that fails stops the rest.

        Raises S3Error, ContentChanged, OSError, and what the bucket's `check` raises.
        """
        if not steps:
            return
        progress = _Progress(phase, len(steps), sum(step.size for step in steps))

        def call(step: Step) -> Callable[[], None]:
            def send() -> None:
                assert step.wanted is not None
                self.begun = True  # before: an answer that is lost may have been a yes
                with self._room.taken(min(step.size, IN_PARTS), self.bucket.check):
                    stored, size = self._send_one(step.wanted)
                with self._guard:
                    self.files += 1
                    self.size += step.size
                    self._remember(step.wanted, stored, size)
                    self._tell(progress, step.size)

            return send

        in_parallel(self.target.deploy.workers, map(call, steps), self.bucket.check)

    def _remember(self, wanted: Wanted, stored: Stored, size: int | None) -> None:
        key = self.target.key(wanted.path)
        if size is None:
            self.known.forget(key)
            return
        headers = {name.lower(): value for name, value in wanted.headers.items()}
        self.known.sent(key, stored, size, wanted.sha256, headers)

    def _send_one(self, wanted: Wanted) -> tuple[Stored, int | None]:
        """What the server says of it, and how many bytes the object has, if we know."""
        key = self.target.key(wanted.path)
        place = self.source.place_of(wanted)
        if place is None:
            return self._bring_back(wanted, key), None
        descriptor = _open(place, key)
        try:
            size = wanted.size
            if size > IN_PARTS and "Content-Encoding" not in wanted.headers:
                stored = self.bucket.put_file(
                    key, descriptor, size, wanted.headers, sha256=wanted.sha256,
                    source_sha256=wanted.sha256,
                )  # fmt: skip
                if self.keeping is not None:
                    with suppress(OSError):  # as below
                        self.keeping.put_file(wanted.sha256, Path(place.path))
                return stored, size
            raw = b"".join(place.chunks(descriptor))
        finally:
            os.close(descriptor)
        # What is sent is what was planned and approved, whatever happened since.
        if hashlib.sha256(raw).hexdigest() != wanted.sha256:
            raise ContentChanged(key)
        body = objects.body(raw, wanted.headers)
        digest = wanted.sha256 if body is raw else hashlib.sha256(body).hexdigest()
        stored = self.bucket.put(
            key, body, wanted.headers, sha256=digest, source_sha256=wanted.sha256
        )
        if self.keeping is not None:
            with suppress(OSError):  # the site matters more than a way back; the release tells
                self.keeping.put(wanted.sha256, raw)
        return stored, len(body)

    def _bring_back(self, wanted: Wanted, key: str) -> Stored:
        """From the version that the bucket itself has kept."""
        version = self.source.versions[wanted.path]
        return self.bucket.copy(
            key, key, wanted.headers, version=version, source_sha256=wanted.sha256
        )

    def _tell(self, progress: _Progress, size: int) -> None:
        progress.files += 1
        progress.size += size
        now = time.monotonic()
        if now - self._said > _SAY_SECONDS or progress.files == progress.of_files:
            self._said = now
            self.say(progress.line(now))


class _Room:
    """So many bytes that all who send share."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._given_back = threading.Condition()

    @contextmanager
    def taken(self, size: int, check: Callable[[], None]) -> Iterator[None]:
        """Wait until there is room for so much, at most as much as there is in all. Raises what
        `check` raises, which is called while we wait."""
        with self._given_back:
            while self._free < size:
                self._given_back.wait(CHECK_SECONDS)
                check()
            self._free -= size
        try:
            yield
        finally:
            with self._given_back:
                self._free += size
                self._given_back.notify_all()


@dataclass
class _Progress:
    """How far a phase is."""

    phase: Phase
    of_files: int
    of_size: int
    files: int = 0
    size: int = 0
    began: float = field(default_factory=time.monotonic)

    def line(self, now: float) -> str:
        bar = ("━" * (20 * self.files // self.of_files)).ljust(20, "╌")
        rate = figures.size(self.size / max(now - self.began, 0.001))
        return (
            f"{self.phase} {bar} {self.files:,}/{self.of_files:,} files, "
            f"{figures.size(self.size)} of {figures.size(self.of_size)}, {rate}/s"
        )


def _open(place: Place, key: str) -> int:
    """Raises ContentChanged if it is there no more, has another size, or a link has taken its
    place; OSError."""
    try:
        return place.open()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESTALE):
            raise ContentChanged(key) from error
        raise

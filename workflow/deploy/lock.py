"""One deploy at a time to one target, from however many machines: an object that only one can make.

    PUT lock.json  If-None-Match: *      taken, if there was none
    PUT lock.json  If-Match: TAG         renewed every third of its time; or taken over, if what
                                         lay there has expired
    DELETE lock.json  If-Match: TAG      released

    {"token", "holder": "HOST:PID", …what `about` says, "acquired_at", "expires_at", "renewed"}

Both times are the server's, by the header Date of its answers: whose clock is wrong neither loses
a lock too early nor keeps others waiting. The tag changes with each renewal, so that of a renewal
and a take-over at the same instant exactly one comes about, and the other hears of it.

A machine that slept, or was cut off for longer than the lock's time, may have lost it: `check` asks
before it says that all is well, and what was begun meanwhile stops there.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from workflow.deploy.s3 import Bucket, S3Error
from workflow.errors import TaskError, TaskFailed
from workflow.result import hostname, utc

SECONDS = 600.0
_RACES = 5
"""Times that a lock may change hands under our eyes before we say that it is taken."""
_SKEW = 5.0
"""Seconds by which our clock may differ from the server's before what we wrote is put right."""
_MARGIN = timedelta(seconds=2)
"""Both times are written in whole seconds."""
_LOST_RACE = 412
_NOT_KNOWN = (400, 405, 501)
"""How servers answer that cannot delete under a condition."""
_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store"}


@dataclass(frozen=True)
class _There:
    """A lock as it lies in the bucket. What cannot be read is held until somebody removes it."""

    etag: str
    said: Mapping[str, object]

    def expires(self) -> datetime | None:
        try:
            return datetime.fromisoformat(str(self.said.get("expires_at")))
        except ValueError:
            return None

    def has_expired(self, now: datetime) -> bool:
        with suppress(TypeError):  # a time without a zone
            expires = self.expires()
            return expires is not None and expires + _MARGIN < now
        return False


class Lock:
    """The lock of one target, which we hold as far as we know."""

    def __init__(self, bucket: Bucket, key: str, about: Mapping[str, str], seconds: float) -> None:
        self.key = key
        self._bucket = bucket
        self._seconds = seconds
        self._said: dict[str, object] = {
            "token": secrets.token_hex(16),
            "holder": f"{hostname()}:{os.getpid()}",
            **about,
        }
        self._etag = ""
        self._renewals = 0
        self._sure = (0.0, 0.0)
        """When we last began to write it with success: by the monotonic and the wall clock."""
        self.lost = ""
        """Why it is ours no more."""
        self._writing = threading.Lock()

    def check(self) -> None:
        """Raises TaskFailed `lock_lost` if somebody else may hold it by now."""
        if not self.lost and self._silent_seconds() > self._seconds:
            self.renew()
        if self.lost:
            raise TaskFailed(
                TaskError(
                    "lock_lost",
                    f"the lock {self.key} of {self._bucket.name} was lost: {self.lost}",
                    "retry",
                    "deploy",
                    hint="somebody else may be publishing there; the next deploy compares with "
                    "what is there and completes it",
                )
            )

    def acquire(self) -> None:
        """Raises TaskFailed `target_locked`, S3Error, and what the bucket's `check` raises; then
        nothing of ours is left behind."""
        there: _There | None = None
        for _ in range(_RACES):
            if self._claim(there.etag if there else None):
                break
            there = self._read()
            if there is not None and not there.has_expired(self._bucket.server_time()):
                raise self._taken(there)
        else:
            raise self._taken(there)
        written = datetime.fromisoformat(str(self._said["acquired_at"]))
        if abs((self._bucket.server_time() - written).total_seconds()) > _SKEW:
            self._said.pop("acquired_at")
            if not self._claim(self._etag):
                raise self._taken(self._read())

    def _claim(self, etag: str | None) -> bool:
        try:
            return self._write(self._bucket, etag)
        except BaseException as error:
            refused = isinstance(error, S3Error) and error.status and not error.uncertain
            if not refused:
                # Its answer was lost, or whoever waited for it was stopped.
                with suppress(S3Error):
                    self.release()
            raise

    def renew(self, check: Callable[[], None] = lambda: None) -> None:
        """Make it last its whole time again, or find out that it is lost. Raises what `check`
        raises, which is called while we wait."""
        with self._writing:
            try:
                kept = self._write(self._bucket.apart(check), self._etag)
            except S3Error as error:
                if self._silent_seconds() > self._seconds:
                    self.lost = f"it could not be renewed in time ({error})"
            else:
                if not kept:
                    self.lost = "somebody else took it over, or removed it"

    def release(self) -> None:
        """Remove it if it is ours. Raises S3Error."""
        bucket = self._bucket.apart(attempts=3)
        with self._writing:
            if self._etag and not self.lost and self._silent_seconds() < self._seconds:
                # Nobody can have taken it over yet: even a server that knows no conditions deletes
                # ours and no other.
                try:
                    bucket.delete(self.key, if_match=self._etag)
                    return
                except S3Error as error:
                    if error.status not in (*_NOT_KNOWN, _LOST_RACE):
                        raise
            there = self._read(bucket)
            if there is None or there.said.get("token") != self._said["token"]:
                return
            try:
                bucket.delete(self.key, if_match=there.etag)
            except S3Error as error:
                if error.status in _NOT_KNOWN:
                    bucket.delete(self.key)
                elif error.status != _LOST_RACE:
                    raise

    def _write(self, bucket: Bucket, etag: str | None) -> bool:
        """In the place of the one with this tag, or of none; False if something else is there.
        Raises S3Error, and what the bucket's `check` raises."""
        now, began = bucket.server_time(), (time.monotonic(), time.time())
        self._said.setdefault("acquired_at", utc(now))
        self._said["expires_at"] = utc(now + timedelta(seconds=self._seconds))
        self._said["renewals"] = self._renewals
        self._renewals += 1
        body = json.dumps(self._said, indent=1).encode()
        digest = hashlib.sha256(body).hexdigest()
        try:
            if etag is None:
                stored = bucket.put(self.key, body, _HEADERS, sha256=digest, if_none_match=True)
            else:
                stored = bucket.put(self.key, body, _HEADERS, sha256=digest, if_match=etag)
        except S3Error as error:
            # 404: what was to be replaced has gone.
            if error.status == _LOST_RACE or (error.code == "NoSuchKey" and etag is not None):
                return False
            raise
        self._etag, self._sure = stored.etag, began
        return True

    def _read(self, bucket: Bucket | None = None) -> _There | None:
        found = (bucket or self._bucket).get(self.key)
        if found is None:
            return None
        body, etag = found
        with suppress(ValueError):
            said = json.loads(body)
            if isinstance(said, dict):
                return _There(etag, said)
        return _There(etag, {})

    def _silent_seconds(self) -> float:
        """Since it was written last. One of the clocks stands still while a machine sleeps."""
        monotonic, wall = self._sure
        return max(time.monotonic() - monotonic, time.time() - wall)

    def _taken(self, there: _There | None) -> TaskFailed:
        said = there.said if there else {}
        who = " ".join(
            f"{word}{said[name]}"
            for name, word in (("holder", ""), ("task_id", "for "), ("acquired_at", "since "))
            if said.get(name)
        )
        until = said.get("expires_at")
        place = f"s3://{self._bucket.name}/{self.key}"
        return TaskFailed(
            TaskError(
                "target_locked",
                f"another deploy holds {place}: {who or 'it does not say who'}"
                + (f", until {until} unless it is renewed" if until else ""),
                "retry",
                "deploy",
                hint="wait until it has ended; if its machine is gone, the lock ends by itself at "
                "that time"
                if until
                else f"see who made {place}, and remove it if nobody publishes",
            )
        )


class _Over(Exception):
    """The lock is being released: nobody waits for its renewal."""


@contextmanager
def locked(
    bucket: Bucket,
    key: str,
    about: Mapping[str, str],
    *,
    seconds: float = SECONDS,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Lock]:
    """Hold the lock `key` while the block runs. `about`: whose it is (task_id, environment).

    Raises TaskFailed `target_locked` (who, since when, until when), S3Error, and what the bucket's
    `check` raises. A release that fails is only said: the lock ends by itself after `seconds`.
    """
    lock = Lock(bucket, key, about, seconds)
    lock.acquire()
    over = threading.Event()

    def stop_if_over() -> None:
        if over.is_set():
            raise _Over

    def keep() -> None:
        with suppress(_Over):
            while not over.wait(seconds / 3) and not lock.lost:
                lock.renew(stop_if_over)

    keeping = threading.Thread(target=keep, name="deploy-lock", daemon=True)
    keeping.start()
    try:
        yield lock
    finally:
        over.set()
        keeping.join()
        try:
            lock.release()
        except S3Error as error:
            say(f"the lock {key} could not be released and ends in {seconds:.0f} s: {error}")

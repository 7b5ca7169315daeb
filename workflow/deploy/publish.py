"""Doing what was planned, in an order in which a visitor never meets a page without its assets.

    note what may be owed → fingerprinted assets → other assets → pages
      → invalidate → verify → delete what is gone → invalidate that → release

The first step that fails stops the rest: nothing is deleted after a failure, and what is there is
told apart as untouched, partial or complete. The next deploy finishes it, since it compares with
what is there and not with what was meant.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from workflow import figures
from workflow.deploy import objects
from workflow.deploy.cloudfront import MOST_WILDCARDS, Distribution, paths
from workflow.deploy.known import Known
from workflow.deploy.lock import Lock
from workflow.deploy.objects import Phase, Wanted
from workflow.deploy.plan import Plan, Step
from workflow.deploy.releases import Release, Releases
from workflow.deploy.s3 import Bucket, ContentChanged, Stored, in_parallel
from workflow.deploy.sample import expected
from workflow.deploy.source import Source
from workflow.deploy.store import Store
from workflow.deploy.target import Target
from workflow.deploy.verification import verify
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Context
from workflow.result import utc

PHASES: tuple[Phase, ...] = ("fingerprinted", "assets", "pages")
IN_PARTS = 16 << 20
"""Bytes from which on a file is sent in parts, and never held in memory as a whole."""
_SAY_SECONDS = 0.2

Live = Literal["untouched", "partial", "complete"]


@dataclass
class Publication:
    """One deploy past its point of no return: what is done so far, and how to do the rest."""

    context: Context
    target: Target
    source: Source
    plan: Plan
    bucket: Bucket
    known: Known
    lock: Lock
    release_id: str
    approval: dict[str, Any]
    live: Live = "untouched"
    sent: dict[str, Stored] = field(default_factory=dict)
    """By path."""
    sent_bytes: int = 0
    deleted: list[str] = field(default_factory=list)
    invalidations: list[str] = field(default_factory=list)
    http_status: int | None = None
    verified: int = 0
    """Pages and assets that the site was seen to serve as published."""
    warnings: list[str] = field(default_factory=list)
    _said: float = 0.0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def outputs(self) -> dict[str, Any]:
        """What is done so far; every deploy gives these, also one that failed."""
        said: dict[str, Any] = {
            "uploaded_files": len(self.sent),
            "deleted_files": len(self.deleted),
            "unchanged_files": self.plan.unchanged,
            "kept_files": self.plan.totals["kept"],
            "bytes": self.sent_bytes,
            "deployment_id": self.release_id,
            "invalidation_id": self.invalidation_id,
            "site_url": self.target.verify_url,
            "http_status": self.http_status,
            "verified_files": self.verified,
            "live": self.live,
            "content_digest": self.source.digest,
            "approval": self.approval,
        }
        if self.source.restores is not None:
            said["restores"] = self.source.restores.release_id
        return {key: value for key, value in said.items() if value is not None}

    @property
    def invalidation_id(self) -> str:
        """Of the last one; a word where none was made, so that expecting the output works."""
        if self.invalidations:
            return self.invalidations[-1]
        return "not-needed" if self.target.deploy.cloudfront_id else "no-distribution"

    def run(self) -> None:
        """All phases. Raises TaskFailed, S3Error, ContentChanged, OSError; `outputs` tell how far
        it came."""
        stale = self.plan.stale_paths()
        if self.plan.sending or self.plan.deleting:
            self.known.mark(live=self.known.live, partial=True)
        self._note()
        self._mark_environment()
        owed = self._owe([*stale, *(step.path for step in self.plan.deleting)])
        for phase in PHASES:
            steps = [s for s in self.plan.sending if s.wanted and s.wanted.phase == phase]
            self._send(phase, steps)
        self.live = "complete"
        self._note()
        self._invalidate([*self._changed(stale), *self.plan.owed], "changed")
        self._verify()
        self._delete()
        self._invalidate(self._changed(self.deleted), "deleted")
        self._settle_owed(owed)
        self._release()

    # -- what is sent ------------------------------------------------------------------------

    def _send(self, phase: Phase, steps: Sequence[Step]) -> None:
        if not steps:
            return
        store = Store(self.context.config.root) if self.target.deploy.releases.keep else None
        total = sum(step.size for step in steps)
        began, before = time.monotonic(), self.sent_bytes
        done = 0

        def call(step: Step) -> Callable[[], None]:
            def send() -> None:
                nonlocal done
                assert step.wanted is not None
                self.live = "partial"  # before: an answer that is lost may have been a yes
                stored, size = self._send_one(step.wanted, store)
                with self._guard:
                    self.sent[step.path] = stored
                    self.sent_bytes += step.size
                    done += 1
                    self._remember(step.wanted, stored, size)
                    self._progress(phase, done, len(steps), self.sent_bytes - before, total, began)

            return send

        in_parallel(self.target.deploy.workers, map(call, steps), self.bucket.check)

    def _remember(self, wanted: Wanted, stored: Stored, size: int | None) -> None:
        key = self.target.key(wanted.path)
        if size is None:
            self.known.forget(key)
            return
        headers = {name.lower(): value for name, value in wanted.headers.items()}
        self.known.sent(key, stored, size, wanted.sha256, headers)

    def _send_one(self, wanted: Wanted, store: Store | None) -> tuple[Stored, int | None]:
        """What the server says of it, and how many bytes the object has, if we know."""
        key = self.target.key(wanted.path)
        path = self.source.path_of(wanted)
        if path is None:
            return self._bring_back(wanted, key), None
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                raise ContentChanged(key) from error
            raise
        try:
            size = os.fstat(descriptor).st_size
            if size != wanted.size:
                raise ContentChanged(key)
            if size > IN_PARTS and "Content-Encoding" not in wanted.headers:
                stored = self.bucket.put_file(
                    key, descriptor, size, wanted.headers, sha256=wanted.sha256,
                    source_sha256=wanted.sha256,
                )  # fmt: skip
                if store is not None:
                    store.put_file(wanted.sha256, Path(path))
                return stored, size
            raw = _read(descriptor, size)
        finally:
            os.close(descriptor)
        # What is sent is what was planned and approved, byte for byte, whatever happened since.
        if hashlib.sha256(raw).hexdigest() != wanted.sha256:
            raise ContentChanged(key)
        body = objects.body(raw, wanted.headers)
        digest = wanted.sha256 if body is raw else hashlib.sha256(body).hexdigest()
        stored = self.bucket.put(
            key, body, wanted.headers, sha256=digest, source_sha256=wanted.sha256
        )
        if store is not None:
            with suppress(OSError):  # the site matters more than a way back; see _release
                store.put(wanted.sha256, raw)
        return stored, len(body)

    def _bring_back(self, wanted: Wanted, key: str) -> Stored:
        """From the version that the bucket itself has kept."""
        return self.bucket.copy(
            key, key, wanted.headers, version=self.source.versions[wanted.path],
            source_sha256=wanted.sha256,
        )  # fmt: skip

    def _progress(
        self, phase: Phase, done: int, count: int, sent: int, total: int, began: float
    ) -> None:
        now = time.monotonic()
        if now - self._said < _SAY_SECONDS and done < count:
            return
        self._said = now
        rate = figures.size(sent / max(now - began, 0.001))
        bar = ("━" * (20 * done // count)).ljust(20, "╌")
        self.context.say(
            f"{phase} {bar} {done:,}/{count:,} files, {figures.size(sent)} of "
            f"{figures.size(total)}, {rate}/s"
        )

    # -- what caches are told ----------------------------------------------------------------

    def _changed(self, site_paths: Sequence[str]) -> list[str]:
        # Paths of the distribution are those of the address, whatever folder its origin has.
        below = urlsplit(self.target.base_url).path
        return paths(site_paths, self.target.deploy.invalidate.most_paths, below)

    @property
    def _owed_key(self) -> str:
        return self.target.private + "owed.json"

    def _owe(self, site_paths: Sequence[str]) -> bool:
        """Write down, where every machine sees it, what CloudFront will have to forget.

        Before the first upload: whoever dies after it leaves a note for the next deploy.
        """
        if not self.target.deploy.cloudfront_id or not (site_paths or self.plan.owed):
            return False
        invalid = [*self._changed(site_paths), *self.plan.owed]
        note = {"paths": sorted(set(invalid)), "release": self.release_id}
        self._put(self._owed_key, json.dumps(note).encode())
        return True

    def _settle_owed(self, owed: bool) -> None:
        if owed:
            self.bucket.delete(self._owed_key)

    def _invalidate(self, invalid: Sequence[str], what: str) -> None:
        distribution = self.target.deploy.cloudfront_id
        if not (invalid and distribution):
            return
        options = self.target.deploy.invalidate
        wanted = sorted(set(invalid))
        wildcards = sum(path.endswith("*") for path in wanted)
        if len(wanted) > options.most_paths or wildcards > MOST_WILDCARDS:
            wanted = ["/*"]  # with what was owed it is more than is worth naming
        self.context.say(f"invalidating {', '.join(wanted[:3])}{' …' if wanted[3:] else ''}")
        cloudfront = Distribution(
            distribution,
            endpoint_url=self.target.deploy.cloudfront_endpoint_url,
            check=self.bucket.check,
        )
        made = cloudfront.invalidate(wanted, f"{self.release_id}-{what}")
        self.invalidations.append(made.id)
        if options.wait:
            try:
                cloudfront.wait(made.id, self.target.deploy.verify.timeout_seconds)
            except TaskFailed as failure:
                if failure.error.code != "invalidation_pending":
                    raise
                self.warnings.append(failure.error.message)  # what visitors get, verification sees

    # -- is it there -------------------------------------------------------------------------

    def _verify(self) -> None:
        options = self.target.deploy.verify
        seen = verify(
            self.target.verify_url,
            expected(self.source, self.plan, options.sample),
            seconds=options.timeout_seconds,
            check=self.bucket.check,
            say=self.context.say,
        )
        self.http_status, self.verified = seen.http_status, seen.checked

    # -- what goes ---------------------------------------------------------------------------

    def _delete(self) -> None:
        steps = self.plan.deleting
        if not steps:
            return
        self.lock.check()
        keys = {self.target.key(step.path): step.path for step in steps}
        failed = self.bucket.delete_many(list(keys))
        for key, path in keys.items():
            if key not in failed:
                self.deleted.append(path)
                self.known.forget(key)
        if failed:
            raise next(iter(failed.values()))

    # -- what is noted -----------------------------------------------------------------------

    def _note(self) -> None:
        self.context.record(
            {**self.outputs(), "live": "partial" if self.plan.sending else "complete"}
        )

    def _put(self, key: str, raw: bytes) -> None:
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        self.bucket.put(key, raw, headers, sha256=hashlib.sha256(raw).hexdigest())

    def _mark_environment(self) -> None:
        """Let the bucket say whose it is: another exchange may give it to another environment."""
        if self.target.environment not in self.plan.marked:
            self._put(f"{self.target.private}environment-{self.target.environment}", b"{}")

    def _release(self) -> None:
        """Note what is live now, and keep what it takes to come back to it."""
        options = self.target.deploy.releases
        releases = Releases(self.context.config.root, self.target.environment)
        if options.keep:
            release = self._as_release()
            try:
                self._keep_bytes()
            except OSError as error:  # the site is live; that it can be left again is a lesser good
                self.warnings.append(f"{self.release_id} cannot be gone back to: {error}")
            releases.write(release)
            if options.in_bucket:
                self._put(
                    f"{self.target.private}releases/{self.release_id}.json", release.as_json()
                )
        self.known.superseded, self.known.changed = self.plan.superseded, True
        self.known.mark(live=self.release_id, partial=False)
        with suppress(OSError):
            releases.prune(options.keep)

    def _as_release(self) -> Release:
        files = tuple(self.source.wanted[path] for path in sorted(self.source.wanted))
        versions = {}
        for one in files:
            known = self.known.objects.get(self.target.key(one.path))
            if known is not None and known.version:
                versions[one.path] = known.version
        restores = self.source.restores
        return Release(
            self.release_id,
            self.target.environment,
            self.target.place.site,
            str(self.target),
            self.target.base_url,
            self.source.digest,
            utc(datetime.now(UTC)),
            self.context.task_id,
            files,
            versions,
            restores.release_id if restores else None,
            self.http_status is not None,
            self.approval,
            self.source.git_commit,
        )

    def _keep_bytes(self) -> None:
        """Also of the files that were live already, sent by an earlier deploy or by others."""
        store = Store(self.context.config.root)
        have = store.digests()
        for wanted in self.source.wanted.values():
            path = None if wanted.sha256 in have else self.source.path_of(wanted)
            if path is not None and wanted.size <= IN_PARTS:
                raw = Path(path).read_bytes()
                if hashlib.sha256(raw).hexdigest() == wanted.sha256:
                    store.put(wanted.sha256, raw)
            elif path is not None:
                store.put_file(wanted.sha256, Path(path))


def content_changed(error: ContentChanged, source: Source) -> TaskFailed:
    """What was planned is no longer what is there: nothing but what was planned is ever sent."""
    where = "the kept release" if source.restores else "public/"
    return TaskFailed(
        TaskError(
            "content_changed",
            f"{error.key} changed in {where} while it was being published; the new content was "
            "not sent",
            "fix",
            "content",
            hint="build the site again and deploy it anew",
        )
    )


def _read(descriptor: int, size: int) -> bytes:
    parts = []
    while part := os.read(descriptor, size + 1):
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)

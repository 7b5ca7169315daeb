"""Doing what was planned, in an order in which a visitor never meets a page without its assets.

    note what may be owed → fingerprinted assets → other assets → pages
      → invalidate → verify → delete what is gone → invalidate that → release

The first step that fails stops the rest: nothing is deleted after a failure, and what is there is
told apart as untouched, partial or complete. The next deploy finishes it, since it compares with
what is there and not with what was meant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from workflow.deploy.caches import Caches, put_note
from workflow.deploy.known import Known
from workflow.deploy.later import Later
from workflow.deploy.lock import Lock
from workflow.deploy.objects import Phase
from workflow.deploy.plan import Plan
from workflow.deploy.releases import Release, Releases
from workflow.deploy.s3 import Bucket
from workflow.deploy.sample import see_it_served
from workflow.deploy.sending import IN_PARTS, Sending
from workflow.deploy.source import Source
from workflow.deploy.store import Keeping
from workflow.deploy.target import Target
from workflow.errors import told
from workflow.handler import Context
from workflow.result import utc

Live = Literal["untouched", "partial", "complete"]


def _names_others(path: str) -> bool:
    return path.endswith((".css", ".js", ".mjs"))


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
    keeping: Keeping | None
    """What keeps the bytes for a rollback, if that is wanted and can be."""
    release_id: str
    approval: dict[str, Any]
    deleted: list[str] = field(default_factory=list)
    http_status: int | None = None
    verified: int = 0
    """Pages and assets that the site was seen to serve as published."""
    warnings: list[str] = field(default_factory=list)
    all_sent: bool = False

    def __post_init__(self) -> None:
        self.replaces = self.known.live
        """The release that was live before."""
        self._was_partial = self.known.partial
        self.sending = Sending(
            self.target, self.source, self.bucket, self.known, self.keeping, self.context.say
        )
        self.caches = Caches(
            self.target, self.bucket, self.release_id, self.plan.owed, self.context.say
        )

    @property
    def live(self) -> Live:
        """What of the release visitors get by now."""
        if self.all_sent:
            return "complete"
        return "partial" if self.sending.begun or self._was_partial else "untouched"

    def outputs(self) -> dict[str, Any]:
        """What is done so far; every deploy gives these, also one that failed."""
        said: dict[str, Any] = {
            "uploaded_files": self.sending.files,
            "deleted_files": len(self.deleted),
            "unchanged_files": self.plan.unchanged,
            "kept_files": self.plan.totals["kept"],
            "bytes": self.sending.size,
            "deployment_id": self.release_id,
            "invalidation_id": self.caches.invalidation_id,
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

    def note_unverified(self) -> None:
        """After a failure: that all of it was sent by then, for whoever looks at the releases."""
        if self.all_sent and self.known.partial:
            with suppress(OSError):  # without the note a mixture is taken to be live
                task_id = self.context.task_id
                self.known.mark(live=self.known.live, partial=True, unverified=task_id)

    def run(self) -> None:
        """All phases. Raises TaskFailed, S3Error, ContentChanged, OSError; `outputs` tell how far
        it came."""
        stale, gone = self.plan.stale_paths(), [step.path for step in self.plan.deleting]
        self.known.mark(live=self.known.live, partial=True)
        # Before it is so: whoever is killed from here on may have sent something.
        self.context.record(
            {**self.outputs(), "live": "partial" if self.plan.sending else "complete"}
        )
        with self._marking_environment():
            self.caches.owe([*stale, *gone])
            self._send("fingerprinted")
        self._send("assets")
        self._send("pages")
        self.caches.forget(stale, "changed", also_owed=True)
        manifest = self._verify()
        self._delete()
        self.caches.forget(self.deleted, "deleted")
        self.caches.settle()
        self._release(manifest)

    def _send(self, phase: Phase) -> None:
        steps = [s for s in self.plan.sending if s.wanted and s.wanted.phase == phase]
        # Styles and scripts name other assets, as pages do.
        self.sending.send(phase, [s for s in steps if not _names_others(s.path)])
        self.sending.send(phase, [s for s in steps if _names_others(s.path)])
        self.all_sent = phase == "pages"
        if steps:
            self.context.record(self.outputs())

    # -- is it there -------------------------------------------------------------------------

    def _verify(self) -> bytes:
        """See that the site serves it; meanwhile keep what it takes to come back to it. Returns the
        release's manifest, if one is to be kept."""
        looking = Later(
            lambda: see_it_served(
                self.target, self.source, self.plan, self.bucket.check, self.context.say
            )
        )
        try:
            manifest = self._kept() if self.target.deploy.releases.keep else b""
        finally:
            looking.join()
        seen = looking.result()
        self.http_status, self.verified = seen.http_status, seen.checked
        return manifest

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
        self.context.record(self.outputs())
        if failed:
            raise next(iter(failed.values()))

    # -- what is noted -----------------------------------------------------------------------

    @contextmanager
    def _marking_environment(self) -> Iterator[None]:
        """Let the bucket say whose it is, which another exchange may give to another environment:
        beside what no visitor sees, and before anything else."""
        if self.target.environment in self.plan.marked:
            yield
            return
        mark = f"{self.target.private}environment-{self.target.environment}"
        marking = Later(lambda: put_note(self.bucket, mark, b"{}"))
        try:
            yield
        finally:
            marking.join()
        marking.result()

    def _kept(self) -> bytes:
        try:
            self._keep_bytes()
        except OSError as error:  # the site is live; that it can be left again is a lesser good
            self.warnings.append(f"{self.release_id} cannot be gone back to: {told(error)}")
        return self._as_release().as_json()

    def _release(self, manifest: bytes) -> None:
        """Note what is live now."""
        options = self.target.deploy.releases
        releases = Releases(self.context.config.root, self.target.environment)
        if options.keep:
            releases.write(self.release_id, manifest)
            if options.in_bucket:
                note = f"{self.target.private}releases/{self.release_id}.json"
                put_note(self.bucket, note, manifest)
        self.known.superseded, self.known.changed = self.plan.superseded, True
        self.known.mark(live=self.release_id, partial=False)
        if self.keeping is not None:
            self.keeping.close()  # what it holds, nobody could sweep out
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
            True,  # else it is not written
            self.approval,
            self.source.git_commit,
        )

    def _keep_bytes(self) -> None:
        """Also of the files that were live already, sent by an earlier deploy or by others."""
        if self.keeping is None:
            raise OSError("there is nowhere to keep its files")
        for wanted in self.source.wanted.values():
            kept = self.keeping.has(wanted.sha256, wanted.size)
            place = None if kept else self.source.place_of(wanted)
            if place is not None and wanted.size <= IN_PARTS:
                raw = place.read()
                if hashlib.sha256(raw).hexdigest() == wanted.sha256:
                    self.keeping.put(wanted.sha256, raw)
            elif place is not None:
                self.keeping.put_file(wanted.sha256, Path(place.path))
        self.keeping.show()

"""One attempt at a native deploy: its bucket, its notes, its lock, its listing under way."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workflow.deploy.known import Known, load
from workflow.deploy.later import Later
from workflow.deploy.lock import Lock, locked
from workflow.deploy.s3 import Bucket, Listed, S3Error
from workflow.deploy.store import Keeping
from workflow.deploy.target import Params, Target
from workflow.errors import TaskFailed
from workflow.handler import Context

if TYPE_CHECKING:
    from workflow.deploy.publish import Publication
    from workflow.settings.deploy import Deploy

_OTHER_FILES = 64
"""That a sweep has open at most, connections to other sites among them."""


@dataclass
class Job:
    """What the attempt works with, and how far it is."""

    context: Context
    target: Target
    bucket: Bucket
    known: Known
    locking: ExitStack
    keeping: Keeping | None
    lock: Lock | None = None
    listing: Later[dict[str, Listed]] | None = None
    publication: Publication | None = None

    @property
    def params(self) -> Params:
        params: Params = self.context.params
        return params

    def take_lock(self) -> Lock:
        """The target's lock, held until the job is closed. Raises TaskFailed `target_locked`."""
        if self.lock is None:
            about = {"task_id": self.context.task_id, "environment": self.target.environment}
            key = self.target.private + "lock.json"
            self.lock = self.locking.enter_context(
                locked(self.bucket, key, about, say=self.context.say)
            )
        return self.lock

    @contextmanager
    def failures_told(self) -> Iterator[None]:
        """What the bucket refuses ends in a TaskFailed that says what it means."""
        try:
            yield
        except S3Error as error:
            from workflow.deploy import failures

            raise TaskFailed(failures.explain(error, str(self.target))) from error

    def list(self) -> dict[str, Listed]:
        """All that is there. Raises S3Error."""
        expected = [*self.known.objects, self.target.private]
        return self.bucket.list(self.target.prefix, expected=expected)

    def start_listing(self, *, under_lock: bool) -> None:
        """Go on at once; `listing` has the result, or the failure."""

        def work() -> dict[str, Listed]:
            if under_lock:
                self.take_lock()
            return self.list()

        self.listing = Later(work)


@contextmanager
def opened(context: Context, target: Target) -> Iterator[Job]:
    """A job whose lock is released, whose notes are saved and whose connections are closed."""
    known = load(context.config.root, target)
    deploy = target.deploy
    assert deploy.bucket is not None, "the configuration asks for one"
    jobs: list[Job] = []

    def check() -> None:
        context.check()
        for job in jobs:
            if job.lock is not None:
                job.lock.check()

    bucket = Bucket(
        deploy.bucket,
        region=deploy.region,
        endpoint_url=deploy.endpoint_url,
        owner=deploy.account,
        workers=_with_room(deploy.workers),
        check=check,
        profile=deploy.profile,
    )
    with ExitStack() as closing:
        closing.callback(bucket.close)
        locking = ExitStack()
        closing.callback(_let_go, locking, known)
        job = Job(context, target, bucket, known, locking, _keeping(context, deploy, closing))
        jobs.append(job)
        try:
            yield job
        finally:
            if job.listing is not None:
                job.listing.join()  # it may be about to take the lock


def _keeping(context: Context, deploy: Deploy, closing: ExitStack) -> Keeping | None:
    """What the deploy keeps and relies on, held until its end. The site matters more: the release
    tells what could not be kept."""
    if deploy.releases.keep:
        with suppress(OSError):
            keeping = Keeping(context.config.root)
            closing.callback(keeping.close)
            return keeping
    return None


def _let_go(locking: ExitStack, known: Known) -> None:
    """Release the lock, and meanwhile save the notes."""
    saving = Later(known.save)
    try:
        locking.close()
    finally:
        with suppress(OSError):  # the next deploy looks at each object once more, that is all
            saving.result()


def _with_room(workers: int) -> int:
    """As many as may have a connection and a file open each: launchd allows 256 in all, and more
    to who asks."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * workers + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
        return max(1, min(workers, (soft - _OTHER_FILES) // 2))
    return workers

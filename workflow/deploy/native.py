"""A native deploy: find out what is to be done, have it agreed to, do it.

    content and guards ─┐
                        ├→ plan → (approval) → publish
    lock → listing ─────┘

Where nobody has to agree the lock is taken first, so that what was listed is what is there. Else
the plan may wait for a person for an hour, and everything is listed again under the lock.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from workflow import approval
from workflow.deploy import conflicts, failures, guards
from workflow.deploy.account import require_account
from workflow.deploy.caches import owed_key, read_owed
from workflow.deploy.known import Known, load
from workflow.deploy.later import Later
from workflow.deploy.lock import Lock, locked
from workflow.deploy.plan import Plan, make_plan, md5_of_file, most_deletes
from workflow.deploy.publish import Publication, content_changed
from workflow.deploy.releases import Releases
from workflow.deploy.report import details, published, told
from workflow.deploy.s3 import Bucket, ContentChanged, Listed, S3Error
from workflow.deploy.source import Source, find_source
from workflow.deploy.target import Params, Target
from workflow.deploy.verification import verify
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Context, Outcome, Planned
from workflow.layout import CONFIG


@dataclass
class Job:
    """What one attempt works with."""

    context: Context
    target: Target
    bucket: Bucket
    known: Known
    locking: ExitStack
    lock: Lock | None = None
    listing: Later[dict[str, Listed]] | None = None
    source: Source | None = None
    publication: Publication | None = None
    found: dict[str, Any] = field(default_factory=dict)
    """What is known so far, for the outputs of a failure."""

    @property
    def params(self) -> Params:
        params: Params = self.context.params
        return params

    def take_lock(self) -> None:
        if self.lock is None:
            about = {"task_id": self.context.task_id, "environment": self.target.environment}
            key = self.target.private + "lock.json"
            self.lock = self.locking.enter_context(
                locked(self.bucket, key, about, say=self.context.say)
            )

    def list(self) -> dict[str, Listed]:
        return self.bucket.list(self.target.prefix)


def run(context: Context, target: Target) -> Outcome:
    """The whole deploy. Raises TaskFailed, with what was done so far, or AwaitsApproval."""
    with _opened(context, target) as job, _failures_told(job):
        conflict = conflicts.conflict(context.config, target.environment)
        if conflict:
            raise _misconfigured(conflict)
        free = _is_free(target)
        job.listing = Later(lambda: _first_listing(job, lock=free and not job.params.dry_run))
        source = job.source = find_source(job.params, target, context.config, context.check)
        require_account(target.deploy)
        plan = _plan(job, source, job.listing.result())
        if not (job.params.dry_run or _is_to_do(job, plan)):
            return _already_live(job, source, plan)
        planned = as_planned(context, target, source, plan)
        if job.params.dry_run:
            return told(planned, plan)
        agreed = context.approve(planned)
        shown = planned.details
        if job.lock is None:
            job.take_lock()
            plan = _plan(job, source, job.list())
            shown = details(target, source, plan)
        assert job.lock is not None
        releases = Releases(context.config.root, target.environment)
        job.publication = Publication(
            context, target, source, plan, job.bucket, job.known, job.lock,
            releases.next_id(source.digest), agreed,
        )  # fmt: skip
        (context.folder / "plan.json").write_text(
            json.dumps(dict(shown), ensure_ascii=False), encoding="utf-8"
        )
        job.publication.run()
        return published(job.publication)


@contextmanager
def _opened(context: Context, target: Target) -> Iterator[Job]:
    """A job whose lock is released, whose notes are saved and whose connections are closed."""
    known = load(context.config.root, target)
    deploy = target.deploy
    assert deploy.bucket is not None
    with ExitStack() as closing:
        locking = ExitStack()
        holder: list[Job] = []

        def check() -> None:
            context.check()
            lock = holder[0].lock if holder else None
            if lock is not None:
                lock.check()

        bucket = Bucket(
            deploy.bucket,
            region=deploy.region,
            endpoint_url=deploy.endpoint_url,
            owner=deploy.account,
            workers=deploy.workers,
            check=check,
        )
        closing.callback(bucket.close)
        closing.enter_context(locking)
        closing.callback(_save, known)
        job = Job(context, target, bucket, known, locking)
        holder.append(job)
        try:
            yield job
        finally:
            if job.listing is not None:
                job.listing.join()  # it may be about to take the lock


def _save(known: Known) -> None:
    with suppress(OSError):  # the next deploy looks at each object once more, that is all
        known.save()


def _is_free(target: Target) -> bool:
    """Whether workflow.yaml lets anybody publish here."""
    return approval.policy_of(target.environment, target.place.configured, required=False) == "none"


def _first_listing(job: Job, *, lock: bool) -> dict[str, Listed]:
    if lock:
        job.take_lock()
    return job.list()


def _plan(job: Job, source: Source, listed: dict[str, Listed]) -> Plan:
    """The plan, unless it is one that must not be carried out. Raises TaskFailed, S3Error."""
    target = job.target
    marked = _marked(target, listed)
    if marked - {target.environment}:
        other = ", ".join(sorted(marked - {target.environment}))
        raise TaskFailed(
            TaskError(
                "wrong_bucket",
                f"{target} says that it belongs to {other}, not to {target.environment}",
                "escalate",
                "configuration",
                hint=f"correct the bucket of {target.environment} in {CONFIG}; if the bucket was "
                f"given away on purpose, delete its object {target.private}environment-{other}",
            )
        )
    plan = make_plan(
        target,
        source.wanted,
        listed,
        job.known,
        job.bucket,
        md5_of=lambda one: md5_of_file(source.path_of(one) or ""),
        force=job.params.force,
    )
    plan.marked = frozenset(marked)
    if target.deploy.cloudfront_id and owed_key(target) in listed:
        plan.owed = read_owed(target, job.bucket)
    guards.refuse_shrunk(len(source.wanted), plan.live, target.deploy)
    _refuse_many_deletes(job, plan)
    _refuse_incomplete(source, plan)
    return plan


def _marked(target: Target, listed: dict[str, Listed]) -> set[str]:
    mark = f"{target.private}environment-"
    return {key.removeprefix(mark) for key in listed if key.startswith(mark)}


def _refuse_many_deletes(job: Job, plan: Plan) -> None:
    asked, gone = job.params.max_deletes, plan.deleting
    free = _is_free(job.target)
    most = most_deletes(job.target, plan.live, None if free else asked)
    if len(gone) <= most:
        return
    named = ", ".join(step.path for step in gone[:5]) + (" …" if gone[5:] else "")
    raise TaskFailed(
        TaskError(
            "too_many_deletes",
            f"{len(gone):,} of {plan.live:,} live files would be deleted, and at most {most:,} may "
            f"be: {named}",
            "escalate",
            "content",
            hint="is the site whole? If it is meant: "
            + (
                f"raise deploy.max_deletes in {CONFIG}"
                if free
                else f"submit it with --set max_deletes={len(gone)}, which is approved with it"
            ),
        ),
        outputs={"live": "untouched", "would_delete": [step.path for step in gone[:1000]]},
    )


def _refuse_incomplete(source: Source, plan: Plan) -> None:
    """A release can be brought back only while all its bytes are somewhere."""
    lost = [
        step.path
        for step in plan.sending
        if step.wanted is not None
        and source.path_of(step.wanted) is None
        and step.path not in source.versions
    ]
    if lost and source.restores is not None:
        raise TaskFailed(
            TaskError(
                "release_incomplete",
                f"{len(lost):,} files of {source.restores.release_id} are not kept any more, "
                f"{lost[0]} among them",
                "escalate",
                "release",
                hint="choose a newer release, or build that commit again and deploy it"
                + (f" ({source.git_commit[:12]})" if source.git_commit else ""),
            ),
            outputs={"live": "untouched", "lost": lost[:100]},
        )


def as_planned(context: Context, target: Target, source: Source, plan: Plan) -> Planned:
    """The plan in the form in which somebody agrees to it."""
    totals = plan.totals
    digest = binds(context.task_type, target, context.params, source)
    return Planned(
        digest=digest,
        environment=target.environment,
        target=str(target),
        summary=plan.summary(),
        changed=totals["new"] + totals["changed"] + totals["metadata"],
        deleted=totals["deleted"],
        details={**details(target, source, plan), "binds": digest},
    )


def binds(task_type: str, target: Target, params: Params, source: Source) -> str:
    """The digest that an approval is given for: this content, to this target, in this way."""
    return approval.digest(
        task_type, target.environment, target.identity(), params.as_agreed(), source.manifest()
    )


def _is_to_do(job: Job, plan: Plan) -> bool:
    """Whether anything is to be done; an earlier deploy may have left all but its release."""
    first = not Releases(job.context.config.root, job.target.environment).ids()
    missing = first and job.target.deploy.releases.keep > 0
    return not plan.is_empty or job.known.partial or missing


def _already_live(job: Job, source: Source, plan: Plan) -> Outcome:
    """Nothing to send, to delete or to make up for: see that the site serves it, and say so."""
    from workflow.deploy.report import unchanged
    from workflow.deploy.sample import expected

    options = job.target.deploy.verify
    seen = verify(
        job.target.verify_url,
        expected(source, plan, options.sample),
        seconds=options.timeout_seconds,
        check=job.context.check,
        say=job.context.say,
    )
    return unchanged(job.target, source, plan, seen, job.known.live)


@contextmanager
def _failures_told(job: Job) -> Iterator[None]:
    """Whatever goes wrong ends in a TaskFailed that says what of the site is live now."""
    try:
        yield
    except ContentChanged as error:
        assert job.source is not None
        raise _with_outputs(content_changed(error, job.source), job) from error
    except S3Error as error:
        raise _with_outputs(TaskFailed(failures.explain(error, str(job.target))), job) from error
    except TaskFailed as failure:
        raise _with_outputs(failure, job) from failure.__cause__
    except OSError:
        if job.publication is not None:
            job.context.record(job.publication.outputs())  # what the result is to tell
        raise


def _with_outputs(failure: TaskFailed, job: Job) -> TaskFailed:
    outputs = job.publication.outputs() if job.publication else {"live": "untouched"}
    return TaskFailed(failure.error, outputs={**outputs, **failure.outputs}, status=failure.status)


def _misconfigured(message: str) -> TaskFailed:
    return TaskFailed(
        TaskError(
            "bucket_conflict", message, "escalate", "configuration",
            hint=f"give each environment a bucket or a prefix of its own in {CONFIG}",
        )
    )  # fmt: skip

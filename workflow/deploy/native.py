"""A native deploy: find out what is to be done, have it agreed to, do it.

    content and guards ─┐
                        ├→ plan → (approval) → publish
    lock → listing ─────┘

Where nobody has to agree the lock is taken first, so that what was listed is what is there. Else
the plan may wait for a person for an hour, and everything is listed again under the lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from workflow.deploy import conflicts
from workflow.deploy.job import Job, opened
from workflow.deploy.s3 import ContentChanged
from workflow.deploy.target import Target
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Context, Outcome
from workflow.layout import CONFIG


def run(context: Context, target: Target) -> Outcome:
    """The whole deploy. Raises TaskFailed, with what was done so far, or AwaitsApproval."""
    with opened(context, target) as job, _failures_told(job), job.failures_told():
        conflict = conflicts.conflict(context.config, target.environment)
        if conflict:
            raise _misconfigured(conflict)
        if target.deploy.account is not None:
            from workflow.deploy.account import require_account

            require_account(target.deploy)
        only_told = job.params.dry_run or context.planning
        job.start_listing(under_lock=target.asks_nobody and not only_told)
        # All that the rest needs is imported while the server makes up its listing.
        from workflow.deploy.deploying import deploy

        return deploy(job)


@contextmanager
def _failures_told(job: Job) -> Iterator[None]:
    """Whatever goes wrong ends in a TaskFailed that says what of the site is live now."""
    try:
        yield
    except ContentChanged as error:
        raise _with_outputs(_content_changed(error, job), job) from error
    except TaskFailed as failure:
        raise _with_outputs(failure, job) from failure.__cause__
    except OSError:
        if job.publication is not None:
            job.context.record(job.publication.outputs())  # what the result is to tell
            job.publication.note_unverified()
        raise


def _with_outputs(failure: TaskFailed, job: Job) -> TaskFailed:
    # What an earlier deploy left half done is so still.
    before = "partial" if job.known.partial else "untouched"
    outputs = job.publication.outputs() if job.publication else {"live": before}
    if job.publication is not None:
        job.publication.note_unverified()
    return TaskFailed(failure.error, outputs={**outputs, **failure.outputs}, status=failure.status)


def _content_changed(error: ContentChanged, job: Job) -> TaskFailed:
    """What was planned is no longer what is there: nothing but what was planned is ever sent."""
    where = "the kept release" if job.params.release else "public/"
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


def _misconfigured(message: str) -> TaskFailed:
    return TaskFailed(
        TaskError(
            "bucket_conflict",
            message,
            "escalate",
            "configuration",
            hint=f"give each environment a bucket or a prefix of its own in {CONFIG}",
        )
    )

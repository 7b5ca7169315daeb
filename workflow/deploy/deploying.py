"""A native deploy once its listing is on its way: content, plan, approval, publication."""

from __future__ import annotations

import json

from workflow.deploy.job import Job
from workflow.deploy.plan import Plan
from workflow.deploy.planning import as_planned, binds, plan_for
from workflow.deploy.publish import Publication
from workflow.deploy.releases import Releases
from workflow.deploy.report import details, published, told, unchanged
from workflow.deploy.s3 import Listed
from workflow.deploy.sample import see_it_served
from workflow.deploy.source import Source, find_source
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Outcome


def deploy(job: Job) -> Outcome:
    """Raises TaskFailed, S3Error, ContentChanged, OSError, AwaitsApproval."""
    context, target, params = job.context, job.target, job.params
    source = find_source(params, target, context.config, check=context.check, store=job.keeping)
    # While the server makes up its listing.
    bound = binds(context.task_type, target, params, source)
    assert job.listing is not None
    plan = _plan(job, source, job.listing.result())
    only_told = params.dry_run or context.planning
    if not (only_told or _is_to_do(plan)):
        return _already_live(job, source, plan)
    planned = as_planned(bound, target, source, plan)
    if params.dry_run or (context.planning and not _is_to_do(plan)):
        return told(planned, plan, params)
    shown, listed_alone = planned.details, job.lock is not None
    # The lock before the agreement counts: who finds it taken comes again with the same approval.
    agreed = context.approve(planned, job.take_lock)
    if not listed_alone:
        # Others may have published since: what is there now counts.
        before, plan = plan, _plan(job, source, job.list())
        _require_agreed(before, plan, waived=agreed.get("way") == "waived")
        shown = details(target, source, plan)
    release_id = Releases(context.config.root, target.environment).next_id(source.digest)
    job.publication = Publication(
        context,
        target,
        source,
        plan,
        job.bucket,
        job.known,
        job.take_lock(),
        job.keeping,
        release_id,
        agreed,
    )
    (context.folder / "plan.json").write_text(
        json.dumps(dict(shown), ensure_ascii=False), encoding="utf-8"
    )
    job.publication.run()
    return published(job.publication)


def _require_agreed(agreed: Plan, plan: Plan, *, waived: bool) -> None:
    """Raises TaskFailed `stale_plan` if more would go, or more than was waived be changed, than
    was agreed to."""
    unseen = {step.path for step in plan.deleting} - {step.path for step in agreed.deleting}
    if not unseen and not (waived and len(plan.sending) > len(agreed.sending)):
        return
    what = f"{min(unseen)} would be deleted too" if unseen else "more would be sent"
    raise TaskFailed(
        TaskError(
            "stale_plan",
            f"the bucket has changed since the plan was agreed to ({what}): nothing was done",
            "fix",
            "decision",
            hint="plan it anew with `workflow retry`, and have that approved",
        )
    )


def _plan(job: Job, source: Source, listed: dict[str, Listed]) -> Plan:
    """The plan, and what there is to do beside sending: an earlier deploy may have left that."""
    plan = plan_for(job.target, job.params, source, listed, job.known, job.bucket)
    if job.known.partial:
        plan.purpose = "but to complete a deploy that did not end: look at the site, note a release"
        return plan
    releases = Releases(job.context.config.root, job.target.environment)
    if job.target.deploy.releases.keep > 0 and not releases.ids():
        plan.purpose = "but to look at the site, and note a first release to go back to"
    return plan


def _is_to_do(plan: Plan) -> bool:
    return not plan.is_empty or bool(plan.purpose)


def _already_live(job: Job, source: Source, plan: Plan) -> Outcome:
    """Nothing to send, to delete or to make up for: see that the site serves it, and say so."""
    seen = see_it_served(job.target, source, plan, job.context.check, job.context.say)
    return unchanged(job.target, source, plan, seen, job.known.live)

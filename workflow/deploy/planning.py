"""From what is wanted and what is there to a plan, unless that must not be carried out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import partial

from workflow import approval, figures
from workflow.deploy import guards
from workflow.deploy.caches import owed_key, read_owed
from workflow.deploy.known import Known
from workflow.deploy.objects import Wanted
from workflow.deploy.plan import GONE, Plan, make_plan, most_deletes
from workflow.deploy.report import details
from workflow.deploy.s3 import Bucket, Listed, in_parallel
from workflow.deploy.source import Source
from workflow.deploy.target import Params, Target
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Planned
from workflow.layout import CONFIG

_NAMED = 5
"""Files that are named; of more it is told in which folders they lie."""


def plan_for(
    target: Target,
    params: Params,
    source: Source,
    listed: Mapping[str, Listed],
    known: Known,
    bucket: Bucket,
) -> Plan:
    """The plan, unless it is one that must not be carried out. Raises TaskFailed, S3Error."""
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
        known,
        bucket,
        md5_of=source.md5_of,
        force=params.force,
        now=bucket.server_time(),
    )
    plan.marked = frozenset(marked)
    if target.deploy.cloudfront_id and owed_key(target) in listed:
        plan.owed = read_owed(target, bucket)
    # What is undone is undone as a whole, and without delay, once a person has agreed to this plan.
    takes_back = params.release is not None and not target.asks_nobody
    if not takes_back:
        guards.refuse_shrunk(len(source.wanted), plan.live, target.deploy)
    _refuse_many_deletes(target, params, plan, takes_back=takes_back)
    _refuse_incomplete(target, source, plan, bucket)
    return plan


def _marked(target: Target, listed: Mapping[str, Listed]) -> set[str]:
    """Whose the bucket says that this folder is, and those below it that another exchange has."""
    own, mark = target.private, f"{target.deploy.private_prefix}environment-"
    found = set()
    for key in listed:
        folder, there, name = key.partition(mark)
        if there and (folder == "" or folder.endswith("/")):
            found.add(name if key.startswith(own) else f"{name} (in {folder})")
    return found


def _refuse_many_deletes(
    target: Target, params: Params, plan: Plan, *, takes_back: bool = False
) -> None:
    """Where a release is taken back, only what was never sent from here counts."""
    asked = params.max_deletes
    gone = [step for step in plan.deleting if not (takes_back and step.reason == GONE)]
    free = target.asks_nobody
    most = most_deletes(target, plan.live, None if free else asked)
    if len(gone) <= most:
        return
    paths = [step.path for step in gone]
    named = ", ".join(paths) if len(paths) <= _NAMED else figures.spread(paths)
    again = f"workflow submit hugo-deploy-{target.environment} --set max_deletes={len(gone)}"
    if params.release is not None:
        again += f" --set release={params.release}"
    raise TaskFailed(
        TaskError(
            "too_many_deletes",
            f"{len(gone):,} of {plan.live:,} live files would be deleted, and at most {most:,} may "
            f"be: {named}",
            "escalate",
            "content",
            hint="is the site whole? If it is meant: "
            + (
                f"let environments.{target.environment}.deploy in {CONFIG} say `max_deletes: "
                f"{{number: {len(gone)}, share: 1}}` for this once"
                if free
                else f"`{again}`, which is approved with it"
            ),
        ),
        outputs={"would_delete": [step.path for step in gone[:1000]]},
    )


def _refuse_incomplete(target: Target, source: Source, plan: Plan, bucket: Bucket) -> None:
    """A release can be brought back only while all its bytes are somewhere."""
    if source.restores is None:
        return
    wanted = [step.wanted for step in plan.sending if step.wanted is not None]
    away = [one for one in wanted if source.place_of(one) is None]
    lost = [one.path for one in away if one.path not in source.versions]

    def look(one: Wanted) -> None:
        head = bucket.head(target.key(one.path), version=source.versions[one.path])
        if head is None or head.sha256 not in (None, one.sha256):
            lost.append(one.path)  # expired, say

    there = [one for one in away if one.path in source.versions]
    in_parallel(target.deploy.workers, (partial(look, one) for one in there), bucket.check)
    lost.sort()
    if lost:
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
            outputs={"lost": lost[:100]},
        )


def as_planned(bound: str, target: Target, source: Source, plan: Plan) -> Planned:
    """The plan in the form in which somebody agrees to it, with each file that is to go. `bound` is
    what `binds` gives."""
    totals = plan.totals
    return Planned(
        digest=_with_deletions(bound, plan),
        environment=target.environment,
        target=target.in_full,
        summary=plan.summary(),
        changed=totals["new"] + totals["changed"] + totals["metadata"],
        deleted=totals["deleted"],
        details={**details(target, source, plan), "binds": bound},
        manifest=source.manifest,
    )


def _with_deletions(bound: str, plan: Plan) -> str:
    """What an approval is given for: what is bound, and, where files are to go, which."""
    gone = sorted(step.path for step in plan.deleting)
    if not gone:
        return bound
    return hashlib.sha256(json.dumps([bound, gone]).encode()).hexdigest()


def binds(task_type: str, target: Target, params: Params, source: Source) -> str:
    """A digest of all but the deletions: this content, to this target, in this way."""
    return approval.digest(
        task_type, target.environment, target.identity(), params.as_agreed(), source.manifest()
    )

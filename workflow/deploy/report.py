"""What a deploy has to tell: its plan as JSON, its outcome in words."""

from __future__ import annotations

from typing import Any

from workflow import figures
from workflow.deploy.plan import Plan
from workflow.deploy.publish import Publication
from workflow.deploy.source import Source
from workflow.deploy.target import Params, Target
from workflow.deploy.verification import Verified
from workflow.handler import Outcome, Planned

_LISTED = 20


def details(target: Target, source: Source, plan: Plan) -> dict[str, Any]:
    """All that `workflow plan` shows."""
    said: dict[str, Any] = {
        "strategy": "native",
        "environment": target.environment,
        "target": str(target),
        "site": target.place.site,
        "region": target.deploy.region,
        "endpoint_url": target.deploy.endpoint_url,
        "site_url": target.verify_url,
        "totals": plan.totals,
        "files": len(source.wanted),
        "total_bytes": source.total_bytes,
        "content_digest": source.digest,
        "actions": [step.as_dict() for step in plan.steps],
    }
    if plan.owed:
        said["owed_invalidation"] = list(plan.owed)
    if source.restores is not None:
        said["restores"] = source.restores.release_id
    if source.git_commit:
        said["git_commit"] = source.git_commit
    return said


def for_real(environment: str | None, params: Params) -> str:
    """What to do after a dry run, with the command that does it."""
    command = f"workflow submit hugo-deploy-{environment}"
    for name in ("site_path", "max_deletes"):
        said = getattr(params, name)
        command += "" if said is None else f" --set {name}={said}"
    if params.release is not None:
        command = f"workflow rollback --env {environment} --to {params.release}"
    return f"To do it: `{command}`"


def told(planned: Planned, plan: Plan, params: Params) -> Outcome:
    """Of a dry run."""
    totals = plan.totals
    nothing = plan.is_empty and not plan.purpose
    what = "Nothing to do for" if nothing else "Dry run for"
    return Outcome(
        outputs={
            "dry_run": True,
            "uploaded_files": 0,
            "deleted_files": 0,
            "unchanged_files": plan.unchanged,
            "would_upload": totals["new"] + totals["changed"] + totals["metadata"],
            "would_delete": totals["deleted"],
            "bytes": 0,
            "live": "untouched",
            "digest": planned.digest,
        },
        verdict=f"{what} {planned.environment}: {planned.summary}. Nothing was sent.",
        summary=_listed(plan),
        next_steps=[] if nothing else [for_real(planned.environment, params)],
        rehearsal=True,
    )


def published(done: Publication) -> Outcome:
    target, plan = done.target, done.plan
    sent, gone = done.sending.files, len(done.deleted)
    counted = [f"{figures.counted(sent, 'file')} sent ({figures.size(done.sending.size)})"]
    if gone:
        counted.append(f"{gone:,} deleted")
    counted.append(f"{plan.unchanged:,} unchanged")
    warnings = [*done.warnings, *done.caches.warnings]
    what = "Published"
    if done.source.restores is not None:
        what = f"Brought back {done.source.restores.release_id}:"
    return Outcome(
        outputs=done.outputs(),
        verdict=f"{what} {target.place.site} to {target.environment}: {', '.join(counted)}; "
        f"{target.verify_url} serves it.",
        summary="\n".join([*(f"- {warning}" for warning in warnings), _listed(plan)]),
        statistics={
            "Files sent": sent,
            "Bytes sent": figures.size(done.sending.size),
            "Files deleted": gone,
            "Files unchanged": plan.unchanged,
            "Files superseded and kept": plan.totals["kept"],
            "Invalidation": done.caches.invalidation_id,
            "Seen on the site": f"{figures.counted(done.verified, 'file')}, as published",
            "Release": done.release_id,
        },
        next_steps=[f"Look at it: {target.verify_url}", _if_wrong(done)],
    )


def _if_wrong(done: Publication) -> str:
    """How to get away from it: back where anything is kept, forward again from an old release."""
    environment, restores = done.target.environment, done.source.restores
    rollback = f"workflow rollback --env {environment}"
    if restores is not None and done.replaces not in (None, restores.release_id):
        return f"If it is wrong: `{rollback} --to {done.replaces}`"
    if restores is None and done.replaces is not None and done.target.deploy.releases.keep > 1:
        return f"If it is wrong: `{rollback}`"
    return f"If it is wrong: mend it, then `workflow publish --env {environment}`"


def unchanged(
    target: Target, source: Source, plan: Plan, seen: Verified, live: str | None
) -> Outcome:
    """Everything is live already."""
    outputs: dict[str, Any] = {
        "uploaded_files": 0,
        "deleted_files": 0,
        "unchanged_files": plan.unchanged,
        "kept_files": plan.totals["kept"],
        "bytes": 0,
        "deployment_id": live or "none",
        "invalidation_id": "not-needed" if target.deploy.cloudfront_id else "no-distribution",
        "site_url": target.verify_url,
        "http_status": seen.http_status,
        "verified_files": seen.checked,
        "live": "complete",
        "content_digest": source.digest,
    }
    return Outcome(
        outputs=outputs,
        verdict=f"Nothing to publish to {target.environment}: all of its "
        f"{figures.counted(plan.unchanged, 'file')} {_are(plan.unchanged)} live already at "
        f"{target.verify_url}.",
        next_steps=[f"Look at it: {target.verify_url}"],
    )


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _listed(plan: Plan) -> str:
    changes = plan.of("new", "changed", "metadata", "delete")
    lines = [f"- {step.action}: `{step.path}` ({step.reason})" for step in changes[:_LISTED]]
    if len(changes) > _LISTED:
        lines.append(f"- and {len(changes) - _LISTED:,} more, see plan.json in the logs")
    return "\n".join(lines)

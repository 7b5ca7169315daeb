"""A deploy by the owner's script: the same guards, approval and verification as a native one.

What the script will send is not known beforehand, so the approval binds everything that decides
it: the whole content of public/, and the script with all that it is given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from workflow import approval, figures
from workflow.deploy import script
from workflow.deploy.content import read_content
from workflow.deploy.plan import Plan, Step
from workflow.deploy.releases import Release, Releases
from workflow.deploy.sample import see_it_served
from workflow.deploy.script import Command, ScriptRun
from workflow.deploy.source import Source, find_source
from workflow.deploy.target import Params, Target
from workflow.deploy.verification import Verified
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Context, Outcome, Planned
from workflow.result import utc


def run(context: Context, target: Target) -> Outcome:
    """Raises TaskFailed, with what is known of how far the script came, or AwaitsApproval."""
    params: Params = context.params
    if params.release is not None:
        raise no_rollback(target)
    command = script.command(target.deploy, context.config)
    source = find_source(params, target, context.config, check=context.check)
    planned = as_planned(context.task_type, target, params, source, command)
    if params.dry_run:
        return _told(planned, params)
    with _locking(context, target) as take_lock:
        how = context.approve(planned, take_lock)
        (context.folder / "plan.json").write_text(
            json.dumps(dict(planned.details), ensure_ascii=False), encoding="utf-8"
        )
        ran = script.run(
            context,
            target.deploy,
            command=command,
            environment=target.environment,
            site_folder=target.place.folder,
            public=target.place.public,
            base_url=target.base_url,
        )
        outputs = {**ran.outputs, "approval": how, "content_digest": source.digest}
        try:
            _require_same(context, target, source)
            seen = see_it_served(
                target, source, _everything(source), context.check, context.say,
                types=False,  # the script chooses types of its own; its content was approved
            )  # fmt: skip
        except TaskFailed as failure:
            raise TaskFailed(
                failure.error, outputs={**outputs, **failure.outputs}, status=failure.status
            ) from failure.__cause__
    outputs["release"] = _note_release(context, target, source, how)
    return _published(target, command, ran, seen, outputs)


@contextmanager
def _locking(context: Context, target: Target) -> Iterator[Callable[[], object]]:
    """How to take the target's lock, where its bucket is known: the script is one of ours then,
    and no other deploy runs beside it, from another machine neither."""
    if target.deploy.bucket is None:
        yield lambda: None
        return
    from workflow.deploy.job import opened

    with opened(context, target) as job, job.failures_told():
        yield job.take_lock


def _everything(source: Source) -> Plan:
    """As a plan: what a script sends is not known, and any of it may be new."""
    return Plan(
        [Step("changed", one.path, "published", one.size, one) for one in source.wanted.values()]
    )


def _note_release(
    context: Context, target: Target, source: Source, approval: dict[str, Any]
) -> str:
    """What was published when and by whose word, for the record; its id."""
    releases = Releases(context.config.root, target.environment)
    release = Release(
        releases.next_id(source.digest),
        target.environment,
        target.place.site,
        str(target),
        target.base_url,
        source.digest,
        utc(datetime.now(UTC)),
        context.task_id,
        tuple(source.wanted[path] for path in sorted(source.wanted)),
        verified=True,
        approval=approval,
        git_commit=source.git_commit,
    )
    if target.deploy.releases.keep:
        releases.write(release.release_id, release.as_json())
        releases.prune(target.deploy.releases.keep)
    return release.release_id


def no_rollback(target: Target) -> TaskFailed:
    """Why a release of this environment cannot be brought back."""
    return TaskFailed(
        TaskError(
            "no_rollback",
            f"{target.environment} is published by a script, which publishes public/ and nothing "
            "else",
            "escalate",
            "release",
            hint="build the commit that you want to go back to, and deploy that",
        )
    )


def as_planned(
    task_type: str, target: Target, params: Params, source: Source, command: Command
) -> Planned:
    """What somebody agrees to: this script, with this content."""
    files = len(source.wanted)
    digest = binds(task_type, target, params, source, command)
    return Planned(
        digest=digest,
        environment=target.environment,
        target=target.in_full,
        summary=f"run {command.name} on {figures.counted(files, 'file')} "
        f"({figures.size(source.total_bytes)})",
        changed=files,  # it may send all of them: no waiver of small changes covers it
        deleted=0,
        details={
            "strategy": "script",
            "environment": target.environment,
            "target": str(target),
            "site": target.place.site,
            "git_commit": source.git_commit,
            "site_url": target.verify_url,
            "script": script.identity(command),
            "files": files,
            "total_bytes": source.total_bytes,
            "content_digest": source.digest,
            "binds": digest,
            "warnings": script.doubts(command),
        },
        manifest=source.manifest,
    )


def binds(task_type: str, target: Target, params: Params, source: Source, command: Command) -> str:
    """The digest that an approval is given for."""
    return approval.digest(
        task_type,
        target.environment,
        {**target.identity(), "script": script.identity(command)},
        params.as_agreed(),
        source.manifest(),
    )


def _require_same(context: Context, target: Target, source: Source) -> None:
    """Raises TaskFailed `content_changed` if the script may have published something else."""
    if not target.deploy.require_build:
        return  # it builds for itself
    if (
        read_content(target.place.public, cache=None, check=context.check).manifest.digest
        != source.digest
    ):
        raise TaskFailed(
            TaskError(
                "content_changed",
                f"{target.place.public} changed while the script ran: what it published may not "
                "be what was approved",
                "escalate",
                "content",
                hint="look at the site; then build it again and deploy it anew",
            ),
            outputs={"live": "unknown"},
        )


def _published(
    target: Target, command: Command, ran: ScriptRun, seen: Verified, outputs: dict[str, Any]
) -> Outcome:
    told = {
        "uploaded_files": "files sent",
        "deleted_files": "deleted",
        "unchanged_files": "unchanged",
    }
    counts = [f"{outputs[key]:,} {word}" for key, word in told.items() if key in outputs]
    counted = f": {', '.join(counts)}" if counts else ""
    return Outcome(
        outputs={**outputs, "http_status": seen.http_status, "verified_files": seen.checked},
        verdict=f"Published {target.place.site} to {target.environment} by {command.name}"
        f"{counted}; {target.verify_url} serves it.",
        summary="\n".join(f"- {warning}" for warning in ran.warnings),
        statistics={
            "Script": command.name,
            "Duration": f"{ran.seconds:.1f} seconds",
            "Seen on the site": f"{figures.counted(seen.checked, 'file')}, as published",
        },
        next_steps=[f"Look at it: {target.verify_url}"],
    )


def _told(planned: Planned, params: Params) -> Outcome:
    from workflow.deploy.report import for_real  # brings all of a native deploy

    return Outcome(
        outputs={
            "dry_run": True,
            "uploaded_files": 0,
            "deleted_files": 0,
            "bytes": 0,
            "live": "untouched",
            "digest": planned.digest,
        },
        verdict=f"Dry run for {planned.environment}: would {planned.summary}. Nothing was run.",
        next_steps=[for_real(planned.environment, params)],
        rehearsal=True,
    )

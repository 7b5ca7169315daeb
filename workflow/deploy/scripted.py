"""A deploy by the owner's script: the same guards, approval and verification as a native one.

What the script will send is not known beforehand, so the approval binds everything that decides
it: the whole content of public/, and the script with all that it is given.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from workflow import approval, figures
from workflow.deploy import script
from workflow.deploy.content import read_content
from workflow.deploy.plan import Plan, Step
from workflow.deploy.sample import expected
from workflow.deploy.script import Command, ScriptRun
from workflow.deploy.source import Source, find_source
from workflow.deploy.target import Params, Target
from workflow.deploy.verification import Verified, verify
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Context, Outcome, Planned


def run(context: Context, target: Target) -> Outcome:
    """Raises TaskFailed, with what is known of how far the script came, or AwaitsApproval."""
    params: Params = context.params
    if params.release is not None:
        raise TaskFailed(
            TaskError(
                "no_rollback",
                f"{target.environment} is published by a script, which publishes public/ and "
                "nothing else",
                "escalate",
                "release",
                hint="build the commit that you want to go back to, and deploy that",
            )
        )
    command = script.command(target.deploy, context.config)
    source = find_source(params, target, context.config, context.check)
    planned = as_planned(context.task_type, target, params, source, command)
    if params.dry_run:
        return _told(planned)
    how = context.approve(planned)
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
        seen = _verify(context, target, source)
    except TaskFailed as failure:
        raise TaskFailed(
            failure.error, outputs={**outputs, **failure.outputs}, status=failure.status
        ) from failure.__cause__
    return _published(target, command, ran, seen, outputs)


def as_planned(
    task_type: str, target: Target, params: Params, source: Source, command: Command
) -> Planned:
    """What somebody agrees to: this script, with this content."""
    files = len(source.wanted)
    digest = binds(task_type, target, params, source, command)
    return Planned(
        digest=digest,
        environment=target.environment,
        target=str(target),
        summary=f"run {command.name} on {figures.counted(files, 'file')} "
        f"({figures.size(source.total_bytes)})",
        changed=files,  # it may send all of them: no waiver of small changes covers it
        deleted=0,
        details={
            "strategy": "script",
            "environment": target.environment,
            "target": str(target),
            "site_url": target.verify_url,
            "script": script.identity(command),
            "files": files,
            "total_bytes": source.total_bytes,
            "content_digest": source.digest,
            "binds": digest,
        },
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
    if read_content(target.place.public, cache=None).manifest.digest != source.digest:
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


def _verify(context: Context, target: Target, source: Source) -> Verified:
    options = target.deploy.verify
    everything = Plan(
        [Step("changed", one.path, "published", one.size, one) for one in source.wanted.values()]
    )
    # The script chooses types of its own for what it sends; its content is what was approved.
    looked_at = [
        replace(one, content_type=None) for one in expected(source, everything, options.sample)
    ]
    return verify(
        target.verify_url,
        looked_at,
        seconds=options.timeout_seconds,
        check=context.check,
        say=context.say,
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


def _told(planned: Planned) -> Outcome:
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
        next_steps=["Submit it without dry_run to run it"],
        rehearsal=True,
    )

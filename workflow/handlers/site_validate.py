"""Checks a built site: links, and what search engines and visitors need, over all of its pages.

    read public/ → hold the rules against it → grade → leave out what is known → group by cause
    → findings.json and findings.sarif beside the log

Changes nothing but its cache and, if asked, the baseline. Safe to repeat.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from workflow import handler
from workflow.config import Config
from workflow.errors import TaskError, TaskFailed, WorkflowError
from workflow.figures import counted
from workflow.handler import Context, Outcome, require_sections
from workflow.hugo.listing import kept_content_files
from workflow.hugo.record import other_environment, read_record
from workflow.hugo.site import Place, locate_place
from workflow.layout import CACHE
from workflow.validator import reporting, sarif, settings
from workflow.validator.causes import Cause
from workflow.validator.rules import all_rules
from workflow.validator.validation import Report, Wish, validate

__all__ = ["EXAMPLE", "OUTPUTS", "Params", "resources", "run"]

OUTPUTS: Mapping[str, str] = {
    "site": "string: its name in workflow.yaml",
    "environment": "string: whose rules counted",
    "base_url": "string: the address that the site was built for",
    "pages": "integer: pages that were read",
    "files": "integer: files that were found, pages too",
    "error_count": "integer: findings, known ones too",
    "warning_count": "integer: findings, known ones too",
    "notice_count": "integer: findings, known ones too",
    "new": "integer: findings that the baseline does not have",
    "known": "integer: findings that the baseline has",
    "fixed": "integer: findings of the baseline that are gone",
    "ignored": "integer: findings that workflow.yaml lets pass",
    "fail_on": "string: the least severity that fails the task",
    "passed": "boolean: whether nothing new is that bad",
    "by_rule": "object: findings by the rule's code",
    "causes": "array: what lies behind the findings, the worst first",
    "errors": "array: the errors, a line each",
    "notes": "array: what could not be looked at, and why",
    "findings_file": "string: all findings, beside the log",
    "sarif_file": "string: the same for editors and GitHub, beside the log",
}
"""And `built_for`, where public/ was built for another environment."""
EXAMPLE = ("--env", "dev")

FINDINGS = "findings.json"
SARIF = "findings.sarif"
_MOST_ERRORS = 20


class Params(handler.Params):
    site_path: str | None = Field(
        default=None, description="site to check, by its name or path; default: the first one"
    )
    environment: str | None = Field(
        default=None, description="environment whose rules count; default: the first one"
    )
    scope: Literal["site", "content"] = Field(
        default="site", description="the built pages, or the Markdown that they are made from"
    )
    public_dir: str | None = Field(
        default=None, description="the site's built folder; it may be named, but no other"
    )
    update_baseline: bool = Field(
        default=False, description="let all that is found now be known from now on"
    )
    external: bool = Field(default=False, description="ask other hosts about links to them")


def resources(params: Params, config: Config) -> Sequence[str]:
    """The site's real path: no build may replace public/ while it is read."""
    try:
        _, site = config.site(params.site_path)
    except WorkflowError:
        return ()  # `run` says what is wrong
    return (os.path.realpath(config.path(site.path)),)


def run(context: Context) -> Outcome:
    params: Params = context.params
    place = locate_place(params.site_path, params.environment, context.config)
    require_sections(context.config, "validate", "forms")
    _require_public(place, params)
    said = _about(place, params, context.config)
    context.say(f"checking {place.site} for {place.environment}")
    try:
        report = validate(_wish(context, place, str(said["base_url"])), context.check)
    except FileNotFoundError as error:
        raise (_changed(place, error) if place.public.is_dir() else _not_built(place)) from error
    except WorkflowError as error:
        raise TaskFailed(
            TaskError(error.code, error.message, "escalate", "configuration", hint=error.hint)
        ) from error
    return _told(context, place, report, said)


def _require_public(place: Place, params: Params) -> None:
    if params.public_dir is not None:
        named = os.path.realpath(os.path.join(place.folder, os.path.expanduser(params.public_dir)))
        if named != os.path.realpath(place.public):
            raise TaskFailed(
                TaskError(
                    "not_the_sites_folder",
                    f"{params.public_dir} is not the built folder of {place.site}, which is "
                    f"{place.public}",
                    "fix",
                    "configuration",
                    hint="leave public_dir out, or name the site that it belongs to as site_path",
                )
            )
    if params.scope == "site" and not place.public.is_dir():
        raise _not_built(place)


def _not_built(place: Place) -> TaskFailed:
    return TaskFailed(
        TaskError(
            "not_built",
            f"{place.site} is not built: there is no folder {place.public}",
            "fix",
            "environment",
            hint=f"build it first: {place.build}",
        )
    )


def _changed(place: Place, error: FileNotFoundError) -> TaskFailed:
    """Builds of ours wait for the check; somebody else's does not."""
    return TaskFailed(
        TaskError(
            "changed_meanwhile",
            f"{error.filename} is gone: the folder was changed while it was read",
            "retry",
            "environment",
            hint=f"let nothing but tasks write into {place.public}",
        )
    )


def _about(place: Place, params: Params, config: Config) -> dict[str, Any]:
    """What every result of this check says, and the address that the site was built for."""
    record = read_record(config.root, place.site)
    base_url = place.configured.base_url if record is None else record.base_url
    said = {"site": place.site, "environment": place.environment, "base_url": base_url}
    other = other_environment(record, place.environment)
    if other is not None and params.scope == "site":
        said["built_for"] = other
    return said


def _wish(context: Context, place: Place, base_url: str) -> Wish:
    params: Params = context.params
    config = context.config
    cache = config.root / CACHE / "validator"

    def ask(folder: Path) -> Mapping[str, str]:
        named = place.configured.hugo_environment or place.environment
        kept = cache / f"{place.site}.listing.json"
        return kept_content_files(lambda: _hugo(config), folder, kept, environment=named)

    return replace(
        settings.configured(
            config,
            place.site,
            place.environment,
            base_url,
            place.public,
            external=params.external,
        ),
        scope=params.scope,
        update_baseline=params.update_baseline,
        cache=cache,
        ask_hugo=ask,
    )


def _hugo(config: Config) -> str | None:
    from workflow.hugo.program import find

    try:
        return find(config).path
    except TaskFailed:
        return None  # a check needs none; it only names fewer content files


def _told(context: Context, place: Place, report: Report, said: dict[str, Any]) -> Outcome:
    public = os.path.relpath(place.public, place.folder).replace(os.sep, "/") + "/"
    _write(context.folder / FINDINGS, {**said, **reporting.in_full(report)})
    _write(
        context.folder / SARIF,
        sarif.document(
            report.new, report.known, all_rules(), base_url=report.base_url, public=public
        ),
    )
    outputs = {
        **said,
        **reporting.as_data(report),
        "errors": [reporting.line(one, report.pages) for one in _errors(report)],
        "notes": report.notes,
        "findings_file": FINDINGS,
        "sarif_file": SARIF,
    }
    verdict = f"{reporting.headline(report)}: {place.site} for {place.environment}"
    other = said.get("built_for")
    verdict += f", but public/ was built for {other}." if other else "."
    failing = report.failing
    if failing:
        summary = "\n".join([f"{verdict}\n", *_summary(report, said)])
        raise TaskFailed(_error(report, failing[0]), outputs=outputs, summary=summary)
    return Outcome(
        outputs=outputs,
        verdict=verdict,
        summary="\n".join(_summary(report, said)),
        statistics={
            "Pages": report.pages,
            "Files": report.files,
            "Findings": len(report.new) + len(report.known),
            "New": len(report.new),
            "Ignored": report.ignored,
        },
        next_steps=_next_steps(report, place, is_built=other is None),
    )


def _errors(report: Report) -> list[Cause]:
    return [one for one in report.causes if one.severity == "error"][:_MOST_ERRORS]


def _summary(report: Report, said: Mapping[str, Any]) -> list[str]:
    told = []
    if "built_for" in said:
        told.append(
            f"public/ was built for {said['built_for']}: addresses are judged as those of "
            f"{said['base_url']}.\n"
        )
    more = reporting.details(report)
    if more:
        told.append(f"{more[0].upper()}{more[1:]}.\n")
    told += reporting.lines(report, markdown=True)
    return [*told, *(f"- {note}" for note in report.notes)]


def _error(report: Report, worst: Cause) -> TaskError:
    first = worst.first
    source = first.source or worst.source
    path, line = sarif.split_place(source) if source else (first.page, first.line)
    others = len(report.failing) - 1
    more = f"; and {counted(others, 'more cause')} of failure" if others else ""
    where = f" (on {counted(worst.pages, 'page')})" if worst.pages > 1 else f" ({first.page})"
    return TaskError(
        "findings",
        f"{worst.code}: {worst.message.rstrip('.')}{where}{more}",
        "fix",
        "content",
        file=path,
        line=line,
        column=None if source else first.column,
        excerpt=first.excerpt,
        hint=worst.hint,
    )


def _next_steps(report: Report, place: Place, *, is_built: bool) -> list[str]:
    steps = []
    if report.causes:
        steps.append(f"All findings, with their places: {FINDINGS} beside the log")
    if not is_built:
        steps.append(f"Build it for {place.environment}, and check that: {place.build}")
    elif place.configured.deploy is not None:
        steps.append(f"Ready for deployment: `workflow submit hugo-deploy-{place.environment}`")
    return steps


def _write(path: Path, said: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

"""Checks the forms that the built site embeds: JotForm has them, and they do what they should.

    read public/ → which forms, where → ask JotForm → places in the sources → findings.json

Changes nothing. Safe to repeat.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from workflow import handler
from workflow.config import Config
from workflow.errors import Action, TaskError, TaskFailed, WorkflowError
from workflow.figures import counted
from workflow.forms.checking import KINDS, Finding, Report, check_forms, placed
from workflow.forms.client import JotForm
from workflow.forms.embedded import embeds
from workflow.handler import Context, Outcome, require_sections
from workflow.hugo.listing import kept_content_files
from workflow.hugo.program import find
from workflow.hugo.record import BuildRecord, other_environment, read_record
from workflow.hugo.site import Place, locate_place
from workflow.layout import CACHE
from workflow.validator.files.reading import read_site
from workflow.validator.pages.positions import places
from workflow.validator.sarif import split_place
from workflow.validator.sites import Site
from workflow.validator.sources import Sources, hugo_site

__all__ = ["EXAMPLE", "OUTPUTS", "Params", "resources", "run"]

FINDINGS = "findings.json"
_MOST_TOLD = 20
OUTPUTS: Mapping[str, str] = {
    "site": "string: the site that was checked",
    "environment": "string: for which environment",
    "passed": "boolean: whether there is no error",
    "pages": "integer: pages of the built site",
    "form_count": "integer: forms that its pages embed or link to",
    "forms": "array: each with id, name in workflow.yaml, title, status and pages",
    "errors": "array: each error in a line; empty",
    "error_count": "integer: errors; 0",
    "warning_count": "integer: warnings",
    "notice_count": "integer: notices",
    "findings_file": "string: all findings with their places, beside the log",
}
"""And `built_for`, where public/ was built for another environment."""
EXAMPLE: tuple[str, ...] = ("--env", "staging")


class Params(handler.Params):
    site_path: str | None = Field(
        default=None, description="site to check, by its name or path; default: the first one"
    )
    environment: str | None = Field(
        default=None, description="environment that it was built for; default: the first one"
    )


def resources(params: Params, config: Config) -> Sequence[str]:
    """The site's real path: no build may replace public/ while it is read."""
    try:
        _, site = config.site(params.site_path)
    except WorkflowError:
        return ()  # `run` says what is wrong
    return (os.path.realpath(config.path(site.path)),)


def run(context: Context) -> Outcome:
    params: Params = context.params
    config = context.config
    place = locate_place(params.site_path, params.environment, config)
    require_sections(config, "forms")
    record = read_record(config.root, place.site)
    site = _read(place, record, context)
    found = embeds(site.pages)
    context.say(f"asking JotForm about the forms of {counted(len(site.pages), 'page')}")
    report = check_forms(found, config.forms, lambda: JotForm.open(config, context.check))
    findings = _placed(report.findings, site, place, config)
    other = other_environment(record, place.environment)
    return _told(context, place, site, report, findings, other)


def _read(place: Place, record: BuildRecord | None, context: Context) -> Site:
    try:
        site = read_site(
            place.public,
            base_url=place.configured.base_url if record is None else record.base_url,
            cache=context.config.root / CACHE / "validator",
            environment=place.environment,
            check=context.check,
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _not_built(place, "there is no such folder") from error
    if not site.pages:
        raise _not_built(place, "it holds no page")
    return site


def _not_built(place: Place, why: str) -> TaskFailed:
    return TaskFailed(
        TaskError(
            "not_built",
            f"{place.site} is not built into {place.public}: {why}",
            "fix",
            "environment",
            hint=f"build it first: {place.build}",
        )
    )


def _placed(findings: Sequence[Finding], site: Site, place: Place, config: Config) -> list[Finding]:
    folder = hugo_site(site.folder)
    sources = None
    if folder is not None:
        kept = config.root / CACHE / "validator" / f"{place.site}.listing.json"
        named = place.configured.hugo_environment or place.environment

        def ask() -> Mapping[str, str]:
            return kept_content_files(lambda: _hugo(config), folder, kept, environment=named)

        sources = Sources(folder, ask)
    return placed(findings, lambda one: _place(one, site, sources))


def _hugo(config: Config) -> str | None:
    try:
        return find(config).path
    except TaskFailed:
        return None  # a check needs none; it only names fewer content files


def _place(finding: Finding, site: Site, sources: Sources | None) -> dict[str, Any]:
    """Where to mend it, in the sources as far as they tell, and in the built page."""
    first = finding.embeds[0]
    said: dict[str, Any] = {}
    if sources is not None:
        source = sources.content_line(first.page, finding.code, first.form)
        if source is None or ":" not in source:
            # Not in the text of the page: a shortcode or a partial has it.
            source = sources.reference(finding.code, first.form) or source
        said["source"] = source
    try:
        raw = (site.folder / first.page).read_bytes()
    except OSError:
        return said
    spots = places(raw, first.element, first.attribute, first.mark)
    if spots:
        said["line"], said["column"], said["excerpt"] = spots[0]
    return said


def _told(
    context: Context,
    place: Place,
    site: Site,
    report: Report,
    findings: Sequence[Finding],
    other: str | None,
) -> Outcome:
    """`other`: the environment that public/ was built for, if it is not the one asked about."""
    counts = Counter(one.severity for one in findings)
    errors = [one for one in findings if one.severity == "error"]
    outputs: dict[str, Any] = {
        "site": place.site,
        "environment": place.environment,
        "passed": not errors,
        "pages": len(site.pages),
        "form_count": len(report.forms),
        "forms": [
            {
                "id": one.id,
                "name": one.name,
                "title": one.title,
                "status": one.status,
                "pages": len({found.page for found in one.embeds}),
            }
            for one in report.forms
        ],
        "errors": [_line(one) for one in errors[:_MOST_TOLD]],
        "error_count": counts["error"],
        "warning_count": counts["warning"],
        "notice_count": counts["notice"],
        "findings_file": FINDINGS,
        **({"built_for": other} if other else {}),
    }
    _write(context.folder / FINDINGS, {**outputs, "findings": [_data(one) for one in findings]})
    summary = "\n".join(f"- {one.severity}: {_line(one)}" for one in findings[:_MOST_TOLD])
    if len(findings) > _MOST_TOLD:
        summary += f"\n- … and {len(findings) - _MOST_TOLD} more, all in {FINDINGS}"
    verdict = _verdict(outputs, report, place)
    steps = [f"All findings, with their places: {FINDINGS} beside the log"] if findings else []
    if other:
        doubt = f"public/ was built for {other}, not for {place.environment}"
        verdict = f"{verdict.rstrip('.')}, but {doubt}."
        summary = f"{doubt}.\n\n{summary}".rstrip()
        steps.append(f"Build it for {place.environment}, and check that: {place.build}")
    if errors:
        raise TaskFailed(_error(errors), outputs=outputs, summary=summary)
    return Outcome(
        outputs=outputs,
        verdict=verdict,
        summary=summary,
        statistics={
            "Pages": len(site.pages),
            "Forms": len(report.forms),
            "Warnings": counts["warning"],
            "Notices": counts["notice"],
        },
        next_steps=steps,
    )


def _verdict(outputs: Mapping[str, Any], report: Report, place: Place) -> str:
    pages = counted(outputs["pages"], "page")
    if not outputs["form_count"]:
        embeds = "embeds" if outputs["pages"] == 1 else "embed"
        return f"{pages} of {place.site} {embeds} no form; JotForm was not asked."
    having = len({found.page for one in report.forms for found in one.embeds})
    forms = counted(outputs["form_count"], "form")
    more = [
        counted(outputs[f"{severity}_count"], severity)
        for severity in ("warning", "notice")
        if outputs[f"{severity}_count"]
    ]
    told = f"; {' and '.join(more)}" if more else ""
    are = "is" if outputs["form_count"] == 1 else "are"
    return f"{forms} on {having} of {pages} of {place.site} {are} ready to take entries{told}."


def _error(errors: Sequence[Finding]) -> TaskError:
    """Of what Claude Code can mend it is told first: the rest waits for a person anyway."""
    action: Action = "fix" if any(one.action == "fix" for one in errors) else "escalate"
    first = next(one for one in errors if one.action == action)
    more = f"; and {counted(len(errors) - 1, 'more error')}" if len(errors) > 1 else ""
    path: str | None = None
    line: int | None = None
    if first.source is not None:
        path, line = split_place(first.source)
    elif first.embeds:
        path, line = first.embeds[0].page, first.line
    return TaskError(
        "findings",
        f"{first.code}: {first.message}{more}",
        action,
        "forms",
        file=path,
        line=line,
        column=None if first.source else first.column,
        excerpt=first.excerpt,
        hint=first.hint or KINDS[first.code].hint,
    )


def _line(finding: Finding) -> str:
    pages = list(dict.fromkeys(one.page for one in finding.embeds))
    where = finding.source or (pages[0] if pages else "")
    more = f", on {counted(len(pages), 'page')}" if len(pages) > 1 else ""
    at = f" ({where}{more})" if where else ""
    return f"{finding.code}: {finding.message}{at}"


def _data(finding: Finding) -> dict[str, Any]:
    said = {
        "code": finding.code,
        "severity": finding.severity,
        "action": finding.action,
        "form": finding.form,
        "message": finding.message,
        "hint": finding.hint or KINDS[finding.code].hint,
        "source": finding.source,
        "line": finding.line,
        "column": finding.column,
        "excerpt": finding.excerpt,
        "pages": list(dict.fromkeys(one.page for one in finding.embeds)),
    }
    return {key: value for key, value in said.items() if value is not None}


def _write(path: Path, said: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

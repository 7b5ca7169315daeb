"""How much each finding counts, and which are let pass for a reason that somebody gave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from workflow.deploy.patterns import matches
from workflow.errors import WorkflowError, nearest
from workflow.validator.findings import Finding, Rule, Severity

Grade = Literal["off", "notice", "warning", "error"]
FailOn = Literal["error", "warning", "notice", "never"]

RANK: Mapping[str, int] = {"error": 0, "warning": 1, "notice": 2}
"""Worst first."""


class Ignore(NamedTuple):
    """Findings that are let pass. Whatever is given must match; see `deploy.patterns`."""

    reason: str
    rule: str | None = None
    page: str | None = None
    url: str | None = None

    def means(self, finding: Finding) -> bool:
        if self.rule is not None and self.rule != finding.code:
            return False
        if self.page is not None and not matches(self.page, finding.page):
            return False
        return self.url is None or _is_url(self.url, finding.url)

    def told(self) -> str:
        """`rule link-broken, url https://example.com/**`"""
        named = (("rule", self.rule), ("page", self.page), ("url", self.url))
        return ", ".join(f"{name} {value}" for name, value in named if value is not None)


def _is_url(pattern: str, url: str | None) -> bool:
    if url is None:
        return False
    # A leading slash is a pattern's anchor, and an address of this site may or may not have one.
    return url == pattern or matches(pattern, url.removeprefix("/"))


class Graded(NamedTuple):
    """What is left of the findings, and what was not counted."""

    findings: list[Finding]
    ignored: int
    unused: list[Ignore]
    """Whose findings are gone: they should go too."""


def require_known(codes: Iterable[str], rules: Mapping[str, Rule], where: str) -> None:
    """Raise WorkflowError `unknown_rule` if one of the codes is no rule's."""
    for code in codes:
        if code not in rules:
            raise WorkflowError(
                "unknown_rule",
                f"{where} names the rule {code!r}, and there is none of that name",
                hint="docs/validation.md lists them all",
                did_you_mean=nearest(code, list(rules)),
            )


def graded(
    findings: Iterable[Finding],
    rules: Mapping[str, Rule],
    grades: Mapping[str, Grade] | None = None,
    ignores: Sequence[Ignore] = (),
    *,
    not_run: frozenset[str] = frozenset(),
) -> Graded:
    """The findings that count, each with its severity: `grades` before what the finding itself
    says before what its rule says. Rules that were `not_run` leave no ignore unused.
    """
    grades = grades or {}
    kept: list[Finding] = []
    used: set[int] = set()
    ignored = 0
    for finding in findings:
        grade = grades.get(finding.code)
        if grade == "off":
            continue
        passed = [number for number, ignore in enumerate(ignores) if ignore.means(finding)]
        if passed:
            used.update(passed)
            ignored += 1
            continue
        severity = grade or finding.severity or rules[finding.code].severity
        kept.append(finding._replace(severity=severity))
    off = {code for code, grade in grades.items() if grade == "off"} | not_run
    unused = [
        ignore
        for number, ignore in enumerate(ignores)
        if number not in used and ignore.rule not in off
    ]
    return Graded(kept, ignored, unused)


def fails(findings: Iterable[Finding], fail_on: FailOn) -> list[Finding]:
    """Those of the findings that are as bad as `fail_on`, or worse."""
    if fail_on == "never":
        return []
    return [one for one in findings if RANK[one.severity or "error"] <= RANK[fail_on]]


def counts(findings: Iterable[Finding]) -> dict[Severity, int]:
    """How many there are of each severity, worst first."""
    told: dict[Severity, int] = dict.fromkeys(get_args(Severity), 0)
    for one in findings:
        told[one.severity or "error"] += 1
    return told

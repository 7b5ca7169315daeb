"""Findings grouped by what must be mended, worst first.

A broken link in the footer stands on every page and is one mistake, in one template. A title that
is too long is one page's own. Whoever owns the site wants to read of either once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from workflow.validator.findings import Finding, Rule, Severity
from workflow.validator.grading import RANK

MANY_PAGES = 5
"""From so many pages on, what they have in common is a template's."""
MOST_OF = 0.6
"""Of a section's pages, or of all, for a finding to be their template's."""
SINGLES = {"error": 6, "warning": 2, "notice": 1}
"""Mistakes of one rule that are told one by one; the rest of them together."""


class Cause(NamedTuple):
    """One thing to mend."""

    code: str
    severity: Severity
    message: str
    hint: str
    findings: tuple[Finding, ...]
    pages: int
    """On how many it stands."""
    whole: int | None = None
    """If a template's: how many pages there are that could have it."""
    section: str = ""
    """If a section's template's: the section."""
    source: str | None = None
    """Where to mend it: a template, a content file, a configuration."""

    @property
    def is_template(self) -> bool:
        return self.whole is not None

    @property
    def first(self) -> Finding:
        return self.findings[0]


def causes(
    findings: Sequence[Finding], pages: Iterable[str] | None, rules: Mapping[str, Rule]
) -> list[Cause]:
    """What stands behind the findings (graded ones), worst first.

    `pages` are all that somebody reads: a thing that nearly all have is their template's. None:
    what was looked at has no templates.
    """
    sections = Counter(map(section_of, pages or ()))
    left = list(findings)
    made: list[Cause] = []
    # The same reference, or the same sentence whatever the reference, on most pages.
    for key in (_by_reference, _by_message) if pages is not None else ():
        left = _take_templates(left, key, sections, made, rules)
    units = sorted(_groups(left, _by_message).values(), key=len, reverse=True)
    by_rule: dict[tuple[str, Severity], list[list[Finding]]] = defaultdict(list)
    for unit in units:
        by_rule[unit[0].code, unit[0].severity or "error"].append(unit)
    for (_, severity), alike in by_rule.items():
        singles = SINGLES[severity]
        if len(alike) == singles + 1:  # a line for the rest would be no shorter than the rest
            singles += 1
        made += [_cause(unit, rules) for unit in alike[:singles]]
        rest = [one for unit in alike[singles:] for one in unit]
        if rest:
            made.append(_cause(rest, rules, rest=True))
    return sorted(made, key=_order)


def section_of(page: str) -> str:
    """The first folder of a page's path: `blog` of `blog/one/index.html`; empty for the root's."""
    return page.split("/", 1)[0] if "/" in page else ""


def _by_reference(finding: Finding) -> Hashable:
    return finding.code, finding.severity, finding.url, finding.element


def _by_message(finding: Finding) -> Hashable:
    return finding.code, finding.severity, finding.message


def _groups(
    findings: Iterable[Finding], key: Callable[[Finding], Hashable]
) -> dict[Hashable, list[Finding]]:
    groups: dict[Hashable, list[Finding]] = defaultdict(list)
    for one in findings:
        groups[key(one)].append(one)
    return groups


def _take_templates(
    findings: list[Finding],
    key: Callable[[Finding], Hashable],
    sections: Counter[str],
    made: list[Cause],
    rules: Mapping[str, Rule],
) -> list[Finding]:
    """Turn what stands on most pages into causes; what is left comes back."""
    left: list[Finding] = []
    for group in _groups(findings, key).values():
        pages = {one.page for one in group}
        if len(pages) < MANY_PAGES:
            left += group
        elif len(pages) >= MOST_OF * sections.total():
            made.append(_cause(group, rules, whole=max(sections.total(), len(pages))))
        else:
            left += _take_sections(group, pages, sections, made, rules)
    return left


def _take_sections(
    group: list[Finding],
    pages: set[str],
    sections: Counter[str],
    made: list[Cause],
    rules: Mapping[str, Rule],
) -> list[Finding]:
    here = Counter(map(section_of, pages))
    taken = {
        name
        for name, count in here.items()
        if name and count >= MANY_PAGES and count >= MOST_OF * sections[name]
    }
    for name in sorted(taken):
        inside = [one for one in group if section_of(one.page) == name]
        made.append(_cause(inside, rules, whole=max(sections[name], here[name]), section=name))
    return [one for one in group if section_of(one.page) not in taken]


def _cause(
    group: Sequence[Finding],
    rules: Mapping[str, Rule],
    *,
    whole: int | None = None,
    section: str = "",
    rest: bool = False,
) -> Cause:
    first = group[0]
    rule = rules[first.code]
    messages = {one.message for one in group}
    hints = {one.hint for one in group}
    if len(messages) == 1:
        message = first.message
    else:
        more = "more: " if rest else ""
        message = f"{more}{rule.summary.rstrip('.')} (one of {len(group):,}: {first.message})"
    return Cause(
        code=first.code,
        severity=first.severity or rule.severity,
        message=message,
        hint=(first.hint if len(hints) == 1 else None) or rule.hint,
        findings=tuple(group),
        pages=len({one.page for one in group}),
        whole=whole,
        section=section,
        source=first.source if len({one.source for one in group}) == 1 else None,
    )


def _order(cause: Cause) -> tuple[int, bool, int, str, str, str]:
    """Worst first; of those, what one template does to most pages; then by rule and page."""
    pages = -cause.pages if cause.is_template else 0
    return (
        RANK[cause.severity], not cause.is_template, pages, cause.code, cause.first.page,
        cause.message,
    )  # fmt: skip


def placed_in(cause: Cause, source: str) -> Cause:
    """The cause, and its findings, with the file in which it is mended."""
    found = tuple(one._replace(source=source) for one in cause.findings)
    return cause._replace(source=source, findings=found)

"""What a check has to tell: to whoever owns the site in thirty lines, to programs in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from workflow.figures import counted
from workflow.validator.baseline import mark
from workflow.validator.findings import Finding
from workflow.validator.grading import RANK, counts
from workflow.validator.sarif import split_place

if TYPE_CHECKING:
    from workflow.validator.causes import Cause
    from workflow.validator.validation import Report

MOST_LINES = 30
_MOST_CAUSES = 18
_NAMED = 2
"""Pages that a line names."""
_LONGEST_MESSAGE = 220
_LONGEST_HINT = 160
_MOST_ANNOTATIONS = 50
"""GitHub shows ten of a kind for each step; the rest can be read in its log."""

FORMAT = 1
"""Of the findings in full."""


def headline(report: Report) -> str:
    """One sentence: `3 errors, 12 warnings and 40 notices on 789 pages (1,204 files)`."""
    there = [
        counted(number, severity)
        for severity, number in counts([*report.new, *report.known]).items()
        if number
    ]
    found = _listed(there) if there else "Nothing to mend"
    return f"{found} on {counted(report.pages, 'page')} ({counted(report.files, 'file')})"


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]])) if parts else ""


def details(report: Report) -> str:
    """What else there is to say of the findings: known, mended, let pass. Empty if there is not."""
    told = []
    if report.has_baseline:
        told.append(f"{len(report.new):,} new since the baseline")
        if report.fixed:
            told.append(f"{len(report.fixed):,} of the baseline mended")
    if report.ignored:
        told.append(f"{report.ignored:,} ignored with a reason")
    return "; ".join(told)


def lines(report: Report, *, markdown: bool = False) -> list[str]:
    """The causes, worst first, then the table of rules: at most MOST_LINES."""
    if not report.causes:
        return []
    bullet = "- " if markdown else ""
    heading, rows = _markdown_table(report) if markdown else _plain_table(report)
    room = MOST_LINES - len(heading) - 2  # an empty line before the table, and what is left out
    shown = max(min(len(report.causes), _MOST_CAUSES), room - len(rows))
    told = [bullet + line(cause, report.pages) for cause in report.causes[:shown]]
    left = report.causes[shown:]
    if left:
        worst = _listed([counted(n, s) for s, n in _severities(left).items() if n])
        told.append(f"{bullet}and {counted(len(left), 'more cause')} ({worst})")
    most = MOST_LINES - len(told) - len(heading) - 1
    if len(rows) > most:
        rows = [*rows[: most - 1], _more_rules(len(rows) - most + 1, markdown)]
    return [*told, "", *heading, *rows]


def _more_rules(number: int, markdown: bool) -> str:
    told = f"and {counted(number, 'more rule')}"
    return f"| {told} | | | |" if markdown else told


def _severities(causes: Sequence[Cause]) -> Counter[str]:
    numbers = Counter[str](cause.severity for cause in causes)
    return Counter({severity: numbers[severity] for severity in RANK})


def line(cause: Cause, pages: int) -> str:
    """`error link-broken on 789 of 789 pages: /about/team/ is not there. In layouts/nav.html:12.
    Correct the address…`, on one line."""
    where = f" in {cause.source}" if cause.source else ""
    return (
        f"{cause.severity} {cause.code} {_spread(cause, pages)}{where}: "
        f"{_sentence(cause.message, _LONGEST_MESSAGE)} {_sentence(cause.hint, _LONGEST_HINT)}"
    ).rstrip()


def _spread(cause: Cause, pages: int) -> str:
    if cause.is_template:
        of = f"of {cause.section}/" if cause.section else ""
        told = f"on {cause.pages:,} of {cause.whole:,} pages {of}".rstrip()
        return told if cause.source else f"{told}, so probably in a template"
    if cause.pages > 1:
        told = f"on {counted(cause.pages, 'page')}"
        if cause.source:
            return told
        where = list(dict.fromkeys(one.source or one.page for one in cause.findings))
        more = f" and {len(where) - _NAMED:,} more" if where[_NAMED:] else ""
        return f"{told} ({', '.join(where[:_NAMED])}{more})"
    place = f":{cause.first.line}" if cause.first.line and not cause.source else ""
    times = f", {len(cause.findings)} times" if len(cause.findings) > 1 else ""
    return f"on {cause.first.page}{place}{times}"


def _sentence(text: str, longest: int) -> str:
    text = " ".join(text.split())
    if len(text) > longest:
        return text[: longest - 1].rstrip() + "…"
    return f"{text}." if text and text[-1] not in ".?!…" else text


_HEADINGS = ("RULE", "SEVERITY", "FINDINGS", "PAGES")


def _cells(report: Report) -> list[tuple[str, ...]]:
    return [
        (code, severity, f"{found:,}", f"{pages:,}")
        for code, severity, found, pages in by_rule(report)
    ]


def _plain_table(report: Report) -> tuple[list[str], list[str]]:
    """Its heading and its rows, in columns, figures to the right."""
    rows = [_HEADINGS, *_cells(report)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    told = [
        "  ".join(
            cell.rjust(width) if column > 1 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return told[:1], told[1:]


def _markdown_table(report: Report) -> tuple[list[str], list[str]]:
    heading = [f"| {' | '.join(_HEADINGS).lower()} |", "| --- | --- | ---: | ---: |"]
    return heading, [f"| {' | '.join(row)} |" for row in _cells(report)]


def by_rule(report: Report) -> list[tuple[str, str, int, int]]:
    """(code, severity, findings, pages), worst first and then by number."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in [*report.new, *report.known]:
        found.setdefault((one.code, one.severity or "error"), []).append(one.page)
    rows = [(code, grade, len(pages), len(set(pages))) for (code, grade), pages in found.items()]
    return sorted(rows, key=lambda row: (RANK[row[1]], -row[2], row[0]))


def as_data(report: Report) -> dict[str, Any]:
    """The figures and the causes: what stands in a result, and in `data` of a reply."""
    return {
        "pages": report.pages,
        "files": report.files,
        **{f"{severity}_count": n for severity, n in _all_counts(report).items()},
        "new": len(report.new),
        "known": len(report.known),
        "fixed": len(report.fixed),
        "ignored": report.ignored,
        "fail_on": report.fail_on,
        "passed": not report.failing,
        "by_rule": {code: found for code, _, found, _ in by_rule(report)},
        "causes": [cause_data(cause) for cause in report.causes[:MOST_LINES]],
    }


def _all_counts(report: Report) -> dict[str, int]:
    return {str(severity): n for severity, n in counts([*report.new, *report.known]).items()}


def cause_data(cause: Cause) -> dict[str, Any]:
    said = {
        "code": cause.code,
        "severity": cause.severity,
        "message": cause.message,
        "hint": cause.hint,
        "source": cause.source,
        "template": cause.is_template,
        "findings": len(cause.findings),
        "pages": cause.pages,
        "page": cause.first.page,
        "url": cause.first.url,
    }
    return {key: value for key, value in said.items() if value is not None}


def in_full(report: Report) -> dict[str, Any]:
    """Everything, as JSON's values: the file beside the log."""
    return {
        "format": FORMAT,
        "base_url": report.base_url,
        "environment": report.environment,
        **as_data(report),
        "causes": [cause_data(cause) for cause in report.causes],
        "findings": [
            *(finding_data(one, report.base_url, is_new=True) for one in report.new),
            *(finding_data(one, report.base_url, is_new=False) for one in report.known),
        ],
        "mended": [one._asdict() for one in report.fixed],
        "notes": report.notes,
    }


def finding_data(finding: Finding, base_url: str | None, *, is_new: bool) -> dict[str, Any]:
    told = {name: value for name, value in finding._asdict().items() if value is not None}
    return {**told, "new": is_new, "known_as": list(mark(finding, base_url))}


def github(report: Report, prefix: str, public: str) -> Iterator[str]:
    """Workflow commands of GitHub Actions, one for each cause that is new, worst first.

    `prefix` and `public` as in `sarif.document`.
    """
    for cause in report.causes[:_MOST_ANNOTATIONS]:
        first = cause.first
        if cause.source is not None:
            path, at = split_place(cause.source)
            place: dict[str, Any] = {"file": prefix + path, "line": at}
        else:
            path = prefix + public + first.page
            place = {"file": path, "line": first.line, "col": first.column}
        place["title"] = cause.code
        told = ",".join(f"{key}={_property(str(v))}" for key, v in place.items() if v is not None)
        times = f" ({counted(cause.pages, 'page')})" if cause.pages > 1 else ""
        text = f"{_sentence(cause.message, 500)}{times} {_sentence(cause.hint, 300)}"
        yield f"::{cause.severity} {told}::{_data(text.strip())}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

"""Findings as SARIF 2.1.0 (OASIS), which GitHub's code scanning and editors read."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from workflow import __version__
from workflow.validator.baseline import mark
from workflow.validator.findings import Finding, Rule

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "notice": "note"}
FINGERPRINT = "workflowFinding/v1"
_PLACE = re.compile(r"(.+?):(\d+)(?:, |$)")


def document(
    new: Iterable[Finding],
    known: Iterable[Finding],
    rules: Mapping[str, Rule],
    *,
    base_url: str | None = None,
    prefix: str = "",
    public: str = "",
) -> dict[str, Any]:
    """The whole file, as JSON's values.

    `prefix` stands before every path: the site's folder as seen from whoever reads the file (the
    root of the repository). `public` stands before a page where no source of it is known.
    """
    fresh, old = list(new), list(known)
    used = sorted({one.code for one in [*fresh, *old]})
    numbers = {code: number for number, code in enumerate(used)}
    seen: Counter[str] = Counter()
    results = [
        _result(one, state, numbers, seen, base_url, prefix, public)
        for state, some in (("new", fresh), ("unchanged", old))
        for one in some
    ]
    driver = {
        "name": "workflow check",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(rules[code]) for code in used],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.code.split("-")),
        "shortDescription": {"text": rule.summary},
        "help": {"text": rule.hint},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
    }


def _result(
    finding: Finding,
    state: str,
    numbers: Mapping[str, int],
    seen: Counter[str],
    base_url: str | None,
    prefix: str,
    public: str,
) -> dict[str, Any]:
    page = _location(prefix + public + finding.page, finding.line, finding.column, finding.excerpt)
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": numbers[finding.code],
        "level": LEVELS[finding.severity or "error"],
        "message": {"text": finding.message},
        "locations": [page],
        "partialFingerprints": {FINGERPRINT: _fingerprint(finding, seen, base_url)},
        "baselineState": state,
    }
    path, line = split_place(finding.source) if finding.source is not None else ("", None)
    if path == finding.page:
        place = _location(prefix + path, finding.line, finding.column, finding.excerpt)
        result["locations"] = [place]
    elif path:
        # Readers open the first location, and only the source can be mended.
        result["locations"] = [_location(prefix + path, line)]
        result["relatedLocations"] = [{**page, "message": {"text": "in the built page"}}]
    return result


def split_place(source: str) -> tuple[str, int | None]:
    """`content/about.md:12` -> the path and the line; of several places the first."""
    first = _PLACE.match(source)
    return (first[1], int(first[2])) if first is not None else (source, None)


def _location(
    path: str, line: int | None = None, column: int | None = None, excerpt: str | None = None
) -> dict[str, Any]:
    physical: dict[str, Any] = {
        "artifactLocation": {"uri": quote(path), "uriBaseId": "%SRCROOT%"},
    }
    if line is not None:
        region: dict[str, Any] = {"startLine": line}
        if column is not None:
            region["startColumn"] = column
        if excerpt:
            region["snippet"] = {"text": excerpt}
        physical["region"] = region
    return {"physicalLocation": physical}


def _fingerprint(finding: Finding, seen: Counter[str], base_url: str | None) -> str:
    """The same from run to run while lines move; of several alike the first, the second, …"""
    told = "\0".join(mark(finding, base_url))
    number = seen[told]
    seen[told] += 1
    return hashlib.sha256(f"{told}\0{number}".encode("utf-8", "surrogatepass")).hexdigest()[:32]

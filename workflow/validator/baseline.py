"""What is known and not yet mended: a file of findings that do not fail a site again.

    {
     "format": 1,
     "findings": [
      {"code": "link-broken", "page": "blog/index.html", "url": "/old/", "count": 1},
      …
     ]
    }

Sorted, one finding a line, without line numbers and without anything that changes from run to run:
it is made to lie in git and to be read in a diff. Addresses of the site itself are kept without its
base URL, so that one file serves every environment.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from workflow import durable
from workflow.errors import WorkflowError
from workflow.validator.findings import Finding

FORMAT = 1


class Mark(NamedTuple):
    """What stays the same of a finding while the page around it changes."""

    code: str
    page: str
    url: str


class Compared(NamedTuple):
    """A run held against its baseline. All three in the order of the findings, or sorted."""

    new: list[Finding]
    known: list[Finding]
    fixed: list[Mark]
    """No longer found: the baseline should be written anew."""


def mark(finding: Finding, base_url: str | None = None) -> Mark:
    """By what a finding is known again."""
    url = finding.url or ""
    base = (base_url or "").rstrip("/")
    if base and (url == base or url.startswith(base + "/")):
        url = url[len(base) :] or "/"
    return Mark(finding.code, finding.page, url)


def compare(
    findings: Sequence[Finding], known: Counter[Mark], base_url: str | None = None
) -> Compared:
    """Tell the new findings from the known ones. Of several alike only as many are known as were.

    What was known of pages is compared with what is found now, whatever its severity is now.
    """
    if not known:
        return Compared(list(findings), [], [])
    left = Counter(known)
    new: list[Finding] = []
    old: list[Finding] = []
    for finding in findings:
        this = mark(finding, base_url)
        if left[this] > 0:
            left[this] -= 1
            old.append(finding)
        else:
            new.append(finding)
    return Compared(new, old, sorted((+left).elements()))


def read(path: Path) -> Counter[Mark] | None:
    """The findings that are known; None if there is no such file.

    Raises WorkflowError `bad_baseline` if it cannot be understood: a damaged file must neither
    hide findings nor bring all of them back.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        said = json.loads(raw)
        if said["format"] != FORMAT:
            raise ValueError(f"it is of format {said['format']}")
        return Counter(
            {
                Mark(str(one["code"]), str(one["page"]), str(one["url"])): int(one["count"])
                for one in said["findings"]
            }
        )
    except (ValueError, KeyError, TypeError) as error:
        raise WorkflowError(
            "bad_baseline",
            f"{path} is no baseline that can be read: {error}",
            hint="bring it back from git, or write it anew with --update-baseline",
        ) from error


def write(
    path: Path,
    findings: Iterable[Finding],
    base_url: str | None = None,
    others: Iterable[Mark] = (),
) -> None:
    """Let all of these be known from now on, and `others`, which nobody looked for this time.

    Raises OSError.
    """
    marks = Counter(mark(finding, base_url) for finding in findings)
    marks.update(others)
    lines = [
        json.dumps({**one._asdict(), "count": marks[one]}, ensure_ascii=False)
        for one in sorted(marks)
    ]
    listed = "".join(f"\n  {line}," for line in lines).rstrip(",")
    text = f'{{\n "format": {FORMAT},\n "findings": [{listed}\n ]\n}}\n'
    durable.make_folder(os.path.dirname(os.path.abspath(path)))
    durable.replace(os.path.abspath(path), text.encode())

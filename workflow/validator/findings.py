"""What the rules find: values with a stable code, told in words, placed in a file."""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "notice"]


class Rule(NamedTuple):
    """One thing that is looked for. Its code never changes its meaning."""

    code: str
    severity: Severity
    """Unless workflow.yaml grades it otherwise."""
    summary: str
    """One line for the documentation."""
    hint: str
    """What to do, for whoever owns the site."""


class Finding(NamedTuple):
    """Something that is wrong with one file."""

    code: str
    page: str
    """Path in the site, with `/`."""
    message: str
    """Names the thing and the reason: `/about/team/ is not there`."""
    url: str | None = None
    """The reference that is at fault, as written (Ref.url); what its line is found by."""
    element: str | None = None
    attribute: str | None = None
    """With `element` and `url`: how the place in the source is found (see positions)."""
    hint: str | None = None
    """Instead of the rule's own."""
    line: int | None = None
    column: int | None = None
    """Both count from 1; the column in characters."""
    excerpt: str | None = None
    """The source around it, on one line, at most 120 characters."""
    severity: Severity | None = None
    """As graded; None until it is."""
    source: str | None = None
    """The content file or template, relative to the site's folder, and the line if known:
    `content/about.md:12`."""

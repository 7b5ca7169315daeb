"""What a result tells of a change to a content file."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

from workflow import durable
from workflow.redact import redact

DIFF = "changes.diff"
"""The whole of it, beside the log."""
_MOST_LINES = 80
_MOST_SIGNS = 4000
_MOST_COMPARED = 4_000_000
"""Lines before times lines after, of what differs, for which the shortest way is looked for; that
takes seconds."""


def unified(path: str, before: str | None, after: str) -> str:
    """The change as `diff -u` tells it; `before` is None where there was no file."""
    old, new = _lines(before or ""), _lines(after)
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    differing = (len(old) - first - last) * (len(new) - first - last)
    names = ("/dev/null" if before is None else f"a/{path}", f"b/{path}")
    if differing > _MOST_COMPARED:
        lines = _exchanged(names, old, new, first, last)
    else:
        lines = difflib.unified_diff(old, new, *names)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _lines(text: str) -> list[str]:
    """With their ends; only LF ends a line, so that CR shows as a part of it."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _exchanged(
    names: tuple[str, str], old: list[str], new: list[str], first: int, last: int
) -> Iterator[str]:
    """All lines that differ taken out, and the new ones put there."""
    gone, come = old[first : len(old) - last], new[first : len(new) - last]
    yield f"--- {names[0]}\n"
    yield f"+++ {names[1]}\n"
    yield f"@@ -{first + 1},{len(gone)} +{first + 1},{len(come)} @@\n"
    yield from (f"-{line}" for line in gone)
    yield from (f"+{line}" for line in come)


def capped(diff: str) -> str:
    """As much of it as fits into a result, and where the rest is."""
    lines = diff.splitlines(keepends=True)
    shown: list[str] = []
    signs = 0
    for line in lines:
        signs += len(line)
        if len(shown) == _MOST_LINES or signs > _MOST_SIGNS:
            break
        shown.append(line)
    left = len(lines) - len(shown)
    more = f"[{left:,} more lines: {DIFF} beside the log]\n" if left else ""
    return "".join(shown) + more


def keep(folder: Path, diff: str) -> None:
    """Write the whole diff beside the log, without secrets. Raises OSError."""
    durable.replace(str(folder / DIFF), redact(diff).encode("utf-8", "backslashreplace"))


def kept(folder: Path) -> str:
    """What `keep` wrote; empty if it is gone."""
    try:
        return (folder / DIFF).read_text(encoding="utf-8")
    except OSError:
        return ""


OUTPUTS = {
    "site": "string: name of the site in workflow.yaml",
    "file_path": "string: path of the file from the site's folder",
    "url": "string or null: path of its page; null if it has none, or only Hugo can tell",
    "word_count": "integer: words of the text, without code and shortcodes",
    "changed": "boolean: whether anything was written, or would be",
    "digest_before": "string or null: sha256 of the file before; null if it was not there",
    "digest_after": "string: sha256 of the file now, or as it would be",
    "diff": "string: what changed, as diff -u tells it; long ones end with where the rest is",
    "warnings": "array: what may be meant otherwise, a line each",
    "dry_run": "boolean: whether it was only asked what would be done",
}
"""What every success of the types that write content says."""


def line_counts(diff: str) -> tuple[int, int]:
    """(lines that came, lines that went)"""
    lines = diff.splitlines()[2:]
    return (
        sum(1 for line in lines if line.startswith("+")),
        sum(1 for line in lines if line.startswith("-")),
    )

"""What the result of a commit tells people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workflow.deploy.guards import shown
from workflow.git.changes import Changes
from workflow.git.message import LONGEST_SUBJECT
from workflow.git.program import each

_MOST_ROWS = 20


def title(text: str) -> str:
    """The subject, to stand at the end of a notification."""
    line = shown(text if len(text) <= LONGEST_SUBJECT else f"{text[: LONGEST_SUBJECT - 1]}…")
    return line if line.endswith((".", "!", "?")) else f"{line}."


def some(paths: Sequence[str]) -> str:
    return each(paths, most=3) + (" is" if len(paths) == 1 else " are")


def listing(outputs: Mapping[str, Any]) -> str:
    rows = [f"- {one['status']}: `{one['path']}`" for one in outputs["files"][:_MOST_ROWS]]
    more = outputs["file_count"] - len(rows)
    rows += [f"- and {more:,} more"] if more > 0 else []
    notes = [f"Note: {warning}." for warning in outputs["warnings"]]
    return "\n".join(rows) + ("\n\n" + "\n".join(notes) if notes else "")


def statistics(held: Changes) -> dict[str, Any]:
    return {
        "Files": len(held.files),
        "Lines added": held.insertions,
        "Lines taken out": held.deletions,
    }

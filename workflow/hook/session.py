"""SessionStart: what is going on in the exchange, in a few lines, with the standard library."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

from workflow import layout
from workflow.hook import plain, where

MOST_LINES = 15
_ROWS = 4
_QUIET_SECONDS = 120
_HEAD_BYTES = 65_536

IN_THE_CLOUD = (
    "Site tasks: this is a cloud session (CLAUDE_CODE_REMOTE=true). The timer, Hugo, the AWS keys"
    " and `workflow` itself are on the person's own machine, not here: no task that is written here"
    " runs. Content can be edited and pushed to a branch; building and publishing is done there."
)


def answer(told: dict[str, object]) -> str:
    """At most MOST_LINES lines for Claude to read; empty where there is no exchange."""
    root = where(told)
    if root is None:
        return ""
    if os.environ.get("CLAUDE_CODE_REMOTE") == "true":
        return IN_THE_CLOUD + "\n"
    return "\n".join(list(_lines(root))[:MOST_LINES]) + "\n"


def _lines(root: str) -> Iterator[str]:
    names = {state: _tasks(root, folder) for state, folder in layout.STATE_FOLDERS.items()}
    counts = [f"{len(ids)} {state}" for state, ids in names.items() if ids]
    yield f"Site tasks in {plain(root)}: {', '.join(counts) or 'none yet'}. {_timer(root)}"
    for task_id in names["in-progress"][:2]:
        yield f"running: {plain(task_id)}"
    for task_id in names["waiting"][:_ROWS]:
        yield f"waiting: {plain(task_id)}{_plan(root, task_id)}"
    if len(names["waiting"]) > _ROWS:
        yield f"waiting: {len(names['waiting']) - _ROWS} more, see `workflow status`"
    for name, verdict in _results(root):
        yield f"last {plain(name)}: {plain(verdict)}"
    yield "How to submit and read them: .claude/task-system-guide.md, or the skill site-tasks."


def _tasks(root: str, folder: str) -> list[str]:
    """Newest first."""
    try:
        names = os.listdir(os.path.join(root, folder))
    except OSError:
        return []
    ids = (n.removesuffix(layout.SUFFIX) for n in names if layout.is_task_name(n))
    return sorted(ids, reverse=True)


def _timer(root: str) -> str:
    try:
        quiet = time.time() - os.stat(os.path.join(root, layout.LAST_SWEEP)).st_mtime
    except OSError:
        return "No sweep has run yet: the person starts the timer with `workflow service install`."
    if quiet < _QUIET_SECONDS:
        return "The timer is alive."
    ago = f"{quiet / 60:.0f} minutes" if quiet < 7200 else f"{quiet / 3600:.0f} hours"
    return f"The last sweep was {ago} ago: tell the person that the timer seems to be off."


def _plan(root: str, task_id: str) -> str:
    """What the task is about to do; empty for one that waits for something else."""
    try:
        with open(os.path.join(root, layout.PLANS, f"{task_id}.jsonl"), "rb") as file:
            planned = json.loads(file.readline(_HEAD_BYTES))["planned"]
        said = f", {plain(planned['summary'], 120)}, to {plain(planned['target'], 120)}"
    except (OSError, ValueError, TypeError, KeyError):
        return ""
    return f" (has a plan{said}; `workflow plan {plain(task_id)}`)"


def _results(root: str) -> Iterator[tuple[str, str]]:
    """The newest results, a type each: what it is of, and its verdict."""
    folder = os.path.join(root, layout.LATEST)
    found = []
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.name.endswith(layout.RESULT_SUFFIX) and not entry.name.startswith("."):
            try:
                found.append((entry.stat().st_mtime_ns, os.path.realpath(entry.path)))
            except OSError:
                continue  # its result was cleared away
    for _, path in sorted(set(found), reverse=True)[:3]:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read(_HEAD_BYTES)
        except OSError:
            continue
        body = text.split("\n---\n", 1)[-1]
        verdict = next((line for line in body.splitlines() if line.strip()), "")
        yield os.path.basename(path).removesuffix(layout.RESULT_SUFFIX), verdict

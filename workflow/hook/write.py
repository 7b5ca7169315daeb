"""PostToolUse: a task file that Claude Code wrote by hand, looked at before a sweep does."""

from __future__ import annotations

import os

from workflow import layout
from workflow.hook import plain

_ROWS = 10


def answer(told: dict[str, object]) -> dict[str, object] | None:
    """What is wrong with the file, for Claude; None for a file that is right, or none of ours."""
    given = told.get("tool_input")
    path = given.get("file_path") if isinstance(given, dict) else None
    if told.get("tool_name") not in ("Write", "Edit", "MultiEdit") or not isinstance(path, str):
        return None
    if not os.path.isabs(path) or not layout.is_task_name(os.path.basename(path)):
        return None
    folder, name = os.path.split(os.path.realpath(path))
    root = os.path.dirname(os.path.dirname(folder))
    pending = os.path.join(root, layout.PENDING)
    if folder != pending or not os.path.isfile(os.path.join(root, layout.CONFIG)):
        return None
    said = _problems(root, os.path.join(folder, name), name.removesuffix(layout.SUFFIX))
    return {"decision": "block", "reason": said} if said else None


def _problems(root: str, path: str, task_id: str) -> str:
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    from workflow.config import load_config
    from workflow.exchange import TASK_ID
    from workflow.task import InvalidTask, load_task

    shown = f"{layout.PENDING}/{plain(task_id)}{layout.SUFFIX}"
    if TASK_ID.fullmatch(task_id) is None:
        return (
            f"{shown} cannot be run: its name is the task's id, of letters, digits, '.', '_' and"
            " '-', such as 2026-01-19-1430-hugo-build-staging.md"
        )
    try:
        task, _ = load_task(path, task_id, load_config(root))
    except FileNotFoundError:
        return ""  # a sweep has taken it already, and its result says the same
    except InvalidTask as error:
        said = [plain(problem.sentence(shown)) for problem in error.problems[:_ROWS]]
        more = len(error.problems) - _ROWS
        return "\n".join(
            [
                "This task file cannot be run as it is; mend it, or submit with `workflow submit`:",
                *said,
                *([f"and {more} more: workflow validate {shown}"] if more > 0 else []),
            ]
        )
    if task.warnings:
        return "\n".join(["This task file can be run, but look at it:", *map(plain, task.warnings)])
    return ""

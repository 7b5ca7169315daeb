"""The hooks that Claude Code waits for, beside the start of the interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Row, compared, environment, pairs, run
from benchmarks.workshop import Workshop

BAR = 3.0
_TOLD: dict[str, dict[str, object]] = {
    "pre-approve": {
        "hook_event_name": "PreToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": "npm test", "description": "Run the tests"},
    },
    "prompt": {"hook_event_name": "UserPromptSubmit", "prompt": "Change the headline, please"},
    "post-write": {
        "hook_event_name": "PostToolUse",
        "tool_name": "Write",
        "tool_input": {"file_path": "/site/content/about.md", "content": "text " * 1000},
    },
    "session-start": {"hook_event_name": "SessionStart", "source": "startup"},
}


def measure(workshop: Workshop) -> Iterator[Row]:
    root = workshop.swept("short-history", finished=10)
    for event, told in _TOLD.items():
        yield _beside_python(workshop, root, event, told)


def _beside_python(workshop: Workshop, root: Path, event: str, told: dict[str, object]) -> Row:
    raw = json.dumps({"session_id": "abc", "cwd": str(root), **told}).encode()
    program = workshop.program.with_name("workflow-hook")

    def hook() -> float:
        began = time.perf_counter()
        subprocess.run(
            [program, event],
            cwd=root,
            env=environment(),
            input=raw,
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - began

    def floor() -> float:
        return run([sys.executable, "-c", "pass"], cwd=root)

    pair = pairs(hook, floor, workshop.small_pairs)
    return compared(f"`workflow-hook {event}`, nothing to do", pair, "`python -c pass`", BAR)

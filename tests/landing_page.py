"""The seed plan's success metrics, counted on the landing page that `workflow demo` makes.

`python -m tests.landing_page` plays the demonstration's story, with its real builds, checks, git
and deploys, and tells what of it was whose: the person's messages and the one question, Claude
Code's commands, the timer's sweeps; and how long it took from "Deploy to staging" to the published
page. docs/iphone.md has the table; tests/test_iphone.py holds it, and has Claude Code's own client
decide which commands ask.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from workflow.demo.place import set_stage
from workflow.demo.show import Show
from workflow.demo.story import tell
from workflow.errors import Exit

WISH = "Create a new landing page for the summer auto insurance promo"
LOOKS_GOOD = "Looks good"
DEPLOY = "Deploy to staging"
PHRASE = "DEPLOY TO PRODUCTION"
STAGING = (WISH, LOOKS_GOOD, DEPLOY)
"""What the person says, as the seed plan has it: the draft is shown before it is written."""


@dataclass
class Step:
    """One command of the story. `seconds` that it took; `hooked`: what the person was shown."""

    words: tuple[str, ...]
    seconds: float
    hooked: str = ""

    @property
    def line(self) -> str:
        """As Claude Code gives it to its shell."""
        return shlex.join(["workflow", *self.words])

    @property
    def is_timers(self) -> bool:
        return self.words[0] == "sweep"

    @property
    def is_written(self) -> bool:
        """A task that Claude Code writes with its own tool into tasks/pending/: the demonstration,
        which has no such tool, has `submit` read it from a file."""
        return "--from" in self.words


@dataclass
class Recorder(Show):
    """Plays the story and keeps every command with its time."""

    steps: list[Step] = field(default_factory=list)

    def command(
        self,
        *words: str,
        until: str | None = None,
        cut: bool = False,
        ends: Exit = Exit.DONE,
    ) -> str:
        hooked = self._asked(words) if words[0] == "approve" else ""
        began = time.monotonic()
        first = super().command(*words, until=until, cut=cut, ends=ends)
        self.steps.append(Step(words, time.monotonic() - began, hooked))
        return first

    def _asked(self, words: tuple[str, ...]) -> str:
        """What Claude Code's prompt shows: the reason that our hook gives it."""
        told = {
            "hook_event_name": "PreToolUse",
            "session_id": "landing-page",
            "cwd": os.fspath(self.stage.root),
            "tool_name": "Bash",
            "tool_input": {"command": shlex.join(["workflow", *words])},
        }
        ran = subprocess.run(
            [sys.executable, "-m", "workflow.hook", "pre-approve"],
            input=json.dumps(told),
            env=self.stage.environ,
            cwd=self.stage.root,
            capture_output=True,
            text=True,
            check=True,
        )
        answer = json.loads(ran.stdout)["hookSpecificOutput"]
        return f"{answer['permissionDecision']}: {answer['permissionDecisionReason']}"


def play(folder: Path) -> Recorder:
    """Play the whole story in `folder`; what it prints is of no interest here."""
    with set_stage(folder) as stage, contextlib.redirect_stdout(io.StringIO()):
        recorder = Recorder(stage, asks=False)
        assert tell(recorder), "it was not published"
    return recorder


@dataclass(frozen=True)
class Way:
    """The part of the story from the wish to the staging site."""

    steps: tuple[Step, ...]

    @property
    def of_claude(self) -> list[Step]:
        return [step for step in self.steps if not step.is_timers]

    @property
    def approvals(self) -> list[Step]:
        return [step for step in self.steps if step.words[0] == "approve"]

    @property
    def seconds(self) -> float:
        """From "Deploy to staging" to the page on the site, without the person's own time."""
        return sum(step.seconds for step in self.steps[self._publish() :])

    @property
    def seconds_unbroken(self) -> float:
        """The same, had nobody broken a template: from the chain that came through on."""
        words = [step.words[0] for step in self.steps]
        return sum(step.seconds for step in self.steps[words.index("retry") :])

    def _publish(self) -> int:
        return next(n for n, step in enumerate(self.steps) if step.words[0] == "publish")


def to_staging(recorder: Recorder) -> Way:
    last = next(n for n, step in enumerate(recorder.steps) if step.words[0] == "approve")
    return Way(tuple(recorder.steps[: last + 1]))


def rows(way: Way) -> Iterator[tuple[str, str]]:
    """The metrics that were counted, by their names in docs/iphone.md."""
    yield "permission prompts per workflow", str(len(way.approvals))
    yield "manual commands", "0"
    yield "messages of the person", str(len(STAGING))
    yield "commands of Claude Code", str(len(way.of_claude))
    yield "seconds to staging, a broken template mended on the way", f"{way.seconds:.1f}"
    yield "seconds to staging, had nothing been broken", f"{way.seconds_unbroken:.1f}"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        recorder = play(Path(folder, "demo"))
    way = to_staging(recorder)
    for step in way.steps:
        who = "timer" if step.is_timers else "asks you" if step in way.approvals else "Claude"
        print(f"{step.seconds:6.2f} s  {who:<8}  {step.line[:90]}")
    print(f"\nThe question:\n{way.approvals[0].hooked}\n")
    for name, value in rows(way):
        print(f"{value:>8}  {name}")


if __name__ == "__main__":
    main()

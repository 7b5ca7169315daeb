"""The transcript: commands as a person would give them, and what they answered."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from workflow.demo.place import Stage
from workflow.errors import Exit, WorkflowError

WIDTH = 78
"""Columns of a line; a terminal has 80."""
_HEADERS = ("Content-Type", "Cache-Control")


@dataclass
class Show:
    """Runs commands and prints them. `asks`: somebody is there, whom it can ask."""

    stage: Stage
    asks: bool

    def say(self, *paragraphs: str) -> None:
        """What a narrator says."""
        for text in paragraphs:
            print("\n" + textwrap.fill(text, WIDTH, break_on_hyphens=False), flush=True)

    def command(
        self,
        *words: str,
        until: str | None = None,
        cut: bool = False,
        ends: Exit = Exit.DONE,
    ) -> str:
        """Run a command, print its answer as far as the line that starts with `until`, and return
        its first line. Long lines are folded; `cut`: those of a list are cut off instead.

        Raises WorkflowError `demo_failed` if the command does not end as it should.
        """
        print("\n" + _command_lines(words), flush=True)
        ran = self._run(*words)
        lines = _first_lines(ran.stdout, until)
        for line in lines:
            print("\n".join([_cut(line)] if cut and line[:1] == " " else _folded(line)), flush=True)
        if ran.returncode != ends:
            raise WorkflowError(
                "demo_failed",
                f"the demo did not go as it should: `workflow {words[0]}` ended with "
                f"{ran.returncode}",
                Exit.TASK_FAILED,
                hint=f"see `workflow --root {os.path.relpath(self.stage.root)} doctor`",
            )
        return lines[0] if lines else ""

    def file(self, path: Path, *, until: str | None = None) -> None:
        """Print a file, as far as the line that starts with `until`."""
        print(f"\n  $ cat {path.relative_to(self.stage.root)}")
        for line in _first_lines(path.read_text(encoding="utf-8"), until):
            print(f"  {line}".rstrip(), flush=True)

    def answer(self, *words: str) -> Any:
        """What a command answers as JSON; nothing is printed."""
        return json.loads(self._run(*words, "--json").stdout)

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "workflow", "--root", str(self.stage.root), *words],
            env=self.stage.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def page(self, path: str, environment: str = "staging") -> str:
        """Get a page of a published site, print what a browser would make of it, return it."""
        website = self.stage.websites[environment]
        connection = http.client.HTTPConnection(urlsplit(website).netloc, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        print(f"\n  GET {website}{path}\n  {answer.status} {answer.reason}")
        for name in _HEADERS:
            print(f"  {name}: {answer.getheader(name)}")
        for element in re.findall(r"<title>.*?</title>|<h1>.*?</h1>", body, re.DOTALL):
            print(f"  {element}", flush=True)
        return body

    def ask(self, question: str, default: str) -> str:
        """What the person types, `default` for nothing; also where nobody is there to ask."""
        if not self.asks:
            return default
        try:
            return input(f"\n{question} ").strip() or default
        except EOFError:
            return default

    def keep_open(self) -> None:
        """Go on serving until the person has seen the site; not at all if nobody is there."""
        if self.asks:
            self.say("The sites are there as long as this runs, have a look:")
            for name, address in self.stage.websites.items():
                print(f"  {name:<12}{address}/")
            with contextlib.suppress(KeyboardInterrupt):
                self.ask("Press Enter to end.", "")


def _typed(word: str) -> str:
    """A word as a person types it."""
    quote = "'" if '"' in word else '"'
    return f"{quote}{word}{quote}" if re.search(r"[\s{}*\[\]'\"]", word) else word


def _command_lines(words: Sequence[str]) -> str:
    """A command as a shell takes it, in as many lines as it needs."""
    lines = ["  $ workflow"]
    for word in map(_typed, words):
        if len(f"{lines[-1]} {word} \\") > WIDTH:
            lines[-1] += " \\"
            lines.append("     ")
        lines[-1] += f" {word}"
    return "\n".join(lines)


def _first_lines(printed: str, until: str | None) -> list[str]:
    """Without the hints that the story itself follows, and without what it leaves out."""
    lines = [line for line in printed.rstrip().splitlines() if not _is_aside(line)]
    end = next((n for n, line in enumerate(lines) if until and line.startswith(until)), None)
    return lines if end is None else [*lines[:end], "…"]


def _is_aside(line: str) -> bool:
    return line.startswith("next:") or "install the timer" in line


def _cut(line: str) -> str:
    return f"  {line}" if len(line) + 2 <= WIDTH else f"  {line[: WIDTH - 3]}…"


def _folded(line: str) -> list[str]:
    """One line, in as many as it takes to be read at this width."""
    if len(line) + 2 <= WIDTH or line.lstrip().startswith("|"):
        return [f"  {line}".rstrip()]
    margin = "  " + line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line.strip(),
        WIDTH,
        initial_indent=margin,
        subsequent_indent=margin + "    ",
        break_long_words=False,
        break_on_hyphens=False,
    )

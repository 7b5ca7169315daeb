"""workflow demo"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from workflow.cli import Place, command
from workflow.errors import Exit, WorkflowError
from workflow.reply import Reply

BROKEN = "content/posts/boat-week.md"


@command
def run(
    place: Place,
    folder: Annotated[
        str, typer.Argument(metavar="[DIR]", help="Where; made if missing.")
    ] = "workflow-demo",
) -> Reply:
    """Make a small Hugo site and an exchange, and let tasks build it: one well, one not.

    \b
    workflow demo
    workflow demo /tmp/try-it
    """
    from workflow.initialise import data_folder, initialise

    root = Path(folder).expanduser().resolve()
    site = root / "site"
    if root.exists() and any(root.iterdir()) and not (root / "workflow.yaml").is_file():
        raise WorkflowError(
            "not_empty", f"{root} holds other things", hint="name another folder for the demo"
        )
    shutil.copytree(data_folder() / "demo" / "site", site, dirs_exist_ok=True)
    initialise(root, site)
    (site / BROKEN).unlink(missing_ok=True)
    show = _Show(root)
    show.say("1. A person says: build the site for staging. Claude Code writes a task.")
    show.command("submit", "hugo-build", "--env", "staging", "--request", "Build it for staging")
    show.say("2. A timer runs the sweep: it claims the task, builds, writes the result.")
    show.command("sweep")
    show.say("3. Claude Code reads the result, and whether it is what was expected.")
    show.command("show", "latest")
    good = show.command("verify", "latest")
    show.say(f"4. Somebody adds a post that uses a shortcode which is not there: {BROKEN}")
    shutil.copyfile(data_folder() / "demo" / "broken-post.md", site / BROKEN)
    show.command("submit", "hugo-build", "--env", "staging", "--description", "boat week")
    show.command("sweep")
    show.command("show", "latest")
    built = site / "public" / "index.html"
    kept = "still the one built before" if built.is_file() else "missing"
    show.say(f"   The public/ folder is {kept}: a failed build changes nothing.")
    show.say("5. The error says who acts: fix. Claude Code mends the shortcode's name and retries.")
    post = site / BROKEN
    post.write_text(post.read_text(encoding="utf-8").replace("ofer", "offer"), encoding="utf-8")
    show.command("retry", "latest")
    show.command("sweep")
    mended = show.command("verify", "latest")
    if good or mended:
        raise WorkflowError(
            "demo_failed",
            "the demo did not go as it should",
            Exit.TASK_FAILED,
            hint=f"see `workflow --root {folder} doctor`",
        )
    here = f"{_program()} --root {os.path.relpath(root)}"
    return Reply(
        data={"root": str(root), "site": str(site), "public": str(site / "public")},
        notes=[
            "",
            f"The built site is in {os.path.relpath(site / 'public')},",
            f"its exchange in {os.path.relpath(root)}.",
        ],
        next=[
            (f"{here} list", "its tasks; all of it is plain files, have a look"),
            (f"{here} submit hugo-build --env dev", "a task of your own, then:"),
            (f"{here} sweep", "run it, as the timer would"),
            (f"{_program()} init ~/site-tasks --site PATH", "an exchange for your own site"),
        ],
    )


def _program() -> str:
    """How to call us from here: by name where the shell finds it, else by path."""
    return "workflow" if shutil.which("workflow") else os.path.relpath(sys.argv[0])


class _Show:
    """Runs commands as a person would and prints them like a transcript."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def say(self, text: str) -> None:
        print(f"\n{text}", flush=True)

    def command(self, *words: str) -> int:
        """Run one; returns its exit code."""
        shown = " ".join(f'"{word}"' if " " in word else word for word in words)
        print(f"\n  $ workflow {shown}", flush=True)
        ran = subprocess.run(
            [sys.executable, "-m", "workflow", "--root", str(self.root), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        lines = [line for line in ran.stdout.splitlines() if not _aside(line)]
        print("\n".join(f"  {line}".rstrip() for line in lines), flush=True)
        return ran.returncode


def _aside(line: str) -> bool:
    """What a first-time reader need not see: hints that the transcript itself follows."""
    return line.startswith("next:") or "install the timer" in line

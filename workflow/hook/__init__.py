"""workflow-hook EVENT: what Claude Code calls at four points of a session.

    session-start   SessionStart        says what is going on in the exchange
    prompt          UserPromptSubmit    keeps that the person wrote the phrase of a deploy
    pre-approve     PreToolUse, Bash    puts the facts of a plan before the person who is asked
    post-write      PostToolUse         says what is wrong with a task file that was written by hand

Claude Code waits for each of them, so this starts with a few modules of the standard library and
loads more only where there is something to do. Nothing is ever blocked by accident: whatever goes
wrong here ends with code 0, nothing on stdout and a note on stderr. 2, the code that blocks, is
never used: what is to be refused is refused by the JSON that Claude Code asks for.
https://code.claude.com/docs/en/hooks
"""

from __future__ import annotations

import contextlib
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` would take a third of the time of all that is here
    from typing import NoReturn

LARGEST_BYTES = 16 * 1024 * 1024
"""A longer message is not read to its end: the largest file that Claude Code writes is far less."""
EVENTS = {
    "session-start": ("SessionStart", "workflow.hook.session"),
    "prompt": ("UserPromptSubmit", "workflow.hook.prompt"),
    "pre-approve": ("PreToolUse", "workflow.hook.approve"),
    "post-write": ("PostToolUse", "workflow.hook.write"),
}
"""Our word for an event -> Claude Code's, and the module whose `answer` deals with it."""


def main() -> NoReturn:
    """Run the hook with `sys.argv`, and leave with code 0."""
    try:
        said = _answer(sys.argv[1:])
        if said:
            sys.stdout.write(said)
            sys.stdout.flush()
    except BaseException as error:  # whatever it is: a session must not stand still for it
        _note(f"{type(error).__name__}: {error}")
    _done()


def _answer(words: list[str]) -> str:
    if len(words) != 1 or words[0] not in EVENTS:
        _note("usage: workflow-hook " + "|".join(EVENTS) + ", with Claude Code's JSON on stdin")
        return ""
    event, module = EVENTS[words[0]]
    raw = sys.stdin.buffer.read(LARGEST_BYTES + 1)
    if len(raw) > LARGEST_BYTES:
        _note(f"the message is longer than {LARGEST_BYTES} bytes")
        return ""
    if words[0] == "pre-approve" and not _may_approve(raw):
        return ""
    import json

    told = json.loads(raw)
    if not isinstance(told, dict) or told.get("hook_event_name") != event:
        _note(f"this is no {event} message of Claude Code")
        return ""
    from importlib import import_module

    said = import_module(module).answer(told)
    return said if isinstance(said, str) else json.dumps(said) if said else ""


def _may_approve(raw: bytes) -> bool:
    """Whether the message could hold `workflow approve`, however that is quoted or escaped.

    The one hook that runs before each shell command: most of them end here.
    """
    bare = raw.translate(None, b"\"'\\")
    return b"\\u" in raw or (b"workflow" in bare and (b"approve" in bare or b"$" in raw))


def where(told: dict[str, object]) -> str | None:
    """The exchange that a command would find that is started where the session is; None if none."""
    from workflow import layout

    folder = told.get("cwd")
    if not isinstance(folder, str) or not os.path.isabs(folder):
        folder = os.getcwd()
    root = layout.find_root(folder, os.environ)
    return root if root and os.path.isfile(os.path.join(root, layout.CONFIG)) else None


def plain(text: object, longest: int = 300) -> str:
    """Text as one line for a person to read: without controls and tricks of direction."""
    line = " ".join(str(text).split())
    line = "".join(c if c.isprintable() else "?" for c in line)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _note(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # nobody reads along
        sys.stderr.write(f"workflow-hook: {plain(text)}\n")


def _done() -> NoReturn:
    """Leave at once where we are a program of our own: the interpreter's farewell costs time."""
    # A pipe that nobody reads any more: Python would say so with another exit code.
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0)

"""What Claude Code may do with each of our commands: one row a command, with its reason.

A command without a row is found by a test: nobody adds one without deciding this.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from workflow.cli import COMMANDS

Answer = Literal["allow", "ask", "deny"]


class Verb(NamedTuple):
    answer: Answer
    why: str
    but_ask: tuple[str, ...] = ()
    """Options with which the person is asked all the same."""


_LOOKS = Verb("allow", "only looks")
VERBS = {
    "init": Verb("ask", "it changes what Claude Code itself may do here"),
    "doctor": Verb("allow", "only looks; `--fix` changes files", ("--fix",)),
    "demo": Verb("ask", "makes a folder and serves a site from it"),
    "submit": Verb(
        "allow",
        "writes into tasks/pending/ alone, and a task reaches only what workflow.yaml lists;"
        " `--from` and `--body-file` read any file of yours",
        ("--from", "--body-file"),
    ),
    "publish": Verb("allow", "the same; the environment asks for the approval"),
    "wait": _LOOKS,
    "verify": _LOOKS,
    "sweep": Verb(
        "deny", "the timer's: run in Claude's shell, handlers would have its environment"
    ),
    "archive": Verb("ask", "moves months of tasks and results"),
    "check": Verb(
        "allow", "only looks; these write a file anywhere", ("--sarif", "--update-baseline")
    ),
    "status": _LOOKS,
    "list": _LOOKS,
    "show": _LOOKS,
    "logs": _LOOKS,
    "plan": Verb("allow", "lets a deploy plan, and changes nothing"),
    "approve": Verb("ask", "a person's decision: asked in every mode that can ask"),
    "rollback": Verb("allow", "submits a deploy, planned and approved like any other"),
    "reject": Verb("allow", "a no publishes nothing"),
    "cancel": Verb("allow", "a no publishes nothing"),
    "retry": Verb("allow", "submits the same task again; a deploy is approved anew"),
    "types": _LOOKS,
    "templates": _LOOKS,
    "validate": _LOOKS,
    "schema": _LOOKS,
    "service": Verb("ask", "installs or removes a timer on this machine"),
    "notify": Verb("allow", "only looks; `--test` sends you a message", ("--test",)),
    "report": Verb("allow", "writes its own page; `--open` starts the browser", ("--open",)),
    "mcp": Verb("ask", "a server that Claude Code starts itself, if you set it up"),
}


def having(answer: Answer) -> Iterator[tuple[str, Verb]]:
    """The commands that there are with this answer, in the order of the table of commands."""
    return ((name, VERBS[name]) for name in COMMANDS if VERBS[name].answer == answer)

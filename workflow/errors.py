"""What can go wrong, as values with stable codes.

Two kinds, and nothing else:

`WorkflowError`   a command could not do what it was asked (wrong use, no such task, a conflict).
                  Raised anywhere, turned into an exit code and an envelope at one place, `cli`.
`TaskError`       a task was run, or could not be, and its result says why. A value; `TaskFailed`
                  carries it (with the outputs so far) out of a handler.

Codes are public: each stands in the documentation and is never given another meaning.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any, Literal

Action = Literal["fix", "retry", "escalate"]
"""Who acts next: Claude Code mends it (`fix`), time does (`retry`), a person must (`escalate`)."""

Status = Literal["success", "failed", "timeout", "cancelled", "rejected"]
"""How a task ended. Everything but `success` lies in tasks/failed/."""


class Exit(IntEnum):
    """Exit codes of the program."""

    DONE = 0
    DEFECT = 1
    USAGE = 2
    TASK_FAILED = 3
    NEEDS_APPROVAL = 4
    NO_SUCH_TASK = 5
    CONFLICT = 6
    INVALID_TASK = 7
    NO_SWEEPER = 8
    INTERRUPTED = 130
    RUNNING = 75


@dataclass(frozen=True, slots=True)
class TaskError:
    """Why a task did not succeed.

    `file` is relative to the site (or the exchange); `line` and `column` count from 1.
    """

    code: str
    message: str
    action: Action
    category: str = "task"
    file: str | None = None
    line: int | None = None
    column: int | None = None
    excerpt: str | None = None
    hint: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", _cut(self.message, 2_000))

    def as_dict(self) -> dict[str, Any]:
        """The keys that say something, in the order in which a person reads them."""
        order = ("code", "category", "message", "file", "line", "column", "excerpt", "hint")
        fields = asdict(self)
        said = {key: fields[key] for key in order if fields[key] is not None}
        return {**said, "action": self.action}

    def place(self) -> str:
        """`file:line:column` as far as it is known, else the empty string."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)

    def place_beside(self) -> str:
        """The place, for who prints it beside the message; empty if the message begins with it.

        A message may know the file by a shorter path: `x` for `public/x`.
        """
        parts = (self.file or "").split("/")
        tails = ("/".join(parts[first:]) for first in range(len(parts)))
        named = any(tail and re.match(f"{re.escape(tail)}[:,]", self.message) for tail in tails)
        return "" if named else self.place()


class TaskFailed(Exception):
    """Raised by a handler: the task ends with `error`, keeping the `outputs` gathered so far.

    `summary`: what its result tells people beyond the error, in Markdown.
    """

    def __init__(
        self,
        error: TaskError,
        *,
        outputs: Mapping[str, Any] | None = None,
        status: Status = "failed",
        summary: str = "",
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.outputs = dict(outputs or {})
        self.status: Status = status
        self.summary = summary


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file that somebody wrote."""

    message: str
    key: str | None = None
    line: int | None = None
    column: int | None = None
    hint: str | None = None
    did_you_mean: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # It may quote what somebody wrote, and has to fit into a notification.
        object.__setattr__(self, "message", _cut(self.message, 300))

    def as_dict(self) -> dict[str, Any]:
        return {k: v for k, v in asdict(self).items() if v not in (None, (), [])}

    def sentence(self, file: str | None = None) -> str:
        """`file:line:column: key: message (did you mean …?)`."""
        place = ":".join(str(p) for p in (file, self.line, self.column) if p is not None)
        parts = [p for p in (place, self.key, self.message) if p]
        text = ": ".join(parts)
        if self.did_you_mean:
            text += f" (did you mean {' or '.join(self.did_you_mean)}?)"
        elif self.hint:
            text += f" ({self.hint})"
        return text


@dataclass(eq=False)
class WorkflowError(Exception):
    """A command cannot do what it was asked. `message` names the thing and the reason."""

    code: str
    message: str
    exit: Exit = Exit.USAGE
    hint: str | None = None
    did_you_mean: Sequence[str] = ()
    retryable: bool = False
    problems: Sequence[Problem] = field(default=())

    def __str__(self) -> str:
        return self.message

    def as_dict(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "did_you_mean": list(self.did_you_mean),
            "retryable": self.retryable,
        }
        if self.problems:
            body["problems"] = [problem.as_dict() for problem in self.problems]
        return body


def told(error: OSError) -> str:
    """What the system refused, and where: for a right, the folder that lacks it."""
    paths = [path for path in (error.filename2, error.filename) if isinstance(path, str)]
    if isinstance(error, PermissionError):
        folders = [path if os.path.isdir(path) else os.path.dirname(path) for path in paths]
        paths = [folder for folder in folders if not os.access(folder, os.W_OK)] or paths
    said = error.strerror or str(error)
    return f"{said}: {paths[0]}" if paths else said


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def nearest(word: str, known: Sequence[str]) -> tuple[str, ...]:
    """The known words that `word` was most likely meant to be, best first, three at most."""
    import difflib

    return tuple(difflib.get_close_matches(word, known, n=3, cutoff=0.6))

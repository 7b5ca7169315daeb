"""What a command answers, and how it is said: one JSON document, or text for people.

The envelope is the same for every command, errors included:

    {"schema": "workflow/1", "ok": bool, "data": {...},
     "error": null | {"code", "message", "hint", "did_you_mean", "retryable"},
     "next": [{"cmd", "why"}], "warnings": []}
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from workflow.errors import Exit, WorkflowError

SCHEMA = "workflow/1"
MAX_PLAIN_CHARACTERS = 8_000
"""Most that a command prints where a program, or Claude Code, reads along."""


@dataclass
class Reply:
    """The answer of a command. `text` goes to stdout, `notes` are for a person, on stderr."""

    data: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    notes: list[str] = field(default_factory=list)
    next: list[tuple[str, str]] = field(default_factory=list)
    """What to do next: a command, and why."""
    warnings: list[str] = field(default_factory=list)
    exit: Exit = Exit.DONE
    error: WorkflowError | None = None
    """Said with an exit code that is not 0; `data` may still hold what is known."""
    table: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None
    """Headings and rows, printed behind `text`."""
    rest: str = ""
    """The command that shows what does not fit into a plain answer."""
    whole: bool = False
    """Print everything, however long: somebody asked for it."""

    @classmethod
    def of_error(cls, error: WorkflowError) -> Reply:
        return cls(error=error, exit=error.exit)

    def envelope(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "ok": self.exit == Exit.DONE,
            "data": self.data,
            "error": self.error.as_dict() if self.error else None,
            "next": [{"cmd": command, "why": why} for command, why in self.next],
            "warnings": self.warnings,
        }


def is_plain(stream: TextIO) -> bool:
    """Whether to print without colour and frames: no terminal, or Claude Code reads along."""
    return os.environ.get("CLAUDECODE") == "1" or not stream.isatty()


def say(reply: Reply, *, as_json: bool, field_path: str | None) -> None:
    """Print the reply. Raises WorkflowError `no_such_field` for a field that is not there."""
    if field_path is not None:
        print(_as_text(_pick(reply.envelope(), field_path)))
        if reply.error is not None:
            print(f"error: {reply.error.message}", file=sys.stderr)
        return
    if as_json:
        print(json.dumps(reply.envelope(), indent=2, ensure_ascii=False, default=str))
        return
    _say_text(reply)


def _say_text(reply: Reply) -> None:
    if reply.text or reply.table:
        if is_plain(sys.stdout):
            parts = [reply.text] if reply.text else []
            if reply.table:
                parts.append(plain_table(*reply.table))
            everything = "\n".join(parts)
            print(everything if reply.whole else shorten(everything, reply.rest))
        else:
            if reply.text:
                print(reply.text)
            if reply.table:
                _rich_table(*reply.table)
    for line in reply.notes:
        print(line, file=sys.stderr)
    for line in reply.warnings:
        print(_tinted("warning:", "33") + f" {line}", file=sys.stderr)
    if reply.error is not None:
        _say_error(reply.error)
    for command, why in reply.next:
        print(_tinted("next:", "36") + f" {command}   ({why})", file=sys.stderr)


def _say_error(error: WorkflowError) -> None:
    print(_tinted("error:", "31") + f" {error.message}", file=sys.stderr)
    if error.did_you_mean:
        print(f"  did you mean: {', '.join(error.did_you_mean)}?", file=sys.stderr)
    if error.hint:
        print(f"  {error.hint}", file=sys.stderr)


def _tinted(word: str, code: str) -> str:
    if is_plain(sys.stderr) or os.environ.get("NO_COLOR"):
        return word
    return f"\033[{code}m{word}\033[0m"


def shorten(text: str, rest: str = "") -> str:
    """`text`, cut at a line's end so that it stays under the bound for plain answers."""
    if len(text) < MAX_PLAIN_CHARACTERS:
        return text
    room = MAX_PLAIN_CHARACTERS - 200
    cut = text[:room].rsplit("\n", 1)[0]
    left_out = text.count("\n", len(cut))
    more = f"; all of it: {rest}" if rest else "; all of it with --json"
    return f"{cut}\n[{left_out} more lines{more}]"


def plain_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned by spaces, the last one as long as it is."""
    everything = [headings, *rows]
    widths = [max(len(row[column]) for row in everything) for column in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in everything
    )


_TINTS = {
    "success": "green", "completed": "green", "proceed_to_deploy": "green", "ok": "green",
    "failed": "red", "timeout": "red", "missing": "red", "waiting": "yellow",
    "cancelled": "yellow", "rejected": "yellow", "warning": "yellow", "in-progress": "cyan",
    "running": "cyan", "pending": "blue",
}  # fmt: skip


def _rich_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column, heading in enumerate(headings):
        # Ids and figures stay whole, to be copied; only what the last column tells is wrapped.
        last = column == len(headings) - 1
        width = None if last else max(len(row[column]) for row in [headings, *rows])
        table.add_column(heading, no_wrap=not last, min_width=width)
    for row in rows:
        table.add_row(*(Text(cell, style=_TINTS.get(cell, "")) for cell in row))
    Console().print(table)


def _pick(envelope: Mapping[str, Any], path: str) -> Any:
    """The value at `data.outputs.file_count`, or `data.tasks.0.id`."""
    where: Any = envelope
    for done, step in enumerate(path.split(".")):
        if isinstance(where, Mapping) and step in where:
            where = where[step]
        elif isinstance(where, list) and step.lstrip("-").isdigit() and -len(where) <= int(step):
            try:
                where = where[int(step)]
            except IndexError:
                raise _no_field(path, done, where) from None
        else:
            raise _no_field(path, done, where)
    return where


def _no_field(path: str, done: int, where: Any) -> WorkflowError:
    from workflow.errors import nearest

    steps = path.split(".")
    known = list(where) if isinstance(where, Mapping) else []
    listed = ", ".join(known) or f"0 to {len(where) - 1}" if where else "nothing"
    return WorkflowError(
        "no_such_field",
        f"the answer has no field {'.'.join(steps[: done + 1])!r}",
        hint=f"there is: {listed}",
        did_you_mean=nearest(steps[done], known),
    )


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)

"""What a command answers, and how it is said: one JSON document, or text for people.

The envelope is the same for every command, errors included:

    {"schema": "workflow/1", "ok": bool, "data": {...},
     "error": null | {"code", "message", "hint", "did_you_mean", "retryable"},
     "next": [{"cmd", "why"}], "warnings": []}
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from workflow import layout
from workflow.columns import folded as fold
from workflow.columns import padded, printable, width, widths
from workflow.errors import Exit, WorkflowError
from workflow.screen import in_colour, laid_out, screen_table

SCHEMA = "workflow/1"
MAX_PLAIN_CHARACTERS = 8_000
"""Most that a command prints where a program, or Claude Code, reads along."""


@dataclass
class Reply:
    """The answer of a command. `text` goes to stdout, `notes` are for a person, on stderr."""

    data: dict[str, Any] = field(default_factory=dict)
    make_data: Callable[[], dict[str, Any]] | None = None
    """Makes `data` where that takes a while, once somebody has asked for it."""
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
    verbatim: bool = False
    """`text` is a file's, or a program's: its lines stay as they are on a terminal too."""
    not_yet: bool = False
    """`error` says that something is still to come; nothing went wrong."""
    live: Callable[[], object] | None = None
    """Goes on telling by itself until it ends, in place of `text`; what the reply holds besides is
    said afterwards."""

    @classmethod
    def of_error(cls, error: WorkflowError) -> Reply:
        return cls(error=error, exit=error.exit)

    def pointed_at(self, root: str | None) -> Reply:
        """The same, for who named the exchange's folder by --root: what it says to run does too.

        Nothing changes where the exchange is found without.
        """
        if root is None:
            return self
        here = layout.find_root(os.getcwd(), os.environ)
        if here == os.path.abspath(os.path.expanduser(root)):
            return self

        def pointed(text: str) -> str:
            # By a function: in a text of its own a backslash would be read as an escape.
            return _COMMAND.sub(lambda _: f"workflow --root {shlex.quote(root)} ", text)

        self.next = [(pointed(command), why) for command, why in self.next]
        self.warnings = [pointed(warning) for warning in self.warnings]
        self.rest = pointed(self.rest)
        if self.error is not None and self.error.hint is not None:
            self.error.hint = pointed(self.error.hint)
        return self

    def envelope(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "ok": self.exit == Exit.DONE,
            "data": self.data if self.make_data is None else self.make_data(),
            "error": self.error.as_dict() if self.error else None,
            "next": [{"cmd": command, "why": why} for command, why in self.next],
            "warnings": self.warnings,
        }


_COMMAND = re.compile(r"(?:^|(?<=[`(])|(?<=: ))workflow (?=[a-z])")
"""Where a text tells a command."""


def is_plain(stream: TextIO) -> bool:
    """Whether to print without colour and frames: no terminal, one that knows no more than letters,
    or Claude Code reads along."""
    if os.environ.get("CLAUDECODE") == "1" or os.environ.get("TERM") == "dumb":
        return True
    return not stream.isatty()


def say(reply: Reply, *, as_json: bool, field_path: str | None) -> None:
    """Print the reply. Raises WorkflowError `no_such_field` for a field that is not there."""
    if reply.live is not None:
        if as_json or field_path is not None:
            raise WorkflowError(
                "usage",
                "what goes on and on is told as text, not as one JSON document",
                hint="ask again without --json and --field, or once instead",
            )
        reply.live()
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
        text = printable(reply.text)
        table = _printable_table(reply.table) if reply.table else None
        if is_plain(sys.stdout):
            parts = [text] if text else []
            if table:
                parts.append(plain_table(*table))
            everything = "\n".join(parts)
            print(everything if reply.whole else shorten(everything, reply.rest))
        else:
            if text:
                print(text if reply.verbatim else laid_out(text, _columns()))
            if table:
                print(screen_table(*table, _columns()))
        sys.stdout.flush()  # first, also where both are one pipe: `2>&1`
    for line in reply.notes:
        _tell(line)
    for line in reply.warnings:
        _tell(line, "warning:", "yellow")
    if reply.error is not None:
        _say_error(reply.error, *(("note:", "yellow") if reply.not_yet else ("error:", "red")))
    for command, why in reply.next:
        # Folded between the two only: a command is there to be copied.
        line = f"{command}   ({why})"
        wide = not is_plain(sys.stderr) and width(line) + len("next: ") > _columns()
        _tell(command if wide else line, "next:", "cyan", fold=False)
        if wide:
            _tell(f"      ({why})")


def _say_error(error: WorkflowError, word: str, tint: str) -> None:
    _tell(error.message, word, tint)
    if error.did_you_mean:
        _tell(f"  did you mean: {', '.join(error.did_you_mean)}?")
    if error.hint:
        _tell(f"  {error.hint}")


def _tell(line: str, word: str = "", tint: str = "", *, fold: bool = True) -> None:
    """A line for people, on stderr; on a terminal folded, its first word in a colour."""
    line = printable(f"{word} {line}" if word else line)
    if not is_plain(sys.stderr):
        line = folded(line) if fold else line
        if word:
            line = in_colour(word, tint) + line.removeprefix(word)
    print(line, file=sys.stderr)


def _columns() -> int:
    """The width of the terminal."""
    return shutil.get_terminal_size().columns


def folded(text: str, columns: int | None = None) -> str:
    """`text` for a terminal of so many columns (default: this one's); see `columns.folded`."""
    return fold(text, columns or _columns())


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
    everything, room = [headings, *rows], widths(headings, rows)
    return "\n".join(
        "  ".join(map(padded, row[:-1], room)) + ("  " if len(row) > 1 else "") + row[-1]
        if row[-1]
        else "  ".join(map(padded, row[:-1], room)).rstrip()
        for row in everything
    )


def _printable_table(
    table: tuple[Sequence[str], Sequence[Sequence[str]]],
) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    headings, rows = table
    # A cell is a line: a line's end in it would tear the table apart.
    return headings, [[" ".join(printable(cell).split("\n")) for cell in row] for row in rows]


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

"""A command's reply as a tool's answer: a short text, and the envelope of --json, kept short too.

What a tool answers lands in a model's context whole, so long lists and texts are cut, with a
warning that says which, and the command that shows all.
"""

from __future__ import annotations

import json
from typing import Any

from workflow.reply import MAX_PLAIN_CHARACTERS, Reply, plain_table

LARGEST = 16_000
"""Characters of JSON that an envelope may have."""
_ROOM_FOR_REST, _LONGEST_MESSAGE = 4_000, 1_200
_STEPS = ((100, 4_000, 12), (30, 2_000, 10), (10, 800, 8), (5, 300, 6), (2, 100, 4))
"""Entries of a list, characters of a text, and depth that are left, from mild to harsh."""


def as_text(reply: Reply) -> str:
    """What the command says to a person and to Claude Code, under 8,000 characters."""
    told = [*reply.notes, *(f"warning: {warning}" for warning in reply.warnings)]
    if reply.error is not None:
        word = "note" if reply.not_yet else "error"
        told.append(f"{word}: {_cut(reply.error.message, _LONGEST_MESSAGE, '')}")
        if reply.error.did_you_mean:
            told.append(f"  did you mean: {', '.join(reply.error.did_you_mean)}?")
        if reply.error.hint:
            told.append(f"  {_cut(reply.error.hint, _LONGEST_MESSAGE, '')}")
    told += [f"next: {command}   ({why})" for command, why in reply.next]
    rest = _cut(_writable("\n".join(told)), _ROOM_FOR_REST, "")
    parts = [reply.text] if reply.text else []
    if reply.table is not None:
        parts.append(plain_table(*reply.table))
    main = _cut(_writable("\n".join(parts)), MAX_PLAIN_CHARACTERS - len(rest) - 200, reply.rest)
    return "\n".join(filter(None, (main, rest))) or "done"


def _cut(text: str, room: int, rest: str) -> str:
    if len(text) <= room:
        return text
    kept = text[:room].rsplit("\n", 1)[0] or text[:room]
    more = f"; all of it: {rest}" if rest else ""
    return f"{kept}\n[{len(text) - len(kept):,} more characters{more}]"


def as_envelope(reply: Reply) -> dict[str, Any]:
    """The envelope of --json, as JSON has it, cut where it is long."""
    whole: dict[str, Any] = json.loads(json.dumps(reply.envelope(), default=str))
    for items, characters, depth in _STEPS:
        left_out: list[str] = []
        kept = {
            name: value
            if name == "next"
            else _shortened(value, name, items, characters, depth, left_out)
            for name, value in whole.items()
        }
        if left_out:
            what = ", ".join(left_out[:5]) + (", …" if len(left_out) > 5 else "")
            all_of_it = f"; all of it: {reply.rest}" if reply.rest else "; the command has --json"
            kept["warnings"] = [*kept["warnings"], f"cut, being long: {what}{all_of_it}"]
        if len(json.dumps(kept)) <= LARGEST:
            break
    return kept


def _shortened(
    value: Any, path: str, items: int, characters: int, depth: int, left_out: list[str]
) -> Any:
    if isinstance(value, str):
        if len(value) > characters:
            left_out.append(f"{path} ({len(value):,} characters)")
            value = value[: characters - 1] + "…"
        return _writable(value)
    if not isinstance(value, (list, dict)):
        return value
    if depth == 0 and value:
        left_out.append(path)
        return type(value)()
    if len(value) > items:
        left_out.append(f"{path} ({items} of {len(value):,})")
    if isinstance(value, list):
        return [
            _shortened(one, f"{path}.{number}", items, characters, depth - 1, left_out)
            for number, one in enumerate(value[:items])
        ]
    return {
        _writable(str(name)): _shortened(
            one, f"{path}.{name}", items, characters, depth - 1, left_out
        )
        for name, one in list(value.items())[:items]
    }


def _writable(text: str) -> str:
    """Text that UTF-8 can carry: names of files may be any bytes."""
    return text.encode("utf-8", "backslashreplace").decode()

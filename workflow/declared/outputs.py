"""What a command told: read from all that it printed, and held against what it is to tell.

Standard output and standard error are read as they came, together, without colours. The log was
redacted before it is read here, so that no secret becomes an output.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workflow import printed
from workflow.config import Command
from workflow.deploy.script_output import compile_patterns
from workflow.errors import TaskError
from workflow.layout import CONFIG
from workflow.settings.commands.surroundings import Output

LONGEST_JSON = 1 << 20
"""Bytes of a JSON object that is read."""
LARGEST = 64 << 10
"""Characters of one output, as JSON; a result is to be read by people."""
PATTERN_SECONDS = 10.0
"""For one pattern on all that was printed."""

_INTEGER = re.compile(r"[-+]?\d{1,18}|[-+]?\d{1,3}(,\d{3}){1,5}")
_NUMBER = re.compile(r"[-+]?(\d{1,18}|\d{1,3}(,\d{3}){1,5})?(\.\d{1,18})?([eE][-+]?\d{1,3})?")


@dataclass
class Told:
    """The outputs that could be read, and why the others could not."""

    outputs: dict[str, Any] = field(default_factory=dict)
    faults: list[TaskError] = field(default_factory=list)


def read(
    command: Command,
    name: str,
    log: Path,
    before: int,
    *,
    check: Callable[[], None],
    instead: str | None = None,
) -> Told:
    """What the output in `log` from byte `before` on tells.

    `instead`: the end of it, to be read in place of a log that a full disk has cut off. `check` is
    called often, and what it raises passes through.
    """
    told = Told()
    searches = {
        key: _Search(output.pattern)
        for key, output in command.outputs.items()
        if output.pattern is not None
    }
    tail = b""
    size = 0
    for block in [instead.encode()] if instead is not None else printed.blocks(log, before):
        check()
        size += len(block)
        tail = (tail + block)[-LONGEST_JSON:]
        text = block.decode("utf-8", "replace") if searches else ""
        for search in searches.values():
            search.look(text)
    said = _said(told, command, name, tail, size)
    for key, output in command.outputs.items():
        if key not in searches:
            if said is not None:
                _take(told, name, key, output, said.get(key))
        elif searches[key].too_slow:
            told.faults.append(_slow(key))
        else:
            _take(told, name, key, output, searches[key].value(output))
    return told


def _said(told: Told, command: Command, name: str, tail: bytes, size: int) -> dict[str, Any] | None:
    """The JSON object that was printed; None if there is none, and that is a fault."""
    if command.reading is None:
        return {}
    whole = command.reading == "whole"
    found = _json(tail, whole=whole, all_there=size <= LONGEST_JSON)
    if not isinstance(found, str):
        return found
    hint = 'let it print its outputs as one line, such as {"pictures": 3}'
    if whole:
        hint = f"let it print nothing else, or say `json: last-line` in {CONFIG}"
    told.faults.append(_fault("output_not_json", f"{name} {found}", hint))
    return None


def _take(told: Told, name: str, key: str, output: Output, value: Any) -> None:
    hint = f"see outputs.{key} of the command in {CONFIG}, and what it printed"
    if value is None:
        missed = "its pattern matched nothing" if output.pattern else "its JSON does not have it"
        message = f"{name} did not tell {key}: {missed}"
        told.faults.append(_fault("output_missing", message, hint))
    elif fault := _unfit(output, value):
        message = f"{name} told {key} wrongly: it {fault}"
        told.faults.append(_fault("output_invalid", message, hint))
    else:
        told.outputs[key] = value


def _unfit(output: Output, value: Any) -> str | None:
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
        "array": (list,),
        "object": (dict,),
    }
    wrong = isinstance(value, bool) is not (output.type == "boolean")
    if wrong or not isinstance(value, kinds[output.type]):
        shown = json.dumps(value, ensure_ascii=False)
        shown = shown if len(shown) <= 80 else f"{shown[:79]}…"
        return f"should be of the type {output.type}, and is {shown}"
    if isinstance(value, float) and not math.isfinite(value):
        return "is not finite"
    if len(json.dumps(value)) > LARGEST:
        return f"is longer than {LARGEST:,} characters"
    return None


class _Search:
    """A pattern at work on one block of the output after the other, within its time."""

    def __init__(self, pattern: str) -> None:
        self.too_slow = False
        self._pattern = compile_patterns({"pattern": pattern})["pattern"]
        self._matches = 0
        self._last: str | None = None
        self._left = PATTERN_SECONDS

    def look(self, text: str) -> None:
        if self.too_slow:
            return
        started = time.monotonic()
        try:
            for match in self._pattern.finditer(text, timeout=max(self._left, 0.001)):
                self._matches += 1
                if self._pattern.groups and match[1] is not None:
                    self._last = match[1]
        except (TimeoutError, MemoryError):
            self.too_slow = True
        self._left -= time.monotonic() - started

    def value(self, output: Output) -> Any:
        """Whether or how often it matched, or what its first group held the last time."""
        if output.type == "boolean":
            return self._matches > 0
        if not self._pattern.groups:
            return self._matches
        if self._last is None or output.type == "string":
            return self._last
        text = self._last.strip()
        if _INTEGER.fullmatch(text):
            return int(text.replace(",", ""))
        is_number = any(sign.isdigit() for sign in text) and _NUMBER.fullmatch(text)
        return float(text.replace(",", "")) if is_number else text


def _json(tail: bytes, *, whole: bool, all_there: bool) -> dict[str, Any] | str:
    """The object that was printed, or what is wrong with it."""
    if whole:
        if not all_there:
            return f"printed more than {LONGEST_JSON:,} bytes, which are no JSON to read"
        found = _object(tail.decode("utf-8", "replace"))
        return "did not print one JSON object and nothing else" if found is None else found
    lines = tail.split(b"\n")
    for line in reversed(lines if all_there else lines[1:]):
        text = line.strip()
        if text.startswith(b"{") and text.endswith(b"}"):
            found = _object(text.decode("utf-8", "replace"))
            if found is not None:
                return found
    return "printed no line that is a JSON object"


def _object(text: str) -> dict[str, Any] | None:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    try:
        found = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _slow(key: str) -> TaskError:
    return _fault(
        "output_missing",
        f"the pattern of {key} was given up: it took more than {PATTERN_SECONDS:g} s on what was "
        "printed",
        f"write outputs.{key}.pattern in {CONFIG} in a simpler way",
    )


def _fault(code: str, message: str, hint: str) -> TaskError:
    return TaskError(code, message, "escalate", "command", hint=hint)

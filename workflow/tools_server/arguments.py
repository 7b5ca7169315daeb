"""Whether a call has what the tool takes: as much of JSON Schema as our tools use.

Said in our own words, all at once, with what was most likely meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workflow.errors import Problem, WorkflowError, nearest
from workflow.tools_server.tools import TOOLS, Schema

_KINDS: dict[str, tuple[Any, str]] = {
    "string": ((str,), "a text"),
    "boolean": ((bool,), "true or false"),
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "array": ((list,), "a list"),
    "object": ((dict,), "an object"),
}
LONGEST_TEXT = 2_000_000
"""Characters; a task's body is read by nobody if it is longer."""
_DEEPEST = 30


def check(tool: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, without those that are null: these are not given.

    Raises WorkflowError `bad_arguments` with every problem.
    """
    row = TOOLS[tool]
    said = {name: value for name, value in given.items() if value is not None}
    problems = [
        Problem(f"{tool} needs {name!r}", key=name) for name in row.needs if name not in said
    ]
    for name, value in said.items():
        if name not in row.takes:
            near = nearest(name, list(row.takes))
            problems.append(Problem(f"{tool} takes no {_shown(name)}", key=None, did_you_mean=near))
            continue
        problems += _wrong(name, value, row.takes[name])
    if problems:
        raise WorkflowError(
            "bad_arguments",
            "; ".join(problem.message for problem in problems)[:2_000],
            hint=f"{tool} takes: {', '.join(row.takes)}",
            did_you_mean=next((p.did_you_mean for p in problems if p.did_you_mean), ()),
            problems=problems,
        )
    return said


def _wrong(name: str, value: Any, schema: Schema) -> Iterator[Problem]:
    kinds, called = _KINDS[schema["type"]]
    # To Python true is a number.
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        yield Problem(f"{name} must be {called}", key=name)
        return
    trouble = _unwritable(value, _DEEPEST)
    if trouble:
        yield Problem(f"{name} {trouble}", key=name)
    elif "enum" in schema and value not in schema["enum"]:
        near = nearest(value, schema["enum"])
        known = ", ".join(schema["enum"])
        yield Problem(f"{name} is one of {known}", key=name, did_you_mean=near)
    elif "minimum" in schema:
        low, high = schema["minimum"], schema.get("maximum")
        if not (low <= value and (high is None or value <= high)):  # NaN is in no bounds
            bounds = f"at least {low}" if high is None else f"from {low} to {high}"
            yield Problem(f"{name} must be {bounds}", key=name)
    elif schema["type"] == "array":
        if not all(isinstance(one, str) for one in value):
            yield Problem(f"{name} must be a list of texts", key=name)
        elif len(value) < schema.get("minItems", 0):
            yield Problem(f"{name} must not be empty", key=name)


def _unwritable(value: Any, deep: int) -> str:
    """Why a value cannot stand in a file; empty if it can."""
    if deep == 0:
        return "is nested too deeply"
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            return f"is longer than {LONGEST_TEXT:,} characters"
        if "\0" in value:
            return "holds a NUL character"
        try:
            value.encode()
        except UnicodeEncodeError:
            return "holds half of a surrogate pair"
        return ""
    parts = [*value, *value.values()] if isinstance(value, dict) else value
    if not isinstance(parts, list):
        return ""
    return next(filter(None, (_unwritable(part, deep - 1) for part in parts)), "")


def _shown(name: str) -> str:
    return repr(name if len(name) <= 60 else f"{name[:59]}…")

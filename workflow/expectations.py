"""expected_outputs -> checks -> verdict.

Both forms of the task format are read: a list of names (each must be among the outputs) and a
list, or mapping, of `name: condition`. A condition is a type, with bounds in brackets or not, or a
comparison:

    boolean                        float (<60)              == 200
    integer (>100)                 number (>=1, <=5)        one of dev, staging
    string (matches /^E[A-Z0-9]+$/)                         array (empty)   array (non-empty)
"""

from __future__ import annotations

import math
import operator
import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workflow import yaml12
from workflow.errors import Status, nearest

MATCH_SECONDS = 1.0
"""A pattern that needs longer on one output counts as not matching: tasks may be hostile."""
MAX_REPEATS = 2_000_000
"""Most elements in a compiled pattern. `a{9}` is nine of them, at 70 bytes and more each."""

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "float": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "string": lambda v: isinstance(v, str),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
}
_ALIASES = {
    "bool": "boolean", "int": "integer", "number": "float", "str": "string",
    "list": "array", "mapping": "object", "dict": "object",
}  # fmt: skip
_COMPARE = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
    ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_CONDITION = re.compile(r"\s*([A-Za-z]+)\s*(?:\((.*)\))?\s*", re.DOTALL)
_BOUND = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(.+?)\s*", re.DOTALL)
_AND = re.compile(r",(?=\s*(?:>=|<=|==|!=|>|<))")
_REPEAT = re.compile(r"\{\s*(\d+)")
_MATCHES = re.compile(r"\s*matches\s*/(.*)/\s*", re.DOTALL)


SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "array", "items": {"type": ["string", "object"]}},
        {"type": "object"},
        {"type": "null"},
    ]
}
"""Of `expected_outputs`, as JSON Schema has it."""


class InvalidExpectation(ValueError):
    """expected_outputs holds something that is no condition. `name` says where."""

    def __init__(self, name: str | int, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation held against what the handler gave."""

    name: str
    expected: str
    actual: Any
    passed: bool

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "expected": self.expected,
            "actual": self.actual,
            "passed": self.passed,
        }


Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Expectation:
    """A name among the outputs and what must hold of its value."""

    name: str
    expected: str
    test: Test

    def check(self, outputs: Mapping[str, Any]) -> Check:
        if self.name not in outputs:
            return Check(self.name, self.expected, None, False)
        actual = outputs[self.name]
        return Check(self.name, self.expected, actual, self.test(actual))


def parse(written: Any) -> list[Expectation]:
    """The expectations in a task's `expected_outputs`. Raises InvalidExpectation."""
    if written is None:
        return []
    if isinstance(written, Mapping):
        return [_condition(str(name), condition) for name, condition in written.items()]
    if not isinstance(written, list):
        raise InvalidExpectation(0, "must be a list of names, or of 'name: condition'")
    found: list[Expectation] = []
    for number, entry in enumerate(written):
        if isinstance(entry, str):
            found.append(Expectation(entry, "present", lambda _: True))
        elif isinstance(entry, Mapping):
            found += [_condition(str(name), condition) for name, condition in entry.items()]
        else:
            raise InvalidExpectation(number, f"{entry!r} is neither a name nor 'name: condition'")
    return found


def _condition(name: str, written: Any) -> Expectation:
    if written is None:
        return Expectation(name, "present", lambda _: True)
    if not isinstance(written, str):
        return Expectation(name, f"== {written!r}", lambda actual: _equal(actual, written))
    return Expectation(name, written, _test(name, written))


def _test(name: str, written: str) -> Test:
    if written.lstrip().startswith("one of "):
        choices = [_value(choice) for choice in written.split("one of ", 1)[1].split(",")]
        return lambda actual: any(_equal(actual, choice) for choice in choices)
    bounds = _bounds(written)
    if bounds:
        return bounds
    shape = _CONDITION.fullmatch(written)
    word = shape[1].lower() if shape else ""
    kind = _ALIASES.get(word, word)
    if shape is None or kind not in _TYPES:
        known = [*_TYPES, "one of", "=="]
        near = nearest(word, known)
        raise InvalidExpectation(
            name,
            f"{written!r} is not a condition"
            + (f" (did you mean {near[0]}?)" if near else f"; known are {', '.join(known)}"),
        )
    is_kind = _TYPES[kind]
    if shape[2] is None:
        return is_kind
    inner = _detail(name, kind, shape[2], written)
    return lambda actual: is_kind(actual) and inner(actual)


def _detail(name: str, kind: str, detail: str, written: str) -> Test:
    word = detail.strip().lower()
    if word in ("empty", "non-empty", "not empty") and kind in ("array", "string", "object"):
        return (lambda v: len(v) == 0) if word == "empty" else (lambda v: len(v) > 0)
    pattern = _MATCHES.fullmatch(detail)
    if pattern and kind == "string":
        return _matcher(name, pattern[1])
    bounds = _bounds(detail, _TYPES["float" if kind == "integer" else kind])
    if bounds and kind in ("integer", "float", "string", "boolean"):
        return bounds
    raise InvalidExpectation(name, f"{written!r}: '({detail})' is no bound for {kind}")


def _matcher(name: str, pattern: str) -> Test:
    # The regex package, because its matching can be given a time limit; re's cannot.
    import regex

    counts = [int(count.lstrip("0")[:12] or 1) for count in _REPEAT.findall(pattern)]
    if math.prod(counts, start=len(pattern)) > MAX_REPEATS:
        raise InvalidExpectation(name, f"/{_cut(pattern)}/ repeats too often")
    try:
        compiled = regex.compile(pattern)
    except RecursionError as error:
        raise InvalidExpectation(name, f"/{_cut(pattern)}/ is nested too deeply") from error
    except (regex.error, ValueError, OverflowError) as error:
        raise InvalidExpectation(name, f"/{_cut(pattern)}/ is not a pattern: {error}") from error

    def matches(actual: Any) -> bool:
        try:
            return compiled.search(actual, timeout=MATCH_SECONDS) is not None
        except (TimeoutError, MemoryError):  # a fast machine fills its memory before its time is up
            return False

    return matches


def _bounds(written: str, is_kind: Test = lambda _: True) -> Test | None:
    """`>100`, `>= 1, < 5`, `== value`: all must hold. None if it is not of that form."""
    tests = []
    for part in _AND.split(written):
        bound = _BOUND.fullmatch(part)
        limit = bound and _value(bound[2])
        if bound is None or not is_kind(limit):
            return None
        tests.append((_COMPARE[bound[1]], limit))
    return lambda actual: all(_compare(compare, actual, limit) for compare, limit in tests)


def _compare(compare: Callable[[Any, Any], Any], actual: Any, limit: Any) -> bool:
    if compare in (operator.eq, operator.ne):
        return bool(compare(_equal(actual, limit), True))
    numbers = _TYPES["float"](actual) and _TYPES["float"](limit)
    if not numbers and not (isinstance(actual, str) and isinstance(limit, str)):
        return False
    return bool(compare(actual, limit))


def _value(written: str) -> Any:
    """A value as YAML reads it; what YAML does not read is the string that it is."""
    try:
        return yaml12.load(written.strip()).data
    except yaml12.InvalidYaml:
        return written.strip()


def _equal(a: Any, b: Any) -> bool:
    """Equality in which `true` is not 1, as a person means it."""
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether to go on, after seed rules: proceed, warn the user, or see to a failure."""

    verdict: str
    reason: str
    checks: list[Check]

    @property
    def passed(self) -> bool:
        return not self.verdict.startswith(("failed", "warn"))

    def as_dict(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "checks": [check.as_dict() for check in self.checks],
        }


def verify(
    status: Status, outputs: Mapping[str, Any], expected: list[Expectation], proceed: str
) -> Verification:
    """Hold `outputs` against what the task expected.

    `proceed` (the handler's word for success, such as `proceed_to_deploy`) if all is well;
    `warn_user_about_errors` if it succeeded and yet reports errors; `failed_expectations` if some
    other check does not hold; `failed` if the task itself did not succeed.
    """
    checks = [expectation.check(outputs) for expectation in expected]
    missed = [check for check in checks if not check.passed]
    errors = outputs.get("errors")
    if status != "success":
        return Verification("failed", f"the task ended as {status}", checks)
    if errors:
        return Verification(
            "warn_user_about_errors", f"it succeeded, but reports {_count(errors)}", checks
        )
    if missed:
        said = "; ".join(f"{c.name} should be {c.expected}, is {_short(c.actual)}" for c in missed)
        return Verification("failed_expectations", said, checks)
    what = f"all {len(checks)} checks passed" if checks else "it succeeded; nothing was expected"
    return Verification(proceed, what, checks)


def _count(errors: Any) -> str:
    if isinstance(errors, list):
        return "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    return "errors"


def _short(value: Any) -> str:
    return "missing" if value is None else one_line(value)


def one_line(value: Any) -> str:
    """What an output is, as far as it fits into a sentence."""
    try:
        return _cut(yaml12.dump_inline(value))
    except (ValueError, RecursionError):  # half a surrogate pair; a list without end
        return _cut(reprlib.repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."

"""What a task expects of its outputs is read as people write it, and judged as they mean it."""

from __future__ import annotations

import math
import operator
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workflow import yaml12
from workflow.expectations import (
    MATCH_SECONDS,
    InvalidExpectation,
    Verification,
    one_line,
    parse,
    verify,
)

MISSING = object()


def holds(condition: Any, actual: Any) -> bool:
    (expectation,) = parse([{"x": condition}])
    return expectation.check({} if actual is MISSING else {"x": actual}).passed


# -- the grammar -------------------------------------------------------------------------------

HOLDS: list[tuple[Any, Any, bool]] = [
    ("boolean", True, True), ("boolean", 1, False), ("bool", False, True), ("Boolean", True, True),
    ("integer", 5, True), ("integer", True, False), ("integer", 5.0, False), ("int", "5", False),
    ("float", 1.5, True), ("float", 1, True), ("float", True, False), ("number", 2, True),
    ("string", "", True), ("string", 1, False), ("str", "x", True), ("string", None, False),
    ("array", [], True), ("array", {}, False), ("list", [1], True),
    ("object", {}, True), ("object", [], False), ("mapping", {"a": 1}, True), ("dict", {}, True),
    ("integer (>100)", 101, True), ("integer (>100)", 100, False), ("integer(>100)", 101, True),
    ("integer ( > 100 )", 101, True), ("integer (>100)", 101.5, False),
    ("integer (>100)", True, False), ("integer (>0)", True, False),
    ("integer (>100)", "101", False), ("integer (>100)", None, False),
    ("float (<60)", 59.9, True), ("float (<60)", 60, False), ("float (<60)", math.nan, False),
    ("number (>=1, <=5)", 1, True), ("number (>=1, <=5)", 5, True), ("number (>=1,<=5)", 6, False),
    ("integer (!= 3)", 3, False), ("integer (!= 3)", 4, True), ("integer (== 0x10)", 16, True),
    ("float (> -1.5e3)", -1499, True), ("float (<.inf)", 1e308, True),
    (">100", 101, True), (">100", True, False), (">= 1, < 5", 5, False), (">= 1, < 5", 1, True),
    ("< b", "a", True), ("< b", 5, False), ("> 5", "6", False),
    ("== 200", 200, True), ("== 200", 200.0, True), ("== 200", "200", False), ("==200", 200, True),
    ("== true", True, True), ("== true", 1, False), ("== 1", True, False), ("== no", "no", True),
    ("== no", False, False), ("== null", None, True), ("== '200'", "200", True),
    ("== Hello, world", "Hello, world", True), ("== [1, 2]", [1, 2], True),
    ("== 2026-01-19", "2026-01-19", True), ("!= staging", "dev", True),
    ("!= staging", "staging", False), ("boolean (== true)", False, False),
    ("one of dev, staging", "dev", True), ("one of dev, staging", "staging", True),
    ("one of dev, staging", "production", False), ("one of 200, 304", 304, True),
    ("one of 200, 304", "304", False), ("one of true, x", 1, False), ("one of no", "no", True),
    ("string (matches /^E[A-Z0-9]+$/)", "E3HA8770RGET6T", True),
    ("string (matches /^E[A-Z0-9]+$/)", "xE3", False), ("string (matches /a,b|c/)", "a,b", True),
    (r"string (matches /\(v(\d+)\)/)", "Hugo (v122)", True), ("string (matches /x/)", 5, False),
    ("string ( matches /a/b/ )", "xa/by", True), ("string (matches //)", "", True),
    ("array (empty)", [], True), ("array (empty)", [1], False), ("array (empty)", "", False),
    ("array (non-empty)", [0], True), ("array (non-empty)", [], False),
    ("array (not empty)", [0], True), ("string (non-empty)", "", False),
    ("object (empty)", {}, True),
    (None, 5, True), (None, None, True), (200, 200, True), (200, "200", False), (True, 1, False),
    ([], [], True), ({"a": 1}, {"a": 1}, True),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "actual", "expected"), HOLDS)
def test_a_condition_holds_when_a_person_would_say_so(
    condition: Any, actual: Any, expected: bool
) -> None:
    assert holds(condition, actual) is expected


@pytest.mark.parametrize("condition", [c for c, _, _ in HOLDS[::4]])
def test_no_condition_holds_of_an_output_that_is_missing(condition: Any) -> None:
    assert not holds(condition, MISSING)


SEED_TASK = """
expected_outputs:
  - build_success: boolean
  - file_count: integer (>100)
  - errors: array (empty)
  - duration_seconds: float (<60)
"""
SEED_TEMPLATE = """
expected_outputs:
  - build_success
  - file_count
  - errors
  - warnings
"""
GOOD = {"build_success": True, "file_count": 247, "errors": [], "duration_seconds": 12.3}


def written(text: str) -> Any:
    return yaml12.load(text).data["expected_outputs"]


def test_the_list_of_conditions_is_read_word_for_word() -> None:
    found = parse(written(SEED_TASK))
    assert [(e.name, e.expected) for e in found] == [
        ("build_success", "boolean"),
        ("file_count", "integer (>100)"),
        ("errors", "array (empty)"),
        ("duration_seconds", "float (<60)"),
    ]
    assert all(e.check(GOOD).passed for e in found)
    bad = {"build_success": 1, "file_count": 100, "errors": ["x"], "duration_seconds": 60}
    assert not any(e.check(bad).passed for e in found)


def test_the_list_of_names_is_read_word_for_word() -> None:
    found = parse(written(SEED_TEMPLATE))
    assert [e.name for e in found] == ["build_success", "file_count", "errors", "warnings"]
    assert [e.check(GOOD).passed for e in found] == [True, True, True, False]


def test_a_mapping_and_a_mixed_list_are_read_as_well() -> None:
    text = "expected_outputs: {a: integer, b: '== 200'}"
    assert [(e.name, e.expected) for e in parse(written(text))] == [
        ("a", "integer"),
        ("b", "== 200"),
    ]
    text = "expected_outputs: [a, b: integer, {c: string, d: }]"
    assert [(e.name, e.expected) for e in parse(written(text))] == [
        ("a", "present"), ("b", "integer"), ("c", "string"), ("d", "present"),
    ]  # fmt: skip


def test_nothing_expected_is_nothing_to_check() -> None:
    assert parse(None) == parse([]) == parse({}) == []


# -- what is no condition ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("intger", "did you mean integer?"),
        ("arry (empty)", "did you mean array?"),
        ("strin", "did you mean string?"),
        ("", "known are boolean, integer"),
        ("what on earth", "known are boolean, integer"),
        ("integer > 100", "'integer > 100' is not a condition"),
        ("integer (>100", "is not a condition"),
        ("integer ()", "'()' is no bound for integer"),
        ("integer (100)", "'(100)' is no bound for integer"),
        ("integer (>many)", "'(>many)' is no bound for integer"),
        ("integer (>1, 5)", "is no bound for integer"),
        ("float (>true)", "is no bound for float"),
        ("boolean (== 1)", "is no bound for boolean"),
        ("string (>5)", "is no bound for string"),
        ("array (>3)", "is no bound for array"),
        ("boolean (empty)", "is no bound for boolean"),
        ("array (matches /x/)", "is no bound for array"),
        ("string (matches x)", "is no bound for string"),
        ("string (matches /(/)", "/(/ is not a pattern: missing )"),
        ("string (matches /[/)", "/[/ is not a pattern"),
        ("string (matches /(?a)(?u)x/)", "is not a pattern"),
        ("string (matches /a{99999999999}/)", "repeats too often"),
        ("string (matches /((((a{99}){99}){99}){99})/)", "repeats too often"),
        ("string (matches /" + "(" * 5000 + ")" * 5000 + "/)", "nested too deeply"),
    ],
)
def test_what_is_no_condition_is_said_with_the_reason(condition: str, says: str) -> None:
    with pytest.raises(InvalidExpectation) as caught:
        parse(["fine", {"the_name": condition}])
    assert says in str(caught.value)
    assert caught.value.name == "the_name"
    assert len(str(caught.value)) < 300 or condition in str(caught.value)


@pytest.mark.parametrize("whole", [5, "a name", True, 1.5])
def test_expected_outputs_must_be_a_list_or_a_mapping(whole: Any) -> None:
    with pytest.raises(InvalidExpectation, match="must be a list"):
        parse(whole)


@pytest.mark.parametrize("entry", [5, None, ["a"], True])
def test_an_entry_of_another_kind_is_named_by_its_number(entry: Any) -> None:
    with pytest.raises(InvalidExpectation, match="neither a name nor") as caught:
        parse(["a", entry])
    assert caught.value.name == 1


# -- properties --------------------------------------------------------------------------------

COMPARE = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
numbers = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6).filter(lambda f: f == float(repr(f)))


@settings(deadline=None)
@given(st.sampled_from(sorted(COMPARE)), numbers, numbers, st.sampled_from(["", " "]))
@example(">=", 5, 5, "")
@example("<", 0, 0.0, "")
def test_a_bound_agrees_with_python(sign: str, limit: float, actual: float, gap: str) -> None:
    expected = COMPARE[sign](actual, limit)
    bound = f"{sign}{gap}{limit!r}"
    assert holds(bound, actual) is expected
    assert holds(f"float ({bound})", actual) is expected
    assert holds(f"integer ({bound})", actual) is (expected and isinstance(actual, int))
    assert holds(f"{bound}, {bound}", actual) is expected


@settings(deadline=None)
@given(
    st.sampled_from(["integer", "float", "number", "integer (>=0)", ">=0", "== 1", "one of 0, 1"]),
    st.booleans(),
)
def test_a_truth_value_is_never_a_number(condition: str, actual: bool) -> None:
    assert not holds(condition, actual)


@settings(deadline=None)
@given(numbers, numbers, numbers)
def test_two_bounds_must_both_hold(low: float, high: float, actual: float) -> None:
    assert holds(f"number (>={low!r}, <{high!r})", actual) is (low <= actual < high)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(values, st.text(max_size=20) | values)
def test_any_condition_is_judged_or_refused_and_never_breaks(actual: Any, condition: Any) -> None:
    try:
        found = parse([{"x": condition}])
    except InvalidExpectation:
        return
    check = found[0].check({"x": actual})
    assert type(check.passed) is bool
    assert check.as_dict()["actual"] is actual


@settings(deadline=None)
@given(values)
def test_exactly_one_type_fits_a_value_and_integers_are_numbers_too(actual: Any) -> None:
    kinds = [
        k for k in ("boolean", "integer", "float", "string", "array", "object") if holds(k, actual)
    ]
    assert len(kinds) == (0 if actual is None else 2 if type(actual) is int else 1)


# -- hostile patterns --------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(a|(?R))*$", "(.*)*x", r"(\w+\s?)*!"])
def test_a_catastrophic_pattern_stops_within_its_limit(pattern: str) -> None:
    started = time.monotonic()
    passed = holds(f"string (matches /{pattern}/)", "a" * 5_000 + " " + "a" * 40 + "\n")
    assert time.monotonic() - started < MATCH_SECONDS + 30, "it would take for ever"
    assert not passed


@pytest.mark.parametrize(
    "pattern",
    ["(((a{1000}){1000}){1000}){1000}", "a{1000000000}", "(?x)(a{ 100000 }){ 100000 }",
     "(?<n>a){4000000}", "((ab{1000}){1000}){1000}", "(.{1000,}){10000}", "(a{4000000}){0}"],
)  # fmt: skip
def test_a_pattern_that_would_fill_the_memory_is_refused_at_once(pattern: str) -> None:
    started = time.monotonic()
    with pytest.raises(InvalidExpectation, match="repeats too often"):
        parse([{"x": f"string (matches /{pattern}/)"}])
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "123e4567-e89b-12d3-a456-426614174000"),
        (r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$", "2026-01-19T14:30:00Z"),
        (r"^[0-9a-f]{64}$", "0" * 64),
        (r"^([a-z0-9]{1,63}\.){1,4}[a-z]{2,24}$", "www.klminsurance.com"),
    ],
)
def test_ordinary_patterns_with_counts_are_taken(pattern: str, text: str) -> None:
    assert holds(f"string (matches /{pattern}/)", text)
    assert not holds(f"string (matches /{pattern}/)", "!" + text)


# -- the verdict -------------------------------------------------------------------------------


def verdict(status: Any, outputs: dict[str, Any], expected: str = SEED_TASK) -> Verification:
    return verify(status, outputs, parse(written(expected)), "proceed_to_deploy")


def test_a_good_build_proceeds_to_deploy() -> None:
    found = verdict("success", GOOD)
    assert (found.verdict, found.reason) == ("proceed_to_deploy", "all 4 checks passed")
    assert found.passed


def test_a_build_that_reports_errors_warns_the_user() -> None:
    found = verdict("success", {**GOOD, "errors": ["broken link", "x"]})
    assert found.verdict == "warn_user_about_errors"
    assert found.reason == "it succeeded, but reports 2 errors"
    assert not found.passed


def test_errors_are_warned_of_even_if_other_checks_fail_or_none_was_asked_for() -> None:
    assert verdict("success", {**GOOD, "errors": ["x"], "file_count": 1}).verdict.startswith("warn")
    found = verdict("success", {"errors": ["x"]}, "expected_outputs: []")
    assert (found.verdict, found.reason) == (
        "warn_user_about_errors",
        "it succeeded, but reports 1 error",
    )


def test_a_build_of_too_few_files_fails_its_expectations_by_name() -> None:
    found = verdict("success", {**GOOD, "file_count": 100})
    assert found.verdict == "failed_expectations"
    assert found.reason == "file_count should be integer (>100), is 100"
    assert not found.passed
    assert [c.name for c in found.checks if not c.passed] == ["file_count"]


def test_every_missed_expectation_is_said() -> None:
    found = verdict("success", {"build_success": "yes", "errors": []})
    assert found.reason.split("; ") == [
        "build_success should be boolean, is 'yes'",
        "file_count should be integer (>100), is missing",
        "duration_seconds should be float (<60), is missing",
    ]


@pytest.mark.parametrize("status", ["failed", "timeout", "cancelled", "rejected"])
def test_a_task_that_did_not_succeed_failed_whatever_its_outputs_say(status: str) -> None:
    found = verdict(status, GOOD)
    assert (found.verdict, found.reason) == ("failed", f"the task ended as {status}")
    assert not found.passed
    assert len(found.checks) == 4


def test_a_task_that_expected_nothing_says_so() -> None:
    found = verdict("success", {}, "expected_outputs:")
    assert (found.verdict, found.reason) == (
        "proceed_to_deploy",
        "it succeeded; nothing was expected",
    )


def test_a_verification_is_a_plain_document() -> None:
    found = verdict("success", GOOD).as_dict()
    assert found["checks"][1] == {
        "name": "file_count", "expected": "integer (>100)", "actual": 247, "passed": True,
    }  # fmt: skip
    assert set(found) == {"verdict", "reason", "checks"}


def test_outputs_that_no_file_can_hold_are_still_judged() -> None:
    endless: list[Any] = []
    endless.append(endless)
    for odd in ("half \udcff", endless, b"\xff", object()):
        found = verdict("success", {**GOOD, "file_count": odd})
        assert found.verdict == "failed_expectations"
        assert found.checks[1].actual is odd


@given(values)
@settings(deadline=None)
def test_an_output_in_a_sentence_is_one_short_line(value: Any) -> None:
    assert len(one_line(value)) <= 60
    assert "\n" not in one_line(value)

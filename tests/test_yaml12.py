"""YAML is read as version 1.2 means it, and written so that nobody misreads it."""

from __future__ import annotations

import datetime
import math
import re
import subprocess
import sys
import time
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Any

import pytest
import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from workflow import yaml12
from workflow.yaml12 import InvalidYaml, dump, dump_inline, load, place

# -- scalars ---------------------------------------------------------------------------------

SCALARS: list[tuple[str, Any]] = [
    ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"), ("N", "N"),
    ("true", True), ("True", True), ("TRUE", True), ("false", False), ("tRue", "tRue"),
    ("2026-01-19", "2026-01-19"), ("2026-01-19T14:30:00Z", "2026-01-19T14:30:00Z"),
    ("2026-01-19 14:30:00", "2026-01-19 14:30:00"),
    ("0o17", 15), ("-0o17", "-0o17"), ("0o8", "0o8"), ("01234", 1234), ("-007", -7), ("+5", 5),
    ("0x1F", 31), ("0b11", "0b11"), ("1_000", "1_000"), ("12:30", "12:30"),
    ("190:20:30", "190:20:30"),
    (".inf", math.inf), ("-.INF", -math.inf), ("+.Inf", math.inf), ("inf", "inf"), ("nan", "nan"),
    ("1.5", 1.5), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("1E-2", 0.01), ("-1.e5", -1e5),
    ("1e", "1e"), ("e5", "e5"), (".", "."), ("-", None), ("+", "+"), ("1.2.3", "1.2.3"),
    ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None), ("nuLL", "nuLL"),
    ("none", "none"), ("=", "="), ("<<", "<<"),
    ("'no'", "no"), ('"1"', "1"), ("!!str 1", "1"), ("!!int '7'", 7), ("!!float 1", 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), [s for s in SCALARS if s[0] != "-"])
def test_a_plain_value_has_the_type_that_yaml_1_2_gives_it(written: str, meant: Any) -> None:
    found = load(f"key: {written}\n").data["key"]
    assert found == meant
    assert type(found) is type(meant)


def test_not_a_number_is_a_float() -> None:
    assert math.isnan(load("key: .nan").data["key"])


@pytest.mark.parametrize("written", ["!!int 1_000", "!!null x", "!!bool yes", "!!float infinity"])
def test_a_tag_does_not_make_a_value_of_what_is_none(written: str) -> None:
    with pytest.raises(InvalidYaml, match="cannot be read as"):
        load(f"key: {written}")


def test_an_integer_of_absurd_length_is_refused_briefly() -> None:
    with pytest.raises(InvalidYaml) as caught:
        load("key: " + "9" * 100_000)
    assert len(caught.value.problem.message) < 100


@pytest.mark.parametrize("written", ["5", "null", "~", "true", "1.50", "no"])
def test_a_key_is_its_text(written: str) -> None:
    assert load(f"{written}: x\nother: y\n").data == {written: "x", "other": "y"}


@pytest.mark.parametrize("old_break", ["\x85", "\u2028", "\u2029"])
def test_line_breaks_of_yaml_1_1_are_ordinary_characters(old_break: str) -> None:
    text = f"a: one{old_break}two\nb: 'x{old_break}y'\nc: 1\nd: ]"
    with pytest.raises(InvalidYaml) as caught:
        load(text)
    assert caught.value.problem.line == 4, "an editor shows four lines"
    assert load(text[: text.index("d:")]).data == {
        "a": f"one{old_break}two",
        "b": f"x{old_break}y",
        "c": 1,
    }


# -- an independent reader of YAML 1.2 agrees --------------------------------------------------


def oracle(text: str) -> Any:
    from ruamel.yaml import YAML

    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 2)
    return reader.load(text)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return list(map(str, a)) == list(map(str, b)) and all(
            same(x, y) for x, y in zip(a.values(), b.values(), strict=True)
        )
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


number_like = st.text("0123456789+-.eExXoOabfF_:", min_size=1, max_size=8)
word_like = st.sampled_from(
    ["true", "false", "no", "yes", "on", "null", "~", ".inf", "-.inf", "+.inf", ".nan", "y"]
)
mixed_case = word_like.flatmap(
    lambda w: st.sampled_from([w.upper(), w.title(), w[:-1] + w[-1:].upper()])
)


@settings(max_examples=300, deadline=None)
@given(number_like | word_like | mixed_case)
@example("-")
@example("0o17")
@example("01234")
@example("1_000")
@example("2026-01-19")
def test_plain_scalars_are_what_ruamel_says_they_are(written: str) -> None:
    from ruamel.yaml.error import YAMLError

    assume(":" not in (written[0], written[-1]))  # a mapping, its key empty or of another type
    text = f"- {written}\n"
    try:
        expected = oracle(text)
    except (YAMLError, ValueError):
        expected = [written]  # what it takes for a date or a number and then is none
    # Its liberties: dates; `1_000`; numbers of base 2; signs before 0o and 0x; and `.5e3` is none.
    if not isinstance(expected[0], (str, bool, float, int, NoneType, dict, list)) or (
        isinstance(expected[0], (int, float)) and re.search("_|0b|[-+]0[ox]", written)
    ):
        expected = [written]
    if re.fullmatch(r"[-+]?\.[0-9]+[eE][-+]?[0-9]+", written):
        expected = [float(written)]
    assert same(load(text).data, expected), (load(text).data, expected)


words = st.text("abcXYZ019 -.é…😀'\"#:,[]{}&*!|>%@`", min_size=0, max_size=12)
names = words.map(lambda word: f"k{word}")  # no number: a key is its text to us alone
plain_values = (
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | words
)
trees = st.recursive(
    plain_values,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(trees, st.booleans() | st.none(), st.integers(2, 6), st.sampled_from(["\n", "\r\n", "\r"]))
def test_documents_in_many_styles_are_what_ruamel_says_they_are(
    tree: Any, flow: bool | None, indent: int, newline: str
) -> None:
    # PyYAML writes (for readers of 1.1), ruamel and we read: what both read differs from no plan.
    text = yaml.safe_dump(
        {"top": tree}, default_flow_style=flow, indent=indent, width=30, allow_unicode=True
    ).replace("\n", newline)
    assert same(load(text).data, oracle(text.replace(newline, "\n")))


# -- what is refused, and where ----------------------------------------------------------------

REFUSED = [
    ("a: 1\nb: 2\na: 3\n", 3, 1, "stands here twice"),
    ("a: {x: 1, x: 2}\n", 1, 11, "stands here twice"),
    ("1: a\n'1': b\n", 2, 1, "stands here twice"),
    ("a:\n\t- b\n", 2, 1, "a tab stands here"),
    ("a: b: c\n", 1, 5, "within a value"),
    ("a: !!python/object:os.system x\n", 1, 4, "is not allowed here"),
    ("a: !mine x\n", 1, 4, "is not allowed here"),
    ("a: !!set {x}\n", 1, 4, "is not allowed here"),
    ("a: !!binary aGk=\n", 1, 4, "is not allowed here"),
    ("!mine a: 1\n", 1, 1, "is not allowed here"),
    ("[a]: 1\n", 1, 1, "a key must be"),
    ("a: *nobody\n", 1, 4, "nothing here is called"),
    ("a: 1\nb: &x [1, *x]\n", 2, 4, "contains itself"),
    ("a: &x {b: {c: *x}}\n", 1, 4, "contains itself"),
    ("a: 'open\n", 1, 4, "never closed"),
    ("a: é😀\x07\n", 1, 6, "U+0007"),
    ("ok: 1\nx: \x00\n", 2, 4, "U+0000"),
    ("a: 1\n---\nb: 2\n", 2, 1, "a second document"),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), REFUSED)
def test_what_is_wrong_is_said_with_its_place(
    text: str, line: int, column: int, message: str
) -> None:
    with pytest.raises(InvalidYaml) as caught:
        load(text)
    problem = caught.value.problem
    assert (problem.line, problem.column) == (line, column), problem
    assert message in problem.message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a:\n\tb: 1\n", "no tabs"),
        ("a: b: c\n", "into quotes"),
        ("a: 1\nb\nc: 2\n", "write 'key: value'"),
        ("a: 'it's'\n", "double quotes"),
        ("a: \x1b[0m\n", "leave it out"),
    ],
)
def test_usual_mistakes_come_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(InvalidYaml) as caught:
        load(text)
    assert hint in (caught.value.problem.hint or "")


def test_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(InvalidYaml, match="surrogate"):
        load("a: \udcff")


# -- hostile documents -------------------------------------------------------------------------


def billion_laughs(levels: int, leaf: str) -> str:
    lines = [f"a0: &a0 [{leaf}, {leaf}]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize("text", [
    billion_laughs(12, "lol"),
    billion_laughs(40, "lol"),
    "a: &x '" + "x" * 500_000 + "'\nb: [" + "*x," * 20_000 + "]",
    "a: &x\n  ? '" + "k" * 900_000 + "'\n  : 1\nb: [" + "*x," * 20_000 + "]",
    "[" + "1," * 60_000 + "]",
], ids=["laughs", "deep laughs", "long texts", "long keys", "many values"])  # fmt: skip
def test_documents_that_expand_to_too_much_are_refused_quickly(text: str) -> None:
    started = time.monotonic()
    with pytest.raises(InvalidYaml, match="more than"):
        load(text)
    assert time.monotonic() - started < 30


def test_aliases_in_moderation_are_taken() -> None:
    assert load("a: &x {b: 1}\nc: *x\nd: [*x, *x]\n").data == {
        "a": {"b": 1}, "c": {"b": 1}, "d": [{"b": 1}, {"b": 1}],
    }  # fmt: skip


DEEP = {
    "brackets": "[" * 300_000,
    "braces": "{a: " * 300_000,
    "braces in a key": "{" * 300_000,
    "dashes": "- " * 300_000,
    "questions": "? " * 300_000,
    "colons": ": " * 300_000,
    "dash question": "- ? " * 150_000,
    "closed": "[" * 300_000 + "]" * 300_000,
    "mixed brackets": "[{" * 150_000,
    "staircase": "\n".join(" " * n + "-" for n in range(1_300)),
    "stairs of keys": "\n".join(" " * n + "a:" for n in range(1_300)),
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_absurd_nesting_is_an_error_and_no_crash(text: str) -> None:
    program = (
        "import sys\nfrom workflow import yaml12\n"
        "try:\n    yaml12.load(sys.stdin.read())\n"
        "except yaml12.InvalidYaml as error:\n    print('refused:', error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=text, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-300:])
    assert done.stdout.startswith("refused:")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "a:\n"])
def test_forty_eight_levels_are_taken_and_one_more_is_not(opening: str) -> None:
    def nested(levels: int) -> str:
        if opening == "a:\n":
            return "".join(" " * n + "a:\n" for n in range(levels))
        closing = {"[": "]", "{a: ": "}"}.get(opening, "")
        return opening * levels + ("x: y" if opening == "? " else "") + closing * levels

    if opening != "? ":  # a nested key is refused for being one
        load(nested(yaml12.MAX_DEPTH))
    with pytest.raises(InvalidYaml, match="nested deeper"):
        load(nested(yaml12.MAX_DEPTH + 1))


@settings(deadline=None)
@given(
    st.text(
        alphabet=st.sampled_from("[]{}-?:,&*!|>'\"#%@` \t\n\rab01~.\x85\ufeff\x07é"), max_size=60
    )
)
def test_any_text_is_read_or_refused_with_a_place_inside_it(text: str) -> None:
    try:
        load(text)
    except InvalidYaml as error:
        problem = error.problem
        assert problem.line is not None
        assert 1 <= problem.line <= len(text.splitlines()) + 1
        assert problem.column is None or 1 <= problem.column <= len(text) + 1


# -- places ------------------------------------------------------------------------------------


def test_a_place_is_that_of_the_key_or_of_the_item() -> None:
    node = load("a: 1\nb:\n  - x\n  - {c: 2, '5': 3}\n").node
    assert place(node, ("a",)) == (1, 1)
    assert place(node, ("b", 0)) == (3, 5)
    assert place(node, ("b", 1, "c")) == (4, 6)
    assert place(node, ("b", 1, 5)) == (4, 12)


def test_the_place_of_what_is_not_there_is_that_of_its_nearest_ancestor() -> None:
    node = load("a: 1\nb:\n  c: [x]\n").node
    assert place(node, ("b", "c", 7)) == (3, 3)
    assert place(node, ("b", "missing", "deeper")) == (2, 1)
    assert place(node, ("a", "below a scalar")) == (1, 1)
    assert place(None, ("a",)) is None


# -- writing -----------------------------------------------------------------------------------

TIMES = ("2026-01-19", "2026-01-19T14:30:00Z", "2026-01-19 14:30:00")
AMBIGUOUS = [s for s, _ in SCALARS if not s.startswith(("'", '"', "!")) and s not in TIMES] + [
    " ", "- x", "a: b", "a #b", "#x", "*x", "&x", "!x", "%x", "@x", "`x`", "{", "[", "|", ">", "?",
    " x", "x ", "'", '"', "0b1", "0x", "1:2:3", "---", "...", "\t", "a\tb", "\x7f", "\ufeff", "x:",
]  # fmt: skip


@pytest.mark.parametrize("value", AMBIGUOUS)
def test_what_some_reader_would_misread_is_written_so_that_none_does(value: str) -> None:
    for text in (
        dump({"key": value, "list": [value]}),
        f"key: {dump_inline(value)}\nlist: {dump_inline([value])}\n",
    ):
        for read in (yaml.safe_load, oracle, lambda text: load(text).data):
            assert read(text) == {"key": value, "list": [value]}, text


def test_times_are_written_bare() -> None:
    assert dump({"at": "2026-01-19T14:30:00Z"}) == "at: 2026-01-19T14:30:00Z\n"
    assert dump_inline("2026-01-19T14:30:00Z") == "2026-01-19T14:30:00Z"


def test_a_log_is_written_as_a_block_emoji_too() -> None:
    assert dump({"logs": "Done 🎉\n  ok …\n"}) == "logs: |\n  Done 🎉\n    ok …\n"


def test_nothing_that_is_written_ends_the_document() -> None:
    text = dump({"a": "x\n\n", "b": "\n", "c": "1\n\n\n"})
    assert "..." not in text
    assert load(text + "d: 1\n").data == {"a": "x\n\n", "b": "\n", "c": "1\n\n\n", "d": 1}


def test_equal_parts_are_written_out_and_not_as_aliases() -> None:
    part = [1, 2]
    assert "&" not in dump({"a": part, "b": part})


everything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(), everything, max_size=5))
@example({"k": "😀 x\n\ny \n"})
@example({"k": "C:\\Users\\😀\n"})
def test_what_is_written_reads_back_as_it_was(data: dict[str, Any]) -> None:
    assert same(load(dump(data)).data, data)
    assert same(load(dump_inline(data)).data, data)
    assert "\n" not in dump_inline(data)


text_of_any_reader = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff")
)


@settings(deadline=None)
@given(text_of_any_reader)
@example("2026-01-19")
def test_other_readers_read_what_we_write(value: str) -> None:
    text = dump({"key": value})
    assert yaml.load(text, Loader=yaml.BaseLoader)["key"] == value
    found = yaml.safe_load(text)["key"]
    assert found == value or isinstance(found, datetime.date)  # times are bare


def test_values_of_other_types_are_written_as_plain_ones() -> None:
    class Colour(StrEnum):
        RED = "red"

    data = {"a": Path("x/y"), "b": (1, 2), "c": Colour.RED, 5: {True}, "d": iter([None])}
    assert load(dump(data)).data == {"a": "x/y", "b": [1, 2], "c": "red", "5": [True], "d": [None]}  # type: ignore[arg-type]

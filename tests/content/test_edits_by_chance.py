"""Whatever front matter says and however it is written, an edit changes what it names alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from workflow.content import changes
from workflow.content.changes import EditFailed
from workflow.content.data_edit import is_same
from workflow.content.matter import plain

WORDS = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="ab:#-'\"\\ \n\t,[]{}&*!|>%@`é漢😀0.", max_size=12),
    st.sampled_from(
        ["NO", "yes", "01234", "1e3", "1_000", "2026-01-01", ": ", "# x", " x", "x ", "~", "null",
         "0o17", "+-5", "._1", "---", "- a", "a\nb\n", "\n", "\u2028", "\x85", "\ufeff", "*x", "=",
         "0x1F", ".inf", "true", "a" * 300, "é", "e\u0301", "<<", "+++", "a\n+++\nb", "a\n---\nb"]
    ),
)  # fmt: skip
SCALARS = st.one_of(
    WORDS,
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.one_of(
        st.lists(below, max_size=3),
        st.dictionaries(st.sampled_from(["a", "b c", "d.e", "1", "é", "no"]), below, max_size=3),
    ),
    max_leaves=6,
)
KEYS = ["title", "tags", "params", "x-y", "with blank", "no", "漢字"]
BODY = "Text with --- and +++ and }.\n"


def written_in_yaml(draw: Any, key: str, value: Any) -> str:
    style = draw(st.sampled_from([None, '"', "'", "|", ">"]))
    written: str = yaml.safe_dump(
        {key: value},
        allow_unicode=True,
        default_flow_style=draw(st.sampled_from([True, False, None])) if style is None else None,
        default_style=style,
        indent=draw(st.sampled_from([2, 4])),
        width=draw(st.sampled_from([20, 1000])),
    )
    return written.removesuffix("...\n")  # the end of a document


@st.composite
def yaml_texts(draw: Any) -> tuple[str, list[tuple[str, str]]]:
    """A text, and (key, lines) of each entry with comments and empty lines between them as entries
    without a key."""
    blocks = []
    for key in draw(st.lists(st.sampled_from(KEYS), unique=True, min_size=1, max_size=4)):
        block = written_in_yaml(draw, key, draw(VALUES))
        if block.startswith("{"):  # all of it in braces: an entry of a block has none
            block = block[1:].rstrip()[:-1] + "\n"
        blocks.append((key, block))
        if draw(st.booleans()):
            blocks.append(("", draw(st.sampled_from(["# note: [x\n", "\n", "#\n\n"]))))
    text = "---\n" + "".join(block for _, block in blocks) + "---\n" + BODY
    # To other readers U+2028 ends a line, so what they write may mean something else.
    assume(readable(text) and list(data_of(text)) == [key for key, _ in blocks if key])
    return text, blocks


def data_of(text: str) -> dict[str, Any]:
    matter = changes.read(text)
    assert text[matter.body :].replace("\r\n", "\n") == BODY
    return plain(matter.kind, text[matter.start : matter.end])


def readable(text: str) -> bool:
    try:
        return bool(data_of(text))
    except (EditFailed, AssertionError):
        return False


@settings(max_examples=120, deadline=None)
@given(yaml_texts(), VALUES, st.data(), st.booleans())
def test_an_entry_of_yaml_is_set_and_taken_away_with_all_others_as_they_were(
    made: tuple[str, list[tuple[str, str]]], value: Any, data: Any, is_crlf: bool
) -> None:
    text, blocks = made
    number = data.draw(st.sampled_from([n for n, (key, _) in enumerate(blocks) if key]))
    key = blocks[number][0]
    before = "---\n" + "".join(block for _, block in blocks[:number])
    after = "".join(block for _, block in blocks[number + 1 :]) + "---\n" + BODY
    if is_crlf and "\r" not in text:
        text, before, after = (one.replace("\n", "\r\n") for one in (text, before, after))
    old = data_of(text)
    changed = changes.set_key(text, (key,), value)
    assert changed.startswith(before)
    assert changed.endswith(after)
    assert is_same(data_of(changed), {**old, key: value})
    gone = changes.unset_key(text, (key,))
    assert gone.startswith(before)
    # Empty lines at the end of a block that keeps none belong to nobody.
    assert gone.endswith(after)
    assert not gone[len(before) : len(gone) - len(after)].strip()
    assert is_same(data_of(gone), {name: one for name, one in old.items() if name != key})


def paths_of(value: Any, above: changes.Path = ()) -> list[changes.Path]:
    found: list[changes.Path] = [above] if above else []
    pairs: Any = value.items() if isinstance(value, dict) else ()
    pairs = enumerate(value) if isinstance(value, list) else pairs
    for step, below in pairs:
        found += paths_of(below, (*above, step))
    return found


def wanted(data: Any, path: changes.Path, value: Any) -> Any:
    """The data with another value; not by the program's own way."""
    copy = json.loads(json.dumps(data))
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return copy


def left(data: Any, path: changes.Path) -> Any:
    """The data without a value."""
    above: Any = changes.value_at(data, path[:-1])
    if isinstance(above, list):
        rest: Any = [one for n, one in enumerate(above) if n != path[-1]]
    else:
        rest = {name: one for name, one in above.items() if name != path[-1]}
    return wanted(data, path[:-1], rest) if len(path) > 1 else rest


@settings(max_examples=120, deadline=None)
@given(yaml_texts(), VALUES, st.data())
def test_a_value_anywhere_in_yaml_is_set_and_taken_away(
    made: tuple[str, list[tuple[str, str]]], value: Any, data: Any
) -> None:
    text, blocks = made
    old = data_of(text)
    path = data.draw(st.sampled_from(paths_of(old)))
    number = next(n for n, (key, _) in enumerate(blocks) if key == path[0])
    before = "---\n" + "".join(block for _, block in blocks[:number])
    after = "".join(block for _, block in blocks[number + 1 :]) + "---\n" + BODY
    changed = changes.set_key(text, path, value)
    assert changed.startswith(before)
    assert changed.endswith(after)
    assert is_same(data_of(changed), wanted(old, path, value))
    assert is_same(data_of(changes.unset_key(changed, (path[0],))), {
        name: one for name, one in old.items() if name != path[0]
    })  # fmt: skip
    gone = data_of(changes.unset_key(text, path))
    assert is_same(gone, left(old, path))


@settings(max_examples=120, deadline=None)
@given(yaml_texts(), SCALARS, VALUES)
def test_what_is_new_in_yaml_comes_behind_what_is_there(
    made: tuple[str, list[tuple[str, str]]], first: Any, second: Any
) -> None:
    text, _ = made
    old = data_of(text)
    changed = changes.append_to(text, ("new list",), first)
    changed = changes.append_to(changed, ("new list",), second)
    assert is_same(data_of(changed), {**old, "new list": [first, second]})
    assert list(data_of(changed)) == [*old, "new list"]
    assert changes.unset_key(changed, ("new list",)) == text
    deep = changes.set_key(text, ("new", "a.b", "c"), second)
    assert is_same(data_of(deep), {**old, "new": {"a.b": {"c": second}}})


@st.composite
def toml_texts(draw: Any) -> str:
    """Keys, then tables and arrays of tables, as another program writes them."""
    import tomlkit

    names = draw(st.lists(st.sampled_from(KEYS), unique=True, min_size=1, max_size=4))
    parts = []
    for key in names:
        parts.append(tomlkit.dumps({key: draw(st.one_of(SCALARS, st.lists(SCALARS, max_size=3)))}))
        if draw(st.booleans()):
            parts.append("# note = [x\n\n")
    for key in draw(st.lists(st.sampled_from(["one", "two", "a b"]), unique=True, max_size=2)):
        rows = draw(st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3),
                             min_size=1, max_size=2))  # fmt: skip
        parts.append(tomlkit.dumps({key: rows if draw(st.booleans()) else rows[0]}))
    return "+++\n" + "".join(parts) + "+++\n" + BODY


@settings(max_examples=120, deadline=None)
@given(toml_texts(), VALUES, st.data())
def test_a_value_anywhere_in_toml_is_set_and_taken_away(text: str, value: Any, data: Any) -> None:
    assume(readable(text))
    old = data_of(text)
    path = data.draw(st.sampled_from(paths_of(old)))
    try:
        changed = changes.set_key(text, path, value)
    except EditFailed as refused:
        # An entry of an array of tables has no other form.
        assert refused.code in ("edit_unproved", "value_impossible")
        assert isinstance(path[-1], int)
    else:
        assert is_same(data_of(changed), wanted(old, path, value))
        _comments_stay(text, changed)
    gone = data_of(changes.unset_key(text, path))
    assert changes.value_at(gone, path) != changes.value_at(old, path) or isinstance(path[-1], int)
    other = [name for name in old if name != path[0]]
    assert all(is_same(gone[name], old[name]) for name in other)


@settings(max_examples=120, deadline=None)
@given(toml_texts(), VALUES, VALUES, st.booleans())
def test_what_is_new_in_toml_is_a_line_of_its_own(
    text: str, first: Any, second: Any, is_crlf: bool
) -> None:
    assume(readable(text))
    if is_crlf and "\r" not in text and '"""' not in text and "'''" not in text:
        text = text.replace("\n", "\r\n")
    old = data_of(text)
    changed = changes.append_to(text, ("new list",), first)
    changed = changes.append_to(changed, ("new list",), second)
    assert is_same(data_of(changed), {**old, "new list": [first, second]})
    assert changes.unset_key(changed, ("new list",)) == text or not _has_keys_at_top(text)
    assert changed.count("\r\n") in (0, changed.count("\n"))
    deep = changes.set_key(text, ("new", "a.b", "c"), second)
    assert is_same(data_of(deep), {**old, "new": {"a.b": {"c": second}}})


def _has_keys_at_top(text: str) -> bool:
    return text.splitlines()[1][:1] not in "[#"


def _comments_stay(text: str, changed: str) -> None:
    assert changed.count("# note = [x") >= text.count("\n# note = [x")


@settings(max_examples=120, deadline=None)
@given(
    st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=4),
    st.sampled_from([None, 2, "\t"]),
    VALUES,
    st.data(),
)
def test_a_value_anywhere_in_json_is_set_and_taken_away(
    old: dict[str, Any], indent: Any, value: Any, data: Any
) -> None:
    text = json.dumps(old, indent=indent, ensure_ascii=data.draw(st.booleans())) + "\n" + BODY
    path = data.draw(st.sampled_from(paths_of(old)))
    changed = changes.set_key(text, path, value)
    assert is_same(data_of(changed), wanted(old, path, value))
    if indent and not isinstance(value, (list, dict)):
        lines, others = text.split("\n"), changed.split("\n")
        same = sum(one == other for one, other in zip(lines, others, strict=False))
        same += sum(one == other for one, other in zip(lines[::-1], others[::-1], strict=False))
        assert same >= len(others) - 1
    gone = data_of(changes.unset_key(text, path))
    assert is_same(gone, left(old, path))
    longer = changes.append_to(changes.append_to(text, ("new",), value), ("new",), 1)
    assert is_same(data_of(longer), {**old, "new": [value, 1]})


@pytest.mark.parametrize("kind", ["yaml", "toml", "json"])
@settings(max_examples=120, deadline=None)
@given(values=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5))
def test_a_new_text_says_what_it_was_given(kind: changes.Kind, values: dict[str, Any]) -> None:
    text = changes.compose(kind, values, BODY)
    assert is_same(data_of(text), values)
    if kind != "toml":  # where tables come last
        assert list(data_of(text)) == list(values)

"""A document is read whatever made it, and rewritten without touching what was not changed."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from workflow import document, yaml12
from workflow.document import Document, InvalidDocument, NotAFile, compose, parse, read_regular
from workflow.errors import Problem

TASK = b"""\
---
# Metadata
task_id:   2026-01-19-1430-hugo-build-staging   # the file's name
task_type: 'hugo-build'
status: pending
params:
    minify: yes       # a string
    list: [1,  2]
note: |
  two
  lines

after:
- a
- b
---

## Task Description
Text, with a rule:

---

and an end without newline"""


def problem_of(raw: bytes) -> Problem:
    with pytest.raises(InvalidDocument) as caught:
        parse(raw)
    (problem,) = caught.value.problems
    return problem


# -- reading -----------------------------------------------------------------------------------


def test_a_task_is_front_matter_and_a_body_that_may_hold_rules() -> None:
    read = parse(TASK)
    assert read.data == {
        "task_id": "2026-01-19-1430-hugo-build-staging",
        "task_type": "hugo-build",
        "status": "pending",
        "params": {"minify": "yes", "list": [1, 2]},
        "note": "two\nlines\n",
        "after": ["a", "b"],
    }
    assert read.body.startswith("\n## Task Description\n")
    assert read.body.endswith("\n---\n\nand an end without newline")
    assert read.encode() == TASK


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "BOM"])
def test_line_ends_and_byte_order_marks_change_no_value(newline: bytes, mark: bytes) -> None:
    plain = parse(TASK)
    read = parse(mark + TASK.replace(b"\n", newline))
    assert read.data == plain.data
    assert read.body == plain.body.replace("\n", newline.decode())
    assert read.encode() == mark + TASK.replace(b"\n", newline)
    assert read.place(("params", "minify")) == plain.place(("params", "minify")) == (7, 5)


@pytest.mark.parametrize(
    ("raw", "data", "body"),
    [
        (b"---\na: 1\n---", {"a": 1}, ""),
        (b"---\na: 1\n---\n", {"a": 1}, ""),
        (b"--- \t\na: 1\n---  \nbody", {"a": 1}, "body"),
        (b"---\n---", {}, ""),
        (b"---\n---\nx", {}, "x"),
        (b"---\n# nothing yet\n---\nx", {}, "x"),
        (b"---\n~\n---\nx", {}, "x"),
        (b"---\n{a: 1, b: [2]}\n---\n", {"a": 1, "b": [2]}, ""),
        (b"---\na: '--- x'\nb: ---\n---\n", {"a": "--- x", "b": "---"}, ""),
        (b"---\na: 1\n --- x\n---\n", {"a": "1 --- x"}, ""),
        (b"---\na: |\n  ---\n  x\n---\n---\n", {"a": "---\nx\n"}, "---\n"),
        (b"---\na: 1\n----\n: 2\n---\n", None, None),
        (b"---\n5: a\nnull: b\n---\n", {"5": "a", "null": "b"}, ""),
    ],
)
def test_only_a_line_of_three_dashes_closes_the_front_matter(
    raw: bytes, data: dict[str, Any] | None, body: str | None
) -> None:
    if data is None:
        assert problem_of(raw).line is not None
    else:
        assert (parse(raw).data, parse(raw).body) == (data, body)


# -- what is refused, where, and how to mend it ------------------------------------------------

REFUSED: list[tuple[bytes, int | None, int | None, str, str]] = [
    (b"", 1, 1, "does not start with front matter", "'---'"),
    (b"# Title\n---\na: 1\n---\n", 1, 1, "does not start with front matter", "'---'"),
    (b"\n---\na: 1\n---\n", 1, 1, "does not start with front matter", "first line"),
    (b"----\na: 1\n----\n", 1, 1, "does not start with front matter", "exactly"),
    (b"--- a: 1\n---\n", 1, 1, "does not start with front matter", "exactly"),
    (b"---\na: 1\nb: 2\n", 4, None, "is not closed", "end it"),
    (b"---\ra: 1\rb: 2", 3, None, "is not closed", "end it"),
    (b"---\na: 1\n ---\n", 4, None, "is not closed", "end it"),
    (b"---\n- a\n---\n", 2, None, "is not a mapping", "key: value"),
    (b"---\njust words\n---\n", 2, None, "is not a mapping", "key: value"),
    (b"---\na: 1\n\tb: 2\n---\n", 3, 1, "tab", "no tabs"),
    (b"---\na: 1\na: 2\n---\n", 3, 1, "stands here twice", ""),
    (b"---\r\nx: 1\r\na: b: c\r\n---\r\n", 3, 5, "within a value", "quote"),
    (b"---\rx: 1\ra: b: c\r---\r", 3, 5, "within a value", "quote"),
    (b"\xef\xbb\xbf---\na: !x 1\n---\n", 2, 4, "not allowed", ""),
    (b"---\na: \x07\n---\n", 2, 4, "U+0007", "escape"),
    (b"---\na: 1\n---\nbody \x00\n", 4, 6, "NUL", "UTF-8"),
    ("---\na: é".encode() + b"\x00\n---\n", 2, 5, "NUL", "UTF-8"),
    ("---\nx: 1\na: é ".encode() + b"\xff\n---\n", 3, 6, "0xff is not UTF-8", "save it as UTF-8"),
    (b"---\r\na: 1\r\n---\r\n\r\nna\xefve", 5, 3, "0xef is not UTF-8", "save it as UTF-8"),
    (b"---\ra: \xe9\r---\r", 2, 4, "0xe9 is not UTF-8", "save it as UTF-8"),
    ("---\na: 1\n---\n".encode("utf-16"), 1, None, "UTF-16", "save it as UTF-8"),
    ("---\na: 1\n---\n".encode("utf-16-le"), 1, 2, "NUL", "UTF-8"),
    (b"---\na: \xed\xa0\x80\n---\n", 2, 4, "0xed is not UTF-8", "save it as UTF-8"),
]


@pytest.mark.parametrize(("raw", "line", "column", "message", "hint"), REFUSED)
def test_an_error_has_its_place_in_the_file_and_a_way_to_mend_it(
    raw: bytes, line: int | None, column: int | None, message: str, hint: str
) -> None:
    problem = problem_of(raw)
    assert (problem.line, problem.column) == (line, column), problem
    assert message in problem.message
    assert hint in (problem.hint or "")


@settings(deadline=None)
@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda raw: b"---\n" + raw + b"\n---\n"))
def test_any_bytes_are_read_or_refused_as_a_document(raw: bytes) -> None:
    try:
        read = parse(raw)
    except InvalidDocument as error:
        assert error.problems[0].line is not None
    else:
        assert read.encode() == raw


def test_a_file_of_fifty_megabytes_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "big.md"
    with path.open("wb") as file:
        file.write(b"---\na: 1\n---\n")
        file.truncate(50 * 1024 * 1024)
    started = time.monotonic()
    problem = problem_of(read_regular(str(path)))
    assert time.monotonic() - started < 30
    assert "larger than" in problem.message
    assert "name its path in params" in (problem.hint or "")


def test_a_file_just_within_the_limit_is_read() -> None:
    matter = b"---\na: 1\n---\n"
    assert parse(matter + b"x" * (yaml12.MAX_BYTES - len(matter))).data == {"a": 1}
    with pytest.raises(InvalidDocument):
        parse(matter + b"x" * (yaml12.MAX_BYTES - len(matter) + 1))


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.with_name("real.md").write_bytes(TASK)
    path.symlink_to("real.md")


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("make", "message"),
    [(_fifo, "not a plain file"), (Path.mkdir, "not a plain file"), (_link, "a symbolic link"),
     (_dangling, "a symbolic link"), (_loop, "a symbolic link")],
)  # fmt: skip
def test_what_is_no_plain_file_is_refused_without_hanging(
    tmp_path: Path, make: Any, message: str
) -> None:
    path = tmp_path / "task.md"
    make(path)
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(NotAFile) as caught:
        read_regular(str(path))
    assert message in caught.value.problems[0].message
    assert len(os.listdir("/dev/fd")) == before, "a descriptor was left open"


def test_a_device_is_refused_without_being_read() -> None:
    with pytest.raises(NotAFile):
        read_regular("/dev/zero")


def test_a_file_that_is_gone_is_told_from_one_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular(str(tmp_path / "gone.md"))


# -- rewriting ---------------------------------------------------------------------------------


def test_setting_what_is_set_already_changes_no_byte() -> None:
    read = parse(TASK)
    assert read.replace({"status": "pending", "after": ["a", "b"]}) is read
    assert read.replace(read.data).encode() == TASK


def test_one_value_is_exchanged_and_every_other_byte_stays() -> None:
    for newline in (b"\n", b"\r\n", b"\r"):
        raw = b"\xef\xbb\xbf" + TASK.replace(b"\n", newline)
        changed = parse(raw).replace({"status": "completed", "task_type": "no"})
        expected = raw.replace(b": pending", b": completed").replace(b": 'hugo-build'", b": 'no'")
        assert changed.encode() == expected
        assert changed.data["task_type"] == "no"


def test_new_keys_stand_at_the_end_of_the_front_matter_in_its_style() -> None:
    raw = b"---\r\n  a: 1   # one\r\n  b: 2\r\n---\r\nbody\r\n"
    changed = parse(raw).replace({"c": {"d": [1, "x y"]}, "e": "2026-01-19T14:30:00Z", "f": []})
    assert changed.encode() == (
        b"---\r\n  a: 1   # one\r\n  b: 2\r\n  c:\r\n    d:\r\n    - 1\r\n    - x y\r\n"
        b"  e: 2026-01-19T14:30:00Z\r\n  f: []\r\n---\r\nbody\r\n"
    )


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"---\n---\nbody", b"---\nk: v\n---\nbody"),
        (b"---\n# say\n---", b"---\n# say\nk: v\n---"),
        (b"---\nk:\n---\n", b"---\nk: v\n---\n"),
        (b"---\nk: # why\nb: 1\n---\n", b"---\nk: v # why\nb: 1\n---\n"),
        (b"---\nk:   [a,\n  b] # c\nz: 1\n---\n", b"---\nk:   v # c\nz: 1\n---\n"),
        (b'---\n"k": "a\n  b"   # c\n---\n', b'---\n"k": v   # c\n---\n'),
        (b"---\nk: a\n  b\n  c\n\n# d\n---\n", b"---\nk: v\n\n# d\n---\n"),
        (b"---\n? k\n: old\n---\n", b"---\n? k\n: v\n---\n"),
        (b"---\nk: |  # c\n  x\n\n# d\nz: 1\n---\n", b"---\nk: v  # c\n\n# d\nz: 1\n---\n"),
        (b"---\nk: # c\n - a # x\n\n# d\nz: 1\n---\n", b"---\nk: v # c # x\n\n# d\nz: 1\n---\n"),
        (b"---\na: &x 1\nk: *x # c\n---\n", b"---\na: &x 1\nk: v # c\n---\n"),
        (b"---\nk:\n  a:\n    b: |\n      x\n\n---\n", b"---\nk: v\n\n---\n"),
        (b"---\nk:\n  a: {\n  }\n  b:\n# d\n---\n", b"---\nk: v\n# d\n---\n"),
    ],
)
def test_a_value_of_any_shape_is_replaced_where_it_stands(raw: bytes, expected: bytes) -> None:
    assert parse(raw).replace({"k": "v"}).encode() == expected


@pytest.mark.parametrize(
    "matter",
    [
        "{k: old, b: [1, no], c: '5'}",
        "k: &x 6.473765001253377e+16\nb: 'no'\n# kept\nc: 0o17\nd: *x\ne:\nf: 2026-02-30\ng: 1_0",
        "k: &x 1\nb: *x",
        "~",
    ],
)
def test_front_matter_too_unusual_for_a_splice_keeps_its_values_and_body(matter: str) -> None:
    old = parse(f"---\n{matter}\n---\nbody\n---\n".encode())
    changed = old.replace({"k": {"new": [1, "no"]}, "added": True})
    assert changed.data == {**old.data, "k": {"new": [1, "no"]}, "added": True}
    assert changed.body == "body\n---\n"
    if "# kept" in matter:
        assert "# kept" in changed.text


def test_a_change_that_would_go_wrong_is_noticed_and_not_made() -> None:
    # A splice takes the colon of the comment for that of the key.
    with pytest.raises(ValueError, match="without other values changing"):
        parse(b"---\n? k # c: x\n: - a\nb: 2\n---\n").replace({"k": "v"})


def test_a_change_that_would_make_the_file_too_large_is_not_made() -> None:
    old = parse(b"---\nk:\n- x\n---\n" + b" " * (yaml12.MAX_BYTES - 20))
    with pytest.raises(ValueError, match="cannot take 'k'"):
        old.replace({"k": "v" * 100})


keys = st.sampled_from(["task_id", "status", "näme", "a b", "on", "5", "params", "x-y", "Ключ"])
readable = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff")
texts = st.text(readable, max_size=12)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts


def _flow(value: Any, draw: st.DrawFn) -> str:
    """`value` on one line (or, a list, on two), with odd spaces."""
    if isinstance(value, list):
        gap = draw(st.sampled_from([", ", ",", " ,  ", ",\n     "]))
        return "[" + gap.join(_flow(item, draw) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(k)}: {_flow(v, draw)}" for k, v in value.items()) + "}"
    if isinstance(value, str):
        return _quoted(value)
    return yaml12.dump_inline(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@st.composite
def front_matters(draw: st.DrawFn) -> str:
    """Front matter as people and programs write it. Lines end with \\n."""
    indent = draw(st.sampled_from(["", "", " ", "   "]))
    lines = []
    anchored = False
    for key in draw(st.lists(keys, unique=True, min_size=1, max_size=6)):
        notes = st.sampled_from(["", "# note: x", f"{indent}# é 😀 [", "  "])
        lines += draw(st.lists(notes, max_size=2))
        name = draw(st.sampled_from([key, _quoted(key), f"'{key}'"]))
        colon = draw(st.sampled_from([": ", ":   ", " : "]))
        comment = draw(st.sampled_from(["", "", "  # why", " #"]))
        shape = draw(
            st.sampled_from(
                ["leaf", "plain", "flow", "block", "literal", "folded", "anchor", "alias", "empty"]
            )
        )
        if shape == "leaf":
            lines.append(f"{indent}{name}{colon}{_flow(draw(leaves), draw)}{comment}")
        elif shape == "plain":
            word = draw(
                st.sampled_from(["no", "2026-01-19", "x y  z", "12:30", "it's", "a\n     b"])
            )
            lines.append(f"{indent}{name}{colon}{word}{comment}")
        elif shape == "flow":
            value = draw(st.lists(leaves, max_size=3) | st.dictionaries(texts, leaves, max_size=3))
            lines.append(f"{indent}{name}{colon}{_flow(value, draw)}{comment}")
        elif shape == "block":
            lines.append(f"{indent}{name}:{comment}")
            deeper = indent + draw(st.sampled_from([" ", "    "]))
            mapping = draw(st.booleans())
            for number, leaf in enumerate(draw(st.lists(leaves, min_size=1, max_size=3))):
                lines.append(f"{deeper}{f'k{number}:' if mapping else '-'} {_flow(leaf, draw)}")
        elif shape in ("literal", "folded"):
            style = "|" if shape == "literal" else ">"
            chomping = draw(st.sampled_from(["", "-", "+"]))
            lines.append(f"{indent}{name}{colon}{style}{chomping}{comment}")
            lines += [f"{indent}  line", "", f"{indent}  # no comment", f"{indent}    deeper"]
        elif shape == "anchor" and not anchored:
            anchored = True
            lines.append(f"{indent}{name}{colon}&x {_flow(draw(leaves), draw)}{comment}")
        elif shape == "alias" and anchored:
            lines.append(f"{indent}{name}{colon}*x{comment}")
        else:
            lines.append(f"{indent}{name}:{comment}")
    return "\n".join(lines) + draw(st.sampled_from(["\n", "\n\n", "\n# last\n"]))


bodies = st.sampled_from(["", "\n", "body", "\nA rule:\n\n---\n\n---\nend", "k: v\n"])
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=250, deadline=None)
@given(
    front_matters(), bodies, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(), values, st.data()
)
def test_replacing_a_key_changes_nothing_else(
    matter: str, body: str, newline: str, mark: bool, value: Any, data: st.DataObject
) -> None:
    raw = ("\ufeff" * mark + f"---\n{matter}---\n{body}".replace("\n", newline)).encode()
    old = parse(raw)
    assert old.encode() == raw
    key = data.draw(st.sampled_from(sorted(old.data)) | keys)
    try:
        changed = old.replace({key: value})
    except ValueError:
        assert holds_an_anchor(old, key)
        return
    assert document._same(changed.data, {**old.data, key: value})
    assert changed.body == old.body
    again = parse(changed.encode())
    assert again.text == changed.text
    if document._same(old.data.get(key, old), value):
        assert changed.encode() == raw
    elif old._splice(key, value) == changed.text:
        before, after = around(old, key)
        assert changed.text.startswith(before)
        assert changed.text.endswith(after)
        for comment in ("# note: x", "# é 😀 [", "# why", "# last"):
            assert changed.text.count(comment) == old.text.count(comment)
    else:
        assert holds_an_anchor(old, key), "only an anchor may ask for more than a splice"


def holds_an_anchor(read: Document, key: str) -> bool:
    return key in read.text.partition("&x")[0].splitlines()[-1] and "*x" in read.text


def around(read: Document, key: str) -> tuple[str, str]:
    """What stands before and behind the value of a key: a key that is new has none."""
    entries: list[Any] = read.node.value if read.node else []
    for number, (name, value) in enumerate(entries):
        if name.value == key:
            behind = read.start + value.end_mark.index
            if value.start_mark.index < name.end_mark.index:  # an alias, which has no node
                behind = read.text.index("*x", read.start + name.end_mark.index) + 2
            elif value.start_mark.line < value.end_mark.line:  # a block: up to what comes next
                behind = read.end if name is entries[-1][0] else read.start
                behind += 0 if name is entries[-1][0] else entries[number + 1][0].start_mark.index
            return read.text[: read.start + name.end_mark.index], read.text[behind:]
    return read.text[: read.end], read.text[read.end :]


# -- composing ---------------------------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(deadline=None)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), anything, max_size=5),
       st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))  # fmt: skip
@example({"---": "---\n---\n", "k": "\n---\n"}, "---\n")
@example({"a": "\x00\x1b[0m\x85\u2028\ufeff\ufffe😀\r\n\t "}, "")
def test_what_is_composed_is_parsed_as_it_was(data: dict[str, Any], body: str) -> None:
    read = parse(compose(data, body))
    assert document._same(read.data, data)
    assert read.body == body


@settings(deadline=None)
@given(st.dictionaries(keys, anything, min_size=1, max_size=4), anything)
def test_what_is_composed_can_be_rewritten(data: dict[str, Any], value: Any) -> None:
    read = parse(compose(data, "body"))
    assume(read.data)
    assert document._same(read.replace({"status": value}).data, {**data, "status": value})


@pytest.mark.parametrize("value", ["\ud800", {"a": ["\udfff"]}])
def test_what_no_file_can_hold_raises_value_error(value: Any) -> None:
    with pytest.raises(ValueError, match="surrogates"):
        compose({"k": value}, "")


def test_a_nesting_that_would_not_be_read_again_is_not_written() -> None:
    deep: list[Any] = []
    for _ in range(yaml12.MAX_DEPTH):
        deep = [deep]
    with pytest.raises(ValueError, match="nested deeper"):
        compose({"k": deep}, "")


def test_the_independent_library_reads_what_we_write() -> None:
    import frontmatter

    data = {"task_id": "x", "n": 5, "logs": "a\nb\n", "no": "no", "list": [{"a": None}]}
    post = frontmatter.loads(compose(data, "\nbody\n").decode())
    assert post.metadata == data
    assert post.content.strip() == "body"

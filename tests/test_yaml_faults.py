"""Slips in YAML as people make them: each is told in words, at the place to mend."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.program import CONFIG, Program
from workflow import config, document, yaml12
from workflow.errors import WorkflowError
from workflow.validator.content import front_matter

# (what, YAML, line, column, what it says, what to do)
SLIPS = [
    ("a tab", "title: x\nparams:\n\ta: b\n", 3, 1, "a tab stands here", "indent with spaces"),
    ("a tab below a value", "a: x\n\tb: c\n", 2, 1, "a tab stands here", "no tabs"),
    ("a bracket too many", "a: [b]]\n", 1, 7, "one ] too many", "remove it"),
    ("an open quote", 'a: "x\nb: c\n', 1, 4, "quote that is opened here is never", 'quote: "'),
    ("an open single quote", "a: 'x\nb: c\n", 1, 4, "quote .* never closed", "quote: '"),
    ("a quote that the next one closes", 'a: "x\nb: "c"\n', 1, 4, "never closed on its", "close"),
    ("an apostrophe", "a: 'it's'\n", 1, 8, "more follows", "write '' for a '"),
    ("text behind a quote", 'a: "x" y\n', 1, 8, "more follows", r'write \\"'),
    ("text behind a bracket", "a: [b](c) d\n", 1, 7, "more follows", "whole value into quotes"),
    ("a colon in a value", "a: Sale: 5 %\n", 1, 8, "': ' stands here within", "into quotes"),
    ("a colon in a list", "a:\n  - Sale: no: 5\n", 2, 13, "': ' stands here within", "into quotes"),
    ("curly quotes", "a: \u201cb: c\u201d\n", 1, 6, "': ' stands here within", "straight quotes"),
    ("a key twice", "a: 1\na: 2\n", 2, 1, "the key 'a' stands here twice", "keep one"),
    ("too deep a line", "a: b\n  c: d\n", 2, 3, "deeper than the one above", "like the key of"),
    ("a line between two", "a:\n    b: 1\n  c: 2\n", 3, 3, "indented by 2", "by 0 or 4"),
    ("no space behind a colon", "a:b\nc: d\n", 1, 1, "no ': ' between", "a space behind"),
    ("no colon", "a: b\nword\nc: d\n", 2, 1, "no ': ' between", "key: value"),
    ("an open bracket", "a: [b, c\nd: e\n", 1, 4, "bracket that is opened here", "bracket: ]"),
    ("an open brace", "a: {b: c\n\nd: e\n", 1, 4, "brace that is opened here", "brace: }"),
    ("no comma", 'a: ["b" "c"]\n', 1, 9, "a comma or the closing ]", "write a comma"),
    ("an @", "a: @b\n", 1, 4, "cannot begin with @", "into quotes"),
    ("a %", "a: %b\n", 1, 4, "cannot begin with %", "into quotes"),
    ("a star", "a: *b*\n", 1, 4, "cannot begin with \\*", "into quotes"),
    ("a name that nothing has", "a: *b\n", 1, 4, "\\*b stands for a value", "into quotes"),
    ("an ampersand", "a: & b\n", 1, 4, "cannot begin with &", "into quotes"),
    ("a dash without a space", "a:\n  - b\n  -c:\n  - d\n", 3, 3, ".", "."),
    ("a list among keys", "a: b\n- c\n", 2, 1, "none of 'key: value'", "below its key"),
    ("a key in a list", "a:\n  - b\n  c: d\n", 3, 3, "stands within a list", "begin it with '- '"),
    ("a list on its key's line", "a: - b\n", 1, 4, "a list cannot begin on the line", "next line"),
    ("a backslash", 'a: "C:\\dir"\n', 1, 7, "\\\\d means nothing", "single quotes"),
    ("text behind a >", "a: > b\n", 1, 4, "text follows on the line of >", "the next line"),
    ("a conflict", "<<<<<<< A\na: 1\n=======\na: 2\n>>>>>>> B\n", 1, 1, "git could not", "one of"),
]  # fmt: skip
CASES = [pytest.param(*rest, id=what) for what, *rest in SLIPS]


@pytest.mark.parametrize(("text", "line", "column", "says", "hint"), CASES)
def test_a_slip_is_told_in_words_at_its_place_in_every_kind_of_file(
    tmp_path: Path, text: str, line: int, column: int, says: str, hint: str
) -> None:
    with pytest.raises(document.InvalidDocument) as caught:
        document.parse(f"---\n{text}---\nDo it.\n".encode())
    (task,) = caught.value.problems
    assert (task.line, task.column) == (line + 1, column)
    (tmp_path / "workflow.yaml").write_text(text)
    with pytest.raises(WorkflowError) as refused:
        config.load_config(tmp_path)
    (own,) = refused.value.problems
    assert (own.line, own.column) == (line, column)
    page = front_matter.read(f"---\n{text}---\nWords.\n")
    assert (page.line, page.column) == (line + 1, column)
    assert own.hint is not None
    for told in (f"{task.message} {task.hint}", f"{own.message} {own.hint}", page.error or ""):
        assert "not valid YAML: " in told
        assert_says(told, says)
        assert_says(told, hint)


def assert_says(told: str, pattern: str) -> None:
    assert re.search(pattern, told), told


def test_what_is_yaml_and_too_much_for_us_is_not_called_invalid() -> None:
    with pytest.raises(document.InvalidDocument) as caught:
        document.parse(b"---\na: " + b"[" * 60 + b"]" * 60 + b"\n---\n")
    assert "not valid YAML" not in str(caught.value)
    with pytest.raises(yaml12.InvalidYaml) as tagged:
        yaml12.load("a: !wow b\n")
    assert "into quotes" in (tagged.value.problem.hint or "")


def test_a_task_file_that_is_no_yaml_ends_with_the_place_and_what_to_do(program: Program) -> None:
    name = "2026-01-19-1430-noop-slip"
    path = program.root / f"tasks/pending/{name}.md"
    path.write_text("---\ntask_type: noop\ndescription: Sale: 50 % off\n---\n")
    os.utime(path, (0, 0))  # nobody is writing it any more
    program("sweep")
    result = program.result(name)
    error = result["error"]
    assert (error["line"], error["column"]) == (3, 18)
    assert "not valid YAML: ': ' stands here within a value" in error["message"]
    assert "quotes" in error["message"] + (error.get("hint") or "")


def test_a_workflow_yaml_that_is_no_yaml_is_told_by_every_command(program: Program) -> None:
    (program.root / "workflow.yaml").write_text(CONFIG + "policies:\n\tjobs: 2\n")
    ran = program("status")
    assert ran.code == 2
    line = CONFIG.count("\n") + 2
    assert f"workflow.yaml:{line}:1: not valid YAML: a tab stands here" in ran.err


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        pytest.param(CONFIG.encode("utf-16"), "workflow.yaml:1: is UTF-16 text", id="utf-16"),
        pytest.param(
            b"version: 1\nnote: caf\xe9\n",
            "workflow.yaml:2:10: the byte 0xe9 is not UTF-8",
            id="latin-1",
        ),
    ],
)
def test_a_workflow_yaml_in_another_encoding_is_told_with_the_place(
    tmp_path: Path, raw: bytes, says: str
) -> None:
    (tmp_path / "workflow.yaml").write_bytes(raw)
    with pytest.raises(WorkflowError) as refused:
        config.load_config(tmp_path)
    assert refused.value.message.startswith(says)
    assert "save it as UTF-8" in refused.value.message


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "workflow.yaml").write_bytes(CONFIG.encode("utf-8-sig"))
    assert config.load_config(tmp_path).sites.keys() == {"main"}

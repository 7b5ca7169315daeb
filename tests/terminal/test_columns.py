"""How text is folded, laid out and kept from obeying anybody."""

from __future__ import annotations

import pytest

from workflow.columns import cut, folded, padded, printable, width
from workflow.reply import plain_table
from workflow.screen import laid_out, screen_table, tinted


def test_letters_that_take_two_columns_are_counted_as_two() -> None:
    assert width("abc") == 3
    assert width("夏の保険") == 8
    assert width("🚀") == 2
    assert width("e\N{COMBINING ACUTE ACCENT}") == 1
    assert padded("夏", 4) == "夏  "
    assert cut("夏の保険", 5) == "夏の…"
    assert width(cut("夏の保険", 6)) <= 6


def test_lines_are_folded_below_where_their_own_text_began() -> None:
    text = "waits     one two three four five six seven eight nine ten"
    assert folded(text, 30) == (
        "waits     one two three four\n          five six seven eight\n          nine ten"
    )


@pytest.mark.parametrize("columns", [30, 40, 60, 80])
@pytest.mark.parametrize(
    "text",
    [
        "to mend it `workflow submit hugo-build --env staging --then hugo-deploy-staging`, then",
        "waits for approval (workflow approve 2026-01-19-1430-noop - 459a9bda)",
        "give more of it: workflow wait 2026-01-19-1430-hugo-build --until approval",
    ],
)
def test_a_command_is_never_broken(text: str, columns: int) -> None:
    command = next(part for part in _commands(text))
    assert command in folded(text, columns)


def _commands(text: str) -> list[str]:
    start = text.index("workflow ")
    ends = [text.find(mark, start) for mark in "`)"]
    return [text[start : min((end for end in ends if end > 0), default=len(text))]]


def test_a_long_path_stays_whole_and_a_text_without_spaces_is_folded() -> None:
    path = "content/posts/" + "夏" * 40 + ".md"
    assert path in folded(f"the page {path} is broken", 40)
    assert all(width(line) <= 40 for line in folded("夏" * 100, 40).split("\n"))


def test_a_figure_stays_beside_its_unit() -> None:
    assert folded("this took all of 12.5 s", 21) == "this took all of\n  12.5 s"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a\x1b[31mb\x1b[0m", "ab"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]52;c;aGk=\x1b\\b", "ab"),
        ("a\rb", "a�b"),
        ("a\x08b\x00", "a�b�"),
        ("txt.\u202egpj", "txt.�gpj"),
        ("line\r\nend\tok", "line\nend\tok"),
        ("夏 🚀 é", "夏 🚀 é"),
    ],
)
def test_a_terminal_is_never_told_to_do_something(written: str, shown: str) -> None:
    assert printable(written) == shown


def test_plain_tables_are_aligned_by_columns_not_letters() -> None:
    table = plain_table(("A", "B", "C"), [["夏", "x", "1"], ["abcd", "yy", ""]])
    assert table == "A     B   C\n夏    x   1\nabcd  yy"


def test_what_does_not_fit_beside_stands_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    command = "(workflow approve 2026-01-19-1430-noop - 459a9bda)"
    rows = [["id", "waits", f"for approval {command}"], ["id2", "ok", "fine"]]
    shown = screen_table(("TASK", "", ""), rows, 60)
    assert command in shown
    assert "id2   ok     fine" in shown
    assert "id    waits\n    for approval" in shown


def test_tables_and_headings_of_a_result_are_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    body = "## Verification\n\n| check | passed |\n| --- | --- |\n| one | yes |\n| three | no |"
    assert laid_out(body, 80) == "Verification\n\ncheck  passed\none    yes\nthree  no"


def test_colours_are_for_words_that_say_how_things_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert tinted("  failed    x  it failed") == "  \x1b[31mfailed\x1b[0m    x  it failed"
    assert tinted("2026-x: success   took") == "2026-x: \x1b[32msuccess\x1b[0m   took"
    assert tinted("the failed one") == "the failed one"
    monkeypatch.setenv("NO_COLOR", "1")
    assert tinted("failed") == "failed"

"""Our section in a person's file, and files that are ours until somebody edits them."""

from __future__ import annotations

import pytest

from workflow.claude.sections import BEGIN, END, NoPlace, is_unedited, signed, with_section

SECTION = "## Ours\nfour lines\n"


@pytest.mark.parametrize(
    "text", ["", "# Mine\n", "# Mine", "# Mine\n\n", "# Mine\r\n\r\nText\r\n", "\ufeff# Mine\n"]
)
def test_what_is_outside_of_the_marks_stays_byte_for_byte(text: str) -> None:
    once = with_section(text, SECTION)
    assert once.startswith(text) and "## Ours" in once
    assert ("\r\n" in text) == ("\r\n" in once)
    again = with_section(once + "after\n", "## Newer\n")
    assert again.startswith(text) and again.endswith("after\n")
    assert "## Ours" not in again and again.count("## Newer") == 1


def test_the_same_section_changes_nothing() -> None:
    once = with_section("# Mine\n\ntext", SECTION)
    assert with_section(once, SECTION) == once


@pytest.mark.parametrize("text", [BEGIN, END, f"{END}\n{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_marks_that_enclose_no_one_section_are_left_alone(text: str) -> None:
    with pytest.raises(NoPlace):
        with_section(text, SECTION)


def test_a_file_of_ours_is_known_until_it_is_edited() -> None:
    text = signed("# Guide\n\ntext\n")
    assert is_unedited(text)
    for edited in (text.replace("text", "my text"), text + "more\n", "", "# Guide\n\ntext\n"):
        assert not is_unedited(edited)
    assert is_unedited(signed("another version\n")), "whichever version wrote it"

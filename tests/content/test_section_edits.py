"""Text below front matter: found by what it says, replaced, made longer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow.content.changes import EditFailed, append_section, replace_section, replace_text
from workflow.content.headings import headings

TEXT = """\
---
title: One
---
Intro.

# One

text one

## Two {#zwei}

text two
```
## In a fence
```
    ## In code
<!--
## In a comment
-->
- ## In a list

> ## In a quotation

{{< tabs >}}
## For a template
{{< /tabs >}}

{{% wrap %}}
Under *lined*
-------
inside
{{% /wrap %}}
## Two ##

again

## Empty
# The {{< param city >}} plan
end [a][b] and a note[^1]

[b]: https://example.org
[^1]: A note.
"""


def test_headings_are_those_that_hugo_shows_in_the_contents() -> None:
    found = headings(TEXT[TEXT.index("Intro") :])
    assert [(one.level, one.text, one.id) for one in found] == [
        (1, "One", "one"),
        (2, "Two", "zwei"),
        (2, "Under lined", "under-lined"),
        (2, "Two", "two"),
        (2, "Empty", "empty"),
        (1, "The {{< param city >}} plan", "the--param-city--plan"),
    ]


REPLACED = [
    ("zwei", "## Two {#zwei}\n\n", "\n\n{{% wrap %}}\nUnder"),
    ("#zwei", "## Two {#zwei}\n\n", "\n\n{{% wrap %}}\nUnder"),
    ("Under lined", "-------\n", "\n\n{{% /wrap %}}\n## Two ##"),
    ("Under *lined*", "-------\n", "\n\n{{% /wrap %}}\n## Two ##"),
    ("#two", "## Two ##\n\n", "\n\n## Empty"),
    ("## Empty", "## Empty\n\n", "\n\n# The"),
    ("The {{< param city >}} plan", "plan\n", "\n\n[b]: https"),
]


@pytest.mark.parametrize(("heading", "before", "after"), REPLACED)
def test_what_stands_under_a_heading_is_replaced_up_to_the_next(
    heading: str, before: str, after: str
) -> None:
    changed = replace_section(TEXT, heading, "\nNEW *text*\n\nmore\n")
    at = TEXT.index(before.rstrip("\n")) + len(before.rstrip("\n"))
    assert changed.startswith(TEXT[:at])
    assert f"{before}NEW *text*\n\nmore{after}" in changed
    assert changed.endswith(TEXT[TEXT.rindex(after.strip()) :])


def test_a_heading_takes_those_below_it_along() -> None:
    changed = replace_section(TEXT, "One", "NEW")
    assert "# One\n\nNEW\n# The" in changed
    assert "Two" not in changed
    changed = replace_section("# A\na\n## B\nb\n# C\n", "B", "x")
    assert changed == "# A\na\n## B\nx\n# C\n"


@pytest.mark.parametrize(("text", "new", "expected"), [
    ("# A", "x", "# A\n\nx"),
    ("# A\n", "x", "# A\n\nx"),
    ("# A\nold", "x", "# A\nx"),
    ("# A\nold\n", "x", "# A\nx\n"),
    ("# A\n\nold\n\n\n", "x", "# A\n\nx\n\n\n"),
    ("# A\r\n\r\nold\r\n\r\n# B\r\n", "x\ny", "# A\r\n\r\nx\r\ny\r\n\r\n# B\r\n"),
    ("# A\n\nold\n\n# B\n", "", "# A\n\n# B\n"),
    ("# A\n\nold\n", "", "# A\n"),
    ("# A\nold\nB\n===\n", "x", None),
    ("# A\n\nold\n\nB\n===\n", "x", "# A\n\nx\n\nB\n===\n"),
    ("# A\n- old\n\nB\n===\n", "x", "# A\nx\n\nB\n===\n"),
    ("# A\n<!-- more -->\n# B\n", "x", "# A\nx\n# B\n"),
])  # fmt: skip
def test_empty_lines_around_a_section_stay(text: str, new: str, expected: str | None) -> None:
    if expected is None:  # `old` belongs to the heading that is underlined
        assert replace_section(text, "A", new) == "# A\n\nx\n\nold\nB\n===\n"
        return
    assert replace_section(text, "A", new) == expected


@pytest.mark.parametrize("new", [
    "```\nnever closed", "<!-- never closed", "~~~~\nx\n~~~", "<script>\nnever closed",
])  # fmt: skip
def test_a_text_that_swallows_what_follows_is_refused(new: str) -> None:
    text = "# A\n\nold\n\n# B\n\n{{< tabs >}}x{{< /tabs >}}\n\n# C\n"
    with pytest.raises(EditFailed) as caught:
        replace_section(text, "A", new)
    assert caught.value.code == "edit_unproved"
    with pytest.raises(EditFailed):
        append_section(text, "A", new)


def test_a_section_may_bring_headings_of_its_own() -> None:
    changed = replace_section("# A\n\nold\n\n# B\n", "A", "## Sub\n\nx\n\n# New\n\ny")
    assert [one.text for one in headings(changed)] == ["A", "Sub", "New", "B"]


APPENDED = [
    ("zwei", "## For a template\n{{< /tabs >}}\n\nNEW\n\n{{% w"),
    ("#under-lined", "inside\n\nNEW\n\n{{% /wrap %}}\n## Two ##"),
    ("Empty", "## Empty\n\nNEW\n\n# The"),
    ("#two", "again\n\nNEW\n\n## Empty"),
    ("The {{< param city >}} plan", "a note[^1]\n\nNEW\n\n[b]: https://example.org\n[^1]: A"),
    (None, "[^1]: A note.\n\nNEW\n"),
]  # fmt: skip


@pytest.mark.parametrize(("heading", "expected"), APPENDED)
def test_what_is_appended_stands_below_with_an_empty_line_before(
    heading: str | None, expected: str
) -> None:
    changed = append_section(TEXT, heading, "NEW\n")
    assert expected in changed
    assert changed.replace("NEW\n\n", "", 1) == TEXT or changed.count("\n") > TEXT.count("\n")
    without = changed.split("NEW")
    assert TEXT.startswith(without[0].rstrip("\n"))
    assert TEXT.endswith(without[1].lstrip("\n"))


@pytest.mark.parametrize(("text", "expected"), [
    ("", "x\n"),
    ("old", "old\n\nx"),
    ("old\n", "old\n\nx\n"),
    ("old\n\n\n", "old\n\nx\n\n\n"),
    ("old  \n", "old  \n\nx\n"),
    (" \n\n", "x \n\n"),
    ("---\na: 1\n---\n", "---\na: 1\n---\nx\n"),
    ("---\na: 1\n---\nold\n", "---\na: 1\n---\nold\n\nx\n"),
    ("old\r\n", "old\r\n\r\nx\r\n"),
    ("{}\n", "{}\nx\n"),
])  # fmt: skip
def test_a_text_is_made_longer_at_its_end(text: str, expected: str) -> None:
    assert append_section(text, None, "x") == expected


REFUSED = [
    ("Tow", "section_missing", "did you mean Two"),
    ("under-LINED", "section_missing", "did you mean under-lined"),
    ("### Two", "section_missing", "did you mean ## Two"),
    ("In a fence", "section_missing", "One"),
    ("For a template", "section_missing", "One"),
    ("Two", "section_double", "by its id"),
    ("two", None, ""),
    ("", "section_missing", "One"),
]


@pytest.mark.parametrize(("heading", "code", "hint"), REFUSED)
def test_a_heading_that_is_not_the_only_one_is_refused(
    heading: str, code: str | None, hint: str
) -> None:
    if code is None:  # the id is that of one alone
        assert "## Two ##\n\nx\n" in replace_section(TEXT, heading, "x")
        return
    with pytest.raises(EditFailed) as caught:
        replace_section(TEXT, heading, "x")
    assert caught.value.code == code
    assert hint in caught.value.hint
    if code == "section_double":
        assert "#zwei in line 10, #two in line 33" in caught.value.message


def test_text_is_replaced_in_the_body_alone() -> None:
    changed = replace_text(TEXT, "One", "Uno")
    assert "title: One" in changed
    assert "# Uno" in changed
    assert replace_text("---\r\na: 1\r\n---\r\nx\r\ny\r\n", "x\ny", "p\nq").endswith("p\r\nq\r\n")
    assert replace_text("a a a", "a", "aa", 3) == "aa aa aa"
    assert replace_text("a", "a", "") == ""


@pytest.mark.parametrize(("old", "count", "message"), [
    ("Two", 1, "2 times in the text, not once (lines 10, 33)"),
    ("nowhere", 1, "0 times"),
    ("title", 1, "0 times"),
    ("text", 1, "2 times"),
])  # fmt: skip
def test_a_count_that_differs_is_told_with_the_lines(old: str, count: int, message: str) -> None:
    with pytest.raises(EditFailed) as caught:
        replace_text(TEXT, old, "x", count)
    assert caught.value.code == "count_differs"
    assert message in caught.value.message


@pytest.mark.parametrize("edit", [
    lambda: replace_text(TEXT, "", "x"), lambda: append_section(TEXT, None, "\n ")
])  # fmt: skip
def test_nothing_is_no_text(edit: object) -> None:
    with pytest.raises(EditFailed) as caught:
        edit()  # type: ignore[operator]
    assert caught.value.code == "text_empty"


@pytest.mark.parametrize("text", ["Word\n", "", "\n\nWord"])
@pytest.mark.parametrize("new", ["- item", "---\na: 1\n---\n", "{{< x >}}", "+ item", "{}"])
def test_a_text_without_front_matter_gets_none_by_chance(text: str, new: str) -> None:
    with pytest.raises(EditFailed) as caught:
        if "Word" in text:
            replace_text(text, "Word", new)
        else:
            append_section(text, None, new)
    assert caught.value.code == "edit_unproved"
    assert "front matter" in caught.value.message


PIECES = st.sampled_from([
    "# A\n", "## B\n", "### C ###\n", "Title\n=====\n", "Sub\n---\n", "text\n", "\n", "```\n",
    "- item\n", "> quote\n", "<!-- x\n", "-->\n", "{{< x >}}\n", "{{< /x >}}\n", "{{% y %}}\n",
    "{{% /y %}}\n", "<div>\n", "</div>\n", "    code\n", "[r]: /u\n", "a *b* `c`\r\n", "\t# T\n",
])  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.lists(PIECES, max_size=14), st.sampled_from(["x", "x\n\n## Y\n\ny", "```\nz\n```"]))
def test_in_any_text_all_but_one_section_stays(pieces: list[str], new: str) -> None:
    text = "---\nt: 1\n---\n" + "".join(pieces)
    begin = len("---\nt: 1\n---\n")
    for one in headings(text[begin:]):
        for edit in (replace_section, append_section):
            try:
                changed = edit(text, f"#{one.id}", new)
            except EditFailed as refused:
                assert refused.code in ("edit_unproved", "section_missing", "section_double")
                continue
            assert changed.startswith(text[: begin + one.body].rstrip("\r\n"))
            assert changed.endswith(text[begin + one.end :])
            assert new in changed.replace("\r\n", "\n")

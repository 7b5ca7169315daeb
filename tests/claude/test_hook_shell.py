"""Which `workflow approve` a line of shell holds."""

from __future__ import annotations

import pytest

from workflow.hook.shell import find_approving

SIMPLE = {
    "workflow approve a staging 0123": (("a", "staging", "0123"), None),
    "  workflow   approve a staging 0123  ": (("a", "staging", "0123"), None),
    "workflow \"approve\" 'a' staging 0123": (("a", "staging", "0123"), None),
    "workflow app\\rove a staging 0123": (("a", "staging", "0123"), None),
    "/opt/bin/workflow approve a staging 0123": (("a", "staging", "0123"), None),
    "python3 -m workflow approve a staging 0123": (("a", "staging", "0123"), None),
    "/usr/bin/python -mworkflow approve a - 0123": (("a", "-", "0123"), None),
    "python3 /opt/bin/workflow approve a - 0123": (("a", "-", "0123"), None),
    "workflow --root /x approve a staging 0123": (("a", "staging", "0123"), "/x"),
    "workflow --root='/x y' approve a staging 0123": (("a", "staging", "0123"), "/x y"),
    "workflow approve a staging 0123 --wait 110": (("a", "staging", "0123", "--wait", "110"), None),
    'workflow approve a staging 0123 --reason "he said: yes; go"': (
        ("a", "staging", "0123", "--reason", "he said: yes; go"),
        None,
    ),
}
HIDDEN = [
    "true && workflow approve a b c",
    "workflow approve a b c && workflow approve d e f",
    "workflow approve a b c; true",
    "true\nworkflow approve a b c",
    "workflow approve a b c &",
    "workflow approve a b c > out",
    "workflow approve a b c 2>&1",
    "yes | workflow approve a b c",
    "(workflow approve a b c)",
    "echo `workflow approve a b c`",
    "echo $(workflow approve a b c)",
    "CLAUDECODE= workflow approve a b c",
    "env -u CLAUDECODE workflow approve a b c",
    "nohup workflow approve a b c",
    "xargs workflow approve",
    "find . -exec workflow approve a b c \\;",
    "bash -c 'workflow approve a b c'",
    "sh -c \"bash -c 'workflow approve a b c'\"",
    "eval 'workflow approve a b c'",
    "workflow approve $ID staging 0123",
    "workflow approve a staging ????????",
    "V=approve; workflow $V a b c",
    "workflow approve 'a b c",
]
OTHER = [
    "",
    "workflow status",
    "workflow plan approve-me",
    "workflow submit noop --request approve",
    "workflow submit noop --request 'workflow approve a b c'",
    "echo workflow approve a b c",
    "grep -rn 'workflow approve' docs",
    "git commit -m 'workflow approve asks'",
    "cat workflow approve",
    "cd /projects/workflow && approve-build x",
    "cp /projects/workflow $TARGET",
    "ls $HOME/workflow",
    "approve workflow",
    "workflow-approve a b c",
    "myworkflow approve a b c",
]


@pytest.mark.parametrize("line", SIMPLE)
def test_one_simple_command_is_read_word_by_word(line: str) -> None:
    found = find_approving(line)
    assert found is not None and found.trouble is None
    assert (found.words, found.root) == SIMPLE[line]


@pytest.mark.parametrize("line", HIDDEN)
def test_whatever_stands_around_it_or_is_not_written_out_is_trouble(line: str) -> None:
    found = find_approving(line)
    assert found is not None and found.trouble


@pytest.mark.parametrize("line", OTHER)
def test_words_that_only_look_like_it_are_not_it(line: str) -> None:
    assert find_approving(line) is None


def test_depth_and_length_do_no_harm() -> None:
    line = "workflow approve a b c"
    for _ in range(8):
        line = f"sh -c '{line}'".replace("''", "'")
    find_approving(line)
    find_approving("workflow approve " + "$(" * 5000)
    find_approving("workflow approve a b c " * 20_000)

"""Which of the commands in a line of shell is `workflow approve`, and with what words.

What is found is told to the person who is asked. It is read as the shell would read it as far as
that can be done without running it; what cannot be read is said to be so, and not guessed.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass

_PRINTERS = (
    "echo", "printf", "grep", "egrep", "fgrep", "rg", "git", "man", "which", "type", "cat", "ls",
    "head", "tail", "less", "sed", "awk",
)  # fmt: skip
"""Programs that only speak of the words that they are given."""
_SHELLS = (
    "sh", "bash", "zsh", "dash", "ksh", "fish", "eval", "xargs", "ssh", "env", "sudo", "timeout",
    "nohup", "time",
)  # fmt: skip
"""Programs that run a word, or several, as a command."""
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_DEPTH = 4


@dataclass(frozen=True)
class Approving:
    """An approval that a line of shell asks for."""

    words: tuple[str, ...] = ()
    """What follows `approve`."""
    root: str | None = None
    """As --root names it."""
    trouble: str | None = None
    """Why a person cannot be shown what it does; then the words are not to be trusted."""


def find_approving(line: str, depth: int = 0) -> Approving | None:
    """The approval in a line of shell; None for a line without one."""
    bare = line.translate({ord(c): None for c in "\"'\\\n"})
    if "workflow" not in bare or ("approve" not in bare and "$" not in bare and "`" not in bare):
        return None
    try:
        commands, joined = _commands(line)
    except ValueError as error:
        if "approve" not in bare:
            return None
        return Approving(trouble=f"it cannot be read ({error})")
    for words in commands:
        found = _of_command(words, depth)
        if found is None:
            continue
        if found.trouble is None and (joined or depth):
            return Approving(found.words, found.root, "there is more to it than that")
        return found
    return None


def _commands(line: str) -> tuple[list[list[str]], bool]:
    """The simple commands of a line, in words, and whether there is more than one simple command.

    Raises ValueError for a quote that is left open.
    """
    lexer = shlex.shlex(line.strip().replace("\n", " ; "), posix=True, punctuation_chars=";&|()<>`")
    lexer.whitespace_split = True
    lexer.commenters = ""
    commands: list[list[str]] = [[]]
    joined = False
    for word in lexer:
        if word and not word.strip(";&|()<>`"):
            commands.append([])
            joined = True
        else:
            commands[-1].append(word)
    return [words for words in commands if words], joined


def _of_command(words: list[str], depth: int) -> Approving | None:
    program = _program(words)
    if program in _PRINTERS:
        return None
    if program in _SHELLS and depth < _DEPTH:
        for word in words[1:]:
            inner = find_approving(word, depth + 1) if any(c in word for c in " \t\n") else None
            if inner is not None:
                return inner
    at = _ours(words)
    if at is None:
        return None
    root, verb, rest = _verb(words[at:])
    trouble = _started_by(words[: at - 1])
    if verb is not None and "$" in verb and trouble is None:
        return Approving(trouble="its verb is not written out")
    if verb != "approve":
        return None
    if trouble is None and any(c in word for word in rest for c in "$*?"):
        trouble = "its words are not written out"
    return Approving(tuple(rest), root, trouble)


def _program(words: list[str]) -> str:
    first = next((word for word in words if not _ASSIGNMENT.match(word)), "")
    return os.path.basename(first)


def _ours(words: list[str]) -> int | None:
    """Where the words after our program begin; None if it is not among them."""
    for at, word in enumerate(words):
        if os.path.basename(word) == "workflow" or word == "-mworkflow":
            return at + 1
    return None


def _verb(words: list[str]) -> tuple[str | None, str | None, list[str]]:
    """--root of the whole program, the command, and what comes after it."""
    root = None
    rest = list(words)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "--root" and rest:
            root = rest.pop(0)
        elif option.startswith("--root="):
            root = option.removeprefix("--root=")
    return root, (rest[0] if rest else None), rest[1:]


def _started_by(before: list[str]) -> str | None:
    """What is odd about the words before our program; None if it is the program that is run."""
    if not before:
        return None
    if all(map(_ASSIGNMENT.match, before)):
        return "variables are set for it"
    if os.path.basename(before[0]).startswith("python") and before[1:] in ([], ["-m"]):
        return None
    return "it is started by another program"

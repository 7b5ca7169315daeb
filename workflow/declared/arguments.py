"""From the values of parameters to the arguments of the program, one for one.

A value never becomes an argument that the owner did not write, nor part of one's name: none is
split, none is read by a shell, and none may begin with a dash where a program looks for options.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workflow.config import Command
from workflow.settings.commands.parameter import Parameter, figure
from workflow.settings.commands.words import Blank, blanks, pieces

Values = Mapping[str, Any]
"""Of the parameters that were given, or that have a default."""


def arguments(command: Command, values: Values) -> list[str]:
    """All of them behind the program."""
    return [
        text for words in _kept(command, values) for word in words
        for text in _filled(word, command, values)
    ]  # fmt: skip


def faults(command: Command, values: Values) -> Iterator[tuple[str, str]]:
    """What is wrong with values that are right each by itself: the parameter, and why."""
    missing = False
    for group in command.groups():
        droppable = dict.fromkeys(command.droppable(group))
        given = [name for name in droppable if name in values]
        for name in droppable:
            if given and name not in values:
                missing = True
                yield name, f"is needed together with {', '.join(given)}"
    if missing:
        return
    protected = False
    for word in (word for words in _kept(command, values) for word in words):
        first = next(iter(pieces(word)), "")
        if isinstance(first, Blank) and not protected:
            parameter, value = command.parameters[first.name], values[first.name]
            # Choices and words are the owner's own; a path is made absolute.
            owned = parameter.type in ("boolean", "choice", "path")
            if not owned and _text(parameter, value).startswith("-"):
                yield first.name, "must not begin with '-': the program would see an option in it"
        protected = protected or word == "--"


def _kept(command: Command, values: Values) -> Iterator[tuple[str, ...]]:
    """The arguments without the groups that are left out; one that stands alone is a group of
    itself."""
    for argument in command.argv[1:]:
        if isinstance(argument, str):
            yield (argument,)
        elif any(name in values for name in command.droppable(argument)):
            yield argument


def _filled(word: str, command: Command, values: Values) -> list[str]:
    parts = pieces(word)
    names = blanks([word])
    if names and command.parameters[names[0]].type == "boolean":
        return list(command.parameters[names[0]].words) if values[names[0]] else []
    return [
        "".join(
            _text(command.parameters[part.name], values[part.name])
            if isinstance(part, Blank)
            else part
            for part in parts
        )
    ]


def _text(parameter: Parameter, value: Any) -> str:
    return figure(value) if parameter.type in ("integer", "number") else str(value)

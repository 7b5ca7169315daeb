"""The owner's own commands: fixed programs of which a task fills named, typed parameters.

    argv: [scripts/resize.py, --width, "{width}", [--quality, "{quality}"], "{fast}", --, "{photo}"]

`{name}` stands for the value of a parameter, inside the one argument that it is written in; `{{`
and `}}` are braces. A list is a group: it is left out as a whole while none of its parameters is
given, and so they may be left out; every other parameter without a default is asked for. A
boolean's `{name}` is an argument by itself, and stands for its fixed `words` or for nothing.

All that can be known to be wrong is told when workflow.yaml is read, at the line where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from workflow.errors import nearest
from workflow.settings import AnyPath, Strict
from workflow.settings.commands.faults import Place, several
from workflow.settings.commands.parameter import Parameter as Parameter
from workflow.settings.commands.surroundings import Output as Output
from workflow.settings.commands.surroundings import Surroundings as Surroundings
from workflow.settings.commands.words import Argument, Blank, blanks, pieces

OURS = (
    "hugo-build", "cloudfront-invalidate", "site-validate", "content-create", "content-edit",
    "form-list", "form-show", "form-create", "form-clone", "form-update", "form-submissions",
    "form-check", "git-commit", "noop",
)  # fmt: skip
"""Task types whose names no command may have. Written out, for handlers stand above what reads
workflow.yaml; a test holds the two alike."""
OURS_TOO = "hugo-deploy-"
"""What the others of ours begin with."""
EXIT_CODE = "exit_code"
"""The output that every command has."""
ENVIRONMENT = "environment"
"""The parameter that `--env` fills."""
SITE = "site"
"""In `exclusive`: the site, for which all waits that works on it."""

ExitAction = Literal["success", "fix", "retry", "escalate"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_RESERVED = ("site_path", "base_url")
"""Parameters that mean something of their own in every task."""
_LOCK = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def _one_or_more(written: Any) -> Any:
    return (written,) if isinstance(written, str) else written


def _short(written: Any) -> Any:
    """`pictures: integer` is short for `pictures: {type: integer}`."""
    return {"type": written} if isinstance(written, str) else written


class Command(Strict):
    """A task type of the owner's own."""

    argv: tuple[Argument, ...] = Field(
        min_length=1, description="program and arguments; {name} is a parameter"
    )
    summary: str = Field(default="", description="one line, for `workflow types`")
    parameters: dict[str, Parameter] = Field(default={})
    site: str | None = Field(
        default=None, description="that it works on, by its name; default: the first one"
    )
    cwd: AnyPath | None = Field(default=None, description="default: the folder of workflow.yaml")
    environment: Surroundings = Field(
        default=Surroundings(), description="variables that it gets beside the usual ones"
    )
    timeout_minutes: float | None = Field(
        default=None, gt=0, le=1440, description="for one attempt; default: as the policies say"
    )
    safe_to_repeat: bool = Field(
        default=False, description="whether it is run again by itself after it was cut off"
    )
    exclusive: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] = Field(
        default=(), description="`site`, or names of locks: no two tasks hold one at once"
    )
    exit_codes: dict[str, ExitAction] = Field(
        default={}, description="what an exit code other than 0 means; default: escalate"
    )
    reading: Literal["last-line", "whole"] | None = Field(
        default=None, alias="json", description="where in what it prints its JSON object is"
    )
    outputs: dict[str, Annotated[Output, BeforeValidator(_short)]] = Field(default={})

    @model_validator(mode="after")
    def _sound(self) -> Command:
        several("Command", [*self._argv_faults(), *self._parameter_faults(), *self._other_faults()])
        return self

    def __hash__(self) -> int:
        """Two that say the same are one: what is made of a command is made once."""
        return hash((self.argv, self.summary))

    # -- what it takes -----------------------------------------------------------------------

    @property
    def program(self) -> str:
        """The first argument, as it is written but for doubled braces."""
        return "".join(str(piece) for piece in pieces(str(self.argv[0])))

    def groups(self) -> list[tuple[str, ...]]:
        """The arguments that are left out together."""
        return [argument for argument in self.argv if isinstance(argument, tuple)]

    def is_needed(self, name: str) -> bool:
        """Whether a task has to say a parameter."""
        alone = blanks(argument for argument in self.argv if isinstance(argument, str))
        return name in alone and not self.parameters[name].has_default

    def droppable(self, group: tuple[str, ...]) -> list[str]:
        """The parameters by whose absence a group is left out."""
        return [
            name
            for name in blanks(group)
            if not self.parameters[name].has_default and not self.is_needed(name)
        ]

    # -- what may be wrong with it -----------------------------------------------------------

    def _argv_faults(self) -> Iterator[tuple[Place, str]]:
        first = self.argv[0]
        if isinstance(first, tuple) or blanks([first]):
            yield ("argv", 0), "is the program, which is fixed: no group, and no {name} in it"
            return
        if not first.strip() or first.startswith("-"):
            yield ("argv", 0), f"{first!r} is no program: a name, or a path with a slash in it"
        protected = False
        for number, argument in enumerate(self.argv[1:], 1):
            words = [argument] if isinstance(argument, str) else argument
            ended = protected
            for inner, word in enumerate(words):
                place = ("argv", number, *(() if isinstance(argument, str) else (inner,)))
                if fault := self._word_fault(word, ended):
                    yield place, fault
                ended = ended or word == "--"
            # A `--` that may be left out protects its own group only.
            protected = ended if isinstance(argument, str) else protected

    def _word_fault(self, word: str, protected: bool) -> str | None:
        parts = pieces(word)
        for part in parts:
            if isinstance(part, Blank) and part.name not in self.parameters:
                near = nearest(part.name, list(self.parameters))
                meant = f": did you mean {{{near[0]}}}?" if near else ", with its type"
                return f"{{{part.name}}} is not among `parameters`{meant}"
        known = [self.parameters[part.name] for part in parts if isinstance(part, Blank)]
        if any(one.type == "boolean" for one in known) and len(parts) > 1:
            return "a boolean is an argument by itself: it stands for its `words`"
        if protected or len(parts) < 2 or not known:
            return None
        before = parts[0] if isinstance(parts[0], str) else ""
        if before.startswith("-") and "=" not in before and not known[0].starts_safely:
            return (
                f"what a task says would become part of the option {before}: write {before}=, or "
                "make it an argument by itself"
            )
        if not before and known[0].type == "choice" and any(
            choice.startswith("-") for choice in known[0].choices
        ):  # fmt: skip
            return "a choice that begins with a dash is an argument by itself"
        return None

    def _parameter_faults(self) -> Iterator[tuple[Place, str]]:
        for name, parameter in self.parameters.items():
            place = ("parameters", name)
            if not _NAME.fullmatch(name):
                yield place, f"the name {name!r} may hold a-z, 0-9 and _ only"
            elif name in _RESERVED or name.startswith("model_") or hasattr(BaseModel, name):
                yield place, f"a parameter cannot be called {name}: choose another name"
            elif name not in self._named():
                yield place, f"is not used: {{{name}}} stands nowhere in argv"
            elif name == ENVIRONMENT and parameter.type != "choice":
                yield place, "must be a choice, of environments: it is what --env fills"
            elif self.is_needed(name) and parameter.sample() is None:
                yield place, "needs an `example` that fits, for `workflow types` to show"
        for number, argument in enumerate(self.argv):
            if isinstance(argument, tuple) and number:
                unknown = [name for name in blanks(argument) if name not in self.parameters]
                if not unknown and not self.droppable(argument):
                    yield (
                        ("argv", number),
                        (
                            "this group is never left out: none of its parameters may be missing; "
                            "write it without brackets"
                        ),
                    )

    def _named(self) -> list[str]:
        words = [word for group in self.groups() for word in group]
        return blanks([*(one for one in self.argv if isinstance(one, str)), *words])

    def _other_faults(self) -> Iterator[tuple[Place, str]]:
        for name in self.exclusive:
            if not _LOCK.fullmatch(name):
                yield ("exclusive",), f"the name {name!r} may hold a-z, 0-9 and - only"
        for code in self.exit_codes:
            if not re.fullmatch(r"[1-9][0-9]{0,2}", code) or int(code) > 255:
                yield ("exit_codes", code), f"{code!r} is no exit code from 1 to 255"
        for name in self.outputs:
            if not _NAME.fullmatch(name) or name == EXIT_CODE:
                yield ("outputs", name), f"an output cannot be called {name}"
        from_json = [name for name, output in self.outputs.items() if output.pattern is None]
        if from_json and self.reading is None:
            yield ("outputs", from_json[0]), "nothing says how it is read: a `pattern`, or `json`"
        if self.reading is not None and not from_json:
            yield ("json",), "no output is read from it"


def misplaced(
    commands: Mapping[str, Command], sites: Collection[str], environments: Collection[str]
) -> Iterator[tuple[Place, str]]:
    """What is wrong with commands beside the rest of workflow.yaml: where, and why."""
    for name, command in commands.items():
        if name in OURS or name.startswith(OURS_TOO):
            yield (name,), f"{name} is a task type of ours: choose another name"
        if command.site is not None and command.site not in sites:
            near = nearest(command.site, list(sites))
            meant = f"; did you mean {near[0]}?" if near else ""
            yield (name, "site"), f"there is no site {command.site!r}{meant}"
        chosen = command.parameters.get(ENVIRONMENT)
        for number, choice in enumerate(chosen.choices if chosen else ()):
            if choice not in environments:
                place = (name, "parameters", ENVIRONMENT, "choices", number)
                yield place, f"there is no environment {choice!r}"

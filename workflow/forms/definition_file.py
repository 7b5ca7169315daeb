"""Reads a definition: from `forms/` of the exchange, or out of the task."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from workflow import yaml12
from workflow.config import NAME, Config, problems_of
from workflow.errors import Problem, TaskError, TaskFailed, nearest
from workflow.forms.definition import Definition, Question, double_names

FOLDER = "forms"
_SUFFIX = ".yaml"
_MOST_TOLD = 20


def read_definition(named: str | Mapping[str, Any], config: Config) -> Definition:
    """The definition called so, or written out.

    Raises TaskFailed `bad_definition` with all that is wrong, or `no_such_definition`.
    """
    if isinstance(named, str):
        file = f"{FOLDER}/{named}{_SUFFIX}"
        text = _text(named, file, config)
        try:
            data, node = yaml12.load(text)
        except yaml12.InvalidYaml as error:
            raise _bad([error.of_file()], file) from error
    else:
        file, data, node = None, dict(named), None
    if not isinstance(data, Mapping) or not data:
        raise _bad([Problem("must be a mapping, such as 'title: Contact'", line=1)], file)
    problems: list[Problem] = []
    definition = None
    try:
        definition = Definition.model_validate(data)
    except ValidationError as error:
        problems += [
            _of_question(problem) if len(path) > 2 and path[0] == "questions" else problem
            for path, problem in problems_of(error, node, Definition)
        ]
    for at, name in double_names(data):
        line, column = yaml12.place(node, ("questions", at)) or (None, None)
        problems.append(
            Problem(
                f"another question is called {name!r} too",
                key=f"questions.{at}",
                line=line,
                column=column,
                hint="give each a name of its own",
            )
        )
    problems += _unknown_recipients(data.get("notification"), node, config)
    if problems or definition is None:
        problems.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
        raise _bad(problems, file)
    return definition


def _of_question(problem: Problem) -> Problem:
    """An unknown key of a question, with those that it may have."""
    if problem.message != "unknown key" or problem.key is None:
        return problem
    known = sorted(Question.model_fields)
    return replace(
        problem,
        hint="known here: " + ", ".join(known),
        did_you_mean=nearest(problem.key.rsplit(".", 1)[-1], known),
    )


def _unknown_recipients(notification: Any, node: Any, config: Config) -> list[Problem]:
    written = notification.get("to") if isinstance(notification, Mapping) else None
    names = written if isinstance(written, list) else [written]
    known = list(config.jotform.recipients)
    line, column = yaml12.place(node, ("notification", "to")) or (None, None)
    return [
        Problem(
            f"workflow.yaml names no recipient {name!r}",
            key="notification.to",
            line=line,
            column=column,
            hint="a definition names recipients; only the owner gives them addresses, under "
            f"jotform.recipients (there: {', '.join(known) or 'none'})",
            did_you_mean=nearest(name, known),
        )
        for name in names
        if isinstance(name, str) and name not in known
    ]


def _text(named: str, file: str, config: Config) -> str:
    """The file's text. No link is followed, not even for the folder."""
    if not re.fullmatch(NAME, named):
        raise _missing(f"{named!r} is no name of a definition: a-z, 0-9 and - only", named, config)
    try:
        folder = os.open(config.root / FOLDER, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise _missing(f"{FOLDER}/ cannot be read: {error.strerror}", named, config) from error
    try:
        # Non-blocking: a pipe of that name must not hold the sweep.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(named + _SUFFIX, flags, dir_fd=folder), "rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise _missing(f"{file} is no plain file", named, config)
            raw = opened.read(yaml12.MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise _missing(f"there is no {file}", named, config) from error
    except OSError as error:
        linked = error.errno == errno.ELOOP
        why = "is a symbolic link" if linked else f"cannot be read: {error.strerror}"
        raise _missing(f"{file} {why}", named, config) from error
    finally:
        os.close(folder)
    if len(raw) > yaml12.MAX_BYTES:
        raise _bad([Problem(f"larger than {yaml12.MAX_BYTES} bytes")], file)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad([Problem(f"is not UTF-8: {error.reason}")], file) from error


def _missing(message: str, named: str, config: Config) -> TaskFailed:
    try:
        names = sorted(os.listdir(config.root / FOLDER))
    except OSError:
        names = []
    known = [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)][:_MOST_TOLD]
    meant = [name for name in nearest(named, known) if name != named]
    hint = f"did you mean {' or '.join(meant)}? " if meant else ""
    hint += f"there are: {', '.join(known)}" if known else f"write one as {FOLDER}/NAME{_SUFFIX}"
    return TaskFailed(TaskError("no_such_definition", message, "fix", "content", hint=hint))


def _bad(problems: Sequence[Problem], file: str | None) -> TaskFailed:
    first, *others = problems
    more = f"; and {len(others)} more" if others else ""
    # The place stands beside the message already.
    said = Problem(first.message, first.key, did_you_mean=first.did_you_mean).sentence()
    where = "" if file else "the task's definition: "
    told = [problem.sentence(file) for problem in problems[:_MOST_TOLD]]
    return TaskFailed(
        TaskError(
            "bad_definition",
            f"{where}{said}{more}",
            "fix",
            "content",
            file=file,
            line=first.line,
            column=first.column,
            hint=first.hint or "docs/forms.md says what a definition may hold",
        ),
        outputs={"problems": [problem.as_dict() for problem in problems[:_MOST_TOLD]]},
        summary="\n".join(f"- {one}" for one in told),
    )

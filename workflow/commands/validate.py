"""workflow validate"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workflow.cli import Place, command
from workflow.errors import Exit, Problem, WorkflowError
from workflow.reply import Reply

if TYPE_CHECKING:
    from workflow.task import Task


@command
def run(
    place: Place,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Task files.")],
) -> Reply:
    """Say everything that is wrong with task files, all at once; exit 7 if anything is.

    \b
    workflow validate tasks/pending/2026-01-19-1430-hugo-build-staging.md
    """
    from workflow.task import load_task

    config = place.config()
    return judge(files, lambda file: load_task(file, named(file), config)[0])


def named(file: str) -> str:
    """The id that a file's name gives. Raises InvalidTask."""
    from workflow.exchange import TASK_ID
    from workflow.layout import SUFFIX
    from workflow.task import InvalidTask

    name = Path(file).name.removesuffix(SUFFIX)
    if not TASK_ID.fullmatch(name):
        hint = "use letters, digits, '-', '_' and '.', at most 180 of them"
        raise InvalidTask("invalid_name", [Problem("the name cannot be an id", hint=hint)])
    return name


def judge(files: Sequence[str], load: Callable[[str], Task]) -> Reply:
    """What is wrong with each of the files that `load` reads."""
    from workflow.task import InvalidTask

    checked: list[dict[str, Any]] = []
    lines: list[str] = []
    warnings: list[str] = []
    for file in files:
        problems: tuple[Problem, ...] = ()
        unusual: tuple[str, ...] = ()
        try:
            unusual = load(file).warnings
        except InvalidTask as error:
            problems = error.problems
        except FileNotFoundError:
            problems = (Problem("there is no such file"),)
        checked.append(
            {
                "file": file,
                "valid": not problems,
                "problems": [p.as_dict() for p in problems],
                "warnings": list(unusual),
            }
        )
        warnings += [f"{file}: {warning}" for warning in unusual]
        fine = f"{file}: " + ("can be run, but is it what was meant?" if unusual else "fine")
        lines += [problem.sentence(file) for problem in problems] or [fine]
    wrong = sum(not entry["valid"] for entry in checked)
    reply = Reply(data={"files": checked}, text="\n".join(lines), warnings=warnings)
    if wrong:
        reply.exit = Exit.INVALID_TASK
        reply.error = WorkflowError(
            "invalid_task",
            f"{wrong} of {len(files)} task files cannot be run",
            Exit.INVALID_TASK,
            hint="mend what is said above; `workflow schema task` lists all keys",
        )
    return reply

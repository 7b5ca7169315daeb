"""workflow validate"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from workflow.cli import Place, command
from workflow.errors import Exit, Problem, WorkflowError
from workflow.reply import Reply


@command
def run(
    place: Place,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Task files.")],
) -> Reply:
    """Say everything that is wrong with task files, all at once; exit 7 if anything is.

    \b
    workflow validate tasks/pending/2026-01-19-1430-hugo-build-staging.md
    """
    from workflow.exchange import TASK_ID
    from workflow.layout import SUFFIX
    from workflow.task import InvalidTask, load_task

    config = place.config()
    checked: list[dict[str, Any]] = []
    lines: list[str] = []
    warnings: list[str] = []
    for file in files:
        problems: tuple[Problem, ...] = ()
        unusual: tuple[str, ...] = ()
        name = Path(file).name.removesuffix(SUFFIX)
        try:
            if not TASK_ID.fullmatch(name):
                hint = "use letters, digits, '-', '_' and '.', at most 180 of them"
                raise InvalidTask("invalid_name", [Problem("the name cannot be an id", hint=hint)])
            task, _ = load_task(file, name, config)
            unusual = task.warnings
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

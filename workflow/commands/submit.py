"""workflow submit"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from workflow import document
from workflow.chains import submit_chain
from workflow.cli import Place, command
from workflow.commands import choices, wait
from workflow.config import Config
from workflow.errors import Exit, WorkflowError
from workflow.overview import resolve
from workflow.reply import Reply
from workflow.submission import Wish, compose_task, wanted_id


@command
def run(
    place: Place,
    task_type: Annotated[
        str,
        typer.Argument(
            metavar="TYPE", help="What to do; see `types`.", autocompletion=choices.task_types
        ),
    ],
    more: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...", help="As with --set.", autocompletion=choices.settings
        ),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(
            "--env", metavar="E", help="dev, staging, …", autocompletion=choices.environments
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A parameter of the type.",
            autocompletion=choices.settings,
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE", help="Start from this task file (- for stdin)."),
    ] = None,
    body_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Text below the front matter (- for stdin).")
    ] = None,
    description: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A few words; part of the id.")
    ] = None,
    priority: Annotated[
        str | None, typer.Option(metavar="P", help="urgent, high, normal or low.")
    ] = None,
    after: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="Run when this one succeeded.", autocompletion=choices.task_ids
        ),
    ] = None,
    then: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE", help="A task to follow.", autocompletion=choices.task_types),
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="K", help="The same key again gives the same task again.")
    ] = None,
    request: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="The person's own words, for the audit trail."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--wait", metavar="SECONDS", help="Wait for the result.", min=0)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the task file and write nothing.")
    ] = False,
) -> Reply:
    """Write a task into tasks/pending/ and print its id.

    \b
    workflow submit hugo-build --env staging
    workflow submit hugo-build --env dev --set minify=false --wait 60
    workflow submit hugo-build --env staging --request "Deploy updated homepage to staging"
    """
    wish = Wish(
        task_type=task_type,
        environment=environment,
        settings=_pairs([*(settings or ()), *(more or ())]),
        source=None if source is None else _document(source),
        body=None if body_file is None else _text(body_file),
        description=description,
        priority=priority,
        after=_split(after),
        key=key,
        request=request,
    )
    return submit_wish(place, wish, _split(then), seconds=seconds, dry_run=dry_run)


def submit_wish(
    place: Place, wish: Wish, then: Sequence[str], *, seconds: float | None, dry_run: bool
) -> Reply:
    """Submit what was wished for, and a task of each type in `then` to follow it; see the command.

    The ids in `wish.after` may be short, or `latest`.
    """
    exchange, config = place.exchange(), place.config()
    wish.author = place.author
    wish.after = [resolve(exchange, task_id).task_id for task_id in wish.after]
    wishes = [wish, *(_following(wish, follower, config) for follower in then)]
    if dry_run:
        return preview(place, wishes)
    ids = submit_chain(exchange, config, wishes)
    data = {"task_id": ids[0], "task_ids": ids, "path": f"tasks/pending/{ids[0]}.md"}
    reply = Reply(data=data, text="\n".join(ids))
    reply.next = [(f"workflow wait {ids[-1]}", "wait for the result")]
    return wait.sweep_and_wait(place, reply, ids, seconds)


def _split(values: list[str] | None) -> list[str]:
    return [part for value in values or () for part in value.split(",") if part]


def _pairs(written: list[str]) -> dict[str, str]:
    pairs = {}
    for pair in written:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise WorkflowError(
                "usage",
                f"{pair!r} is not of the form KEY=VALUE",
                hint="for several, repeat the option: --set a=1 --set b=2, --then A --then B",
            )
        pairs[name] = value
    return pairs


def _following(first: Wish, task_type: str, config: Config) -> Wish:
    from workflow.submission import known_type

    takes_environment = "environment" in known_type(task_type, config).load().Params.model_fields
    environment = first.environment or known_type(first.task_type, config).environment
    return Wish(
        task_type=task_type,
        environment=environment if takes_environment else None,
        priority=first.priority,
        key=f"{first.key}/{task_type}" if first.key else None,
        request=first.request,
        author=first.author,
    )


def _raw(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise WorkflowError(
            "unreadable_file", f"{path}: {error.strerror}", hint="name a file that exists"
        ) from error


def _text(path: str) -> str:
    try:
        return _raw(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise WorkflowError(
            "unreadable_file", f"{path} is not UTF-8: {error.reason}", hint="save it as UTF-8"
        ) from error


def _document(path: str) -> document.Document:
    try:
        return document.parse(_raw(path))
    except document.InvalidDocument as error:
        raise WorkflowError(
            "invalid_task",
            "; ".join(problem.sentence(path) for problem in error.problems),
            Exit.INVALID_TASK,
            hint="see `workflow validate FILE`",
            problems=error.problems,
        ) from error


def preview(place: Place, wishes: Sequence[Wish]) -> Reply:
    """The task files that would be written."""
    now = datetime.now(UTC)
    previews = []
    for wish in wishes:
        data, body = compose_task(wish, place.config(), now)
        task_id = wanted_id(data, wish, now)
        text = document.compose({"task_id": task_id, **data}, body).decode("utf-8")
        previews.append({"task_id": task_id, "file": text})
    return Reply(
        data={"dry_run": True, "tasks": previews, "task_id": previews[0]["task_id"]},
        text="\n".join(preview["file"] for preview in previews),
        notes=[f"would be tasks/pending/{preview['task_id']}.md" for preview in previews],
        verbatim=True,
    )

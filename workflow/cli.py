"""The table of commands, and what they have in common.

Nothing of a command is imported before it is called, and `--help` imports none of them.
"""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from workflow import __version__, layout
from workflow.boundary import guarded, say_no_more
from workflow.errors import Exit, WorkflowError, nearest
from workflow.reply import Reply, say

if TYPE_CHECKING:
    from workflow.config import Config
    from workflow.exchange import Exchange

PROGRAM = "workflow"


class Command(NamedTuple):
    summary: str
    group: str


COMMANDS = {
    "init": Command("Make an exchange: folders, workflow.yaml, templates", "Set up"),
    "doctor": Command("Is everything there that the configuration needs?", "Set up"),
    "service": Command("The timer that starts sweeps: install, uninstall, status", "Set up"),
    "notify": Command("The ways to reach a person; --test sends a message", "Set up"),
    "demo": Command("Make a sample site and run the whole path on it", "Set up"),
    "mcp": Command("The same as tools, for a client of the Model Context Protocol", "Set up"),
    "submit": Command("Write a task; prints its id", "Delegate"),
    "publish": Command("Build, check and publish a site: one chain, one id", "Delegate"),
    "wait": Command("Wait until tasks have ended", "Delegate"),
    "verify": Command("Did it give what was expected? What now?", "Delegate"),
    "sweep": Command("Run all that can run, then exit (what the timer calls)", "Run"),
    "archive": Command("Move finished months out of the way", "Run"),
    "check": Command("Check a built site: links and search engines' basics", "See"),
    "status": Command("What runs, what waits for whom, is the timer alive?", "See"),
    "list": Command("The tasks, newest first", "See"),
    "show": Command("One task with its result, wherever it lies", "See"),
    "logs": Command("All that a task printed", "See"),
    "report": Command("One self-contained page about all of it, made for a phone", "See"),
    "plan": Command("What a deploy would add, change and delete, and where", "Decide"),
    "approve": Command("Agree to exactly that plan: the one command that asks a person", "Decide"),
    "rollback": Command("Publish an earlier release again", "Decide"),
    "reject": Command("Say no to a task that waits", "Decide"),
    "cancel": Command("End a task that has not ended", "Decide"),
    "retry": Command("Submit a task again", "Decide"),
    "types": Command("What can be asked for", "Look up"),
    "templates": Command("The templates that tasks are made from", "Look up"),
    "validate": Command("Is a task file right? All problems at once", "Look up"),
    "schema": Command("JSON Schemas of task, result and configuration", "Look up"),
}

ROOT_HELP = "The exchange's folder (else $WORKFLOW_ROOT, else the nearest with workflow.yaml)."

# Typer brings its own copy of click in some versions; these are its classes in all of them.
_UsageError: Any = typer.BadParameter.__mro__[1]
_ClickError: Any = typer.BadParameter.__mro__[2]


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"workflow.commands.{cmd_name}")
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(cmd_name, help=inspect.getdoc(module.run), cls=_Plain)(module.run)
        command = typer.main.get_command(app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for group in dict.fromkeys(command.group for command in COMMANDS.values()):
            with formatter.section(group):
                formatter.write_dl(
                    [(name, row.summary) for name, row in COMMANDS.items() if row.group == group]
                )


class _Plain(TyperCommand):
    """A command whose help keeps the lines of its examples as they are written."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        formatter.write_paragraph()
        with formatter.indentation():
            for line in (self.help or "").splitlines():
                if line.strip() == "\b":  # click's mark for lines that are not to be wrapped
                    line = "Examples:"
                formatter.write(" " * formatter.current_indent + line + "\n" if line else "\n")


app = typer.Typer(
    cls=LazyGroup,
    add_completion=True,
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"workflow {__version__}")
        raise typer.Exit


@app.callback()
def _front(
    ctx: typer.Context,
    root: Annotated[str | None, typer.Option("--root", metavar="DIR", help=ROOT_HELP)] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it and exit.")
    ] = False,
) -> None:
    """Claude Code thinks and writes a task; deterministic handlers do it and write a result.

    Start with `workflow demo`, or `workflow init`.
    """
    ctx.obj = root


def run(argv: Sequence[str]) -> int:
    """Run the program; returns its exit code."""
    return guarded(lambda: _dispatch(argv), as_json="--json" in argv)


def _dispatch(argv: Sequence[str]) -> int:
    try:
        # `standalone_mode=False`: errors come to us, and typer.Exit gives its code back.
        code = app(list(argv), prog_name=PROGRAM, standalone_mode=False)
    except _ClickError as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # the help is all there is to say
            typer.echo(error.format_message(), err=True)
            return Exit.USAGE
        raise _usage(error) from error
    except typer.Abort:
        raise KeyboardInterrupt from None
    return code if isinstance(code, int) else 0


_NUMBERS = (
    ("is not a valid float range", "is not a number"),
    ("is not a valid int range", "is not a whole number"),
    ("is not a valid integer range", "is not a whole number"),
    ("is not a valid float", "is not a number"),
    ("is not a valid integer", "is not a whole number"),
)
"""Where click would speak of Python."""


def _usage(error: Any) -> WorkflowError:
    message = error.format_message()
    for theirs, ours in _NUMBERS:
        message = message.replace(theirs, ours)
    near: Sequence[str] = getattr(error, "possibilities", None) or ()
    command = error.ctx.command_path if getattr(error, "ctx", None) else PROGRAM
    if "No such command" in message:
        near = nearest(message.split("'")[1], list(COMMANDS))
    hint = f"see `{command} --help`"
    if type(error).__name__ == "MissingParameter" and (meant := getattr(error.param, "help", "")):
        hint = f"{error.param.metavar or error.param.name}: {meant.rstrip('.')}; {hint}"
    return WorkflowError(
        "usage",
        message.rstrip("."),
        hint=hint,
        did_you_mean=tuple(near),
    )


class Place:
    """Where a command works: the exchange that it was pointed to, or that it stands in."""

    def __init__(
        self,
        named: str | None,
        *,
        author: str | None = None,
        pulse: Callable[[], object] = lambda: None,
    ) -> None:
        self.named = named
        self.author = author
        """Who writes tasks, where that is neither the user nor Claude Code's shell."""
        self.pulse = pulse
        """Called now and then while a command waits; what it raises ends the waiting."""

    @property
    def root(self) -> str:
        """Raises WorkflowError `no_exchange`."""
        if self.named:
            root = os.path.abspath(os.path.expanduser(self.named))
            found: str | None = root if os.path.isfile(os.path.join(root, layout.CONFIG)) else None
            where = f"there is no {layout.CONFIG} in {root}"
        else:
            found = layout.find_root(os.getcwd(), os.environ)
            where = f"there is no {layout.CONFIG} here or in a folder above"
        if found is None:
            raise WorkflowError(
                "no_exchange",
                where,
                hint="make an exchange with `workflow init`, or name one with --root DIR",
            )
        return found

    def exchange(self) -> Exchange:
        from workflow.exchange import Exchange

        return Exchange(self.root)

    def config(self) -> Config:
        from workflow.config import load_config

        return load_config(self.root)


def command(function: Callable[..., Reply]) -> Callable[..., None]:
    """Give a command --json, --field and --root, and say its reply.

    The function's first parameter is the Place that it works at, the others its own.
    """
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]

    def called(
        ctx: typer.Context, as_json: bool, field_path: str | None, root: str | None, **given: Any
    ) -> None:
        named = root or ctx.obj or _inherited(ctx)
        try:
            reply = function(Place(named), **given)
        except WorkflowError as error:
            reply = Reply.of_error(error)
        reply = reply.pointed_at(named)
        try:
            say(reply, as_json=as_json, field_path=field_path)
        except BrokenPipeError:  # here, or Typer would call it a failure
            say_no_more()
        raise typer.Exit(int(reply.exit))

    kind = inspect.Parameter.KEYWORD_ONLY
    shared = [
        ("as_json", bool, typer.Option("--json", help="Answer with one JSON document."), False),
        (
            "field_path",
            str | None,
            typer.Option("--field", metavar="PATH", help="Print one field, such as data.status."),
            None,
        ),
        ("root", str | None, typer.Option("--root", metavar="DIR", help=ROOT_HELP), None),
    ]
    added = [
        inspect.Parameter(name, kind, default=default, annotation=Annotated[hint, option])
        for name, hint, option, default in shared
    ]
    context = inspect.Parameter("ctx", kind, annotation=typer.Context)
    theirs = [parameter.replace(kind=kind) for parameter in own]
    called.__signature__ = inspect.Signature([context, *theirs, *added])  # type: ignore[attr-defined]
    called.__annotations__ = {p.name: p.annotation for p in [context, *theirs, *added]}
    called.__doc__ = inspect.getdoc(function)
    called.body = function  # type: ignore[attr-defined]
    return called


def body(name: str) -> Callable[..., Reply]:
    """What the command of this name does: a Place and its own parameters in, a Reply out."""
    function: Callable[..., Reply] = importlib.import_module(f"workflow.commands.{name}").run.body
    return function


def _inherited(ctx: typer.Context) -> str | None:
    return ctx.parent.obj if ctx.parent is not None else None

"""The one boundary at which errors become exit codes and answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress

from workflow.errors import Exit, WorkflowError, told
from workflow.reply import Reply, say


def guarded(run: Callable[[], int], *, as_json: bool = False) -> int:
    """Run it; returns its exit code, or that of what it raised. Nothing gets out of here."""
    try:
        return run()
    except WorkflowError as error:
        return answer(Reply.of_error(error), as_json=as_json)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        say_no_more()
        return Exit.DONE
    except Exception as error:
        reply = defect(error)
        try:
            return answer(reply, as_json=as_json)
        except OSError as full:
            return unsaid(full)


def unsaid(error: OSError) -> Exit:
    """The exit code where stdout, a file on a full disk perhaps, does not take the answer."""
    with suppress(OSError):
        print(f"error: stdout does not take the answer: {told(error)}", file=sys.stderr)
    say_no_more()
    return Exit.DEFECT


def say_no_more() -> None:
    """What is still to be written goes nowhere: whoever read our output has seen enough of it, or
    cannot take it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def answer(reply: Reply, *, as_json: bool = False) -> int:
    """Say a reply; returns its exit code."""
    say(reply, as_json=as_json, field_path=None)
    return reply.exit


def defect(error: Exception) -> Reply:
    """The answer to what nobody foresaw; where in the code it was goes to stderr."""
    if isinstance(error, OSError) and error.errno is not None:
        return Reply.of_error(
            WorkflowError(
                "system_error",
                told(error),
                Exit.DEFECT,
                hint="`workflow doctor` looks at folders, rights and disk",
                retryable=True,
            )
        )
    import traceback

    traceback.print_exception(error, limit=-8, file=sys.stderr)
    return Reply.of_error(
        WorkflowError(
            "defect",
            f"a defect of ours: {type(error).__name__}: {error}",
            Exit.DEFECT,
            hint="please report it with the lines above",
        )
    )

"""The front door. An idle `workflow sweep` is decided here, with the standard library alone.

A timer starts us every few seconds and nearly always there is nothing to do. So before anything
heavy is imported we look: is there a task in pending or in-progress? Can a parked task, or the
archive, have become due since the last sweep? If not, leave a sign of life and go.
"""

from __future__ import annotations

import os
import sys
import time

from workflow import layout

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` would take longer than all that an idle sweep does
    from typing import NoReturn


def main() -> NoReturn:
    """Run the program with `sys.argv`, and leave with its exit code."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        _open_streams()
    root, named = _plain_sweep(sys.argv[1:])
    nothing = _idle(root) if root is not None else ""
    if nothing:
        if sys.stderr.isatty():
            sys.stderr.write(nothing + "\n")
        os._exit(_said(0))
    if root is not None:
        from workflow.service.log import rotate

        rotate(root)  # an idle sweep prints nothing: only one that may print looks
    # pydantic would read the metadata of every installed package to look for plugins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    if root is not None:
        from workflow.boundary import answer, guarded
        from workflow.sweeping import sweep_once

        os._exit(_said(guarded(lambda: answer(sweep_once(root).pointed_at(named)))))
    from workflow.cli import run

    os._exit(_said(run(sys.argv[1:]), is_answer=True))


def _open_streams() -> None:
    """Let what a caller closed (`>&-`) lead nowhere: else the next files that are opened, a journal
    perhaps, would be standard output to us and to every program that is started."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number is free
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8"))


def _said(code: int, *, is_answer: bool = False) -> int:
    """The exit code of a command, all of whose words are out: it may end at once. Where they are an
    answer, and not a timer's log, they must be.

    Nothing is open and nothing is running then; the interpreter's own farewell, which takes apart
    all that was imported, would cost more than an idle sweep, and a tenth of `workflow list`.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (BrokenPipeError, ValueError):
        pass  # nobody reads any more
    except OSError as error:
        if is_answer:
            from workflow.boundary import unsaid

            return code or unsaid(error)
    return code


def _plain_sweep(argv: list[str]) -> tuple[str | None, str | None]:
    """The exchange's folder if this is a sweep without further wishes, and how --root named it."""
    words = list(argv)
    named = None
    for at, word in enumerate(words):
        if word == "--root" and at + 1 < len(words):
            named = words[at + 1]
            del words[at : at + 2]
            break
        if word.startswith("--root="):
            named = word[len("--root=") :]
            del words[at]
            break
    if words != ["sweep"]:
        return None, None
    if named is not None:
        return os.path.abspath(os.path.expanduser(named)), named
    return layout.find_root(os.getcwd(), os.environ), None


def _idle(root: str) -> str:
    """Why there is nothing to do, or the empty string: a sweep has to look closely."""
    try:
        if _has_task(root, layout.PENDING) or _has_task(root, layout.IN_PROGRESS):
            return "Another sweep is running." if _is_swept(root) else ""
        with open(os.path.join(root, layout.PARKED), encoding="utf-8") as file:
            times, signature = file.read().split("\n", 1)
        written, due = map(float, times.split())
        # A clock that was set back makes the stamp worthless, not true for longer.
        if not written <= time.time() < due or signature != layout.parked_signature(root) + "\n":
            return ""
        os.utime(os.path.join(root, layout.LAST_SWEEP))
    except (OSError, ValueError):
        return ""
    return "Nothing to do."


def _has_task(root: str, folder: str) -> bool:
    return any(map(layout.is_task_name, os.listdir(os.path.join(root, folder))))


def _is_swept(root: str) -> bool:
    import fcntl

    try:
        lock = os.open(os.path.join(root, layout.SWEEP_LOCK), os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


if __name__ == "__main__":
    main()

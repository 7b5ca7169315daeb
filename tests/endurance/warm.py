"""The program without its start-up: one process has it imported and forks a child for each run.

Thousands of runs are affordable only so. Each child is a process of its own, which calls
`workflow.__main__.main()` as the real one does, in an exchange of its own, with its own output.

A child can be held, so that strace is attached before it does anything: the whole of it before
its first step, or one of its threads before that does its first. strace counts the calls of each
thread by itself; attached to one thread alone it strikes exactly the call that is meant.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PR_SET_PTRACER = 0x59616D61
MAIN = "main"
"""The role of the first thread; the others are known by what they run and a number."""
WARM_UP = (
    ("submit", "effect", "--then", "effect"),
    ("submit", "passing-fault", "--key", "k"),
    ("submit", "program", "--set", "script=true"),
    ("sweep",),
    ("submit", "effect", "--description", "cancelled"),
    ("cancel", "latest"),
    ("submit", "effect", "fail=true"),
    ("sweep",),
    ("archive",),
    ("submit", "effect", "nonsense=1"),
)
"""Commands that import whatever the scenarios need."""


# -- the side of the tests ---------------------------------------------------------------------


@dataclass
class Child:
    """One run of the program that has ended."""

    pid: int
    code: int
    """Negative: killed by that signal."""
    out: str
    err: str
    threads: dict[int, str] = field(default_factory=dict)
    """Thread id -> role, of those that were started."""
    held: bool = True
    """Whether the thread that was to be held ever came."""


Attach = Callable[[int], None]
"""Called with the id of the thread that is held; what it does is done when it goes on."""


class Warm:
    """Starts the warm process; `run` may be called from several threads at once."""

    def __init__(self, environ: dict[str, str], root: Path) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.endurance.warm", str(theirs.fileno()), str(root)],
                env=environ,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._control = ours
        self._lock = threading.Lock()
        if ours.recv(1) != b"!":
            raise RuntimeError("the warm process did not start")

    def close(self) -> None:
        self._control.close()
        self._process.wait(30)

    def __enter__(self) -> Warm:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(
        self,
        words: Sequence[str],
        *,
        cwd: Path,
        output: Path,
        hold: str | None = None,
        attach: Attach = lambda _: None,
        seconds: float = 60,
    ) -> Child:
        """Run the program to its end. `output` is the stem of the files for what it prints.

        Raises TimeoutError (and kills it) if it takes longer than `seconds`.
        """
        ours, theirs = socket.socketpair()
        with ours:
            with theirs, self._lock:
                socket.send_fds(self._control, [b"+"], [theirs.fileno()])
            request = {"words": list(words), "cwd": str(cwd), "output": str(output), "hold": hold}
            ours.sendall(json.dumps(request).encode() + b"\n")
            child = self._follow(ours, hold, attach, seconds)
        child.out = output.with_suffix(".out").read_text()
        child.err = output.with_suffix(".err").read_text()
        return child

    def _follow(
        self, ours: socket.socket, hold: str | None, attach: Attach, seconds: float
    ) -> Child:
        child = Child(0, 0, "", "", held=False)
        until = time.monotonic() + seconds
        buffer = b""
        while True:
            ours.settimeout(max(0.01, until - time.monotonic()))
            try:
                received = ours.recv(65_536)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
                raise
            if not received:
                raise RuntimeError("the warm process has died")
            *lines, buffer = (buffer + received).split(b"\n")
            for line in lines:
                word, *rest = line.decode().split(" ")
                if word == "pid":
                    child.pid = int(rest[0])
                elif word == "thread":
                    child.threads[int(rest[0])] = rest[1]
                    if rest[1] == hold:
                        child.held = True
                        attach(int(rest[0]))
                        ours.sendall(b"!")
                else:
                    child.code = int(rest[0])
                    return child


# -- the warm process --------------------------------------------------------------------------


def serve(control: socket.socket, root: str) -> None:
    """Import everything by doing everything once; then fork for each descriptor that comes."""
    _warm_up(root)
    gc.freeze()
    # Who has ended is of no interest here: its own parent, forked for each run, tells of it.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control.sendall(b"!")
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        with socket.socket(fileno=descriptors[0]) as connection:
            if os.fork():
                continue
            # The program's children are waited for: it must find the signal as it is by default.
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            control.close()
            try:
                _supervise(connection)
            finally:
                os._exit(0)


def _warm_up(root: str) -> None:
    # Behind the front door, which ends the process as soon as a sweep has had its say.
    from workflow.cli import run

    os.chdir(root)
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        for words in WARM_UP:
            with contextlib.suppress(SystemExit):
                run(words)
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join()


def _supervise(connection: socket.socket) -> None:
    """Fork the run itself, and tell how it ended."""
    with connection.makefile("rb") as file:
        request = json.loads(file.readline())
    pid = os.fork()
    if not pid:
        code = 1
        try:
            code = _run(connection, request)
        finally:
            os._exit(code)
    connection.sendall(f"pid {pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    connection.sendall(f"exit {os.waitstatus_to_exitcode(status)}\n".encode())


def _run(connection: socket.socket, request: dict[str, Any]) -> int:
    from workflow.__main__ import main

    for number, suffix in ((1, ".out"), (2, ".err")):
        descriptor = os.open(request["output"] + suffix, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdout = io.TextIOWrapper(open(1, "wb", closefd=False), encoding="utf-8")
    sys.stderr = io.TextIOWrapper(
        open(2, "wb", closefd=False), encoding="utf-8", line_buffering=True
    )
    os.chdir(request["cwd"])
    sys.argv = ["workflow", *request["words"]]
    _let_be_traced()
    _announce_threads(connection, request["hold"])
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _let_be_traced() -> None:
    """Where only ancestors may trace (Yama, the default on Ubuntu), let strace do so as well."""
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)


def _announce_threads(connection: socket.socket, hold: str | None) -> None:
    """Let every thread say who it is before it does anything, and wait if it is the one."""
    seen: Counter[str] = Counter()
    roles: dict[threading.Thread, str] = {}
    start, run = threading.Thread.start, threading.Thread.run

    def announce(role: str) -> None:
        connection.sendall(f"thread {threading.get_native_id()} {role}\n".encode())
        if role == hold:
            connection.recv(1)

    def numbered_start(self: threading.Thread) -> None:
        # Numbered by who starts them: the order in which they then run is anybody's.
        name = getattr(getattr(self, "_target", None), "__name__", type(self).__name__)
        seen[name] += 1
        roles[self] = f"{name}#{seen[name]}"
        start(self)

    def announced_run(self: threading.Thread) -> None:
        announce(roles[self])
        run(self)

    threading.Thread.start = numbered_start  # type: ignore[method-assign]
    threading.Thread.run = announced_run  # type: ignore[method-assign]
    announce(MAIN)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])

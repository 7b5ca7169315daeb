"""One child process: its group, its deadline, its whole output on disk, its redacted tail.

    spawn → follow until it exits, its time is up or it is cancelled → drain → end what it left

Whoever outlives the child is found by what we lent it, all of it inherited by every descendant:
the *group* (and session) that it began; the *output* pipe; the *leash*, a pipe that nobody writes
to. A leash at end of file means, without looking at any process, that nobody is left who holds the
descriptors in `keep_open`, a lock above all. Who has closed everything and left the group after a
child that ended by itself (gpg-agent) is a daemon with manners and is let be; after a timeout or a
cancellation it is ended too, found by the mark `WORKFLOW_RUN` in its environment. A subreaper would
not say whose orphan it got, and would have to reap for the whole program.
Holders and marks are read from /proc; without it (macOS) only the group is ended, and a descendant
with a session of its own can delay the end by the drain time and two graces, but not hang it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workflow.capture import Output
from workflow.kinship import GRACE, group_of, is_kin, living_kin, pidfd, send_signal

DRAIN = 2.0
"""Seconds which the output may stay open after the child has exited (or everyone was killed)."""
MARK = "WORKFLOW_RUN"

_CHUNK = 256 * 1024
_KILL_ROUNDS = 5


class ProgramNotFound(OSError):
    """The program cannot be started: it is not there, or is none. Nothing was run."""

    def __init__(self, program: str, reason: str, number: int) -> None:
        super().__init__(number, reason, program)
        self.program = program
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.program}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Finished:
    """How a child ended."""

    returncode: int
    """Negative: killed by that signal."""
    ended: Literal["exited", "timeout", "cancelled"]
    tail: str
    """The last lines of its output: redacted, without escape sequences and control characters."""
    duration: float
    """Seconds."""
    output_bytes: int
    """As written by the child, before anything was redacted."""
    log_error: str | None
    """Why the log is not whole (a full disk); the tail is."""


class Cancel:
    """Asks every `run` that was given it to end its child, at once and for good.

    No lock is in it, so that a signal handler may call `set` in the midst of another `set`.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)

    def set(self, reason: str) -> None:
        """The first reason stays."""
        if self.reason is None:
            self.reason = reason
            # Never read: the pipe stays readable, for all who wait and all who come later.
            with contextlib.suppress(BlockingIOError):
                os.write(self._writer, b"!")

    def is_set(self) -> bool:
        return self.reason is not None

    def fileno(self) -> int:
        """Readable once it is set."""
        return self._reader

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):
            os.close(self._reader)
            os.close(self._writer)


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    cwd: Path,
    env: Mapping[str, str] | None,
    log: Path,
    timeout: float | None,
    cancel: Cancel | None = None,
    keep_open: Sequence[int] = (),
    tail_bytes: int = 32_768,
    stdin: bytes = b"",
    grace: float = GRACE,
    started_group: Callable[[int], None] = lambda _: None,
) -> Finished:
    """Runs `argv` (never through a shell) in a session of its own until nothing of it is left.

    `timeout` and `grace` are seconds. Output is appended to `log`, stderr among stdout. `keep_open`
    descriptors are inherited. `env` replaces our environment; `WORKFLOW_RUN` is added to it.
    `started_group` is told the group's number as soon as there is one.
    Raises `ProgramNotFound`, or another OSError if `cwd` is no directory or the system cannot fork.
    """
    started = time.monotonic()
    if cancel is not None and cancel.is_set():
        return Finished(-signal.SIGTERM, "cancelled", "", 0.0, 0, None)
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        # Inherited from who started us. The kernel would throw exit codes away; Popen reads 0.
        raise OSError(errno.ECHILD, "SIGCHLD is ignored: no exit code could be known")
    until = None if timeout is None else started + timeout
    output = Output(log, env, tail_bytes)
    with contextlib.ExitStack() as closing:
        child = _Child(closing, argv, cwd, env, cancel, keep_open, stdin, output)
        ended: Literal["exited", "timeout", "cancelled"] = "exited"
        try:
            started_group(child.group)
            child.pump(until, lambda: child.exited or child.cancelled)
            if not child.exited:
                ended = "cancelled" if child.cancelled else "timeout"
                child.end(grace, marked=True)
            child.pump(time.monotonic() + DRAIN, child.let_go)
            if not child.let_go() or child.group_lives():
                child.end(grace, marked=ended != "exited")
        except BaseException:
            child.end(0, marked=True)
            raise
        finally:
            output.close()
            returncode = child.returncode()
    duration = time.monotonic() - started
    return Finished(returncode, ended, output.tail(), duration, output.total, output.error)


class _Child:
    """The process, our ends of its pipes, and the loop that waits for all of them at once."""

    def __init__(
        self,
        closing: contextlib.ExitStack,
        argv: Sequence[str | os.PathLike[str]],
        cwd: Path,
        env: Mapping[str, str] | None,
        cancel: Cancel | None,
        keep_open: Sequence[int],
        stdin: bytes,
        output: Output,
    ) -> None:
        self.exited = False
        self.cancelled = False
        self._output = output
        self._closing = closing
        self._selector = closing.enter_context(selectors.DefaultSelector())
        self._stdin = memoryview(stdin)
        self._watched: dict[int, int] = {}
        mark = os.urandom(8).hex()
        self._mark = f"{MARK}={mark}".encode()
        self._sink: int | None = None
        closing.callback(self._end_stdin)
        with contextlib.ExitStack() as theirs:
            source = subprocess.DEVNULL
            reader, writer = _pipe(closing, theirs)
            leash, leash_held = _pipe(closing, theirs)
            if stdin:
                source, self._sink = os.pipe()
                theirs.callback(os.close, source)
            environment = {**(os.environ if env is None else env), MARK: mark}
            self._process = _spawn(argv, cwd, environment, source, writer, (*keep_open, leash_held))
        closing.callback(self._abandon)
        output.open()
        self._pipes = {f"pipe:[{os.fstat(fd).st_ino}]" for fd in (reader, leash)}
        self._open = {reader, leash}
        for descriptor in self._open:
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, self._read)
        if self._sink is not None:
            os.set_blocking(self._sink, False)
            self._selector.register(self._sink, selectors.EVENT_WRITE, self._feed)
        if cancel is not None:
            self._selector.register(cancel, selectors.EVENT_READ, self._on_cancel)
        ending = _exit_descriptor(self._process)
        closing.callback(os.close, ending)
        self._selector.register(ending, selectors.EVENT_READ, self._on_exit)

    @property
    def group(self) -> int:
        return self._process.pid

    def pump(self, until: float | None, done: Callable[[], bool]) -> None:
        """Drains, feeds and notices, until `done` or the monotonic time `until`."""
        while not done():
            wait = 86_400.0 if until is None else min(until - time.monotonic(), 86_400.0)
            if wait <= 0:
                return
            for key, _ in self._selector.select(wait):
                key.data(key.fd)

    def let_go(self) -> bool:
        """Has it exited, and has nobody any more what we lent it?"""
        return self.exited and not self._open

    def group_lives(self) -> bool:
        """Is anybody left in the group of a child that has exited?"""
        # Reaped first: a zombie counts as a member. RACE: its number is free if the group is
        # empty, but all other numbers would have to be used before it comes again.
        self._process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for zombies
            os.killpg(self._process.pid, 0)
            return True
        return False

    def end(self, grace: float, *, marked: bool) -> None:
        """SIGTERM, `grace` seconds, SIGKILL to all that can be found: at most a few seconds more.
        `marked`: also those who are known by their environment only."""
        self._signal(signal.SIGTERM, marked)
        self.pump(time.monotonic() + grace, self._gone)
        for _ in range(_KILL_ROUNDS):
            # Again and again: who was killed may have had a child since it was looked for.
            if not self._signal(signal.SIGKILL, marked):
                break
            self.pump(time.monotonic() + DRAIN, self._gone)

    def returncode(self) -> int:
        # Who does not even die of SIGKILL hangs in the kernel; we would hang with it.
        return self._process.wait() if self.exited else -signal.SIGKILL

    def _abandon(self) -> None:
        # Reached with a living child only if there were no descriptors left to follow it by.
        if not self.exited:
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(DRAIN)

    def _gone(self) -> bool:
        return self.let_go() and not self._watched

    def _signal(self, number: signal.Signals, marked: bool) -> bool:
        """Sends it to the group and to all others of this child; was anybody there?"""
        group = self._process.pid
        kin = living_kin(group, self._pipes, self._mark if marked else None)
        sent = not self.exited
        if self._process.returncode is None or kin is None:
            # At once, so that no fork escapes. RACE: reaped, and nobody to ask: see group_lives.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        for pid in kin or ():
            if pid == group:
                continue
            watched = self._watched.get(pid)
            if watched is None and (watched := pidfd(pid)) is not None:
                # RACE: the number may have passed to another before the descriptor was there.
                if not is_kin(pid, group, self._pipes, self._mark if marked else None):
                    os.close(watched)
                    continue
                self._watched[pid] = watched
                self._closing.callback(os.close, watched)
                self._selector.register(watched, selectors.EVENT_READ, self._on_kin_exit)
            sent = True
            # A second SIGTERM makes some programs give up at once: not for who has had the group's.
            if self._process.returncode is None and group_of(pid) == group:
                continue
            send_signal(watched, pid, number)
        return sent

    def _read(self, descriptor: int) -> None:
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return
        if chunk:
            self._output.take(chunk)
        else:
            self._selector.unregister(descriptor)
            self._open.discard(descriptor)

    def _feed(self, descriptor: int) -> None:
        try:
            self._stdin = self._stdin[os.write(descriptor, self._stdin) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            # It does not want the rest, which is its right.
            self._stdin = self._stdin[:0]
        if not self._stdin:
            self._selector.unregister(descriptor)
            self._end_stdin()

    def _end_stdin(self) -> None:
        if self._sink is not None:
            os.close(self._sink)
            self._sink = None

    def _on_cancel(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)
        self.cancelled = True

    def _on_exit(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)
        self.exited = True

    def _on_kin_exit(self, descriptor: int) -> None:
        # Its descriptor stays open to the end: a signal that comes too late then meets nobody.
        self._selector.unregister(descriptor)
        self._watched = {pid: fd for pid, fd in self._watched.items() if fd != descriptor}


def _pipe(ours: contextlib.ExitStack, theirs: contextlib.ExitStack) -> tuple[int, int]:
    reader, writer = os.pipe()
    ours.callback(os.close, reader)
    theirs.callback(os.close, writer)
    if sys.platform == "linux":
        # Fewer wake-ups for a child that writes much; refused when the user has many pipes.
        with contextlib.suppress(OSError):
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _CHUNK)
    return reader, writer


def _spawn(
    argv: Sequence[str | os.PathLike[str]],
    cwd: Path,
    env: Mapping[str, str],
    stdin: int,
    output: int,
    keep_open: Sequence[int],
) -> subprocess.Popen[bytes]:
    program = os.fspath(argv[0])
    try:
        return subprocess.Popen(
            [program, *argv[1:]],
            cwd=cwd,
            env=env,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=keep_open,
            start_new_session=True,
        )
    except OSError as error:
        # Popen names the folder, not the program, where it could not enter the folder.
        if error.filename != program:
            raise
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            if "/" not in program:
                reason = f"not found on PATH ({env.get('PATH', os.defpath)})"
            elif os.path.exists(os.path.join(cwd, program)):
                reason = "the interpreter that its first line names does not exist"
            else:
                reason = "no such file"
        elif error.errno in (errno.EACCES, errno.EPERM):
            reason = "is not executable"
        elif error.errno == errno.ENOEXEC:
            reason = "is not a program (no binary of this machine, no #! line)"
        else:
            raise
        raise ProgramNotFound(program, reason, error.errno) from error


def _exit_descriptor(process: subprocess.Popen[bytes]) -> int:
    """Readable once the process has exited. To be closed by the caller."""
    descriptor = pidfd(process.pid)
    if descriptor is not None:
        return descriptor
    reader, writer = os.pipe()

    def wait() -> None:
        process.wait()
        os.close(writer)  # the end of file is the news

    threading.Thread(target=wait, daemon=True).start()
    return reader

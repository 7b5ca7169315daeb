"""Which processes belong to a program that we started, and how a whole family is ended.

A descendant may leave its group and session; what it cannot shed is the pipes it inherited, and
(unless it takes care to) a mark in its environment. On Linux /proc tells; elsewhere only the group
is known, and what left it is not found.
"""

from __future__ import annotations

import contextlib
import functools
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
KILL_SECONDS = 2.0
"""Longest wait for the end of what was killed: a process in a system call that hangs."""

_PROC = "/proc"
_NO_GROUP = -1


def pidfd(pid: int) -> int | None:
    if sys.platform == "linux":
        # An old kernel, a sandbox that forbids it, or the process is gone.
        with contextlib.suppress(OSError):
            return os.pidfd_open(pid)
    return None


def send_signal(descriptor: int | None, pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "linux" and descriptor is not None:
            signal.pidfd_send_signal(descriptor, number)
        else:
            os.kill(pid, number)


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on; None for who is gone or a zombie."""
    try:
        with open(f"{_PROC}/{pid}/stat", "rb") as file:
            # The name before them may contain anything, `) R 1` too.
            fields = file.read().rpartition(b") ")[2].decode("ascii").split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields


def group_of(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[2]) if fields else None


def is_kin(pid: int, group: int, pipes: set[str], mark: bytes | None) -> bool:
    fields = _stat(pid)
    if fields is None or pid == os.getpid():
        return False
    if group in (int(fields[2]), int(fields[3])):
        return True
    # What is not ours to read is not ours to end either.
    with contextlib.suppress(OSError):
        folder = f"{_PROC}/{pid}/fd"
        for name in os.listdir(folder) if pipes else ():
            with contextlib.suppress(FileNotFoundError):
                link = f"{folder}/{name}"
                # RACE: a child that another thread just forks has our reading ends until it execs.
                if os.readlink(link) in pipes and os.lstat(link).st_mode & 0o200:
                    return True
        if mark is not None:
            with open(f"{_PROC}/{pid}/environ", "rb") as file:
                return mark in file.read().split(b"\0")
    return False


def living_kin(group: int, pipes: set[str], mark: bytes | None) -> list[int] | None:
    """Living processes of the group or session, holders of a pipe, bearers of the mark.
    None where there is no /proc to tell."""
    try:
        pids = [int(name) for name in os.listdir(_PROC) if name.isdigit()]
    except OSError:
        return None
    return [pid for pid in pids if is_kin(pid, group, pipes, mark)]


def end_group(pgid: int, grace: float = GRACE) -> None:
    """Ends the group (and session) `pgid` of a worker that is dead: SIGTERM, at most `grace`
    seconds, SIGKILL. Make sure by `process_start` that the number still means that worker's group.
    """
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, KILL_SECONDS)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pgid, number)
        if not _end(lambda: living_kin(pgid, set(), None), pgid, number, seconds):
            _await_empty(pgid, seconds)


def end_holders(path: str, grace: float = GRACE) -> None:
    """Ends whoever else has the file open for writing, and so may hold a lock on it: SIGTERM, at
    most `grace` seconds, SIGKILL. Does nothing where there is no /proc to tell who that is."""
    real = os.path.realpath(path)
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, KILL_SECONDS)):
        _end(lambda: living_kin(_NO_GROUP, {real}, None), _NO_GROUP, number, seconds)


def _end(
    find: Callable[[], list[int] | None], group: int, number: signal.Signals, seconds: float
) -> bool:
    """Signals whom `find` tells (the members of `group` have had theirs) and waits for their ends.
    False where nobody can tell."""
    kin = find()
    if kin is None:
        return False
    with contextlib.ExitStack() as closing:
        selector = closing.enter_context(selectors.DefaultSelector())
        for pid in kin:
            descriptor = pidfd(pid)
            if descriptor is not None:
                closing.callback(os.close, descriptor)
                selector.register(descriptor, selectors.EVENT_READ)
                if group_of(pid) not in (group, None):  # a job-control shell's: its session only
                    send_signal(descriptor, pid, number)
        until = time.monotonic() + seconds
        while selector.get_map() and (wait := until - time.monotonic()) > 0:
            for key, _ in selector.select(wait):
                selector.unregister(key.fd)
    return True


def _await_empty(pgid: int, seconds: float) -> None:
    # Strangers' children, no pidfd, no /proc: no event tells of their end, so this one place asks.
    until = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < until:
        try:
            os.killpg(pgid, 0)
        except (ProcessLookupError, PermissionError):
            return
        pause.wait(0.02)


def program_lives(pid: int, start: str) -> bool:
    """Whether the program that began as `pid` with this `process_start`, and led a group of its
    own, or anything in that group, still lives."""
    now = process_start(pid)
    if now is not None:
        return now == start
    try:
        os.killpg(pid, 0)  # its number stays taken while the group has members
    except (ProcessLookupError, PermissionError):
        return False
    kin = living_kin(pid, set(), None)
    return True if kin is None else bool(kin)


def process_start(pid: int) -> str | None:
    """Tells this process from all others that ever had, or will have, its number; None if no such
    process lives (a zombie does not). Never parsed, only compared."""
    if os.path.isdir(f"{_PROC}/self"):
        fields = _stat(pid)
        if fields is None:
            return None
        # Clock ticks since this boot: no clock that is set changes them.
        return f"{boot()}:{fields[19]}"
    done = subprocess.run(
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)],
        env={"LC_ALL": "C", "TZ": "UTC"},  # or daylight saving time would make it another process
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    state, _, start = done.stdout.decode("ascii", "replace").strip().partition(" ")
    return None if not start or state.startswith("Z") else " ".join(start.split())


@functools.cache
def boot() -> str:
    """Tells this boot of the machine from all others; empty where the system does not say."""
    try:
        with open(f"{_PROC}/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        pass
    try:
        return (
            subprocess.run(
                ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            .stdout.decode("ascii", "replace")
            .strip()
        )
    except OSError:
        return ""


def since_boot() -> float:
    """Seconds since this boot, sleep included: no setting of the clock changes them."""
    # macOS's monotonic clock goes on while it sleeps; Linux has another one for that.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))

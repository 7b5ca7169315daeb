"""Ends a Hugo that stands still.

When a template fails, all of Hugo's workers may give up while it still hands out pages, and then
it waits for them for ever, having told nobody of the error (0.168: one failing build in eight of a
site of 100 pages). Without this, such a task would end in its time limit and without its reason.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import suppress
from types import TracebackType

STILL = 20.0
"""Seconds without any work after which Hugo is taken to stand still."""
PAUSE = 5.0
"""Seconds between two looks; a build that takes less is never looked at."""
MANY_WORKERS = "64"
"""HUGO_NUMWORKERMULTIPLIER for the next try: not all of so many give up (none of 90 builds)."""


class Watch:
    """While entered, looks at the process whose arguments contain `mark`, and kills it if it does
    not work, waits for no disk, and has neither a child nor a connection to wait for."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.stalled = False
        """Whether it was killed for that."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        before, still = "", 0.0
        while not self._over.wait(PAUSE):
            pid, seen = self._look()
            still = still + PAUSE if seen and seen == before else 0.0
            before = seen
            if pid and still >= STILL and not _connected(pid) and not self._over.is_set():
                # RACE: should it end at this instant, its number is not given to another so soon.
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.stalled = True
                return

    def _look(self) -> tuple[int, str]:
        """Its number and what does not change as long as it stands still; (0, "") if it does not,
        or nobody can tell."""
        try:
            listed = subprocess.run(
                ["ps", "-axww", "-o", "pid=,ppid=,stat=,time=,command="],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            ).stdout.decode("utf-8", "replace")
        except OSError:
            return 0, ""
        rows = [fields for line in listed.splitlines() if len(fields := line.split(None, 4)) == 5]
        ours = [row for row in rows if self.mark in row[4]]
        parents = {row[1] for row in rows}
        if len(ours) != 1 or ours[0][0] in parents or ours[0][2][0] in "DRUZ":
            return 0, ""
        pid, _, _, time, _ = ours[0]
        return int(pid), f"{pid} {time}"


def _connected(pid: int) -> bool:
    """Whether it has a network connection: it may be waiting for an answer."""
    try:
        if os.path.isdir(folder := f"/proc/{pid}/fd"):
            return any(
                os.readlink(f"{folder}/{name}").startswith("socket:") for name in os.listdir(folder)
            )
        lsof = ["/usr/sbin/lsof", "-a", "-i", "-p", str(pid)]
        return bool(subprocess.run(lsof, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    except OSError:
        return True  # nobody can tell: let it be

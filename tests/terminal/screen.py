"""A real terminal of a size of its own, without anybody before it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class Screen:
    """A program on a terminal; what it writes is gathered."""

    def __init__(
        self, argv: Sequence[str], cwd: Path, environ: Mapping[str, str], columns: int, rows: int
    ) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**environ, "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            # Its controlling terminal, so that Ctrl-C reaches it.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        self.descriptor = ours
        self.raw = ""

    def read(self, until: str = "", seconds: float = 60) -> str:
        """All that was written, once it holds `until`, or the program has ended."""
        end = time.monotonic() + seconds
        while not (until and re.search(until, plain(self.raw))):
            assert time.monotonic() < end, f"no {until!r} in {plain(self.raw)!r}"
            if not select.select([self.descriptor], [], [], 0.05)[0]:
                continue
            try:
                chunk = os.read(self.descriptor, 65_536)
            except OSError:  # Linux says so of a terminal that nobody has open any more
                break
            if not chunk:
                break
            self.raw += chunk.decode("utf-8", "replace")
        return plain(self.raw)

    def press(self, keys: str) -> None:
        os.write(self.descriptor, keys.encode())

    def close(self) -> int:
        if self.process.poll() is None and self.raw is not None:
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        os.close(self.descriptor)
        return self.process.wait()


def plain(text: str) -> str:
    """Without escapes and carriage returns."""
    return re.sub(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[=>])", "", text).replace("\r", "")

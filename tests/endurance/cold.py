"""The program as it is really started, under strace from its first step: slower than `warm`.

Its threads cannot be held one by one. What they and the task's programs do is reached by the file
that it is done to, in whichever of them does it first.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.endurance.warm import MAIN, Attach, Child
from tests.program import Program


class Cold:
    """Runs like `Warm.run`, each from the start of the interpreter."""

    def __init__(self, program: Program) -> None:
        self._program = program

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
        out, err = output.with_suffix(".out"), output.with_suffix(".err")
        with out.open("w") as to, err.open("w") as errors:
            process = subprocess.Popen(
                ["/bin/sh", "-c", 'kill -STOP $$; exec "$@"', "sh", *self._program.argv(*words)],
                cwd=cwd,
                env=self._program.environ,
                stdin=subprocess.DEVNULL,
                stdout=to,
                stderr=errors,
            )
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        if hold == MAIN:
            attach(process.pid)
        process.send_signal(signal.SIGCONT)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise TimeoutError from None
        return Child(process.pid, code, out.read_text(), err.read_text(), held=hold == MAIN)

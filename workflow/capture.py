"""What a child prints: the whole of it into its log, the end of it kept for the result."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from workflow.redact import Redactor, redact

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")


class Output:
    """Where the child's bytes go: through the redactor into the log, and their end into a tail."""

    def __init__(self, log: Path, env: Mapping[str, str] | None, tail_bytes: int) -> None:
        self.total = 0
        self.error: str | None = None
        self._redactor = Redactor(env)
        self._log = log
        self._descriptor = -1
        self._tail_bytes = tail_bytes
        # Twice as much: escape sequences will go.
        self._keep = 2 * tail_bytes + 4096
        self._end = bytearray()
        self._forgot = False

    def open(self) -> None:
        try:
            self._descriptor = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            self.error = str(error)

    def take(self, chunk: bytes) -> None:
        self.total += len(chunk)
        self._put(self._redactor.feed(chunk))

    def close(self) -> None:
        self._put(self._redactor.close())
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _put(self, data: bytes) -> None:
        self._end += data[-self._keep :]
        if len(data) > self._keep or len(self._end) > 2 * self._keep:
            self._forgot = True
            del self._end[: -self._keep]
        rest = memoryview(data)
        try:
            while rest and self._descriptor >= 0 and self.error is None:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            # Nothing more is written after this: a log with a hole in it would mislead.
            self.error = f"{self._log}: {error.strerror}"

    def tail(self) -> str:
        text = _ESCAPES.sub("", self._end.decode("utf-8", "backslashreplace"))
        text = _CONTROLS.sub("", re.sub(r"\r+\n?", "\n", text))
        # Once more: a colour may have stood between a name and its secret.
        data = redact(text).encode()
        if self._forgot or len(data) > self._tail_bytes:
            data = data[max(0, len(data) - self._tail_bytes) :]
            line = data.find(b"\n") + 1
            # The first line is cut somewhere; where it is the only one, part of it is better.
            data = data[line:] if line < len(data) else data
        return data.decode("utf-8", "ignore")

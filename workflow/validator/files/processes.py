"""Files read by several processes at once: parsing keeps a processor busy, and there are others.

Not `fork`, which is unsafe beside threads, nor `multiprocessing`, whose processes begin with a
dozen modules: each helper is an interpreter of its own that answers over pipes.

    parent → helper   length, marshal of (root, [(path, key under which its facts are known)])
    helper → parent   length, marshal of (new references, [(key, record) or None])

A helper numbers references on its own, and sends each once. None is a file that it could not read:
the parent reads it again, and meets the error itself. So it does with all that a helper leaves
undone, should it die.
"""

from __future__ import annotations

import gc
import marshal
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Any

from workflow.validator.files.cache import Record, Table, pack, renumbered
from workflow.validator.files.examining import examine, key_of
from workflow.validator.pages import gathering

Wanted = tuple[str, bytes | None]
"""A path, and the key of facts that are known: if it still has that key, no record is needed."""
Read = tuple[bytes, Record | None]
"""A file's key, and its facts if they were not known."""
Work = SimpleQueue[list[Wanted]]
"""Batches. An empty one tells whoever takes it that there will be no more."""

_BATCH = 32
"""Files that are handed out at once."""
_ENOUGH = 2 << 20
"""Bytes for which it is worth the while to start one more process."""
_MOST = 8
_CHECK_SECONDS = 0.2
_LEFT = 1 << 16
"""Bytes that are asked for where a file should have ended."""
# What the helper imports must be what we have imported, wherever we found it.
_HELPER = (
    "import marshal, sys; sys.path[:] = marshal.load(sys.stdin.buffer); "
    "from workflow.validator.files.processes import serve; serve()"
)


class Team:
    """This process, and its helpers, reading files below `root`. Helpers begin at once.

    `processes` is how many there are, this one among them; None: as many as the files that are
    wanted are worth, and the machine has processors.
    """

    def __init__(self, root: str, table: Table, processes: int | None) -> None:
        self._root = root
        self._table = table
        self._most = _processors() if processes is None else processes
        self._worth = _ENOUGH if processes is None else 0
        self._todo: Work = SimpleQueue()
        self._batch: list[Wanted] = []
        self._bytes = 0
        self._helpers: list[_Helper] = []

    def want(self, path: str, known: bytes | None, size: int) -> None:
        """Ask for a file of that many bytes."""
        self._batch.append((path, known))
        self._bytes += size
        if len(self._batch) == _BATCH:
            self._todo.put(self._batch)
            self._batch = []
            if self._bytes > self._worth * (len(self._helpers) + 1):
                self._grow()

    def _grow(self) -> None:
        if len(self._helpers) + 1 < self._most:
            try:
                self._helpers.append(_Helper(self._root, self._todo))
            except OSError:  # no more processes are to be had: fewer will do
                self._most = len(self._helpers) + 1
            else:
                self._helpers[-1].start()

    def read(self, check: Callable[[], None]) -> Iterator[tuple[str, Read]]:
        """All that was asked for, in any order, with references numbered by the table.

        `check` is called often and may raise. Raises OSError if a file cannot be read.
        """
        if self._batch:
            self._todo.put(self._batch)
            self._batch = []
        for _ in range(len(self._helpers) + 1):
            self._todo.put([])
        while batch := self._todo.get():
            yield from self._each(batch, check)
        for helper in self._helpers:
            while helper.is_alive():
                helper.join(_CHECK_SECONDS)
                check()
            yield from helper.merged(self._table)
            yield from self._each(helper.undone, check)

    def _each(self, batch: list[Wanted], check: Callable[[], None]) -> Iterator[tuple[str, Read]]:
        for path, known in batch:
            yield path, read(self._root, path, known, self._table)
        check()

    def __enter__(self) -> Team:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for helper in self._helpers:
            helper.end()
        gathering.forget()


def _processors() -> int:
    try:
        return min(len(os.sched_getaffinity(0)), _MOST)
    except AttributeError:  # macOS
        return min(os.cpu_count() or 1, _MOST)


def read(root: str, path: str, known: bytes | None, table: Table) -> Read:
    """Read one file. Raises OSError."""
    file = os.open(root + path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        raw = os.read(file, os.fstat(file).st_size)
        while more := os.read(file, _LEFT):
            raw += more
    finally:
        os.close(file)
    key = key_of(path, raw)
    return key, None if key == known else pack(examine(path, raw), table)


class _Helper(threading.Thread):
    """A process, and the thread of ours that hands it work and waits for its answers."""

    def __init__(self, root: str, todo: Work) -> None:
        """Raises OSError if the process cannot be started."""
        super().__init__(daemon=True)
        self.undone: list[Wanted] = []
        self._root = root
        self._todo = todo
        self._answers: list[tuple[list[Wanted], Any]] = []
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _HELPER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def run(self) -> None:
        asking, answering = self._process.stdin, self._process.stdout
        assert asking is not None and answering is not None
        batch: list[Wanted] = []
        try:
            asking.write(marshal.dumps([one for one in sys.path if isinstance(one, str)]))
            asking.flush()
            while batch := self._todo.get():
                _send(asking, (self._root, batch))
                self._answers.append((batch, _receive(answering)))
        except Exception:  # it has died, or says what nobody understands
            self.undone += batch

    def merged(self, table: Table) -> Iterator[tuple[str, Read]]:
        """What it has found out, with references numbered by our table."""
        numbers: list[int] = []
        self._answers.reverse()
        while self._answers:  # each is let go as soon as it is merged
            batch, (refs, answers) = self._answers.pop()
            numbers += map(table.number, Table(refs).refs)
            for one, answer in zip(batch, answers, strict=True):
                if answer is None:
                    self.undone.append(one)
                else:
                    key, record = answer
                    yield one[0], (key, record and renumbered(record, numbers))

    def end(self) -> None:
        """Let it stop at once, whatever it is doing."""
        self._process.kill()
        self._todo.put([])
        self.join()
        with suppress(OSError):  # what was to be written to it still
            self._process.__exit__(None, None, None)


def serve() -> None:
    """What a helper does: answer until nobody asks any more."""
    gc.disable()  # nothing that is made here is garbage in a circle
    from workflow.validator.pages import parser  # noqa: F401  # while the first files are looked for

    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    table = Table()
    while True:
        try:
            root, batch = _receive(asked)
        except EOFError:
            return
        sent = len(table.refs)
        found = [_read_or_none(root, path, known, table) for path, known in batch]
        _send(answers, (table.plain(sent), found))


def _read_or_none(root: str, path: str, known: bytes | None, table: Table) -> Read | None:
    try:
        return read(root, path, known, table)
    except OSError:
        return None


def _send(pipe: IO[bytes], message: Any) -> None:
    raw = marshal.dumps(message)
    pipe.write(len(raw).to_bytes(8, "big") + raw)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> Any:
    length = int.from_bytes(_exactly(pipe, 8), "big")
    return marshal.loads(_exactly(pipe, length))


def _exactly(pipe: IO[bytes], length: int) -> bytes:
    raw = pipe.read(length)
    if len(raw) < length:
        raise EOFError
    return raw

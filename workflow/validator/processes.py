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

import marshal
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import IO, Any

from workflow.validator.cache import Record, Table, pack, renumbered
from workflow.validator.examining import examine, key_of

Wanted = tuple[str, bytes | None]
"""A path, and the key of facts that are known: if it still has that key, no record is needed."""
Read = tuple[bytes, Record | None]
"""A file's key, and its facts if they were not known."""

_BATCH = 32
"""Files that are handed out at once."""
_ENOUGH = 3 << 20
"""Bytes for which it is worth the while to start one more process."""
_MOST = 8
_CHECK_SECONDS = 0.2
# What the helper imports must be what we have imported, wherever we found it.
_HELPER = (
    "import marshal, sys; sys.path[:] = marshal.load(sys.stdin.buffer); "
    "from workflow.validator.processes import serve; serve()"
)


def useful(total: int) -> int:
    """How many processes, this one among them, are worth the while for so many bytes."""
    try:
        processors = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        processors = os.cpu_count() or 1
    return max(1, min(processors, total // _ENOUGH, _MOST))


def read_all(
    root: str,
    wanted: Sequence[Wanted],
    table: Table,
    processes: int,
    check: Callable[[], None],
) -> Iterator[tuple[str, Read]]:
    """Read all these files below `root`, with references numbered by `table`. In any order.

    `check` is called often and may raise. Raises OSError if a file cannot be read.
    """
    todo = deque(wanted[at : at + _BATCH] for at in range(0, len(wanted), _BATCH))
    helpers: list[_Helper] = []
    try:
        with suppress(OSError):  # no more processes are to be had: fewer will do
            while len(helpers) < min(processes, len(todo)) - 1:
                helpers.append(_Helper(root, todo))
        for helper in helpers:
            helper.start()
        while batch := _next(todo):
            for path, known in batch:
                yield path, read(root, path, known, table)
            check()
        for helper in helpers:
            while helper.is_alive():
                helper.join(_CHECK_SECONDS)
                check()
            yield from helper.merged(table)
        for path, known in [one for helper in helpers for one in helper.undone]:
            yield path, read(root, path, known, table)
            check()
    finally:
        for helper in helpers:
            helper.end()


def read(root: str, path: str, known: bytes | None, table: Table) -> Read:
    """Read one file. Raises OSError."""
    with open(root + path, "rb", buffering=0) as file:
        raw = file.readall()
    key = key_of(path, raw)
    return key, None if key == known else pack(examine(path, raw), table)


def _next(todo: deque[Sequence[Wanted]]) -> Sequence[Wanted]:
    try:
        return todo.popleft()
    except IndexError:
        return ()


class _Helper(threading.Thread):
    """A process, and the thread of ours that hands it work and waits for its answers."""

    def __init__(self, root: str, todo: deque[Sequence[Wanted]]) -> None:
        """Raises OSError if the process cannot be started."""
        super().__init__(daemon=True)
        self.undone: list[Wanted] = []
        self._root = root
        self._todo = todo
        self._answers: list[tuple[Sequence[Wanted], Any]] = []
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _HELPER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def run(self) -> None:
        asking, answering = self._process.stdin, self._process.stdout
        assert asking is not None and answering is not None
        batch: Sequence[Wanted] = ()
        try:
            asking.write(marshal.dumps([one for one in sys.path if isinstance(one, str)]))
            while batch := _next(self._todo):
                _send(asking, (self._root, list(batch)))
                self._answers.append((batch, _receive(answering)))
        except Exception:  # it has died, or says what nobody understands
            self.undone += batch

    def merged(self, table: Table) -> Iterator[tuple[str, Read]]:
        """What it has found out, with references numbered by our table."""
        numbers: list[int] = []
        for batch, (refs, answers) in self._answers:
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
        if self.ident is not None:
            self.join()
        with suppress(OSError):  # what was to be written to it still
            self._process.__exit__(None, None, None)


def serve() -> None:
    """What a helper does: answer until nobody asks any more."""
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

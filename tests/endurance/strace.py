"""strace, attached: a record of what changes files, and one fault at one call."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CHANGING = (
    "open", "openat", "creat", "write", "writev", "pwrite64", "pwritev", "pwritev2", "truncate",
    "ftruncate", "fallocate", "copy_file_range", "sendfile", "rename", "renameat", "renameat2",
    "link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat",
    "utime", "utimes", "utimensat", "futimesat", "chmod", "fchmod", "fchmodat", "fsync",
    "fdatasync", "sync_file_range", "mknod", "mknodat",
)  # fmt: skip
"""The calls that change what lies on a disk, or how safely. `open` only where it makes a file."""
SYNCS = ("fsync", "fdatasync")
WRITES = ("write", "writev", "pwrite64", "pwritev", "pwritev2")

_LINE = re.compile(
    r"(?:(?P<pid>\d+) +)?(?:(?P<name>\w+)\((?P<rest>.*)"
    r"|<\.\.\. (?P<resumed>\w+) resumed>(?P<tail>.*))$"
)
_PATH = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"|(?:\d+|AT_FDCWD)<(?P<fd>/[^>]*)>(?:\(deleted\))?')
_RESULT = re.compile(r"\)\s+= (?P<value>-?\d+|\?)(?P<more>.*)$")
_MAKES = re.compile(r"O_CREAT|O_TRUNC|O_TMPFILE")


@dataclass(frozen=True)
class Call:
    """One system call as strace prints it."""

    thread: int
    name: str
    text: str
    """The whole line, without the thread's id."""
    paths: tuple[str, ...]
    """Absolute; of a call on a descriptor the file that it is open on."""
    ok: bool
    result: str
    """The number that it returned, as text; `?` if it never did."""
    order: int
    """Among all lines of the record: where the call began."""
    ended: int
    """Where it ended."""

    @property
    def changes(self) -> bool:
        return self.name not in ("open", "openat") or bool(_MAKES.search(self.text))

    @property
    def injected(self) -> bool:
        return "(INJECTED)" in self.text


def why_not() -> str | None:
    """Why faults cannot be injected here; None if they can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(
        ["strace", "-o", "/dev/null", "-e", "inject=?fsync:error=EIO", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"strace cannot trace here: {tried.stderr.strip()}" if tried.returncode else None


class Strace:
    """strace attached to a thread until that ends: `wait` for it before reading the record."""

    def __init__(
        self,
        thread: int,
        record: Path,
        *,
        names: Sequence[str] = CHANGING,
        inject: str | None = None,
        follow: bool = False,
        path: str | None = None,
    ) -> None:
        """`follow`: its process's other threads and what they start too. `path`: only calls on
        that file are seen, counted and struck."""
        argv = ["strace", "-p", str(thread), "-y", "-s", "256", "-o", str(record)]
        argv += ["-f"] if follow else []
        argv += ["-P", path] if path else []
        argv += ["-e", "trace=" + ",".join(f"?{name}" for name in names)]
        argv += ["-e", "signal=none"]
        argv += [] if inject is None else ["-e", f"inject={inject}"]
        self._process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        # It says so when it is there; from then on nothing escapes it.
        assert self._process.stderr is not None
        said = b""
        while b"attached" not in said:
            line = self._process.stderr.readline()
            said += line
            if not line:
                self._process.wait()
                raise RuntimeError(f"strace: {said.decode().strip()}")

    def wait(self, seconds: float = 60) -> None:
        try:
            self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise


def read_record(record: Path) -> list[Call]:
    """The calls of a record in the order in which they began."""
    return list(parse(record.read_text(errors="surrogateescape").splitlines()))


def parse(lines: Sequence[str]) -> Iterator[Call]:
    begun: dict[int, tuple[int, str, str]] = {}
    calls: list[Call] = []
    for order, line in enumerate(lines):
        matched = _LINE.match(line)
        if matched is None:
            continue
        thread = int(matched["pid"] or 0)
        if matched["resumed"]:
            if thread in begun:
                start, name, head = begun.pop(thread)
                calls.append(_call(thread, name, head + matched["tail"], start, order))
        elif matched["rest"].endswith("<unfinished ...>"):
            head = matched["rest"].removesuffix("<unfinished ...>")
            begun[thread] = (order, matched["name"], f"{matched['name']}({head}")
        else:
            text = f"{matched['name']}({matched['rest']}"
            calls.append(_call(thread, matched["name"], text, order, order))
    for thread, (start, name, head) in begun.items():
        calls.append(_call(thread, name, head + ") = ?", start, len(lines)))
    yield from sorted(calls, key=lambda call: call.order)


def _call(thread: int, name: str, text: str, order: int, ended: int) -> Call:
    result = _RESULT.search(text)
    arguments = text[: result.start()] if result else text
    value = result["value"] if result else "?"
    return Call(
        thread, name, text, tuple(_paths(name, arguments)), value.isdigit(), value, order, ended
    )


def _paths(name: str, arguments: str) -> Iterator[str]:
    """The files that a call is about; a relative name is joined to the folder printed before."""
    folder = ""
    skip = name in ("symlink", "symlinkat")  # its first text is what the link says
    for matched in _PATH.finditer(arguments):
        if matched["fd"] is not None:
            if name in WRITES:
                yield matched["fd"]
                return  # what follows is what was written
            folder = matched["fd"]
            if not arguments[matched.end() :].startswith(', "'):
                yield folder
        elif skip:
            skip = False
        else:
            text = matched["text"].encode().decode("unicode_escape")
            text = text.encode("latin-1").decode("utf-8", "surrogateescape")
            yield text if text.startswith("/") else f"{folder}/{text}"


def ordinals(calls: Sequence[Call]) -> Iterator[tuple[Call, int]]:
    """Each call with its number among the calls of its name in its thread, as strace counts."""
    seen: Counter[tuple[int, str]] = Counter()
    for call in calls:
        seen[call.thread, call.name] += 1
        yield call, seen[call.thread, call.name]

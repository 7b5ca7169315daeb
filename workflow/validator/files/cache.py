"""The facts of a site's files, kept in one file from one check to the next.

    mark LF, parts, each with its length before it, checksum of the parts

A part is marshal of (compact, files), of a list of references, or of facts by their key: all in one
piece would be in memory once more while it is written. References are kept once each, and facts
name them by number: on every page of a site most of them are the navigation's. The file is
disposable: a broken, foreign or old one is as good as none. `marshal` must not be given damaged
bytes, hence the checksum.
"""

from __future__ import annotations

import marshal
import os
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import workflow
from workflow import durable
from workflow.validator import facts
from workflow.validator.facts import Facts, Feed, Manifest, Page, Ref, Robots, Sheet, Sitemap

_MAKERS = ("files", "pages")
"""Folders of the package whose code makes facts."""
_KINDS: tuple[type[Facts], ...] = (Page, Sheet, Feed, Sitemap, Robots, Manifest)
_PART = 512
"""References, or pages, of one part."""
_LENGTH = 8
_CHECKSUM = 8
"""Bytes of both."""

Mark = tuple[int, int, int, int]
"""Size, mtime and ctime (ns), inode: a file that has the same is the same file, unwritten since."""
Record = tuple[Any, ...]
"""Of facts: number of their kind, numbers of their references as bytes, all other fields. Empty for
a file that has no facts."""


class Table:
    """References by number, each once."""

    def __init__(self, refs: Iterable[tuple[str, ...]] = ()) -> None:
        self.refs: list[Ref] = list(map(Ref._make, refs))
        self._numbers: dict[Ref, int] | None = None

    def number(self, ref: Ref) -> int:
        if self._numbers is None:
            self._numbers = {one: number for number, one in enumerate(self.refs)}
        number = self._numbers.setdefault(ref, len(self.refs))
        if number == len(self.refs):
            self.refs.append(ref)
        return number

    def plain(self, start: int = 0, end: int | None = None) -> list[tuple[str, ...]]:
        """Those from number `start` on, as `marshal` writes them: it knows no named tuples."""
        return list(map(tuple, self.refs[start:end]))

    def forget_numbers(self) -> None:
        """Give back what numbering takes; it is made anew if another reference comes."""
        self._numbers = None


def pack(one: Facts | None, table: Table) -> Record:
    """Facts as they are kept."""
    if one is None:
        return ()
    numbers = array("I", map(table.number, one.refs))
    return (_KINDS.index(type(one)), numbers.tobytes(), *one[1:])


def unpack(record: Record, table: Table) -> Facts | None:
    """The facts again. Those with the same reference share one object."""
    if not record:
        return None
    refs = tuple(map(table.refs.__getitem__, array("I", record[1])))
    return _KINDS[record[0]](refs, *record[2:])


def renumbered(record: Record, numbers: list[int]) -> Record:
    """A record from another table, whose number n is numbers[n] here."""
    if not record:
        return ()
    own = array("I", map(numbers.__getitem__, array("I", record[1])))
    return (record[0], own.tobytes(), *record[2:])


@dataclass
class Kept:
    """What was found before."""

    table: Table = field(default_factory=Table)
    files: dict[str, tuple[Mark | None, bytes]] = field(default_factory=dict)
    """Path -> its mark (None if that proves nothing), and under which key its facts are."""
    records: dict[bytes, Record] = field(default_factory=dict)
    compact: int = 0
    """How many references there were when none was superfluous; 0 if never yet."""

    def facts(self, path: str) -> Facts | None:
        return unpack(self.records[self.files[path][1]], self.table)


def file_for(cache: Path, root: str) -> Path:
    """Where in the folder `cache` it is kept what the site in the folder `root` holds."""
    name = zlib.crc32(root.encode("utf-8", "surrogateescape"))
    return cache / f"facts-{name:08x}.cache"


def load(path: Path) -> Kept:
    """What was saved; nothing, if there is no such file or it is of no use."""
    kept = Kept()
    with suppress(OSError):
        raw = memoryview(path.read_bytes())
        mark = _mark()
        parts, checksum = raw[len(mark) : -_CHECKSUM], raw[-_CHECKSUM:]
        if raw[: len(mark)] == mark and checksum == _checksum(zlib.crc32(parts)):
            refs: list[tuple[str, ...]] = []
            for part in _loaded(parts):
                match part:
                    case list():
                        refs += part
                    case dict():
                        kept.records.update(part)
                    case _:
                        kept.compact, kept.files = part
            kept.table = Table(refs)
    return kept


def _loaded(parts: memoryview) -> Iterator[Any]:
    while parts:
        end = _LENGTH + int.from_bytes(parts[:_LENGTH], "big")
        yield marshal.loads(parts[_LENGTH:end])
        parts = parts[end:]


def save(path: Path, kept: Kept) -> None:
    """Write what is known of the files in `kept.files`; nothing if that cannot be written, for
    then the next check takes longer, and that is all."""
    used = {key for _, key in kept.files.values()}
    kept.records = {key: record for key, record in kept.records.items() if key in used}
    if not kept.compact:
        kept.compact = len(kept.table.refs)
    elif len(kept.table.refs) > 2 * kept.compact:
        _compact(kept)
    aside = path.with_name(f".{path.name}.{os.getpid()}{durable.TEMPORARY}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with aside.open("wb") as file:
                file.write(_mark())
                total = 0
                for part in _parts(kept):
                    raw = marshal.dumps(part)
                    raw = len(raw).to_bytes(_LENGTH, "big") + raw
                    total = zlib.crc32(raw, total)
                    file.write(raw)
                file.write(_checksum(total))
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def _parts(kept: Kept) -> Iterator[Any]:
    yield kept.compact, kept.files
    for start in range(0, len(kept.table.refs), _PART):
        yield kept.table.plain(start, start + _PART)
    records = iter(kept.records.items())
    while part := dict(islice(records, _PART)):
        yield part


def _checksum(total: int) -> bytes:
    return b"%08x" % total


def _compact(kept: Kept) -> None:
    """Leave out references that no page has any more."""
    table = Table()
    for key, record in kept.records.items():
        kept.records[key] = pack(unpack(record, kept.table), table)
    kept.table, kept.compact = table, len(table.refs)


def _mark() -> bytes:
    """Whatever else hangs on: facts that other code has made are made anew."""
    package = os.path.dirname(os.path.dirname(__file__))
    makers = [
        (entry.path, (seen := entry.stat()).st_size, seen.st_mtime_ns)
        for folder in (package, *(os.path.join(package, name) for name in _MAKERS))
        for entry in os.scandir(folder)
        if entry.name.endswith(".py")
    ]
    fields = [kind._fields for kind in (*_KINDS, Ref)]
    said = (sorted(makers), fields, sys.version, sys.byteorder)
    code = zlib.crc32(repr(said).encode())
    return f"{facts.FORMAT} {marshal.version} {workflow.__version__} {code:08x}\n".encode()

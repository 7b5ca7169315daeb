"""A built folder, read: what files it has, and the facts of those that have some.

The folder is walked once. A file is read only if its size, times or inode are others than when it
was read before, or if it was written to less than two seconds before the walk: then the times prove
nothing, for the clocks of file systems are coarse. And it is parsed only if its bytes are new.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workflow.validator import cache as kept_facts
from workflow.validator.cache import Kept, Mark
from workflow.validator.examining import may_have_facts
from workflow.validator.sites import Site

_RACY_NS = 2_000_000_000


def read_site(
    folder: Path,
    *,
    base_url: str | None,
    cache: Path | None,
    environment: str | None = None,
    is_production: bool = False,
    form_ids: frozenset[str] | None = None,
    check: Callable[[], None] = lambda: None,
    processes: int | None = None,
) -> Site:
    """The site in `folder`, which will be at `base_url`.

    `cache` is a folder for what is kept from one check to the next, made if it is not there.
    `check` is called often and may raise. `processes` is how many read side by side; None is as
    many as are worth the while.

    Raises FileNotFoundError or NotADirectoryError if there is no such folder, OSError if something
    in it cannot be read, or vanishes meanwhile.
    """
    root = os.path.join(os.path.realpath(folder), "")
    with _without_collector():
        began = time.time_ns()
        files, marks = _walk(root, check)
        place = None if cache is None else kept_facts.file_for(cache, root)
        kept = Kept() if place is None else kept_facts.load(place)
        is_changed = _refresh(kept, root, marks, began, check, processes)
        if place is not None and is_changed:
            kept_facts.save(place, kept)
        facts = {path: one for path in sorted(marks) if (one := kept.facts(path)) is not None}
        return Site(
            folder=Path(root),
            base_url=base_url,
            files=frozenset(files),
            facts=facts,
            environment=environment,
            is_production=is_production,
            form_ids=form_ids,
        )


def _walk(root: str, check: Callable[[], None]) -> tuple[list[str], dict[str, Mark]]:
    """All files, and the marks of those that may have facts.

    Links are followed to files of this folder; one that leads out of it, or to a folder, is as if
    it were not there, since nothing of it would be published.
    """
    files: list[str] = []
    marks: dict[str, Mark] = {}
    folders = [""]
    while folders:
        inside = folders.pop()
        check()
        with os.scandir(root + inside) as entries:
            for entry in entries:
                path = inside + entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path + "/")
                elif entry.is_file() and (not entry.is_symlink() or _is_inside(root, entry.path)):
                    files.append(path)
                    if may_have_facts(path):
                        marks[path] = _mark(entry.stat())
    return files, marks


def _is_inside(root: str, path: str) -> bool:
    return os.path.realpath(path).startswith(root)


def _mark(seen: os.stat_result) -> Mark:
    return seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino


def _refresh(
    kept: Kept,
    root: str,
    marks: dict[str, Mark],
    began: int,
    check: Callable[[], None],
    processes: int | None,
) -> bool:
    """Read what is new. Returns whether that changed anything of what is kept."""
    wanted = []
    known = kept.files
    files: dict[str, tuple[Mark | None, bytes]] = {}
    for path, mark in marks.items():
        before = known.get(path)
        if before is not None and before[0] == mark:
            files[path] = before
        else:
            wanted.append((path, before and before[1]))
    if wanted:
        # Most checks find nothing new, and need not import what reads.
        from workflow.validator import processes as reading

        total = sum(marks[path][0] for path, _ in wanted)
        count = reading.useful(total) if processes is None else processes
        for path, (key, record) in reading.read_all(root, wanted, kept.table, count, check):
            mark = marks[path]
            lasts = max(mark[1], mark[2]) < began - _RACY_NS
            files[path] = (mark if lasts else None, key)
            if record is not None:
                kept.records[key] = record
    kept.files = files
    return files != known


@contextmanager
def _without_collector() -> Iterator[None]:
    """Nothing here is garbage in a circle, and the collector would look at every fact many times
    while thousands are made."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()

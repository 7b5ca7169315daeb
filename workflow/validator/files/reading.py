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
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from workflow.validator.files import cache as kept_facts
from workflow.validator.files.cache import Kept, Mark
from workflow.validator.files.examining import may_have_facts
from workflow.validator.sites import Site

if TYPE_CHECKING:
    from workflow.validator.files import processes as side_by_side

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
        place = None if cache is None else kept_facts.file_for(cache, root)
        kept = Kept() if place is None else kept_facts.load(place)
        known = kept.files
        paths, kept.files = _refresh(root, kept, check, processes)
        if place is not None and kept.files != known:
            kept_facts.save(place, kept)
        kept.table.forget_numbers()
        facts = {path: one for path in sorted(kept.files) if (one := kept.facts(path)) is not None}
        return Site(
            folder=Path(root),
            base_url=base_url,
            files=frozenset(paths),
            facts=facts,
            environment=environment,
            is_production=is_production,
            form_ids=form_ids,
        )


def _refresh(
    root: str, kept: Kept, check: Callable[[], None], processes: int | None
) -> tuple[list[str], dict[str, tuple[Mark | None, bytes]]]:
    """Walk the folder and read what is new. Returns all files, and those of them that were read,
    now or before, for `kept.files`."""
    began = time.time_ns()
    paths: list[str] = []
    files: dict[str, tuple[Mark | None, bytes]] = {}
    marks: dict[str, Mark] = {}
    team: side_by_side.Team | None = None
    with ExitStack() as closing:
        for path, mark in _walk(root, check):
            paths.append(path)
            if mark is None:
                continue
            before = kept.files.get(path)
            if before is not None and before[0] == mark:
                files[path] = before
                continue
            if team is None:
                # Most checks find little that is new, many nothing, and need not import this.
                from workflow.validator.files.processes import Team

                team = closing.enter_context(Team(root, kept.table, processes))
            marks[path] = mark
            team.want(path, before and before[1], mark[0])
        for path, (key, record) in team.read(check) if team is not None else ():
            mark = marks[path]
            lasts = max(mark[1], mark[2]) < began - _RACY_NS
            files[path] = (mark if lasts else None, key)
            if record is not None:
                kept.records[key] = record
    return paths, files


def _walk(root: str, check: Callable[[], None]) -> Iterator[tuple[str, Mark | None]]:
    """All files, those that may have facts with their marks.

    Links are followed to files of this folder; one that leads out of it, or to a folder, is as if
    it were not there, since nothing of it would be published.
    """
    folders = [""]
    while folders:
        inside = folders.pop()
        check()
        with os.scandir(root + inside) as entries:
            for entry in entries:
                path = inside + entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path + "/")
                elif _is_file_inside(root, entry) if entry.is_symlink() else entry.is_file():
                    yield path, _mark(entry.stat()) if may_have_facts(path) else None


def _is_file_inside(root: str, entry: os.DirEntry[str]) -> bool:
    # A link that leads to itself is an error to `entry.is_file`, and no file to this.
    return os.path.isfile(entry.path) and os.path.realpath(entry.path).startswith(root)


def _mark(seen: os.stat_result) -> Mark:
    return seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino


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

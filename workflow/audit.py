"""Whether the audit trail is as it was written: the journal's chain, and the files it tells of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from workflow import journal, layout
from workflow.exchange import Exchange


@dataclass
class Audit:
    """What a look at the whole trail found."""

    journal: journal.Checked
    altered: list[str] = field(default_factory=list)
    """Paths, relative to the exchange, of files that are not what the journal says."""
    missing: int = 0
    """Tasks and results that the journal tells of and that lie nowhere any more."""
    compared: int = 0


def audit(exchange: Exchange) -> Audit:
    """Read the journal and every ended task and result. Raises OSError."""
    found = Audit(journal.check(exchange.path(layout.JOURNAL)))
    tasks = _files(_task_folders(exchange), layout.SUFFIX)
    results = _files(_result_folders(exchange), layout.RESULT_SUFFIX)
    for task_id, digests in found.journal.ended.items():
        for files, expected in zip((tasks, results), digests, strict=True):
            path = files.get(task_id)
            if path is None:
                found.missing += 1
            elif expected is not None:
                found.compared += 1
                if _digest(path) != expected:
                    found.altered.append(os.path.relpath(path, exchange.root))
    return found


def _task_folders(exchange: Exchange) -> Iterator[str]:
    yield from (exchange.folder(state) for state in ("completed", "failed"))
    for month in _entries(exchange.path(layout.ARCHIVE)):
        yield os.path.join(month, "tasks")


def _result_folders(exchange: Exchange) -> Iterator[str]:
    yield from exchange.days()
    for month in _entries(exchange.path(layout.ARCHIVE)):
        yield from _entries(os.path.join(month, "results"))


def _files(folders: Iterator[str], suffix: str) -> dict[str, str]:
    return {
        os.path.basename(path).removesuffix(suffix): path
        for folder in folders
        for path in _entries(folder)
        if path.endswith(suffix)
    }


def _entries(folder: str) -> list[str]:
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _digest(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return journal.digest(file.read())
    except OSError:
        return None

"""How tasks leave the exchange's care: first their results, then their moves; protocol, rule 6.

Everything here is called by the holder of the tasks' leases, and gives them up in the end. Many
tasks are settled with the syncs of one. Each step may be the last before a crash, and each may be
made again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from workflow import durable
from workflow.document import InvalidDocument, read_regular
from workflow.durable import Stage, Staged
from workflow.exchange import Exchange
from workflow.journal import Move, digest
from workflow.layout import RESULT_SUFFIX
from workflow.lease import Lease
from workflow.result import Result, render
from workflow.status_key import StatusKey, follow
from workflow.task import InvalidTask
from workflow.unrun import refused_result, safe_id


@dataclass
class Ending:
    """A task that has ended, and what is still to be done for it."""

    lease: Lease
    name: str
    """Of its file, without .md."""
    state: str
    """Where the file lies now."""
    status: str
    task_id: str
    """Under which it will lie: its name, unless that cannot serve as an id."""
    day: str
    what: str = "settled"
    result: Result | None = None
    """None if it is published already."""
    status_key: StatusKey | None = None
    verbatim: bool = False
    """A file that is no task is moved byte for byte."""

    @property
    def target(self) -> str:
        return "completed" if self.status == "success" else "failed"


def ended(
    lease: Lease, result: Result, state: str = "in-progress", status_key: StatusKey | None = None
) -> Ending:
    """A task that has its result."""
    return Ending(
        lease,
        result.task_id,
        state,
        result.status,
        result.task_id,
        result.day,
        result=result,
        status_key=status_key,
    )


def published(lease: Lease, result_path: str, status: str) -> Ending:
    """A task in in-progress whose result was published by a sweep that then died."""
    day = os.path.basename(os.path.dirname(result_path))
    return Ending(lease, lease.task_id, "in-progress", status, lease.task_id, day, "recovered")


def refused(
    exchange: Exchange, lease: Lease, name: str, state: str, error: InvalidTask
) -> tuple[Ending, Result]:
    """A file that is no task: it goes to failed, with a result that says why."""
    result = refused_result(_free_id(exchange, name, state), name, error)
    ending = Ending(
        lease, name, state, result.status, result.task_id, result.day, "refused", result
    )
    ending.verbatim = True
    return ending, result


def _free_id(exchange: Exchange, name: str, state: str) -> str:
    """An id for a refused file: its own where that can serve and nobody has it."""
    wanted = safe_id(name)
    number = 1
    while True:
        candidate = wanted if number == 1 else f"{wanted}-refused-{number}"
        found = exchange.find(candidate)
        mine = found is None or (found.state == state and candidate == name)
        used = exchange.result(candidate) or exchange.archived(candidate)
        if mine and not used:
            return candidate
        number += 1


@dataclass
class _Shown:
    """What is staged for one ending."""

    ending: Ending
    result: Staged | None
    result_path: str
    file: Staged | None
    move: Move


def settle(exchange: Exchange, endings: Sequence[Ending]) -> None:
    """Publish the results of tasks and move them to where ended tasks lie.

    Raises OSError if the disk is full, …: then some may be settled and others not; every step can
    be made again, with the same leases.
    """
    with ExitStack() as open_until_synced:
        stage = open_until_synced.enter_context(Stage())
        shown = [_stage(exchange, stage, ending) for ending in endings]
        said = open_until_synced.enter_context(exchange.journal.written(one.move for one in shown))
        logs = open_until_synced.enter_context(_logs(exchange, endings))
        stage.sync(also=[said, *logs])
        for one in shown:
            if one.result is not None:
                one.result.create(one.result_path)
        durable.sync_folders({os.path.dirname(one.result_path) for one in shown})
        for ending in endings:
            exchange.publish_logs(ending.task_id, ending.day)
        for one in shown:
            _move(exchange, one)
        moved = {exchange.folder(state) for e in endings for state in (e.target, e.state)}
        durable.sync_folders(moved)
    for ending in endings:
        exchange.clear_run(ending.task_id)
        ending.lease.release(remove=True)
    with suppress(OSError):  # derived, and the tasks have ended: a full disk costs links only
        for name, path in _latest(shown).items():
            exchange.link_latest(name, path)


def _stage(exchange: Exchange, stage: Stage, ending: Ending) -> _Shown:
    path = exchange.result(ending.task_id)
    result, result_digest = None, None
    if path is None:
        assert ending.result is not None
        raw = render(ending.result)
        folder = exchange.day_folder(ending.day)
        path = os.path.join(folder, ending.task_id + RESULT_SUFFIX)
        result, result_digest = stage.write(folder, raw), digest(raw)
    else:
        with open(path, "rb") as published_before:
            result_digest = digest(published_before.read())
    file, file_digest = None, None
    with suppress(InvalidDocument, FileNotFoundError):  # what is no plain file is only moved
        old = read_regular(exchange.task_path(ending.state, ending.name))
        new = old if ending.verbatim else follow(old, ending.target, ending.status_key)
        file = stage.write(exchange.folder(ending.state), new) if new != old else None
        file_digest = digest(new)
    move = Move(
        ending.task_id, ending.what, ending.state, ending.target, file_digest, result_digest
    )
    return _Shown(ending, result, path, file, move)


@contextmanager
def _logs(exchange: Exchange, endings: Sequence[Ending]) -> Iterator[list[int]]:
    """The open logs and reports of attempts: about to be seen, so about to be synced."""
    opened: list[int] = []
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        for ending in endings:
            opened.extend(os.open(path, flags) for path in exchange.run_files(ending.task_id))
        yield opened
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _move(exchange: Exchange, one: _Shown) -> None:
    ending = one.ending
    source = exchange.task_path(ending.state, ending.name)
    if one.file is not None and os.path.lexists(source):
        one.file.replace(source)
    durable.rename(source, exchange.task_path(ending.target, ending.task_id))


def _latest(shown: Sequence[_Shown]) -> dict[str, str]:
    """The links to set: of several results of one type the last one's."""
    links = {}
    for one in shown:
        result = one.ending.result
        if result is not None and result.task_type is not None:
            links[result.task_type] = one.result_path
            if result.environment:
                links[f"{result.task_type}.{result.environment}"] = one.result_path
    return links

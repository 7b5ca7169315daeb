"""How tasks leave the exchange's care: first their results, then their moves; protocol, rule 6.

Everything here is called by the holder of the tasks' leases, and gives them up in the end. Many
tasks are settled with the syncs of one. Each step may be the last before a crash, and each may be
made again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from workflow import durable, plans
from workflow.document import InvalidDocument, read_regular
from workflow.durable import Stage, Staged
from workflow.exchange import Exchange
from workflow.journal import Move, digest
from workflow.layout import RESULT_SUFFIX, SUFFIX
from workflow.lease import Lease, read_record
from workflow.result import Result, hostname, read_result, render
from workflow.status_key import StatusKey, follow
from workflow.swept import Swept
from workflow.task import InvalidTask, Task
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
    result_path: str | None = None
    """Where the result lies if it is published already."""
    task_type: str | None = None
    environment: str | None = None
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
        task_type=result.task_type,
        environment=result.environment,
        status_key=status_key,
    )


def published(lease: Lease, result_path: str) -> Ending:
    """A task in in-progress whose result was published by a sweep that then died."""
    try:
        said = read_result(result_path)
    except InvalidDocument:
        said = {}
    return Ending(
        lease,
        lease.task_id,
        "in-progress",
        str(said.get("status")),
        lease.task_id,
        os.path.basename(os.path.dirname(result_path)),
        what="recovered",
        result_path=result_path,
        task_type=said.get("task_type"),
        environment=said.get("environment"),
    )


def refused(
    exchange: Exchange, lease: Lease, name: str, state: str, error: InvalidTask
) -> tuple[Ending, Result]:
    """A file that is no task: it goes to failed, with a result that says why."""
    file_digest = None
    with suppress(InvalidDocument, FileNotFoundError):
        file_digest = digest(read_regular(exchange.task_path(state, name)))
    task_id, result_path = _free_id(exchange, name, state, file_digest)
    result = refused_result(task_id, name, file_digest, error)
    ending = Ending(
        lease,
        name,
        state,
        result.status,
        task_id,
        result.day,
        what="refused",
        result=result,
        result_path=result_path,
        verbatim=True,
    )
    return ending, result


def _free_id(
    exchange: Exchange, name: str, state: str, file_digest: str | None
) -> tuple[str, str | None]:
    """An id for a refused file: its own where that can serve and nobody has it.

    Also the path of its result, if a sweep published that and died before it moved the file.
    """
    wanted = safe_id(name)
    number = 1
    while True:
        candidate = wanted if number == 1 else f"{wanted}-refused-{number}"
        found = exchange.find(candidate)
        mine = found is None or (found.state == state and candidate == name)
        if mine and not exchange.archived(candidate):
            path = exchange.result(candidate)
            if path is None or _is_refusal_of(path, name, file_digest):
                return candidate, path
        number += 1


def _is_refusal_of(result_path: str, name: str, file_digest: str | None) -> bool:
    try:
        outputs = read_result(result_path).get("outputs")
    except InvalidDocument:
        return False
    refusal = {"file": f"{name}{SUFFIX}", "sha256": file_digest}
    return isinstance(outputs, dict) and refusal.items() <= outputs.items()


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
    _claim_unrun(exchange, endings)
    found = {ending.task_id: exchange.run_files(ending.task_id) for ending in endings}
    logs = {task_id: files for task_id, files in found.items() if files is not None}
    with ExitStack() as open_until_synced:
        stage = open_until_synced.enter_context(Stage(exchange.staged))
        shown = [_stage(exchange, stage, ending) for ending in endings]
        said = open_until_synced.enter_context(exchange.journal.written(one.move for one in shown))
        opened = open_until_synced.enter_context(_opened(logs.values()))
        stage.sync(also=[said, *opened])
        for one in shown:
            if one.result is not None:
                one.result.create(one.result_path)
        durable.sync_folders({os.path.dirname(one.result_path) for one in shown})
        # Before the tasks move: what a crash, or a full disk, keeps us from here, recovery does.
        for name, one in _latest(shown).items():
            late = one.ending.what == "recovered"  # others may have ended meanwhile
            if not (late and exchange.latest_is_newer(name, one.result_path)):
                exchange.link_latest(name, one.result_path)
        for ending in endings:
            exchange.publish_logs(ending.task_id, ending.day, logs.get(ending.task_id, ()))
        for one in shown:
            _move(exchange, one)
        moved = {exchange.folder(state) for e in endings for state in (e.target, e.state)}
        durable.sync_folders(moved)
    for task_id in logs:
        exchange.clear_run(task_id)
    for ending in endings:
        plans.forget(exchange, ending.task_id)
        ending.lease.release(remove=True)


def end_task(exchange: Exchange, swept: Swept, lease: Lease, result: Result, task: Task) -> None:
    """Settle one task and say so."""
    settle(exchange, [ended(lease, result, status_key=task.status_key)])
    swept.tell_ended("ended", result)


def _claim_unrun(exchange: Exchange, endings: Sequence[Ending]) -> None:
    """Take tasks that end without a run out of pending and waiting first.

    There a result beside the task would mean, after a crash, that its id was used before. A file
    that is no task may have any name and is known by its digest instead.
    """
    unrun = [e for e in endings if e.state != "in-progress" and not e.verbatim]
    if not unrun:
        return
    exchange.journal.write(Move(e.name, "claimed", e.state, "in-progress") for e in unrun)
    folders = {exchange.folder(state) for e in unrun for state in (e.state, "in-progress")}
    for ending in unrun:
        ending.lease.claimed(read_record(ending.lease.read()).attempts, hostname())
        source = exchange.task_path(ending.state, ending.name)
        durable.rename(source, exchange.task_path("in-progress", ending.name))
        ending.state = "in-progress"
    durable.sync_folders(folders)


def _stage(exchange: Exchange, stage: Stage, ending: Ending) -> _Shown:
    folder = exchange.day_folder(ending.day)
    path = ending.result_path or os.path.join(folder, ending.task_id + RESULT_SUFFIX)
    result = None
    # It is there after a crash, or if settling it was tried before and the disk was full. Only
    # the holder of the lease makes one, and finds it before anything else is done with the task.
    if os.path.lexists(path):
        with open(path, "rb") as before:
            result_digest = digest(before.read())
    else:
        assert ending.result is not None
        raw = render(ending.result)
        result, result_digest = stage.write(raw), digest(raw)
    file, file_digest = None, None
    with suppress(InvalidDocument, FileNotFoundError):  # what is no plain file is only moved
        old = read_regular(exchange.task_path(ending.state, ending.name))
        new = old if ending.verbatim else follow(old, ending.target, ending.status_key)
        file = stage.write(new) if new != old else None
        file_digest = digest(new)
    move = Move(
        ending.task_id, ending.what, ending.state, ending.target, file_digest, result_digest
    )
    return _Shown(ending, result, path, file, move)


@contextmanager
def _opened(logs: Iterable[Sequence[str]]) -> Iterator[list[int]]:
    """The open logs and reports of attempts: about to be seen, so about to be synced."""
    opened: list[int] = []
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        for files in logs:
            opened.extend(os.open(path, flags) for path in files)
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


def _latest(shown: Sequence[_Shown]) -> dict[str, _Shown]:
    """The links to set: of several results of one type the last one's."""
    links = {}
    for one in shown:
        task_type, environment = one.ending.task_type, one.ending.environment
        if task_type is not None:
            links[task_type] = one
            if environment:
                links[f"{task_type}.{environment}"] = one
    return links

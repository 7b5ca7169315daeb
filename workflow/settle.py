"""How a task leaves the exchange's care: its result first, then its move. Rule 5 of the protocol.

Everything here is called by the holder of the task's lease, and gives it up in the end.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from workflow import document, durable
from workflow.exchange import Exchange
from workflow.lease import Lease
from workflow.result import Result, render
from workflow.task import InvalidTask
from workflow.unrun import refused_result, safe_id


def settle(exchange: Exchange, lease: Lease, result: Result, state: str = "in-progress") -> None:
    """Publish the result of a task that lies in `state`, and move it to where ended tasks lie."""
    task_id = result.task_id
    exchange.publish_logs(task_id, result.day)
    path = exchange.publish_result(task_id, result.day, render(result))
    if path is None:
        path = exchange.result(task_id) or ""
    finish(exchange, lease, result.status, state)
    with suppress(OSError):  # derived, and the task has ended: a full disk costs a link only
        if result.task_type is not None:
            exchange.link_latest(result.task_type, path)
            if result.environment:
                exchange.link_latest(f"{result.task_type}.{result.environment}", path)


def finish(exchange: Exchange, lease: Lease, status: str, state: str = "in-progress") -> None:
    """Move a task whose result is published."""
    task_id = lease.task_id
    ended = "completed" if status == "success" else "failed"
    set_status(exchange, task_id, state, ended)
    source = exchange.task_path(state, task_id)
    durable.move(source, exchange.task_path(ended, task_id))
    exchange.clear_run(task_id)
    lease.release(remove=True)


def refuse(exchange: Exchange, lease: Lease, name: str, state: str, error: InvalidTask) -> Result:
    """Move a file that is no task to failed, byte for byte, with a result that says why."""
    result = refused_result(_free_id(exchange, name, state), name, error)
    exchange.publish_result(result.task_id, result.day, render(result))
    source = exchange.task_path(state, name)
    durable.move(source, exchange.task_path("failed", result.task_id))
    lease.release(remove=True)
    return result


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


def set_status(exchange: Exchange, task_id: str, state: str, status: str) -> None:
    """Let the `status:` key of a task file follow, where the file has one."""
    rewrite(exchange.task_path(state, task_id), {"status": status}, {})


def rewrite(path: str, if_present: dict[str, Any], always: dict[str, Any]) -> None:
    """Change keys of a task file. One that cannot take them is left as it is: the folder counts."""
    try:
        read = document.parse(document.read_regular(path))
        changes = {k: v for k, v in if_present.items() if k in read.data} | always
        changed = read.replace(changes)
    except (ValueError, FileNotFoundError):
        return
    if changed.text != read.text:
        # A move follows, or the folder counts anyway: the name need not be made durable here.
        durable.replace(path, changed.encode(), sync_name=False)

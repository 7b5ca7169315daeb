"""Making a page: gather, write, put in place. What the command and the sweep both call."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from workflow import layout
from workflow.config import Config
from workflow.errors import WorkflowError
from workflow.exchange import Exchange, Found
from workflow.report import page, task_page, writing
from workflow.report.board import board
from workflow.report.dossier import dossier, page_name

LARGEST = 200_000
"""Bytes of a page: what a phone gets in a moment over a bad line."""
_LOCK = f"{layout.RUNTIME}/report.lock"
_PATIENCE = 10.0
"""Seconds that a sweep waits for its page: a place that hangs must not keep the next sweep away."""


def make_board(exchange: Exchange, config: Config) -> tuple[str, dict[str, Any]]:
    """Write the page about the exchange; returns its path and what it says.

    Raises WorkflowError as `writing.write_page` does, OSError.
    """
    path = writing.board_path(exchange, config)
    # Who gathered later writes later: an older page never takes the place of a newer one.
    with _alone(exchange):
        told = board(exchange, config)
        raw = page.html(told)
        for logs, causes, tasks in ((800, 6, 25), (0, 3, 15), (0, 0, 5)):
            if len(raw) <= LARGEST:
                break
            raw = page.html(_less(told, logs, causes, tasks))
        writing.write_page(exchange, path, raw)
    return path, told


def make_dossier(exchange: Exchange, config: Config, found: Found) -> tuple[str, dict[str, Any]]:
    """The same for the page about one task."""
    path = writing.task_path(exchange, config, page_name(found.task_id))
    told = dossier(exchange, config, found)
    raw = task_page.html(told)
    if len(raw) > LARGEST:
        less = {**told, "logs": _shorter(told["logs"][:1], 4_000), "outputs": []}
        raw = task_page.html(less)
    writing.write_page(exchange, path, raw, own_folder=True)
    return path, told


def after_sweep(exchange: Exchange, config: Config) -> str | None:
    """Write the page, for a sweep that did something; returns what went wrong, or None.

    Never raises, and gives up after _PATIENCE seconds: the tasks are settled, and a page is no
    reason to fail a sweep or to keep the next one waiting.
    """
    trouble: list[str] = []
    written = threading.Event()

    def write() -> None:
        try:
            make_board(exchange, config)
        except WorkflowError as error:
            trouble.append(f"{error.message} ({error.hint})")
        except Exception as error:
            trouble.append(f"the report was not written: {type(error).__name__}: {error}")
        finally:
            written.set()

    threading.Thread(target=write, name="report", daemon=True).start()
    if not written.wait(_PATIENCE):
        return f"the report was not written within {_PATIENCE:.0f} s; the next sweep tries again"
    return trouble[0] if trouble else None


@contextmanager
def _alone(exchange: Exchange) -> Iterator[None]:
    lock = os.open(exchange.path(_LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _less(told: dict[str, Any], logs: int, causes: int, tasks: int) -> dict[str, Any]:
    """The same with shorter logs and fewer causes and tasks: whatever tasks say, the page stays
    small."""

    def lighter(task: dict[str, Any]) -> dict[str, Any]:
        return {**task, "logs": _shorter(task.get("logs") or [], logs)}

    day = told["day"]
    return {
        **told,
        "unmended": [lighter(task) for task in told["unmended"]],
        "day": {
            **day,
            "tasks": [lighter(task) for task in day["tasks"][:tasks]],
            "more": day["more"] + len(day["tasks"][tasks:]),
        },
        "findings": [
            {
                **one,
                "causes": one["causes"][:causes],
                "more": one["more"] + len(one["causes"][causes:]),
            }
            for one in told["findings"]
        ],
        "waiting": told["waiting"][:20],
        "waiting_unseen": told["waiting_unseen"] + len(told["waiting"][20:]),
    }


def _shorter(logs: list[dict[str, Any]], characters: int) -> list[dict[str, Any]]:
    if not characters:
        return []
    return [{**one, "tail": one["tail"][-characters:]} for one in logs]

"""Putting a page in its place: whole or not at all, and never over what is none of ours."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from workflow import durable, layout
from workflow.config import Config
from workflow.errors import Exit, WorkflowError, told
from workflow.exchange import Exchange
from workflow.report.history import read_start
from workflow.report.shell import MARK

DEFAULT = f"{layout.RESULTS}/report.html"
"""Relative to the exchange; git ignores it, as all results."""


def board_path(exchange: Exchange, config: Config) -> str:
    """Where the page about the exchange goes."""
    if config.report.path is None:
        return exchange.path(DEFAULT)
    return os.fspath(config.path(config.report.path))


def task_path(exchange: Exchange, config: Config, name: str) -> str:
    """Where the page about a task goes: into a folder beside the page about all."""
    folder = board_path(exchange, config).removesuffix(".html")
    return os.path.join(folder, name)


def write_page(exchange: Exchange, path: str, page: bytes, *, own_folder: bool = False) -> None:
    """Put `page` at `path`, in the place of an earlier one. `own_folder`: it is in a folder for
    pages alone, which is made if the one above it is there.

    Raises WorkflowError `not_a_report` for what is no page of ours there, `report_folder` where
    there is no folder for it, `report_unwritable`.
    """
    folder = os.path.dirname(path)
    mode = _mode_of_page(path)
    try:
        _make_room(exchange, folder, own_folder)
        with durable.Stage(_aside(exchange, folder)) as stage:
            staged = stage.write(page)
            if mode is not None:
                os.fchmod(staged.descriptor, mode)
            stage.sync()
            staged.replace(path)
        durable.sync_folders([folder])
    except OSError as error:
        raise WorkflowError(
            "report_unwritable",
            f"the report cannot be written to {path}: {told(error)}",
            Exit.DEFECT,
            hint="mend that, or name another place as `report: {path: …}` in workflow.yaml",
            retryable=True,
        ) from error


def _mode_of_page(path: str) -> int | None:
    """The mode bits of the page that is there; None for a name that is free."""
    try:
        seen = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    start = read_start(path, 512)
    if not stat.S_ISREG(seen.st_mode) or start is None or MARK.encode() not in start:
        raise WorkflowError(
            "not_a_report",
            f"{path} is there and is no page of ours: it stays as it is",
            Exit.CONFLICT,
            hint="move it away, or name another place as `report: {path: …}` in workflow.yaml",
        )
    return stat.S_IMODE(seen.st_mode)


def _make_room(exchange: Exchange, folder: str, own_folder: bool) -> None:
    """Make a folder that is ours. One elsewhere has to be there: in the place of a disk that is not
    mounted we would make one, and fill the disk under it."""
    if os.path.isdir(folder):
        return
    needed = os.path.dirname(folder) if own_folder else folder
    ours = os.path.join(needed, "").startswith(exchange.path(layout.RESULTS, ""))
    if not ours and not os.path.isdir(needed):
        raise WorkflowError(
            "report_folder",
            f"there is no folder {needed} for the report",
            hint="make it, or name another place as `report: {path: …}` in workflow.yaml",
        )
    durable.make_folder(folder)


def _aside(exchange: Exchange, folder: str) -> str:
    """Where the bytes lie first: with our own, where sweeps remove what a dead writer leaves, if
    that is on the same file system."""
    with suppress(OSError):
        if os.stat(exchange.staged).st_dev == os.stat(folder).st_dev:
            return exchange.staged
    return folder

"""Files that hold what customers wrote: for this user alone, and never for git.

The folder is 0700, the files are 0600. A `.gitignore` that ignores everything lies in it, wherever
the owner has put it. No link is followed below the folder that workflow.yaml names.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from workflow import layout
from workflow.config import Config
from workflow.durable import make_folder, sync_all
from workflow.errors import TaskError, TaskFailed
from workflow.layout import CONFIG

DEFAULT = ".workflow/submissions"
_IGNORE = ".gitignore"


def root_of(config: Config) -> Path:
    """The folder of all submissions. Raises TaskFailed `bad_submissions_folder` for one that is
    published, shown or committed."""
    written = config.jotform.submissions
    path = config.path(Path(DEFAULT) if written is None else written)
    real = Path(os.path.realpath(path))
    exchange = Path(os.path.realpath(config.root))
    if exchange / layout.RUNTIME in real.parents:
        return path  # which neither git nor a site ever takes up
    watched = {f"sites.{name}.path": config.path(site.path) for name, site in config.sites.items()}
    kept = (layout.TASKS, layout.RESULTS, layout.ARCHIVE, ".git", ".claude")
    watched |= {f"{name}/": exchange / name for name in kept}
    for name, folder in watched.items():
        above = Path(os.path.realpath(folder))
        if above == real or above in real.parents:
            raise TaskFailed(
                TaskError(
                    "bad_submissions_folder",
                    f"{path} lies in {name}, where what customers wrote must not be",
                    "escalate",
                    "configuration",
                    hint=f"let jotform.submissions in {CONFIG} name another folder, or leave it "
                    f"out: then it is {DEFAULT}",
                )
            )
    return path


class PrivateFolder:
    """One form's folder below the root, held open, so that nobody can put another in its place."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None if there is none."""
        try:
            opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self._descriptor)
        except FileNotFoundError:
            return None
        with open(opened, "rb") as file:
            return file.read()

    def write(self, name: str, raw: bytes) -> Path:
        """Put the file there, whole and durable."""
        aside = f".{name}.tmp"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(aside, dir_fd=self._descriptor)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(aside, flags, 0o600, dir_fd=self._descriptor), "wb") as file:
            file.write(raw)
            file.flush()
            sync_all([file.fileno()])
        os.rename(aside, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        sync_all([self._descriptor])
        return self.path / name


@contextlib.contextmanager
def private_folder(root: Path, name: str) -> Iterator[PrivateFolder]:
    """The folder `name` in `root`, made where it is missing. Raises OSError."""
    make_folder(str(root.parent))
    with contextlib.suppress(FileExistsError):
        os.mkdir(root, 0o700)
    outer = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _ignored_by_git(outer)
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=outer)
        try:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            inner = os.open(name, flags, dir_fd=outer)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise NotADirectoryError(errno.ENOTDIR, "no folder", str(root / name)) from error
            raise
        try:
            os.fchmod(inner, 0o700)
            sync_all([outer])
            yield PrivateFolder(root / name, inner)
        finally:
            os.close(inner)
    finally:
        os.close(outer)


def _ignored_by_git(folder: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        opened = os.open(_IGNORE, flags, 0o600, dir_fd=folder)
    except FileExistsError:
        return
    with open(opened, "wb") as file:
        file.write(b"# What customers wrote is never committed.\n*\n")

"""The exchange: which task is where. Names, renames and locks; never a file's contents.

The protocol
------------
The folder that a task file lies in is its state:

    pending -> in-progress -> completed | failed
    pending -> waiting -> in-progress          (parked: a predecessor, an approval, a time)
    in-progress -> waiting                     (backing off, or planned and not yet approved)
    pending | waiting -> failed                (unreadable, cancelled)

1.  A file appears whole or not at all, and under a name that was free: `Staged.create`.
2.  A file changes whole or not at all: `Staged.replace`.
3.  A file moves by one rename, after which both folders are fsynced (`durable.rename`). Losing
    the race for it is a return value, not an error. Several tasks may share these syncs; none is
    said to have moved, and none is started, before they were made.
4.  Whoever changes a task's state holds its lease: an flock(2) on .workflow/leases/ID.json. The
    programs that an attempt starts inherit the descriptor, so the kernel keeps the lease held
    until the last of them is gone, also when the sweep was killed. flock, not lockf: a POSIX
    lock would be dropped as soon as any descriptor of the file is closed.
5.  A move has its line in the journal before it is made.
6.  Settling an attempt: the result is linked into its day, logs are moved beside it, the task is
    moved, the lease is removed. A crash between any two of these leaves a task in in-progress
    with a free lease; if it has a result, only the rest is done again.
7.  Only a submitter makes names in pending, holding an flock on that folder: so an id that was
    seen free in every state is still free when it is linked.
8.  .workflow/ is runtime state. Without it no task is lost and none is done twice.

Costs do not grow with history: an id carries its date, so a task is found by trying exact names.

Assumptions: one local file system that has links, flock and atomic rename (APFS, ext4, XFS,
Btrfs, ZFS); everything of the exchange on that one file system.
"""

from __future__ import annotations

import errno
import functools
import heapq
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from workflow import durable, layout
from workflow.journal import Journal
from workflow.layout import LOGS_SUFFIX, RESULT_SUFFIX, STATE_FOLDERS, SUFFIX, is_task_name
from workflow.lease import Lease

TASK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,179}")
"""What an id may look like. The length leaves room for what is appended to it in file names."""

CANCEL = "cancel"
"""Name of the request to cancel, in the folder of a run."""

_DAY = r"\d{4}-\d{2}-\d{2}"
_MONTH = r"\d{4}-\d{2}"
ROOM_BYTES = 1 << 20
"""Free bytes below which nothing is begun."""

_DATED = re.compile(r"(\d{4})-(\d{2})-(\d{2})-\d{4}-")


@dataclass(frozen=True, slots=True)
class Found:
    """Where a task file lies. `state` is a key of STATE_FOLDERS; archived ones keep theirs unknown
    and are told by `archived`."""

    task_id: str
    state: str
    path: str
    archived: bool = False


class Exchange:
    """The folders below one root. Every method is safe beside other processes' calls."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = os.path.abspath(root)
        self._listings: dict[str, tuple[tuple[int, int], list[str]]] = {}

    def path(self, *parts: str) -> str:
        return os.path.join(self.root, *parts)

    def folder(self, state: str) -> str:
        return os.path.join(self.root, STATE_FOLDERS[state])

    def task_path(self, state: str, task_id: str) -> str:
        return os.path.join(self.folder(state), task_id + SUFFIX)

    @property
    def staged(self) -> str:
        """Where new bytes lie before they are shown; on the same file system as all else."""
        return self.path(layout.STAGED)

    def prepare(self) -> None:
        """Make the folders that are missing: git keeps no empty ones. Raises OSError."""
        for name in layout.FOLDERS:
            self.make(name)

    def make(self, name: str) -> None:
        """Make one of the folders, if it is missing. Raises OSError."""
        try:
            os.makedirs(self.path(name), exist_ok=True)
        except FileExistsError as error:
            said = "it should be a folder, and is a file or a link that leads nowhere"
            raise NotADirectoryError(errno.ENOTDIR, said, self.path(name)) from error

    def check_rights(self) -> None:
        """Raise PermissionError for a folder that a sweep has to write and may not.

        Before anything is run: a task whose result cannot be published would be run in vain.
        """
        for name in layout.FOLDERS:
            if not os.access(self.path(name), layout.rights(name)):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), self.path(name))

    def check_room(self) -> None:
        """Raise OSError (ENOSPC) if the disk has no room for results: nothing is begun then."""
        disk = os.statvfs(self.path(layout.RESULTS))
        if disk.f_bavail * disk.f_frsize < ROOM_BYTES or (disk.f_files and disk.f_favail < 100):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path(layout.RESULTS))

    # -- finding -----------------------------------------------------------------------------

    def find(self, task_id: str, *, everywhere: bool = False) -> Found | None:
        """The task with exactly this id, in any state, then in the archive.

        `everywhere`: also in archived months before that of its id, where a task lies whose id was
        made while the clock was ahead. Its cost grows with the archive.
        """
        for state in STATE_FOLDERS:  # in the order in which tasks move
            path = self.task_path(state, task_id)
            if os.path.lexists(path):
                return Found(task_id, state, path)
        return self.archived(task_id, everywhere=everywhere)

    def archived(self, task_id: str, *, everywhere: bool = False) -> Found | None:
        """The task with exactly this id in the archive."""
        for month in self._months("" if everywhere else task_id):
            path = self.path(layout.ARCHIVE, month, "tasks", task_id + SUFFIX)
            if os.path.lexists(path):
                return Found(task_id, "archived", path, archived=True)
        return None

    def matching(self, prefix: str) -> list[str]:
        """The ids that start with `prefix`, of all states and of the months it may lie in."""
        folders = [self.folder(state) for state in STATE_FOLDERS]
        folders += [self.path(layout.ARCHIVE, m, "tasks") for m in self._months(prefix)]
        return sorted(
            {
                name.removesuffix(SUFFIX)
                for folder in folders
                for name in _names(folder)
                if name.startswith(prefix) and is_task_name(name)
            }
        )

    def ids_ending_with(self, tail: str) -> list[str]:
        """The ids that end with `tail`, in all states and the whole archive, newest first."""
        folders = [self.folder(state) for state in STATE_FOLDERS]
        folders += [self.path(layout.ARCHIVE, m, "tasks") for m in self._months("")]
        ending = tail + SUFFIX
        found = {n for folder in folders for n in _names(folder) if n.endswith(ending)}
        return sorted((name.removesuffix(SUFFIX) for name in found), reverse=True)

    def names(self, state: str) -> list[str]:
        """The ids of a state, in no order."""
        return [n.removesuffix(SUFFIX) for n in _names(self.folder(state)) if is_task_name(n)]

    def newest(self, state: str, limit: int) -> list[str]:
        """At least the `limit` newest ids of a state, by the minutes in them; in no order.

        Ids without a date are all among them. One look at the folder, which is all that can be
        had without an index; nothing is done for each of its names but comparing it.
        """
        names = _names(self.folder(state))
        wanted = limit
        while True:
            top = heapq.nlargest(wanted + 1, names)
            dated = [name for name in top if layout.dated(name) and is_task_name(name)]
            if len(dated) > limit or len(top) == len(names):
                break
            wanted *= 2  # undated names sort behind the dated ones and took their places
        if len(top) < len(names):
            minute = dated[limit - 1][:15]
            top = [name for name in names if name >= minute]
        return [name.removesuffix(SUFFIX) for name in top if is_task_name(name)]

    def count(self, state: str) -> int:
        return sum(map(is_task_name, _names(self.folder(state))))

    def _months(self, task_id: str) -> list[str]:
        """The archived months in which a task may lie: none before the month of its id."""
        dated = _DATED.match(task_id) or re.match(r"(\d{4})-(\d{2})", task_id)
        first = f"{dated[1]}-{dated[2]}" if dated else ""
        names = self._listed(self.path(layout.ARCHIVE))
        months = [name for name in names if re.fullmatch(_MONTH, name)]
        return sorted(month for month in months if month >= first)

    # -- results -----------------------------------------------------------------------------

    def days(self) -> list[str]:
        """The day folders of results, newest first."""
        folder = self.path(layout.RESULTS)
        days = [name for name in self._listed(folder) if re.fullmatch(_DAY, name)]
        return [os.path.join(folder, day) for day in sorted(days, reverse=True)]

    def _listed(self, folder: str) -> list[str]:
        """The names in a folder that changes once a day, listed again when it has changed."""
        try:
            seen = os.stat(folder)
        except (FileNotFoundError, NotADirectoryError):
            return []
        version = (seen.st_mtime_ns, seen.st_ino)
        if folder not in self._listings or self._listings[folder][0] != version:
            self._listings[folder] = version, _names(folder)
        return self._listings[folder][1]

    def _homes(self, task_id: str, everywhere: bool) -> Iterator[str]:
        """The folders in which a task's result may lie, the likeliest first.

        Most tasks end on the day that their id names, wherever that lies by now; the others within
        the days since, of which the archive keeps few here. One stat each, whatever they hold.
        """
        dated = _DATED.match(task_id)
        if dated:
            day = "-".join(dated.groups())
            yield self.path(layout.RESULTS, day)
            yield self.path(layout.ARCHIVE, day[:7], "results", day)
        yield from self.days()
        for month in self._months("" if everywhere else task_id):
            results = self.path(layout.ARCHIVE, month, "results")
            for day in sorted(self._listed(results)):
                yield os.path.join(results, day)

    def result(self, task_id: str, *, everywhere: bool = False) -> str | None:
        """The path of a task's result; None while there is none. `everywhere`: as for `find`."""
        return self._at_home(task_id, RESULT_SUFFIX, everywhere)

    def logs(self, task_id: str) -> str | None:
        """The folder of a task's logs: of the running attempt, else beside its result."""
        running = self.path(layout.RUNS, task_id)
        if os.path.isdir(running):
            return running
        return self._at_home(task_id, LOGS_SUFFIX, everywhere=True)

    def _at_home(self, task_id: str, suffix: str, everywhere: bool) -> str | None:
        for home in self._homes(task_id, everywhere):
            path = os.path.join(home, task_id + suffix)
            if os.path.lexists(path):
                return path
        return None

    def run_folder(self, task_id: str) -> str:
        """Where the logs of a task lie until it is settled; made by who puts something there."""
        return self.path(layout.RUNS, task_id)

    def clear_run(self, task_id: str) -> None:
        """Remove what is left of a settled task's run: a request to cancel it, an empty folder."""
        folder = self.path(layout.RUNS, task_id)
        with suppress(OSError):
            os.unlink(os.path.join(folder, CANCEL))
        with suppress(OSError):
            os.rmdir(folder)

    def ask_to_cancel(self, task_id: str) -> None:
        """Leave the request that a running sweep looks for."""
        os.makedirs(self.run_folder(task_id), exist_ok=True)
        path = os.path.join(self.run_folder(task_id), CANCEL)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))

    def asked_to_cancel(self, task_id: str) -> bool:
        return os.path.exists(self.path(layout.RUNS, task_id, CANCEL))

    def run_files(self, task_id: str) -> list[str] | None:
        """The paths of what a task's attempts have written so far; requests to us left out.

        None if there is not even a folder for them.
        """
        folder = self.path(layout.RUNS, task_id)
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            return None
        return [os.path.join(folder, name) for name in names if name != CANCEL]

    def publish_logs(self, task_id: str, day: str, logs: Sequence[str]) -> None:
        """Move a task's logs to where its result lies, durably."""
        if logs:
            target = os.path.join(self.day_folder(day), task_id + LOGS_SUFFIX)
            durable.make_folder(target)
            for path in logs:
                os.rename(path, os.path.join(target, os.path.basename(path)))
            durable.sync_folders([target])

    def day_folder(self, day: str) -> str:
        """Where the results of a UTC day lie; made if missing."""
        folder = self.path(layout.RESULTS, day)
        if durable.make_folder(folder):
            self._listings.clear()  # two changes may bear one time
        return folder

    def link_latest(self, name: str, result_path: str) -> None:
        """Point results/latest/NAME.result.md at a result. Derived, so not made durable."""
        folder = self.path(layout.LATEST)
        aside = os.path.join(folder, f".{secrets.token_hex(8)}{durable.TEMPORARY}")
        os.symlink(os.path.relpath(result_path, folder), aside)
        try:
            os.rename(aside, os.path.join(folder, name + RESULT_SUFFIX))
        except OSError:
            os.unlink(aside)
            raise

    def latest_is_newer(self, name: str, result_path: str) -> bool:
        """Whether the link called `name` leads to a result that was written after this one."""
        try:
            link = os.stat(os.path.join(self.path(layout.LATEST), name + RESULT_SUFFIX))
        except FileNotFoundError:
            return False
        return link.st_mtime_ns > os.stat(result_path).st_mtime_ns

    def newest_result(self) -> str | None:
        """The path of the newest result of all, from the links of results/latest/."""
        folder = self.path(layout.LATEST)
        newest: tuple[int, str] | None = None
        for name in _names(folder):
            link = os.path.join(folder, name)
            if name.endswith(RESULT_SUFFIX):
                with suppress(FileNotFoundError):
                    age = (os.stat(link).st_mtime_ns, os.path.realpath(link))
                    newest = max(newest or age, age)
        return newest[1] if newest else None

    # -- leases and the sweep's lock ---------------------------------------------------------

    @functools.cached_property
    def journal(self) -> Journal:
        return Journal(self.path(layout.JOURNAL))

    def lease_path(self, task_id: str) -> str:
        return self.path(layout.LEASES, task_id + ".json")

    def lease(self, task_id: str) -> Lease | None:
        """Take a task's lease; None while somebody holds it, a left-over child included."""
        return Lease.take(task_id, self.lease_path(task_id))

    def read_lease(self, task_id: str) -> bytes:
        """What the lease of a task says, without taking it; empty if there is none."""
        try:
            with open(self.lease_path(task_id), "rb") as file:
                return file.read(65_536)
        except FileNotFoundError:
            return b""

    @contextmanager
    def sweeping(self) -> Iterator[bool]:
        """The right to be the one sweep; False at once where another sweep has it."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.path(layout.SWEEP_LOCK))
        try:
            lock.acquire(blocking=False)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def touch_last_sweep(self) -> None:
        """Leave the sign of life by which others know that the timer works."""
        path = self.path(layout.LAST_SWEEP)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
        os.utime(path)

    def last_sweep(self) -> float | None:
        """When a sweep last gave a sign of life, in seconds since the epoch."""
        try:
            return os.stat(self.path(layout.LAST_SWEEP)).st_mtime
        except OSError:  # it is not there, or is not ours to see
            return None


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []

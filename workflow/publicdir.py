"""The built site on disk: what exactly lies in it, and how a new one takes its place at once.

A build writes into `.public.workflow-new-RANDOM` beside public/ (the same file system, so that a
rename suffices). When it is whole, the two folders trade places in one system call: whoever opens
public/ gets the old site or the new one. Never hard links between the two: Hugo writes in place.

    .public.workflow-new-RANDOM   being built, or (after the trade) the old site on its way out;
                                locked (flock) while its builder lives
    .public.workflow-old-RANDOM   only where no system call can trade two folders: public/, moved
                                away for the instant until the new one has its name

What a killed build leaves of these is mended by the next one: see `mend`.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from workflow.durable import sync_folders
from workflow.trade import trade

T = TypeVar("T")

_CHUNK = 1 << 20
_PARALLEL_BYTES = 128 << 10
"""From this average size on hashing a file takes longer than all else that is done with it, which
is done by one thread at a time."""
_CHECK_EVERY = 64
"""Files between two looks at whether to go on."""


@dataclass(frozen=True, slots=True)
class File:
    """A regular file of the site. `path` is relative with `/`, `size` in bytes, `sha256` in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything in a built folder, in the order of the paths' bytes."""

    files: tuple[File, ...]
    links: tuple[tuple[str, str], ...]
    """Symbolic links: path and target, as written. They are never followed."""
    others: tuple[str, ...]
    """Sockets, pipes, devices: nothing that can be published."""

    @property
    def total_bytes(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def digest(self) -> str:
        """sha256 in hex over one line an entry, `path NUL size NUL sha256 LF`, in order.

        A link has `->` for its size and the sha256 of its target; other entries have `?` for both.
        A path holds no NUL, so that no two folders have the same lines.
        """
        lines = [(f.path, str(f.size), f.sha256) for f in self.files]
        lines += [
            (path, "->", hashlib.sha256(os.fsencode(target)).hexdigest())
            for path, target in self.links
        ]
        lines += [(path, "?", "?") for path in self.others]
        lines.sort(key=lambda line: os.fsencode(line[0]))
        total = hashlib.sha256()
        for path, size, sha256 in lines:
            total.update(b"%s\0%s\0%s\n" % (os.fsencode(path), size.encode(), sha256.encode()))
        return total.hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file; `links` and `others` only where there are any."""
        data: dict[str, Any] = {
            "digest": self.digest,
            "files": [{"path": f.path, "size": f.size, "sha256": f.sha256} for f in self.files],
        }
        if self.links:
            data["links"] = [{"path": path, "target": target} for path, target in self.links]
        if self.others:
            data["others"] = list(self.others)
        return data


class Found(NamedTuple):
    """A regular file as the walk saw it; `path` is relative with `/`."""

    path: str
    seen: os.stat_result


@dataclass(frozen=True, slots=True)
class Walk:
    """What lies in a folder, by name. `links` and `others` as in a Manifest, in any order."""

    root: str
    """The folder's real path, with a slash at its end."""
    files: list[Found]
    links: list[tuple[str, str]]
    others: list[str]

    def manifest(self, files: Iterable[File]) -> Manifest:
        """The manifest, once its files have been read."""
        return Manifest(
            files=tuple(sorted(files, key=lambda file: os.fsencode(file.path))),
            links=tuple(sorted(self.links, key=lambda link: os.fsencode(link[0]))),
            others=tuple(sorted(self.others, key=os.fsencode)),
        )


class Changed(OSError):
    """A file is not the one that the walk saw, or was written to while it was read."""


def manifest(folder: str | os.PathLike[str]) -> Manifest:
    """What lies in `folder`: walked once, every file read once, no link followed.

    Raises OSError if the folder or something in it cannot be read, or changes meanwhile.
    """
    return hashed(walk(folder))


def hashed(walked: Walk) -> Manifest:
    """The manifest of what the walk saw. Raises OSError, Changed."""
    return walked.manifest(read_each(walked.root, walked.files, _hash))


def walk(folder: str | os.PathLike[str]) -> Walk:
    """Look at everything in `folder` once, reading nothing and following no link."""
    root = os.path.join(os.path.realpath(folder), "")
    walked = Walk(root, [], [], [])
    folders = [root]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                path = entry.path[len(root) :]
                if entry.is_symlink():
                    walked.links.append((path, os.readlink(entry.path)))
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    walked.files.append(Found(path, entry.stat(follow_symlinks=False)))
                else:
                    walked.others.append(path)
    return walked


def read_each(
    root: str,
    files: Sequence[Found],
    read: Callable[[Found, Iterable[bytes]], T],
    check: Callable[[], None] = lambda: None,
) -> list[T]:
    """What `read` makes of each file, given its bytes in chunks; in any order.

    As many threads as there are processors share the work if the files are large; `check` is
    called now and then, by the caller's own thread. Raises OSError if a file cannot be read,
    Changed, and whatever `check` raises.
    """
    # The largest first: then no thread is left alone with a large one at the end.
    # Shared: `next` of a list's iterator is one step under the GIL.
    todo = iter(sorted(files, key=lambda file: -file.seen.st_size))
    made: list[T] = []
    failed: list[BaseException] = []

    def work(check: Callable[[], None] = lambda: None) -> None:
        try:
            check()  # Also where the other threads leave nothing to do for this one.
            for number, file in enumerate(todo, 1):
                if failed:
                    return
                made.append(_read(root, file, read))
                if not number % _CHECK_EVERY:
                    check()
        except BaseException as error:
            failed.append(error)

    large = sum(file.seen.st_size for file in files) >= len(files) * _PARALLEL_BYTES
    count = min(os.cpu_count() or 1, 8, len(files)) if large else 1
    threads = [threading.Thread(target=work) for _ in range(count - 1)]
    for thread in threads:
        thread.start()
    work(check)
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return made


def _read(root: str, file: Found, read: Callable[[Found, Iterable[bytes]], T]) -> T:
    # RACE: what was a file may be a pipe by now, and opening that one would wait without end.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(root + file.path, flags)
    try:
        size = file.seen.st_size
        made = read(file, _chunks(descriptor, size))
        now, seen = os.fstat(descriptor), file.seen
        if (
            now.st_mtime_ns != seen.st_mtime_ns
            or now.st_ctime_ns != seen.st_ctime_ns
            or now.st_ino != seen.st_ino
            or now.st_size != size
        ):
            raise Changed(errno.ESTALE, "changed while it was read", root + file.path)
        return made
    finally:
        os.close(descriptor)


def _chunks(descriptor: int, size: int) -> Iterator[bytes]:
    """No more than `size` bytes: a file that grows as fast as it is read would have no end."""
    while size > 0 and (chunk := os.read(descriptor, min(size, _CHUNK))):
        size -= len(chunk)
        yield chunk


def _hash(file: Found, chunks: Iterable[bytes]) -> File:
    total = hashlib.sha256()
    for chunk in chunks:
        total.update(chunk)
    return File(file.path, file.seen.st_size, total.hexdigest())


class Replacement:
    """A folder in the making that will take the place of `public`."""

    def __init__(self, public: Path, folder: Path) -> None:
        self.public = public
        self.folder = folder
        """Build into this. After `publish` it is what was replaced."""

    def publish(self) -> None:
        """Trade places with `public`, at once and durably. Raises OSError, having done nothing.

        The files themselves are not forced onto the disk: after a power cut they may be damaged,
        which the manifest shows, and a build is safe to repeat.
        """
        try:
            mode = stat.S_IMODE(os.stat(self.public).st_mode)
        except FileNotFoundError:
            # RACE: rename fails on what appears meanwhile, unless that is an empty folder.
            os.rename(self.folder, self.public)
        else:
            os.chmod(self.folder, mode)
            if not trade(self.folder, self.public):
                self.folder = swap_by_renames(self.folder, self.public)
        with suppress(OSError):  # the trade is made: failing now would tell an untruth
            sync_folders([os.fspath(self.public.parent)])


@contextmanager
def replacing(
    public: Path, *, from_copy: bool = False, trash: Path | None = None
) -> Iterator[Replacement]:
    """A fresh folder beside `public` (a link is resolved), empty or a copy of it.

    On leaving, whatever is left is removed: the unfinished build, or the site that was replaced.
    Given a `trash` on the same disk it is only moved there: removing a large site can take longer
    than all the rest, and nobody need wait for it.
    Raises OSError (no space, no permission); `public` is as it was then.
    """
    public = Path(os.path.realpath(public))
    mend(public)
    with ExitStack() as closing:
        folder = _make(public, closing)
        replacement = Replacement(public, folder)
        try:
            if from_copy and public.is_dir():
                shutil.copytree(public, folder, symlinks=True, dirs_exist_ok=True)
            yield replacement
        finally:
            _put_away(replacement.folder, trash)


def _put_away(folder: Path, trash: Path | None) -> None:
    if trash is not None:
        with suppress(OSError):
            os.rename(folder, trash / f"{folder.name}-{secrets.token_hex(4)}")
            return
    # What cannot be removed now is tried again by the next build.
    shutil.rmtree(folder, ignore_errors=True)


def _make(public: Path, closing: ExitStack) -> Path:
    """A new folder with a lock that lasts as long as `closing`."""
    while True:
        folder = public.with_name(_prefix(public) + f"new-{secrets.token_hex(4)}")
        os.mkdir(folder)
        with suppress(FileNotFoundError):
            # RACE: before it is locked, another exchange's build may take it for a left-over.
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            closing.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.stat(folder)
            return folder


def _prefix(public: Path) -> str:
    return f".{public.name}.workflow-"


def mend(public: Path) -> None:
    """Put right what killed builds of `public` (a real path) left beside it.

    A public/ that was moved away and not yet replaced comes back; what nobody builds any more is
    removed. Idempotent.
    """
    with suppress(FileNotFoundError):
        prefix = _prefix(public)
        left = [name for name in os.listdir(public.parent) if name.startswith(prefix)]
        moved_away = [public.with_name(n) for n in left if n.startswith(prefix + "old-")]
        if moved_away and not os.path.lexists(public):
            # The time of its last rename tells the newest.
            newest = max(moved_away, key=lambda path: os.lstat(path).st_ctime_ns)
            os.rename(newest, public)
        for name in left:
            _remove_if_abandoned(public.with_name(name))


def _remove_if_abandoned(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass  # its builder lives: another exchange has the same site
    finally:
        os.close(descriptor)


def swap_by_renames(folder: Path, public: Path) -> Path:
    """Put `folder` in the place of `public` in two steps; returns where the old one is now.

    For an instant there is no public/: a reader gets "not found", never a mixture.
    """
    aside = public.with_name(_prefix(public) + f"old-{secrets.token_hex(4)}")
    os.rename(public, aside)
    try:
        os.rename(folder, public)
    except BaseException:
        os.rename(aside, public)
        raise
    return aside

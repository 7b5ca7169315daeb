"""Power cuts for real: a file system that is shut down under load, without flushing its log.

    python -m tests.endurance.power_cut [--cuts N] [--file-system ext4|xfs …] [--seed N]

The exchange lies on a file system of its own, in an image file. Submitters and sweeps work on it;
what they acknowledge is noted outside. At a random moment FS_IOC_SHUTDOWN with NOLOGFLUSH lets
everything be lost that was not forced onto the disk, as when the power fails. Mounted again, swept
until all have ended: whatever was acknowledged must be there, whole, once.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.endurance import invariants
from tests.endurance.invariants import Expected
from tests.endurance.scenarios import RETRIED, SETTLED
from tests.endurance.warm import Child, Warm
from tests.program import make_exchange

FILE_SYSTEMS = {"ext4": 64, "xfs": 320}
"""And the size of their images in MiB: about the least that they take."""
MOST_SECONDS = 1.5
"""Of load before a cut; less than the 5 s after which ext4 would flush by itself."""
CUTS_A_DISK = 5
QUIET_SECONDS = 30.0
_SHUTDOWN = 0x8004587D
_NO_LOG_FLUSH = 2


class NotAllowed(Exception):
    """Why no power can be cut here."""


class Disk:
    """A file system in an image file, mounted or not."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.kind = kind
        self.image = folder / f"{kind}.img"
        self.mounted_at = folder / kind
        self.mounted_at.mkdir()

    def make(self) -> None:
        tool = f"mkfs.{self.kind}"
        if shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin") is None:
            raise NotAllowed(f"loop mounts: {tool} is not installed")
        with self.image.open("wb") as file:
            file.truncate(FILE_SYSTEMS[self.kind] << 20)
        _run(tool, "-q", str(self.image))

    def mount(self) -> None:
        """What was not forced onto the disk is gone; the file system mends itself."""
        _run("mount", "-o", "loop", "-t", self.kind, str(self.image), str(self.mounted_at))

    def unmount(self) -> None:
        """Whatever state it is in; the loop device goes with the mount."""
        until = time.monotonic() + 10
        while self._is_mounted():
            busy = subprocess.run(["umount", self.mounted_at], capture_output=True, check=False)
            if busy.returncode and time.monotonic() > until:
                _run("umount", "--lazy", str(self.mounted_at))
            elif busy.returncode:
                time.sleep(0.05)  # the last of the load is on its way out

    def _is_mounted(self) -> bool:
        # Asked of the kernel: the file system itself answers nothing once it was shut down.
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        return any(line.split(" ")[1] == str(self.mounted_at) for line in mounts)

    def cut(self) -> None:
        """From now on nothing reaches the disk, and what was not forced onto it is lost."""
        descriptor = os.open(self.mounted_at, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        except OSError as error:
            raise NotAllowed(f"loop mounts: {self.kind} cannot be shut down: {error}") from error
        finally:
            os.close(descriptor)


def _run(*argv: str) -> None:
    path = f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin"
    environ = {**os.environ, "PATH": path}
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise NotAllowed(f"loop mounts: {' '.join(argv[:1])} failed: {said[0] if said else ''}")


@contextlib.contextmanager
def disk(folder: Path, kind: str) -> Iterator[Disk]:
    """A mounted file system, unmounted whatever happens. Raises NotAllowed."""
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        raise NotAllowed("loop mounts: only root can make them, only on Linux")
    made = Disk(folder, kind)
    try:
        made.make()
        made.mount()
        yield made
    finally:
        made.unmount()
        made.image.unlink(missing_ok=True)
        made.mounted_at.rmdir()


# -- the load ----------------------------------------------------------------------------------


@dataclass
class Seen:
    """What was acknowledged, as somebody outside the machine knows it."""

    submitted: set[str] = field(default_factory=set)
    results: dict[str, bytes] = field(default_factory=dict)
    """Of tasks that a sweep said had ended."""


class Load:
    """Submitters and sweeps, until the power fails.

    Only what was said before that counts. Afterwards XFS lets the fsync of a folder succeed whose
    change the shutdown has thrown away, which no machine without power could do.
    """

    def __init__(self, warm: Warm, root: Path, notes: Path, seen: Seen, seed: int) -> None:
        self.warm, self.root, self.notes, self.seen = warm, root, notes, seen
        self._over = threading.Event()
        self._noting = threading.Lock()
        self._threads = [
            threading.Thread(target=self._submit, args=(random.Random(f"{seed}/{n}"), n))
            for n in range(2)
        ]
        self._threads.append(threading.Thread(target=self._sweep))

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def end(self) -> None:
        """Nothing that is said from now on counts; what the sweep has said so far does."""
        with self._noting:
            self._over.set()
            said = self.notes / "sweep.err"
            if said.exists():
                self._note_results(said.read_text())

    def _submit(self, choice: random.Random, number: int) -> None:
        retried = self.notes / f"retried-{number}.md"
        retried.write_text(RETRIED)
        while not self._over.is_set():
            words = choice.choice(
                [
                    ("effect",),
                    ("effect", "fail=true"),
                    ("effect-once",),
                    ("effect", "--then", "effect-once"),
                    ("effect-once", "--key", f"{choice.random()}"),
                    ("passing-fault", "--from", str(retried)),
                ]
            )
            child = self._run(f"submit-{number}", "submit", *words)
            with self._noting:
                if child is not None and child.code == 0 and not self._over.is_set():
                    self.seen.submitted.update(child.out.split())

    def _sweep(self) -> None:
        while not self._over.is_set():
            child = self._run("sweep", "sweep")
            with self._noting:
                if child is not None and not self._over.is_set():
                    self._note_results(child.err)

    def _note_results(self, said: str) -> None:
        for task_id in re.findall(r"(?m)^(?:ended|refused) +(\S+)", said):
            (path,) = self.root.glob(f"results/2*/{task_id}.result.md")
            self.seen.results[task_id] = path.read_bytes()

    def _run(self, name: str, *words: str) -> Child | None:
        try:
            return self.warm.run(words, cwd=self.root, output=self.notes / name)
        except (OSError, RuntimeError):
            if not self._over.is_set():
                raise
            return None


# -- one cut -----------------------------------------------------------------------------------


def cut_once(made: Disk, warm: Warm, notes: Path, seen: Seen, seed: int) -> list[str]:
    """Work, lose power, come back; what does not hold then."""
    root = made.mounted_at / "exchange"
    (notes / "sweep.err").unlink(missing_ok=True)
    with Load(warm, root, notes, seen, seed) as load:
        # The moment is what the test is about: any within the bounds, and the seed names it.
        time.sleep(random.Random(seed).uniform(0.1, MOST_SECONDS))
        load.end()
        made.cut()
    made.unmount()
    made.mount()
    problems = _sweep_until_quiet(warm, root, notes)
    expected = Expected({}, seen.submitted, "power")
    problems += invariants.check(root, expected)
    results = invariants.results(root)
    for task_id, raw in seen.results.items():
        if task_id not in results:
            problems.append(f"one result: that of {task_id} was announced and is lost")
        elif results[task_id][0].read_bytes() != raw:
            problems.append(f"one result: that of {task_id} is another than was seen")
    return problems


def _sweep_until_quiet(warm: Warm, root: Path, notes: Path) -> list[str]:
    until = time.monotonic() + QUIET_SECONDS
    while True:
        child = warm.run(("sweep",), cwd=root, output=notes / "after")
        if child.code != 0:
            return [f"an end: a sweep afterwards exited {child.code}: {child.err.strip()}"]
        left = invariants.unfinished(root)
        if not left:
            warm.run(("sweep",), cwd=root, output=notes / "after")
            return []
        if time.monotonic() > until:
            return [f"an end: {left} never ended"]
        time.sleep(0.1)  # for the end of a retry's wait


@dataclass
class Cuts:
    made: int = 0
    survived: int = 0
    submitted: int = 0
    results: int = 0


def cut_power(
    folder: Path, kind: str, cuts: int, seed: int, say: Callable[[str], None] = print
) -> Cuts:
    """Cut so often on one kind of file system. Raises NotAllowed where that cannot be done."""
    total = Cuts()
    (folder / "warm-up").mkdir()
    outside = make_exchange(folder / "warm-up")
    with Warm(outside.environ, outside.root) as warm:
        while total.made < cuts:
            with disk(folder, kind) as made:
                _cut_disk(made, warm, folder, min(cuts, total.made + CUTS_A_DISK), seed, total, say)
    return total


def _cut_disk(
    made: Disk,
    warm: Warm,
    folder: Path,
    until: int,
    seed: int,
    total: Cuts,
    say: Callable[[str], None],
) -> None:
    make_exchange(made.mounted_at, SETTLED)
    os.sync()  # the site and the configuration are not what is tried here
    seen = Seen()
    problems: list[str] = []
    while total.made < until and not problems:
        number = seed + total.made
        problems = cut_once(made, warm, folder, seen, number)
        total.made += 1
        total.survived += not problems
        if problems:
            say(f"NOT SURVIVED  {made.kind}, the cut of --seed {number}")
            for problem in problems:
                say(f"    {problem}")
            kept = folder / f"kept-{made.kind}-{number}"
            shutil.copytree(made.mounted_at / "exchange", kept, symlinks=True)
            say(f"    kept: {kept}")
    total.submitted += len(seen.submitted)
    total.results += len(seen.results)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance.power_cut")
    parser.add_argument("--cuts", type=int, default=20, metavar="N", help="on each file system")
    parser.add_argument("--file-system", action="append", choices=list(FILE_SYSTEMS))
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--folder", type=Path, help="where the images lie")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that everything is unmounted
    sound = True
    parts = []
    for kind in options.file_system or FILE_SYSTEMS:
        folder = Path(tempfile.mkdtemp(prefix="workflow-power-", dir=options.folder))
        try:
            total = cut_power(folder, kind, options.cuts, options.seed)
        except NotAllowed as reason:
            parts.append(f"{kind} left out: {reason}")
            shutil.rmtree(folder)
            continue
        parts.append(
            f"{kind} {total.made} made, {total.survived} survived ({total.submitted} tasks"
            f" acknowledged, {total.results} results seen)"
        )
        if total.survived == total.made:
            shutil.rmtree(folder)
        else:
            sound = False
    print(f"power cuts: {'; '.join(parts)}")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())

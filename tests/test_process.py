"""A child process, with real processes and signals. No test waits by sleeping: that a tree is gone
is seen by the end of file of a pipe that every process of it inherited."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from workflow import kinship, process
from workflow.kinship import end_group, process_start
from workflow.process import Cancel, Finished, ProgramNotFound, run

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
LONG = 60.0
"""Seconds: a test that gets here has failed."""


@dataclass
class Lent:
    """A pipe whose writing end the child inherits, as it would a lock."""

    reader: int
    writer: int
    read: bytes = field(default=b"")

    def awaits(self, word: bytes) -> None:
        while word not in self.read:
            assert select.select([self.reader], [], [], LONG)[0], "the child never came to it"
            self.read += os.read(self.reader, 100)

    def is_free(self) -> bool:
        """Has the last process gone that held it?"""
        with contextlib.suppress(OSError):
            os.close(self.writer)
        while select.select([self.reader], [], [], 5)[0]:
            if not os.read(self.reader, 100):
                return True
        return False


@pytest.fixture
def lent() -> Iterator[Lent]:
    reader, writer = os.pipe()
    lent = Lent(reader, writer)
    yield lent
    os.close(reader)
    with contextlib.suppress(OSError):
        os.close(writer)


@contextlib.contextmanager
def watched(fifo: Path) -> Iterator[Lent]:
    """A named pipe in the place of an inherited one. Opened anew each time: once a writer has been
    there, "readable" may mean that one was, and reading while the next one comes would fail."""
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield Lent(reader, -1)
    finally:
        os.close(reader)


@dataclass
class Runner:
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def __call__(
        self,
        *argv: str,
        env: dict[str, str] | None = None,
        timeout: float | None = LONG,
        cancel: Cancel | None = None,
        lent: Lent | None = None,
        tail_bytes: int = 32_768,
        stdin: bytes = b"",
        grace: float = 0.2,
        log: Path | None = None,
    ) -> Finished:
        return run(
            argv,
            cwd=self.folder,
            env=env,
            log=log or self.log,
            timeout=timeout,
            cancel=cancel,
            keep_open=(lent.writer,) if lent else (),
            tail_bytes=tail_bytes,
            stdin=stdin,
            grace=grace,
        )

    def python(self, code: str, *argv: object, **options: object) -> Finished:
        return self(sys.executable, "-S", "-c", code, *map(str, argv), **options)  # type: ignore[arg-type]

    def cancelled_when_ready(self, lent: Lent, code: str, grace: float = 0.2) -> Finished:
        """Runs code that writes `ready` to descriptor argv[1]; cancels it then."""
        cancel = Cancel()

        def watch() -> None:
            lent.awaits(b"ready")
            cancel.set("by the test")

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            return self.python(code, lent.writer, cancel=cancel, lent=lent, grace=grace)
        finally:
            thread.join()


@pytest.fixture
def sut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.setattr(process, "DRAIN", 0.3)
    return Runner(tmp_path)


IGNORE_TERM = "import os, sys, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
READY = "os.write(int(sys.argv[1]), b'ready'); "


def test_stdout_and_stderr_are_kept_in_the_order_in_which_they_were_written(sut: Runner) -> None:
    finished = sut("sh", "-c", "echo one; echo two >&2; echo three; exit 3")
    assert (finished.returncode, finished.ended) == (3, "exited")
    assert finished.tail == sut.log.read_text() == "one\ntwo\nthree\n"
    assert finished.output_bytes == 14
    assert finished.log_error is None
    assert 0 < finished.duration < LONG


def test_arguments_never_meet_a_shell(sut: Runner) -> None:
    assert sut("printf", "%s", "$(id); `id` | *").tail == "$(id); `id` | *"


def test_a_child_that_dies_of_a_signal_says_which(sut: Runner) -> None:
    assert sut("sh", "-c", "kill -SEGV $$").returncode == -signal.SIGSEGV


def test_a_child_has_a_session_of_its_own(sut: Runner) -> None:
    assert (
        sut.python("import os; print(os.getsid(0) == os.getpid() == os.getpgid(0))").tail
        == "True\n"
    )


def test_a_child_reads_its_input_and_then_the_end_of_it(sut: Runner) -> None:
    given = b"x" * 1_000_000
    assert sut.python("import sys; print(len(sys.stdin.read()))", stdin=given).tail == "1000000\n"
    assert sut.python("import sys; print(len(sys.stdin.read()))").tail == "0\n"


def test_a_child_that_does_not_want_its_input_may_close_it(sut: Runner) -> None:
    finished = sut("sh", "-c", "exec <&-; echo done", stdin=b"x" * 1_000_000)
    assert (finished.returncode, finished.tail) == (0, "done\n")


def test_commands_of_one_attempt_share_a_log_that_others_cannot_write(sut: Runner) -> None:
    sut("echo", "one")
    sut("echo", "two")
    assert sut.log.read_text() == "one\ntwo\n"
    assert sut.log.stat().st_mode & 0o133 == 0


def test_a_silent_child_ends_when_its_time_is_up(sut: Runner, lent: Lent) -> None:
    finished = sut("sleep", "1000", timeout=0.1, lent=lent)
    assert (finished.returncode, finished.ended) == (-signal.SIGTERM, "timeout")
    assert finished.duration >= 0.1
    assert lent.is_free()


def test_a_child_that_never_stops_writing_ends_when_its_time_is_up(sut: Runner) -> None:
    finished = sut("yes", timeout=0.2, log=Path("/dev/null"))
    assert finished.ended == "timeout"
    assert finished.output_bytes > 100_000


def test_a_child_that_ignores_term_is_killed_with_its_whole_group(sut: Runner, lent: Lent) -> None:
    code = IGNORE_TERM + "os.fork(); " + READY + "time.sleep(1000)"
    finished = sut.cancelled_when_ready(lent, code)
    assert (finished.returncode, finished.ended) == (-signal.SIGKILL, "cancelled")
    assert lent.is_free()


def test_a_grandchild_that_ignores_term_does_not_outlive_a_child_that_heeds_it(
    sut: Runner, lent: Lent
) -> None:
    code = (
        "import os, sys, signal, time\n"
        "if os.fork() == 0:\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    " + READY + "\n"
        "time.sleep(1000)"
    )
    assert sut.cancelled_when_ready(lent, code).returncode == -signal.SIGTERM
    assert lent.is_free()


def test_a_child_may_tidy_up_during_the_grace_period(sut: Runner, lent: Lent) -> None:
    code = (
        "import os, sys, signal, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('tidied'), sys.exit(7)))\n"
        + READY
        + "time.sleep(1000)"
    )
    finished = sut.cancelled_when_ready(lent, code, grace=LONG)
    assert (finished.returncode, finished.ended, finished.tail) == (7, "cancelled", "tidied\n")


def test_a_group_is_asked_once_and_not_twice_to_end(sut: Runner, lent: Lent) -> None:
    code = (
        "import os, sys, signal, time\n"
        "def asked(*_):\n"
        "    os.write(1, b'asked\\n'); signal.sigtimedwait([signal.SIGUSR1], 0.2); os._exit(0)\n"
        "signal.signal(signal.SIGTERM, asked)\n"
        "if os.fork():\n"
        "    os.wait()\n"
        "else:\n"
        "    " + READY + "time.sleep(1000)"
    )
    assert sut.cancelled_when_ready(lent, code, grace=LONG).tail == "asked\nasked\n"


def test_nothing_is_started_for_a_task_that_is_already_cancelled(sut: Runner) -> None:
    cancel = Cancel()
    cancel.set("first")
    cancel.set("second")
    finished = sut("touch", "started", cancel=cancel)
    assert finished.ended == "cancelled"
    assert cancel.is_set()
    assert cancel.reason == "first"
    assert not (sut.folder / "started").exists()


def test_one_cancellation_ends_all_children_that_wait_for_it(sut: Runner, lent: Lent) -> None:
    cancel = Cancel()
    ended: list[str] = []
    code = f"import os, time; os.write({lent.writer}, b'!'); time.sleep(1000)"

    def one(name: str) -> None:
        finished = sut.python(code, cancel=cancel, lent=lent, log=sut.folder / name)
        ended.append(finished.ended)

    threads = [threading.Thread(target=one, args=(str(n),)) for n in range(3)]
    for thread in threads:
        thread.start()
    lent.awaits(b"!!!")
    cancel.set("all")
    for thread in threads:
        thread.join()
    assert ended == ["cancelled"] * 3
    assert lent.is_free()


@LINUX
@pytest.mark.parametrize("streams", ["", ">/dev/null 2>&1"], ids=["writing", "closed"])
def test_a_grandchild_with_its_own_session_keeps_neither_us_nor_the_lock(
    sut: Runner, lent: Lent, streams: str
) -> None:
    finished = sut("sh", "-c", f"setsid sleep 1000 {streams} & echo started", lent=lent)
    assert (finished.returncode, finished.ended, finished.tail) == (0, "exited", "started\n")
    assert finished.duration < LONG
    assert lent.is_free()


def test_a_grandchild_left_in_the_group_with_nothing_of_ours_is_ended(
    sut: Runner, lent: Lent
) -> None:
    # It holds only what the test can watch: no output, no leash (close_fds shuts them).
    code = (
        "import subprocess as s, sys\n"
        "s.Popen(['sleep', '1000'], stdout=s.DEVNULL, stderr=s.DEVNULL,\n"
        "        pass_fds=[int(sys.argv[1])])"
    )
    assert sut.python(code, lent.writer, lent=lent).ended == "exited"
    assert lent.is_free()


@LINUX
def test_a_daemon_that_let_go_of_everything_is_ended_only_with_a_child_that_was(
    sut: Runner,
) -> None:
    fifo = sut.folder / "fifo"
    os.mkfifo(fifo)
    daemon = (
        "import os, sys, time\n"
        "os.write(os.open(sys.argv[1], os.O_WRONLY), b'ready %d ' % os.getpid())\n"
        "time.sleep(1000)"
    )
    code = (
        "import subprocess as s, sys, time\n"
        f"s.Popen([sys.executable, '-S', '-c', {daemon!r}, sys.argv[1]],\n"
        "        stdout=s.DEVNULL, stderr=s.DEVNULL, start_new_session=True)\n"
        "while sys.argv[2] == 'stay': time.sleep(1000)"
    )
    with watched(fifo) as left:
        assert sut.python(code, fifo, "leave").ended == "exited"
        left.awaits(b"ready ")
        pid = int(left.read.split()[1])
        assert process_start(pid) is not None
        os.kill(pid, signal.SIGKILL)
        assert left.is_free()

    with watched(fifo) as marked:
        cancel = Cancel()

        def cancel_when_ready() -> None:
            marked.awaits(b"ready ")
            cancel.set("now")

        thread = threading.Thread(target=cancel_when_ready)
        thread.start()
        assert sut.python(code, fifo, "stay", cancel=cancel).ended == "cancelled"
        thread.join()
        assert marked.is_free()


def test_what_a_grandchild_writes_after_its_parent_has_gone_is_kept(
    sut: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "DRAIN", LONG)
    code = (
        "import os\n"
        "reader, writer = os.pipe()\n"
        "if os.fork(): print('early', flush=True); os._exit(4)\n"
        "os.close(writer)\n"
        "os.read(reader, 1)  # until the parent is no more\n"
        "os.write(1, b'late\\n')"
    )
    finished = sut.python(code)
    assert (finished.returncode, finished.tail) == (4, "early\nlate\n")


def test_a_child_that_closes_its_output_is_waited_for(sut: Runner) -> None:
    code = (
        "import os, time; os.write(1, b'bye'); os.closerange(0, 100); time.sleep(.2); os._exit(5)"
    )
    finished = sut.python(code)
    assert (finished.returncode, finished.tail) == (5, "bye")
    assert finished.duration >= 0.2


def test_a_tail_is_text_whatever_bytes_were_written(sut: Runner) -> None:
    written = b"\xff\x00a\x1b[31mred\x1b[0m\x1b]0;title\x07\x07 \xc3\xa9\r\n10%\r20%\n\xe2\x82"
    code = f"import os; os.write(1, {written!r})"
    finished = sut.python(code)
    assert finished.tail == "\\xffared é\n10%\n20%\n\\xe2\\x82"
    assert sut.log.read_bytes() == written


@pytest.mark.parametrize("size", [0, 10, 95, 100_000])
def test_a_tail_is_the_last_whole_lines_that_fit(sut: Runner, size: int) -> None:
    finished = sut("sh", "-c", "seq 10000 19999", tail_bytes=size)
    lines = [str(n) + "\n" for n in range(10000, 20000)]
    assert finished.tail == "".join(lines[len(lines) - min(size, 60_000) // 6 :])


def test_a_tail_of_one_endless_line_is_its_end(sut: Runner) -> None:
    finished = sut.python("print('é' * 500_000 + 'end', end='')", tail_bytes=100)
    assert finished.tail.endswith("ééend")
    assert 98 <= len(finished.tail.encode()) <= 100


def test_secrets_reach_neither_log_nor_tail(sut: Runner) -> None:
    env = {"PATH": os.environ["PATH"], "SITE_PASSWORD": "correct horse"}
    code = "echo pass $SITE_PASSWORD; printf 'Authorization: Bearer abc'; sleep 0.05; echo def"
    finished = sut("sh", "-c", code, env=env)
    assert finished.tail == "pass [redacted]\nAuthorization: [redacted]\n"
    assert sut.log.read_text() == finished.tail


def test_a_secret_behind_a_colour_does_not_reach_the_tail(sut: Runner) -> None:
    code = "print('aws_secret_\\x1b[1maccess_key\\x1b[0m = wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY')"
    assert sut.python(code).tail == "aws_secret_access_key = [redacted]\n"


BIG = r"""
import resource, sys
from pathlib import Path
from workflow.process import run
code = r'''import os
chunk = b"INFO copied public/posts/index.html (14.2 KiB) in 3 ms\n" * 20_000
for _ in range(180): os.write(1, chunk)'''
argv = [sys.executable, "-S", "-c", code]
def peak():
    unit = 1024 if sys.platform == "linux" else 1024**2
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit
before = peak()
finished = run(argv, cwd=Path("."), env=None, log=Path(sys.argv[1]), timeout=60)
print(finished.returncode, finished.output_bytes, peak() - before)
"""


def test_much_output_is_logged_whole_while_our_memory_stays_flat(sut: Runner) -> None:
    out = subprocess.run(
        [sys.executable, "-c", BIG, sut.log],
        env={**os.environ, "PYTHONPATH": str(Path(process.__file__).parents[1])},
        capture_output=True,
        check=True,
    ).stdout
    returncode, size, grown = map(int, out.split())
    assert returncode == 0
    assert size == sut.log.stat().st_size == 180 * 20_000 * 55
    assert grown < 25, f"{grown} MB for {size / 1e6:.0f} MB of output"
    sut.log.unlink()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_costs_the_log_and_nothing_else(sut: Runner) -> None:
    finished = sut("sh", "-c", "seq 100000; exit 6", log=Path("/dev/full"))
    assert (finished.returncode, finished.output_bytes) == (6, 588_895)
    assert finished.tail.endswith("99999\n100000\n")
    assert finished.log_error == f"/dev/full: {os.strerror(errno.ENOSPC)}"


def test_a_log_that_cannot_be_made_costs_the_log_and_nothing_else(sut: Runner) -> None:
    finished = sut("echo", "said", log=sut.folder / "missing" / "log")
    assert (finished.returncode, finished.tail) == (0, "said\n")
    assert "missing" in str(finished.log_error)


@pytest.mark.parametrize(
    ("program", "content", "mode", "reason"),
    [
        ("no-such-program", None, 0, "not found on PATH (/nowhere)"),
        ("./script", None, 0, "no such file"),
        ("./script", "#!/bin/sh\n", 0o644, "is not executable"),
        ("./script", "#!/no/such/shell\n", 0o755, "the interpreter that its first line names"),
        ("./script", "\x01\x02", 0o755, "is not a program"),
    ],
)
def test_a_program_that_cannot_be_started_is_named_with_the_reason(
    sut: Runner, program: str, content: str | None, mode: int, reason: str
) -> None:
    if content is not None:
        (sut.folder / program).write_text(content)
        (sut.folder / program).chmod(mode)
    with pytest.raises(ProgramNotFound) as caught:
        sut(program, env={"PATH": "/nowhere"})
    assert str(caught.value).startswith(f"{program}: {reason}")
    assert caught.value.program == program


def test_a_missing_folder_is_not_taken_for_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        run(["true"], cwd=tmp_path / "absent", env=None, log=tmp_path / "log", timeout=LONG)


def test_children_of_several_threads_hold_nothing_of_each_other(sut: Runner, lent: Lent) -> None:
    # A child that inherited another's pipe would keep it open, and each run would then last as
    # long as the slowest of all.
    cancel = Cancel()
    slow = threading.Thread(
        target=lambda: sut.python(
            f"import os, time; os.write({lent.writer}, b'up'); time.sleep(1000)",
            cancel=cancel,
            lent=lent,
            log=sut.folder / "slow",
        )
    )
    finished: dict[int, Finished] = {}

    def quick(number: int) -> None:
        for _ in range(5):
            finished[number] = sut(
                "sh", "-c", f"cat; echo {number}", stdin=b"in ", log=sut.folder / str(number)
            )

    threads = [threading.Thread(target=quick, args=(n,)) for n in range(4)]
    slow.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lent.awaits(b"up")
    assert slow.is_alive()
    cancel.set("done")
    slow.join()
    for number in range(4):
        assert finished[number].tail == f"in {number}\n"
        assert (sut.folder / str(number)).read_text() == f"in {number}\n" * 5


@LINUX
def test_no_descriptor_and_no_thread_is_left_behind(sut: Runner, lent: Lent) -> None:
    sut("true")
    before, threads = set(os.listdir("/proc/self/fd")), threading.active_count()
    sut("cat", stdin=b"in")
    sut("sleep", "1000", timeout=0.05)
    sut("sh", "-c", "setsid sleep 1000 &", lent=lent)
    with pytest.raises(ProgramNotFound):
        sut("no-such-program", stdin=b"in")
    assert set(os.listdir("/proc/self/fd")) == before
    assert threading.active_count() == threads


def _no_pidfd(pid: int, flags: int = 0) -> int:
    raise OSError(errno.ENOSYS, "not here")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS: neither pidfd nor /proc."""
    monkeypatch.setattr(os, "pidfd_open", _no_pidfd, raising=False)
    monkeypatch.setattr(kinship, "_PROC", "/nowhere")


@pytest.mark.usefixtures("elsewhere")
def test_without_pidfd_and_proc_a_child_is_followed_all_the_same(sut: Runner, lent: Lent) -> None:
    assert sut("sh", "-c", "echo hi; exit 3").returncode == 3
    code = IGNORE_TERM + "os.fork(); " + READY + "time.sleep(1000)"
    assert sut.cancelled_when_ready(lent, code).returncode == -signal.SIGKILL
    assert lent.is_free()


@pytest.mark.usefixtures("elsewhere")
def test_without_proc_a_grandchild_with_its_own_session_does_not_hang_us(
    sut: Runner, lent: Lent
) -> None:
    code = (
        "import os, time\n"
        "if os.fork(): os._exit(0)\n"
        "os.setsid(); print(os.getpid(), flush=True); time.sleep(1000)"
    )
    # Not to be found: what is asked is only that we come back. DRAIN must outlast its start.
    process.DRAIN = 2.0
    finished = sut.python(code, lent=lent)
    assert finished.returncode == 0
    assert finished.duration < LONG
    os.kill(int(finished.tail), signal.SIGKILL)
    assert lent.is_free()


@LINUX
def test_an_interrupted_run_takes_its_child_and_what_left_the_group_along(
    sut: Runner, lent: Lent, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = IGNORE_TERM + "os.fork() or (os.setsid(), os.write(1, b'up')); time.sleep(1000)"

    def interrupted(self: object, chunk: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("workflow.capture.Output.take", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sut.python(code, lent=lent)
    assert lent.is_free()


def test_a_child_that_cannot_be_followed_is_not_left_running(
    sut: Runner, lent: Lent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(child: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(process, "_exit_descriptor", refused)
    with pytest.raises(OSError, match="open files"):
        sut("sleep", "1000", lent=lent)
    assert lent.is_free()


def test_an_exit_code_that_the_kernel_throws_away_is_never_read_as_success(tmp_path: Path) -> None:
    code = (
        "import signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "from pathlib import Path; from workflow.process import run\n"
        "run(['false'], cwd=Path('.'), env=None, log=Path(sys.argv[1]), timeout=9)"
    )
    root = Path(process.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "log"], cwd=root, capture_output=True
    )
    assert b"SIGCHLD is ignored" in done.stderr


def test_importing_it_is_cheap() -> None:
    code = (
        "import sys, workflow.process\n"
        "print(*set(sys.modules) & {'asyncio', 'logging', 'ctypes', 'socket'})"
    )
    root = Path(process.__file__).parents[1]
    out = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=True)
    assert out.stdout == b"\n"


@pytest.mark.parametrize("place", ["here", "elsewhere"])
def test_the_lingering_group_of_a_dead_worker_is_ended(
    lent: Lent, place: str, request: pytest.FixtureRequest
) -> None:
    code = (
        "import os, sys, signal, time\n"
        "if os.fork(): sys.stdin.read(); os._exit(0)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + READY + "time.sleep(1000)"
    )
    worker = subprocess.Popen(
        [sys.executable, "-S", "-c", code, str(lent.writer)],
        stdin=subprocess.PIPE,
        pass_fds=[lent.writer],
        start_new_session=True,
    )
    lent.awaits(b"ready")
    worker.communicate(b"")
    if place == "elsewhere":
        request.getfixturevalue("elsewhere")
    end_group(worker.pid, 0.1)
    assert lent.is_free()
    end_group(worker.pid, 0.1)  # nobody there: nothing happens


@LINUX
def test_ending_a_group_lasts_no_longer_than_its_members_live() -> None:
    worker = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    started = time.monotonic()
    end_group(worker.pid, LONG)
    assert time.monotonic() - started < LONG / 2
    assert worker.wait() == -signal.SIGTERM


@pytest.mark.parametrize("place", ["here", "elsewhere"])
def test_a_process_is_told_from_a_later_one_of_the_same_number(
    place: str, request: pytest.FixtureRequest
) -> None:
    if place == "elsewhere":
        if not Path("/bin/ps").exists():
            pytest.skip("needs ps")
        request.getfixturevalue("elsewhere")
    other = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    living = process_start(other.pid)
    assert living is not None
    if place == "here":
        # `ps` counts in whole seconds: there, two processes may share one.
        assert living == process_start(other.pid) != process_start(os.getpid())
    assert other.stdin is not None
    other.stdin.close()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert process_start(other.pid) is None, "a zombie is dead"
    other.wait()
    assert process_start(other.pid) is None

"""Programs that do not end, do not heed, run away or never stop talking: sweeps deal with each."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.program import Program

PYTHON = f"exec {sys.executable} -c"
FORK_AND_CLOSE_ALL = (
    "import os, sys, time; print(\"begun\", flush=True)\n"
    "if os.fork() == 0:\n"
    "    os.setsid(); os.closerange(0, 4096)\n"
    "time.sleep(600)"
)  # fmt: skip
DAEMON = (
    "import os, time\n"
    "if os.fork() == 0:\n"
    "    os.setsid(); os.closerange(0, 4096); time.sleep(600)"
)  # fmt: skip
MINUTES = 0.03


@dataclass(frozen=True)
class Unruly:
    what: str
    script: str
    status: str = "timeout"
    says: str = ""
    """Pattern in the result's logs: what it printed before its time was up."""
    output: int | None = None
    """Bytes that the log must have."""


COLLECTION = [
    Unruly("ignores TERM", "trap '' TERM; echo before; while :; do sleep 1; done", says="before"),
    Unruly("takes TERM for a reason to go on", "trap 'echo no' TERM; while :; do sleep 1; done",
           says="no"),
    Unruly("tidies up when asked to", "trap 'echo tidied; exit 0' TERM; sleep 600 & wait",
           says="tidied"),
    Unruly("stops itself", "echo before; kill -STOP $$", says="before"),
    Unruly("leaves for another session", "setsid sh -c 'echo away; sleep 600' & sleep 600",
           says="away"),
    Unruly("leaves for another session and ignores TERM",
           "setsid sh -c 'trap \"\" TERM; echo away; while :; do sleep 1; done' & sleep 600",
           says="away"),
    Unruly("leaves a closed daemon", f"{PYTHON} '{FORK_AND_CLOSE_ALL}'", says="begun"),
    Unruly("ends well and leaves one in another session",
           "echo done; setsid sleep 600 >/dev/null 2>&1 & exit 0", "success", "done"),
    Unruly("ends well and leaves one with the pipe", "(sleep 600 &); echo done", "success", "done"),
    Unruly("ends badly and leaves one with the pipe", "(sleep 600 &); echo no; exit 3", "failed",
           "no"),
    Unruly("fills the pipe with one line", "head -c 20000000 /dev/zero | tr '\\0' x; sleep 600",
           says="xxxx", output=20_000_000),
    Unruly("prints noise", "head -c 300000 /dev/urandom; sleep 600"),
    Unruly("prints a result of its own", "printf -- '---\\nstatus: success\\n---\\n'; exit 3",
           "failed", "status: success"),
    Unruly("prints nothing for ever", "sleep 600"),
    Unruly("closes its output and goes on", "echo before; exec >&- 2>&-; sleep 600",
           says="before"),
    Unruly("waits to be told", "echo asks; read line; echo \"got '$line'\"", "success", "got ''"),
    Unruly("has a hundred children", "for i in $(seq 100); do sleep 600 & done; echo all; wait",
           says="all"),
    Unruly("has children without end", "while :; do sleep 600 & sleep 0.05; done"),
    Unruly("dies of a signal", "echo before; kill -SEGV $$", "failed", "before"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A word that the environment of every process of a test bears; none outlives the test."""
    token = secrets.token_hex(8)
    monkeypatch.setenv("UNRULY", token)
    word = f"UNRULY={token}"
    yield word
    for pid in bearers(word):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def bearers(mark: str) -> list[int]:
    """The living processes with this word in their environment."""
    found = []
    for name in os.listdir("/proc"):
        with suppress(OSError):
            if name.isdigit() and mark.encode() in Path(f"/proc/{name}/environ").read_bytes():
                found.append(int(name))
    return found


def until(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait for what other processes do, of which no event tells us."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def write(program: Program, task_id: str, script: str, minutes: float = MINUTES) -> str:
    text = "\n".join(f"    {line}" for line in script.splitlines())
    program.write(
        f"{task_id}.md",
        f"---\ntask_type: program\ntimeout_minutes: {minutes}\nparams:\n  script: |\n{text}\n---\n",
    )
    return task_id


def leases_held(program: Program) -> list[str]:
    held = []
    for path in (program.root / ".workflow/leases").iterdir():
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held.append(path.name)
    return held


def log_of(program: Program, task_id: str) -> Path:
    (path,) = program.root.glob(f"results/*/{task_id}.logs/attempt-1.log")
    return path


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="who is left is told by /proc, not on macOS"
)


@needs_proc
def test_every_unruly_program_ends_in_time_with_what_it_said_and_leaves_nobody(
    program: Program, mark: str
) -> None:
    ids = {f"unruly-{n}": unruly for n, unruly in enumerate(COLLECTION)}
    for task_id, unruly in ids.items():
        write(program, task_id, unruly.script)
    good = write(program, "good", "echo fine")

    started = time.monotonic()
    swept = program("sweep", "--jobs", "20")
    assert swept.code == 0, swept.err
    assert time.monotonic() - started < 40

    assert program.result(good)["status"] == "success"
    wrong = []
    for task_id, unruly in ids.items():
        result = program.result(task_id)
        folder = "completed" if unruly.status == "success" else "failed"
        whole = unruly.output in (None, log_of(program, task_id).stat().st_size)
        right = (result["status"], program.states(task_id)) == (unruly.status, [folder])
        if unruly.status == "timeout":
            right = right and result["error"]["code"] == "timeout"
            right = right and result["duration_seconds"] >= MINUTES * 60
        if not (right and whole and re.search(unruly.says, result.get("logs") or "")):
            wrong.append(f"{unruly.what}: {result['status']} {result.get('error')}")
    assert not wrong, "\n".join(wrong)
    assert bearers(mark) == [], "nobody is left"
    assert leases_held(program) == []


@needs_proc
def test_a_daemon_that_let_go_of_everything_is_let_be_and_holds_no_lease(
    program: Program, mark: str
) -> None:
    write(program, "daemon", f"{PYTHON} '{DAEMON}'", minutes=1)
    program("sweep")
    assert program.result("daemon")["status"] == "success"
    assert len(bearers(mark)) == 1
    assert leases_held(program) == []


# -- memory ------------------------------------------------------------------------------------


MEASURE = """
import os, resource, sys
done = os.waitpid(os.posix_spawn(sys.executable, [sys.executable, *sys.argv[1:]], os.environ), 0)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(done[1]))
"""
"""Between us and the sweep: a process starts with the peak of the one that spawned it, and ours
is higher than any sweep's."""


def peak_of_a_sweep(program: Program) -> int:
    """Run a sweep; the most memory that it, or any process that it waited for, ever had; in kB."""
    measured = subprocess.run(
        [sys.executable, "-I", "-S", "-c", MEASURE, *program.argv("sweep")[1:]],
        cwd=program.root, env=program.environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(measured.stdout)


@needs_proc
@pytest.mark.parametrize(
    "talk", ["yes", "tr '\\0' x </dev/zero"], ids=["short lines", "one line without an end"]
)
def test_the_memory_of_a_sweep_does_not_grow_with_what_a_program_prints(
    program: Program, talk: str
) -> None:
    write(program, "quiet", "echo quiet", minutes=1)
    quiet = peak_of_a_sweep(program)
    size = int(os.environ.get("WORKFLOW_TEST_OUTPUT_MB", "300")) * 1_000_000
    write(program, "loud", f"{talk} | head -c {size}", minutes=5)
    loud = peak_of_a_sweep(program)
    result = program.result("loud")
    log = log_of(program, "loud")
    written = log.stat().st_size
    log.unlink()  # such files are not kept for a look at failed tests
    assert result["status"] == "success"
    assert (result["outputs"]["output_bytes"], written) == (size, size)
    assert len(result["logs"]) < 100_000
    print(f"{size} bytes of output: {quiet} kB quiet, {loud} kB loud")
    assert loud - quiet < 24_000


# -- the sweep dies, the program does not ------------------------------------------------------

OUTLIVES = {
    "ignores TERM": "trap '' TERM; echo $$ >>begun; while :; do sleep 1; done",
    "left its session": "setsid sh -c 'echo $$ >>begun; sleep 600' & wait",
    "forked twice": "(sh -c 'echo $$ >>begun; sleep 600; :' &); sleep 600",
    "closed every descriptor": (
        f"{PYTHON} 'import os, time; os.closerange(0, 4096)\n"
        'open("begun", "a").write(f"{os.getpid()}\\n"); time.sleep(600)\''
    ),
}


@needs_proc
@pytest.mark.parametrize("what", OUTLIVES)
def test_a_program_that_outlives_its_killed_sweep_is_never_run_beside_itself(
    program: Program, mark: str, what: str
) -> None:
    begun = program.root / "begun"

    def beginnings() -> list[int]:
        return [int(line) for line in begun.read_text().split()] if begun.exists() else []

    write(program, "stays", OUTLIVES[what], minutes=5)
    sweep = program.start("sweep")
    until(beginnings)
    (first,) = beginnings()
    sweep.send_signal(signal.SIGKILL)
    sweep.wait()
    assert first in bearers(mark), "it was to live on"

    second = program.start("sweep")
    deadline = time.monotonic() + 5
    while second.poll() is None and time.monotonic() < deadline and len(beginnings()) == 1:
        time.sleep(0.05)
    living = set(beginnings()) & set(bearers(mark))
    second.send_signal(signal.SIGKILL)
    second.wait()
    assert len(living) <= 1, "two of one task at once"

    for pid in bearers(mark):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not bearers(mark))
    file = program.root / "tasks/in-progress/stays.md"
    file.write_text(re.sub(r"(?s)script: .*\n---\n", "script: echo again\n---\n", file.read_text()))
    assert program("sweep").code == 0
    result = program.result("stays")
    assert result["status"] == "success", "once nobody is left it runs again"
    assert result["attempts"][0]["status"] == "interrupted"
    assert leases_held(program) == []


@needs_proc
def test_the_sweep_that_a_program_kills_is_made_up_for(program: Program, mark: str) -> None:
    write(program, "patricide", "[ -e killed ] || { : >killed; kill -KILL $PPID; }; echo on")
    sweep = program.start("sweep")
    assert sweep.wait(30) == -signal.SIGKILL
    until(lambda: not bearers(mark))
    assert program("sweep").code == 0
    result = program.result("patricide")
    assert [a["status"] for a in result["attempts"]] == ["interrupted", "success"]

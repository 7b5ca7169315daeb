"""Folders that are missing, closed, somebody else's or none at all: clear errors, nothing lost."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.program import SECONDS, Program, Ran

NOBODY = 65534
FOLDERS = ["tasks/pending", "tasks/in-progress", "results", ".workflow", ".workflow/leases"]
STATES = ("pending", "waiting", "in-progress", "completed", "failed")


def as_user(program: Program, *words: str, seconds: float = SECONDS) -> Ran:
    """Run the program without the powers by which root passes over permissions."""
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]
    ran = subprocess.run(
        [*(powerless if os.geteuid() == 0 else []), *program.argv(*words)],
        cwd=program.root, env=program.environ, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=seconds, check=False,
    )  # fmt: skip
    return Ran(ran.returncode, ran.stdout, ran.stderr)


@pytest.fixture(autouse=True)
def _able() -> None:
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root can give up its powers by setpriv only, which is only on Linux")


@pytest.fixture
def ready(program: Program) -> Program:
    """An exchange in which everything is there that a sweep leaves."""
    (program.root / ".workflow/journal").mkdir(exist_ok=True)
    for name in ("sweep.lock", "last-sweep"):
        (program.root / ".workflow" / name).touch()
    return program


@dataclass(frozen=True)
class Broken:
    """Something that is done to a folder."""

    make: Callable[[Path], None]
    says: tuple[str, ...]
    """One of these must stand in the error."""


def _read_only(folder: Path) -> None:
    folder.chmod(0o555)


def _closed(folder: Path) -> None:
    folder.chmod(0)


def _foreign(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(folder, NOBODY, NOBODY)


def _file(folder: Path) -> None:
    folder.rename(folder.with_name(f"{folder.name}.aside"))
    folder.write_text("not a folder")


def _dangling(folder: Path) -> None:
    folder.rename(folder.with_name(f"{folder.name}.aside"))
    folder.symlink_to(folder.parent / "nowhere" / folder.name)


def mend(folder: Path) -> None:
    aside = folder.with_name(f"{folder.name}.aside")
    if aside.exists():
        folder.unlink()
        aside.rename(folder)
    if os.geteuid() == 0:
        os.chown(folder, 0, 0)
    folder.chmod(0o755)


BROKEN = {
    "read-only": Broken(_read_only, ("Permission denied",)),
    "closed": Broken(_closed, ("Permission denied",)),
    "foreign": Broken(_foreign, ("Permission denied",)),
    "a file": Broken(_file, ("should be a folder", "Not a directory")),
    "a dangling link": Broken(_dangling, ("should be a folder", "leads nowhere")),
}


def assert_clear(ran: Ran, folder: Path, says: tuple[str, ...]) -> None:
    """One error, which names the folder and the reason, and the next step below it."""
    assert "Traceback" not in ran.err
    assert ran.code == 1
    lines = ran.err.splitlines()
    (error,) = [line for line in lines if line.startswith("error:")]
    assert str(folder) in error, "it names the folder that is broken"
    assert any(reason in error for reason in says), error
    after = "\n".join(lines[lines.index(error) + 1 :])
    assert "`workflow doctor`" in after or "chmod" in after, "it says the next step"


def places(program: Program, task_id: str) -> list[str]:
    return [s for s in STATES if os.path.lexists(program.root / f"tasks/{s}/{task_id}.md")]


def write(program: Program, name: str) -> str:
    return program.write(f"{name}.md", "---\ntask_type: effect\nstatus: pending\n---\n").stem


CASES = [(name, how) for how in BROKEN if how != "closed" for name in FOLDERS]
CASES += [(name, "closed") for name in ("tasks/pending", "results", ".workflow")]
CASES += [("tasks/completed", "read-only"), (".workflow/journal", "read-only")]


@pytest.mark.parametrize(("name", "how"), CASES)
def test_a_broken_folder_is_named_with_the_reason_and_loses_nothing(
    ready: Program, name: str, how: str
) -> None:
    task_id = write(ready, "before")
    broken, folder = BROKEN[how], ready.root / name
    broken.make(folder)
    try:
        swept = as_user(ready, "sweep")
        if swept.code:
            assert_clear(swept, folder, broken.says)
            assert name in as_user(ready, "doctor").out, "the next step leads on"
        else:
            assert places(ready, task_id) == ["completed"], "it could do without"
    finally:
        mend(folder)
    assert len(places(ready, task_id)) == 1
    assert ready("sweep").code == 0
    assert places(ready, task_id) == ["completed"]
    kept = (ready.root / f"tasks/completed/{task_id}.md").read_text()
    assert kept == "---\ntask_type: effect\nstatus: completed\n---\n"
    assert ready.result(task_id)["status"] == "success"
    assert [p.name for p in ready.root.rglob("*.tmp")] == []


@pytest.mark.parametrize(("name", "how"), CASES)
def test_submit_either_submits_or_says_why_not(ready: Program, name: str, how: str) -> None:
    """Never both: whoever is told of an error submits again, and it would be done twice."""
    broken, folder = BROKEN[how], ready.root / name
    broken.make(folder)
    try:
        submitted = as_user(ready, "submit", "effect")
        if submitted.code:
            assert submitted.out == ""
            assert_clear(submitted, folder, broken.says)
    finally:
        mend(folder)
    pending = ready.exchange.names("pending")
    assert pending == ([] if submitted.code else [submitted.out.strip()])
    if name.startswith(".workflow"):
        assert submitted.code == 0, "submit needs nothing of the runtime state"


@pytest.mark.parametrize("name", FOLDERS)
def test_a_missing_folder_is_made_again(ready: Program, name: str) -> None:
    shutil.rmtree(ready.root / name)
    task_id = as_user(ready, "submit", "effect").out.strip()
    assert task_id
    assert as_user(ready, "sweep").code == 0
    assert ready.result(task_id)["status"] == "success"


def test_a_folder_may_be_a_link_to_a_folder(ready: Program) -> None:
    real = ready.root / "elsewhere"
    (ready.root / "results").rename(real)
    (ready.root / "results").symlink_to(real)
    task_id = ready.submit("effect")
    assert as_user(ready, "sweep").code == 0
    assert ready.result(task_id)["status"] == "success"


@pytest.mark.parametrize("how", [_closed, _dangling, _file], ids=["closed", "link", "no YAML"])
def test_a_configuration_that_cannot_be_read_is_named_and_costs_no_task(
    ready: Program, how: Callable[[Path], None]
) -> None:
    task_id = ready.submit("effect")
    config = ready.root / "workflow.yaml"
    how(config)
    for words in (["sweep"], ["--root", str(ready.root), "submit", "effect"]):
        ran = as_user(ready, *words)
        assert ran.code in (1, 2)
        assert "Traceback" not in ran.err
        (error,) = [line for line in ran.err.splitlines() if line.startswith("error:")]
        assert "workflow.yaml" in error
    assert ready.exchange.names("pending") == [task_id]
    mend(config)
    assert ready("sweep").code == 0
    assert ready.result(task_id)["status"] == "success"


def test_a_task_file_that_cannot_be_read_does_not_stop_the_one_beside_it(ready: Program) -> None:
    closed = ready.write("2026-01-01-0000-closed.md", "---\ntask_type: effect\n---\n")
    closed.chmod(0)
    good = ready.submit("effect")
    swept = as_user(ready, "sweep")
    assert "Traceback" not in swept.err
    assert ready.result(good)["status"] == "success"
    assert len(places(ready, closed.stem)) == 1
    if places(ready, closed.stem) == ["failed"]:
        error = ready.result(closed.stem)["error"]
        assert "Permission denied" in error["message"]


# -- locks of others ---------------------------------------------------------------------------


@pytest.fixture
def sweep_lock(ready: Program) -> Iterator[int]:
    """The sweep's lock, held by somebody else."""
    descriptor = os.open(ready.root / ".workflow/sweep.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield descriptor
    os.close(descriptor)


def test_a_lock_that_somebody_else_holds_ends_a_sweep_well_and_at_once(
    ready: Program, sweep_lock: int
) -> None:
    task_id = ready.submit("effect")
    assert (as_user(ready, "sweep").code, places(ready, task_id)) == (0, ["pending"])
    told = as_user(ready, "sweep", "--json")
    assert (told.code, told.data) == (0, {"swept": False})
    named = as_user(ready, "sweep", "--task", task_id)
    assert named.code == 75
    assert "another sweep" in named.err
    fcntl.flock(sweep_lock, fcntl.LOCK_UN)
    assert as_user(ready, "sweep").code == 0
    assert places(ready, task_id) == ["completed"]


@pytest.mark.usefixtures("sweep_lock")
def test_a_lock_that_is_held_for_ever_shows_as_a_sweeper_that_is_silent(ready: Program) -> None:
    sign = ready.root / ".workflow/last-sweep"
    ready.age(sign, 3600)
    task_id = ready.submit("effect")
    assert as_user(ready, "sweep").code == 0
    assert time.time() - sign.stat().st_mtime > 3000, "a sweep that did nothing is no sign of life"
    waited = as_user(ready, "wait", task_id, "--timeout", "1")
    assert waited.code in (8, 75)
    assert "sweep" in waited.err


def test_a_lock_file_that_cannot_be_written_is_named(ready: Program) -> None:
    task_id = ready.submit("effect")
    lock = ready.root / ".workflow/sweep.lock"
    lock.chmod(0o444)
    swept = as_user(ready, "sweep")
    if swept.code:
        assert_clear(swept, lock, ("Permission denied",))
        assert places(ready, task_id) == ["pending"]
    else:
        assert places(ready, task_id) == ["completed"]


def waits_for_a_lock(pid: int) -> bool:
    lines = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and f" {pid} " in line for line in lines)


needs_proc = pytest.mark.skipif(
    not Path("/proc/locks").exists(), reason="who waits is told by /proc, not on macOS"
)


@needs_proc
def test_submit_waits_while_somebody_holds_pending_and_then_goes_on(ready: Program) -> None:
    descriptor = os.open(ready.root / "tasks/pending", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    log = ready.root.parent / "started.log"
    submit = ready.start("submit", "effect")
    try:
        deadline = time.monotonic() + 30
        # Waiting in the kernel, or asking again and again: then it is its second of life.
        while not waits_for_a_lock(submit.pid) and submit.poll() is None:
            assert time.monotonic() < deadline
            if time.monotonic() > deadline - 27:
                break
            time.sleep(0.02)
        assert submit.poll() is None
        assert ready.exchange.names("pending") == []
        assert as_user(ready, "sweep").code == 0, "a sweep needs no such lock"
    finally:
        os.close(descriptor)
    assert submit.wait(30) == 0
    (task_id,) = ready.exchange.names("pending")
    assert task_id in log.read_text()


def test_submit_does_not_wait_for_ever_and_says_for_what(ready: Program) -> None:
    descriptor = os.open(ready.root / "tasks/pending", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        submitted = as_user(ready, "submit", "effect", seconds=45)
    finally:
        os.close(descriptor)
    assert (submitted.code, submitted.out) == (75, "")
    assert "tasks/pending" in submitted.err
    assert ready.exchange.names("pending") == []


def test_one_file_that_nobody_may_move_stops_no_other(program: Program) -> None:
    stuck = program.submit("effect")
    path = program.root / f"tasks/pending/{stuck}.md"
    if shutil.which("chattr") is None or subprocess.run(["chattr", "+i", path]).returncode:
        pytest.skip("files cannot be made immutable here: mounting is not allowed, or no root")
    try:
        beside = [program.submit("effect") for _ in range(3)]
        swept = program("sweep")
        assert swept.code == 1
        assert "Operation not permitted" in swept.err
        assert "Traceback" not in swept.err
        assert [program.result(task_id)["status"] for task_id in beside] == ["success"] * 3
        assert program.states(stuck) == ["pending"]
    finally:
        subprocess.run(["chattr", "-i", path], check=True)
    assert program("sweep").code == 0
    assert program.result(stuck)["status"] == "success"
    effects = (program.root / "effects.log").read_text().split()
    assert sorted(effects) == sorted([stuck, *beside])


def test_templates_that_may_only_be_read_are_enough(ready: Program) -> None:
    (ready.root / "tasks/templates").chmod(0o555)
    task_id = ready.submit("effect")
    assert as_user(ready, "sweep").code == 0
    assert ready.result(task_id)["status"] == "success"
    assert "templates" not in as_user(ready, "doctor").err

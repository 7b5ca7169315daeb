"""One line in a crontab: what it is, what it leaves alone, and that a real cron daemon runs it, one
that is started afterwards and one that runs already.

cron looks at the beginning of each minute. Its clock is set here, so that its next minute begins
at once; its jobs have the real one.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.program import Program, make_exchange
from tests.service import stand_ins
from tests.service.conftest import Served
from workflow.errors import WorkflowError
from workflow.service import cron
from workflow.service.job import Job

CRONTAB = r"""
import os, sys
from pathlib import Path
table = Path(os.environ["HOME"], "cron/table")
words = sys.argv[1:]
if (table.parent / "forbidden").exists():
    print("You (mark) are not allowed to use this program (crontab)", file=sys.stderr); sys.exit(1)
if words == ["-l"]:
    if not table.exists():
        print("no crontab for mark", file=sys.stderr); sys.exit(1)
    sys.stdout.buffer.write(table.read_bytes())
elif words == ["-r"]:
    table.unlink()
elif words == ["-"]:
    given = sys.stdin.buffer.read()
    if not given.endswith(b"\n"): sys.exit("new crontab file is missing newline before EOF")
    table.write_bytes(given)
"""
SPOOL = Path("/var/spool/cron/crontabs")
FAKETIME = [
    *Path("/usr/lib").glob("*/faketime/libfaketime.so.1"),
    *Path("/usr/lib/faketime").glob("libfaketime.so.1"),
]
THEIRS = b"# mine\nSHELL=/bin/bash\n0 3 * * 1 backup --to '50\\%' \xff # workflow-sweep-\n\n\n"


@dataclass(frozen=True)
class Crontab:
    served: Served

    @property
    def table(self) -> Path:
        return self.served.state / "table"


@pytest.fixture
def crontab(tmp_path: Path) -> Crontab:
    """A stand-in for crontab(1) that keeps one table in the home folder."""
    program = make_exchange(tmp_path)
    tools = stand_ins.put(tmp_path / "tools", "crontab", CRONTAB)
    state = Path(program.environ["HOME"]) / "cron"
    state.mkdir()
    return Crontab(Served(program, "cron", state, f"{tools}:/usr/bin:/bin"))


def test_the_line_is_added_once_and_taken_out_again_byte_for_byte(crontab: Crontab) -> None:
    crontab.table.write_bytes(THEIRS)
    for _ in range(2):
        ran = crontab.served("install", "--kind", "cron", "--wait", "0")
        assert ran.code == 0, ran.err
        table = crontab.table.read_bytes()
        assert table.startswith(THEIRS)
        assert table.count(b" sweep >>") == 1
    assert "nothing to do" in ran.err
    ran = crontab.served("uninstall", "--kind", "cron")
    assert ran.code == 0
    assert " sweep >>" in ran.out, "the line that went is said"
    assert crontab.table.read_bytes() == THEIRS


def test_a_crontab_that_held_nothing_else_is_removed(crontab: Crontab) -> None:
    assert crontab.served("install", "--kind", "cron", "--wait", "0").code == 0
    assert crontab.served("uninstall").code == 0
    assert not crontab.table.exists()


def test_a_crontab_that_cannot_be_read_is_not_written(crontab: Crontab) -> None:
    crontab.table.write_bytes(THEIRS)
    (crontab.served.state / "forbidden").touch()
    ran = crontab.served("install", "--kind", "cron", "--wait", "0")
    assert ran.code == 1
    assert "not allowed" in ran.err
    assert crontab.table.read_bytes() == THEIRS


def test_a_renewed_line_takes_the_place_of_the_old_one(crontab: Crontab, tmp_path: Path) -> None:
    assert crontab.served("install", "--kind", "cron", "--wait", "0").code == 0
    (tmp_path / "more").mkdir()
    path = f"{crontab.served.tools}:{tmp_path / 'more'}"
    ran = crontab.served("install", "--wait", "0", PATH=path)
    assert ran.code == 0, ran.err
    assert ran.out.count("replaced") == 1
    assert crontab.table.read_bytes().count(b"\n") == 1


def test_status_and_rehearsal_work_with_cron_too(crontab: Crontab) -> None:
    ran = crontab.served("install", "--kind", "cron", "--dry-run")
    assert ran.code == 0
    assert "* * * * * " in ran.out
    assert not crontab.table.exists()
    assert crontab.served("install", "--kind", "cron", "--wait", "0").code == 0
    crontab.served.program("sweep")
    ran = crontab.served("status", "--json")
    assert ran.code == 0
    assert ran.data["timers"][0]["loaded"] is True
    assert ran.data["timers"][0]["last_exit"] is None


def test_the_shell_that_cron_calls_gets_what_was_meant(tmp_path: Path) -> None:
    odd = '/a b%c $d "e" f\'g é/x'
    line = cron.line(Job(odd, ("/v/work flow",), f"/usr/bin:{odd}"))
    assert line.split()[:5] == ["*"] * 5
    command = line.split(maxsplit=5)[5]
    # crontab(5): a % that is not escaped ends the command.
    assert "%" not in command.replace("\\%", "")
    words = shlex.split(command.replace("\\%", "%"), comments=True)
    assert words[:2] == ["/usr/bin/env", f"PATH=/usr/bin:{odd}"]
    assert words[2:6] == ["/v/work flow", "--root", odd, "sweep"]
    assert words[6] == f">>{odd}/.workflow/timer.log"


def test_a_long_path_is_shortened_and_a_too_long_folder_refused() -> None:
    many = ":".join(f"/Users/mark/tools/number-{n}/bin" for n in range(60)) + ":/usr/bin:/bin"
    job = Job("/srv/tasks", ("/v/workflow",), many)
    line = cron.line(job)
    assert len(line) <= cron.LONGEST_COMMAND
    assert "number-0/bin" in line
    assert ":/usr/bin:/bin " in line
    assert any("too long" in said for said in cron.advice(job, None))  # type: ignore[arg-type]
    with pytest.raises(WorkflowError, match="longer than"):
        cron.line(Job("/" + "x" * 1000, ("/v/workflow",), "/usr/bin"))


def _require_cron() -> None:
    if os.geteuid() != 0 or shutil.which("cron") is None or not FAKETIME:
        pytest.skip("the package cron or faketime is not installed, or this is not root")


OWN_SPOOL = (
    f"mount -t tmpfs none /var/spool || exit 99; mkdir -p {SPOOL} && chmod 1730 {SPOOL}"
    f" && chgrp crontab {SPOOL} && mount -t tmpfs none /run"
)
"""In a mount namespace of its own: nobody else's crontab is seen or touched."""


def _cron_with(program: Program, words: list[str], folder: Path) -> subprocess.Popen[str]:
    """A real cron daemon that finds, in a spool of its own, what a command of ours installed.

    Its clock is set so that the next minute begins two seconds after its start.
    """
    _require_cron()
    script = (
        f"{OWN_SPOOL} && {shlex.join(program.argv(*words))} >{folder / 'installed'} 2>&1"
        f" && exec env LD_PRELOAD={FAKETIME[0]} FAKETIME=$(printf %+d $((58 - $(date +%s) % 60)))"
        " cron -f"
    )
    return subprocess.Popen(
        ["unshare", "--mount", "/bin/sh", "-c", script],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        cwd=program.root, env=program.environ,
    )  # fmt: skip


def test_a_real_cron_daemon_runs_the_tasks(tmp_path: Path) -> None:
    folder = tmp_path / "per%cent and space"
    folder.mkdir()
    program = make_exchange(folder)
    task_id = program.submit("noop")
    words = ["service", "install", "--kind", "cron", "--as-root", "--wait", "0"]
    cron_daemon = _cron_with(program, words, tmp_path)
    log = program.root / ".workflow/timer.log"
    try:
        until = time.monotonic() + 60
        while not program.exchange.result(task_id) and time.monotonic() < until:
            if cron_daemon.poll() == 99:
                pytest.skip("mounting is not allowed")
            assert cron_daemon.poll() is None, (tmp_path / "installed").read_text()
            time.sleep(0.1)
    finally:
        cron_daemon.kill()
        cron_daemon.communicate()
    assert log.exists(), "cron has called it"
    assert program.result(task_id)["status"] == "success", log.read_text()
    assert task_id in log.read_text()


class Running:
    """A cron daemon that ran before anything of ours was installed, and has a crontab to run.

    Its clock goes twenty times as fast: its minutes last three seconds, those of its jobs do not.
    """

    def __init__(self, program: Program, folder: Path) -> None:
        self.program = program
        self.beats = folder / "beats"
        self.theirs = f"# mine\n* * * * * echo beat >>{self.beats}\n"
        script = (
            f"{OWN_SPOOL} && printf %s {shlex.quote(self.theirs)} | crontab -"
            f" && exec env LD_PRELOAD={FAKETIME[0]} FAKETIME='+0 x20' NO_FAKE_STAT=1 cron -f"
        )
        self.daemon = subprocess.Popen(
            ["unshare", "--mount", "/bin/sh", "-c", script],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env=program.environ,
        )  # fmt: skip

    def inside(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a program where the daemon's spool is."""
        return subprocess.run(
            ["nsenter", f"--mount=/proc/{self.daemon.pid}/ns/mnt", "--", *argv],
            env=self.program.environ, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def service(self, *words: str) -> subprocess.CompletedProcess[str]:
        root = str(self.program.root)
        return self.inside(*self.program.argv("--root", root, "service", *words))

    def minutes(self, number: int) -> None:
        """Wait until so many more of its minutes have begun."""
        wanted = self._beats() + number
        until = time.monotonic() + 60
        while self._beats() < wanted:
            if self.daemon.poll() == 99:
                pytest.skip("mounting is not allowed")
            assert self.daemon.poll() is None and time.monotonic() < until, self.beats
            time.sleep(0.05)

    def _beats(self) -> int:
        return self.beats.read_text().count("beat") if self.beats.exists() else 0


def test_a_cron_daemon_that_runs_already_takes_the_line_in_and_gives_it_up(tmp_path: Path) -> None:
    _require_cron()
    program = make_exchange(tmp_path)
    task_id = program.submit("noop")
    running = Running(program, tmp_path)
    try:
        running.minutes(2)  # cron tells changes by whole seconds
        installed = running.service("install", "--kind", "cron", "--as-root", "--wait", "60")
        assert installed.returncode == 0, installed.stderr
        assert program.result(task_id)["status"] == "success"
        assert "cron" in running.service("status").stdout
        table = running.inside("crontab", "-l").stdout
        assert table.startswith(running.theirs) and table.count("workflow-sweep-") == 1
        running.minutes(1)
        assert running.service("uninstall", "--as-root").returncode == 0
        assert running.inside("crontab", "-l").stdout == running.theirs
        running.minutes(1)  # one may have begun before the line was gone
        last = (program.root / ".workflow/last-sweep").stat().st_mtime_ns
        running.minutes(2)
        assert (program.root / ".workflow/last-sweep").stat().st_mtime_ns == last
    finally:
        running.daemon.kill()
        running.daemon.communicate()

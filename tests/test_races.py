"""Many at once: every task is done once, every submitter gets an id of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.program import CONFIG, Program

EFFECT = "---\ntask_type: effect\nstatus: pending\n---\n"
SWEEPS = 16
SUBMITTERS = 8

SUBMITTER = """
import sys
from pathlib import Path
from workflow.cli import run

root, name = sys.argv[1:3]
for turn in range(int(sys.argv[3])):
    if turn % 2:
        assert run(["submit", "effect", "--root", root]) == 0
    else:
        # As an editor does: the name is there before the bytes are.
        task_id = f"2026-01-01-0000-effect-{name}-{turn}"
        Path(root, "tasks/pending", task_id + ".md").write_text("---\\ntask_type: effect\\n---\\n")
        print(task_id, flush=True)
"""
"""Submits by the command and by plain writes, in turns; prints the ids."""

SLOW_WRITER = """
import os, sys, time
from pathlib import Path

root = Path(sys.argv[1])
pending, sign = root / "tasks/pending", root / ".workflow/last-sweep"

def sweeps_go_on(since, longest):
    until = time.monotonic() + longest
    while not (sign.exists() and sign.stat().st_mtime > since):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True

(pending / "2026-01-01-0000-effect-left.md").write_text("---\\ntask_type: effect\\nparams:\\n")
text = "---\\ntask_type: effect\\nstatus: pending\\npriority: high\\nparams: {fail: false}\\n---\\n"
files = [(pending / f"2026-01-01-0000-effect-slow-{n}.md").open("w") for n in range(4)]
seen = 0
for at in range(0, len(text), 7):
    for file in files:
        file.write(text[at : at + 7])
        file.flush()
    seen += sweeps_go_on(time.time(), 1)
print(seen)
"""
"""Writes four files at once, a few bytes at a time; leaves a fifth half-written at the start.

Between two writes it waits for a sweep's sign of life, so that sweeps see the halves, but not for
as long as a half file is left alone. Prints how often there was one.
"""
SETTLE = "policies: {settle_seconds: 8}\n"
"""Longer than any pause of the slow writer, on a busy machine too."""

LAUNCHER = """
import os, sys
import workflow.sweeping, workflow.sweep, workflow_test_handlers.effect
from workflow.__main__ import main

sys.argv[1:] = ["sweep", "--root", sys.argv[1]]
while sys.stdin.readline():
    barrier, go = os.pipe()
    children = []
    for _ in range(%d):
        if not (child := os.fork()):
            os.close(go)
            os.read(barrier, 1)
            main()
        children.append(child)
    os.close(barrier)
    os.close(go)
    print(*(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children), flush=True)
""" % (SWEEPS)  # fmt: skip  # noqa: UP031
"""At each line that it reads: 16 processes that have loaded everything reach the lock at once."""


def start_all_at_once(program: Program, *words: str) -> list[subprocess.Popen[bytes]]:
    """Start so many sweeps, and let them go together."""
    barrier, go = os.pipe()
    with (program.root.parent / "sweeps.log").open("a") as log:
        sweeps = [
            subprocess.Popen(
                ["/bin/sh", "-c", 'read line; exec "$@"', "sh", *program.argv("sweep", *words)],
                cwd=program.root, env=program.environ, stdin=barrier, stdout=log, stderr=log,
            )
            for _ in range(SWEEPS)
        ]  # fmt: skip
    os.close(barrier)
    os.close(go)  # the end of file lets all of them go
    return sweeps


def sweep_all_at_once(program: Program, *words: str) -> None:
    assert [sweep.wait(60) for sweep in start_all_at_once(program, *words)] == [0] * SWEEPS


def sweep_in_waves_beside(
    program: Program, writing: Sequence[subprocess.Popen[str]], *words: str
) -> None:
    """Start the next wave as soon as all but one, who does the work, have ended; then a last one.

    The one goes on while there is work, so waiting for it would make a single wave of it all.
    """
    waves = 0
    sweeps: list[subprocess.Popen[bytes]] = []
    while waves < 3 or any(writer.poll() is None for writer in writing):
        if sum(sweep.poll() is None for sweep in sweeps) <= 1:
            sweeps += start_all_at_once(program, *words)
            waves += 1
        time.sleep(0.01)
    assert [sweep.wait(60) for sweep in sweeps] == [0] * SWEEPS * waves
    sweep_all_at_once(program, *words)


def submitters(program: Program, each: int) -> list[subprocess.Popen[str]]:
    return [
        subprocess.Popen(
            [sys.executable, "-c", SUBMITTER, str(program.root), str(number), str(each)],
            env=program.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        for number in range(SUBMITTERS)
    ]  # fmt: skip


def ids_of(submitting: list[subprocess.Popen[str]]) -> list[str]:
    ids = [line for submitter in submitting for line in submitter.communicate()[0].split()]
    assert [submitter.returncode for submitter in submitting] == [0] * SUBMITTERS
    assert len(ids) == len(set(ids)), "an id of its own for each"
    return ids


def assert_each_done_once(program: Program, ids: list[str], refused: tuple[str, ...] = ()) -> None:
    """One effect, one attempt, one result, one folder each; and nothing else is there."""
    effects = Counter((program.root / "effects.log").read_text().split())
    assert effects == Counter(ids), "every effect once"
    assert sorted(program.exchange.names("completed")) == sorted(ids)
    assert sorted(program.exchange.names("failed")) == sorted(refused)
    for state in ("pending", "waiting", "in-progress"):
        assert program.exchange.names(state) == []
    found = [p.name.removesuffix(".result.md") for p in program.root.glob("results/2*/*.md")]
    assert sorted(found) == sorted([*ids, *refused]), "one result each"
    for task_id in ids:
        result = program.result(task_id)
        assert (result["status"], len(result["attempts"])) == ("success", 1), task_id
    assert [p.name for p in program.root.rglob("*.tmp")] == []
    assert list((program.root / ".workflow/leases").iterdir()) == []


def test_sixteen_sweeps_at_once_beside_eight_submitters_and_a_slow_writer(
    program: Program,
) -> None:
    (program.root / "workflow.yaml").write_text(CONFIG + SETTLE)
    writer = subprocess.Popen(
        [sys.executable, "-c", SLOW_WRITER, str(program.root)], stdout=subprocess.PIPE, text=True
    )
    submitting = submitters(program, 62)
    sweep_in_waves_beside(program, [writer, *submitting])
    ids = ids_of(submitting)
    assert int(writer.communicate()[0]) >= 1, "sweeps saw the files half-written"

    half = program.root / "tasks/pending/2026-01-01-0000-effect-left.md"
    deadline = time.monotonic() + 30
    while half.exists():
        assert time.monotonic() < deadline, "a file left half-written is taken in once it settled"
        if time.time() - half.stat().st_mtime >= 8:
            sweep_all_at_once(program)
        time.sleep(0.05)

    ids += [f"2026-01-01-0000-effect-slow-{number}" for number in range(4)]
    assert len(ids) == 500
    assert_each_done_once(program, ids, refused=(half.stem,))
    refused = program.result(half.stem)
    assert refused["error"]["code"] == "unreadable_task"
    failed = program.root / "tasks/failed" / half.name
    assert failed.read_text() == "---\ntask_type: effect\nparams:\n", "byte for byte"


def test_sixteen_sweeps_of_eight_jobs_each_do_every_task_once(program: Program) -> None:
    submitting = submitters(program, 12)
    sweep_in_waves_beside(program, submitting, "--jobs", "8")
    assert_each_done_once(program, ids_of(submitting))


def test_sixteen_sweeps_that_reach_the_lock_together_do_every_task_once(program: Program) -> None:
    with (program.root.parent / "sweeps.log").open("w") as log:
        launcher = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, str(program.root)],
            env=program.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            text=True,
        )  # fmt: skip
    assert launcher.stdin is not None
    assert launcher.stdout is not None
    ids = []
    for turn in range(25):
        for number in range(4):
            path = program.write(f"2026-01-01-0000-effect-{turn}-{number}.md", EFFECT)
            ids.append(path.stem)
        launcher.stdin.write("\n")
        launcher.stdin.flush()
        assert launcher.stdout.readline().split() == ["0"] * SWEEPS
    launcher.stdin.close()
    assert launcher.wait(30) == 0
    launcher.stdout.close()
    assert_each_done_once(program, ids)


def test_a_key_that_eight_submitters_use_at_once_makes_one_task(program: Program) -> None:
    racing = [
        subprocess.Popen(
            program.argv("submit", "noop", "--key", "one"), cwd=program.root,
            env=program.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        for _ in range(8)
    ]  # fmt: skip
    ids = {process.communicate()[0].strip() for process in racing}
    assert len(ids) == 1
    assert program.exchange.names("pending") == list(ids)

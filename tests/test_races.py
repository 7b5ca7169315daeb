"""Many at once: every task is done once, every submitter gets an id of its own."""

from __future__ import annotations

import subprocess
import sys

from tests.program import Program

SUBMITTER = """
import sys
from workflow.config import load_config
from workflow.exchange import Exchange
from workflow.submission import Wish, submit
exchange, config = Exchange(sys.argv[1]), load_config(sys.argv[1])
for _ in range(int(sys.argv[2])):
    print(submit(exchange, config, Wish("noop")), flush=True)
"""


def test_two_sweeps_and_eight_submitters_do_every_task_once(program: Program) -> None:
    each = 25
    submitters = [
        subprocess.Popen(
            [sys.executable, "-c", SUBMITTER, str(program.root), str(each)],
            env=program.environ, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(8)
    ]  # fmt: skip
    sweeps = 0
    while any(submitter.poll() is None for submitter in submitters):
        pair = [program.start("sweep") for _ in range(2)]
        assert [sweep.wait(60) for sweep in pair] == [0, 0]
        sweeps += 2
    ids = [line for s in submitters for line in s.communicate()[0].split()]
    assert program("sweep").code == 0

    assert sweeps >= 2
    assert len(ids) == len(set(ids)) == 8 * each
    assert sorted(program.exchange.names("completed")) == sorted(ids)
    results = [p.name.removesuffix(".result.md") for p in program.root.glob("results/2*/*.md")]
    assert sorted(results) == sorted(ids), "one result each"
    assert all(len(program.result(task_id)["attempts"]) == 1 for task_id in ids)
    left = [p.name for p in program.root.rglob("*.tmp")]
    assert left == []
    assert list((program.root / ".workflow/leases").iterdir()) == []


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

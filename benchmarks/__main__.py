"""`python -m benchmarks [--only NAME] [--quick]`: measures, and prints Markdown tables."""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import workflow
from benchmarks import begin, deploys, history, hook, hugo, idle, onefile, throughput, validation
from benchmarks.measure import Row
from benchmarks.workshop import Workshop

PARTS: dict[str, Callable[[Workshop], Iterator[Row]]] = {
    "idle": idle.measure,
    "onefile": onefile.measure,
    "hook": hook.measure,
    "throughput": throughput.measure,
    "begin": begin.measure,
    "hugo": hugo.measure,
    "history": history.measure,
    "deploys": deploys.measure,
    "validation": validation.measure,
}

HEAD = """\
| what | ours | peer or floor | ratio (half of all pairs) | bar | |
| --- | ---: | ---: | ---: | ---: | --- |"""


def main() -> int:
    """0 if nothing is over its bar, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=PARTS, metavar="NAME", help=f"one of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="small: does it run, not how fast")
    wanted = parser.parse_args()
    # A checkout may lack its .pyc files, and then every start would pay for compiling.
    package = Path(workflow.__file__).parent
    compileall.compile_dir(package, quiet=1)
    # Ended by `timeout`, say: the scratch folder, with its 200,000 files, goes all the same.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    print(HEAD, flush=True)
    over = 0
    with tempfile.TemporaryDirectory(prefix="workflow-benchmarks-") as scratch:
        workshop = Workshop(Path(scratch), quick=wanted.quick)
        for name, measure in PARTS.items():
            if wanted.only in (None, name):
                for row in measure(workshop):
                    over += row.passed is False
                    print(row.markdown(), flush=True)
    for table in workshop.appendix:
        print(f"\n{table}")
    print(f"\n{_about(wanted.quick)}")
    return 1 if over else 0


def _about(quick: bool) -> str:
    load = os.getloadavg()[0]
    said = (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, load {load:.1f}. Medians of runs taken in turns; "
        "a ratio is time by time, below 1 we are quicker. Installed package, compiled beforehand."
    )
    if load > (os.cpu_count() or 1):
        said += " The machine was busy with other work: repeat what lies near its bar."
    return said + (" QUICK: too small to be quoted." if quick else "")


if __name__ == "__main__":
    sys.exit(main())

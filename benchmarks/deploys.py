"""Publishing a built site to S3: ours beside the tools that people use, one server for all.

Every tool is a process, timed from its start to its end, in turns, the order turning round. Ours
is `workflow sweep` with one deploy task, so that all it does beyond sending files counts: guards,
plan, lock, journal, result, release, and asking the site whether it serves what was published.
Before the times, each tool goes once over a wire that counts its requests, which warms up both
sides and shows its peak memory.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.deploy_peers import HUGO, LOOPS, REGION, TOOLS, Peer, Way
from benchmarks.deploy_site import BASE_URL, BuiltSite, digests
from benchmarks.deploy_wire import wire
from benchmarks.measure import Pair, Row, duration, run
from benchmarks.peers import Absent
from benchmarks.workshop import Workshop, open_exchange
from tests.deploy.servers import ADMIN, SeaweedFS, seaweedfs, website
from workflow import layout, publicdir
from workflow.deploy import content
from workflow.exchange import Exchange
from workflow.hugo.record import BuildRecord, write_record
from workflow.result import read_result
from workflow.submission import Wish, submit

BAR, AIM = 0.8, 0.5
"""Of the time of the best tool, and of `hugo deploy`."""
DELAY = 0.03
"""Seconds that each request takes longer, on a second wire."""
SLOW = 3
"""Who needs so many times what the quickest needs is timed once, not in every round."""
OURS = "workflow"

_ENVIRONMENT, _SITE = "staging", "main"
_PRIVATE = ".workflow/"
_CONFIG = """\
version: 1
sites:
  main: {{path: "{site}"}}
environments:
  {environment}:
    base_url: "{base_url}"
    approval: none
    deploy:
      strategy: native
      bucket: {bucket}
      region: {region}
      endpoint_url: "{endpoint}"
      verify_url: "{website}"
"""
_OBSERVER = """\
import os, sys
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
with open(sys.argv[1], "w") as file:
    file.write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Small, so that what it was before it became the tool is not taken for the tool's memory."""


@dataclass
class Case:
    """One kind of publication, and what it took whom."""

    what: str
    rounds: int
    times: dict[str, dict[int, float]] = field(default_factory=dict)
    """Tool -> round -> seconds."""
    requests: dict[str, int] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    """In KiB, of the largest process."""

    def note(self, tool: str, number: int, seconds: float) -> None:
        self.times.setdefault(tool, {})[number] = seconds

    def median(self, tool: str) -> float:
        return median(self.times[tool].values())

    def beside(self, tool: str) -> Pair:
        """Ours and the tool's, of the rounds in which both ran."""
        ours, other = self.times[OURS], self.times[tool]
        both = sorted(ours.keys() & other.keys())
        return Pair([ours[n] for n in both], [other[n] for n in both])

    def slow(self, tool: str) -> bool:
        """Whether the first round has shown that no further ones are needed."""
        first = {name: times[0] for name, times in self.times.items() if 0 in times}
        return tool in first and first[tool] > SLOW * min(first.values())


def measure(workshop: Workshop) -> Iterator[Row]:
    with ExitStack() as closing:
        arena = Arena(workshop, closing)
        for case in arena.measure():
            yield from _rows(case, workshop)
    for name, reason in arena.absent.items():
        yield Row("deploy", "-", f"{name}: {reason}")
    workshop.appendix.append(_table(arena))


class Arena:
    """The server, the sites, and everybody who takes part."""

    def __init__(self, workshop: Workshop, closing: ExitStack) -> None:
        self.workshop = workshop
        self.closing = closing
        self.server = closing.enter_context(seaweedfs(volume_megabytes=1024))
        self.wire = closing.enter_context(wire(self.server.endpoint))
        quick = workshop.quick
        self.site = BuiltSite(workshop.scratch / "site" / "public", 60 if quick else 5_200)
        self.small = BuiltSite(workshop.scratch / "small-site" / "public", 30 if quick else 520)
        self.tools: dict[str, Peer] = {OURS: self._ours, **TOOLS, **LOOPS}
        self.absent: dict[str, Absent] = {}
        few, many = (1, 1) if quick else (3, 5)
        files, changed = f"{self.site.files:,} files", f"{len(self.site.edited)} of them changed"
        late = f"each request {DELAY * 1000:.0f} ms late"
        self.first = Case(f"first publish, {files}", few)
        self.rebuilt = Case(f"rebuilt, {files}, none changed", many)
        self.edited = Case(f"rebuilt, {files}, {changed}", many)
        self.late_first = Case(f"{self.first.what}, {late}", few)
        self.late_small = Case(f"first publish, {self.small.files} files, {late}", few)
        self.late_rebuilt = Case(f"{self.rebuilt.what}, {late}", few)
        self.late_edited = Case(f"{self.edited.what}, {late}", few)
        self.cases = [
            self.first, self.rebuilt, self.edited,
            self.late_first, self.late_edited, self.late_rebuilt, self.late_small,
        ]  # fmt: skip
        self._edition = 0

    def measure(self) -> Iterator[Case]:
        """Each case once it is done."""
        for site in (self.site, self.small):
            site.build()
            # What makes a folder a Hugo site, for those who look.
            (site.folder.parent / "hugo.toml").write_text(f'baseURL = "{BASE_URL}"\n')
        late = {tool: self._way(self.site, self.wire.endpoint) for tool in self.tools}
        self._count(self.first, late)
        self._rebuild()
        self._count(self.rebuilt, late)
        self._rebuild(edited=True)
        self._count(self.edited, late)
        ways = self._first(self.first, self.site, self.server.endpoint)
        yield self.first
        self._again(self.rebuilt, ways)
        yield self.rebuilt
        self._again(self.edited, ways, edited=True)
        yield self.edited
        self.wire.delay(DELAY)
        self._first(self.late_first, self.site, self.wire.endpoint)
        yield self.late_first
        self._again(self.late_edited, late, edited=True)
        yield self.late_edited
        self._again(self.late_rebuilt, late)
        yield self.late_rebuilt
        self._first(self.late_small, self.small, self.wire.endpoint)
        yield self.late_small

    def _rebuild(self, *, edited: bool = False) -> None:
        # Tools that compare times see whole seconds: no page may be as old as its object.
        time.sleep(1.1)
        if edited:
            self._edition = self._edition % 9 + 1
        self.site.rebuild(self._edition)

    def _count(self, case: Case, ways: dict[str, Way]) -> None:
        """Everybody once, untimed, over the wire."""
        for tool, way in list(ways.items()):
            try:
                argv = self.tools[tool](way)
            except Absent as reason:
                self.absent[tool] = reason
                del self.tools[tool], ways[tool]
                continue
            said = self.workshop.scratch / "memory"
            observer = [sys.executable, "-I", "-S", "-c", _OBSERVER, os.fspath(said)]
            self.wire.delay(0)
            run([*observer, *argv], env=way.environment(ADMIN))
            case.requests[tool] = self.wire.delay(0).total()
            case.memory[tool] = int(said.read_text())
        self._check(ways)

    def _first(self, case: Case, site: BuiltSite, endpoint: str) -> dict[str, Way]:
        """Returns everybody's last way."""
        ways: dict[str, Way] = {}
        for number in range(case.rounds):
            for tool in self._order(case, number):
                if tool in ways:
                    self.server.client().delete_bucket(Bucket=ways[tool].bucket)
                ways[tool] = self._way(site, endpoint)
                case.note(tool, number, self._publish(tool, ways[tool]))
        self._check(ways)
        return ways

    def _again(self, case: Case, ways: dict[str, Way], *, edited: bool = False) -> None:
        for number in range(case.rounds):
            self._rebuild(edited=edited)
            order = self._order(case, number)
            for tool in order:
                case.note(tool, number, self._publish(tool, ways[tool]))
        self._check({tool: ways[tool] for tool in order})

    def _order(self, case: Case, number: int) -> list[str]:
        names = list(self.tools)
        turned = names[number % len(names) :] + names[: number % len(names)]
        return [name for name in turned if not (number and case.slow(name))]

    def _publish(self, tool: str, way: Way) -> float:
        return run(self.tools[tool](way), env=way.environment(ADMIN))

    def _way(self, site: BuiltSite, endpoint: str) -> Way:
        bucket = _empty_bucket(self.server)
        home = self.workshop.scratch / bucket
        home.mkdir()
        return Way(site.folder, bucket, endpoint, home)

    def _check(self, ways: dict[str, Way]) -> None:
        """Who does not do the work is not to be measured. Raises RuntimeError."""
        folder = next(iter(ways.values())).public
        wanted = digests(folder)
        for tool, way in ways.items():
            there = _etags(self.server, way.bucket)
            wrong = [
                key for key in wanted.keys() | there.keys() if wanted.get(key) != there.get(key)
            ]
            if wrong:
                raise RuntimeError(f"{tool} left {len(wrong)} objects wrong: {sorted(wrong)[:3]}")
            if tool == OURS:
                self._succeeded(way)

    # -- ours --------------------------------------------------------------------------------

    def _ours(self, way: Way) -> list[str]:
        """A deploy task is submitted; what is timed is the sweep that carries it out."""
        root = way.home / "exchange"
        if not root.exists():
            self._open(root, way)
        _built(root, way.public)
        submit(*open_exchange(root), Wish(f"hugo-deploy-{_ENVIRONMENT}"))
        return [os.fspath(self.workshop.program), f"--root={root}", "sweep"]

    def _open(self, root: Path, way: Way) -> None:
        root.mkdir()
        config = _CONFIG.format(
            environment=_ENVIRONMENT,
            site=way.public.parent,
            base_url=BASE_URL,
            bucket=way.bucket,
            region=REGION,
            endpoint=way.endpoint,
            website=self.closing.enter_context(website(self.server.endpoint, way.bucket)).url,
        )
        (root / layout.CONFIG).write_text(config, encoding="utf-8")
        Exchange(root).prepare()

    def _succeeded(self, way: Way) -> None:
        path = Exchange(way.home / "exchange").newest_result()
        result = read_result(path) if path else {}
        if result.get("status") != "success":
            raise RuntimeError(f"the deploy did not succeed: {result}")


def _empty_bucket(server: SeaweedFS) -> str:
    """A new one, in which something was once: the server makes room at the first object, and a
    second that comes meanwhile waits a whole second."""
    bucket, client = server.make_bucket(), server.client()
    client.put_object(Bucket=bucket, Key="first", Body=b"first")
    client.delete_object(Bucket=bucket, Key="first")
    return bucket


def _etags(server: SeaweedFS, bucket: str) -> dict[str, str]:
    """Of every object but those of our own that are no part of the site."""
    pages = server.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {
        one["Key"]: one["ETag"].strip('"')
        for page in pages
        for one in page.get("Contents", ())
        if not one["Key"].startswith(_PRIVATE)
    }


def _built(root: Path, public: Path) -> None:
    """Write what a hugo-build task writes, which has looked at every file that it has built."""
    walked = publicdir.walk(public)
    manifest = publicdir.hashed(walked)
    record = BuildRecord(
        site=_SITE,
        environment=_ENVIRONMENT,
        base_url=BASE_URL,
        digest=manifest.digest,
        build_drafts=False,
        build_future=False,
        build_expired=False,
        task_id="built-for-the-benchmark",
        built_at=datetime.now(UTC),
    )
    write_record(root, record)
    os.chmod(public, 0o755)  # like taking the place of another, this dates the folder itself
    content.remember(root, _SITE, public, walked, manifest)


# What is told


def _rows(case: Case, workshop: Workshop) -> Iterator[Row]:
    """Ours beside the best tool, whose time the bar is of, and beside `hugo deploy`."""
    there = [tool for tool in TOOLS if tool in case.times]
    if not there:
        return
    best = min(there, key=case.median)
    for tool, bar in {HUGO: AIM, best: BAR}.items():
        if tool in there:
            pair = case.beside(tool)
            passed = pair.ratio <= bar if bar == BAR and not workshop.quick else None
            said = f"{bar:g}" if bar == BAR else f"aim {bar:g}"
            other = f"{duration(pair.other)} ({tool})"
            yield Row(case.what, duration(pair.ours), other, pair, said, passed)


def _table(arena: Arena) -> str:
    """Everybody's medians, and in brackets by how much ours differs."""
    counted = [case for case in arena.cases if case.requests]
    head = ["seconds (and ours by theirs)", *(case.what for case in arena.cases)]
    head += ["requests, in the same order", "peak MiB"]
    lines = [head, ["---", *("---:" for _ in head[1:])]]
    for tool in arena.tools:
        cells = [tool]
        for case in arena.cases:
            ratio = "" if tool == OURS else f" ({case.median(OURS) / case.median(tool):.2f})"
            cells.append(f"{case.median(tool):.2f}{ratio}")
        cells.append(", ".join(f"{case.requests[tool]:,}" for case in counted))
        cells.append(", ".join(f"{case.memory[tool] / 1024:.0f}" for case in counted))
        lines.append(cells)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

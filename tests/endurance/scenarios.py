"""What the program is doing when it is hit: an exchange made ready, and the command that is hit."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.endurance.warm import Child, Warm
from tests.program import CONFIG, Program, make_exchange
from workflow import approval

SETTLED = CONFIG + "policies: {settle_seconds: 0}\n"
BAD = "---\ntask_type: efect\nparams: {fail: false}\n---\nA body.\n"
EFFECT = "---\ntask_type: effect\nstatus: pending\n---\n"
RETRIED = """\
---
task_type: passing-fault
status: pending
params: {times: 1}
retry: {max_attempts: 3, backoff_seconds: 0}
---
Fails once.
"""
ALONE = "set -e; exec 9>>$PWD/alone.lock; flock -n 9 || echo x >> $PWD/together.log; "
"""A shell's first words, after which two at once leave a trace."""


@dataclass
class Stage:
    """An exchange in the making: the commands that prepare it run in the warm process."""

    warm: Warm
    program: Program

    @property
    def root(self) -> Path:
        return self.program.root

    def __call__(self, *words: str) -> Child:
        return self.warm.run(words, cwd=self.root, output=self.root.parent / "prepare")

    def submit(self, *words: str) -> list[str]:
        child = self("submit", *words)
        assert child.code == 0, child.err
        return child.out.split()


@dataclass(frozen=True)
class Scenario:
    name: str
    words: tuple[str, ...]
    """The command that is hit."""
    prepare: Callable[[Stage], None]
    again: tuple[str, ...] = ()
    """A command that is given again after the fault, as a careful caller would."""
    every: int = 1
    """Only each so-many-th point, where all of them would take too long."""
    needs: tuple[str, ...] = ()
    """Programs without which it cannot be played; Hugo may also come as a package."""

    def missing(self) -> list[str]:
        return [
            program
            for program in self.needs
            if shutil.which(program) is None and importlib.util.find_spec(program) is None
        ]


def stage(warm: Warm, folder: Path, scenario: Scenario) -> Stage:
    """The exchange in `folder`, ready for the scenario's command."""
    folder.mkdir(parents=True)
    program = make_exchange(folder, SETTLED)
    ready = Stage(warm, program)
    scenario.prepare(ready)
    return ready


def _nothing(_: Stage) -> None:
    pass


def _submitted(*words: str) -> Callable[[Stage], None]:
    def prepare(stage: Stage) -> None:
        stage.submit(*words)

    return prepare


def _written(name: str, text: str) -> Callable[[Stage], None]:
    def prepare(stage: Stage) -> None:
        stage.program.write(name, text)

    return prepare


def _program(stage: Stage) -> None:
    stage.submit("program", "--set", "script=" + script())


def script() -> str:
    """Leaves the task's line in effects.log; what it prints goes to the log.

    It lasts long enough to outlive a sweep that is killed, until the next one looks.
    """
    return ALONE + "echo begun; sleep 0.2; echo program >> $PWD/effects.log; echo done"


def _recovery(stage: Stage) -> None:
    """Three tasks as killed sweeps leave them: cut off, claimed and no more, not yet moved."""
    # A real sweep, killed for real, by the task that it runs; its second run does not.
    suicide = "[ -e once ] && echo program >> effects.log || { touch once; kill -9 $PPID; }"
    stage.submit("program", "--set", "script=" + suicide)
    assert stage("sweep").code == -9
    (ended,) = stage.submit("effect", "--description", "ended")
    stage("sweep", "--task", ended)
    tasks = stage.root / "tasks"
    os.rename(tasks / f"completed/{ended}.md", tasks / f"in-progress/{ended}.md")
    (claimed,) = stage.submit("effect-once", "--description", "claimed")
    os.rename(tasks / f"pending/{claimed}.md", tasks / f"in-progress/{claimed}.md")


def _past_month(stage: Stage) -> None:
    """Ended tasks of two past months and one of this one, made by the program and re-dated."""
    ids = stage.submit("effect", "--then", "effect-once", "--description", "old")
    ids += stage.submit("effect", "fail=true", "--description", "failed")
    stage("sweep")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    days = ("2025-11-30", "2025-12-01", "2025-12-01")
    for task_id, day in zip(ids, days, strict=True):
        _redate(stage.root, task_id, today, day)
    stage.submit("effect", "--description", "young")
    stage("sweep")
    (stage.root / ".workflow/parked").unlink(missing_ok=True)  # so that the archive is looked at


def _redate(root: Path, task_id: str, today: str, day: str) -> None:
    """Let a task and its result be of another day, in names and contents."""
    aged = task_id.replace(today, day)
    for path in [*root.glob("tasks/*/*.md"), root / "effects.log", *root.glob("results/2*/*.md")]:
        text = path.read_text()
        if path.name.startswith(task_id):
            text = text.replace(today, day)
        path.write_text(text.replace(task_id, aged))
    for path in list(root.glob(f"tasks/*/{task_id}.md")):
        path.rename(path.with_name(path.name.replace(task_id, aged)))
    home = root / "results" / day
    home.mkdir(exist_ok=True)
    for path in list(root.glob(f"results/{today}/{task_id}.*")):
        path.rename(home / path.name.replace(task_id, aged))
    for link in root.glob("results/latest/*"):
        target = os.readlink(link)
        if task_id in target:
            link.unlink()
            link.symlink_to(target.replace(today, day).replace(task_id, aged))


def _waiting(stage: Stage) -> None:
    stage.program.write(
        "2026-01-01-0000-effect-parked.md",
        "---\ntask_type: effect\nstatus: pending\nnot_before: 2099-01-01T00:00:00Z\n---\n",
    )
    stage("sweep")


RELEASE = "2026-01-01-0000-release"
PLAN = approval.digest("release", "staging", {"folder": "live"}, {}, [])
"""The plan of an exchange that has nothing to publish: the same in all of them."""


def _released(stage: Stage) -> None:
    stage.program.write(
        f"{RELEASE}.md",
        "---\ntask_type: release\nstatus: pending\nparams: {environment: staging}\n---\nOne.\n",
    )


def _planned(stage: Stage) -> None:
    """A release that has planned and waits for a person."""
    _released(stage)
    stage("sweep")
    assert (stage.root / f"tasks/waiting/{RELEASE}.md").exists()


def _approved(stage: Stage) -> None:
    _planned(stage)
    assert stage("approve", RELEASE, "staging", PLAN).code == 0


SCENARIOS: Sequence[Scenario] = (
    Scenario("submit", ("submit", "effect"), _nothing),
    Scenario("submit-key", ("submit", "effect", "--key", "k"), _nothing,
             again=("submit", "effect", "--key", "k")),
    Scenario("submit-chain", ("submit", "effect", "--then", "effect-once"), _nothing),
    Scenario("success", ("sweep",), _submitted("effect")),
    Scenario("once", ("sweep",), _submitted("effect-once")),
    Scenario("failure", ("sweep",), _submitted("effect", "fail=true")),
    Scenario("chain", ("sweep",), _submitted("effect", "--then", "effect")),
    Scenario("retry", ("sweep",), _written("2026-01-01-0000-passing-fault.md", RETRIED)),
    Scenario("program", ("sweep",), _program, needs=("flock",)),
    Scenario("refused", ("sweep",), _written("2026-01-01-0000-bad.md", BAD)),
    Scenario("cancel", ("cancel", "2026-01-01-0000-effect"),
             _written("2026-01-01-0000-effect.md", EFFECT)),
    Scenario("cancel-waiting", ("cancel", "2026-01-01-0000-effect-parked"), _waiting),
    Scenario("planning", ("sweep",), _released),
    Scenario("approve", ("approve", RELEASE, "staging", PLAN), _planned),
    Scenario("approved", ("sweep",), _approved),
    Scenario("reject", ("reject", RELEASE), _planned),
    Scenario("recovery", ("sweep",), _recovery),
    Scenario("archive", ("sweep",), _past_month),
    Scenario("hugo", ("sweep",), _submitted("hugo-build", "--env", "dev"), every=6,
             needs=("hugo",)),
)  # fmt: skip


def named(names: Sequence[str]) -> list[Scenario]:
    """The scenarios of these names; all of them for none. Raises KeyError."""
    known = {scenario.name: scenario for scenario in SCENARIOS}
    return [known[name] for name in names] if names else list(SCENARIOS)


_VARYING = (
    (re.compile(r"\b20\d\d-\d\d-\d\d(-\d{4})?"), "DATE"),
    (re.compile(r"\.[0-9a-f]{16}\.tmp"), ".RANDOM.tmp"),
    (re.compile(r"(new|old)-[0-9a-f]{8}(-[0-9a-f]{8})?"), r"\1-RANDOM"),
    (re.compile(r"\.\d+(\.tmp)?$"), r".PID\1"),
)


def normal(path: str, root: Path) -> str:
    """A path without what differs between two runs: to compare a call with the one recorded."""
    path = path.replace(str(root), "")
    for pattern, name in _VARYING:
        path = pattern.sub(name, path)
    return path

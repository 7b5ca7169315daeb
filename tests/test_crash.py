"""Killed, or refused by the disk, at system calls of every scenario; the whole: `make crash-test`.

Here only some of the points are tried. And the judges are tried themselves: each must find what
it is there to find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.endurance import invariants, strace, trace_order
from tests.endurance.crash import KILL, Crash, counts, prove, workshop
from tests.endurance.invariants import FAULTS, Expected
from tests.endurance.scenarios import SCENARIOS, Scenario, named, stage

SOME = {KILL: 6, **dict.fromkeys(FAULTS, 18)}
"""Each so-many-th point."""


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crash]:
    with workshop(tmp_path_factory.mktemp("crash"), jobs=1) as made:
        yield made


@pytest.fixture
def crash(stages: Crash) -> Crash:
    reason = strace.why_not()
    if reason is not None:
        pytest.skip(reason)
    return stages


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_kill_or_a_refusing_disk_at_any_call_loses_and_doubles_nothing(
    crash: Crash, scenario: Scenario
) -> None:
    if missing := scenario.missing():
        pytest.skip(f"{', '.join(missing)} is not installed")
    said: list[str] = []
    tried, sound = prove(crash, scenario, SOME, jobs=1, say=said.append)
    assert tried
    assert sound, "\n".join(said)
    assert all(one.survived for one in tried), "\n".join(said)
    print(f"crash points: {counts(tried)}")


def test_a_strike_hits_the_very_call_that_is_meant(crash: Crash) -> None:
    (scenario,) = named(["once"])
    points, _, _ = crash.record(scenario)
    effects = [point for point in points if point.file == "effects.log"]
    assert [point.name for point in effects] == ["openat", "write", "fsync"]
    assert {point.role for point in effects} != {"main"}, "it is another thread's"
    before, _, after = (crash.strike(point, KILL) for point in effects)
    assert (before.reached, before.problems) == (True, [])
    assert (after.reached, after.problems) == (True, [])


# -- the invariants see what is wrong ----------------------------------------------------------


@dataclass(frozen=True)
class Swept:
    """An exchange in which one task has ended well."""

    root: Path
    task: Path
    result: Path
    expected: Expected


@pytest.fixture
def swept(stages: Crash, tmp_path: Path) -> Swept:
    (scenario,) = named(["success"])
    ready = stage(stages.warm, tmp_path / "swept", scenario)
    assert ready("sweep").code == 0
    (task,) = ready.root.glob("tasks/completed/*.md")
    (result,) = ready.root.glob("results/2*/*.result.md")
    return Swept(ready.root, task, result, Expected({task.stem: task.read_bytes()}, [task.stem]))


Damage = Callable[[Path, Path, Path], object]
DAMAGE: dict[str, tuple[str, Damage]] = {
    "a task in two states": (
        "one state",
        lambda root, task, _: (root / "tasks/failed" / task.name).write_bytes(task.read_bytes()),
    ),
    "a task that is gone": ("one state", lambda root, task, _: task.unlink()),
    "a task that never ends": (
        "an end",
        lambda root, task, _: task.rename(root / "tasks/in-progress" / task.name),
    ),
    "a task whose text was changed": (
        "content",
        lambda root, task, _: task.write_text(task.read_text() + "more\n"),
    ),
    "a result that is gone": ("one result", lambda root, _, result: result.unlink()),
    "a result that is torn": (
        "one result",
        lambda root, _, result: result.write_bytes(result.read_bytes()[:60]),
    ),
    "a result that disagrees with the folder": (
        "one result",
        lambda root, task, _: task.rename(root / "tasks/failed" / task.name),
    ),
    "a second effect": (
        "effects",
        lambda root, task, _: (root / "effects.log").write_text(f"{task.stem}\n" * 2),
    ),
    "no effect": ("effects", lambda root, *_: (root / "effects.log").unlink()),
    "a temporary file": (
        "left-overs",
        lambda root, *_: (root / "tasks/pending/.0123456789abcdef.tmp").touch(),
    ),
    "a lease of an ended task": (
        "left-overs",
        lambda root, task, _: (root / f".workflow/leases/{task.stem}.json").touch(),
    ),
    "a run folder of an ended task": (
        "left-overs",
        lambda root, task, _: (root / f".workflow/runs/{task.stem}").mkdir(),
    ),
    "a link that dangles": (
        "links",
        lambda root, *_: (root / "results/latest/noop.result.md").symlink_to("../nowhere"),
    ),
    "a link that is missing": (
        "links",
        lambda root, *_: (root / "results/latest/effect.result.md").unlink(),
    ),
    "a journal with a line taken out": (
        "journal",
        lambda root, *_: [
            path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
            for path in root.glob(".workflow/journal/*.jsonl")
        ],
    ),
}


def test_the_invariants_find_nothing_wrong_with_a_sound_exchange(swept: Swept) -> None:
    assert invariants.check(swept.root, swept.expected) == []


@pytest.mark.parametrize("name", DAMAGE)
def test_the_invariants_see(swept: Swept, name: str) -> None:
    kind, damage = DAMAGE[name]
    damage(swept.root, swept.task, swept.result)
    problems = invariants.check(swept.root, swept.expected)
    assert any(problem.startswith(f"{kind}:") for problem in problems), problems


# -- so does the check of the order -------------------------------------------------------------

WRITTEN = """\
openat(AT_FDCWD</r>, "/r/tasks/pending/.a.tmp", O_WRONLY|O_CREAT|O_EXCL, 0644) = 3</r/tasks/pending/.a.tmp>
write(3</r/tasks/pending/.a.tmp>, "x"..., 100) = 100
"""  # noqa: E501
SYNCED = WRITTEN + "fsync(3</r/tasks/pending/.a.tmp>) = 0\n"
LINK = 'link("/r/tasks/pending/.a.tmp", "/r/tasks/pending/A.md") = 0\n'
PENDING = "fsync(4</r/tasks/pending>) = 0\n"
CLAIM = 'rename("/r/tasks/pending/A.md", "/r/tasks/in-progress/A.md") = 0\n'
RUNNING = "fsync(4</r/tasks/in-progress>) = 0\n"
EFFECT = 'write(5</r/effects.log>, "A\\n", 2) = 2\n'
DAY = 'mkdir("/r/results/2026-01-01", 0777) = 0\n'
RESULT = 'link("/r/results/2026-01-01/.b.tmp", "/r/results/2026-01-01/A.result.md") = 0\n'
DAY_SYNCED = "fsync(4</r/results/2026-01-01>) = 0\n"
RESULTS = "fsync(4</r/results>) = 0\n"
END = 'rename("/r/tasks/in-progress/A.md", "/r/tasks/completed/A.md") = 0\n'
COMPLETED = "fsync(4</r/tasks/completed>) = 0\n"
LOGGED = """\
write(6</r/.workflow/runs/A/attempt-1.log>, "x"..., 9) = 9
rename("/r/.workflow/runs/A/attempt-1.log", "/r/results/2026-01-01/A.logs/attempt-1.log") = 0
fsync(4</r/results/2026-01-01/A.logs>) = 0
"""


def _problems(trace: str) -> list[str]:
    return trace_order.check(list(strace.parse(trace.splitlines())), Path("/r")).problems


@pytest.mark.parametrize(
    "trace",
    [
        SYNCED + LINK + PENDING,
        CLAIM + RUNNING + PENDING + EFFECT,
        DAY + RESULTS + RESULT + DAY_SYNCED + END + COMPLETED + RUNNING,
        "7 " + CLAIM + "8 fsync(4</r/tasks/in-progress> <unfinished ...>\n7 " + PENDING
        + "8 <... fsync resumed>) = 0\n",
        CLAIM.replace("= 0", "= -1 ENOSPC (No space left on device)"),
    ],
)  # fmt: skip
def test_a_trace_in_order_is_let_pass(trace: str) -> None:
    assert _problems(trace) == []


@pytest.mark.parametrize(
    ("trace", "said"),
    [
        (WRITTEN + LINK + PENDING, "tasks/pending/.a.tmp was not fsynced after write"),
        (SYNCED + WRITTEN + LINK + PENDING, "was not fsynced after write"),
        (WRITTEN + "fsync(3</r/tasks/pending/.a.tmp>) = -1 EIO (x)\n" + LINK + PENDING, "was not"),
        (SYNCED + LINK, "tasks/pending was never fsynced"),
        (SYNCED + PENDING + LINK, "tasks/pending was never fsynced"),
        (CLAIM + RUNNING, "tasks/pending was never fsynced"),
        (CLAIM + PENDING, "tasks/in-progress was never fsynced"),
        (CLAIM + RUNNING + EFFECT + PENDING, "had its effect before this was durable"),
        (RESULT + END + DAY_SYNCED + COMPLETED + RUNNING, "A.result.md was not durable before"),
        (DAY + RESULT + DAY_SYNCED + END + COMPLETED + RUNNING, "results was never fsynced"),
        (LOGGED, "attempt-1.log was not fsynced after write"),
        ('write(3</r/tasks/pending/A.md>, "x"..., 9) = 9\n', "visible was written to"),
        ("8 fsync(4</r/tasks/pending> <unfinished ...>\n7 " + SYNCED.replace("\n", "\n7 ") + LINK
         + "8 <... fsync resumed>) = 0\n", "tasks/pending was never fsynced"),
    ],
)  # fmt: skip
def test_a_trace_out_of_order_is_found(trace: str, said: str) -> None:
    assert any(said in problem for problem in _problems(trace)), _problems(trace)

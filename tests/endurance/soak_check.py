"""What must hold of an exchange after a soak, when it is quiet again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workflow import document, journal

STATES = ("pending", "waiting", "in-progress", "completed", "failed")


@dataclass
class Known:
    """What was noted, outside the disk, while it went on."""

    accepted: dict[str, str] = field(default_factory=dict)
    """Id -> how it came there: submitted, written, retried, bad."""
    contents: dict[str, bytes] = field(default_factory=dict)
    """Bad files by their ids, as far as they are plain ones."""
    cancelled: set[str] = field(default_factory=set)
    """Ids of which `cancel` said that they are."""


@dataclass
class Found:
    """What is not as it must be."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)
    """Status, and the error's code, of all results."""
    unannounced: int = 0
    """Files that are there although nobody said so: a kill or a full disk cut their writers off."""

    @property
    def is_well(self) -> bool:
        return not (self.lost or self.doubled or self.other)


def unfinished(root: Path) -> list[str]:
    """The tasks that have not ended."""
    return [
        f"{path.stem} in {state}"
        for state in ("pending", "waiting", "in-progress")
        for path in (root / "tasks" / state).glob("*.md")
        if not path.name.startswith(".")
    ]


def check(root: Path, known: Known, effects: Path, together: Path) -> Found:
    """Hold everything that was noted against everything that is there."""
    found = Found()
    tasks, results = _tasks(root), _results(root)
    done = Counter(effects.read_text().split() if effects.exists() else ())
    for task_id in sorted({*known.accepted, *tasks}):
        places, outcomes = tasks.get(task_id, []), results.get(task_id, [])
        how = known.accepted.get(task_id, "unannounced")
        found.unannounced += task_id not in known.accepted
        told = f"{task_id} ({how}): in {_short(root, places)}, results {_short(root, outcomes)}"
        if not places or not outcomes:
            found.lost.append(told)
        if len(places) > 1 or len(outcomes) > 1:
            found.doubled.append(told)
        if len(places) == len(outcomes) == 1:
            _one(task_id, places[0], outcomes[0], done[task_id], known, found)
    found.other += [f"a result of no task: {name}" for name in set(results) - set(tasks)]
    found.doubled += [f"{name} had effects and is no task" for name in set(done) - set(tasks)]
    if together.exists():
        found.doubled += [f"{name} ran beside itself" for name in together.read_text().split()]
    found.other += [*_left_overs(root, tasks), *_journal(root)]
    return found


def _one(
    task_id: str, place: Path, outcome: Path, effects: int, known: Known, found: Found
) -> None:
    """A task with one place and one result: whether they agree, and its effects with them."""
    try:
        result = document.parse(outcome.read_bytes()).data
    except document.InvalidDocument as problem:
        found.other.append(f"the result of {task_id} cannot be read: {problem}")
        return
    status, error = result.get("status"), result.get("error") or {}
    found.ended[f"{status} {error.get('code', '')}".strip()] += 1
    state = place.parent.name
    if state in ("completed", "failed") and (state == "completed") != (status == "success"):
        found.other.append(f"{task_id} lies in {state} and ended as {status}")
    if task_id in known.cancelled and status != "cancelled":
        found.other.append(f"{task_id} was said to be cancelled and ended as {status}")
    if task_id in known.contents and place.read_bytes() != known.contents[task_id]:
        found.other.append(f"{task_id} was refused and is not what it was, byte for byte")
    kind, attempts = result.get("task_type"), len(result.get("attempts") or ())
    if kind in ("effect", "effect-once", "passing-fault", "program"):
        least = 1 if status == "success" else 0
        most = 1 if kind == "effect-once" else attempts
        if not least <= effects <= most:
            line = f"{task_id} ({kind}, {status}, {attempts} attempts) had {effects} effects"
            (found.lost if effects < least else found.doubled).append(line)


def _tasks(root: Path) -> Mapping[str, list[Path]]:
    tasks: dict[str, list[Path]] = defaultdict(list)
    for folder in [*(root / "tasks" / s for s in STATES), *root.glob("archive/*/tasks")]:
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name.endswith(".md") and not path.name.startswith("."):
                tasks[path.stem].append(path)
    return tasks


def _results(root: Path) -> Mapping[str, list[Path]]:
    results: dict[str, list[Path]] = defaultdict(list)
    here, archived = "results/2*/*.result.md", "archive/*/results/*/*.result.md"
    for path in [*root.glob(here), *root.glob(archived)]:
        results[path.name.removesuffix(".result.md")].append(path)
    return results


def _left_overs(root: Path, tasks: Mapping[str, list[Path]]) -> Iterator[str]:
    for path in root.rglob("*.tmp"):
        yield f"left over: {path.relative_to(root)}"
    for path in [*(root / ".workflow/leases").iterdir(), *(root / ".workflow/runs").iterdir()]:
        yield f"left over: {path.relative_to(root)}"
    for logs in [*root.glob("results/2*/*.logs"), *root.glob("archive/*/results/*/*.logs")]:
        task_id = logs.name.removesuffix(".logs")
        if not logs.with_name(f"{task_id}.result.md").exists():
            yield f"logs without a result beside them: {logs.relative_to(root)}"
    for link in root.glob("results/latest/*.md"):
        if not link.exists():
            yield f"leads nowhere: {link.relative_to(root)}"


def _journal(root: Path) -> Iterator[str]:
    """Torn lines are what kills leave; but the chain holds over them."""
    checked = journal.check(str(root / ".workflow/journal"))
    yield from (f"journal: {problem}" for problem in checked.broken)
    if not checked.lines:
        yield "the journal is empty"


def _short(root: Path, paths: list[Path]) -> str:
    return ", ".join(str(path.parent.relative_to(root)) for path in paths) or "nowhere"

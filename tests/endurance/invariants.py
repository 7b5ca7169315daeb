"""What must hold of an exchange once it is quiet, whatever happened to it before."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema

from workflow import document, schemas
from workflow.journal import check as read_journal

STATES = ("pending", "waiting", "in-progress", "completed", "failed")
DEFAULT_ATTEMPTS = 3
FAULTS = {"ENOSPC": "No space left on device", "EIO": "Input/output error"}
"""What the system calls them; the program must say the same."""

_FOLLOWS = re.compile(rb"(?m)^(status|not_before):.*\n|^approval:\n(  .*\n)+")
"""The keys of a task file that follow its state, and who agreed to it."""
_VALIDATOR = jsonschema.Draft202012Validator(schemas.RESULT)


@dataclass(frozen=True)
class Expected:
    """What is known of the exchange from outside."""

    before: Mapping[str, bytes]
    """The tasks that lay in it, whole, before the fault: id -> file."""
    acknowledged: Iterable[str] = ()
    """Ids that `submit` printed and exited 0."""
    fault: str = "kill"
    """kill, power, ENOSPC or EIO."""
    cancelled: Iterable[str] = ()
    """Ids whose cancellation was confirmed."""
    program_hit: bool = False
    """The fault struck a program that a task runs, not the sweep: the task may fail of it."""


def tasks(root: Path) -> dict[str, list[Path]]:
    """Every task file, in states and archive: id -> where it lies."""
    found: dict[str, list[Path]] = defaultdict(list)
    folders = [root / "tasks" / state for state in STATES]
    for folder in [*folders, *root.glob("archive/*/tasks")]:
        for path in folder.glob("*.md"):
            if not path.name.startswith("."):
                found[path.stem].append(path)
    return found


def results(root: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    archived = root.glob("archive/*/results/*/*.result.md")
    for path in [*root.glob("results/2*/*.result.md"), *archived]:
        if not path.name.startswith("."):
            found[path.name.removesuffix(".result.md")].append(path)
    return found


def snapshot(root: Path) -> dict[str, bytes]:
    return {task_id: paths[0].read_bytes() for task_id, paths in tasks(root).items()}


def unfinished(root: Path) -> list[str]:
    """Tasks that a later sweep will end, without anybody's doing."""
    now = datetime.now(UTC)
    left = []
    for state in ("pending", "waiting", "in-progress"):
        for path in (root / "tasks" / state).glob("*.md"):
            later = _front_matter(path).get("not_before")
            if state == "waiting" and _waits_for_person(root, path.stem):
                continue
            if state != "waiting" or later is None or later[:4] <= f"{now.year + 1}":
                left.append(path.stem)
    return left


def _waits_for_person(root: Path, task_id: str) -> bool:
    """Whether it has planned, and nobody has agreed."""
    plan = root / f".workflow/plans/{task_id}.jsonl"
    return plan.exists() and not (root / f".workflow/approvals/{task_id}.json").exists()


def check(root: Path, expected: Expected) -> list[str]:
    """Everything that does not hold, as sentences; empty if all does."""
    checks = (_tasks(root, expected), _leftovers(root), links(root), _latest(root), journal(root))
    return [problem for found in checks for problem in found]


def links(root: Path) -> Iterator[str]:
    """Holds at every instant, not only once it is quiet."""
    for link in root.glob("results/latest/*.result.md"):
        if not link.exists():
            yield f"links: results/latest/{link.name} dangles"


def _tasks(root: Path, expected: Expected) -> Iterator[str]:
    found, ended = tasks(root), results(root)
    log = root / "effects.log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    effects = Counter(lines)
    for task_id in {*expected.before, *expected.acknowledged} - set(found):
        yield f"one state: {task_id} was accepted and is nowhere"
    for task_id in set(ended) - set(found):
        yield f"one result: there is a result of {task_id}, of which there is no task"
    for task_id, paths in found.items():
        if len(paths) > 1:
            yield f"one state: {task_id} is in {[str(p.relative_to(root)) for p in paths]}"
        if len(ended[task_id]) > 1:
            yield f"one result: {task_id} has {[str(p.relative_to(root)) for p in ended[task_id]]}"
        yield from _content(task_id, paths[0], expected)
        yield from _end(root, task_id, paths[0], ended[task_id], effects, expected)
        for earlier in _front_matter(paths[0]).get("after") or ():
            if task_id in lines and earlier not in lines[: lines.index(task_id)]:
                yield f"effects: {task_id} had its effect before {earlier} had ended"
    for task_id, paths in ended.items():
        for logs in (path.with_name(f"{task_id}.logs") for path in paths):
            if logs.exists() and not logs.is_dir():
                yield f"one result: {logs.relative_to(root)} is no folder"


def _content(task_id: str, path: Path, expected: Expected) -> Iterator[str]:
    raw = path.read_bytes()
    before = expected.before.get(task_id)
    if before is not None:
        if _FOLLOWS.sub(b"", raw) != _FOLLOWS.sub(b"", before):
            yield f"content: {task_id} is not what was written"
    elif _front_matter(path).get("task_id") != task_id:
        yield f"content: {task_id} is not a whole task"


def _end(
    root: Path,
    task_id: str,
    path: Path,
    found: list[Path],
    effects: Counter[str],
    expected: Expected,
) -> Iterator[str]:
    state = path.parent.name
    if state in ("pending", "in-progress", "waiting"):
        if effects[task_id]:
            yield f"effects: {task_id} had its effect and is in {state}"
        if found:
            yield f"one result: {task_id} is in {state} and has a result"
        if state != "waiting" or task_id in unfinished(root):
            yield f"an end: {task_id} is still in {state}"
        return
    if not found:
        yield f"one result: {task_id} is in {path.parent.relative_to(root)} without one"
        return
    try:
        result = document.parse(found[0].read_bytes()).data
    except document.InvalidDocument as error:
        yield f"one result: that of {task_id} cannot be read: {error}"
        return
    for problem in _VALIDATOR.iter_errors(_plain(result)):
        yield f"one result: that of {task_id} is not valid: {problem.json_path}: {problem.message}"
    status = result.get("status")
    if state in ("completed", "failed") and (status == "success") != (state == "completed"):
        yield f"one result: {task_id} is in {state} and its result says {status}"
    task = _front_matter(path)
    if result.get("error", {}).get("code") in ("invalid_task", "unknown_type", "unreadable_task"):
        return
    yield from _outcome(task_id, task, result, effects, expected)


def _outcome(
    task_id: str,
    task: Mapping[str, Any],
    result: Mapping[str, Any],
    effects: Counter[str],
    expected: Expected,
) -> Iterator[str]:
    """Whether it ended as its type may end under this fault, with the effects that it may have."""
    kind, status = str(task.get("task_type")), str(result.get("status"))
    code = result.get("error", {}).get("code")
    done = effects["program" if kind == "program" else task_id]
    params = task.get("params") or {}
    may_fail = params.get("fail") is True and code == "told_to_fail"
    said = FAULTS.get(expected.fault)
    broken = said is not None and said in json.dumps(result.get("error", {}))
    followed = code == "predecessor_failed" and (said is not None or task.get("after"))
    interrupted = code == "interrupted"
    cancelled = code == "cancelled"
    well = status == "success" and params.get("fail") is not True
    known = well or may_fail or broken or followed or cancelled
    hit = expected.program_hit and status == "failed"
    known = known or hit
    if kind in ("effect-once", "release"):
        known = known or interrupted
    rejected = code == "rejected"
    known = known or (kind == "release" and rejected)
    if not known:
        yield f"an end: {task_id} ({kind}) ended as {status}, {code}"
    if task_id in expected.cancelled and not cancelled:
        yield f"an end: {task_id} was cancelled and ended as {status}, {code}"
    if kind not in ("effect", "effect-once", "passing-fault", "program", "release"):
        return
    attempts = len(result.get("attempts") or ())
    most = (task.get("retry") or {}).get("max_attempts", DEFAULT_ATTEMPTS)
    if kind in ("effect-once", "release"):
        most = 1
    elif expected.fault != "power":  # where what a lease says may be lost
        most = min(most, attempts)
    least = 1 if well or may_fail else 0
    if followed or cancelled or rejected:
        most = 0
    if kind == "release" and well:
        yield from _agreement(task_id, result)
    if not least <= done <= most:
        yield (
            f"effects: {task_id} ({kind}, {status}) had {done}, where {least} to {most} are right"
            f" ({attempts} attempts are told of)"
        )


def _agreement(task_id: str, result: Mapping[str, Any]) -> Iterator[str]:
    """What was published has somebody who agreed to it."""
    agreed = (result.get("outputs") or {}).get("approval") or {}
    if agreed.get("way") != "approved" or not agreed.get("by"):
        yield f"an approval: {task_id} was published, and its result does not say who agreed"


def _leftovers(root: Path) -> Iterator[str]:
    found = tasks(root)
    ended = {task_id for task_id, paths in found.items()
             if paths[0].parent.name not in ("pending", "in-progress", "waiting")}  # fmt: skip
    for folder, _, names in os.walk(root):
        if folder == str(root / "site"):
            continue
        for name in names:
            if name.endswith(".tmp") or re.fullmatch(r"parked\.\d+", name):
                yield f"left-overs: {os.path.relpath(os.path.join(folder, name), root)}"
    kinds = (("leases", ".json"), ("plans", ".jsonl"), ("approvals", ".json"), ("runs", ""))
    for kind, suffix in kinds:
        for path in (root / ".workflow" / kind).iterdir():
            task_id = path.name.removesuffix(suffix)
            if task_id in ended or (task_id not in found and kind == "runs"):
                yield f"left-overs: .workflow/{kind}/{path.name} of a task that has ended"
    for logs in root.glob("results/2*/*.logs"):
        if not logs.with_name(logs.name.removesuffix(".logs") + ".result.md").exists():
            yield f"left-overs: {logs.relative_to(root)} without a result"
    for name in ("together.log",):
        if (root / name).exists():
            yield "one process: two ran a task at the same time"


def _latest(root: Path) -> Iterator[str]:
    """The newest result of each type is what its link points at."""
    newest: dict[str, tuple[str, set[str]]] = {}
    for paths in results(root).values():
        try:
            result = document.parse(paths[0].read_bytes()).data
        except document.InvalidDocument:
            continue
        if result.get("task_type") is not None:
            when, name = str(result.get("completed_at")), str(result["task_type"])
            known = newest.get(name, ("", set()))
            if when >= known[0]:
                same = known[1] if when == known[0] else set()
                newest[name] = (when, {*same, str(paths[0].resolve())})
    for name, (_, right) in newest.items():
        link = root / f"results/latest/{name}.result.md"
        if not link.is_symlink():
            yield f"links: results/latest/{link.name} is missing"
        elif link.exists() and str(link.resolve()) not in right:
            yield f"links: results/latest/{link.name} is not the newest: {os.readlink(link)}"


def journal(root: Path) -> Iterator[str]:
    """Its chain holds, and what it tells of the ended tasks is what lies there."""
    try:
        checked = read_journal(str(root / ".workflow/journal"))
    except OSError as error:
        yield f"journal: {error}"
        return
    yield from (f"journal: {broken}" for broken in checked.broken)
    found, ended = tasks(root), results(root)
    for task_id, (file, result) in checked.ended.items():
        for said, paths in ((file, found.get(task_id)), (result, ended.get(task_id))):
            if paths and said not in (None, hashlib.sha256(paths[0].read_bytes()).hexdigest()):
                yield f"journal: of {paths[0].relative_to(root)} it tells another digest"


def _front_matter(path: Path) -> dict[str, Any]:
    try:
        return dict(document.parse(path.read_bytes()).data)
    except (document.InvalidDocument, OSError):
        return {}


def _plain(value: Any) -> Any:
    """As JSON has it, which the schema is about."""
    return json.loads(json.dumps(value, default=str))

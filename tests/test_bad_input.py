"""Bad task files, by hand and by the thousand: each ends with a precise result, nothing is lost."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import bad_files
from tests.bad_files import Bad
from tests.program import Program
from workflow import document

CODES = {
    "unreadable_task", "not_a_file", "invalid_task", "unknown_type", "no_such_environment",
    "no_such_site", "invalid_name", "duplicate_id",
}  # fmt: skip
"""What a task file can be refused for."""
OLD = 3.0
"""Seconds: longer than a file that cannot be read is left alone."""
LONGEST = 2_000
"""Characters of a message; a value that somebody wrote may have any number of them."""
TYPES = {"noop", "effect", "effect-once", "passing-fault"}


def settled(program: Program, path: Path) -> None:
    then = path.lstat().st_mtime - OLD
    os.utime(path, (then, then), follow_symlinks=False)


def refusal(program: Program, task_id: str) -> dict[str, Any]:
    """The result of a refused file, having checked what every one must say."""
    result = program.result(task_id)
    error = result["error"]
    assert result["status"] == "failed"
    assert error["code"] in CODES
    assert error["action"] == "fix"
    assert 0 < len(error["message"].strip()) <= LONGEST, "one line, fit for a phone"
    assert error["hint"].strip()
    assert error["file"].endswith(".md")
    assert result["task_id"] == task_id
    assert len(result["body"]) <= 10 * LONGEST, "fit to be read by a person"
    return result


def assert_only_good_is_left(program: Program, good: str) -> None:
    assert program.result(good)["status"] == "success", "the good task beside them runs"
    for state in ("pending", "in-progress"):
        assert list((program.root / "tasks" / state).glob("*.md")) == []
    assert [p.name for p in program.root.rglob("*.tmp")] == []
    assert list((program.root / ".workflow/leases").iterdir()) == []


# -- by hand -----------------------------------------------------------------------------------


def place(program: Program, name: str, bad: Bad) -> Path:
    path = program.root / "tasks/pending" / name
    if isinstance(bad.content, bytes):
        path.write_bytes(bad.content)
    else:
        bad.content(path)
    settled(program, path)
    return path


def mark(path: Path) -> object:
    """What tells one file from another without reading what may never end."""
    seen = path.lstat()
    same = (stat.S_IFMT(seen.st_mode), seen.st_ino, seen.st_rdev)
    if stat.S_ISLNK(seen.st_mode):
        return same, path.readlink()
    return same, path.read_bytes() if seen.st_size < 2**30 and stat.S_ISREG(seen.st_mode) else ""


def check_by_hand(program: Program, collection: list[Bad]) -> None:
    """Sweep the whole collection at once and say everything that is not as the table has it."""
    placed = {}
    for number, bad in enumerate(collection):
        path = place(program, f"2026-01-01-0000-bad-{number}.md", bad)
        placed[path.stem] = (bad, mark(path))
    good = program.submit("effect")
    swept = program("sweep")
    assert swept.code == 0, swept.err
    assert "Traceback" not in swept.err

    wrong = []
    for task_id, (bad, before) in placed.items():
        moved = program.root / f"tasks/failed/{task_id}.md"
        if not os.path.lexists(moved):
            wrong.append(f"{bad.what}: it is not in failed but in {program.states(task_id)}")
            continue
        assert mark(moved) == before, bad.what
        result = refusal(program, task_id)
        error = result["error"]
        said = f"{error['message']} {result['body']}"
        good_code = error["code"] == bad.code
        good_line = bad.line is None or error.get("line") == bad.line
        if not (good_code and good_line and re.search(bad.says, said)):
            wrong.append(f"{bad.what}: {error}")
    assert not wrong, "\n".join(wrong)
    assert_only_good_is_left(program, good)


@pytest.mark.parametrize("kind", ["BYTES", "YAML", "KEYS", "PLACES"])
def test_every_file_of_the_collection_fails_with_the_right_reason(
    program: Program, kind: str
) -> None:
    check_by_hand(program, getattr(bad_files, kind))


def test_a_device_is_refused_without_being_opened(program: Program) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make devices")
    check_by_hand(program, bad_files.DEVICES)


def test_the_collection_has_more_than_a_hundred_files() -> None:
    kinds = (bad_files.BYTES, bad_files.YAML, bad_files.KEYS, bad_files.PLACES, bad_files.DEVICES)
    assert sum(map(len, kinds)) > 100


def test_names_that_cannot_be_ids_are_refused_under_ids_that_can(program: Program) -> None:
    pending = os.fsencode(program.root / "tasks/pending")
    names = [os.fsencode(name) for name in bad_files.NAMES] + bad_files.RAW_NAMES
    for number, name in enumerate(names):
        with open(os.path.join(pending, name + b".md"), "wb") as file:
            file.write(f"---\ntask_type: effect\n---\nnumber {number}\n".encode())
    good = program.submit("effect")
    swept = program("sweep")
    assert swept.code == 0, swept.err

    bodies = {path.read_text().split()[-2:][1]: path.stem for path in failed(program)}
    assert sorted(bodies, key=int) == [str(number) for number in range(len(names))]
    for task_id in bodies.values():
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,179}", task_id)
        assert refusal(program, task_id)["error"]["code"] == "invalid_name"
    assert (program.root / "effects.log").read_text().split() == [good]
    assert_only_good_is_left(program, good)


def failed(program: Program) -> list[Path]:
    return list((program.root / "tasks/failed").glob("*.md"))


# -- by the thousand ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_mutations_of_good_files_run_or_fail_with_a_reason(program: Program, seed: int) -> None:
    count = 2_500
    written = {}
    for number, raw in enumerate(bad_files.generated(seed, count)):
        path = program.write(f"2026-01-01-0000-mutant-{number}.md", raw)
        settled(program, path)
        written[path.stem] = raw
    controls = [program.write(f"good-{n}.md", raw).stem for n, raw in enumerate(bad_files.GOOD)]
    swept = program("sweep")
    assert swept.code == 0, swept.err[-2000:]
    assert "Traceback" not in swept.err

    where = {
        state: {path.stem for path in (program.root / "tasks" / state).glob("*.md")}
        for state in ("completed", "failed", "waiting", "pending", "in-progress")
    }
    assert sum(map(len, where.values())) == count + len(controls)
    assert where["pending"] | where["in-progress"] == set()
    assert set(controls) <= where["completed"]
    refused = 0
    for task_id, raw in written.items():
        if task_id in where["failed"] and (said := program.result(task_id))["task_type"] is None:
            refused += 1
            assert (program.root / f"tasks/failed/{task_id}.md").read_bytes() == raw
            refusal(program, task_id)
            if said["error"]["code"] == "unreadable_task" and len(raw) < 2**20:
                assert 1 <= said["error"]["line"] <= raw.count(b"\n") + raw.count(b"\r") + 2
        else:
            assert may_run(raw), f"{task_id} was taken for a task: {raw!r}"
    ran = count - refused
    print(f"seed {seed}: {refused} refused, {ran} still tasks ({len(where['waiting'])} parked)")
    assert refused > count / 2
    assert ran > count / 20
    assert [p.name for p in program.root.rglob("*.tmp")] == []


def may_run(raw: bytes) -> bool:
    """Whether another reader of YAML finds a task of a known type in it: a judge of our own."""
    text = raw.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    # That reader is of YAML 1.1, where these end a line; in 1.2 they are characters like others.
    text = re.sub("[\x85\u2028\u2029]", "_", text)
    found = re.match(r"---[ \t]*\n(.*?)^---[ \t]*$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    read = yaml.load(found[1], Loader=yaml.CBaseLoader)
    return isinstance(read, dict) and read.get("task_type") in TYPES


def test_the_mutations_are_the_same_for_the_same_seed() -> None:
    assert list(bad_files.generated(7, 50)) == list(bad_files.generated(7, 50))
    assert document.parse(bad_files.GOOD[0]).data == {"task_type": "noop"}

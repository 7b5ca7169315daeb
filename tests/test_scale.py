"""The simulations behind docs/scaling.md still run: small, and for what they count."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from benchmarks import scale_files, scale_git
from benchmarks.scale import Table
from benchmarks.workshop import Workshop
from tests.program import Program

PAGE = Path(__file__).parent.parent / "docs/scaling.md"


def by_title(tables: list[Table], beginning: str) -> Table:
    return next(table for table in tables if table.title.startswith(beginning))


def cell(table: Table, row: str, column: str) -> str:
    (found,) = (cells for cells in table.rows if cells[0].startswith(row))
    return found[table.head.index(column)]


def test_files_with_a_past_are_worked_with_and_every_table_is_made(tmp_path: Path) -> None:
    options = argparse.Namespace(
        finished=60, month=20, tasks=5, programs=2, jobs=2, workers=2, pairs=1, months=[10],
        seconds=[0.05], commands=["list"],
    )  # fmt: skip
    tables = list(scale_files.measure(Workshop(tmp_path, quick=True), options))
    assert float(cell(by_title(tables, "What a finished"), "that does nothing", "inodes")) == 2.0
    assert cell(by_title(tables, "Folders"), "`tasks/completed`", "entries") == "41"
    end = by_title(tables, "The end of a month")
    assert [cells[0] for cells in end.rows if "archive" in cells[0]] == ["`archive` of 20 tasks"]
    for table in tables:
        assert str(table).count("\n| ") == len(table.rows) + 2


def test_machines_race_through_a_repository_and_it_begins_anew(tmp_path: Path) -> None:
    options = argparse.Namespace(tasks=6, machines=2, single=2, contention=[1], days=3, per_day=2)
    tables = list(scale_git.measure(tmp_path, options))
    assert cell(by_title(tables, "6 quick tasks"), "2", "tasks") == "6"
    held = by_title(tables, "What the repositories hold, 3 days")
    assert int(cell(held, "server, after", "objects")) > 6 * 5
    after = by_title(tables, "The server, 3 days")
    assert cell(after, "server", "refs") == "3", "main, the branch, and its archive"


def test_a_month_put_away_as_the_page_says_is_found_again(program: Program) -> None:
    day, task_id = "2026-01-15", "2026-01-15-0900-noop"
    program.submit("noop", "--wait", "20")
    (made,) = program.root.glob("results/2*/*.result.md")
    name = made.name.removesuffix(".result.md")
    month = program.root / "archive/2026-01"
    for place, old in (
        ("tasks", program.root / f"tasks/completed/{name}.md"),
        (f"results/{day}", made),
    ):
        new = month / place / old.name.replace(name, task_id)
        new.parent.mkdir(parents=True)
        new.write_text(old.read_text().replace(name, task_id))
    (block,) = re.findall(r"```sh\n(tar .*?)```", PAGE.read_text(), re.DOTALL)
    away, *back = [shlex.split(line, comments=True) for line in block.splitlines()]
    subprocess.run(away, cwd=program.root, check=True)
    shutil.rmtree(month)
    assert program("show", task_id).code == 5
    for words in back:
        said = subprocess.run(
            [word.replace("DAY", day).replace("ID", task_id) for word in words],
            cwd=program.root, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        assert (f"task_id: {task_id}" in said) == ("-xzOf" in words)
    assert program("show", task_id).code == 0

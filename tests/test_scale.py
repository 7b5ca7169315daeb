"""The simulations behind docs/scaling.md still run: small, and for what they count."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import scale_files, scale_git
from benchmarks.scale import Table
from benchmarks.workshop import Workshop


def by_title(tables: list[Table], beginning: str) -> Table:
    return next(table for table in tables if table.title.startswith(beginning))


def cell(table: Table, row: str, column: str) -> str:
    (found,) = (cells for cells in table.rows if cells[0].startswith(row))
    return found[table.head.index(column)]


def test_files_with_a_past_are_worked_with_and_every_table_is_made(tmp_path: Path) -> None:
    options = argparse.Namespace(
        finished=60, month=20, tasks=5, programs=2, jobs=2, workers=2, pairs=1, months=[10],
        seconds=[0.1], commands=["sweep", "list"],
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

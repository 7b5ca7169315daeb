"""form-submissions: all that was sent, once each, in files for this user alone."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import stat
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.forms.exchange import Bench, contact, workflow_yaml
from tests.forms.jotform import CUT_SHORT, KEY, Server, envelope, jotform_server, page
from tests.program import make_exchange
from workflow.demo.jotform import Account
from workflow.forms import client, clock
from workflow.forms.spreadsheet import cell

NOW = datetime(2026, 1, 19, 19, 30, tzinfo=UTC)
JANE = {"2": {"first": "Jane", "last": "Doe"}, "3": "jane@example.org", "4": ["Van", "Truck"]}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    monkeypatch.setenv("JOTFORM_API_KEY", KEY)
    with jotform_server(Account(KEY, now=lambda: NOW)) as serving:
        yield serving


@pytest.fixture
def form(server: Server) -> str:
    return contact(server)


@pytest.fixture
def bench(tmp_path: Path, server: Server, form: str) -> Bench:
    return Bench(tmp_path, server, "task-1").configure(workflow_yaml(server, form))


def fetch(bench: Bench, task: str | None = None, **params: Any) -> list[dict[str, Any]]:
    """What a fetch wrote as JSON; the CSV has as many rows."""
    bench.task = task or f"task-{len(list(bench.root.rglob('*.csv'))) + 100}"
    outputs = bench.run("form-submissions", form="contact", **params).outputs
    if outputs["json_file"] is None:
        assert (outputs["submissions"], outputs["csv_file"]) == (0, None)
        return []
    found: list[dict[str, Any]] = json.loads((bench.root / outputs["json_file"]).read_text())
    assert len(found) == outputs["submissions"]
    assert len(rows(bench, outputs["csv_file"])) == len(found) + 1
    return found


def rows(bench: Bench, file: str) -> list[list[str]]:
    text = (bench.root / file).read_bytes().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in found]


# -- files ----------------------------------------------------------------------------------------


def test_submissions_become_json_and_a_table(bench: Bench, server: Server, form: str) -> None:
    number = server.account.add_submission(form, JANE, NOW)
    outcome = bench.run("form-submissions", form="contact")
    assert outcome.outputs == {
        "form_id": form,
        "submissions": 1,
        "left": 0,
        "newest": "2026-01-19T19:30:00Z",
        "json_file": f".workflow/submissions/{form}/task-1.json",
        "csv_file": f".workflow/submissions/{form}/task-1.csv",
    }
    assert outcome.verdict == (
        "1 submission of the form contact fetched, the newest of 2026-01-19T19:30:00Z."
    )
    assert rows(bench, outcome.outputs["csv_file"]) == [
        ["submission", "sent (UTC)", "status", "Name", "E-mail", "Which car?", "campaign"],
        [
            number,
            "2026-01-19T19:30:00Z",
            "ACTIVE",
            "Jane Doe",
            "jane@example.org",
            "Van; Truck",
            "",
        ],
    ]
    [said] = json.loads((bench.root / outcome.outputs["json_file"]).read_text())
    assert said == server.account.submissions[form][0]


def test_nobody_else_can_read_them_and_git_does_not_see_them(
    bench: Bench, server: Server, form: str
) -> None:
    subprocess.run(["git", "init", "-q", bench.root], check=True)
    server.account.add_submission(form, JANE)
    (bench.root / f".workflow/submissions/{form}").mkdir(parents=True)
    (bench.root / ".workflow/submissions").chmod(0o700)
    old = os.umask(0)
    try:
        fetch(bench)
    finally:
        os.umask(old)
    folder = bench.root / ".workflow/submissions"
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    status = subprocess.run(
        ["git", "-C", bench.root, "status", "--porcelain", "-uall"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert "submissions" not in status
    assert "workflow.yaml" in status


def test_what_somebody_wrote_stands_in_no_result_and_no_log(
    tmp_path: Path, server: Server, form: str
) -> None:
    server.account.add_submission(form, {**JANE, "5": "=cmd|' /C calc'!A0"})
    program = make_exchange(tmp_path, workflow_yaml(server, form))
    task = program.submit("form-submissions", "--set", "form=contact")
    swept = program("sweep")
    result = program.result(task)
    assert result["status"] == "success", result
    shown = program("show", task)
    said = swept.out + swept.err + shown.out + shown.err
    for path in program.root.rglob("*"):
        if path.is_file() and "submissions" not in path.parts:
            said += path.read_text(errors="replace")
    for word in ("Jane", "jane@", "203.0.113.7", "calc", KEY):
        assert word not in said
    assert "Jane" in (program.root / result["outputs"]["csv_file"]).read_text()


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\ufeff=1",
        "\u200b=1", "＝1", "＋1", "－1", "＠1", "\x00=1", "\x0b=1",
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text).startswith("'")


@pytest.mark.parametrize("text", ["", "Jane", "a=b", "5", "2026-01-19", "'x", "ä", "Jane@x.org"])
def test_an_ordinary_cell_stays_as_it_is(text: str) -> None:
    assert cell(text) == text


def test_a_table_of_strange_answers_is_whole(bench: Bench, server: Server, form: str) -> None:
    account = server.account
    account.forms[form]["questions"]["2"]["text"] = '=HYPERLINK("http://x")'
    account.forms[form]["questions"]["3"]["text"] = "<b>Same</b> &amp; label"
    account.forms[form]["questions"]["4"]["text"] = "Same & label"
    account.add_submission(form, {"3": 'He said "no";\r\nthen left, \x07 bell', "4": {"a": ["x"]}})
    account.add_submission(form, {"2": "\ud800 half", "3": "z" * 100_000})
    account.add_submission(form, {}, answers=[])
    account.add_submission(form, {}, answers={"9": {"text": "Gone", "answer": "x", "type": "t"}})
    account.submissions[form][0]["answers"]["4"]["prettyFormat"] = "<p>pretty &amp; x</p>"
    bench.run("form-submissions", form="contact")
    table = rows(bench, f".workflow/submissions/{form}/task-1.csv")
    assert table[0][3:] == [
        '\'=HYPERLINK("http://x")',
        "Same & label (email)",
        "Same & label (car)",
        "campaign",
        "Gone",
    ]
    assert {len(row) for row in table} == {8}
    assert table[1][4] == 'He said "no";\r\nthen left,  bell'
    assert table[1][5] == "pretty & x"
    assert max(len(one) for row in table for one in row) <= 32_000
    json.loads((bench.root / f".workflow/submissions/{form}/task-1.json").read_text())


def test_the_folder_is_the_owners_choice(
    bench: Bench, server: Server, form: str, tmp_path: Path
) -> None:
    elsewhere = tmp_path.parent / f"{tmp_path.name}-entries"
    bench.configure(workflow_yaml(server, form, submissions=str(elsewhere)))
    server.account.add_submission(form, JANE)
    outputs = bench.run("form-submissions", form="contact").outputs
    assert outputs["csv_file"] == str(elsewhere / form / "task-1.csv")
    assert (elsewhere / ".gitignore").read_text().endswith("*\n")


@pytest.mark.parametrize(
    "folder", ["results/x", "tasks", "archive/2026-01", "site/static/entries", "site", ".git/x",
               ".workflow/../site/content", ".claude"],
)  # fmt: skip
def test_no_folder_is_taken_that_is_published_shown_or_committed(
    bench: Bench, server: Server, form: str, folder: str
) -> None:
    bench.configure(workflow_yaml(server, form, submissions=folder))
    server.account.add_submission(form, JANE)
    error = bench.error("form-submissions", form="contact")
    assert (error.code, error.action) == ("bad_submissions_folder", "escalate")
    assert not server.asked
    assert not (bench.root / folder).exists()


def test_a_link_in_the_folders_place_is_not_followed(
    bench: Bench, server: Server, form: str
) -> None:
    (bench.root / "site/static").mkdir(parents=True)
    (bench.root / ".workflow/submissions").mkdir(parents=True)
    (bench.root / f".workflow/submissions/{form}").symlink_to(bench.root / "site/static")
    server.account.add_submission(form, JANE)
    with pytest.raises(NotADirectoryError):
        bench.run("form-submissions", form="contact")
    assert not list((bench.root / "site/static").iterdir())


def test_a_link_in_a_files_place_is_replaced_and_not_written_through(
    bench: Bench, server: Server, form: str
) -> None:
    folder = bench.root / f".workflow/submissions/{form}"
    folder.mkdir(parents=True)
    victim = bench.root / "victim"
    victim.write_text("kept")
    for name in ("task-1.csv", ".task-1.csv.tmp"):
        (folder / name).symlink_to(victim)
    server.account.add_submission(form, JANE)
    bench.run("form-submissions", form="contact")
    assert victim.read_text() == "kept"
    assert not (folder / "task-1.csv").is_symlink()


# -- since ----------------------------------------------------------------------------------------


def test_since_last_goes_on_where_the_last_fetch_ended(
    bench: Bench, server: Server, form: str
) -> None:
    account = server.account
    sent = [account.add_submission(form, JANE, NOW + timedelta(minutes=n)) for n in range(3)]
    assert ids(fetch(bench)) == sent
    assert fetch(bench) == []
    # In the very second of the newest one, too.
    more = [account.add_submission(form, JANE, NOW + timedelta(minutes=n)) for n in (2, 3)]
    assert ids(fetch(bench)) == more
    assert fetch(bench) == []


def test_one_that_arrives_late_is_not_missed(bench: Bench, server: Server, form: str) -> None:
    account = server.account
    account.add_submission(form, JANE, NOW)
    fetch(bench)
    late = account.add_submission(form, JANE, NOW - timedelta(hours=30))
    assert ids(fetch(bench)) == [late]
    assert fetch(bench) == []


def test_clocks_that_are_put_back_lose_and_double_nothing(
    bench: Bench, server: Server, form: str
) -> None:
    """On 1 November 2026, 01:00 to 02:00 comes twice in New York."""
    account = server.account
    start = datetime(2026, 11, 1, 4, 0, tzinfo=UTC)
    got: list[str] = []
    sent = []
    for minutes in range(0, 300, 20):
        sent.append(account.add_submission(form, JANE, start + timedelta(minutes=minutes)))
        if minutes % 60 == 0:
            got += ids(fetch(bench))
    got += ids(fetch(bench))
    assert sorted(got) == sorted(sent)
    assert len(got) == len(set(got))


def test_an_account_that_moves_to_another_time_zone_loses_and_doubles_nothing(
    bench: Bench, server: Server, form: str
) -> None:
    account = server.account
    first = account.add_submission(form, JANE, NOW)
    assert ids(fetch(bench)) == [first]
    account.time_zone = "Pacific/Auckland"
    second = account.add_submission(form, JANE, NOW + timedelta(minutes=1))
    assert ids(fetch(bench)) == [second]
    account.time_zone = "Pacific/Honolulu"
    third = account.add_submission(form, JANE, NOW + timedelta(minutes=2))
    assert ids(fetch(bench)) == [third]


def test_the_mark_stays_small(bench: Bench, server: Server, form: str) -> None:
    for day in range(12):
        server.account.add_submission(form, JANE, NOW + timedelta(days=day))
        assert len(fetch(bench)) == 1
    said = json.loads((bench.root / f".workflow/submissions/{form}/mark.json").read_text())
    assert len(said["mark"]["seen"]) == 3


def test_a_limit_takes_the_oldest_and_leaves_the_rest_for_the_next_time(
    bench: Bench, server: Server, form: str
) -> None:
    account = server.account
    sent = [account.add_submission(form, JANE, NOW + timedelta(days=n)) for n in range(7)]
    assert ids(fetch(bench, limit=3)) == sent[:3]
    assert ids(fetch(bench, limit=3)) == sent[3:6]
    assert ids(fetch(bench, limit=3)) == sent[6:]
    assert fetch(bench, limit=3) == []


def test_a_time_is_meant_in_utc_and_asked_for_in_the_accounts_zone(
    bench: Bench, server: Server, form: str
) -> None:
    account = server.account
    sent = [account.add_submission(form, JANE, NOW + timedelta(hours=n)) for n in range(-6, 6)]
    assert ids(fetch(bench, since="2026-01-19T19:30:00Z")) == sent[6:]
    assert ids(fetch(bench, since="2026-01-19 19:30")) == sent[6:]
    assert ids(fetch(bench, since="2026-01-19T14:30:00-05:00")) == sent[6:]
    assert ids(fetch(bench, since="2026-01-20")) == sent[11:]
    asked = json.loads(server.asked[-1].query["filter"])
    assert asked == {"created_at:gt": "2026-01-19 17:00:00"}


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "UTC", "Pacific/Apia"])
def test_every_zone_gives_the_same(bench: Bench, server: Server, form: str, zone: str) -> None:
    account = server.account
    account.time_zone = zone
    sent = [account.add_submission(form, JANE, NOW + timedelta(minutes=n)) for n in range(-90, 90)]
    assert ids(fetch(bench, since="2026-01-19T19:30:00Z")) == sent[90:]


def test_in_an_hour_that_comes_twice_one_too_many_is_better_than_one_lost(
    bench: Bench, server: Server, form: str
) -> None:
    first_passage = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # 01:30, summer time
    second_passage = datetime(2026, 11, 1, 6, 10, tzinfo=UTC)  # 01:10, winter time
    sent = server.account.add_submission(form, JANE, second_passage)
    since = first_passage.isoformat()
    assert ids(fetch(bench, since=since)) == [sent]


def test_all_and_a_time_leave_the_mark_alone(bench: Bench, server: Server, form: str) -> None:
    account = server.account
    sent = [account.add_submission(form, JANE, NOW + timedelta(days=n)) for n in range(3)]
    assert ids(fetch(bench, since="all")) == sent
    assert ids(fetch(bench, since="2026-01-21")) == sent[2:]
    assert ids(fetch(bench)) == sent
    assert ids(fetch(bench, since="all")) == sent


@pytest.mark.parametrize(
    "since", ["yesterday", "", "2026-13-01", "20260119", "LAST", "1999-01-01", "0001-01-01", "now",
              "2026-01-19T25:00:00Z", "9999-12-31T23:59:59-12:00", "2026-01-19\x00"],
)  # fmt: skip
def test_a_time_that_is_none_is_refused(bench: Bench, server: Server, since: str) -> None:
    with pytest.raises(ValueError, match="since"):
        bench.run("form-submissions", form="contact", since=since)
    assert not server.asked


def test_a_zone_that_nobody_knows_is_told_and_may_be_set(
    bench: Bench, server: Server, form: str
) -> None:
    server.account.add_submission(form, JANE, NOW)
    for zone in ("Mars/Olympus", "", "../../etc/passwd", "America/New York\x00"):
        server.fail(envelope(200, "success", content={"time_zone": zone}), at="/user")
        error = bench.error("form-submissions", form="contact")
        assert (error.code, error.action) == ("unknown_time_zone", "escalate")
    bench.configure(workflow_yaml(server, form, time_zone="America/New_York"))
    server.fail(page(), at="GET /user", times=0)
    outcome = bench.run("form-submissions", form="contact")
    assert outcome.outputs["newest"] == "2026-01-19T19:30:00Z"
    assert server.asked[-1].path != "/user"


# -- cut off --------------------------------------------------------------------------------------


def test_a_fault_in_the_middle_of_many_pages_is_passed_over(
    bench: Bench, server: Server, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 50)
    sent = [
        server.account.add_submission(form, JANE, NOW + timedelta(seconds=n)) for n in range(230)
    ]
    server.fail(CUT_SHORT, at="submissions")
    server.fail(page(), at="submissions")
    assert ids(fetch(bench)) == sent


def test_a_failed_fetch_leaves_neither_files_nor_mark(
    bench: Bench, server: Server, form: str
) -> None:
    sent = server.account.add_submission(form, JANE, NOW)
    server.fail(envelope(429, "API-Limit exceeded"), at="submissions")
    assert bench.error("form-submissions", form="contact").code == "jotform_quota"
    assert not list(bench.root.rglob("task-*"))
    assert ids(fetch(bench)) == [sent]


def test_a_task_that_is_run_again_writes_the_same_files(
    bench: Bench, server: Server, form: str
) -> None:
    account = server.account
    first = account.add_submission(form, JANE, NOW)
    fetch(bench, "task-a")
    second = account.add_submission(form, JANE, NOW + timedelta(minutes=1))
    assert ids(fetch(bench, "task-b")) == [second]
    # As after a crash between the mark and the result.
    assert ids(fetch(bench, "task-b")) == [second]
    third = account.add_submission(form, JANE, NOW + timedelta(minutes=2))
    assert ids(fetch(bench, "task-b")) == [second, third]
    assert fetch(bench, "task-c") == []
    assert ids(
        json.loads((bench.root / f".workflow/submissions/{form}/task-a.json").read_text())
    ) == [first]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"task": "x", "mark": {"newest": 1}}',
        b'{"task": "x", "mark": {"newest": "yesterday", "seen": {}}}',
    ],
)
def test_a_mark_that_cannot_be_read_is_told(
    bench: Bench, server: Server, form: str, raw: bytes
) -> None:
    server.account.add_submission(form, JANE, NOW)
    fetch(bench)
    (bench.root / f".workflow/submissions/{form}/mark.json").write_bytes(raw)
    error = bench.error("form-submissions", form="contact")
    assert (error.code, error.action) == ("bad_mark", "escalate")


def test_times_that_are_none_do_not_move_the_mark(bench: Bench, server: Server, form: str) -> None:
    account = server.account
    account.add_submission(form, JANE, NOW)
    account.add_submission(form, JANE, NOW, created_at="zzz")
    account.add_submission(form, JANE, NOW, created_at=None)
    assert len(fetch(bench)) == 3
    new = account.add_submission(form, JANE, NOW + timedelta(minutes=1))
    assert new in ids(fetch(bench))


def test_a_sweep_that_is_killed_in_the_middle_is_made_good(
    tmp_path: Path, server: Server, form: str
) -> None:
    program = make_exchange(tmp_path, workflow_yaml(server, form))
    sent = server.account.add_submission(form, JANE, NOW)
    reached, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        reached.set()
        let_go.wait(60)

    server.fail(hold, at="submissions")
    task = program.submit("form-submissions", "--set", "form=contact")
    sweep = program.start("sweep")
    assert reached.wait(60)
    os.kill(sweep.pid, signal.SIGKILL)
    sweep.wait()
    let_go.set()
    program("sweep")
    result = program.result(task)
    assert result["status"] == "success", result
    found = json.loads((program.root / result["outputs"]["json_file"]).read_text())
    assert ids(found) == [sent]


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London"])
def test_a_moment_goes_to_jotforms_words_and_back(zone: str) -> None:
    from zoneinfo import ZoneInfo

    where = ZoneInfo(zone)
    assert clock.to_utc(clock.from_utc(NOW, where), where) == NOW
    assert clock.to_utc("soon", where) is None

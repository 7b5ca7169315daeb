"""What the page says, and that it costs the same however much was ever done."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.program import Program
from tests.report.busy import BROKEN, DENIED, WITH_DEPLOYS, add, deploy_outputs, wait_for_approval
from workflow.archive import archive
from workflow.expectations import Check
from workflow.report import history
from workflow.report.trends import days, durations, unmended


class Words(HTMLParser):
    """The text that a person reads, without markup, style and title."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.skipped = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.skipped += tag in ("style", "title")

    def handle_endtag(self, tag: str) -> None:
        self.skipped -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self.skipped:
            self.said.append(data)


def words(program: Program, name: str = "report.html") -> str:
    page = (program.root / "results" / name).read_text(encoding="utf-8")
    return " ".join(" ".join(Words(page).said).split()).replace(" ,", ",")


def test_the_command_says_where_the_page_is_and_what_it_says(busy: Program) -> None:
    ran = busy("report")
    assert ran.out.strip() == str(busy.root / "results/report.html")
    assert "One thing waits for you. The deploy to staging waits for your approval." in ran.err
    assert "next: workflow report --open" in ran.err


def test_the_verdict_comes_first_then_what_waits_with_the_command_to_copy(busy: Program) -> None:
    said = words(busy)
    (waiting,) = (busy.root / "tasks/waiting").glob("*.md")
    command = re.search(rf"workflow approve {waiting.stem} staging [0-9a-f]{{8}}", said)
    assert command is not None
    order = ["One thing waits for you", "Waits for you", command[0], "Failed, and not mended yet",
             "Environments", "Today", "The last four weeks", "How long it takes",
             "Findings of the validator"]  # fmt: skip
    places = [said.index(part) for part in order]
    assert places == sorted(places)
    assert "1 file to delete" in said and "posts/winter-offer/index.html" in said


def test_each_environment_says_what_was_published_last(busy: Program) -> None:
    said = words(busy)
    part = said[said.index("Environments") : said.index("Today")]
    for expected in ("Dev", "built here only", "Staging", "waits for you", "3 sent · 1 deleted",
                     "240 unchanged", "staging-0007-5cd28c6c", "approved by mark with the phrase",
                     "images/summer.webp", "Production", "not published lately"):  # fmt: skip
        assert expected in part, expected


def test_a_failure_says_where_it_is_how_to_mend_it_and_who_does(busy: Program) -> None:
    said = words(busy)
    part = said[said.index("Failed, and not mended yet") : said.index("Environments")]
    for expected in (BROKEN.message, "content/posts/boat-week.md:5:1", BROKEN.hint or "",
                     "{{< ofer >}}", "Claude Code can mend this", "hugo_missing_shortcode",
                     "attempt-1.log: the last 4 lines", "workflow retry "):  # fmt: skip
        assert expected in part, expected


def test_json_gives_the_data_that_the_page_is_made_of(busy: Program) -> None:
    data = busy("report", "--json").data
    assert data["verdict"]["kind"] == "you"
    assert data["path"] == str(busy.root / "results/report.html") and data["bytes"] < 200_000
    assert [one["name"] for one in data["environments"]] == ["dev", "staging", "production"]
    assert len(data["days"]) == 28 and data["bounds"]["cut"] is False
    assert sum(d["failed"] for d in data["days"]) >= 1
    kinds = [one["task_type"] for one in data["durations"]]
    assert kinds[0] in ("hugo-build", "site-validate") and "hugo-deploy-staging" in kinds
    assert data["findings"][0]["counts"] == {"error": 41, "warning": 1, "notice": 42}
    assert data["waiting"][0]["plan"]["changes"][0] == {
        "action": "delete",
        "files": 1,
        "first": ["posts/winter-offer/index.html"],
    }


def test_the_page_is_small_and_loads_nothing(busy: Program) -> None:
    raw = (busy.root / "results/report.html").read_text()
    assert len(raw.encode()) < 200_000
    page = unescape(raw)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
    assert not re.search(r"<script|<iframe|<object|<form|\son\w+=|@import|url\(", page)
    assert re.findall(r'src="[^"]*"', page) == []
    links = re.findall(r'href="([^"]*)"', page)
    assert {link for link in links if not link.startswith("http")} == {"data:,"}


def test_an_exchange_in_which_nothing_happened_has_a_page_too(program: Program) -> None:
    ran = program("report")
    assert ran.code == 0
    assert "Nothing to tell yet" in words(program)
    assert "No task has ended yet." in words(program)


def test_all_is_well_after_real_tasks_that_succeeded(program: Program) -> None:
    program.submit("noop", "--wait", "60")
    program.submit("hugo-build", "--env", "dev", "--wait", "60")
    program("report")
    said = words(program)
    assert said.index("All is well") < said.index("2 of 2 tasks succeeded today")
    assert "Built main for dev" in said


def test_a_person_is_told_what_only_a_person_can_do(program: Program) -> None:
    now = datetime.now(UTC)
    add(program, f"{now:%Y-%m-%d-%H%M}-hugo-deploy-production", "hugo-deploy-production", now,
        environment="production", status="failed", error=DENIED, outputs={"live": "untouched"},
        verdict="hugo-deploy-production failed: it is refused.")  # fmt: skip
    program("report")
    said = words(program)
    assert "One thing waits for you The deploy to production needs a person." in said
    assert "What visitors have: the site is as it was before." in said
    assert "workflow doctor --iam" in said


def test_what_visitors_have_is_said_once(program: Program) -> None:
    config = program.root / "workflow.yaml"
    config.write_text(WITH_DEPLOYS)
    now = datetime.now(UTC) - timedelta(seconds=100)
    add(program, f"{now:%Y-%m-%d-%H%M}-hugo-deploy-production", "hugo-deploy-production", now,
        environment="production", status="failed", error=DENIED, outputs={"live": "untouched"},
        verdict="hugo-deploy-production failed: no; the site is as it was before.")  # fmt: skip
    program("report")
    assert "What visitors have" not in words(program)
    assert "failed: no; the site is as it was before." in words(program)


def test_what_has_succeeded_since_is_not_held_against_anybody(program: Program) -> None:
    now = datetime.now(UTC) - timedelta(seconds=100)
    for number, error in enumerate((BROKEN, None)):
        add(program, f"{now:%Y-%m-%d-%H%M}-hugo-build-dev-{number}", "hugo-build",
            now + timedelta(seconds=number), environment="dev",
            status="failed" if error else "success", error=error)  # fmt: skip
    data = program("report", "--json").data
    assert data["verdict"]["kind"] == "well" and data["unmended"] == []
    assert data["failures"] == [{"task_type": "hugo-build", "failed": 1, "runs": 2, "open": 0}]


def test_of_a_chain_that_broke_the_last_task_is_the_one_to_submit_again(program: Program) -> None:
    fails = "commands:\n  fails: {argv: [/bin/sh, -c, 'exit 3']}\n"
    with (program.root / "workflow.yaml").open("a") as config:
        config.write(fails)
    chain = program.submit("fails", "--then", "noop", "--then", "hugo-build").split()
    program("sweep")
    program("report")
    assert f"workflow retry {chain[-1]}" in words(program)
    assert f"workflow retry {chain[0]}" not in words(program)


def test_a_failure_that_nobody_mended_for_a_week_is_history(program: Program) -> None:
    then = datetime.now(UTC) - timedelta(days=9)
    add(program, f"{then:%Y-%m-%d-%H%M}-hugo-build-dev", "hugo-build", then,
        environment="dev", status="failed", error=BROKEN)  # fmt: skip
    data = program("report", "--json").data
    assert data["unmended"] == [] and data["day"]["today"] is False
    assert data["failures"][0]["failed"] == 1


def test_a_silent_timer_is_told_where_tasks_wait_for_it(program: Program) -> None:
    program.submit("noop")
    data = program("report", "--json").data
    assert data["verdict"]["kind"] == "silent"
    assert "none has run yet" in data["verdict"]["sentence"]
    assert "Waits for others" in words(program)


def test_a_broken_configuration_waits_for_the_person(program: Program) -> None:
    config = program.root / "workflow.yaml"
    config.write_text(config.read_text() + "policies: {jobs: none}\n")
    assert program("report").code == 0
    assert "Workflow.yaml has to be mended" in words(program)
    assert "policies.jobs" in words(program)


def test_rehearsals_and_what_was_called_off_are_no_deploys(program: Program) -> None:
    (program.root / "workflow.yaml").write_text(WITH_DEPLOYS)
    now = datetime.now(UTC) - timedelta(minutes=5)
    for number, more in enumerate(({}, {"dry_run": True, "uploaded_files": 0})):
        add(program, f"{now:%Y-%m-%d-%H%M}-hugo-deploy-staging-{number}", "hugo-deploy-staging",
            now + timedelta(seconds=number), environment="staging",
            outputs=deploy_outputs("staging") | more)  # fmt: skip
    staging = program("report", "--json").data["environments"][1]
    assert staging["published"]["task_id"].endswith("-0") and staging["failure"] is None


def test_the_archive_is_read_like_the_rest(busy: Program, tmp_path: Path) -> None:
    from tests.program import make_exchange

    program = make_exchange(tmp_path)
    then = datetime.now(UTC) - timedelta(days=20)
    add(program, f"{then:%Y-%m-%d-%H%M}-noop", "noop", then)
    before = history.read_history(program.exchange, datetime.now(UTC))
    archive(program.exchange, datetime.now(UTC) + timedelta(days=40))
    assert not program.exchange.days()
    after = history.read_history(program.exchange, datetime.now(UTC))
    assert len(before.ended) == 1
    assert [e.task_id for e in after.ended] == [e.task_id for e in before.ended]


def test_older_results_are_not_opened_and_the_page_says_so(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    for number in range(30):
        ended = now - timedelta(days=number // 10, seconds=number)
        add(program, f"{ended:%Y-%m-%d-%H%M}-noop-{number:02}", "noop", ended)
    monkeypatch.setattr(history, "RESULTS", 12)
    opened: list[str] = []
    real = history.read_start

    def counting(path: str, most: int) -> bytes | None:
        opened.append(path)
        return real(path, most)

    monkeypatch.setattr(history, "read_start", counting)
    seen = history.read_history(program.exchange, now)
    assert len(seen.ended) == 12 and seen.cut and len(opened) == 12
    assert [e.completed_at for e in seen.ended] == sorted(
        (e.completed_at for e in seen.ended), reverse=True
    )
    assert seen.first_day == f"{now - timedelta(days=1):%Y-%m-%d}"


def test_what_is_older_than_four_weeks_is_not_read(program: Program) -> None:
    then = datetime.now(UTC) - timedelta(days=history.DAYS)
    add(program, f"{then:%Y-%m-%d-%H%M}-noop", "noop", then)
    assert program("report", "--json").data["bounds"]["read"] == 0
    assert "Made from 0 results of the last 28 days. What is older is not read." in words(program)


def test_trends_count_days_runs_and_what_is_still_broken() -> None:
    def one(number: int, kind: str, status: str, seconds: float) -> history.Ended:
        day = f"2026-03-{number:02}T10:00:00Z"
        return history.Ended(f"id-{number}", kind, "dev", status, day, seconds, "")

    ended = (
        one(4, "noop", "failed", 9.0),
        one(3, "noop", "success", 3.0),
        one(3, "noop", "cancelled", 0.0),
        one(2, "noop", "success", 1.0),
        one(2, "rare", "success", 1.0),
    )
    seen = history.History(ended, "2026-03-01", False)
    assert [tuple(d.values()) for d in days(seen, "2026-03-04")] == [
        ("2026-03-01", 0, 0, 0),
        ("2026-03-02", 2, 0, 0),
        ("2026-03-03", 1, 0, 1),
        ("2026-03-04", 0, 1, 0),
    ]
    (drawn,) = durations(ended)
    assert drawn["median_seconds"] == 2.0 and drawn["last_seconds"] == 9.0
    assert [run["well"] for run in drawn["runs"]] == [True, True, False]
    assert [e.task_id for e in unmended(ended)] == ["id-4"]


# -- one task ------------------------------------------------------------------------------------


def test_a_failed_task_has_a_page_with_error_checks_and_log(program: Program) -> None:
    now = datetime.now(UTC)
    task_id = f"{now:%Y-%m-%d-%H%M}-hugo-build-dev"
    add(program, task_id, "hugo-build", now, environment="dev", status="failed", error=BROKEN,
        verdict="hugo-build failed.", logs="the first line\nthe last line\n",
        outputs={"build_success": False, "site": "main"},
        checks=[Check("build_success", "== true", False, False)])  # fmt: skip
    ran = program("report", task_id[:-4])
    assert ran.out.strip() == str(program.root / f"results/report/{task_id}.html")
    said = words(program, f"report/{task_id}.html")
    for expected in ("It failed", task_id, BROKEN.message, "content/posts/boat-week.md:5:1",
                     "not met build_success expected == true, was false", "the last line",
                     "As it was asked for.", "task_type: hugo-build", "2 outputs",
                     "Look at it: workflow show latest", f"tasks/failed/{task_id}.md"):  # fmt: skip
        assert expected in said, expected


def test_a_task_that_waits_has_a_page_with_its_plan_and_the_commands(busy: Program) -> None:
    (waiting,) = (busy.root / "tasks/waiting").glob("*.md")
    assert busy("report", waiting.stem).code == 0
    said = words(busy, f"report/{waiting.stem}.html")
    for expected in ("It waits for you", "2 new, 3 changed, 1 to delete", "1 file to delete",
                     "images/summer.webp", f"workflow approve {waiting.stem} staging ",
                     f"workflow reject {waiting.stem}"):  # fmt: skip
        assert expected in said, expected


def test_a_real_task_that_succeeded_has_a_page(program: Program) -> None:
    task_id = program.submit("hugo-build", "--env", "dev", "--wait", "60")
    data = program("report", "latest", "--json").data
    assert data["task_id"] == task_id and data["status"] == "success"
    assert all(check["passed"] for check in data["checks"])
    said = words(program, f"report/{task_id}.html")
    assert "It succeeded" in said and "Start building sites" in said


def test_a_task_that_is_unknown_is_said_to_be(program: Program) -> None:
    ran = program("report", "nothing-like-it", "--json")
    assert ran.code == 5 and ran.json["error"]["code"] == "no_such_task"
    assert not (program.root / "results/report").exists()


def test_several_that_wait_are_counted(program: Program) -> None:
    (program.root / "workflow.yaml").write_text(WITH_DEPLOYS)
    for environment in ("staging", "production"):
        wait_for_approval(program, environment)
    assert "Two things wait for you" in program("report").err

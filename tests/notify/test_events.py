"""What people are told, once, and in few words."""

from __future__ import annotations

import os
import signal
import time

from tests.notify.conftest import NOTIFY, Telling
from tests.notify.service import Service, served
from tests.program import CONFIG


def test_a_failure_arrives_once_with_the_verdict_and_the_next_command(
    program: Telling, phone: Service
) -> None:
    program.fail()
    assert program("sweep").code == 0
    (told,) = phone.wait_for(1)
    assert told.path == "/my-secret-topic"
    assert told.title == "Failed"
    assert (told.headers["priority"], told.headers["tags"]) == ("4", "rotating_light")
    sentence, command = told.body.split("\n")
    assert sentence.startswith("The task file 2026-01-19-1430-wrong.md cannot be run:")
    assert command == "workflow show 2026-01-19-1430-wrong"
    program("sweep")
    program.submit("noop")
    program("sweep")
    program.settled()
    assert len(phone.wait_for(2, 0.5)) == 1


def test_a_task_that_waits_for_approval_is_told_with_its_digest(
    program: Telling, phone: Service
) -> None:
    task_id = program.ask()
    program("sweep")
    (told,) = phone.wait_for(1)
    digest = program("plan", task_id, "--field", "data.digest").out[:8]
    assert told.title == "Approve a task?"
    assert f"plan {digest}" in told.body
    assert told.body.endswith(f"\nworkflow plan {task_id}")
    assert len(told.body) < 200
    program.submit("noop")
    program("sweep")
    program.settled()
    assert len(phone.received) == 1, "it is told once, however long it waits"


def test_a_plan_that_changes_is_told_again(program: Telling, phone: Service) -> None:
    task_id = program.ask()
    program("sweep")
    phone.wait_for(1)
    waiting = program.root / f"tasks/waiting/{task_id}.md"
    waiting.write_text(waiting.read_text().replace("noop\n", "noop\nparams: {seconds: 0.01}\n", 1))
    program("sweep")
    program.settled()
    told = phone.wait_for(2, 3)
    assert len({one.body for one in told}) == len(told), "never the same plan twice"


def test_what_a_person_says_no_to_is_no_news(program: Telling, phone: Service) -> None:
    task_id = program.ask()
    program("sweep")
    phone.wait_for(1)
    assert program("reject", task_id).code == 0
    program.submit("noop")
    program("sweep")
    program.settled()
    assert len(phone.received) == 1


def test_a_hundred_failures_in_one_sweep_are_one_message(program: Telling, phone: Service) -> None:
    for number in range(100):
        program.fail(f"wrong-{number}")
    program("sweep")
    (told,) = phone.wait_for(1)
    program.settled()
    assert len(phone.received) == 1
    assert told.title == "100 tasks failed"
    assert told.body.endswith("\nworkflow list --state failed")
    assert len(told.body) < 200


def test_a_deploy_to_production_that_is_done_is_told_with_the_site_to_tap(
    program: Telling, phone: Service
) -> None:
    script = program.root / "publish_to_production.py"
    script.write_text("print('uploaded_files: 5')\n")
    with served(program.root / "site/public") as url:
        config = CONFIG.replace(
            'https://www.example.com/", approval: phrase}',
            'https://www.example.com/", approval: none,\n    deploy: {strategy: script,'
            f" script: publish_to_production.py, verify_url: '{url}'}}}}",
        )
        (program.root / "workflow.yaml").write_text(config + NOTIFY)
        program.submit("hugo-build", "--env", "production", "--then", "hugo-deploy-production")
        program("sweep")
    done = program.exchange.ids_ending_with("hugo-deploy-production")[0]
    assert program.result(done)["status"] == "success", program("show", done).out
    (told,) = phone.wait_for(1)
    assert told.title == "Done: production"
    assert told.body.startswith("Published main to production")
    assert told.headers["click"] == "https://www.example.com/"


def test_a_success_that_fails_a_check_is_told_as_that(program: Telling, phone: Service) -> None:
    program.write(
        "2026-01-19-1430-unmet.md",
        "---\ntask_type: hugo-build\nparams: {environment: staging}\n"
        "expected_outputs: [file_count: integer (>1000)]\n---\n",
    )
    program("sweep")
    (told,) = phone.wait_for(1)
    assert told.title == "Failed: staging"
    assert told.body.startswith("A check failed (file_count should be integer (>1000), is")


def test_the_end_of_all_work_is_told_to_who_asked_for_it(program: Telling, phone: Service) -> None:
    program.configure(NOTIFY.replace("{via: ntfy}", "{via: json, events: [done]}"))
    program.submit("noop")
    program.submit("noop")
    program.fail()
    program("sweep")
    (told,) = phone.wait_for(1)
    assert told.json["event"] == "done"
    assert told.json["message"].startswith("3 tasks ended: 2 succeeded, 1 failed. Nothing is left")
    program.write("later.md", "---\ntask_type: noop\nnot_before: 2999-01-01\n---\n")
    program.submit("noop")
    program("sweep")
    program.settled()
    assert len(phone.received) == 1, "something is left to do"


def test_json_says_what_it_is_about(program: Telling, phone: Service) -> None:
    program.configure(NOTIFY.replace("{via: ntfy}", "{via: json, click: 'https://r.example/x'}"))
    task_id = program.submit("hugo-build", "--env", "staging", "--set", "minify=true")
    (program.root / "site/content/posts/one.md").write_text("{{< ofer >}}\n")
    program("sweep")
    (told,) = phone.wait_for(1)
    assert told.headers["content-type"] == "application/json"
    said = told.json
    assert said["event"] == "failure"
    assert said["environments"] == ["staging"]
    assert said["tasks"] == [task_id]
    assert said["click"] == "https://r.example/x"
    assert said["title"] == "Failed: staging"


def test_a_channel_hears_of_its_environments_and_events_only(
    program: Telling, phone: Service
) -> None:
    program.configure(
        NOTIFY.replace(
            "{via: ntfy}",
            "{via: ntfy, environments: [production]}\n  desk: {via: ntfy, events: [approval]}",
        )
    )
    program.known["WORKFLOW_NOTIFY_DESK_SECRET"] = phone.url
    program.fail()
    (program.root / "site/content/posts/one.md").write_text("{{< ofer >}}\n")
    program.submit("hugo-build", "--env", "staging")
    program("sweep")
    program.settled()
    assert phone.received == []
    program.submit("hugo-build", "--env", "production")
    program("sweep")
    (told,) = phone.wait_for(1)
    assert told.title == "Failed: production"


def test_a_sweep_that_was_killed_between_result_and_message_is_made_up_for(
    program: Telling, phone: Service
) -> None:
    program.fail()
    program.submit("nap")
    sweep = program.start("sweep")
    began = program.root / "began"
    _until(lambda: began.exists() and program.states("2026-01-19-1430-wrong") == ["failed"])
    sweep.kill()
    sweep.wait()
    os.kill(int(began.read_text()), signal.SIGKILL)
    assert phone.received == []
    assert program("sweep").code == 0
    told = phone.wait_for(1)
    program.settled()
    assert [one.body for one in told if "2026-01-19-1430-wrong" in one.body] != []
    assert len(told) == 1, "the failure, and that of the task that was cut off, in one message"
    program("sweep")
    program.settled()
    assert len(phone.received) == 1


def test_after_a_killed_sweep_the_next_tick_is_not_idle(program: Telling, phone: Service) -> None:
    program.submit("noop")
    program("sweep")
    stamp = program.root / ".workflow/parked"
    # As it is while a sweep is at work, and stays if that is killed.
    assert stamp.read_text().split()[1] != "0.0"
    program.submit("nap")
    sweep = program.start("sweep")
    _until((program.root / "began").exists)
    assert stamp.read_text().split()[1] == "0.0"
    sweep.kill()
    sweep.wait()
    os.kill(int((program.root / "began").read_text()), signal.SIGKILL)


def test_who_was_told_nothing_for_a_while_is_not_told_of_it_later(
    program: Telling, phone: Service
) -> None:
    program.configure("")
    program.fail()
    program("sweep")
    assert not (program.root / ".workflow/notify/state.json").exists()
    program.configure(NOTIFY)
    program("sweep")
    program.submit("noop")
    program("sweep")
    program.settled()
    assert phone.received == []


def test_an_idle_tick_tells_nothing_and_starts_nothing(program: Telling, phone: Service) -> None:
    program.fail()
    program("sweep")
    phone.wait_for(1)
    program.settled()
    program("sweep")
    before = (program.root / ".workflow/notify/state.json").stat().st_mtime_ns
    for _ in range(3):
        program("sweep")
    time.sleep(0.3)
    assert (program.root / ".workflow/notify/state.json").stat().st_mtime_ns == before


def test_a_text_holds_no_secret_and_no_line_of_a_terminals_commands(
    program: Telling, phone: Service
) -> None:
    name = "\x1b]0;title\x07 AKIAIOSFODNN7EXAMPLE"
    program.write(
        "2026-01-19-1430-bad.md",
        f'---\ntask_type: "{name!s}"\n---\n'.replace("\x1b", "\\e").replace("\x07", "\\a"),
    )
    program("sweep")
    (told,) = phone.wait_for(1)
    assert "AKIA" not in told.body + told.title
    assert told.body.count("\n") == 1
    assert all(letter.isprintable() for letter in told.body.replace("\n", ""))


def test_a_long_id_does_not_push_out_the_command(program: Telling, phone: Service) -> None:
    program.fail("x" * 150)
    program("sweep")
    (told,) = phone.wait_for(1)
    assert len(told.body) < 200
    assert told.body.endswith("\nworkflow list --state failed")


def _until(true: object, seconds: float = 60) -> None:
    assert callable(true)
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)

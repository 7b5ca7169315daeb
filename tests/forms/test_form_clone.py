"""form-clone: one copy, with its title, and never two."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.forms.exchange import Bench, contact, workflow_yaml
from tests.forms.jotform import (
    CUT_AFTER,
    CUT_BEFORE,
    CUT_SHORT,
    KEY,
    Server,
    envelope,
    jotform_server,
    page,
)
from tests.program import make_exchange
from workflow.errors import TaskError, TaskFailed
from workflow.forms import client
from workflow.forms.embedding import embedding, name_for

TITLE = "Summer auto promo"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    monkeypatch.setenv("JOTFORM_API_KEY", KEY)
    with jotform_server() as serving:
        yield serving


@pytest.fixture
def bench(tmp_path: Path, server: Server) -> Bench:
    return Bench(tmp_path, server).configure(workflow_yaml(server, contact(server)))


def clones(server: Server) -> list[dict[str, Any]]:
    return list(server.account.forms.values())[1:]


def posts(server: Server) -> list[str]:
    return [asked.path.split("/")[-1] for asked in server.told()]


def test_a_clone_asks_the_same_and_has_its_own_title(bench: Bench, server: Server) -> None:
    source = next(iter(server.account.forms))
    outcome = bench.run("form-clone", form="contact", title=TITLE)
    [clone] = clones(server)
    assert clone["title"] == TITLE
    assert clone["questions"] == server.account.forms[source]["questions"]
    assert outcome.verdict == f"The form {TITLE!r} ({clone['id']}) was made, a copy of {source}."
    assert outcome.outputs == {
        "source_id": source,
        "title": TITLE,
        "form_id": clone["id"],
        "url": f"https://form.jotform.com/{clone['id']}",
        "embed": {
            "script": f'<script src="https://form.jotform.com/jsform/{clone["id"]}"></script>',
            "shortcode": None,
        },
        "workflow_yaml": f'forms:\n  summer-auto-promo: {{id: "{clone["id"]}"}}',
    }
    assert posts(server) == ["clone", "properties"]
    assert outcome.outputs["embed"]["script"] in outcome.summary


def test_the_shortcode_is_told_where_the_site_has_it(bench: Bench, server: Server) -> None:
    own = bench.root / "site/layouts/shortcodes/jotform.html"
    own.parent.mkdir(parents=True)
    own.write_text("{{ .Get 0 }}")
    outcome = bench.run("form-clone", form="contact", title=TITLE)
    shortcode = outcome.outputs["embed"]["shortcode"]
    assert shortcode == f'{{{{< jotform "{clones(server)[0]["id"]}" >}}}}'
    # Hugo leaves a script out that stands in Markdown.
    assert shortcode in outcome.summary and "<script" not in outcome.summary


def test_what_was_done_is_noted_before_and_after_each_step(bench: Bench) -> None:
    bench.run("form-clone", form="contact", title=TITLE)
    assert bench.recorded[0]["form_id"] == "unknown"
    assert "form-list" in bench.recorded[0]["next_step"]
    assert "Clone of Contact" in bench.recorded[0]["next_step"]
    assert bench.recorded[1]["form_id"].isdigit()


@pytest.mark.parametrize("fault", [CUT_BEFORE, CUT_AFTER, CUT_SHORT, page(504), envelope(500, "x")])
def test_a_clone_of_unknown_fate_is_not_made_twice(
    bench: Bench, server: Server, fault: Any
) -> None:
    server.fail(fault, at="clone")
    error = bench.error("form-clone", form="contact", title=TITLE)
    assert (error.code, error.action) == ("unknown_outcome", "escalate")
    assert "Clone of Contact" in (error.hint or "")
    assert posts(server) == ["clone"]


@pytest.mark.parametrize("content", ["", {}, {"id": "x"}, [1], None])
def test_an_answer_without_the_clones_id_is_no_success(
    bench: Bench, server: Server, content: Any
) -> None:
    server.fail(envelope(200, "success", content=content), at="clone")
    assert bench.error("form-clone", form="contact", title=TITLE).code == "unknown_outcome"
    assert posts(server) == ["clone"]


@pytest.mark.parametrize(
    "fault",
    [
        CUT_AFTER,
        envelope(500, "x"),
        envelope(429, "slow", headers={"Retry-After": "1"}),
        envelope(429, "API-Limit exceeded"),
        envelope(400, "no"),
    ],
)
def test_a_clone_without_its_title_is_told_with_its_id_and_never_retried(
    bench: Bench, server: Server, fault: Any
) -> None:
    server.fail(fault, at="properties")
    failure = bench.fail("form-clone", form="contact", title=TITLE)
    [clone] = clones(server)
    assert failure.error.action == "escalate"
    assert clone["id"] in failure.error.message
    assert failure.outputs["form_id"] == clone["id"]
    assert clone["id"] in (failure.error.hint or "")


def test_a_title_that_jotform_does_not_take_is_told(bench: Bench, server: Server) -> None:
    server.fail(envelope(200, "success", content={}), at="properties")
    failure = bench.fail("form-clone", form="contact", title=TITLE)
    assert failure.error.code == "title_not_taken"
    assert "Clone of Contact" in failure.error.message


def test_a_title_that_a_form_has_is_refused_before_anything_is_made(
    bench: Bench, server: Server
) -> None:
    taken = server.account.add_form(TITLE.upper())
    failure = bench.fail("form-clone", form="contact", title=TITLE)
    assert (failure.error.code, failure.error.action) == ("title_taken", "fix")
    assert failure.outputs == {"existing_form_id": taken}
    assert not server.told()
    server.account.forms[taken]["status"] = "DELETED"
    bench.run("form-clone", form="contact", title=TITLE)


def test_a_deleted_form_is_not_copied(bench: Bench, server: Server) -> None:
    next(iter(server.account.forms.values()))["status"] = "DELETED"
    assert bench.error("form-clone", form="contact", title=TITLE).code == "no_such_form"
    assert not server.told()


def test_a_key_that_only_reads_makes_nothing(bench: Bench, server: Server) -> None:
    server.account.read_only = True
    error = bench.error("form-clone", form="contact", title=TITLE)
    assert error.code == "jotform_key_refused"
    assert "may only read" in error.message
    assert "full access" in (error.hint or "")
    assert not clones(server)


@pytest.mark.parametrize(
    "title", ["", " x", "x ", "a\nb", "<script>", "x" * 121, "a\x1b[31m", "a\u202eb"]
)
def test_a_title_is_plain_text(bench: Bench, server: Server, title: str) -> None:
    with pytest.raises(ValueError, match="title"):
        bench.run("form-clone", form="contact", title=title)
    assert not server.asked


def test_a_task_that_is_cancelled_before_the_clone_makes_none(bench: Bench, server: Server) -> None:
    ends = TaskFailed(TaskError("cancelled", "cancelled", "escalate"), status="cancelled")

    def check() -> None:
        if len(server.asked) == 2:
            raise ends

    bench.check = check
    assert bench.fail("form-clone", form="contact", title=TITLE) is ends
    assert not server.told()


def test_the_lines_for_workflow_yaml_take_no_name_that_is_there(
    bench: Bench, server: Server
) -> None:
    assert (
        "contact-2:"
        in bench.run("form-clone", form="contact", title="Contact!").outputs["workflow_yaml"]
    )


@pytest.mark.parametrize(
    ("title", "name"),
    [("Auto & Home: 2026", "auto-home-2026"), ("日本", "new-form"), ("x" * 80, "x" * 40)],
)
def test_a_name_is_made_from_a_title(title: str, name: str) -> None:
    assert name_for(title) == name


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://eu.jotform.com/240000000000001", "eu.jotform.com"),
        ("https://hipaa.jotform.com/240000000000001", "hipaa.jotform.com"),
        ("", "form.jotform.com"),
        ("https://[x/1", "form.jotform.com"),
        ('https://a"><b/1', "form.jotform.com"),
    ],
)
def test_the_script_comes_from_the_forms_own_host(url: str, host: str) -> None:
    script = embedding("240000000000001", url, "contact")["script"]
    assert script == f'<script src="https://{host}/jsform/240000000000001"></script>'


def test_a_clone_runs_as_a_task_and_what_refuses_it_for_now_is_tried_again(
    tmp_path: Path, server: Server
) -> None:
    program = make_exchange(tmp_path, workflow_yaml(server, contact(server)))
    server.fail(envelope(429, "slow", status=429, headers={"Retry-After": "600"}), at="clone")
    task = program.submit("form-clone", "--set", "form=contact", "--set", f"title={TITLE}")
    deadline = time.monotonic() + 60
    while program.exchange.result(task) is None and time.monotonic() < deadline:
        program("sweep")
    result = program.result(task)
    assert result["status"] == "success", result
    assert [one["title"] for one in clones(server)] == [TITLE]
    assert len(result["attempts"]) == 2


@pytest.mark.parametrize("when", ["clone", "properties"])
def test_a_sweep_that_is_killed_in_the_middle_makes_no_second_clone(
    tmp_path: Path, server: Server, when: str
) -> None:
    """kill -9 while JotForm answers; what the next sweep says tells how to go on."""
    program = make_exchange(tmp_path, workflow_yaml(server, contact(server)))
    reached, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        reached.set()
        let_go.wait(60)

    server.fail(
        hold,
        at=f"POST /form/{next(iter(server.account.forms))}/clone"
        if when == "clone"
        else "/properties",
    )
    task = program.submit("form-clone", "--set", "form=contact", "--set", f"title={TITLE}")
    sweep = program.start("sweep")
    assert reached.wait(60)
    os.kill(sweep.pid, signal.SIGKILL)
    sweep.wait()
    let_go.set()
    deadline = time.monotonic() + 60
    while len(clones(server)) < 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    program("sweep")
    result = program.result(task)
    assert (result["status"], result["error"]["code"]) == ("failed", "interrupted")
    [clone] = clones(server)
    assert posts(server).count("clone") == 1
    if when == "clone":
        assert result["outputs"]["form_id"] == "unknown"
        assert "form-list" in result["outputs"]["next_step"]
    else:
        assert result["outputs"]["form_id"] == clone["id"]
    assert KEY not in json.dumps(result)

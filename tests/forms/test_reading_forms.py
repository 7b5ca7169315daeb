"""form-list and form-show: what the account has, and what a form asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forms.exchange import Bench, contact, workflow_yaml
from tests.forms.jotform import KEY, Server, envelope, jotform_server
from tests.program import make_exchange
from workflow.demo.serving import Answer
from workflow.forms import client
from workflow.forms.description import masked


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    monkeypatch.setenv("JOTFORM_API_KEY", KEY)
    with jotform_server() as serving:
        yield serving


@pytest.fixture
def bench(tmp_path: Path, server: Server) -> Bench:
    return Bench(tmp_path, server).configure(workflow_yaml(server, contact(server)))


# -- form-list ------------------------------------------------------------------------------------


def test_every_form_is_listed_and_whether_workflow_yaml_names_it(
    bench: Bench, server: Server
) -> None:
    known = next(iter(server.account.forms))
    server.account.add_submission(known, {"2": {"first": "Jane"}})
    other = server.account.add_form("Other")
    outcome = bench.run("form-list")
    assert outcome.verdict == ("The JotForm account has 2 forms, of which workflow.yaml names 1.")
    forms = {form["id"]: form for form in outcome.outputs["forms"]}
    assert forms[known]["known_as"] == "contact"
    assert (forms[known]["submissions"], forms[known]["new"]) == (1, 1)
    assert forms[known]["last_submission"]
    assert forms[other] == {
        "id": other,
        "title": "Other",
        "status": "enabled",
        "submissions": 0,
        "new": 0,
        "last_submission": None,
        "url": f"https://form.jotform.com/{other}",
        "known_as": None,
    }
    assert json.loads((bench.root / "logs/forms.json").read_text()) == outcome.outputs["forms"]
    assert not server.told()


def test_forms_are_listed_by_status_and_the_deleted_only_if_asked_for(
    bench: Bench, server: Server
) -> None:
    for status in ("DISABLED", "DELETED"):
        server.account.forms[server.account.add_form(status)]["status"] = status

    def titles(**params: str) -> set[str]:
        return {form["title"] for form in bench.run("form-list", **params).outputs["forms"]}

    assert titles() == {"Contact", "DISABLED"}
    assert titles(status="deleted") == {"DELETED"}
    assert titles(status="disabled") == {"DISABLED"}
    assert titles(status="enabled") == {"Contact"}


def test_a_name_whose_form_is_gone_is_told(bench: Bench, server: Server) -> None:
    next(iter(server.account.forms.values()))["status"] = "DELETED"
    outcome = bench.run("form-list")
    assert outcome.outputs["missing"] == ["contact"]
    assert "it lacks contact" in outcome.verdict


def test_of_many_forms_the_result_has_some_and_the_file_all(bench: Bench, server: Server) -> None:
    for number in range(1200):
        server.account.add_form(f"Form {number}")
    outcome = bench.run("form-list")
    assert outcome.outputs["form_count"] == 1201
    assert len(outcome.outputs["forms"]) == 100
    assert len(json.loads((bench.root / "logs/forms.json").read_text())) == 1201


# -- form-show ------------------------------------------------------------------------------------


def test_a_form_is_shown_with_all_that_it_asks_and_does(bench: Bench, server: Server) -> None:
    outcome = bench.run("form-show", form="contact")
    shown = outcome.outputs
    assert outcome.verdict.startswith("The form 'Contact' (")
    assert "is enabled and asks 4 questions" in outcome.verdict
    assert shown["known_as"] == "contact"
    assert [(q["name"], q["type"], q["required"], q["hidden"]) for q in shown["questions"]] == [
        ("header", "heading", False, False),
        ("name", "name", True, False),
        ("email", "email", True, False),
        ("car", "choice", False, False),
        ("campaign", "hidden", False, True),
        ("submit", "submit", False, False),
    ]
    assert shown["questions"][3]["options"][:2] == ["Van", "Truck"]
    assert shown["tracking_field"] == "campaign"
    assert shown["thank_you"]["kind"] == "page"
    assert [one["to"] for one in shown["notifications"]] == [
        ["o***@example.com", "o***@example.co.uk"],
        ["{email}"],
    ]
    lines = outcome.summary.split("\n")
    assert [line.split(":")[0] for line in lines[:6]] == [
        "- heading header",
        "- name name",
        "- email email",
        "- choice car",
        "- hidden campaign",
        "- submit submit",
    ]
    assert "(required)" in lines[1] and "(required)" not in lines[3] and "[Van, Truck" in lines[3]
    assert lines[6] == f"- afterwards: {shown['thank_you']['url']}"
    assert lines[7].endswith("to o***@example.com, o***@example.co.uk")
    assert not server.told()


def test_a_form_with_many_long_questions_is_told_in_short(bench: Bench, server: Server) -> None:
    asked = [{"type": "control_textbox", "text": "x" * 500, "name": f"q{n}"} for n in range(150)]
    outcome = bench.run("form-show", form=server.account.add_form("Long", asked))
    assert len(outcome.summary) < 12_000 and "and 50 more" in outcome.summary
    assert len(outcome.outputs["questions"]) == 150


def test_no_address_of_anybody_stands_in_a_result(bench: Bench, server: Server) -> None:
    form = next(iter(server.account.forms.values()))
    form["title"] = "Ask jane.doe@example.com"
    for task_type, params in (("form-show", {"form": "contact"}), ("form-list", {})):
        outcome = bench.run(task_type, **params)
        said = json.dumps(outcome.outputs) + outcome.verdict + outcome.summary
        said += "".join(path.read_text() for path in (bench.root / "logs").iterdir())
        for address in ("jane.doe", "owner.private", "office@", "owner%40", "owner@"):
            assert address not in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@b.co", "a***@b.co"),
        ("Jane <jane@mail.example.com>, x", "Jane <j***@mail.example.com>, x"),
        ("mailto:jörg@example.com?x", "mailto:j***@example.com?x"),
        ("?to=jane%40example.com&a=b", "?to=j***%40example.com&a=b"),
        ("{email} @home, 5 @ 3", "{email} @home, 5 @ 3"),
    ],
)
def test_addresses_are_masked(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_a_form_that_workflow_yaml_does_not_name_is_shown_by_its_id(
    bench: Bench, server: Server
) -> None:
    other = server.account.add_form("Other", [{"text": "x", "type": "control_hidden"}])
    shown = bench.run("form-show", form=other).outputs
    assert (shown["known_as"], shown["tracking_field"]) == (None, "x")
    assert shown["thank_you"] == {"kind": "default"}
    assert bench.run("form-show", form=int(other)).outputs["form_id"] == other


def test_the_tracking_field_that_workflow_yaml_names_has_to_be_hidden(
    bench: Bench, server: Server
) -> None:
    form = next(iter(server.account.forms.values()))
    form["questions"]["5"]["hidden"] = "No"
    assert bench.run("form-show", form="contact").outputs["tracking_field"] is None


def test_a_form_without_anything_is_shown(bench: Bench, server: Server) -> None:
    other = server.account.add_form("Empty")
    server.fail(envelope(200, "success", content=[]), at="/questions")
    shown = bench.run("form-show", form=other).outputs
    assert (shown["questions"], shown["notifications"]) == ([], [])


def test_a_name_that_nobody_gave_is_told_with_the_nearest(bench: Bench, server: Server) -> None:
    error = bench.error("form-show", form="contcat")
    assert (error.code, error.action) == ("no_such_form", "fix")
    assert "did you mean contact?" in error.message
    assert not server.asked


def test_a_form_that_the_account_does_not_have_is_told_as_that(
    bench: Bench, server: Server
) -> None:
    error = bench.error("form-show", form="210000000000001")
    assert (error.code, error.action) == ("no_such_form", "fix")
    assert error.message.startswith(
        "the JotForm account harbor has no form 210000000000001, which the task names"
    )
    assert "workflow submit form-list" in (error.hint or "")
    assert server.counts()["GET /user"] == 1


def test_a_wrong_id_in_workflow_yaml_is_told_with_its_name(bench: Bench, server: Server) -> None:
    server.account.forms.clear()
    error = bench.error("form-show", form="contact")
    assert (error.code, error.action) == ("no_such_form", "fix")
    assert "which workflow.yaml names contact" in error.message
    assert "forms.contact.id in workflow.yaml" in (error.hint or "")


def test_a_key_that_is_refused_is_told_as_that_whatever_was_asked(
    bench: Bench, server: Server
) -> None:
    server.account.key = "another-key-0123456789"
    error = bench.error("form-show", form="contact")
    assert (error.code, error.action) == ("jotform_key_refused", "escalate")
    assert "JotForm does not know this key" in error.message
    assert "myaccount/api" in (error.hint or "")


@pytest.mark.parametrize("fault", [envelope(500, "Internal error"), envelope(200, "success")])
def test_what_cannot_be_told_apart_names_both_causes(
    bench: Bench, server: Server, fault: Answer
) -> None:
    server.fail(fault, at="GET /user")
    error = bench.error("form-show", form="210000000000001")
    assert (error.code, error.action) == ("jotform_key_refused", "escalate")
    assert (error.hint or "").startswith("is 210000000000001 the form's id?")
    assert "the key may be wrong" in (error.hint or "")


def test_a_part_of_a_form_that_is_refused_makes_the_form_no_unknown_one(
    bench: Bench, server: Server
) -> None:
    server.fail(envelope(401, "not authorized"), at="/questions")
    assert bench.error("form-show", form="contact").code == "jotform_key_refused"


@pytest.mark.parametrize(
    "form",
    ["../user", "1/clone", "", "-x", "a" * 50, "contact\n", "12 34", "%2e%2e", "１２３４５６７"],
)
def test_a_form_is_named_by_a_name_or_an_id_alone(bench: Bench, server: Server, form: str) -> None:
    with pytest.raises(ValueError, match="form"):
        bench.run("form-show", form=form)
    assert not server.asked


def test_a_broken_section_is_not_passed_over(bench: Bench, server: Server) -> None:
    text = json.loads(workflow_yaml(server))
    text["forms"] = {"contact": {"id": "x"}}
    bench.configure(json.dumps(text))
    assert bench.error("form-list").code == "bad_config"
    error = bench.error("form-show", form="contact")
    assert (error.code, error.action) == ("bad_config", "escalate")
    assert "forms.contact.id" in error.message
    assert not server.asked


def test_where_workflow_yaml_names_no_form_an_id_is_asked_for(bench: Bench, server: Server) -> None:
    bench.configure(workflow_yaml(server))
    error = bench.error("form-show", form="contact")
    assert error.hint == "give a form's id, which `workflow submit form-list` tells"


def test_they_run_as_tasks_and_say_what_was_found(tmp_path: Path, server: Server) -> None:
    program = make_exchange(tmp_path, workflow_yaml(server, contact(server)))
    listing = program.submit("form-list")
    showing = program.submit("form-show", "--set", "form=contact")
    assert program("sweep").code == 0
    assert program.result(listing)["status"] == "success", program.result(listing)
    shown = program.result(showing)
    assert shown["verification"]["verdict"] == "proceed"
    assert shown["outputs"]["tracking_field"] == "campaign"
    everything = "".join(
        path.read_text(errors="replace")
        for path in program.root.rglob("*")
        if path.is_file() and "site" not in path.parts
    )
    assert KEY not in everything
    assert "owner.private" not in everything
    server.assert_key_only_in_the_header()


def test_without_a_key_the_task_says_how_to_store_one(tmp_path: Path, server: Server) -> None:
    program = make_exchange(tmp_path, workflow_yaml(server, contact(server)))
    task = program.submit("form-list")
    program("sweep", JOTFORM_API_KEY="")
    error = program.result(task)["error"]
    assert (error["code"], error["action"]) == ("no_jotform_key", "escalate")
    assert "store --label" in error["hint"] or "add-generic-password" in error["hint"]
    assert not server.asked


def test_doctor_says_whether_the_key_is_let_in(tmp_path: Path, server: Server) -> None:
    program = make_exchange(tmp_path, workflow_yaml(server, contact(server)))

    def finding(**environ: str) -> dict[str, str]:
        ran = program("doctor", "--json", **environ)
        assert KEY not in ran.out + ran.err
        return next(one for one in ran.data["findings"] if one["subject"] == "jotform")

    assert finding()["message"] == "the key is let in; 999 calls are left for today"
    assert finding()["state"] == "ok"
    assert finding(JOTFORM_API_KEY="f" * 32)["state"] == "failed"
    assert "no API key" in finding(JOTFORM_API_KEY="")["message"]
    server.fail(envelope(500, "down"), times=2)
    assert finding()["state"] == "warning"


def test_doctor_asks_nothing_where_no_form_is_configured(tmp_path: Path, server: Server) -> None:
    program = make_exchange(tmp_path)
    findings = program("doctor", "--json").data["findings"]
    assert not [one for one in findings if one["subject"] == "jotform"]
    assert not server.asked

"""The task form-create: a form is made once, wholly, or the result says what it lacks."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.forms.jotform import CUT_AFTER, CUT_BEFORE, KEY, envelope, jotform_server, slow
from tests.forms.offices import MAIL, SUMMER, Office
from tests.program import Program
from workflow.forms import client


@pytest.fixture
def office(program: Program, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("JOTFORM_API_KEY", KEY)
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    with jotform_server() as server:
        yield Office(program, server)


def test_a_form_is_made_from_its_definition_with_all_that_it_says(office: Office) -> None:
    result = office.create(definition="summer-promo")
    assert result["status"] == "success", result["body"]
    outputs = result["outputs"]
    form = office.account.forms[outputs["form_id"]]
    assert form["title"] == "Summer promo 2026"
    asked = office.questions(outputs["form_id"])
    assert list(asked) == [
        "ourSummerOffer", "fullName", "email", "vehicle", "extras", "terms", "campaign", "submit",
    ]  # fmt: skip
    assert asked["fullName"]["required"] == "Yes"
    assert asked["fullName"]["hint"] == "Jo Doe"
    assert asked["vehicle"]["type"] == "control_radio"
    assert asked["vehicle"]["options"] == "Car|Van & truck|2"
    assert asked["terms"]["options"] == "You may call me"
    assert (asked["campaign"]["hidden"], asked["campaign"]["defaultValue"]) == (
        "Yes",
        "summer-2026",
    )
    assert form["properties"]["activeRedirect"] == "thankurl"
    assert form["properties"]["thankurl"] == "https://www.example.com/thanks/"
    (mail,) = form["properties"]["emails"]
    assert (mail["type"], mail["to"], mail["subject"]) == ("notification", MAIL, "A summer entry")
    assert len(office.server.told()) == 1


def test_its_result_gives_the_lines_for_the_page_and_for_the_configuration(office: Office) -> None:
    office.site()
    outputs = office.create(definition="summer-promo")["outputs"]
    number = outputs["form_id"]
    assert outputs["url"] == f"https://form.jotform.com/{number}"
    assert outputs["embed"] == {
        "script": f'<script src="https://form.jotform.com/jsform/{number}"></script>',
        "shortcode": f'{{{{< jotform "{number}" >}}}}',
    }
    assert outputs["tracking"] == {"name": "campaign", "value": "summer-2026"}
    lines = yaml.safe_load(outputs["workflow_yaml"])
    assert lines["forms"]["summer-promo"]["id"] == number
    office.forms = lines["forms"]
    office.configure()
    assert office.program("doctor", "--json").json["ok"]
    assert office.call("form-update", form="summer-promo", definition="summer-promo").outputs[
        "changes"
    ] == []  # fmt: skip


def test_a_prefilled_tracking_field_is_passed_by_the_script(office: Office) -> None:
    definition = yaml.safe_load(SUMMER)
    definition["tracking"] = {"name": "campaign", "prefill": "summer & co"}
    outputs = office.call("form-create", definition=definition).outputs
    assert f'/jsform/{outputs["form_id"]}?campaign=summer+%26+co"' in outputs["embed"]["script"]
    assert "defaultValue" not in office.questions(outputs["form_id"])["campaign"]
    assert outputs["embed"]["shortcode"] is None


def test_a_form_without_a_button_gets_one(office: Office) -> None:
    definition = {"title": "T", "questions": [{"type": "text", "label": "A"}]}
    made = office.call("form-create", definition=definition).outputs["form_id"]
    assert office.questions(made)["submit"]["type"] == "control_button"


def test_a_title_that_is_there_is_not_made_again(office: Office) -> None:
    there = office.account.add_form("SUMMER promo 2026")
    failed = office.fail("form-create", definition="summer-promo")
    assert (failed.error.code, failed.error.action) == ("form_exists", "fix")
    assert failed.outputs == {"existing": [there]}
    assert failed.error.hint is not None
    assert f"form={there}" in failed.error.hint
    assert office.server.told() == []
    made = office.call("form-create", definition="summer-promo", allow_double=True)
    assert made.outputs["form_id"] != there
    assert len(office.account.forms) == 2


def test_a_title_in_the_trash_is_free(office: Office) -> None:
    there = office.account.add_form("Summer promo 2026")
    office.account.forms[there]["status"] = "DELETED"
    assert office.call("form-create", definition="summer-promo").outputs["form_id"] != there


def test_a_clone_gets_its_own_title_tracking_and_notification_and_keeps_the_rest(
    office: Office,
) -> None:
    first = office.account.add_form(
        "Contact",
        [
            {"type": "control_textbox", "text": "Name", "name": "fullName"},
            {"type": "control_button", "text": "Go", "name": "go"},
        ],
        properties={
            "emails": [
                {"type": "notification", "to": "old@example.com", "subject": "Old", "body": "B"},
                {"type": "autorespond", "to": "{email}", "subject": "Thanks", "replyTo": None},
            ]
        },
    )
    office.knows("contact", first)
    definition = {
        "title": "Winter",
        "tracking": {"name": "campaign", "value": "winter"},
        "thank_you": {"text": "Thanks & bye"},
        "notification": {"to": "office"},
    }
    outputs = office.call("form-create", definition=definition, clone_of="contact").outputs
    made = office.account.forms[outputs["form_id"]]
    assert made["title"] == "Winter"
    assert outputs["made_by"] == "clone"
    asked = office.questions(made["id"])
    assert set(asked) == {"fullName", "go", "campaign"}
    assert asked["campaign"]["hidden"] == "Yes"
    notified, answered = made["properties"]["emails"]
    assert (notified["to"], notified["subject"], notified["body"]) == (MAIL, "Old", "B")
    assert answered == {"type": "autorespond", "to": "{email}", "subject": "Thanks"}
    assert made["properties"]["activeRedirect"] == "thanktext"
    assert office.account.forms[first]["title"] == "Contact"
    assert len(outputs["done"]) == 4
    again = office.call("form-update", form=made["id"], definition=definition)
    assert again.outputs["changes"] == []


def test_every_step_is_noted_before_the_next_begins(office: Office) -> None:
    first = office.account.add_form("Contact")
    definition = {"title": "Winter", "tracking": {"name": "campaign", "value": "w"}}
    office.call("form-create", definition=definition, clone_of=first)
    ids = [noted.get("form_id") for noted in office.noted[:2]]
    assert ids == [None, str(int(first) + 1)]
    assert office.noted[0]["step"] == "asked JotForm to make it"
    assert [len(noted["left"]) for noted in office.noted[2:]] == [2, 1, 0]


@pytest.mark.parametrize("fault", [CUT_AFTER, CUT_BEFORE])
def test_a_call_without_an_answer_is_not_made_again(office: Office, fault: str) -> None:
    office.server.fail(fault, at="POST /form")
    failed = office.fail("form-create", definition="summer-promo")
    assert (failed.error.code, failed.error.action) == ("unknown_outcome", "escalate")
    assert office.server.counts()["POST /form"] == 1
    made = dict.fromkeys(office.account.forms, "Summer promo 2026")
    assert failed.outputs["new_forms"] == made
    assert len(made) == (1 if fault == CUT_AFTER else 0)


def test_a_form_that_jotform_does_not_name_is_not_made_again(office: Office) -> None:
    there = office.account.add_form("Contact")
    contents: tuple[Any, ...] = ({}, [], {"id": "x"}, {"id": there})
    for content in contents:
        office.server.fail(envelope(200, "success", content=content), at="POST /form")
        failed = office.fail("form-create", definition="summer-promo")
        assert (failed.error.code, failed.error.action) == ("unknown_outcome", "escalate")


def test_a_form_that_is_made_halfway_is_named_and_brought_the_rest_of_the_way(
    office: Office,
) -> None:
    first = office.account.add_form("Contact")
    definition = {
        "title": "Winter",
        "tracking": {"name": "campaign", "value": "w"},
        "thank_you": {"url": "/thanks/"},
    }
    office.server.fail(envelope(500, "Internal error"), at="POST /form/241000000000002/questions")
    failed = office.fail("form-create", definition=definition, clone_of=first)
    made = failed.outputs["form_id"]
    assert failed.error.code == "unknown_outcome"
    assert failed.error.action == "escalate"
    assert failed.error.message.startswith(f"the form {made} was made, but is not finished")
    assert failed.error.hint is not None
    assert f"form-update --set form={made}" in failed.error.hint
    assert failed.outputs["done"] == ["change the title ('Clone of Contact' → 'Winter')"]
    assert len(failed.outputs["left"]) == 2
    outputs = office.call("form-update", form=made, definition=definition).outputs
    assert len(outputs["done"]) == 2
    assert office.account.forms[made]["title"] == "Winter"
    assert len(office.account.forms) == 2


def test_a_form_that_cannot_be_looked_at_after_it_was_made_is_named(office: Office) -> None:
    office.server.fail(envelope(401, "not authorized"), at="/questions")
    failed = office.fail("form-create", definition="summer-promo")
    assert failed.outputs["form_id"] in office.account.forms
    assert "was made, but is not finished" in failed.error.message


def test_a_key_that_only_reads_is_told_to_be_one(office: Office) -> None:
    office.account.read_only = True
    failed = office.fail("form-create", definition="summer-promo")
    assert (failed.error.code, failed.error.action) == ("jotform_key_refused", "escalate")
    assert "the key is good, and may only read" in failed.error.message


def test_what_jotform_takes_and_does_not_keep_is_a_failure(office: Office) -> None:
    first = office.account.add_form("Contact")
    definition = {"title": "Winter", "notification": {"to": "office"}}
    # The title is set first; then the e-mails are, with an answer and without an effect.
    office.server.fail(
        envelope(200, "success", content={}), at="POST /form/241000000000002/properties", times=2
    )
    failed = office.fail("form-create", definition=definition, clone_of=first)
    assert (failed.error.code, failed.error.action) == ("not_taken", "escalate")
    assert len(failed.outputs["left"]) == 2


def test_a_sweep_that_is_killed_leaves_a_result_with_the_form_and_what_it_lacks(
    office: Office,
) -> None:
    first = office.account.add_form("Contact")
    office.write("winter", "title: Winter\ntracking: {name: campaign, value: w}\n")
    office.server.fail(slow(20), at="POST /form/241000000000002/questions")
    program = office.program
    task_id = program.submit(
        "form-create", "--set", "definition=winter", "--set", f"clone_of={first}"
    )
    sweep = program.start("sweep")
    until = time.monotonic() + 60
    while office.server.counts()["POST /form/241000000000002/questions"] == 0:
        assert time.monotonic() < until
        time.sleep(0.02)
    os.kill(sweep.pid, signal.SIGKILL)
    sweep.wait()
    for _ in range(50):
        program("sweep")
        if program.exchange.result(task_id) is not None:
            break
        time.sleep(0.1)
    result = program.result(task_id)
    assert result["error"]["code"] == "interrupted"
    assert result["outputs"]["form_id"] == "241000000000002"
    assert result["outputs"]["done"] == ["change the title ('Clone of Contact' → 'Winter')"]
    assert result["outputs"]["left"] == ["add the hidden field campaign (hidden: 'campaign')"]
    assert office.server.counts()[f"POST /form/{first}/clone"] == 1


def test_a_dry_run_makes_nothing_and_says_what_it_would_make(office: Office) -> None:
    result = office.create(definition="summer-promo", dry_run=True)
    assert result["status"] == "success"
    assert result["body"].strip().startswith("Dry run: the form 'Summer promo 2026' would be made")
    assert "notification to office" in result["outputs"]["left"]
    assert office.account.forms == {}


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"definition": {"title": "X"}}, "bad_definition"),
        ({"definition": {"questions": [{"type": "text", "label": "A"}]}}, "bad_definition"),
        ({"definition": {"tracking": {"name": "c", "value": "x"}}, "clone_of": "1234567"},
         "bad_definition"),
        ({"definition": {"title": "X"}, "clone_of": "nobody"}, "no_such_form"),
        ({"definition": {"title": "X"}, "clone_of": "249999999999999"}, "no_such_form"),
        ({"definition": "absent"}, "no_such_definition"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_before_anything_is(
    office: Office, params: dict[str, Any], code: str
) -> None:
    assert office.fail("form-create", **params).error.code == code
    assert office.account.forms == {}


def test_a_clone_may_differ_from_its_definition_in_no_type(office: Office) -> None:
    first = office.account.add_form(
        "Contact", [{"type": "control_textarea", "text": "Mail", "name": "email"}]
    )
    definition = {"title": "W", "questions": [{"type": "email", "name": "email", "label": "Mail"}]}
    failed = office.fail("form-create", definition=definition, clone_of=first)
    assert failed.error.code == "type_differs"
    assert failed.outputs["form_id"] in office.account.forms


def test_without_a_key_nothing_is_asked(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("JOTFORM_API_KEY")
    office.configure(keychain="workflow-test-that-is-not-there")
    failed = office.fail("form-create", definition="summer-promo")
    assert (failed.error.code, failed.error.action) == ("no_jotform_key", "escalate")
    assert office.server.asked == []


def test_neither_key_nor_addresses_of_people_reach_any_file(office: Office) -> None:
    office.create(definition="summer-promo")
    office.server.assert_key_only_in_the_header()
    root = office.program.root
    for path in (one for one in root.rglob("*") if one.is_file()):
        text = path.read_bytes()
        assert KEY.encode() not in text, path
        if path.name != "workflow.yaml":
            assert MAIL.encode() not in text, path

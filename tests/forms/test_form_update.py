"""The task form-update: what differs is changed, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.forms.jotform import KEY, envelope, jotform_server
from tests.forms.offices import SUMMER, Office
from tests.program import Program
from workflow.forms import client


@pytest.fixture
def office(program: Program, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("JOTFORM_API_KEY", KEY)
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    with jotform_server() as server:
        yield Office(program, server)


@pytest.fixture
def form(office: Office) -> str:
    """The form of SUMMER, known to workflow.yaml as `summer`."""
    made: str = office.call("form-create", definition="summer-promo").outputs["form_id"]
    office.knows("summer", made)
    office.server.asked.clear()
    return made


def summer(**changed: Any) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(SUMMER)
    return {**read, **changed}


def questions(*more: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of SUMMER, with these before the button."""
    asked: list[dict[str, Any]] = yaml.safe_load(SUMMER)["questions"]
    return [*asked[:-1], *more, asked[-1]]


def test_a_form_as_defined_is_not_touched(office: Office, form: str) -> None:
    outcome = office.call("form-update", form="summer", definition="summer-promo")
    assert outcome.outputs["changes"] == []
    assert outcome.verdict.endswith("is as its definition says. Nothing was changed.")
    assert office.server.told() == []


def test_only_what_differs_is_changed_and_a_second_run_changes_nothing(
    office: Office, form: str
) -> None:
    asked = questions({"type": "phone", "name": "phone", "label": "Phone"})
    asked[1] = {**asked[1], "label": "Your full name", "placeholder": "Jo"}
    asked[2] = {**asked[2], "required": False}
    asked[3] = {**asked[3], "options": ["Car", "Boat"]}
    definition = summer(
        title="Summer 2027",
        questions=asked,
        tracking={"name": "campaign", "value": "summer-2027"},
        thank_you={"text": "Bye"},
    )
    office.write("summer-promo", yaml.safe_dump(definition))
    result = office.update("summer", definition="summer-promo")
    assert result["status"] == "success", result["body"]
    outputs = result["outputs"]
    assert outputs["done"] == outputs["changes"]
    assert outputs["left"] == []
    told = "\n".join(outputs["changes"])
    assert "label: 'Your name' → 'Your full name'; placeholder: 'Jo Doe' → 'Jo'" in told
    assert "change the question email (required: 'Yes' → 'No')" in told
    assert "options: 'Car|Van & truck|2' → 'Car|Boat'" in told
    assert "value: 'summer-2026' → 'summer-2027'" in told
    assert "add the question phone" in told
    assert "change the title ('Summer promo 2026' → 'Summer 2027')" in told
    there = office.questions(form)
    assert sorted(there, key=lambda name: int(there[name]["order"])) == [
        "ourSummerOffer", "fullName", "email", "vehicle", "extras", "terms", "phone", "campaign",
        "submit",
    ]  # fmt: skip
    assert there["extras"]["text"] == "Extras"
    assert office.account.forms[form]["properties"]["thanktext"] == "Bye"
    paths = [asked.path for asked in office.server.told()]
    assert not any(f"/question/{there['extras']['qid']}" in path for path in paths)
    office.server.asked.clear()
    again = office.call("form-update", form="summer", definition="summer-promo")
    assert again.outputs["changes"] == []
    assert office.server.told() == []


def test_a_dry_run_tells_the_differences_and_changes_nothing(office: Office, form: str) -> None:
    outcome = office.call(
        "form-update", form="summer", definition=summer(title="New"), dry_run=True
    )
    assert outcome.rehearsal
    assert outcome.outputs["left"] == ["change the title ('Summer promo 2026' → 'New')"]
    assert "would change: 1 change. Nothing was changed." in outcome.verdict
    assert office.server.told() == []


def test_what_the_definition_leaves_out_stays(office: Office, form: str) -> None:
    before = office.questions(form)
    outcome = office.call("form-update", form="summer", definition={"thank_you": {"text": "Bye"}})
    assert len(outcome.outputs["done"]) == 1
    assert outcome.outputs["kept"] == []
    assert office.questions(form) == before
    assert office.account.forms[form]["title"] == "Summer promo 2026"


def test_questions_are_put_into_the_definitions_order_with_few_moves(
    office: Office, form: str
) -> None:
    asked = questions()
    asked[1], asked[2] = asked[2], asked[1]
    office.call("form-update", form="summer", definition=summer(questions=asked))
    there = office.questions(form)
    order = sorted(there, key=lambda name: int(there[name]["order"]))
    assert order[:3] == ["ourSummerOffer", "email", "fullName"]
    again = office.call("form-update", form="summer", definition=summer(questions=asked))
    assert again.outputs["changes"] == []


def test_other_emails_and_what_a_notification_says_stay(office: Office, form: str) -> None:
    emails = [
        {"type": "autorespond", "to": "{email}", "subject": "Thanks", "body": "<p>Hi</p>"},
        {"type": "notification", "to": "Old@example.com, b@example.com", "body": "<b>x</b>"},
        {"type": "notification", "to": "third@example.com"},
    ]
    office.account.forms[form]["properties"]["emails"] = emails
    outcome = office.call(
        "form-update", form="summer", definition={"notification": {"to": "office"}}
    )
    assert outcome.outputs["done"] == ["change the notification by e-mail (2 address(es) → office)"]
    now = office.account.forms[form]["properties"]["emails"]
    assert now[0] == emails[0]
    assert now[1] == {**emails[1], "to": "office@example.com"}
    assert now[2] == emails[2]


def test_emails_that_cannot_be_read_are_not_written_over(office: Office, form: str) -> None:
    office.account.forms[form]["properties"]["emails"] = ["?"]
    failed = office.fail(
        "form-update", form="summer", definition={"notification": {"to": "office"}}
    )
    assert (failed.error.code, failed.error.action) == ("jotform_answer", "escalate")
    assert office.server.told() == []


def test_fields_that_are_not_defined_stay_unless_deletion_is_allowed(
    office: Office, form: str
) -> None:
    fewer = summer(questions=[one for one in questions() if one.get("name") != "extras"])
    kept = office.call("form-update", form="summer", definition=fewer)
    assert kept.outputs["kept"] == ["extras (Extras)"]
    assert kept.outputs["changes"] == []
    outcome = office.call("form-update", form="summer", definition=fewer, allow_delete=True)
    assert outcome.outputs["done"] == ["delete the field extras (checkbox: 'Extras')"]
    assert "extras" not in office.questions(form)
    assert len(office.questions(form)) == 7


def test_fields_of_a_form_with_entries_are_never_deleted(office: Office, form: str) -> None:
    office.account.add_submission(form, {"5": "Glass"})
    fewer = summer(questions=[one for one in questions() if one.get("name") != "extras"])
    failed = office.fail("form-update", form="summer", definition=fewer, allow_delete=True)
    assert (failed.error.code, failed.error.action) == ("holds_answers", "escalate")
    assert office.server.told() == []
    without_heading = summer(questions=questions()[1:])
    outcome = office.call(
        "form-update", form="summer", definition=without_heading, allow_delete=True
    )
    assert outcome.outputs["done"] == ["delete the field ourSummerOffer (head: 'Our summer offer')"]


def test_an_entry_that_arrives_in_between_saves_its_field(office: Office, form: str) -> None:
    fewer = summer(
        title="Other", questions=[one for one in questions() if one.get("name") != "extras"]
    )

    def somebody_sends_it() -> None:
        office.account.add_submission(form, {"5": "Glass"})

    office.server.fail(somebody_sends_it, at=f"POST /form/{form}/properties")
    failed = office.fail("form-update", form="summer", definition=fewer, allow_delete=True)
    assert failed.error.code == "holds_answers"
    assert len(failed.outputs["done"]) == 1
    assert failed.outputs["left"] == ["delete the field extras (checkbox: 'Extras')"]
    assert "extras" in office.questions(form)


def test_no_field_is_turned_into_another_type(office: Office, form: str) -> None:
    asked = questions()
    asked[2] = {**asked[2], "type": "text"}
    failed = office.fail("form-update", form="summer", definition=summer(questions=asked))
    assert (failed.error.code, failed.error.action) == ("type_differs", "fix")
    assert "email is of the type email in JotForm and of text in the definition" in (
        failed.error.message
    )
    assert office.server.told() == []


def test_fields_of_jotforms_builder_are_found_by_label_and_type(office: Office) -> None:
    form = office.account.add_form(
        "Contact",
        [
            {"type": "control_textbox", "text": "<b>Your</b>  name &amp; firm", "name": "input3"},
            {"type": "control_button", "text": "Go!", "name": "input2"},
        ],
    )
    office.knows("contact", form)
    definition = {
        "questions": [
            {"type": "text", "name": "fullName", "label": "Your name & firm", "required": True}
        ]
    }
    outcome = office.call("form-update", form="contact", definition=definition)
    assert outcome.outputs["changes"] == ["change the question fullName (required: '' → 'Yes')"]
    assert outcome.outputs["notes"] == ["fullName is called 'input3' in JotForm"]
    assert len(office.questions(form)) == 2
    assert office.questions(form)["input2"]["text"] == "Go!"


@pytest.mark.parametrize(
    "there", [{"type": "control_hidden"}, {"type": "control_textbox", "hidden": "Yes"}]
)
def test_a_hidden_field_is_known_in_both_its_forms(office: Office, there: dict[str, str]) -> None:
    form = office.account.add_form(
        "Contact", [{**there, "text": "campaign", "name": "campaign", "defaultValue": "x"}]
    )
    office.knows("contact", form)
    tracking = {"tracking": {"name": "campaign", "value": "x"}}
    outcome = office.call("form-update", form="contact", definition=tracking)
    assert outcome.outputs["changes"] == []


def test_a_tracking_field_that_visitors_see_is_hidden(office: Office) -> None:
    form = office.account.add_form(
        "Contact", [{"type": "control_textbox", "text": "campaign", "name": "campaign"}]
    )
    office.knows("contact", form)
    office.call(
        "form-update", form="contact", definition={"tracking": {"name": "campaign", "value": "x"}}
    )
    assert office.questions(form)["campaign"]["hidden"] == "Yes"


def test_a_new_tracking_field_stands_before_the_button(office: Office) -> None:
    form = office.account.add_form(
        "Contact",
        [
            {"type": "control_textbox", "text": "A", "name": "a"},
            {"type": "control_button", "text": "Go", "name": "go", "order": "7"},
        ],
    )
    office.knows("contact", form)
    office.call(
        "form-update", form="contact", definition={"tracking": {"name": "campaign", "value": "x"}}
    )
    assert office.questions(form)["campaign"]["order"] == "2"


def test_a_form_that_workflow_yaml_does_not_name_is_changed_under_its_own_title_only(
    office: Office,
) -> None:
    form = office.account.add_form("Payroll")
    failed = office.fail("form-update", form=form, definition="summer-promo")
    assert (failed.error.code, failed.error.action) == ("not_this_form", "fix")
    failed = office.fail("form-update", form=form, definition={"thank_you": {"text": "x"}})
    assert failed.error.code == "not_this_form"
    assert office.server.told() == []
    outcome = office.call(
        "form-update", form=form, definition={"title": "payroll", "thank_you": {"text": "x"}}
    )
    assert office.account.forms[form]["title"] == "payroll"
    assert len(outcome.outputs["done"]) == 2


@pytest.mark.parametrize(
    ("form", "code"), [("sumer", "no_such_form"), ("249999999999999", "no_such_form")]
)
def test_a_form_that_is_not_there_is_not_made(office: Office, form: str, code: str) -> None:
    assert office.fail("form-update", form=form, definition="summer-promo").error.code == code
    assert office.account.forms == {}


def test_a_form_in_the_trash_is_left_there(office: Office, form: str) -> None:
    office.account.forms[form]["status"] = "DELETED"
    failed = office.fail("form-update", form="summer", definition="summer-promo")
    assert (failed.error.code, failed.error.action) == ("form_deleted", "escalate")


def test_an_update_that_breaks_off_says_what_is_done_and_goes_on_the_next_time(
    office: Office, form: str
) -> None:
    definition = summer(
        title="Other", questions=questions({"type": "phone", "name": "phone", "label": "Phone"})
    )
    office.server.fail(envelope(503, "Service Unavailable"), at=f"POST /form/{form}/questions")
    failed = office.fail("form-update", form="summer", definition=definition)
    assert failed.error.code == "unknown_outcome"
    assert failed.outputs["done"] == ["change the title ('Summer promo 2026' → 'Other')"]
    assert "add the question phone (phone: 'Phone')" in failed.outputs["left"]
    assert office.noted[-1]["left"] == failed.outputs["left"]
    outcome = office.call("form-update", form="summer", definition=definition)
    assert outcome.outputs["done"] == failed.outputs["left"]


def test_questions_of_a_strange_answer_are_not_guessed(office: Office, form: str) -> None:
    for content in ("?", {"1": "?"}, {"x": {"type": "control_textbox"}}, [["?"]]):
        office.server.fail(envelope(200, "success", content=content), at="/questions")
        failed = office.fail("form-update", form="summer", definition="summer-promo")
        assert (failed.error.code, failed.error.action) == ("jotform_answer", "escalate")
    assert office.server.told() == []

"""The task form-check: what would keep entries from arriving is told, with its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.forms.jotform import CUT_BEFORE, KEY, envelope, jotform_server
from tests.forms.offices import Office
from tests.program import Program
from workflow.errors import TaskFailed
from workflow.forms import client

FIELDS: list[dict[str, Any]] = [
    {"type": "control_head", "text": "Contact us", "name": "head"},
    {"type": "control_textbox", "text": "Your <b>name</b>", "name": "fullName"},
    {"type": "control_email", "text": "E-mail", "name": "email"},
    {"type": "control_textbox", "text": "c", "name": "campaign", "hidden": "Yes",
     "defaultValue": "summer"},
    {"type": "control_button", "text": "Send", "name": "submit"},
]  # fmt: skip


@pytest.fixture
def office(program: Program, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("JOTFORM_API_KEY", KEY)
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    with jotform_server() as server:
        yield Office(program, server)


@pytest.fixture
def contact(office: Office) -> str:
    """A form that is as workflow.yaml wants it, embedded in a page."""
    form = office.account.add_form("Contact", FIELDS)
    office.knows("contact", form, fields=["fullName", "your name", "E-mail"], tracking="campaign")
    office.public(contact=script(form))
    return form


def script(form: str, query: str = "") -> str:
    return f'<script src="https://form.jotform.com/jsform/{form}{query}"></script>'


def found(failed: TaskFailed) -> list[str]:
    """The codes of the errors."""
    return [line.split(":")[0] for line in failed.outputs["errors"]]


def everything(office: Office) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads((office.logs / "findings.json").read_text())["findings"]
    return read


def codes(office: Office) -> list[str]:
    return [one["code"] for one in everything(office)]


def test_a_form_that_is_as_wanted_passes_and_the_result_counts(
    office: Office, contact: str
) -> None:
    outcome = office.call("form-check")
    assert outcome.outputs["passed"] is True
    assert (outcome.outputs["pages"], outcome.outputs["form_count"]) == (2, 1)
    assert outcome.outputs["forms"] == [
        {"id": contact, "name": "contact", "title": "Contact", "status": "enabled", "pages": 1}
    ]
    assert outcome.verdict == "1 form on 1 of 2 pages of main is ready to take entries."
    assert codes(office) == []
    assert office.server.told() == []
    assert len(office.server.asked) == 4


def test_from_the_task_to_the_line_of_the_content_file(office: Office) -> None:
    form = office.account.add_form("Contact", FIELDS)
    office.account.forms[form]["status"] = "DISABLED"
    office.knows("contact", form)
    office.site(posts_promo=f'Some text.\n\n{{{{< jotform "{form}" >}}}}')
    result = office.run("form-check", "--env", "staging")
    error = result["error"]
    assert (result["status"], error["code"], error["action"]) == ("failed", "findings", "escalate")
    assert (error["file"], error["line"]) == ("content/posts/promo.md", 7)
    assert error["message"].startswith("form-disabled: the form contact (Contact) is disabled")
    assert result["outputs"]["error_count"] == 1
    assert "content/posts/promo.md:7" in result["body"]
    (findings,) = office.program.root.glob("results/*/*form-check*.logs/findings.json")
    (one,) = json.loads(findings.read_text())["findings"]
    assert one["pages"] == ["posts/promo/index.html"]
    assert "jsform" in one["excerpt"]


def test_a_form_of_a_template_is_told_once_with_the_templates_line(office: Office) -> None:
    form = office.account.add_form("Contact", FIELDS)
    office.account.forms[form]["status"] = "DELETED"
    layout = office.program.root / "site/layouts/_default/single.html"
    office.site(posts_a="A", posts_b="B")
    layout.write_text(f"<html><body>\n{script(form)}\n{{{{ .Content }}}}</body></html>")
    office.program.submit("hugo-build", "--env", "staging")
    office.program("sweep")
    failed = office.fail("form-check", environment="staging")
    assert found(failed) == ["form-deleted"]
    assert (failed.error.file, failed.error.line) == ("layouts/_default/single.html", 2)
    assert "on 4 pages" in failed.outputs["errors"][0]


def test_a_site_that_was_built_for_another_environment_is_told_to_be_one(office: Office) -> None:
    form = office.account.add_form("Contact", FIELDS)
    office.knows("contact", form)
    office.site(posts_promo=f'{{{{< jotform "{form}" >}}}}')
    own = office.run("form-check", "--env", "staging")
    assert "built_for" not in own["outputs"] and "was built for" not in own["body"]
    result = office.run("form-check", "--env", "production")
    assert (result["status"], result["outputs"]["built_for"]) == ("success", "staging")
    doubt = "but public/ was built for staging, not for production."
    assert doubt in result["body"].strip().splitlines()[0]
    assert "workflow submit hugo-build --env production" in result["body"]
    office.account.forms[form]["status"] = "DISABLED"
    failed = office.fail("form-check", environment="production")
    assert failed.outputs["built_for"] == "staging"
    assert (failed.summary or "").startswith("public/ was built for staging, not for production.")


@pytest.mark.parametrize("status", ["DISABLED", "DELETED"])
def test_a_form_that_cannot_be_sent_is_a_persons_matter(
    office: Office, contact: str, status: str
) -> None:
    office.account.forms[contact]["status"] = status
    failed = office.fail("form-check")
    assert found(failed) == [f"form-{status.lower()}"]
    assert failed.error.action == "escalate"
    assert failed.outputs["passed"] is False


def test_a_form_of_another_account_or_none_is_to_be_mended_in_the_page(office: Office) -> None:
    office.public(contact=script("249999999999999"))
    failed = office.fail("form-check")
    assert found(failed) == ["form-not-ours"]
    assert (failed.error.action, failed.error.file, failed.error.line) == ("fix", "contact.html", 2)


def test_a_form_shared_with_the_account_is_asked_for_by_itself(
    office: Office, contact: str
) -> None:
    about = dict(office.account.forms[contact])
    office.server.fail(
        envelope(200, "success", content=[], resultSet={"offset": 0, "limit": 1000, "count": 0}),
        at="GET /user/forms",
    )
    outcome = office.call("form-check")
    assert outcome.outputs["forms"][0]["title"] == about["title"]


def test_a_form_that_the_page_names_wrongly_is_an_error(office: Office, contact: str) -> None:
    office.public(other='<script src="https://form.jotform.com/jsform/{{form}}"></script>')
    failed = office.fail("form-check")
    assert found(failed) == ["form-invalid"]
    assert failed.error.file == "other.html"


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"expireDate": "2020-01-01 10:00"}, "form-expired"),
        ({"expireDate": "2020-01-01"}, "form-expired"),
        ({"limitSubmission": "1"}, "form-full"),
        ({"expireDate": "2120-01-01 10:00:00", "limitSubmission": "2"}, None),
        ({"expireDate": "No Limit", "limitSubmission": "No Limit"}, None),
        ({"expireDate": "NoLimit", "limitSubmission": ""}, None),
    ],
)
def test_a_form_that_ends_by_itself_is_told_once_it_has_ended(
    office: Office, contact: str, properties: dict[str, str], code: str | None
) -> None:
    office.account.add_submission(contact, {"2": "Jo"})
    office.account.forms[contact]["properties"].update(properties)
    if code is None:
        assert office.call("form-check").outputs["error_count"] == 0
    else:
        failed = office.fail("form-check")
        assert found(failed) == [code]
        assert failed.error.action == "escalate"


@pytest.mark.parametrize("properties", [{"expireDate": "next week"}, {"limitSubmission": "a few"}])
def test_a_limit_that_cannot_be_read_is_a_warning_and_not_passed_over(
    office: Office, contact: str, properties: dict[str, str]
) -> None:
    office.account.forms[contact]["properties"].update(properties)
    outcome = office.call("form-check")
    assert outcome.outputs["warning_count"] == 1
    assert codes(office) == ["form-limit-unread"]
    assert outcome.verdict.endswith("ready to take entries; 1 warning.")


def test_fields_that_workflow_yaml_wants_are_asked_for_by_name_or_label(
    office: Office, contact: str
) -> None:
    office.knows("contact", contact, fields=["fullname", "emial", "Contact us", "campaign"])
    failed = office.fail("form-check")
    assert found(failed) == ["form-field-missing"] * 3
    told = failed.outputs["errors"]
    assert "does not ask for emial" in told[0]
    assert "does not ask for Contact us" in told[1]
    assert "does not ask for campaign" in told[2]
    assert failed.error.action == "fix"
    assert failed.error.hint is not None
    assert "did you mean email?" in failed.error.hint


def test_two_names_of_one_form_want_what_they_want_each(office: Office, contact: str) -> None:
    office.knows("second", contact, fields=["phone"])
    failed = office.fail("form-check")
    assert failed.error.message.startswith("form-field-missing: the form second")


def field(office: Office, form: str) -> dict[str, Any]:
    return office.questions(form)["campaign"]


def test_a_tracking_field_that_is_not_there_is_an_error(office: Office, contact: str) -> None:
    field(office, contact)["name"] = "campaigns"
    failed = office.fail("form-check")
    assert found(failed) == ["form-tracking-missing"]
    assert failed.error.hint is not None
    assert "did you mean campaigns?" in failed.error.hint


def test_a_tracking_field_that_visitors_see_is_an_error(office: Office, contact: str) -> None:
    field(office, contact)["hidden"] = "No"
    assert found(office.fail("form-check")) == ["form-tracking-visible"]


def test_a_tracking_field_without_a_value_has_to_be_passed_by_every_page(
    office: Office, contact: str
) -> None:
    field(office, contact)["defaultValue"] = ""
    office.public(
        contact=script(contact, "?campaign=summer&amp;x=1"),
        frame=f'<iframe src="https://form.jotform.com/{contact}?campaign=a"></iframe>',
        link=f'<a href="https://form.jotform.com/{contact}?campaign=b">Form</a>',
    )
    assert office.call("form-check").outputs["form_count"] == 1
    office.public(empty=script(contact, "?campaign="), other=script(contact, "?campaig=x"))
    failed = office.fail("form-check")
    assert found(failed) == ["form-tracking-unpassed"]
    (one,) = everything(office)
    assert one["pages"] == ["empty.html", "other.html"]
    assert failed.error.file == "empty.html"


def test_what_a_script_passes_to_a_frame_cannot_be_seen_and_is_said(
    office: Office, contact: str
) -> None:
    field(office, contact)["defaultValue"] = ""
    office.public(contact=f'<iframe id="JotFormIFrame-{contact}"></iframe>')
    outcome = office.call("form-check")
    assert outcome.outputs["warning_count"] == 1
    assert codes(office) == ["form-tracking-unseen"]


def test_forms_that_only_one_side_knows_are_told_and_stop_nothing(
    office: Office, contact: str
) -> None:
    other = office.account.add_form("Other")
    office.knows("unused", "241000000000099")
    office.public(other=script(other))
    outcome = office.call("form-check")
    assert (outcome.outputs["warning_count"], outcome.outputs["notice_count"]) == (1, 1)
    assert codes(office) == ["form-unknown", "form-unused"]


def test_an_account_that_is_not_active_is_an_error(office: Office, contact: str) -> None:
    user = envelope(200, "success", content={"username": "harbor", "status": "OVERQUOTA"})
    office.server.fail(user, at="GET /user")
    failed = office.fail("form-check")
    assert found(failed) == ["account-inactive"]
    assert failed.error.action == "escalate"


def test_what_claude_code_can_mend_is_told_before_what_waits_for_a_person(
    office: Office, contact: str
) -> None:
    disabled = office.account.add_form("Old")
    office.account.forms[disabled]["status"] = "DISABLED"
    office.knows("old", disabled)
    office.public(a=script(disabled), b=script("249999999999999"))
    failed = office.fail("form-check")
    assert sorted(found(failed)) == ["form-disabled", "form-not-ours"]
    assert failed.error.action == "fix"
    assert failed.error.message.startswith("form-not-ours")
    assert failed.error.message.endswith("; and 1 more error")


def test_a_site_without_forms_asks_nobody_and_says_so(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JOTFORM_API_KEY")
    office.public()
    office.knows("contact", "241000000000001")
    outcome = office.call("form-check")
    assert outcome.verdict == "1 page of main embeds no form; JotForm was not asked."
    assert codes(office) == ["form-unused"]
    assert office.server.asked == []


def test_without_a_key_it_is_never_all_well(
    office: Office, contact: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JOTFORM_API_KEY")
    office.configure(keychain="workflow-test-that-is-not-there")
    failed = office.fail("form-check")
    assert (failed.error.code, failed.error.action) == ("no_jotform_key", "escalate")


@pytest.mark.parametrize("at", ["/user", "/user/forms", "/properties", "/questions"])
def test_without_an_answer_it_is_never_all_well(office: Office, contact: str, at: str) -> None:
    office.server.fail(CUT_BEFORE, at=at, times=20)
    failed = office.fail("form-check")
    assert (failed.error.code, failed.error.action) == ("jotform_unreachable", "retry")


def test_a_key_that_is_refused_makes_no_form_somebody_elses(office: Office, contact: str) -> None:
    office.account.key = "another-key-0123456789"
    failed = office.fail("form-check")
    assert (failed.error.code, failed.error.action) == ("jotform_key_refused", "escalate")


def test_an_unusable_entry_of_a_form_is_told_and_not_passed_over(
    office: Office, contact: str
) -> None:
    office.forms["contact"] = {"id": "abc"}
    office.configure()
    failed = office.fail("form-check")
    assert (failed.error.code, failed.error.action) == ("bad_config", "escalate")


def test_a_site_that_is_not_built_is_to_be_built_first(office: Office) -> None:
    assert office.fail("form-check").error.code == "not_built"
    (office.program.root / "site/public").mkdir()
    failed = office.fail("form-check")
    assert failed.error.code == "not_built"
    assert failed.error.hint is not None
    assert "hugo-build" in failed.error.hint


def test_what_others_wrote_reaches_no_terminal_as_control_characters(
    office: Office, contact: str
) -> None:
    office.account.forms[contact]["title"] = "x\x1b[31mred"
    office.account.forms[contact]["status"] = "DISABLED"
    result = office.run("form-check", "--env", "staging")
    assert "\x1b" not in result["error"]["message"]
    assert "\x1b" not in json.dumps(result["outputs"]["errors"], ensure_ascii=False)

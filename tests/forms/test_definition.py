"""What a definition may say, and who may not say what."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.forms.offices import SUMMER
from tests.program import CONFIG
from workflow.config import Config, load_config
from workflow.errors import TaskFailed
from workflow.forms.definition import Definition, Question, Tracking
from workflow.forms.definition_file import read_definition
from workflow.forms.wanted import wanted_of


@pytest.fixture
def config(tmp_path: Path) -> Config:
    data = yaml.safe_load(CONFIG)
    data["jotform"] = {
        "recipients": {"office": "office@example.com", "all": ["office@example.com", "b@c.example"]}
    }
    (tmp_path / "workflow.yaml").write_text(yaml.safe_dump(data))
    (tmp_path / "forms").mkdir()
    return load_config(tmp_path)


def written(config: Config, text: str) -> TaskFailed:
    """What is wrong with a file of this text."""
    (config.root / "forms" / "x.yaml").write_text(text)
    with pytest.raises(TaskFailed) as caught:
        read_definition("x", config)
    return caught.value


def test_a_definition_is_read_from_the_forms_folder(config: Config) -> None:
    (config.root / "forms" / "summer.yaml").write_text("\ufeff" + SUMMER)
    read = read_definition("summer", config)
    assert read.title == "Summer promo 2026"
    assert read.fields is not None
    assert [one.type for one in read.fields] == [
        "heading", "text", "email", "choice", "choices", "consent", "hidden", "submit",
    ]  # fmt: skip
    assert read.fields[3].options == ("Car", "Van & truck", "2")


def test_all_that_is_wrong_is_told_at_once_with_lines_and_the_nearest_word(config: Config) -> None:
    failed = written(
        config,
        "title: Contact\n"
        "questions:\n"
        "  - {type: emial, name: email, label: Mail}\n"
        "  - {type: text, name: email, label: Other, placholder: x}\n"
        "  - {type: choice, name: one, label: Which}\n"
        "thankyou: {url: /thanks/}\n"
        "notification: {to: offices}\n",
    )
    told = failed.summary
    assert failed.error.code == "bad_definition"
    assert failed.error.action == "fix"
    assert (failed.error.file, failed.error.line) == ("forms/x.yaml", 3)
    assert "forms/x.yaml:3:6: questions.0.type" in told
    assert "did you mean email?" in told
    assert "forms/x.yaml:4:" in told
    assert "did you mean placeholder?" in told
    assert "another question is called 'email' too" in told
    assert "a choice needs options" in told
    assert "did you mean thank_you?" in told
    assert len(failed.outputs["problems"]) == 6


def test_a_recipient_that_the_owner_did_not_name_is_refused(config: Config) -> None:
    for to in ("offices", "me@evil.example", "[office, me@evil.example]"):
        failed = written(config, f"title: C\nnotification: {{to: {to}}}\n")
        assert failed.error.code == "bad_definition"
        assert "workflow.yaml names no recipient" in failed.error.message
        assert failed.error.line == 2
        assert failed.error.hint is not None
        assert "only the owner gives them addresses" in failed.error.hint


def test_addresses_of_recipients_are_each_told_once_and_stand_behind_their_names(
    config: Config,
) -> None:
    read = read_definition({"notification": {"to": ["office", "all"]}}, config)
    wanted = wanted_of(read, None, config)
    assert wanted.recipients == ("office@example.com", "b@c.example")
    assert wanted.recipient_names == ("office", "all")


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({"type": "dropdown"}, "needs options"),
        ({"type": "text", "options": ["a"]}, "has no options"),
        ({"type": "choice", "options": ["a", "a"]}, "two options are the same"),
        ({"type": "choice", "options": ["a|b"]}, "must not hold a |"),
        ({"type": "choice", "options": [""]}, "must say something"),
        ({"type": "consent", "options": ["a", "b"]}, "one option at most"),
        ({"type": "date", "placeholder": "x"}, "has no placeholder"),
        ({"type": "text", "value": "x"}, "only a hidden field has a value"),
        ({"type": "heading", "required": True}, "cannot be required"),
        ({"type": "hidden", "required": True}, "cannot be required"),
        ({"type": "text", "label": "<img src=x onerror=alert(1)>"}, "plain text"),
        ({"type": "text", "label": "a\x1b[31m"}, "control character"),
        ({"type": "text", "label": "a\nb"}, "control character"),
        ({"type": "text", "label": " a"}, "blank"),
        ({"type": "text", "label": "a" * 501}, "at most 500"),
        ({"type": "text", "name": "a b"}, "pattern"),
        ({"type": "text", "name": "a]["}, "pattern"),
        ({"type": "control_textbox"}, "Input should be"),
        ({"type": "fileupload"}, "Input should be"),
    ],
)
def test_a_question_that_contradicts_itself_is_refused(
    question: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        Question.model_validate({"label": "Label", **question})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must be a mapping"),
        ("- a\n", "must be a mapping"),
        ("title: [\n", "forms/x.yaml"),
        ("title: A\ntitle: B\n", "twice"),
        ("tracking: {name: campaign}\n", "needs one of value"),
        ("tracking: {name: campaign, value: a, prefill: b}\n", "needs one of value"),
        ("thank_you: {}\n", "needs one of url and text"),
        ("thank_you: {url: /t/, text: Thanks}\n", "needs one of url and text"),
        ("thank_you: {url: '/t/?mail={email}'}\n", "brace"),
        ("thank_you: {url: '//evil.example/'}\n", "must be a path"),
        ("thank_you: {url: 'javascript:alert(1)'}\n", "must be a path"),
        ("thank_you: {url: '/t/\\x01'}\n", "blank, quote, brace"),
        ("questions: []\n", "must name at least one"),
        ("title: '<b>x</b>'\n", "plain text"),
        ("webhooks: [https://evil.example/]\n", "unknown key"),
    ],
)
def test_a_definition_that_cannot_be_meant_is_refused(
    config: Config, text: str, reason: str
) -> None:
    failed = written(config, text)
    assert failed.error.code == "bad_definition"
    assert reason in f"{failed.error.file}: {failed.error.message}{failed.summary}"


def test_a_definition_written_into_the_task_is_held_to_the_same(config: Config) -> None:
    with pytest.raises(TaskFailed) as caught:
        read_definition({"titel": "x", "notification": {"to": "nobody"}}, config)
    assert caught.value.error.message.startswith("the task's definition: ")
    assert "did you mean title?" in caught.value.summary
    assert caught.value.error.file is None


@pytest.mark.parametrize(
    "name", ["../workflow", "/etc/passwd", "a/b", "a.b", "", "-a", "a\0b", "A", "x" * 41]
)
def test_a_name_is_no_path(config: Config, name: str) -> None:
    with pytest.raises(TaskFailed) as caught:
        read_definition(name, config)
    assert caught.value.error.code == "no_such_definition"


def test_nothing_outside_the_folder_is_read(config: Config, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("title: Secret\n")
    forms = config.root / "forms"
    (forms / "link.yaml").symlink_to(outside)
    os.mkfifo(forms / "pipe.yaml")
    (forms / "folder.yaml").mkdir()
    for name in ("link", "pipe", "folder", "absent"):
        with pytest.raises(TaskFailed) as caught:
            read_definition(name, config)
        assert caught.value.error.code == "no_such_definition"
        assert "Secret" not in str(caught.value.error)
        if name == "link":
            assert caught.value.error.message == "forms/link.yaml is a symbolic link"
        if name == "absent":
            assert caught.value.error.message == "there is no forms/absent.yaml"
        assert f"did you mean {name}" not in (caught.value.error.hint or "")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x.yaml").write_text("title: Secret\n")
    forms.rename(tmp_path / "old")
    forms.symlink_to(elsewhere)
    with pytest.raises(TaskFailed) as caught:
        read_definition("x", config)
    assert caught.value.error.code == "no_such_definition"


def test_a_file_that_is_too_large_or_no_text_is_refused(config: Config) -> None:
    forms = config.root / "forms"
    (forms / "large.yaml").write_bytes(b"# " + b"x" * (1024 * 1024))
    (forms / "bytes.yaml").write_bytes(b"title: \xff\xfe\n")
    for name, reason in (("large", "larger than"), ("bytes", "is not UTF-8")):
        with pytest.raises(TaskFailed) as caught:
            read_definition(name, config)
        assert caught.value.error.code == "bad_definition"
        assert reason in caught.value.error.message


def test_a_misspelt_name_is_answered_with_the_nearest(config: Config) -> None:
    (config.root / "forms" / "summer-promo.yaml").write_text(SUMMER)
    with pytest.raises(TaskFailed) as caught:
        read_definition("sumer-promo", config)
    assert caught.value.error.hint is not None
    assert "did you mean summer-promo?" in caught.value.error.hint


@pytest.mark.parametrize(
    ("label", "kind", "name"),
    [
        ("Your car?", "text", "yourCar"),
        ("3 cars", "number", "number3Cars"),
        ("Größe", "text", "grE"),
        ("…", "heading", "heading"),
        ("Send", "submit", "submit"),
    ],
)
def test_a_name_is_made_from_the_label(label: str, kind: Any, name: str) -> None:
    assert Question(type=kind, label=label).key == name


def test_the_tracking_field_stands_before_the_button_or_in_its_questions_place() -> None:
    text = Question(type="text", name="a", label="A")
    send = Question(type="submit", label="Send")
    tracking = Tracking(name="campaign", value="x")

    def order(*questions: Question) -> list[str]:
        fields = Definition(questions=questions or None, tracking=tracking).fields
        return [one.key for one in fields or ()]

    assert order(text, send) == ["a", "campaign", "submit"]
    assert order(text) == ["a", "campaign"]
    assert order() == ["campaign"]
    here = Question(type="text", name="campaign", label="C")
    assert order(here, text, send) == ["campaign", "a", "submit"]


def page(config: Config, url: str, environment: str | None = None) -> str | None:
    read = read_definition({"thank_you": {"url": url}}, config)
    return wanted_of(read, environment, config).thank_you_url


def test_a_thank_you_page_is_on_a_site_of_ours(config: Config) -> None:
    assert page(config, "/thanks/", "production") == "https://www.example.com/thanks/"
    assert page(config, "https://www.example.com/x/") == "https://www.example.com/x/"
    assert page(config, "https://STAGING.example.com/x/") == "https://STAGING.example.com/x/"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/thanks/",
        "https://www.example.com.evil.example/",
        "https://www.example.com@evil.example/",
        "https://evil.example#https://www.example.com/",
        "https://www.example.com:8443/",
        "http://[x",
    ],
)
def test_a_thank_you_page_elsewhere_is_refused(config: Config, url: str) -> None:
    with pytest.raises(TaskFailed) as caught:
        page(config, url)
    assert caught.value.error.code == "foreign_page"


def test_a_path_needs_an_environment_that_visitors_see(config: Config) -> None:
    for environment, code in (
        (None, "environment_missing"),
        ("prod", "no_such_environment"),
        ("dev", "local_page"),
    ):
        with pytest.raises(TaskFailed) as caught:
            page(config, "/thanks/", environment)
        assert caught.value.error.code == code

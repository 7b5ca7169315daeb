"""JotForm's client: questions are asked again, commands never; the key is in the header alone."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.authority import certificate, make_authority
from tests.forms.jotform import (
    CUT_AFTER,
    CUT_BEFORE,
    CUT_SHORT,
    KEY,
    Server,
    envelope,
    jotform_server,
    page,
    slow,
)
from workflow.config import Config, load_config
from workflow.demo import jotform as demo
from workflow.demo.jotform import Account
from workflow.demo.serving import Answer
from workflow.errors import TaskError, TaskFailed
from workflow.forms import client
from workflow.forms.client import JotForm, form_fields

NONE_LEFT: dict[str, Any] = {"limit-left": 0}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(client, "_STEP", 0.01)
    with jotform_server() as serving:
        yield serving


@pytest.fixture
def api(server: Server) -> Iterator[JotForm]:
    with JotForm(server.url, KEY, lambda: None) as opened:
        yield opened
    server.assert_key_only_in_the_header()


def failed(ask: Any, *words: Any, **more: Any) -> TaskError:
    with pytest.raises(TaskFailed) as caught:
        ask(*words, **more)
    assert KEY not in repr(caught.value) + str(caught.value.error)
    return caught.value.error


def configured(folder: Path, jotform: Any = None, **more: Any) -> Config:
    said = {"version": 1, "jotform": jotform or {}, **more}
    (folder / "workflow.yaml").write_text(json.dumps(said))
    return load_config(folder)


# -- answers ------------------------------------------------------------------------------------


def test_an_answer_is_its_content_with_what_is_left_of_the_days_calls(
    server: Server, api: JotForm
) -> None:
    form = server.account.add_form("Contact", [{"text": "Name"}])
    answer = api.get(f"/form/{form}")
    assert answer.content["title"] == "Contact"
    assert answer.limit_left == 999
    assert answer.result_set is None
    listed = api.get("/user/forms", limit=5)
    assert listed.result_set is not None and listed.result_set.limit == 5


def test_numbers_may_come_as_strings(server: Server, api: JotForm) -> None:
    said = envelope(200, "success")
    raw = json.dumps({**json.loads(said.body), "responseCode": "200", "limit-left": "17"})
    server.fail(Answer(200, raw.encode(), said.headers))
    assert api.get("/user").limit_left == 17


def test_created_is_a_success_too(server: Server, api: JotForm) -> None:
    server.fail(envelope(201, "success", status=201, content={"id": "1"}))
    assert api.post("/user/forms", {}).content == {"id": "1"}


def test_an_error_is_one_although_http_says_200(server: Server, api: JotForm) -> None:
    server.fail(envelope(404, "Requested URL (/form/1) is not available!"))
    error = failed(api.get, "/form/240000000000001")
    assert (error.code, error.action) == ("jotform_not_found", "fix")
    assert "is not available" in error.message


@pytest.mark.parametrize(
    ("answer", "code", "action"),
    [
        (envelope(401, "You're not authorized", status=401), "jotform_key_refused", "escalate"),
        (envelope(403, "no", status=403), "jotform_key_refused", "escalate"),
        (envelope(404, "no", status=404), "jotform_not_found", "fix"),
        (envelope(400, "Filter is wrong", status=400), "jotform_refused", "fix"),
        (envelope(301, "other host", location="https://eu-api.jotform.com"), "jotform_elsewhere",
         "escalate"),
        (envelope(429, "API-Limit exceeded", status=429), "jotform_quota", "escalate"),
        (envelope(503, "API limit reached", status=503), "jotform_quota", "escalate"),
        (envelope(503, "busy", status=503, **NONE_LEFT), "jotform_quota", "escalate"),
        (envelope(429, "API-Limit exceeded", **NONE_LEFT), "jotform_quota", "escalate"),
    ],
)  # fmt: skip
def test_what_a_second_question_would_not_change_is_not_asked_twice(
    server: Server, api: JotForm, answer: Answer, code: str, action: str
) -> None:
    server.fail(answer, times=9)
    error = failed(api.get, "/user")
    assert (error.code, error.action) == (code, action)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "fault",
    [
        CUT_BEFORE,
        CUT_AFTER,
        CUT_SHORT,
        page(),
        page(200),
        envelope(500, "Internal error"),
        envelope(500, "Internal error", status=500),
        envelope(503, "Service unavailable", status=503),
        envelope(429, "Slow down", status=429, headers={"Retry-After": "0"}),
        envelope(429, "Slow down", status=429),
        envelope(408, "Request Timeout", status=408),
        Answer(429, b"<html>Too Many Requests</html>"),
        Answer(200, b'{"responseCode": 200, "content": [1, 2'),
        Answer(200, b"\xff\xfe\x00wrong bytes"),
        Answer(200, b"[]"),
        Answer(200, b""),
        Answer(200, b"[" * 100_000),
    ],
)
def test_a_question_is_asked_again_after_a_passing_fault(
    server: Server, api: JotForm, fault: Any
) -> None:
    server.fail(fault, times=2)
    assert api.get("/user").content["username"] == "harbor"
    assert server.counts()["GET /user"] == 3


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (CUT_BEFORE, "jotform_unreachable"),
        (page(), "jotform_answer"),
        (envelope(500, "Internal error"), "jotform_unreachable"),
        (envelope(429, "Slow down", status=429), "jotform_limit"),
    ],
)
def test_a_fault_that_does_not_pass_is_told_after_five_questions(
    server: Server, api: JotForm, fault: Any, code: str
) -> None:
    server.fail(fault, times=9)
    error = failed(api.get, "/user")
    assert (error.code, error.action) == (code, "retry")
    assert server.counts()["GET /user"] == 5


def test_it_waits_as_long_as_it_is_asked_to(server: Server, api: JotForm) -> None:
    server.fail(envelope(429, "Slow down", status=429, headers={"Retry-After": "1"}))
    began = time.monotonic()
    api.get("/user")
    assert time.monotonic() - began >= 1


def test_a_time_to_wait_may_be_a_date(server: Server, api: JotForm) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    server.fail(envelope(503, "Maintenance limit", status=503, headers={"Retry-After": until}))
    began = time.monotonic()
    api.get("/user")
    assert time.monotonic() - began >= 0.9


@pytest.mark.parametrize("said", ["soon", "-5", "Mon, 99 Jan 2026 00:00:00 GMT", "", "1e9"])
def test_a_time_to_wait_that_is_none_counts_as_not_said(
    server: Server, api: JotForm, said: str
) -> None:
    server.fail(envelope(429, "Slow down", status=429, headers={"Retry-After": said}))
    assert api.get("/user").content


def test_who_is_asked_to_wait_for_an_hour_does_not(server: Server, api: JotForm) -> None:
    server.fail(envelope(429, "Slow down", status=429, headers={"Retry-After": "3600"}))
    error = failed(api.get, "/user")
    assert error.code == "jotform_limit"
    assert "3600 s" in error.message
    assert len(server.asked) == 1


def test_the_days_calls_are_used_up_as_jotform_counts_them(server: Server, api: JotForm) -> None:
    server.account.limit_left = 2
    api.get("/user")
    api.get("/user")
    assert failed(api.get, "/user").code == "jotform_quota"


def test_the_task_ends_while_it_waits(server: Server) -> None:
    ends = TaskFailed(TaskError("cancelled", "cancelled", "escalate"), status="cancelled")
    began = time.monotonic()

    def check() -> None:
        if time.monotonic() - began > 0.3:
            raise ends

    server.fail(envelope(429, "Slow down", status=429, headers={"Retry-After": "60"}), times=9)
    with JotForm(server.url, KEY, check) as api, pytest.raises(TaskFailed) as caught:
        api.get("/user")
    assert caught.value is ends
    assert time.monotonic() - began < 5


def test_a_silent_server_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SILENCE_SECONDS", 0.2)
    server.fail(slow(0.6))
    with JotForm(server.url, KEY, lambda: None) as api:
        assert api.get("/user").content["username"] == "harbor"
    assert server.counts()["GET /user"] == 2


def test_an_endless_answer_is_cut(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST_BYTES", 100_000)
    server.fail(Answer(200, b" " * 1_000_000))
    with JotForm(server.url, KEY, lambda: None) as api:
        error = failed(api.get, "/user")
    assert error.code == "jotform_answer"
    assert "larger than" in error.message


def test_a_message_is_fit_for_a_terminal(server: Server, api: JotForm) -> None:
    nasty = "<b>no</b>\x1b[31m way\n\x00 " + "x" * 5000
    server.fail(envelope(400, nasty, status=400))
    error = failed(api.get, "/user")
    assert "no [31m way" in error.message
    assert error.message.isprintable()
    assert len(error.message) < 400


def test_a_key_that_comes_back_in_an_answer_is_taken_out(server: Server, api: JotForm) -> None:
    server.fail(envelope(401, f"The key {KEY} is not known", status=401))
    assert "[redacted]" in failed(api.get, "/user").message
    server.fail(envelope(200, "success", content={"note": f"={KEY}="}))
    assert api.get("/user").content == {"note": "=[redacted]="}


def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(
    server: Server, api: JotForm
) -> None:
    with jotform_server() as other:
        for status in (301, 302, 307, 308):
            server.fail(Answer(status, b"", {"Location": f"{other.url}/user"}))
            assert failed(api.get, "/user").code == "jotform_elsewhere"
        server.fail(Answer(307, b"", {"Location": f"{other.url}/user/forms"}))
        assert failed(api.post, "/user/forms", {}).code == "jotform_elsewhere"
        assert not other.asked


# -- lists ----------------------------------------------------------------------------------------


def test_a_list_is_read_page_by_page_each_entry_once(server: Server, api: JotForm) -> None:
    form = server.account.add_form("Contact", [{"text": "Name"}])
    sent = [server.account.add_submission(form, {"1": str(n)}) for n in range(2100)]
    path = f"/form/{form}/submissions"
    assert sorted(one["id"] for one in api.pages(path)) == sent
    assert server.counts()[f"GET {path}"] == 3
    assert {asked.query["limit"] for asked in server.asked} == {"1000"}
    assert len(list(api.pages(path, most=1500))) == 1500
    assert len(list(api.pages(path, most=3))) == 3
    assert server.asked[-1].query["limit"] == "3"
    assert list(api.pages(path, most=0)) == []


@pytest.mark.parametrize("size", [2, 3, 5, 9, 10, 11, 50])
def test_every_size_of_page_gives_all(
    server: Server, api: JotForm, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(client, "PAGE", size)
    made = [server.account.add_form(f"Form {n}") for n in range(10)]
    assert sorted(one["id"] for one in api.pages("/user/forms")) == made


def test_a_list_that_changes_while_it_is_read_loses_nothing(
    server: Server, api: JotForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 10)
    account = server.account
    form = account.add_form("Contact", [{"text": "Name"}])
    kept = {account.add_submission(form, {"1": str(n)}) for n in range(60)}

    def more_come() -> None:
        for n in range(5):
            account.add_submission(form, {"1": f"new {n}"})

    def some_go() -> None:
        held = account.submissions[form]
        for entry in held[-15:]:
            kept.discard(entry["id"])
        del held[-15:]

    path = f"/form/{form}/submissions"
    server.fail(lambda: None, at=path)
    server.fail(lambda: more_come(), at=path)
    server.fail(lambda: some_go(), at=path)
    found = [one["id"] for one in api.pages(path)]
    assert kept <= set(found)
    assert len(found) == len(set(found))


def test_an_empty_list_may_be_an_empty_text_and_a_mapping_is_a_list(
    server: Server, api: JotForm
) -> None:
    server.fail(envelope(200, "success", content=""))
    assert list(api.pages("/user/forms")) == []
    server.fail(envelope(200, "success", content={"0": {"id": "1"}}))
    assert list(api.pages("/user/forms")) == [{"id": "1"}]
    server.fail(envelope(200, "success", content="hello"))
    assert failed(list, api.pages("/user/forms")).code == "jotform_answer"


def test_a_host_that_gives_less_than_was_asked_for_loses_nothing(
    server: Server, api: JotForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "LARGEST_PAGE", 7)
    made = [server.account.add_form(f"Form {n}") for n in range(30)]
    assert sorted(one["id"] for one in api.pages("/user/forms")) == made


def test_a_host_that_knows_no_pages_is_given_up(server: Server, api: JotForm) -> None:
    same = [{"id": str(number)} for number in range(1000)]
    server.fail(envelope(200, "success", content=same), times=100)
    error = failed(list, api.pages("/user/forms"))
    assert error.code == "jotform_answer"
    assert len(server.asked) < 30


# -- commands -------------------------------------------------------------------------------------


def test_a_command_is_sent_once_and_its_parts_as_jotform_takes_them(
    server: Server, api: JotForm
) -> None:
    made = api.post(
        "/user/forms",
        {
            "properties": {"title": "Fürs Büro & Co"},
            "questions": {"1": {"type": "control_email", "text": "E-mail", "name": "email"}},
            "emails": {"0": {"type": "notification", "to": "a@example.com"}},
        },
    ).content
    form = server.account.forms[made["id"]]
    assert form["title"] == "Fürs Büro & Co"
    assert form["questions"]["1"]["type"] == "control_email"
    assert form["properties"]["emails"] == [{"type": "notification", "to": "a@example.com"}]
    api.put(f"/form/{made['id']}/properties", {"properties": {"thankurl": "https://x.example/"}})
    assert form["properties"]["thankurl"] == "https://x.example/"
    api.delete(f"/form/{made['id']}")
    assert form["status"] == "DELETED"
    assert [asked.method for asked in server.told()] == ["POST", "PUT", "DELETE"]


def test_fields_nest_as_in_the_documentation() -> None:
    assert form_fields({"a": {"1": {"b": True, "c": [1]}}, "d": 3}) == {
        "a[1][b]": "Yes",
        "a[1][c]": "[1]",
        "d": "3",
    }


@pytest.mark.parametrize(
    "fault",
    [
        CUT_BEFORE,
        CUT_AFTER,
        CUT_SHORT,
        page(502),
        page(504),
        page(200),
        envelope(500, "Internal error"),
        envelope(500, "Internal error", status=500),
        Answer(200, b""),
    ],
)
@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_a_command_whose_fate_is_unknown_is_not_sent_again(
    server: Server, api: JotForm, fault: Any, method: str
) -> None:
    form = server.account.add_form("Contact")
    path = f"/form/{form}/properties" if method != "delete" else f"/form/{form}"
    words = [] if method == "delete" else [{"properties": {"title": "New"}}]
    server.fail(fault, at=path, times=9)
    error = failed(getattr(api, method), path, *words, look="look at the title")
    assert (error.code, error.action) == ("unknown_outcome", "escalate")
    assert error.hint is not None and error.hint.startswith("look at the title")
    assert len(server.asked) == 1


def test_a_command_to_a_silent_server_has_an_unknown_fate(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SILENCE_SECONDS", 0.2)
    form = server.account.add_form("Contact")
    server.fail(slow(0.5), times=9)
    with JotForm(server.url, KEY, lambda: None) as api:
        assert failed(api.post, f"/form/{form}/clone", {}).code == "unknown_outcome"
    time.sleep(0.6)
    assert len(server.asked) == 1
    assert len(server.account.forms) == 2


@pytest.mark.parametrize(
    ("answer", "code", "action"),
    [
        (envelope(401, "read only key", status=401), "jotform_key_refused", "escalate"),
        (envelope(400, "wrong", status=400), "jotform_refused", "fix"),
        (envelope(429, "slow", status=429, headers={"Retry-After": "1"}), "jotform_limit", "retry"),
        (envelope(429, "API-Limit exceeded"), "jotform_quota", "escalate"),
        (Answer(429, b"<html>"), "jotform_limit", "retry"),
    ],
)
def test_a_command_that_was_refused_is_told_so_and_not_sent_again(
    server: Server, api: JotForm, answer: Answer, code: str, action: str
) -> None:
    server.fail(answer, times=9)
    error = failed(api.post, "/user/forms", {})
    assert (error.code, error.action) == (code, action)
    assert len(server.told()) == 1
    assert not server.account.forms


def test_a_command_is_sent_again_only_if_nothing_was_received(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody listens at first: the connection is refused, which is certain."""
    monkeypatch.setattr(client, "FIRST_WAIT", 0.2)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    account = Account(KEY)
    done = threading.Event()

    def listen_later() -> None:
        time.sleep(0.3)
        with jotform_server(account, port=port):
            done.wait(10)

    thread = threading.Thread(target=listen_later)
    thread.start()
    try:
        with JotForm(f"http://127.0.0.1:{port}", KEY, lambda: None) as api:
            api.post("/user/forms", {"properties": {"title": "Once"}})
    finally:
        done.set()
        thread.join()
    assert [form["title"] for form in account.forms.values()] == ["Once"]


def test_a_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    with JotForm(f"http://127.0.0.1:{port}", KEY, lambda: None) as api:
        error = failed(api.post, "/user/forms", {})
    assert (error.code, error.action) == ("jotform_unreachable", "retry")
    assert str(port) in error.message


def test_a_certificate_that_nobody_vouches_for_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = make_authority(tmp_path)
    with jotform_server(tls=certificate(authority, "localhost")) as server:
        with JotForm(server.url, KEY, lambda: None) as api:
            error = failed(api.post, "/user/forms", {})
        assert (error.code, error.action) == ("jotform_certificate", "escalate")
        assert "does not know" in error.message
        assert not server.asked
        monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
        with JotForm(server.url, KEY, lambda: None) as api:
            assert api.get("/user").content["username"] == "harbor"


def test_a_command_never_takes_a_connection_that_was_kept(server: Server, api: JotForm) -> None:
    api.get("/user")
    for _ in range(3):
        api.post("/user/forms", {})
    ports = [asked.port for asked in server.told()]
    assert len(set(ports)) == 3
    assert server.asked[0].port not in ports


@pytest.mark.parametrize("path", ["user", "/form/../user", "/form/1?apiKey=x", "/", "/form/a b"])
def test_a_path_is_one_of_the_apis(api: JotForm, path: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        api.get(path)
    with pytest.raises(ValueError, match="is no path"):
        api.delete(path)


# -- where the account is --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("jotform", "url"),
    [
        ({}, "https://api.jotform.com"),
        ({"region": "eu"}, "https://eu-api.jotform.com"),
        ({"region": "hipaa"}, "https://hipaa-api.jotform.com"),
        ({"api_url": "https://forms.example.com/API/"}, "https://forms.example.com/API"),
    ],
)
def test_the_host_is_the_regions_or_the_companys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jotform: Any, url: str
) -> None:
    monkeypatch.setenv("JOTFORM_API_KEY", KEY)
    with JotForm.open(configured(tmp_path, jotform), lambda: None) as api:
        assert api.url == url


@pytest.mark.parametrize(
    "jotform",
    [
        {"api_url": "http://forms.example.com/API"},
        {"api_url": "https://user:secret@forms.example.com/"},
        {"api_url": "https://forms.example.com/?apiKey=x"},
        {"api_url": "https://forms.example.com:port/"},
        {"api_url": "ftp://forms.example.com/"},
        {"api_url": "https://"},
        {"region": "mars"},
        {"key_variable": "PATH"},
        {"key_variable": "lower_api_key"},
        {"keychain": "-x"},
        {"keychain": "a b; rm"},
        {"regoin": "eu"},
        "text",
    ],
)
def test_no_key_is_sent_where_workflow_yaml_is_in_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jotform: Any
) -> None:
    monkeypatch.setenv("JOTFORM_API_KEY", KEY)
    config = configured(tmp_path, jotform)
    assert config.problems
    error = failed(JotForm.open, config, lambda: None)
    assert (error.code, error.action) == ("bad_config", "escalate")

"""Services that are slow, dead, strange or closed, and what becomes of the message."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.notify.conftest import NOTIFY, VARIABLE, Telling
from tests.notify.service import Service, service
from workflow import keychain, redact
from workflow.config import load_config
from workflow.notify import desktop, secret, services
from workflow.notify.messages import TEST, Message
from workflow.settings.notify import Channel

NTFY = Channel(via="ntfy")


def _nobody_listens() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


def test_a_dead_service_delays_and_fails_no_task(program: Telling, phone: Service) -> None:
    program.known[VARIABLE] = f"http://127.0.0.1:{_nobody_listens()}/my-secret-topic"
    program.fail()
    task_id = program.submit("noop")
    ran = program("sweep")
    assert ran.code == 0
    assert program.result(task_id)["status"] == "success"
    state = _unsent(program)
    assert "is not reached: connection refused" in state["unsent"][0]["why"]
    assert "my-secret-topic" not in json.dumps(state)


def test_a_slow_service_delays_no_sweep(program: Telling, phone: Service) -> None:
    phone.seconds = 5
    program.fail()
    program("sweep")
    program.submit("noop")
    began = time.monotonic()
    program("sweep")
    assert time.monotonic() - began < 4
    assert len(phone.wait_for(1)) == 1


def test_what_could_not_be_sent_is_tried_again_and_then_given_up(
    program: Telling, phone: Service
) -> None:
    phone.status = 503
    program.fail()
    program("sweep")
    for tries in range(1, 5):
        state = _unsent(program, tries)
        assert state["unsent"][0]["why"] == "127.0.0.1 did not take it (HTTP 503)"
        program("sweep")
        assert len(phone.received) == tries, "not before its time"
        program.let_retry()
        program("sweep")
    assert len(phone.wait_for(5)) == 5
    state = _until_none_waits(program)
    assert state["given_up"][0]["why"] == "127.0.0.1 did not take it (HTTP 503)"
    program("sweep")
    time.sleep(0.3)
    assert len(phone.received) == 5
    said = program("doctor", "--offline").out
    assert "the last message was given up at" in said


def test_a_message_that_was_tried_again_arrives_once(program: Telling, phone: Service) -> None:
    phone.status = 429
    program.fail()
    program("sweep")
    _unsent(program)
    phone.status = 200
    program.let_retry()
    program("sweep")
    program("sweep")
    state = _until_none_waits(program)
    assert "phone" in state["sent"]
    program.submit("noop")
    program("sweep")
    program.settled()
    assert len(phone.received) == 2


def test_an_idle_tick_becomes_a_sweep_when_a_message_is_due(
    program: Telling, phone: Service
) -> None:
    phone.status = 503
    program.fail()
    program("sweep")
    _unsent(program)
    program("sweep")
    _, due = map(float, (program.root / ".workflow/parked").read_text().split("\n")[0].split())
    assert 0 < due - time.time() <= 30


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "does not let us in (HTTP 401): see its token"), (404, "(HTTP 404): see its address")],
)
def test_what_no_second_try_mends_is_given_up(
    program: Telling, phone: Service, status: int, said: str
) -> None:
    phone.status = status
    program.fail()
    program("sweep")
    assert said in _given_up(program)["why"]


def test_a_redirect_is_not_followed(program: Telling, phone: Service) -> None:
    with service() as elsewhere:
        phone.status, phone.headers = 307, {"Location": elsewhere.url}
        program.fail()
        program("sweep")
        assert "sends us elsewhere (HTTP 307)" in _given_up(program)["why"]
        assert elsewhere.received == []


@pytest.mark.parametrize("status", [504, 0])
def test_what_may_have_arrived_is_not_sent_again(
    program: Telling, phone: Service, status: int
) -> None:
    phone.status, phone.mute = status or 200, status == 0
    program.fail()
    program("sweep")
    assert "gave no answer" in _given_up(program)["why"]
    program.submit("noop")
    program("sweep")
    program.settled()
    assert len(phone.received) == 1


def test_a_sender_that_is_killed_while_it_sends_sends_no_second_time(
    program: Telling, phone: Service
) -> None:
    phone.seconds = 30
    program.fail()
    program("sweep")
    assert len(phone.wait_for(1)) == 1
    (sender,) = _senders(program)
    os.kill(sender, signal.SIGKILL)
    phone.seconds = 0
    program.submit("noop")
    program("sweep")
    assert "it may have arrived" in _given_up(program)["why"]
    program.settled()
    assert len(phone.received) == 1


def test_a_sender_that_was_killed_before_it_sent_is_made_up_for(
    program: Telling, phone: Service
) -> None:
    # Nobody accepts: the connection hangs in the listener's queue, or is refused.
    program.known[VARIABLE] = f"http://127.0.0.1:{_nobody_listens()}/x"
    program.fail()
    program("sweep")
    _unsent(program)
    program.known[VARIABLE] = phone.url
    program.let_retry()
    program("sweep")
    program("sweep")
    assert len(phone.wait_for(1)) == 1


def test_no_secret_is_printed_or_kept(program: Telling, phone: Service) -> None:
    program.configure(NOTIFY.replace("{via: ntfy}", "{via: ntfy, token: true}"))
    program.known["WORKFLOW_NOTIFY_PHONE_TOKEN"] = "tk_verysecret123"
    phone.status = 500
    program.fail()
    program("sweep")
    _unsent(program)
    said = program("notify", "--test").err + program("notify", "--test", "--json").out
    said += program("doctor", "--offline").out + program("notify").out
    kept = b"".join(p.read_bytes() for p in program.root.rglob("*") if p.is_file()).decode(
        "utf-8", "replace"
    )
    assert phone.received[0].headers["authorization"] == "Bearer tk_verysecret123"
    for word in ("tk_verysecret123", "my-secret-topic"):
        assert word not in said
        assert word not in kept


def test_a_test_says_what_came_back(program: Telling, phone: Service) -> None:
    ran = program("notify", "phone", "--test")
    assert ran.code == 0
    assert ran.out.split("\n")[1].split(maxsplit=2) == [
        "ok",
        "phone",
        "127.0.0.1 took it (HTTP 200)",
    ]
    assert phone.received[0].title == "workflow: a test"
    phone.status = 403
    ran = program("notify", "phone", "--test")
    assert ran.code == 2
    assert "error: phone: 127.0.0.1 does not let us in (HTTP 403)" in ran.err
    assert program("notify", "phone", "--field", "data.channels.0.via").out == "ntfy\n"


def test_where_there_is_no_channel_a_test_fails_and_says_how_to_have_one(program: Telling) -> None:
    program.configure("")
    assert program("notify").code == 0
    ran = program("notify", "--test")
    assert ran.code == 2
    assert "`notify: {phone: {via: ntfy}}`" in ran.err


def test_a_channel_that_is_not_there_is_told_with_the_nearest(program: Telling) -> None:
    ran = program("notify", "phon", "--test")
    assert ran.code == 2
    assert "did you mean: phone?" in ran.err


def test_without_an_address_it_says_how_to_give_one(program: Telling) -> None:
    del program.known[VARIABLE]
    ran = program("notify", "--test")
    assert ran.code == 2
    assert f"{VARIABLE} is not set" in ran.err
    assert f"{VARIABLE} is not set" in program("doctor", "--offline").out


@pytest.mark.parametrize(
    "address",
    [
        "http://ntfy.example.com/topic",
        "ftp://127.0.0.1/topic",
        "tk_no_address",
        "https:///topic",
        "https://user:word@ntfy.example.com/t",
        "https://ntfy.example.com:port/t",
        "https://ntfy.example.com/a b",
        "https://ntfy.example.com/\x1b[2J",
    ],
)
def test_an_address_that_nothing_may_be_sent_to_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv(VARIABLE, address)
    answer = services.send("phone", NTFY, TEST)
    assert answer.outcome == "refused"
    assert address not in answer.said


def test_a_service_that_answers_a_byte_at_a_time_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services, "SECONDS", 0.5)
    with service() as drips:
        drips.seconds = 5
        monkeypatch.setenv(VARIABLE, drips.url)
        began = time.monotonic()
        answer = services.send("phone", NTFY, TEST)
        assert time.monotonic() - began < 3
        assert answer.outcome == "unknown"


def test_a_title_beyond_ascii_is_encoded(monkeypatch: pytest.MonkeyPatch, phone: Service) -> None:
    monkeypatch.setenv(VARIABLE, phone.url)
    message = Message("failure", "Überprüfen 🚀", "Grüße 🚀\nworkflow status")
    assert services.send("phone", NTFY, message).outcome == "sent"
    assert phone.received[0].title.startswith("=?utf-8?b?")
    assert phone.received[0].body == message.text


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what apprise imports
def test_apprise_sends_and_says_no(monkeypatch: pytest.MonkeyPatch, phone: Service) -> None:
    monkeypatch.setenv(VARIABLE, f"json://127.0.0.1:{phone.port}/my-secret-topic")
    channel = Channel(via="apprise")
    message = Message("failure", "Failed: staging", "A page is broken.\nworkflow show x")
    assert services.send("phone", channel, message).outcome == "sent"
    assert phone.received[0].json["message"] == message.text
    assert phone.received[0].json["type"] == "failure"
    phone.status = 500
    assert services.send("phone", channel, message).outcome == "refused"
    monkeypatch.setenv(VARIABLE, "nosuchservice://somewhere")
    answer = services.send("phone", channel, message)
    assert (answer.outcome, answer.final) == ("refused", True)


def test_on_a_mac_the_text_is_an_argument_and_no_part_of_the_script(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # osascript itself is on macOS alone: this takes its place and writes down what it is given.
    noted = tmp_path / "noted"
    stand_in = tmp_path / "osascript"
    stand_in.write_text(f'#!/bin/sh\nfor word; do printf "%s\\n--\\n" "$word"; done > {noted}\n')
    stand_in.chmod(0o755)
    monkeypatch.setattr(desktop, "OSASCRIPT", stand_in)
    text = '-e do shell script "touch /tmp/x"\nworkflow status'
    answer = services.send("desk", Channel(via="macos"), Message("failure", "Failed", text))
    assert answer.outcome == "sent"
    words = noted.read_text().split("\n--\n")
    assert words[-3:-1] == ["workflow: Failed", text]
    assert [word for word in words[:-3] if "shell" in word] == []
    stand_in.write_text("#!/bin/sh\nexit 1\n")
    assert services.send("desk", Channel(via="macos"), TEST).outcome == "refused"


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has the real one")
def test_without_a_mac_its_notification_is_told_as_impossible(program: Telling) -> None:
    program.configure(NOTIFY.replace("via: ntfy", "via: macos"))
    assert "this machine is no Mac" in program("doctor", "--offline").out
    assert "is not there" in program("notify", "--test").err


def test_the_keychain_gives_what_the_environment_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, phone: Service
) -> None:
    # A keychain needs a session on a screen: this prints what it would.
    tool = tmp_path / "tool"
    tool.write_text(f'#!/bin/sh\necho "warning: old" >&2\necho "{phone.url}"\n')
    tool.chmod(0o755)
    monkeypatch.setattr(keychain, "SECRET_TOOL", tool)
    monkeypatch.setattr(keychain, "SECURITY", tool)
    monkeypatch.delenv(VARIABLE, raising=False)
    answer = services.send("phone", NTFY, TEST)
    assert answer.outcome == "sent", answer.said
    assert phone.url in redact.hidden
    assert "entry workflow-notify-phone" in secret.find("phone", NTFY).source


def test_a_keychain_is_told_of_where_there_is_one_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    tool = tmp_path / "tool"
    monkeypatch.setattr(keychain, "SECRET_TOOL", tool)
    monkeypatch.setattr(keychain, "SECURITY", tool)
    with pytest.raises(secret.NoSecret) as without:
        secret.find("phone", NTFY)
    assert without.value.hint == f"set {VARIABLE} where sweeps are started"
    tool.write_text("#!/bin/sh\nexit 1\n")
    tool.chmod(0o755)
    with pytest.raises(secret.NoSecret) as beside:
        secret.find("phone", NTFY)
    assert f"store it with `{tool} " in beside.value.hint


def test_what_workflow_yaml_says_wrong_is_told_with_its_place(program: Telling) -> None:
    program.configure("notify:\n  phone: {via: ntfi, event: [x]}\n  desk: {via: macos}\n")
    config = load_config(program.root)
    assert list(config.notify) == ["desk"], "one bad channel does not stop the others"
    said = " ".join(problem.sentence("workflow.yaml") for problem in config.problems)
    assert "did you mean ntfy?" in said
    assert "notify.phone.event: unknown key (did you mean events?)" in said


def test_an_unknown_environment_of_a_channel_is_told(program: Telling) -> None:
    program.configure(NOTIFY.replace("{via: ntfy}", "{via: ntfy, environments: [prodction]}"))
    assert "did you mean production?" in program("doctor", "--offline").out


def _unsent(program: Telling, tries: int = 1) -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        state = program.settled()
        if state["unsent"] and state["unsent"][0]["tries"] == tries:
            return state
        time.sleep(0.05)
    raise AssertionError(f"nothing waits after {tries} tries: {program.state}")


def _until_none_waits(program: Telling) -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        state = program.settled()
        if not state["unsent"]:
            return state
        time.sleep(0.05)
    raise AssertionError(f"it still waits: {program.state}")


def _given_up(program: Telling) -> dict[str, str]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if program.settled()["given_up"]:
            said: dict[str, str] = program.state["given_up"][0]
            return said
        time.sleep(0.05)
    raise AssertionError(f"nothing was given up: {program.state}")


def _senders(program: Telling) -> list[int]:
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    mine = f"-m workflow.notify {program.root}"
    return [int(line.split()[0]) for line in listed if line.endswith(mine)]


def test_below_systemd_a_sweep_lingers_until_its_message_is_out(
    program: Telling, phone: Service
) -> None:
    # systemd tells a unit's main process its number; what is left with it, systemd ends.
    phone.seconds = 0.5
    program.fail()
    line = 'SYSTEMD_EXEC_PID=$$ exec "$@"'
    argv = ["/bin/sh", "-c", line, "sh", *program.argv("sweep")]
    subprocess.run(argv, cwd=program.root, env=program.environ, check=True)
    assert "phone" in program.state["sent"]
    phone.seconds = 30
    program.fail("second")
    began = time.monotonic()
    subprocess.run(argv, cwd=program.root, env=program.environ, check=True)
    assert time.monotonic() - began < 10
    for sender in _senders(program):
        os.kill(sender, signal.SIGKILL)

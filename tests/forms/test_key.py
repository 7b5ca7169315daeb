"""Where the key is found. The keychain's programs are stood in for: a real keychain wants a person
at a desktop."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from tests.forms.jotform import KEY
from workflow import keychain, redact
from workflow.errors import TaskError, TaskFailed
from workflow.forms.key import find_key
from workflow.settings.forms import JotForm as Settings


@pytest.fixture(autouse=True)
def _no_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOTFORM_API_KEY", raising=False)


def stand_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch, script: str, name: str = "SECRET_TOOL"
) -> Path:
    """A program that notes its arguments and then does what the script says."""
    program = folder / "keychain"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {folder}/asked\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setattr(keychain, name, program)
    return program


def missing(settings: Settings | None = None) -> TaskError:
    with pytest.raises(TaskFailed) as caught:
        find_key(settings or Settings())
    error = caught.value.error
    assert (error.code, error.action) == ("no_jotform_key", "escalate")
    assert KEY not in str(error)
    return error


def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "echo another-key-of-the-keychain")
    monkeypatch.setenv("JOTFORM_API_KEY", f" {KEY}\n")
    assert find_key(Settings()).value == KEY
    assert not (tmp_path / "asked").exists()


def test_the_variable_has_the_name_that_workflow_yaml_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLM_JOTFORM_API_KEY", KEY)
    assert find_key(Settings(key_variable="KLM_JOTFORM_API_KEY")).value == KEY


def test_on_linux_secret_tool_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    stand_in(tmp_path, monkeypatch, f"printf %s {KEY}")
    found = find_key(Settings(keychain="my-forms"))
    assert found.value == KEY
    assert "my-forms" in found.source
    assert (tmp_path / "asked").read_text().split() == ["lookup", "service", "my-forms"]


def test_on_a_mac_security_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    stand_in(tmp_path, monkeypatch, f"echo {KEY}", "SECURITY")
    assert find_key(Settings()).value == KEY
    said = (tmp_path / "asked").read_text().split()
    assert said == ["find-generic-password", "-s", "workflow-jotform", "-w"]


def test_warnings_of_its_libraries_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    stand_in(
        tmp_path, monkeypatch, f'echo "** (secret-tool:1): WARNING **: hm" >&2; printf %s {KEY}'
    )
    assert find_key(Settings()).value == KEY


def test_the_key_reaches_no_file_and_shows_in_no_repr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.chdir(tmp_path)
    stand_in(tmp_path, monkeypatch, f"printf %s {KEY[:16]}; printf %s {KEY[16:]}")
    assert KEY not in repr(find_key(Settings()))
    assert not any(KEY in path.read_text() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("platform", "command"),
    [
        ("linux", "secret-tool store --label=workflow-jotform service workflow-jotform"),
        ("darwin", '/usr/bin/security add-generic-password -U -a "$USER" -s workflow-jotform -w'),
    ],
)
def test_without_a_key_the_command_is_told_that_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, command: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(keychain, "SECRET_TOOL", Path("/usr/bin/secret-tool"))
    absent = tmp_path / "absent"
    hint = missing_with(monkeypatch, absent)
    assert command in hint


def missing_with(monkeypatch: pytest.MonkeyPatch, absent: Path) -> str:
    """The hint, where the program is not there; its real path stays in the hint."""
    monkeypatch.setattr(keychain, "lookup", lambda _: (absent, []))
    error = missing()
    assert str(absent) in error.message
    assert "JOTFORM_API_KEY" in error.message
    return error.hint or ""


@pytest.mark.parametrize("script", ["exit 1", "exit 0", f"echo {KEY}; exit 44", "echo; echo"])
def test_an_entry_that_is_not_there_or_locked_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    stand_in(tmp_path, monkeypatch, script)
    assert "not there, or locked" in missing().message


def test_a_keychain_that_waits_for_a_person_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(keychain, "SECONDS", 0.3)
    stand_in(tmp_path, monkeypatch, "exec sleep 60")
    began = time.monotonic()
    assert "may be locked" in missing().message
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "value", ["short", "has a blank in its middle", "Bearer\r\nX: y" + KEY, "é" * 32, "x" * 500]
)
def test_what_is_no_key_is_sent_nowhere(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("JOTFORM_API_KEY", value)
    error = missing()
    assert "is no key" in error.message
    assert value not in str(error)


def test_an_empty_variable_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("JOTFORM_API_KEY", "  ")
    stand_in(tmp_path, monkeypatch, f"printf %s {KEY}")
    assert find_key(Settings()).value == KEY
    assert os.environ["JOTFORM_API_KEY"] == "  "


def test_a_second_task_of_a_sweep_gets_the_key_that_is_known_to_be_a_secret_by_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "SECURITY" if sys.platform == "darwin" else "SECRET_TOOL"
    stand_in(tmp_path, monkeypatch, f"echo {KEY}", name)
    redact.hide(find_key(Settings()).value)
    assert find_key(Settings()).value == KEY

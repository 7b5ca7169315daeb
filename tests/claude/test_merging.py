"""Settings of a person's, into which ours are put."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from workflow.claude.merging import NotMergeable, merged, written
from workflow.claude.settings import hooks, settings
from workflow.config import load_config

WANTED: dict[str, Any] = {
    "permissions": {"allow": ["Bash(workflow status *)"], "deny": ["Bash(aws *)"]},
    "hooks": hooks(),
    "sandbox": {"enabled": True},
}
THEIRS = """\
{
    "$schema": "https://json.schemastore.org/claude-code-settings.json",
    "model": "opus",
    "zebra": {"unknown": [1, 2.5, null, true]},
    "permissions": {
        "deny": ["Read(./.env)"],
        "allow": ["Bash(npm test)", "Bash(workflow status *)"],
        "defaultMode": "plan"
    },
    "hooks": {
        "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "mine.sh"}]}],
        "Stop": [{"hooks": [{"type": "command", "command": "bell"}]}]
    }
}
"""


def test_everything_of_the_persons_is_kept_in_its_order() -> None:
    text, notes = merged(THEIRS, WANTED)
    before, after = json.loads(THEIRS), json.loads(text)
    assert notes == []
    assert list(after) == [*before, "sandbox"]
    assert list(after["permissions"]) == ["deny", "allow", "defaultMode"]
    assert after["permissions"]["deny"] == ["Read(./.env)", "Bash(aws *)"]
    assert after["permissions"]["allow"] == before["permissions"]["allow"], "it has ours already"
    assert after["hooks"]["PreToolUse"][0] == before["hooks"]["PreToolUse"][0]
    assert after["hooks"]["PreToolUse"][1:] == hooks()["PreToolUse"]
    assert after["hooks"]["Stop"] == before["hooks"]["Stop"]
    assert (after["zebra"], after["model"]) == (before["zebra"], "opus")


@pytest.mark.parametrize(
    "text", [THEIRS, "{}", "{}\n", '{"hooks": null}', '{"hooks": {"Stop": []}}']
)
def test_a_second_time_changes_nothing(text: str) -> None:
    once, _ = merged(text, WANTED)
    assert merged(once, WANTED)[0] == once


@pytest.mark.parametrize("indent", [2, 4, "\t", 3])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_files_own_way_of_writing_is_kept(indent: int | str, end: str) -> None:
    theirs = {"größe": "ü", "permissions": {"allow": ["Bash(npm test)"]}}
    text = json.dumps(theirs, indent=indent, ensure_ascii=False) + end
    if end == "\r\n":
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    made, _ = merged(text, {"permissions": {"allow": ["Bash(workflow status *)"]}})
    old = [line for line in text.splitlines() if "npm test" not in line]
    assert [line for line in made.splitlines() if line in old] == old
    assert made.endswith("}" + end) and ("\r\n" in made) == ("\r\n" in text)


def test_a_byte_order_mark_stays() -> None:
    assert merged("\ufeff{}", WANTED)[0].startswith("\ufeff{")


def test_a_hook_of_ours_that_the_person_has_changed_is_not_added_again() -> None:
    text = json.loads(written(WANTED))
    text["hooks"]["PreToolUse"][0]["matcher"] = "Bash"
    text["hooks"]["SessionStart"][0]["hooks"][0]["timeout"] = 3
    same = json.dumps(text)
    assert merged(same, WANTED) == (same, [])


def test_what_the_person_has_decided_otherwise_stays_and_is_told() -> None:
    text, notes = merged('{"sandbox": {"enabled": false}}', WANTED)
    assert json.loads(text)["sandbox"]["enabled"] is False
    assert notes == ["sandbox.enabled stays false, as you have it"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON: line 1"),
        ('{\n  // mine\n  "model": "opus"\n}', "not JSON: line 2"),
        ("[]", "no JSON object"),
        ("7", "no JSON object"),
        ('{"permissions": []}', "permissions in it"),
        ('{"permissions": {"deny": "Bash"}}', "permissions.deny in it"),
        ('{"hooks": {"PreToolUse": {}}}', "hooks.PreToolUse in it"),
        ('{"model": 1, "model": 2}', "'model' stands in it twice"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": NaN', "not JSON"),
    ],
)
def test_what_is_not_such_a_file_is_said_and_left(text: str, said: str) -> None:
    with pytest.raises(NotMergeable, match=said):
        merged(text, WANTED)


def test_odd_entries_of_the_persons_do_no_harm() -> None:
    text = '{"hooks": {"PreToolUse": [null, 7, {"hooks": 7}, {"hooks": [null, {"command": {}}]}]}}'
    made = json.loads(merged(text, WANTED)[0])
    assert made["hooks"]["PreToolUse"][:4] == json.loads(text)["hooks"]["PreToolUse"]
    assert len(made["hooks"]["PreToolUse"]) == 5


def test_a_folder_with_the_signs_of_patterns_is_meant_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "workflow.yaml").write_text("version: 1\n")
    made = settings(load_config(tmp_path), root="/work [old]/*")
    assert "Edit(//work \\[old\\]/\\*/results/**)" in made["permissions"]["deny"]

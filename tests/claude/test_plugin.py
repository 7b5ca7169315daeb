"""The plugin in deploy/ is what the tables say."""

from __future__ import annotations

import json
from pathlib import Path

from workflow import __version__
from workflow.claude import plugin
from workflow.claude.settings import hooks

FOLDER = Path(__file__).parents[2] / "deploy/claude-plugin"


def test_the_plugin_that_is_shipped_is_the_one_that_is_made() -> None:
    there = {
        str(path.relative_to(FOLDER)): path.read_text()
        for path in FOLDER.rglob("*")
        if path.is_file()
    }
    assert there == plugin.files(), "python -m workflow.claude makes it anew"


def test_the_plugin_has_the_skill_and_the_hooks_and_grants_nothing() -> None:
    files = plugin.files()
    assert json.loads(files["site-tasks/hooks/hooks.json"])["hooks"] == hooks()
    assert json.loads(files["site-tasks/.claude-plugin/plugin.json"])["version"] == __version__
    assert "allowed-tools" not in files["site-tasks/skills/site-tasks/SKILL.md"]

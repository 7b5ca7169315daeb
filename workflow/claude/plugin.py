"""The same skill and hooks as a plugin of Claude Code, with the marketplace that lists it.

A plugin cannot carry permission rules: `workflow init --claude` writes those.
https://code.claude.com/docs/en/plugins-reference
"""

from __future__ import annotations

from pathlib import Path

from workflow import __version__
from workflow.claude import texts
from workflow.claude.install import PLUGIN
from workflow.claude.merging import written
from workflow.claude.settings import hooks

MARKETPLACE = "workflow"
_SAYS = "Builds, checks and publishes Hugo sites by task files; a person approves what goes live"
_README = """\
# site-tasks

The skill and the hooks of `workflow` for Claude Code, for all projects of one person:

    claude plugin marketplace add ./deploy/claude-plugin
    claude plugin install site-tasks@workflow

`workflow` and `workflow-hook` have to be on the PATH. Permission rules are no part of a plugin:
`workflow init --claude` writes them into an exchange, and leaves the hooks out where this plugin is
enabled.
"""


def files() -> dict[str, str]:
    """Every file of the marketplace and its plugin, by its path in the folder."""
    owner = {"name": "workflow"}
    market = {
        "name": MARKETPLACE,
        "owner": owner,
        "description": _SAYS,
        "plugins": [{"name": PLUGIN, "source": f"./{PLUGIN}", "description": _SAYS}],
    }
    manifest = {
        "name": PLUGIN,
        "version": __version__,
        "description": _SAYS,
        "author": owner,
        "keywords": ["hugo", "deploy", "tasks"],
    }
    return {
        ".claude-plugin/marketplace.json": written(market),
        f"{PLUGIN}/.claude-plugin/plugin.json": written(manifest),
        f"{PLUGIN}/hooks/hooks.json": written({"description": _SAYS, "hooks": hooks()}),
        f"{PLUGIN}/skills/{PLUGIN}/SKILL.md": texts.skill(),
        f"{PLUGIN}/README.md": _README,
    }


def write(folder: Path) -> None:
    """Write them all. Raises OSError."""
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

"""What Claude Code's settings.json has to hold: permissions, hooks, and what `--strict` adds."""

from __future__ import annotations

from typing import Any

from workflow import layout
from workflow.claude.permissions import KEPT, rules, secret_variables
from workflow.claude.verbs import VERBS
from workflow.config import Config

HOOK = "workflow-hook"
_SECONDS = 10
"""Before Claude Code goes on without a hook; ours take a small part of one."""
_HOOKS = (
    ("SessionStart", None, "session-start"),
    ("UserPromptSubmit", None, "prompt"),
    ("PreToolUse", "Bash|PowerShell", "pre-approve"),
    ("PostToolUse", "Write|Edit", "post-write"),
)
"""Claude Code's event, the tools that it is about, and what our script calls it."""
_OUTSIDE = ("approve", "plan", "cancel", "reject", "rollback", "doctor", "check")
"""Commands that write more than a task, or ask the network: the sandbox would make them fail, so
they run outside of it, under the permission rules alone. `submit`, `publish` and `retry` write into
tasks/pending/ only."""


def settings(config: Config, *, strict: bool = False, root: str | None = None) -> dict[str, Any]:
    """The settings of the exchange's own folder; with `root`, those of a site beside it."""
    wanted: dict[str, Any] = {}
    if root is not None:
        wanted["env"] = {"WORKFLOW_ROOT": root}
    permissions: dict[str, list[str]] = {"allow": [], "ask": [], "deny": []}
    for rule in rules(config, root):
        permissions[rule.answer].append(rule.text)
    if root is not None:
        permissions["additionalDirectories"] = [root]
    wanted["permissions"] = permissions
    wanted["hooks"] = hooks()
    if strict:
        wanted["sandbox"] = sandbox(config, root)
    return wanted


def hooks() -> dict[str, Any]:
    """Ours, as a settings file and a plugin's hooks.json hold them."""
    made: dict[str, Any] = {}
    for event, matcher, word in _HOOKS:
        handler = {"type": "command", "command": HOOK, "args": [word], "timeout": _SECONDS}
        group: dict[str, Any] = {} if matcher is None else {"matcher": matcher}
        made[event] = [{**group, "hooks": [handler]}]
    return made


def sandbox(config: Config, root: str | None = None) -> dict[str, Any]:
    """What holds programs, too, that open files themselves.

    https://code.claude.com/docs/en/sandboxing
    """
    at = "." if root is None else root
    kept = [f"{at}/{name}" for name in (*KEPT, layout.CONFIG)]
    filesystem: dict[str, Any] = {"denyWrite": kept, "denyRead": ["~/.aws"]}
    if root is not None:
        filesystem["allowWrite"] = [f"{at}/{layout.PENDING}"]
    hidden = [{"name": name, "mode": "deny"} for name in secret_variables(config)]
    return {
        "enabled": True,
        "failIfUnavailable": True,
        "allowUnsandboxedCommands": False,
        "excludedCommands": [f"workflow {name} *" for name in _OUTSIDE if name in VERBS],
        "filesystem": filesystem,
        "credentials": {"envVars": hidden},
    }

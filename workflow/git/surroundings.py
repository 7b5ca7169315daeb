"""What a git that we start sees of our surroundings."""

from __future__ import annotations

import os
from collections.abc import Mapping

PLACES = ("/opt/homebrew/bin", "/usr/local/bin", "/usr/bin")
"""Looked at after PATH: launchd, systemd and cron start us with a bare one."""

_KEPT = {
    "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_EXEC_PATH", "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_PROXY_COMMAND", "GIT_ALLOW_PROTOCOL",
    "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_CERT", "GIT_SSL_KEY",
}  # fmt: skip
"""How the owner's git reaches servers and its own settings. All other GIT_* variables are of the
git in whose hook or alias we may have been started: its repository, its index, its author."""
_NOT_FOR_HOOKS = ("WORKFLOW", "JOTFORM_", "CLAUDE")


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What git and the owner's hooks see: all of ours but what would lead git elsewhere, our own
    secrets, and every way to ask somebody."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if (not name.startswith("GIT_") or name in _KEPT)
        and not name.startswith(_NOT_FOR_HOOKS)
        and name not in ("SSH_ASKPASS", "GPG_TTY", "EMAIL", "LANGUAGE", "PREFIX")
    }
    # English messages, for they are read here; names in the owner's encoding, for hooks print them.
    encoding = kept.pop("LC_ALL", None)
    if encoding is not None:
        kept["LC_CTYPE"] = encoding
    parts = [*kept.get("PATH", os.defpath).split(os.pathsep), *PLACES]
    return {
        **kept,
        "PATH": os.pathsep.join(dict.fromkeys(part for part in parts if os.path.isabs(part))),
        "LC_MESSAGES": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS_REQUIRE": "never",
        "GCM_INTERACTIVE": "never",
        "GIT_EDITOR": ":",
        "GIT_PAGER": "cat",
        **(more or {}),
    }

"""Why a push (or a fetch) did not come through, in one table: by what git and servers print.

Servers say the same thing in many words. What is not known here is told as it was said, and a
person looks at it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from workflow.errors import Action, TaskFailed
from workflow.git.program import Acted, excerpt, last_line, refusal
from workflow.redact import redact


@dataclass(frozen=True, slots=True)
class _Reason:
    code: str
    words: str
    """A regular expression; capitals do not matter."""
    what: str
    action: Action
    hint: str


_REASONS = (
    _Reason(
        "protected_branch",
        r"protected branch|GH006|not allowed to push code to protected|branch is protected",
        "the server protects this branch",
        "escalate",
        "commit to a branch of its own and let somebody merge it, or change the protection there",
    ),
    _Reason(
        "unknown_host_key",
        r"Host key verification failed|HOST IDENTIFICATION HAS CHANGED|No .* host key is known",
        "the server's key is not the one that is known for it",
        "escalate",
        "look at that key, then accept it once by hand as the user who runs the sweep: `ssh HOST`",
    ),
    _Reason(
        "no_push_rights",
        r"Authentication failed|could not read (?:Username|Password)|terminal prompts disabled"
        r"|Permission denied|Permission to .* denied|returned error: 40[13]|access denied"
        r"|not authorized|insufficient permission|Write access to repository not granted"
        r"|unable to (?:create|write) [^\n]*object|unpacker error|protected by .*(?:SSO|SAML)",
        "the server does not let us",
        "escalate",
        "give the user who runs the sweep the right to push there (a key in its agent, a "
        "credential helper); nobody is asked for a password",
    ),
    _Reason(
        "push_declined",
        r"hook declined|GH0\d\d|push declined|repository rule violations|remote rejected",
        "the server's own rules refuse it",
        "escalate",
        "see in the log what the server says; the commit is kept here",
    ),
    _Reason(
        "unknown_host",
        r"Could not resolve (?:host|proxy)|Name or service not known|name resolution"
        r"|nodename nor servname|unknown host",
        "the server's name is not known: there is no network, or the name is wrong",
        "retry",
        "if the network is there, correct the remote's address: `git remote -v`",
    ),
    _Reason(
        "remote_not_found",
        r"Repository not found|does not appear to be a git repository|returned error: 404"
        r"|No such remote|repository .* does not exist",
        "there is no such repository, or it hides from us",
        "escalate",
        "correct the remote's address (`git remote -v`), or ask for access",
    ),
    _Reason(
        "remote_unreachable",
        r"Connection (?:refused|timed out|reset|closed)|Operation timed out|Network is unreachable"
        r"|No route to host|Failed to connect|Couldn't connect|hung up unexpectedly|early EOF"
        r"|unexpected disconnect|RPC failed|returned error: (?:5\d\d|429)|SSL|timed out",
        "the server cannot be reached",
        "retry",
        "is the network there? The commit is kept, and is pushed by the next attempt",
    ),
)  # fmt: skip


def not_pushed(acted: Acted, what: str) -> TaskFailed:
    """`what`: such as "pushing claude/x to origin"."""
    said = redact(acted.said)
    if acted.refused_by is not None:
        lines = [line for line in said.splitlines() if line.strip()]
        return refusal(
            "hook_refused",
            f"the {acted.refused_by} hook refused it: {lines[0] if lines else 'without a word'}",
            "fix",
            "mend what it says (its whole output is in the log), then run the task again; hooks "
            "are never skipped",
            excerpt=excerpt(said),
        )
    for reason in _REASONS:
        if re.search(reason.words, said, re.IGNORECASE):
            quoted = _quoted(said, reason.words)
            return refusal(
                reason.code,
                f"{what} failed: {reason.what} ({quoted})",
                reason.action,
                reason.hint,
                category="network" if reason.action == "retry" else "git",
            )
    return refusal(
        "push_failed",
        f"{what} failed: {last_line(said) or f'exit code {acted.code}'}",
        "escalate",
        "see the log for all that git said; the commit is kept here",
    )


def _quoted(said: str, words: str) -> str:
    """The line that was recognised, better one of the server's own."""
    lines = [" ".join(line.split()) for line in said.splitlines()]
    found = [line for line in lines if re.search(words, line, re.IGNORECASE)]
    told = next((line for line in found if line.startswith("remote:")), found[0] if found else "")
    return told[:300]

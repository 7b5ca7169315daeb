"""The permission rules that Claude Code gets, each with its reason.

Rules are matched in the order deny, ask, allow; each part of a compound command by itself; `ask`
asks in every mode that can ask. `Edit` rules hold for every tool that writes and for redirections,
`/path` is below the folder of the settings, `//path` below the root of the file system.
https://code.claude.com/docs/en/permissions

What a rule cannot hold, a program that opens files itself, only the sandbox can: `--strict`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workflow import layout
from workflow.claude.verbs import Answer, having
from workflow.config import Config


@dataclass(frozen=True)
class Rule:
    answer: Answer
    text: str
    why: str


KEPT = (
    layout.RESULTS,
    layout.WAITING,
    layout.IN_PROGRESS,
    layout.COMPLETED,
    layout.FAILED,
    layout.ARCHIVE,
    layout.RUNTIME,
)
"""Folders that sweeps write, and nobody else."""
_PATHS = ("", "*/")
"""Our program by its name, and by a path."""
_TOOL = "mcp__workflow__"
"""The same command as a tool of `workflow mcp`, where a server of that name is set up."""
_PYTHONS = ("python*", "*/python*")
_RUN = ("python* *", "*/python* *", "bash *", "sh *", "uv run *", "/*", ".*")
"""How a script is started; to read one is no harm."""


def rules(config: Config, root: str | None = None) -> list[Rule]:
    """All of them. `root`: the exchange's folder, for settings that lie elsewhere."""
    return [*_allowed(root), *_asked(), *_denied(config, root)]


def secret_variables(config: Config) -> list[str]:
    """The environment variables that hold keys."""
    return ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", config.jotform.key_variable]


def _below(root: str | None, name: str) -> str:
    """A path as the rules take it: patterns as in gitignore."""
    if root is None:
        return f"/{name}"
    return "/" + re.sub(r"([\\*?\[\]!#])", r"\\\1", root) + f"/{name}"


def _allowed(root: str | None) -> Iterator[Rule]:
    for name, verb in having("allow"):
        yield Rule("allow", f"Bash(workflow {name} *)", verb.why)
        yield Rule("allow", f"{_TOOL}{name}", verb.why)
    why = "a task may be written by hand; what it may reach, workflow.yaml says"
    yield Rule("allow", f"Edit({_below(root, layout.PENDING)}/**)", why)


def _asked() -> Iterator[Rule]:
    for name, verb in having("ask"):
        yield Rule("ask", f"{_TOOL}{name}", verb.why)
        for path in _PATHS:
            yield Rule("ask", f"Bash({path}workflow {name} *)", verb.why)
    for name, verb in having("allow"):
        for option in verb.but_ask:
            yield Rule("ask", f"Bash(workflow {name} *{option}*)", verb.why)
    why = "another exchange may ask for less"
    yield Rule("ask", "Bash(workflow *--root*)", why)
    yield Rule("ask", "Bash(claude *)", "a second Claude Code would speak in your name")


def _denied(config: Config, root: str | None) -> Iterator[Rule]:
    for name, verb in having("deny"):
        for path in _PATHS:
            yield Rule("deny", f"Bash({path}workflow {name} *)", verb.why)
        # With two stars, Claude Code takes the last one for at least one more word.
        for rest in ("", " *"):
            yield Rule("deny", f"Bash(workflow --root* {name}{rest})", verb.why)
    why = "the same commands past these rules"
    yield from (Rule("deny", f"Bash({python} -m workflow*)", why) for python in _PYTHONS)
    why = "it would forge what you said"
    yield from (Rule("deny", f"Bash({path}workflow-hook *)", why) for path in _PATHS)
    why = "publishing past plan, approval and checks"
    yield Rule("deny", "Bash(aws *)", why)
    yield Rule("deny", "Bash(hugo deploy *)", why)
    for script in _scripts(config):
        yield from (Rule("deny", f"Bash({way}{script}*)", why) for way in _RUN)
    for name in KEPT:
        why = "what sweeps write: states, results, approvals"
        yield Rule("deny", f"Edit({_below(root, name)}/**)", why)
    # Not ask: where edits are accepted by themselves, a redirection into it is not asked for.
    why = "it says who is asked, and where sites are published: the owner's to write"
    yield Rule("deny", f"Edit({_below(root, layout.CONFIG)})", why)
    why = "keys"
    yield Rule("deny", "Read(~/.aws/**)", why)
    yield from (Rule("deny", f"Bash(*{name}*)", why) for name in secret_variables(config))
    for text in ("env", "printenv *", "export -p"):
        yield Rule("deny", f"Bash({text})", why)


def _scripts(config: Config) -> list[str]:
    """The owner's own publishing scripts, by their names."""
    scripts = (getattr(one.deploy, "script", None) for one in config.environments.values())
    return list(dict.fromkeys(Path(script).name for script in scripts if script is not None))

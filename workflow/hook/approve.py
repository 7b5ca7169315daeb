"""PreToolUse for the shell: before `workflow approve`, the person sees what they agree to.

The prompt of Claude Code shows a command; this adds what our own files say of the plan that it
names. An approval that could not count (another digest, another environment, a task that does not
wait, a missing phrase) is refused with the reason, before a person is asked in vain.

These are facts for a person, not the gate: that is `workflow approve` itself, and the sweep.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from dataclasses import dataclass, field
from typing import Any

from workflow import layout
from workflow.hook import plain, where
from workflow.hook.shell import Approving, find_approving

_SHORTEST = 8
_FIRST_FILES = 5
_LONGEST_LINE = 64 * 1024 * 1024
_TAKES_VALUE = ("--wait", "--reason", "--root", "--field")


@dataclass(frozen=True)
class _Asked:
    """What the command says."""

    task_id: str
    environment: str
    digest: str


@dataclass
class _Plan:
    """What our files say of it."""

    task_id: str
    task_type: str
    digest: str
    environment: str | None
    target: str
    summary: str
    planned_at: str
    files: list[str] = field(default_factory=list)


def answer(told: dict[str, object]) -> dict[str, object] | None:
    """`ask` with the facts, `deny` with the reason; None for a command that approves nothing."""
    given = told.get("tool_input")
    line = given.get("command") if isinstance(given, dict) else None
    if told.get("tool_name") not in ("Bash", "PowerShell") or not isinstance(line, str):
        return None
    found = find_approving(line)
    if found is None:
        return None
    decision, reason = _decide(told, found)
    return {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": decision,
            "permissionDecisionReason": reason,
        }
    }


def _decide(told: dict[str, object], found: Approving) -> tuple[str, str]:
    if found.trouble is not None:
        return "deny", (
            f"This command approves something, and {found.trouble}: the person could not see what."
            " Run `workflow approve ID ENV DIGEST` by itself, as one simple command; it takes"
            " --root DIR and --wait SECONDS."
        )
    asked, root_named = _words(found)
    if asked is None:
        return "deny", "Wrong use: workflow approve ID ENV DIGEST, as `workflow plan ID` prints it."
    root = _root(told, found.root or root_named)
    if root is None:
        return "ask", "No exchange was found from here, so nothing is known of what this approves."
    plan = _plan(root, asked.task_id)
    if isinstance(plan, str):
        return "deny", plan
    wrong = _wrong(root, plan, asked)
    return ("deny", wrong) if wrong else _facts(root, plan)


def _words(found: Approving) -> tuple[_Asked | None, str | None]:
    """The three words of the command, and --root if it stands behind them."""
    plainly: list[str] = []
    root = None
    words = list(found.words)
    while words:
        word = words.pop(0)
        if word in _TAKES_VALUE and words:
            value = words.pop(0)
            root = value if word == "--root" else root
        elif word.startswith("--root="):
            root = word.removeprefix("--root=")
        elif not word.startswith("--"):
            plainly.append(word)
    return (_Asked(*plainly) if len(plainly) == 3 else None), root


def _root(told: dict[str, object], named: str | None) -> str | None:
    if named is None:
        return where(told)
    folder = told.get("cwd")
    start = folder if isinstance(folder, str) and os.path.isabs(folder) else os.getcwd()
    root = os.path.normpath(os.path.join(start, os.path.expanduser(named)))
    return root if os.path.isfile(os.path.join(root, layout.CONFIG)) else None


def _plan(root: str, written: str) -> _Plan | str:
    """The plan of a task; or why there is none that could be agreed to."""
    task_id = written.removesuffix(layout.SUFFIX)
    folder = os.path.join(root, layout.PLANS)
    try:
        names = [name.removesuffix(".jsonl") for name in os.listdir(folder)]
    except OSError:
        names = []
    meant = [task_id] if task_id in names else [n for n in names if n.startswith(task_id)]
    if task_id == "latest" or len(meant) > 1:
        return f"{plain(written)!r} is no one task: give its whole id, so that the person sees it."
    if not meant:
        return (
            f"{plain(written)} has no plan, so there is nothing to agree to. See `workflow wait"
            f" {plain(written)} --until approval`, or `workflow status`."
        )
    parked = (layout.WAITING, layout.PENDING)
    files = [os.path.join(root, place, meant[0] + layout.SUFFIX) for place in parked]
    if not any(map(os.path.lexists, files)):
        return f"{plain(meant[0])} does not wait any more: see `workflow show {plain(meant[0])}`."
    return _read(os.path.join(folder, f"{meant[0]}.jsonl"), meant[0])


def _read(path: str, task_id: str) -> _Plan | str:
    try:
        with open(path, "rb") as file:
            said = json.loads(file.readline(_LONGEST_LINE))
            details = json.loads(file.readline(_LONGEST_LINE) or b"{}")
        planned = said["planned"]
        return _Plan(
            task_id,
            plain(said["task_type"], 60),
            str(planned["digest"]),
            planned["environment"],
            plain(planned["target"]),
            plain(planned["summary"]),
            str(said["planned_at"]),
            list(_files(details)),
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        return (
            f"The plan of {plain(task_id)} cannot be read ({type(error).__name__}): make it anew"
            f" with `workflow plan {plain(task_id)}`."
        )


def _files(details: Any) -> list[str]:
    """The first files that are not as before, deletions at the head."""
    actions = details.get("actions") if isinstance(details, dict) else None
    told = [one for one in actions or () if isinstance(one, dict) and one.get("action")]
    told.sort(key=lambda one: one["action"] != "delete")
    return [plain(f"{one['action']} {one.get('path')}", 100) for one in told]


def _wrong(root: str, plan: _Plan, asked: _Asked) -> str:
    """Why the command could not count; empty if it may."""
    see = f"See `workflow plan {plan.task_id}`, tell the person what it shows, and ask again."
    if asked.environment != (plan.environment or "-"):
        named = plan.environment or "no environment (-)"
        return f"{plan.task_id} is for {named}, not for {plain(asked.environment)}. {see}"
    if not re.fullmatch(f"[0-9a-f]{{{_SHORTEST},64}}", asked.digest):
        return f"{plain(asked.digest, 80)!r} is no plan's digest. {see}"
    if not plan.digest.startswith(asked.digest):
        return f"{plan.task_id} has another plan by now than {plain(asked.digest, 80)}. {see}"
    return _without_phrase(root, plan)


def _without_phrase(root: str, plan: _Plan) -> str:
    """Why the phrase is missing, where the environment wants one; empty if it does not, or is
    there."""
    wanted = _settings(root, plan)[1]
    if wanted is None:
        return ""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        with open(os.path.join(root, layout.WITNESSED), "rb") as file:
            seen = json.loads(file.read(65_536))
        meant = (seen["task_id"], seen["digest"]) == (plan.task_id, plan.digest)
        if meant and time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) < str(seen["expires_at"]):
            return ""
    return (
        f"{plan.environment} wants the phrase {plain(wanted)} from the person: as a message of its"
        " own with nothing else in it, after they have seen the plan. Tell them what the plan"
        " shows, ask for the phrase, and run this again when it has come."
    )


def _settings(root: str, plan: _Plan) -> tuple[float | None, str | None]:
    """For how many minutes an approval lasts, and the phrase if one is wanted; as far as known."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    try:
        from workflow.config import load_config

        environment = load_config(root).environment(str(plan.environment))[1]
    except Exception:  # it is told by `workflow approve`, which will not run then
        return None, None
    wanted = environment.phrase if environment.approval == "phrase" else None
    return environment.approval_minutes, wanted


def _facts(root: str, plan: _Plan) -> tuple[str, str]:
    minutes, phrase = _settings(root, plan)
    lasts = f"for {minutes:g} minutes and once" if minutes else "once"
    lines = [
        f"{_question(plan)} {plan.summary}",
        f"to {plan.target}",
        *(f"  {line}" for line in plan.files[:_FIRST_FILES]),
    ]
    if len(plan.files) > _FIRST_FILES:
        lines.append(f"  and {len(plan.files) - _FIRST_FILES} more files")
    lines.append(f"plan {plan.digest[:_SHORTEST]}, made {_since(plan.planned_at)}")
    lines.append(f"A yes counts {lasts}, for exactly this content and target.")
    if phrase is not None:
        lines.append("The phrase was seen to come from you.")
    return "ask", "\n".join(lines)


def _question(plan: _Plan) -> str:
    if plan.task_type.startswith("hugo-deploy-"):
        return f"Publish to {plan.environment}?"
    return f"Run {plan.task_type}?"


def _since(moment: str) -> str:
    from datetime import UTC, datetime

    try:
        then = datetime.fromisoformat(moment)
        minutes = (time.time() - then.replace(tzinfo=then.tzinfo or UTC).timestamp()) / 60
    except (ValueError, OverflowError):
        return "at an unknown time"
    return "just now" if minutes < 1 else f"{minutes:.0f} min ago"

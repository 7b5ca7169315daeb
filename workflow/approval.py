"""Approvals: somebody has agreed to one plan, for a while, once.

    .workflow/approvals/TASK-ID.json

An approval names the task and the digest of the plan that was agreed to. It is made by `workflow
approve`, after whatever the environment's policy asks for, and used up by the task as it passes
its point of no return. What the task's own file says under `approval:` is a note for the audit
trail, and nothing is ever allowed because of it.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from workflow import durable, kinship, layout
from workflow.config import Environment
from workflow.exchange import Exchange
from workflow.handler import Planned
from workflow.result import utc

FORMAT = "workflow/approval/1"
SHORTEST = 8
"""Hexadecimal digits of a digest that tell one plan from another, where people read them."""
LONGEST_REASON = 200

Policy = Literal["none", "approve", "phrase"]
ELICITED, ELICITED_PHRASE = "elicitation", "elicitation-phrase"
"""The person was asked by a client of the Model Context Protocol, and said yes, or typed it."""
WITH_PHRASE = ("phrase", "witnessed", ELICITED_PHRASE)
"""The ways on which a person gives the phrase: typed at a terminal, seen by Claude Code's hook,
typed into the form that our tools asked a client to show."""
_STRICTNESS: Sequence[Policy] = ("none", "approve", "phrase")
_UNASKED = ("dev", "development", "local")
"""Environments that ask for nothing unless workflow.yaml says so."""
_LONGEST = 65_536


def digest(
    kind: str,
    environment: str | None,
    target: Mapping[str, Any],
    params: Mapping[str, Any],
    manifest: Iterable[Sequence[Any]],
) -> str:
    """What an approval binds, as 64 hexadecimal digits.

    SHA-256 of the JSON array

        ["workflow/approval/1", kind, environment, target, params, manifest]

    `kind` is the task type; `target` where it goes (bucket, prefix, distribution, …); `manifest`
    one array a file, [path, size, sha256, …], in the order of their own JSON. Encoded with keys
    sorted, no white space, and everything outside ASCII as escapes: one content, one text, and no
    two contents share one. Raises TypeError for what JSON does not have.
    """
    files = sorted(map(_canonical, manifest))
    head = _canonical([FORMAT, kind, environment, target, params])
    return hashlib.sha256(f"{head[:-1]},[{','.join(files)}]]".encode("ascii")).hexdigest()


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


def short(plan_digest: str) -> str:
    """As much of a digest as a person compares."""
    return plan_digest[:SHORTEST]


def approve_command(task_id: str, planned: Planned) -> str:
    """What a person types who agrees to a plan."""
    return f"workflow approve {task_id} {planned.environment or '-'} {short(planned.digest)}"


def policy_of(name: str | None, environment: Environment | None, *, required: bool) -> Policy:
    """What publishing to an environment asks for. `required`: the task itself asks to be asked."""
    policy: Policy = "none" if name in _UNASKED else "approve"
    if environment is not None and environment.approval is not None:
        policy = environment.approval
    return max(policy, "approve", key=_STRICTNESS.index) if required else policy


@dataclass(frozen=True)
class Approval:
    """That somebody agreed to a plan."""

    task_id: str
    task_type: str
    environment: str | None
    digest: str
    by: str
    """The user who ran the command."""
    through: str
    """`terminal`, `claude-code`, `command`, `elicitation`, or one of `WITH_PHRASE`."""
    at: str
    expires_at: str
    boot: str
    expires_since_boot: float
    """Seconds since that boot: a clock that is set does not prolong an approval."""
    reason: str | None = None

    def is_live(self) -> bool:
        """Whether it may still be used: until the earlier of what two clocks say.

        After a restart there is one alone, and where that was set back, nothing is known.
        """
        now = utc(datetime.now(UTC))
        # Text of one form and one zone: it sorts as the times do.
        if self.boot != kinship.boot():
            return self.at <= now < self.expires_at
        return now < self.expires_at and kinship.since_boot() < self.expires_since_boot

    def is_for(self, task_type: str, environment: str | None) -> bool:
        """Whether it was given for such a task, whatever the plan was."""
        return (self.task_type, self.environment) == (task_type, environment)

    def satisfies(self, policy: Policy) -> bool:
        """Whether it was given in the way that the policy wants."""
        return policy != "phrase" or self.through in WITH_PHRASE

    def note(self) -> dict[str, Any]:
        """What the task's file, its result and the journal tell of it."""
        said = {
            "by": self.by,
            "through": self.through,
            "at": self.at,
            "expires_at": self.expires_at,
            "digest": self.digest,
        }
        return said if self.reason is None else {**said, "reason": self.reason}


def make_approval(
    task_id: str,
    task_type: str,
    planned: Planned,
    *,
    through: str,
    minutes: float,
    reason: str | None = None,
) -> Approval:
    """An approval that begins now."""
    now = datetime.now(UTC)
    return Approval(
        task_id=task_id,
        task_type=task_type,
        environment=planned.environment,
        digest=planned.digest,
        by=whoami(),
        through=through,
        at=utc(now),
        expires_at=utc(now + timedelta(minutes=minutes)),
        boot=kinship.boot(),
        expires_since_boot=kinship.since_boot() + minutes * 60,
        reason=reason[:LONGEST_REASON] if reason else None,
    )


def whoami() -> str:
    """The user in whose name we run."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def through_what(*, on_terminal: bool) -> str:
    """By which way a person gives a command."""
    if os.environ.get("CLAUDECODE") == "1":
        return "claude-code"
    return "terminal" if on_terminal else "command"


def give_approval(exchange: Exchange, approval: Approval) -> bool:
    """Publish an approval. False if there is one: whoever holds the task's lease may use it up."""
    raw = json.dumps(asdict(approval), indent=1).encode() + b"\n"
    return durable.create(_path(exchange, approval.task_id), raw, aside=exchange.staged)


def read_approval(exchange: Exchange, task_id: str) -> Approval | None:
    """The approval that a task has, live or not; None for none, or one that cannot be read."""
    return read_approval_from(_path(exchange, task_id), task_id)


def read_approval_from(path: str, task_id: str) -> Approval | None:
    """The approval of this task in a file; None for none, one that cannot be read, or another's."""
    try:
        with open(path, "rb") as file:
            said = json.loads(file.read(_LONGEST))
        approval = Approval(**{field.name: said[field.name] for field in fields(Approval)})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    texts = (approval.digest, approval.by, approval.through, approval.at, approval.expires_at)
    sound = all(isinstance(text, str) for text in texts)
    sound = sound and re.fullmatch(r"[0-9a-f]{64}", approval.digest) is not None
    sound = sound and isinstance(approval.expires_since_boot, (int, float))
    # One that was copied from another task is nobody's agreement to this one.
    return approval if sound and approval.task_id == task_id else None


def use_up_approval(exchange: Exchange, task_id: str) -> bool:
    """Remove the approval of a task, durably. False if there is none."""
    return durable.remove(_path(exchange, task_id))


def _path(exchange: Exchange, task_id: str) -> str:
    return exchange.path(layout.APPROVALS, f"{task_id}.json")

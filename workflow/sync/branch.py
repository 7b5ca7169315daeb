"""What one commit of the branch says of the open tasks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from workflow.exchange import TASK_ID
from workflow.layout import IN_PROGRESS, PENDING, SUFFIX
from workflow.result import Attempt, utc
from workflow.sync.machine import Machine
from workflow.sync.restart import ENDED as ENDED
from workflow.sync.server import Server

CLAIMS = "claims"
PLANS = "plans"
APPROVALS = "approvals"
FORMAT = "workflow/claim/1"
LARGEST_TASK = 1 << 20
LARGEST_RESULT = 4 << 20
LARGEST_LOG = 64 << 10
"""Bytes of each attempt's log that travel; the whole of it stays where the task was run."""
LARGEST_PLAN = 256 << 10
_ENDED = re.compile(ENDED + r"/(\d{4}-\d{2}-\d{2})/([^/]+?)(\.result\.md|\.md|\.json|\.log)")


def pending(task_id: str) -> str:
    return f"{PENDING}/{task_id}{SUFFIX}"


def running(task_id: str) -> str:
    return f"{IN_PROGRESS}/{task_id}{SUFFIX}"


def claim_of(task_id: str) -> str:
    return f"{CLAIMS}/{task_id}.json"


def plan_of(task_id: str) -> str:
    return f"{PLANS}/{task_id}.jsonl"


def approval_of(task_id: str) -> str:
    return f"{APPROVALS}/{task_id}.json"


def ended(task_id: str, day: str, suffix: str) -> str:
    return f"{ENDED}/{day}/{task_id}{suffix}"


@dataclass(frozen=True)
class Claim:
    """Who has a task, or had it, and what came of it."""

    machine: str | None = None
    """The installation that has it; None where it was given back."""
    worker: str = ""
    """That one's name, or that of the last who had it."""
    home: str | None = None
    """Where it has to be gone on with; None for anywhere."""
    taken_at: str = ""
    until: str = ""
    """When the attempt must have ended, by the clock of whoever has it."""
    begun: bool = False
    """Whether something may have been done to the world."""
    interrupted: bool = False
    """Taken over from one that is gone, and not to be run again: only its end is still to be
    written."""
    attempts: Sequence[Attempt] = ()
    """Those that ended, or were cut off, before this one."""
    approval: Mapping[str, Any] | None = None
    """The agreement that it used up."""
    reason: str | None = None
    """Why it was given back."""

    def taken(self, machine: Machine, seconds: float, *, begun: bool) -> Claim:
        """The claim of `machine` from now on, for so many seconds."""
        now = datetime.now(UTC)
        return replace(
            self,
            machine=machine.id,
            worker=machine.name,
            taken_at=utc(now),
            until=utc(now + timedelta(seconds=seconds)),
            begun=begun,
            reason=None,
        )

    def seconds_left(self) -> float:
        """Until it ends; negative when it has run out. A claim that says no time has."""
        try:
            until = datetime.fromisoformat(self.until)
        except ValueError:
            return float("-inf")
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        return (until - datetime.now(UTC)).total_seconds()

    def cut_off(self) -> list[Attempt]:
        """The attempts of a task whose machine is gone, the last of them as cut off."""
        made = list(self.attempts)
        if self.begun:
            number = made[-1].number + 1 if made else 1
            made.append(
                Attempt(number, self.taken_at, "interrupted", error="interrupted",
                        worker_id=self.worker or None)
            )  # fmt: skip
        return made

    def encode(self) -> bytes:
        said = asdict(self) | {"attempts": [attempt.as_dict() for attempt in self.attempts]}
        kept = {key: value for key, value in said.items() if value not in (None, [], False, "")}
        return json.dumps({"format": FORMAT, **kept}, indent=1).encode() + b"\n"


def read_claim(raw: bytes) -> Claim | None:
    """What a claim says; None for none of ours."""
    try:
        said = json.loads(raw[:LARGEST_TASK])
        if said.get("format") != FORMAT:
            return None
        known = {key: said[key] for key in Claim.__dataclass_fields__ if key in said}
        known["attempts"] = [Attempt(**made) for made in said.get("attempts", ())][:100]
        claim = Claim(**known)
    except (ValueError, TypeError, AttributeError):
        return None
    texts = (claim.worker, claim.taken_at, claim.until)
    return claim if all(isinstance(text, str) for text in texts) else None


@dataclass
class View:
    """The open tasks, as one commit has them."""

    tip: str | None = None
    pending: dict[str, bytes] = field(default_factory=dict)
    running: dict[str, bytes] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    plans: dict[str, bytes] = field(default_factory=dict)
    approvals: dict[str, bytes] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)
    """Paths that are none of ours, or too large: left alone, and said."""

    def knows(self, task_id: str) -> bool:
        return task_id in self.pending or task_id in self.running

    def belongs_to(self, machine: Machine) -> set[str]:
        """The tasks that this machine has taken."""
        return {
            task_id
            for task_id in self.running
            if (claim := self.claims.get(task_id)) is not None and claim.machine == machine.id
        }


def view(server: Server, tip: str | None, before: View) -> View:
    """Read the open tasks of a commit. `before`: what was read last, whose bytes serve again."""
    if tip is None:
        return View()
    if tip == before.tip:
        return before
    seen = View(tip)
    places: dict[str, dict[str, bytes]] = {
        PENDING: seen.pending,
        IN_PROGRESS: seen.running,
        PLANS: seen.plans,
        APPROVALS: seen.approvals,
    }
    claims: dict[str, bytes] = {}
    places[CLAIMS] = claims
    listed = server.entries(tip, *places)
    raws = server.read(entry.blob for entry in listed)
    for entry in listed:
        folder, _, name = entry.path.rpartition("/")
        task_id = name.rpartition(".")[0]
        raw = raws.get(entry.blob, b"")
        if folder not in places or not TASK_ID.fullmatch(task_id) or len(raw) > LARGEST_TASK:
            if name != ".gitkeep":
                seen.strange.append(entry.path)
        elif entry.path in _own(task_id):
            places[folder][task_id] = raw
    for task_id, raw in claims.items():
        claim = read_claim(raw)
        if claim is not None:
            seen.claims[task_id] = claim
    return seen


def _own(task_id: str) -> set[str]:
    names = (pending, running, claim_of, plan_of, approval_of)
    return {name(task_id) for name in names}


def day_and_id(path: str) -> tuple[str, str, str] | None:
    """The day, the id and the suffix that the path of something ended names; None for none."""
    found = _ENDED.fullmatch(path)
    return (found[1], found[2], found[3]) if found and TASK_ID.fullmatch(found[2]) else None

"""What this machine has to tell the others: new tasks, edits, approvals, plans, and endings."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace

from workflow import approval, document, layout
from workflow.exchange import Exchange, Found
from workflow.lease import read_record
from workflow.redact import redact
from workflow.sync import branch
from workflow.sync.branch import Claim, View
from workflow.sync.bringing import Bringing, plain
from workflow.sync.machine import Machine

Changes = dict[str, bytes | None]
ENDED_HERE = ("completed", "failed", "archived")


@dataclass
class Step:
    """One commit in the making: what it changes, and what it says of itself."""

    changes: Changes = field(default_factory=dict)
    shared: int = 0
    """Tasks, edits and approvals that may be news for another machine."""
    taken: int = 0
    given_back: int = 0
    ended: list[str] = field(default_factory=list)

    def message(self, machine: Machine) -> str:
        counts = {
            "shared": self.shared,
            "took": self.taken,
            "gave back": self.given_back,
            "ended": len(self.ended),
        }
        said = ", ".join(f"{what} {number}" for what, number in counts.items() if number)
        # By this mark a runner is started for what is new, and not for every step of the others.
        news = " [new]" if self.shared else ""
        return f"{machine.name}: {said or 'renewed'}{news}\n\nWorkflow-Step: {machine.id}\n"


class Giving:
    """From one exchange. Reads it, and changes nothing there."""

    def __init__(self, exchange: Exchange, machine: Machine, bringing: Bringing) -> None:
        self.exchange, self.machine, self.bringing = exchange, machine, bringing
        self._looked: dict[str, tuple[int, int, int]] = {}

    def share(self, step: Step, seen: View, wanted: Mapping[str, bytes]) -> None:
        """Tasks that were submitted here, and open ones that were edited here."""
        for task_id, raw in wanted.items():
            known = seen.knows(task_id) or self.exchange.result(task_id) is not None
            if not known and len(raw) <= branch.LARGEST_TASK:
                step.changes[branch.pending(task_id)] = plain(raw)
                step.shared += 1
        for state in ("pending", "waiting"):
            for task_id in self.exchange.names(state):
                if task_id in seen.pending and self._was_edited(state, task_id, seen):
                    step.shared += 1
                    raw = document.read_regular(self.exchange.task_path(state, task_id))
                    step.changes[branch.pending(task_id)] = plain(raw)

    def _was_edited(self, state: str, task_id: str, seen: View) -> bool:
        """Whether what lies here was never in the branch: then it is the newer one."""
        path = self.exchange.task_path(state, task_id)
        try:
            about = os.lstat(path)
            mark = (about.st_mtime_ns, about.st_size, about.st_ino)
            if self._looked.get(task_id) == mark:
                return False
            here = document.read_regular(path)
        except (OSError, document.InvalidDocument):
            return False
        edited = plain(here) != plain(seen.pending[task_id]) and not self.bringing.is_known(here)
        if not edited:
            self._looked[task_id] = mark
        elif len(here) > branch.LARGEST_TASK or _is_torn(here):
            return False  # being written; the next look knows more
        return edited

    def approve(self, step: Step, seen: View) -> None:
        """Approvals that were given here, of tasks that wait in the branch."""
        for task_id in seen.pending:
            note = seen.claims.get(task_id, Claim())
            if task_id not in seen.plans or task_id in seen.approvals or note.approval:
                continue
            given = approval.read_approval(self.exchange, task_id)
            if given is not None and given.is_live():
                raw = json.dumps(asdict(given), indent=1).encode() + b"\n"
                step.changes[branch.approval_of(task_id)] = raw
                step.shared += 1

    def end(self, step: Step, seen: View) -> None:
        """Results of tasks that are ours to end: taken by us, or by nobody and cancelled here."""
        for task_id in (*seen.pending, *seen.belongs_to(self.machine)):
            path = self.exchange.result(task_id)
            found = self.exchange.find(task_id) if path is not None else None
            if path is None or found is None or found.state not in ENDED_HERE:
                continue
            if task_id in seen.running or not self.bringing.has_ended(task_id, path):
                self._end(step, seen, found, path)

    def _end(self, step: Step, seen: View, found: Found, path: str) -> None:
        task_id, day = found.task_id, os.path.basename(os.path.dirname(path))
        try:
            raw = document.read_regular(found.path)
        except document.InvalidDocument:
            raw = b""
        with open(path, "rb") as file:
            result = file.read()
        claim = seen.claims.get(task_id, Claim())
        claim = replace(
            claim, machine=self.machine.id, worker=self.machine.name, home=self.machine.home
        )
        changes = step.changes
        changes[branch.ended(task_id, day, ".md")] = raw
        changes[branch.ended(task_id, day, ".result.md")] = result
        changes[branch.ended(task_id, day, ".json")] = claim.encode()
        log = self._log(task_id)
        if log:
            changes[branch.ended(task_id, day, ".log")] = log
        forget(changes, seen, task_id)
        step.ended.append(task_id)

    def _log(self, task_id: str) -> bytes:
        """The end of what the attempts printed, without secrets; the whole stays here."""
        folder = self.exchange.logs(task_id)
        parts = []
        with suppress(OSError):
            for name in sorted(os.listdir(folder) if folder else ()):
                if name.startswith("attempt-") and name.endswith(".log"):
                    with open(os.path.join(str(folder), name), "rb") as file:
                        size = os.fstat(file.fileno()).st_size
                        file.seek(max(0, size - branch.LARGEST_LOG))
                        parts.append(file.read())
        text = redact(b"".join(parts)[-branch.LARGEST_LOG :].decode("utf-8", "replace"))
        return "".join(c for c in text if c in "\n\t" or c.isprintable()).encode()[
            -branch.LARGEST_LOG :
        ]

    def give_back(self, step: Step, seen: View, parked: Mapping[str, str]) -> set[str]:
        """Tasks of ours that wait here: others may go on with them, or look at their plans."""
        given = set()
        for task_id in seen.belongs_to(self.machine):
            path = self.exchange.task_path("waiting", task_id)
            if task_id not in parked or not os.path.lexists(path):
                continue
            record = read_record(self.exchange.read_lease(task_id))
            plan = self._plan(task_id)
            claim = replace(
                seen.claims[task_id],
                machine=None,
                home=self.machine.home if plan else None,
                worker=self.machine.name,
                begun=False,
                attempts=record.attempts,
                reason=parked[task_id][:1_000],
                taken_at="",
                until="",
            )
            try:
                raw = document.read_regular(path)
            except (FileNotFoundError, document.InvalidDocument):
                continue
            step.changes[branch.running(task_id)] = None
            step.changes[branch.pending(task_id)] = plain(raw)
            step.changes[branch.claim_of(task_id)] = claim.encode()
            if plan:
                step.changes[branch.plan_of(task_id)] = plan
            step.given_back += 1
            given.add(task_id)
        return given

    def _plan(self, task_id: str) -> bytes:
        """What is about to be done, without the list of files where that is long."""
        try:
            with open(self.exchange.path(layout.PLANS, f"{task_id}.jsonl"), "rb") as file:
                lines = file.readlines()
        except OSError:
            return b""
        whole = b"".join(lines)
        return whole if len(whole) <= branch.LARGEST_PLAN else lines[0] + b"{}\n[]\n"


def take(step: Step, seen: View, claims: Mapping[str, Claim]) -> None:
    """Claims, as part of a step."""
    for task_id, claim in claims.items():
        if task_id in seen.pending:
            raw = step.changes.get(branch.pending(task_id)) or seen.pending[task_id]
            step.changes[branch.pending(task_id)] = None
            step.changes[branch.running(task_id)] = raw
        step.changes[branch.claim_of(task_id)] = claim.encode()
        step.taken += 1


def forget(changes: Changes, seen: View, task_id: str) -> None:
    """Take an ended task out of what is open."""
    places = (
        (branch.pending(task_id), seen.pending),
        (branch.running(task_id), seen.running),
        (branch.claim_of(task_id), seen.claims),
        (branch.plan_of(task_id), seen.plans),
        (branch.approval_of(task_id), seen.approvals),
    )
    for path, there in places:
        if task_id in there or path in changes:
            changes[path] = None


def _is_torn(raw: bytes) -> bool:
    """Whether the bytes are no document: half-written, perhaps."""
    try:
        document.parse(raw)
    except document.InvalidDocument:
        return True
    return False

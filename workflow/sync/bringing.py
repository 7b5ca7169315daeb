"""Bringing what the branch says into the exchange here: tasks to run, and how others ended."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

from workflow import document, durable, layout
from workflow.document import InvalidDocument
from workflow.exchange import Exchange
from workflow.journal import Move, digest
from workflow.lease import Lease, read_record
from workflow.park import Parking, park
from workflow.pending import submitting
from workflow.settle import Ending, ended, settle
from workflow.status_key import follow
from workflow.sync import branch, restart
from workflow.sync.branch import Claim
from workflow.sync.server import Server
from workflow.task import Task
from workflow.unrun import interrupted_result

LOG_NAME = "attempts-elsewhere.log"
KEPT_ASIDE = "edited-here"
_GROUP = 50
_CONTROLS = bytes(sorted({*range(32), 127} - {9, 10}))


class Bringing:
    """Into one exchange. Called by its sweep alone."""

    def __init__(self, exchange: Exchange, server: Server, folder: str) -> None:
        self.exchange, self.server, self.folder = exchange, server, folder
        self.warnings: list[str] = []
        self.ended = 0

    # -- tasks to run ------------------------------------------------------------------------

    def bring_in(self, task_id: str, raw: bytes, claim: Claim) -> bool:
        """Put a task that is ours where the sweep finds it. False if it is there, or ended."""
        found = self.exchange.find(task_id)
        if found is not None and found.state not in ("pending", "waiting"):
            return False
        lease = self.exchange.lease(task_id)
        if lease is None:
            return False
        try:
            if len(read_record(lease.read()).attempts) < len(claim.attempts):
                lease.rests(claim.attempts)
            if found is not None:
                old = document.read_regular(found.path)
                if plain(old) != plain(raw):
                    if not self.is_known(old):
                        self._keep_aside(task_id, old)
                    durable.replace(found.path, raw, aside=self.exchange.staged)
                return False
        finally:
            lease.release()
        with submitting(self.exchange):
            return durable.create(self.exchange.task_path("pending", task_id), raw)

    def end_interrupted(self, task: Task, claim: Claim) -> bool:
        """Write the end of a task that was cut off on another machine and must not be repeated.

        False if it has ended here, or somebody has its lease.
        """
        found = self.exchange.find(task.task_id)
        if found is not None and found.state not in ("pending", "waiting", "in-progress"):
            return False
        lease = self.exchange.lease(task.task_id)
        if lease is None:
            return False
        if found is None:
            durable.create(
                self.exchange.task_path("in-progress", task.task_id), task.raw,
                aside=self.exchange.staged,
            )  # fmt: skip
        state = found.state if found is not None else "in-progress"
        known = {} if claim.approval is None else {"approval": dict(claim.approval)}
        last = claim.attempts[-1].worker_id if claim.attempts else None
        result = interrupted_result(task, claim.attempts, {"ran_on": last, **known})
        settle(self.exchange, [ended(lease, result, state, task.status_key)])
        return True

    def yield_up(self, task_id: str) -> None:
        """Let a task of ours that another machine has taken over wait for how it ends there."""
        lease = self.exchange.lease(task_id)
        if lease is not None:
            park(self.exchange, [Parking(lease, "in-progress", "yielded")])
            lease.release(remove=True)

    def place_plan(self, task_id: str, raw: bytes, plan: bytes, planned_on: str) -> None:
        """Show a task that waits for approval elsewhere, with its plan, so that it can be looked
        at and approved here."""
        path = self.exchange.path(layout.PLANS, f"{task_id}.jsonl")
        shown = _planned_on(plan, planned_on)
        with suppress(FileNotFoundError), open(path, "rb") as file:
            if file.read(len(shown) + 1) == shown:
                return
        if self.exchange.find(task_id) is None:
            aside = self.exchange.staged
            durable.create(self.exchange.task_path("waiting", task_id), raw, aside=aside)
        durable.replace(path, shown, aside=self.exchange.staged)

    def _keep_aside(self, task_id: str, raw: bytes) -> None:
        """Keep a version that somebody wrote here and that is not the one that counts."""
        folder = os.path.join(self.folder, KEPT_ASIDE)
        durable.make_folder(folder)
        path = os.path.join(folder, f"{task_id}.{_mark(raw)}{layout.SUFFIX}")
        if durable.create(path, raw):
            self.warnings.append(
                f"{task_id} was edited on two machines; the branch's copy counts, this one is kept "
                f"as {os.path.relpath(path, self.exchange.root)}"
            )

    # -- how others ended --------------------------------------------------------------------

    def absorb(self, tip: str) -> int:
        """Bring every result here that is not here yet; returns how many. Each step is made again
        after a crash, until the mark says that all of this commit was brought.

        Raises Unreachable, where the branch has begun anew since the last time.
        """
        before, so_far = self.server.absorbed(), self.ended
        if before != tip:
            # What ended before the branch began anew may be missing in it.
            pasts = restart.pasts(self.server, before, tip) if before is not None else None
            for commit in (*(pasts or ()), tip):
                if not self._absorb(before, commit):
                    break
                before = commit
        return self.ended - so_far

    def _absorb(self, before: str | None, tip: str) -> bool:
        """Whether all was brought that ended between two commits."""
        files: dict[tuple[str, str], dict[str, str]] = {}
        for entry in self.server.added(before, tip, branch.ENDED):
            known = branch.day_and_id(entry.path)
            if known is not None:
                files.setdefault(known[:2], {})[known[2]] = entry.blob
        wanted = [key for key, there in files.items() if ".result.md" in there]
        all_done = True
        for start in range(0, len(wanted), _GROUP):
            group = wanted[start : start + _GROUP]
            raws = self.server.read(blob for key in group for blob in files[key].values())
            endings = []
            for day, task_id in group:
                there = {suffix: raws[blob] for suffix, blob in files[day, task_id].items()}
                ending = self._prepare(task_id, day, there)
                if ending is None:
                    all_done = False
                elif ending is not _NOTHING:
                    endings.append(ending)
            if endings:
                settle(self.exchange, endings)
                self.ended += len(endings)
        if all_done:
            self.server.has_absorbed(tip)
        return all_done

    def _prepare(self, task_id: str, day: str, there: Mapping[str, bytes]) -> Ending | None:
        """Show a result here, its task being in in-progress; what is left is to settle that.

        None if somebody has the task's lease just now, `_NOTHING` if nothing is to be done.
        """
        raw = there[".result.md"]
        read = self._readable(task_id, raw)
        if read is None:
            return _NOTHING
        here = self.exchange.result(task_id)
        if here is not None and _bytes(here) == raw:
            return _NOTHING  # it ended here, or was brought before
        lease = self.exchange.lease(task_id)
        if lease is None:
            return None
        if here is not None:
            self._supersede(task_id, here)
        self._take(task_id, there.get(".md", b""), lease)
        path = os.path.join(self.exchange.day_folder(day), task_id + layout.RESULT_SUFFIX)
        durable.create(path, raw, aside=self.exchange.staged)
        _date(path, str(read.get("completed_at")))
        log = there.get(".log")
        if log is not None and len(log) <= branch.LARGEST_LOG + 4096:
            folder = path.removesuffix(layout.RESULT_SUFFIX) + layout.LOGS_SUFFIX
            durable.make_folder(folder)
            durable.create(os.path.join(folder, LOG_NAME), log, aside=self.exchange.staged)
        kind, environment = read.get("task_type"), read.get("environment")
        return Ending(
            lease,
            task_id,
            "in-progress",
            str(read.get("status")),
            task_id,
            day,
            what="recovered",  # others may have ended since: the links to the latest mind that
            result_path=path,
            task_type=kind if isinstance(kind, str) and "/" not in kind else None,
            environment=environment if isinstance(environment, str) and "/" not in environment
            else None,
        )  # fmt: skip

    def _readable(self, task_id: str, raw: bytes) -> dict[str, object] | None:
        """The front matter of a result; None for what none of ours could be."""
        if len(raw) <= branch.LARGEST_RESULT and raw.translate(None, _CONTROLS) == raw:
            with suppress(InvalidDocument):
                read = document.parse(raw).data
                if read.get("task_id") == task_id:
                    return read
        self.warnings.append(f"the branch has a result of {task_id} that is none: left alone")
        return None

    def _take(self, task_id: str, raw: bytes, lease: Lease) -> None:
        """Let the task lie in in-progress with the bytes that it ended with, from wherever."""
        target = self.exchange.task_path("in-progress", task_id)
        found = self.exchange.find(task_id)
        lease.claimed((), "elsewhere")
        if found is None:
            durable.create(target, raw, aside=self.exchange.staged)
            return
        if found.archived:
            return
        old = document.read_regular(found.path)
        if raw and plain(old) != plain(raw):
            if found.state in ("pending", "waiting") and not self.is_known(old):
                self._keep_aside(task_id, old)
            durable.replace(found.path, raw, aside=self.exchange.staged)
        if found.state != "in-progress":
            self.exchange.journal.write(
                [Move(task_id, "claimed", found.state, "in-progress", digest(raw))]
            )
            durable.rename(found.path, target)
            durable.sync_folders([os.path.dirname(found.path), os.path.dirname(target)])

    def is_known(self, raw: bytes) -> bool:
        """Whether a version of a task was in the branch once, so that nothing is lost."""
        plain_now = plain(raw)
        blob = hashlib.sha1(b"blob %d\0" % len(plain_now) + plain_now).hexdigest()
        return bool(self.server.read([blob]))

    def has_ended(self, task_id: str, result_path: str) -> bool:
        """Whether the branch has this very result already: then another file came under its id."""
        day = os.path.basename(os.path.dirname(result_path))
        return self.server.ended_file(branch.ended(task_id, day, layout.RESULT_SUFFIX)) is not None

    def _supersede(self, task_id: str, here: str) -> None:
        """Put a result of ours aside: another machine took us for dead, and its word counts."""
        folder = here.removesuffix(layout.RESULT_SUFFIX) + layout.LOGS_SUFFIX
        durable.make_folder(folder)
        raw = _bytes(here)
        durable.rename(here, os.path.join(folder, f"superseded-{_mark(raw)}.md"))
        durable.sync_folders([folder, os.path.dirname(here)])
        self.warnings.append(
            f"{task_id} was taken over by another machine while it ran here; what came of it here "
            f"is kept in {os.path.relpath(folder, self.exchange.root)}"
        )


_NOTHING = Ending(None, "", "", "", "", "")  # type: ignore[arg-type]


def plain(raw: bytes) -> bytes:
    """The bytes of a task file as they travel: whatever folder it lies in here."""
    return follow(raw, "pending")


def _planned_on(plan: bytes, worker: str) -> bytes:
    """A plan whose details say that it was made on another machine: what lies here has no say."""
    lines = plan.splitlines(keepends=True)
    try:
        details = json.loads(lines[1])
        lines[1] = json.dumps({**details, "planned_on": worker}).encode() + b"\n"
    except (IndexError, ValueError, TypeError):
        return plan
    return b"".join(lines)


def _bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _mark(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:8]


def _date(path: str, completed_at: str) -> None:
    """Let a file be as old as what it tells of: the newest result is found by that."""
    with suppress(ValueError, OSError):
        then = datetime.fromisoformat(completed_at)
        then = then if then.tzinfo else then.replace(tzinfo=UTC)
        os.utime(path, (then.timestamp(), then.timestamp()))

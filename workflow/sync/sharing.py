"""The sweep's side of an exchange on several machines: when it looks at the branch, and its steps.

    fetch → bring how others ended → one commit: what is new, what ended, what we take → push …

Everything that changes the exchange is done by the sweep's main thread. Only the point of no return
is passed in the thread of its attempt.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from workflow import approval, layout
from workflow.config import Config
from workflow.exchange import Exchange
from workflow.figures import counted
from workflow.intake import Intake
from workflow.swept import Swept
from workflow.sync import branch, idle
from workflow.sync.branch import Claim, View, view
from workflow.sync.bringing import Bringing
from workflow.sync.giving import Giving, Step, take
from workflow.sync.intake import SharedIntake
from workflow.sync.machine import this_machine
from workflow.sync.refusals import claim_lost, unreachable, used_up
from workflow.sync.server import Server, Unreachable
from workflow.sync.taking import Taken, Taking, claim_seconds
from workflow.task import InvalidTask, Task, read_task

FOLDER = os.path.join(layout.RUNTIME, "sync")
LOOK_SECONDS = 5.0
"""How often the branch is looked at while attempts run."""
PATIENCE = 30.0
"""Seconds for which a step that others are quicker with is tried again."""
_PAUSE = 0.02
_LONGEST_PAUSE = 1.0


class Sharing:
    """One sweep's dealings with the branch. `environments`: those it serves; None for all."""

    def __init__(
        self,
        exchange: Exchange,
        config: Config,
        environments: Sequence[str] | None = None,
    ) -> None:
        assert config.sync is not None
        self.exchange, self.config = exchange, config
        self.only: str | None = None
        self.folder = exchange.path(FOLDER)
        self.server = Server(exchange.root, config.sync.remote, config.sync.branch, self.folder)
        self.top = self.server.check()
        self.machine = this_machine(self.folder)
        self.bringing = Bringing(exchange, self.server, self.folder)
        self.giving = Giving(exchange, self.machine, self.bringing)
        served = None if environments is None else frozenset(environments)
        self.taking = Taking(exchange, config, self.server, self.machine, served)
        self.seen = View()
        self.taken = Taken()
        self.trouble: str | None = None
        """Why the server could not be asked, or refused us, the last time."""
        self._to_share: dict[str, bytes] = {}
        self._given_back: dict[str, bool] = {}
        """Tasks that this sweep has planned, and whether there was an approval then: it does not
        take them again unless somebody has agreed since."""
        self._swept: Swept | None = None
        self._looked = float("-inf")
        self._lock = threading.RLock()

    # -- what the sweep calls ----------------------------------------------------------------

    def begin(self) -> None:
        """Before anything of this machine is recovered: learn what is still ours."""
        try:
            self._refresh()
        except Unreachable as error:
            self._cannot(error)
            self.seen = view(self.server, self.server.seen(), self.seen)
        mine = self.seen.belongs_to(self.machine)
        for task_id in self.exchange.names("in-progress"):
            if self.seen.knows(task_id) and task_id not in mine:
                self.bringing.yield_up(task_id)
        self._bring_in()

    def only_this(self, task_id: str) -> None:
        """Run one task alone."""
        self.only = self.taking.only = task_id

    def intake(self, swept: Swept) -> Intake:
        self._swept = swept
        return SharedIntake(self, swept)

    def look(self, free: int, *, idle: bool) -> bool:
        """Tell the others what there is to tell, take what may be taken for so many free places.

        Whether there is anything new to run. `idle`: the sweep has nothing else left to do.
        """
        if not idle and time.monotonic() - self._looked < LOOK_SECONDS:
            return False
        try:
            with self._lock:
                news = self._steps(free)
            self.trouble = None
        except Unreachable as error:
            self._cannot(error)
            news = False
        self._looked = time.monotonic()
        return news

    def may_begin(self, task: Task) -> bool:
        """Whether an attempt that begins now ends before the claim does; else the claim is renewed,
        if it is still ours."""
        with self._lock:
            claim = self._claim_of(task.task_id)
            if claim is None:
                return False
            if claim.seconds_left() >= task.timeout_seconds:
                return True
            try:
                return self._renew(task, {}) is not None
            except Unreachable as error:
                self._cannot(error)
                return False

    def passes(self, task: Task) -> None:
        """Pass the point of no return on the server, too: the approval is used up there.

        Raises TaskFailed `claim_lost`, `server_unreachable`, `interrupted`; then nothing may be
        done.
        """
        given = approval.read_approval(self.exchange, task.task_id)
        used = given.note() if given is not None and given.is_live() else None
        try:
            with self._lock:
                renewed = self._renew(task, {"begun": True, "approval": used}, used is not None)
        except Unreachable as error:
            raise unreachable(str(error)) from error
        if renewed is None:
            raise claim_lost()

    def finish(self) -> None:
        """Tell what came last; and leave word for the next sweep, until when a look at the server's
        newest commit alone tells that there is nothing to do."""
        self.look(0, idle=True)
        self.server.git.tidy_up()
        swept = self._swept
        undone = swept is None or swept.trouble or swept.stopped or self.only is not None
        if undone or self.trouble or self.seen.belongs_to(self.machine):
            idle.forget(self.exchange.root)
        elif self.seen.tip is not None and self.server.absorbed() == self.seen.tip:
            sync = self.config.sync
            assert sync is not None
            idle.remember(
                self.exchange.root, sync.remote, sync.branch, self.seen.tip, self.taken.next_due
            )

    @property
    def warnings(self) -> list[str]:
        said = list(self.bringing.warnings)
        if self.trouble:
            said.append(
                f"the server {self.server.remote} could not be asked, or refused us: "
                f"{self.trouble}; nothing is taken meanwhile, and what ended here is told later"
            )
        if self.seen.strange:
            said.append(
                f"the branch {self.server.branch} has files that are none of ours: "
                + ", ".join(ascii(path)[1:-1][:100] for path in self.seen.strange[:3])
            )
        return said

    @property
    def notes(self) -> list[str]:
        """For people: what the branch brought, and what other machines have to do."""
        said = []
        if self.bringing.ended:
            said.append(f"{counted(self.bringing.ended, 'task')} ended on other machines.")
        said += [f"{name} {why}" for name, why in list(self.taken.left_alone.items())[:5]]
        if self.taken.left:
            said.append(f"Left to machines that serve {', '.join(sorted(self.taken.left))}.")
        return said

    def told(self) -> dict[str, object]:
        """What the sweep's answer says of the branch."""
        return {
            "machine": self.machine.name,
            "branch": self.server.branch,
            "commit": self.seen.tip,
            "ended_elsewhere": self.bringing.ended,
            "open": len(self.seen.pending) + len(self.seen.running),
            "left": sorted(self.taken.left),
            "left_alone": dict(list(self.taken.left_alone.items())[:50]),
            "reached": self.trouble is None,
        }

    # -- for our own intake ------------------------------------------------------------------

    def is_mine(self, task_id: str) -> bool:
        return self._claim_of(task_id) is not None

    def is_elsewhere(self, task_id: str) -> bool:
        """Whether others decide about it now: the branch has it, and it is not ours."""
        return self.seen.knows(task_id) and not self.is_mine(task_id)

    def wants_sharing(self, task: Task) -> str:
        self._to_share[task.task_id] = task.raw
        return f"waits in the branch {self.server.branch} for a machine that takes it"

    # -- steps -------------------------------------------------------------------------------

    def _claim_of(self, task_id: str) -> Claim | None:
        claim = self.seen.claims.get(task_id)
        mine = claim is not None and claim.machine == self.machine.id
        return claim if mine and task_id in self.seen.running else None

    def _refresh(self) -> bool:
        """Fetch, and bring how others ended; whether anything did."""
        self.seen = view(self.server, self.server.fetch(), self.seen)
        return self.seen.tip is not None and self.bringing.absorb(self.seen.tip) > 0

    def _steps(self, free: int) -> bool:
        """Steps until one comes through, or there is none to make."""
        until, pause, news = time.monotonic() + PATIENCE, _PAUSE, False
        while True:
            news |= self._refresh()
            self._place_plans()
            step, given_back = self._compose(free)
            if not step.changes:
                return self._bring_in() or news
            if self._push(step):
                break
            if time.monotonic() > until:
                raise Unreachable("others were quicker with every step")
            time.sleep(random.uniform(0, pause))
            pause = min(pause * 2, _LONGEST_PAUSE)
        for task_id in given_back:
            if branch.plan_of(task_id) in step.changes:
                self._given_back[task_id] = task_id in self.seen.approvals
        for task_id in step.changes:
            self._to_share.pop(task_id.rpartition("/")[2].removesuffix(layout.SUFFIX), None)
        self.seen = view(self.server, self.server.seen(), self.seen)
        return self._bring_in() or news

    def _compose(self, free: int) -> tuple[Step, set[str]]:
        step, seen = Step(), self.seen
        self.giving.share(step, seen, self._to_share)
        self.giving.approve(step, seen)
        self.giving.end(step, seen)
        parked = self._swept.parked if self._swept is not None else {}
        if self._swept is not None and self._swept.trouble:
            free = 0  # what is taken now could not be done here
        given_back = self.giving.give_back(step, seen, parked)
        with_new = replace(seen, pending={**seen.pending, **_new(step, seen)})
        aside = {
            task_id
            for task_id, agreed in self._given_back.items()
            if task_id not in seen.approvals or agreed
        }
        self._import_approvals()
        taken = self.taking.choose(with_new, free, {*given_back, *step.ended, *aside})
        if free > 0:
            self.taken = taken
        shared = len(set(taken.claims) & set(_new(step, seen)))
        take(step, with_new, taken.claims)
        step.shared = max(0, step.shared - shared)
        if seen.tip is None and step.changes:
            step.changes |= self._first_files()
        return step, given_back

    def _push(self, step: Step) -> bool:
        message = step.message(self.machine)
        return self.server.step(self.seen.tip, step.changes, message, self.machine.name)

    def _bring_in(self) -> bool:
        """Put every task of ours where the sweep finds it; whether one was not there."""
        news = False
        for task_id in self.seen.belongs_to(self.machine):
            claim, raw = self.seen.claims[task_id], self.seen.running[task_id]
            if self._swept is not None:
                self._swept.parked.pop(task_id, None)
            if claim.interrupted:
                try:
                    task, _ = read_task(raw, task_id, self.config)
                except InvalidTask:
                    pass  # refused like any other
                else:
                    news |= self.bringing.end_interrupted(task, claim)
                    continue
            news |= self.bringing.bring_in(task_id, raw, claim)
            news |= task_id in self.taken.claims
        self.taken.claims.clear()
        return news

    def _renew(
        self, task: Task, more: dict[str, object], uses_approval: bool = False
    ) -> Claim | None:
        """Say that the claim goes on, and what else is true of it now; None if it is ours no more.

        Raises Unreachable, TaskFailed `interrupted`.
        """
        task_id, until = task.task_id, time.monotonic() + PATIENCE
        while time.monotonic() < until:
            seen = view(self.server, self.server.fetch(), self.seen)
            claim = seen.claims.get(task_id)
            if claim is None or claim.machine != self.machine.id or task_id not in seen.running:
                return None
            if more and claim.begun and claim.approval is not None:
                # Cut off between this and what follows here: nothing was done, but agreed to once.
                raise used_up(task_id)
            if uses_approval and self._came_by_branch(task_id) and task_id not in seen.approvals:
                return None
            renewed = claim.taken(self.machine, claim_seconds(task), begun=claim.begun)
            renewed = replace(renewed, **more)  # type: ignore[arg-type]
            changes: dict[str, bytes | None] = {branch.claim_of(task_id): renewed.encode()}
            if uses_approval and task_id in seen.approvals:
                changes[branch.approval_of(task_id)] = None
            step = Step(changes)
            if self.server.step(seen.tip, changes, step.message(self.machine), self.machine.name):
                self.seen = view(self.server, self.server.seen(), seen)
                return renewed
            time.sleep(random.uniform(0, _PAUSE))
        raise Unreachable("others were quicker with every step")

    # -- approvals and plans -----------------------------------------------------------------

    def _place_plans(self) -> None:
        for task_id, plan in self.seen.plans.items():
            raw, note = self.seen.pending.get(task_id), self.seen.claims.get(task_id)
            # Our own lies here, and in full.
            elsewhere = note is not None and note.home != self.machine.home
            if raw is not None and note is not None and elsewhere:
                self.bringing.place_plan(task_id, raw, plan, note.worker)

    def _import_approvals(self) -> None:
        """Let approvals that came by the branch count here, if the owner has it so."""
        sync = self.config.sync
        if sync is None or not sync.accept_approvals:
            return
        for task_id, raw in self.seen.approvals.items():
            note = self.seen.claims.get(task_id)
            if task_id not in self.seen.pending or note is None:
                continue
            if note.home != self.machine.home or approval.read_approval(self.exchange, task_id):
                continue
            aside = os.path.join(self.folder, "approval.json")
            with open(aside, "wb") as file:
                file.write(raw)
            given = approval.read_approval_from(aside, task_id)
            os.unlink(aside)
            if given is not None and given.is_live():
                approval.give_approval(self.exchange, given)

    def _came_by_branch(self, task_id: str) -> bool:
        """Whether its approval stands in the branch as far as we have seen: there it is used up."""
        return task_id in self.seen.approvals

    def _cannot(self, error: Unreachable) -> None:
        self.trouble = str(error)[:300]

    def _first_files(self) -> dict[str, bytes | None]:
        """What a branch begins with: a word to people, and the runner's workflow file, which GitHub
        looks for in the branch that was pushed to."""
        files: dict[str, bytes | None] = {"README.md": _README}
        name = ".github/workflows/site-tasks.yml"
        try:
            with open(os.path.join(self.top, name), "rb") as file:
                files[name] = file.read(branch.LARGEST_TASK)
        except OSError:
            pass
        return files


def _new(step: Step, seen: View) -> dict[str, bytes]:
    """The tasks that a step brings."""
    return {
        path.rpartition("/")[2].removesuffix(layout.SUFFIX): raw
        for path, raw in step.changes.items()
        if raw is not None and path.startswith(f"{layout.PENDING}/")
        and path.rpartition("/")[2].removesuffix(layout.SUFFIX) not in seen.running
    }  # fmt: skip


_README = b"""\
This branch is where machines meet that share one exchange of `workflow`: what is open lies in
`tasks/`, how it ended in `ended/`. Put a task into `tasks/pending/` and push: the next machine that
looks takes it. All else here is written by `workflow sweep --sync`.
"""

"""Tasks whose sweep has died: known by their leases, never guessed by age.

What is done, by what is found:

    its result is there          the rest of settling it is done
    it was asked to cancel       it ends as cancelled
    the attempt had not begun    it is taken in as if it came from pending
    it was only planning         it plans again, as often as its `retry` allows
    it may be repeated           it runs again, as often as its `retry` allows
    an approval was used up      it ends as interrupted: nobody has agreed to a second time
    it must not be repeated      it ends as interrupted, and a person decides
"""

from __future__ import annotations

from contextlib import suppress

from workflow.exchange import Exchange
from workflow.intake import Intake
from workflow.lease import Lease, cut_off, read_record
from workflow.settle import end_task, published, settle
from workflow.swept import Swept
from workflow.task import InvalidTask
from workflow.unrun import cancelled, interrupted_result, outputs_so_far, unrun_result


def recover(exchange: Exchange, intake: Intake, swept: Swept) -> frozenset[str]:
    """See to every task in in-progress whose attempt is dead; gives the resources of the others."""
    taken: set[str] = set()
    for task_id in exchange.names("in-progress"):
        lease = _lease_of_the_dead(exchange, swept, task_id)
        if lease is not None:
            with swept.alone(task_id, lease):
                _recover_one(exchange, intake, swept, lease)
        else:
            with suppress(InvalidTask, FileNotFoundError):
                taken |= intake.read("in-progress", task_id).resources
    return frozenset(taken)


def _lease_of_the_dead(exchange: Exchange, swept: Swept, task_id: str) -> Lease | None:
    """The lease of an attempt of which nothing lives any more; None while something does.

    A program that outlives its sweep may finish what it does, up to its deadline, or until
    somebody cancels; then it is ended. One that closed every file that it had inherited has let
    go of the lease, and is known by its process group.
    """
    lease = exchange.lease(task_id)
    record = read_record(exchange.read_lease(task_id) if lease is None else lease.read())
    if lease is not None:
        if not record.programs_live():
            return lease
        lease.release()
    elif record.sweep_lives():
        return None
    if not (record.is_overdue() or exchange.asked_to_cancel(task_id)):
        said = f"its sweep is gone, its program still runs; ended at {record.deadline}"
        swept.parked[task_id] = said
        swept.notice("parked", task_id, said)
        return None
    record.end_left_overs(exchange.lease_path(task_id))
    return exchange.lease(task_id)


def _recover_one(exchange: Exchange, intake: Intake, swept: Swept, lease: Lease) -> None:
    task_id = lease.task_id
    result_path = exchange.result(task_id)
    if result_path is not None:
        settle(exchange, [published(lease, result_path)])
        swept.notice("recovered", task_id, "its result was there; settled")
        return
    try:
        task = intake.read("in-progress", task_id)
    except InvalidTask as error:
        intake.refuse(task_id, "in-progress", error, lease)
        return
    record = read_record(lease.read())
    attempts = cut_off(record)
    made = len(attempts)
    if exchange.asked_to_cancel(task_id):
        result = unrun_result(task, cancelled(task_id), attempts)
        end_task(exchange, swept, lease, result, task)
    elif not record.may_have_begun:
        lease.release()
        swept.notice("recovered", task_id, "this attempt had not begun")
        intake.decide("in-progress", task)
    elif record.may_repeat(task.kind.safe_to_repeat) and made < task.retry.max_attempts:
        lease.rests(attempts)
        lease.release()
        swept.notice("recovered", task_id, f"attempt {made} was cut off; runs again")
        # What it waited for once has come. But a power cut may have taken the lease's word that
        # it never began, so a first attempt is looked at as if it came from pending.
        if record.running is None and made == 1:
            intake.decide("in-progress", task)
        else:
            intake.offer(task, "in-progress")
    else:
        outputs = outputs_so_far(exchange, task_id, record)
        end_task(exchange, swept, lease, interrupted_result(task, attempts, outputs), task)

"""workflow verify"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from workflow import document
from workflow.cli import Place, command
from workflow.commands import choices
from workflow.errors import Exit, WorkflowError
from workflow.handlers import NEEDS_A_BUILD, OF_THE_BUILD, find_type, publish_anew
from workflow.overview import ENDED, approval_next, resolve, sweeper_warning, waits_for
from workflow.reply import Reply
from workflow.result import WHO_ACTS, live_now, read_result


@command
def run(
    place: Place,
    task_id: Annotated[
        str,
        typer.Argument(metavar="ID", help="An id or `latest`.", autocompletion=choices.task_ids),
    ],
) -> Reply:
    """Did the task give what was expected? Says the verdict, each check, and the next command.

    Exit codes: 0 go on, 3 it failed or a check did, 4 it needs approval, 6 what was approved had
    changed, 75 it has not ended.

    \b
    workflow verify latest
    """
    exchange = place.exchange()
    found = resolve(exchange, task_id)
    if found.state not in ENDED:
        config = place.config()
        reason = waits_for(exchange, config, found)
        needs = reason is not None and reason[0] == "approval" and found.state == "waiting"
        error = WorkflowError(
            "needs_approval" if needs else "still_running",
            f"{found.task_id} has not ended: {reason[1] if reason else 'its file is no task'}",
            Exit.NEEDS_APPROVAL if needs else Exit.RUNNING,
            retryable=not needs,
        )
        waiting = Reply(error=error, exit=error.exit, not_yet=True)
        if (silent := sweeper_warning(exchange, config)) is not None:
            waiting.warnings.append(silent)
        wait = (f"workflow wait {found.task_id}", "wait for its result")
        waiting.next = approval_next(exchange, found.task_id) if needs else [wait]
        return waiting
    path = exchange.result(found.task_id, everywhere=True)
    if path is None:
        raise WorkflowError(
            "no_result",
            f"the result of {found.task_id} was cleared away",
            Exit.TASK_FAILED,
            hint=f"run it again with `workflow retry {found.task_id}`",
        )
    try:
        result = read_result(path)
    except document.InvalidDocument as error:
        raise WorkflowError(
            "unreadable_result",
            f"the result of {found.task_id} cannot be read: {error}",
            Exit.TASK_FAILED,
            hint=f"read it in an editor: {path}",
        ) from error
    return _judge(place, found.task_id, result)


def _judge(place: Place, task_id: str, result: dict[str, Any]) -> Reply:
    verification = result.get("verification") or {}
    error = result.get("error") or {}
    verdict = str(verification.get("verdict") or "failed")
    reason = str(verification.get("reason") or error.get("message") or "see the result")
    checks = verification.get("checks") or []
    data = {
        "task_id": task_id,
        "status": result.get("status"),
        "verdict": verdict,
        "reason": error.get("message") or reason,
        "checks": checks,
        "error": error or None,
    }
    live = live_now(result.get("outputs") or {}) if error else ""
    if live:
        data["live"] = result["outputs"]["live"]
    reply = Reply(data=data, text=f"{verdict}: {data['reason']}{live}")
    rows = [
        [
            "ok" if check["passed"] else "failed",
            str(check["name"]),
            str(check["expected"]),
            _short(check["actual"]),
        ]
        for check in checks
    ]
    if rows:
        reply.table = (("", "CHECK", "EXPECTED", "ACTUAL"), rows)
    if verdict == _proceed(place, result):
        reply.next = _onwards(result)
        return reply
    stale = error.get("code") == "stale_plan"
    reply.exit = Exit.CONFLICT if stale else Exit.TASK_FAILED
    reply.error = WorkflowError(
        "stale_plan" if stale else "verification_failed",
        f"{task_id}: {data['reason']}{live}",
        reply.exit,
        hint=error.get("hint") or (WHO_ACTS[error["action"]] if error.get("action") else None),
    )
    reply.next = _mending(task_id, verdict, error, result)
    return reply


def _proceed(place: Place, result: dict[str, Any]) -> str:
    """The verdict with which to go on."""
    try:
        config = place.config()
    except WorkflowError:
        config = None  # what ended has ended, whatever has become of workflow.yaml since
    kind = find_type(str(result.get("task_type")), config)
    return "proceed" if kind is None else kind.proceed


def _onwards(result: dict[str, Any]) -> list[tuple[str, str]]:
    environment = result.get("environment")
    deploy = f"hugo-deploy-{environment}"
    if result.get("task_type") in ("hugo-build", "site-validate") and find_type(deploy):
        return [(f"workflow submit {deploy}", "publish what was built")]
    return [("workflow list", "all is well; see what else there is")]


def _mending(
    task_id: str, verdict: str, error: dict[str, Any], result: dict[str, Any]
) -> list[tuple[str, str]]:
    if verdict.startswith("warn"):
        return [(f"workflow show {task_id}", "tell the user about its errors")]
    if error.get("code") == "stale_plan":
        return [(f"workflow retry {task_id}", "let it plan anew, and have that approved")]
    environment = result.get("environment")
    if error.get("code") in NEEDS_A_BUILD and environment:
        again = publish_anew(environment)
        if error["code"] in OF_THE_BUILD:
            return [(again, "build it anew, then publish that")]
        return [
            (f"workflow show {task_id}", "mend what is said there, then:"),
            (again, "build it anew, then publish that"),
        ]
    if error.get("action") == "fix":
        return [
            (f"workflow show {task_id}", "mend what is said there, then:"),
            (f"workflow retry {task_id}", "run it again"),
        ]
    if error.get("action") == "retry":
        return [(f"workflow retry {task_id}", "run it again, once that has passed")]
    if result.get("logs"):
        return [(f"workflow logs {task_id} --tail 40", "read what it printed")]
    return [(f"workflow show {task_id}", "see what is wrong, and who has to act")]


def _short(value: Any) -> str:
    text = "missing" if value is None else str(value)
    return text if len(text) <= 50 else text[:47] + "..."

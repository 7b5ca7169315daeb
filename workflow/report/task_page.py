"""The page about one task, as HTML. Gets what `dossier` gathered and reads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workflow import figures
from workflow.report import charts, pieces, shell
from workflow.report.markup import Child, Markup, el, join
from workflow.report.pieces import fold, inline, lasted, moment, section, tag

_HEADLINES = {
    "success": "It succeeded",
    "failed": "It failed",
    "timeout": "It took too long",
    "cancelled": "It was called off",
    "rejected": "It was rejected",
    "in-progress": "It is running",
    "pending": "It waits",
    "waiting": "It waits",
}
_SIGNS = {"pending": "waits", "waiting": "waits", "in-progress": "running"}


def html(told: Mapping[str, Any]) -> bytes:
    status, waiting = str(told["status"]), told.get("waiting")
    kind, headline = _SIGNS.get(status, status), _HEADLINES.get(status, f"It ended as {status}")
    if waiting and waiting["who"] == "you":
        kind, headline = "you", "It waits for you"
    plan = waiting.get("plan") if waiting else None
    lead = told["verdict"] or _first_up(
        plan["summary"] if plan else (waiting or {}).get("reason", "")
    )
    environment = told["environment"] or (waiting or {}).get("environment")
    name = told["task_type"] or "task"
    return shell.document(
        f"{name}: {headline.removeprefix('It ')} · {told['exchange']['name']}",
        shell.hero(
            kind if kind != "success" else "well",
            charts.shape(kind),
            inline(el("b", name), environment),
            headline,
            el("p", lead, class_="lead") if lead else None,
            el("p", el("code", told["task_id"]), class_="id"),
        ),
        el(
            "main",
            el("div", _waits(waiting), _error(told), _plan(told), _checks(told),
               _found(told.get("findings")), class_="column"),
            el("div", _facts(told), _next(told.get("next_steps") or []), _attempts(told),
               _logs(told), _outputs(told.get("outputs") or []), _task(told), class_="column"),
        ),
        shell.foot(
            told["exchange"]["root"],
            join("As of ", moment(told["written_at"]), "."),
            "Of long logs, lists and texts a part is shown; the files that are named have all.",
        ),
    )  # fmt: skip


def _waits(waiting: Mapping[str, Any] | None) -> Markup | None:
    if waiting is None:
        return None
    plan, commands = waiting.get("plan"), waiting.get("commands") or []
    return section(
        "What it waits for",
        el(
            "div",
            el("p", plan["summary"], class_="big") if plan else el("p", waiting["reason"]),
            el("p", "to ", el("code", plan["target"]), class_="quiet") if plan else None,
            pieces.changes(plan["changes"], soon=True, most_open=1) if plan else None,
            [el("p", "Warning: ", warning) for warning in plan["warnings"]] if plan else None,
            [pieces.command(c["cmd"], f"{_first_up(c['why'])}:") for c in commands],
            class_="card you" if waiting["who"] == "you" else "card",
        ),
        id_="waits",
    )


def _error(told: Mapping[str, Any]) -> Markup | None:
    error = told.get("error")
    if not error:
        return None
    again = pieces.command(f"workflow retry {told['task_id']}", "When it is mended:")
    return section("Why", el("div", pieces.error(error), again, class_="card"), id_="error")


def _plan(told: Mapping[str, Any]) -> Markup | None:
    plan = told.get("plan")
    if not plan or not plan["changes"]:
        return None
    went = told["status"] == "success"
    return section(
        "What it changed" if went else "What it was to change",
        el(
            "div",
            el("p", "at " if went else "to ", el("code", plan["target"]), class_="quiet"),
            pieces.changes(plan["changes"], soon=not went, most_open=1),
            class_="card",
        ),
        id_="plan",
    )


def _checks(told: Mapping[str, Any]) -> Markup | None:
    checks = pieces.checks(told.get("checks") or [])
    if checks is None:
        return None
    note = told.get("checks_reason") or ""
    return section("Checks", el("div", checks, class_="card"), id_="checks", note=note)


def _found(found: Mapping[str, Any] | None) -> Markup | None:
    if not found:
        return None
    return section(
        "Findings",
        el("div", pieces.tally(found["counts"]), pieces.causes(found, 10), class_="card"),
        id_="findings",
    )


def _facts(told: Mapping[str, Any]) -> Markup:
    attempts = told.get("attempts") or []
    rows: list[tuple[str, Child]] = [
        ("Began", moment(told["started_at"])),
        ("Ended", moment(told.get("completed_at"))),
        ("Took", lasted(told.get("seconds"))),
        ("Attempts", str(len(attempts)) if len(attempts) > 1 else None),
        ("Worker", told.get("worker_id")),
        ("Task", el("code", told["file"])),
        ("Result", el("code", told["result"]) if told.get("result") else None),
    ]
    warnings = [el("p", "Warning: ", warning) for warning in told.get("warnings") or []]
    card = el("div", pieces.pairs(rows), warnings, class_="card")
    return section("The facts", card, id_="facts")


def _next(steps: Sequence[str]) -> Markup | None:
    if not steps:
        return None
    items = [el("li", pieces.coded(step)) for step in steps]
    return section("What comes next", el("ul", items, class_="card plain"), id_="next")


def _attempts(told: Mapping[str, Any]) -> Markup | None:
    attempts = told.get("attempts") or []
    if len(attempts) < 2:
        return None
    rows = [
        el(
            "div",
            pieces.row(
                f"attempt {one.get('number')}",
                inline(
                    lasted(one["seconds"]),
                    moment(one.get("started_at"), day=False),
                    f"code {one['error']}" if one.get("error") else None,
                ),
                tag(str(one.get("status"))),
            ),
            class_="row",
        )
        for one in attempts
    ]  # fmt: skip
    return section("Attempts", el("div", rows, class_="card rows"), id_="attempts")


def _logs(told: Mapping[str, Any]) -> Markup | None:
    logs = pieces.logs(told["logs"])
    if not logs:
        return None
    whole = pieces.command(f"workflow logs {told['task_id']}", "All of it:")
    return section("What it printed", el("div", logs, whole, class_="card"), id_="logs")


def _outputs(outputs: Sequence[Mapping[str, str]]) -> Markup | None:
    if not outputs:
        return None
    listed = pieces.pairs([(one["name"], el("code", one["value"])) for one in outputs])
    number = figures.counted(len(outputs), "output")
    return section("Outputs", el("div", fold(number, listed), class_="card"), id_="outputs")


def _task(told: Mapping[str, Any]) -> Markup:
    task = told["task"]
    if task["text"] is None:
        inside: Child = el("p", f"The file cannot be read: {task['reason']}")
    else:
        inside = [
            el("p", task["request"], class_="big") if task["request"] else None,
            fold("As it was written", el("pre", task["text"], class_="log")),
            fold("Its text", el("pre", task["body"], class_="log")) if task["body"] else None,
        ]
    return section("The task", el("div", inside, class_="card"), id_="task")


def _first_up(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"

"""The page about the exchange, as HTML. Gets what `board` gathered and reads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workflow import figures
from workflow.report import charts, pieces, shell
from workflow.report.markup import Markup, address, el, join
from workflow.report.page_trends import how_long, weeks
from workflow.report.pieces import fold, inline, lasted, moment, section, tag

_CAUSES = 4
"""Causes that are shown before the others are folded."""
_POLICIES = {
    "none": "publishes without being asked about",
    "approve": "asks for your approval",
    "phrase": "asks for your approval and the phrase",
}


def html(board: Mapping[str, Any]) -> bytes:
    verdict, name = board["verdict"], board["exchange"]["name"]
    return shell.document(
        f"{verdict['headline']} · {name}",
        shell.hero(
            verdict["kind"],
            charts.shape(verdict["kind"]),
            inline(el("b", name), join("as of ", moment(board["written_at"]))),
            verdict["headline"],
            el("p", verdict["sentence"], class_="lead") if verdict["sentence"] else None,
        ),
        el(
            "main",
            el("div", _for_you(board), _environments(board), _day(board), class_="column"),
            el(
                "div",
                weeks(board),
                how_long(board["durations"]),
                _findings(board["findings"]),
                _others(board),
                class_="column",
            ),
        ),
        shell.foot(board["exchange"]["root"], *_notes(board)),
    )


# -- what waits for the person -------------------------------------------------------------------


def _for_you(board: Mapping[str, Any]) -> Markup | None:
    yours = [_approval(one) for one in board["waiting"] if one["who"] == "you"]
    yours += [
        _broken(one)
        for one in board["unmended"]
        if (one.get("error") or {}).get("action") == "escalate"
    ]
    yours += [
        el("article", el("h3", "The configuration"), el("p", problem), class_="card you")
        for problem in board["config_problems"]
    ]
    theirs = [
        _broken(one)
        for one in board["unmended"]
        if (one.get("error") or {}).get("action") != "escalate"
    ]
    return join(
        section("Waits for you", yours, id_="you") if yours else None,
        section("Failed, and not mended yet", theirs, id_="failed") if theirs else None,
    )


def _approval(one: Mapping[str, Any]) -> Markup:
    plan, commands = one.get("plan"), one.get("commands") or []
    first, rest = commands[:1], commands[1:]
    return el(
        "article",
        el("div", tag("you", "approve"), el("h3", _title(one)), class_="title"),
        el("p", plan["summary"], class_="big") if plan else el("p", one["reason"]),
        el("p", "to ", el("code", plan["target"]), class_="quiet") if plan else None,
        pieces.changes(plan["changes"], soon=True) if plan else None,
        [el("p", "Warning: ", warning) for warning in plan["warnings"]] if plan else None,
        [pieces.command(c["cmd"], "To agree to exactly this:") for c in first],
        fold("Look closer, or say no", [pieces.command(c["cmd"], f"{c['why']}:") for c in rest])
        if rest
        else None,
        class_="card you",
    )


def _broken(one: Mapping[str, Any]) -> Markup:
    yours = (one.get("error") or {}).get("action") == "escalate"
    return el(
        "article",
        el("div", tag(one["status"]), el("h3", _title(one)), class_="title"),
        el("p", inline(moment(one["completed_at"]), el("code", one["task_id"])), class_="quiet"),
        pieces.error(one.get("error")) or el("p", one["verdict"]),
        pieces.logs(one.get("logs") or []),
        pieces.command(f"workflow retry {one['again']}", "When it is mended:"),
        class_="card you" if yours else "card",
    )


# -- environments --------------------------------------------------------------------------------


def _environments(board: Mapping[str, Any]) -> Markup | None:
    told = [_environment(one) for one in board["environments"]]
    return section("Environments", told, id_="environments") if told else None


def _environment(one: Mapping[str, Any]) -> Markup:
    published, failure = one["published"], one["failure"]
    if one["waiting"]:
        status = tag("you", "waits for you")
    elif failure:
        status = tag("failed", "last deploy failed")
    elif published:
        status = tag("success", "published")
    else:
        status = tag("new", "not published lately" if one["deploys"] else "built here only")
    return el(
        "article",
        el("div", el("h3", one["name"].capitalize()), status, class_="title spread"),
        el("p", address(one["base_url"], class_="site")),
        _failed_deploy(failure) if failure else None,
        _published(published) if published else None,
        el("p", f"This environment {_POLICIES[one['policy']]}.", class_="quiet")
        if one["deploys"]
        else None,
        class_="card",
    )


def _failed_deploy(failure: Mapping[str, Any]) -> Markup:
    live = failure["live"]
    return el(
        "p",
        join(moment(failure["at"]), ": "),
        failure["verdict"],
        f" What visitors have: {live}." if live and live not in failure["verdict"] else None,
    )


def _published(done: Mapping[str, Any]) -> Markup:
    counts = [
        (done.get("uploaded_files"), "sent"),
        (done.get("deleted_files"), "deleted"),
        (done.get("unchanged_files"), "unchanged"),
    ]
    told = [f"{n:,} {word}" for n, word in counts if n is not None and (n or word == "sent")]
    size = done.get("bytes")
    files = inline(*told, figures.size(size) if size else None)
    named = [
        el("li", el("span", change["action"], class_="quiet"), " ", el("code", change["path"]))
        for change in done["changes"]
    ]
    more = (done.get("uploaded_files") or 0) + (done.get("deleted_files") or 0) - len(named)
    if named and more > 0:
        named.append(el("li", f"and {more:,} more", class_="quiet"))
    return join(
        pieces.pairs(
            [
                ("Last deploy", moment(done["at"])),
                ("Files", files),
                ("Release", el("code", done["release"]) if done["release"] else None),
                ("Agreed", done["approved"]),
            ]
        ),
        fold("What changed", el("ul", named, class_="paths")) if named else None,
    )


# -- the day -------------------------------------------------------------------------------------


def _day(board: Mapping[str, Any]) -> Markup:
    day, running = board["day"], [_running(one) for one in board["running"]]
    counts = day["counts"]
    title = "Today" if day["today"] else pieces.date_told(day["day"], weekday=True)
    said = f"{counts['succeeded']} of {figures.counted(counts['ended'], 'task')} succeeded"
    if counts["failed"]:
        said += f", {counts['failed']} failed"
    off = counts["ended"] - counts["succeeded"] - counts["failed"]
    said += f", {off} called off" if off else ""
    rows = [*running, *(task_row(one) for one in day["tasks"])]
    if not rows:
        return section(title, el("p", "No task has ended yet.", class_="card quiet"), id_="day")
    more = (
        el("p", f"And {day['more']:,} more: ", el("code", "workflow list"), class_="quiet")
        if day["more"]
        else None
    )
    return section(title, el("div", rows, class_="card rows"), more, id_="day", note=said)


def _running(one: Mapping[str, Any]) -> Markup:
    gone = one["sweep_lives"] is False
    began = moment(one["started_at"], day=False)
    return el(
        "div",
        pieces.row(
            _title(one),
            join("since ", began) if began else None,
            tag("running", "cut off" if gone else "running"),
        ),
        class_="row",
    )


def task_row(one: Mapping[str, Any]) -> Markup:
    """A task that ended: one line, and the rest for whoever opens it."""
    time = inline(lasted(one["seconds"]), moment(one["completed_at"], day=False))
    line = pieces.row(_title(one), time, tag(one["status"]))
    inside = el(
        "div",
        el("p", one["verdict"]),
        pieces.error(one.get("error")) if one["status"] != "cancelled" else None,
        pieces.checks(one.get("failed_checks") or []),
        pieces.logs(one.get("logs") or []),
        pieces.command(f"workflow show {one['task_id']}"),
        class_="inside",
    )
    return fold(line, inside, class_="row")


def _title(one: Mapping[str, Any]) -> Markup:
    kind = str(one["task_type"] or "task")
    environment = one["environment"]
    if not environment:
        return el("b", kind)
    if kind.endswith(f"-{environment}"):
        kind = kind.removesuffix(f"-{environment}")
    return join(el("b", kind), " ", el("span", environment, class_="env"))


# -- findings, and what else waits ---------------------------------------------------------------


def _findings(checked: Sequence[Mapping[str, Any]]) -> Markup | None:
    told = [
        el(
            "article",
            el("h3", (one["environment"] or "The site").capitalize()),
            el("p", inline(moment(one["at"]), figures.counted(one["pages"] or 0, "page")),
               class_="quiet"),
            pieces.tally(one["counts"]),
            pieces.causes(one, _CAUSES) if place == 0
            else fold("What was found", pieces.causes(one, _CAUSES)) if one["causes"] else None,
            class_="card",
        )
        for place, one in enumerate(checked)
    ]  # fmt: skip
    return section("Findings of the validator", told, id_="findings") if told else None


def _others(board: Mapping[str, Any]) -> Markup | None:
    """What waits for something else than the person."""
    rest = [one for one in board["waiting"] if one["who"] != "you"]
    rows = [
        el(
            "div",
            pieces.row(_title(one), one["reason"], tag("waits", "waits")),
            class_="row",
        )
        for one in rest
    ]
    if board["waiting_unseen"]:
        rows.append(el("p", f"And {board['waiting_unseen']:,} more.", class_="quiet"))
    if not rows:
        return None
    return section("Waits for others", el("div", rows, class_="card rows"), id_="others")


def _notes(board: Mapping[str, Any]) -> list[str]:
    """What the page does not show, and why."""
    bounds = board["bounds"]
    since = pieces.date_told(bounds["since"])
    read = figures.counted(bounds["read"], "result")
    if bounds["cut"]:
        told = (
            f"Made from the newest {read}, back to {since}, which may not be whole. "
            "What is older is not read."
        )
    else:
        told = f"Made from {read} of the last {bounds['days']} days. What is older is not read."
    notes = [told]
    if bounds["unreadable"]:
        notes.append(f"{figures.counted(bounds['unreadable'], 'result')} could not be read.")
    seen = board["sweeper"]["last_seen"]
    notes.append(f"The last sweep ran {seen}." if seen else "No sweep has run here yet.")
    return notes

"""The part of the page that shows the last weeks: charts with their figures in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workflow import figures
from workflow.report import charts, pieces
from workflow.report.markup import Child, Markup, el
from workflow.report.pieces import fold, lasted, section


def weeks(board: Mapping[str, Any]) -> Markup | None:
    """A column for each day, and what failed most; None where nothing was run."""
    days: Sequence[Mapping[str, Any]] = board["days"]
    well, failed = (sum(day[kind] for day in days) for kind in ("succeeded", "failed"))
    if not well + failed:
        return None
    first, last = pieces.date_told(days[0]["day"]), pieces.date_told(days[-1]["day"])
    busiest = max(day["succeeded"] + day["failed"] for day in days)
    label = (
        f"Tasks a day from {first} to {last}: {well} succeeded, {failed} failed, "
        f"at most {busiest} on one day"
    )
    note = f"{well:,} of {figures.counted(well + failed, 'task')} succeeded"
    rows = [
        el("tr", el("th", pieces.date_told(d["day"]), scope="row"), el("td", d["succeeded"]),
           el("td", d["failed"]), el("td", d["called_off"]))
        for d in reversed(days)
        if d["succeeded"] or d["failed"] or d["called_off"]
    ]  # fmt: skip
    heads = el("tr", [el("th", h, scope="col") for h in ("Day", "Well", "Failed", "Called off")])
    return section(
        _span(len(days)),
        el(
            "div",
            charts.columns(days, label),
            el("div", el("span", first), el("span", f"most: {busiest} a day"), el("span", last),
               class_="axis"),
            el("p", el("span", class_="key succeeded"), " succeeded ",
               el("span", class_="key failed"), " failed", class_="legend"),
            _failing(board["failures"]),
            fold("The figures", el("table", el("thead", heads), el("tbody", rows))),
            class_="card",
        ),
        id_="weeks",
        note=note,
    )  # fmt: skip


def _span(days: int) -> str:
    if days % 7 == 0:
        return "The last four weeks" if days == 28 else f"The last {days} days"
    return f"The last {figures.counted(days, 'day')}" if days > 1 else "This day"


def _failing(failures: Sequence[Mapping[str, Any]]) -> Child:
    if not failures:
        return None
    items = [
        el(
            "li",
            el("b", one["task_type"]),
            f" failed {one['failed']} of {figures.counted(one['runs'], 'time')}",
            el("span", "; not mended yet" if one["open"] else "; succeeded since", class_="quiet"),
        )
        for one in failures
    ]
    return el("ul", items, class_="plain")


def how_long(types: Sequence[Mapping[str, Any]]) -> Markup | None:
    """The runs of each type that was run often enough, with the median."""
    if not types:
        return None
    rows = [
        el(
            "div",
            el(
                "div",
                el("b", one["task_type"]),
                el("p", f"median {lasted(one['median_seconds'])}, "
                        f"last {lasted(one['last_seconds'])}", class_="quiet"),
            ),
            charts.dots(one["runs"], one["median_seconds"], _spoken(one)),
            class_="duration",
        )
        for one in types
    ]  # fmt: skip
    key = el("p", "A dot is a run, a cross one that failed; the line is the median. Newest right.",
             class_="quiet")  # fmt: skip
    return section("How long it takes", el("div", rows, key, class_="card"), id_="durations")


def _spoken(one: Mapping[str, Any]) -> str:
    failed = f", {one['failed']} of them failed" if one["failed"] else ""
    return (
        f"Durations of {one['task_type']}: the last {figures.counted(len(one['runs']), 'run')}"
        f"{failed}; median {lasted(one['median_seconds'])}, "
        f"longest {lasted(one['longest_seconds'])}"
    )

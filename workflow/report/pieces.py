"""The pieces that both pages are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from workflow import figures
from workflow.report.charts import shape
from workflow.report.markup import Child, Markup, el, join
from workflow.result import WHO_ACTS

WORDS = {
    "success": "succeeded",
    "failed": "failed",
    "timeout": "timed out",
    "cancelled": "called off",
    "rejected": "rejected",
}
"""How a task ended, as the page says it."""
_DONE = {"new": "new", "changed": "changed", "metadata": "headers", "delete": "deleted"}
_SOON = {**_DONE, "delete": "to delete"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def section(title: str, *children: Child, id_: str, note: str = "") -> Markup:
    heading = el("h2", title, id=id_)
    head = el("div", heading, el("p", note) if note else None, class_="head")
    return el("section", head, *children, aria_labelledby=id_)


def fold(summary: Child, *children: Child, class_: str = "fold", open_: bool = False) -> Markup:
    """Something that is read by whoever opens it."""
    return el("details", el("summary", summary), *children, class_=class_, open=open_)


def tag(status: str, word: str | None = None) -> Markup:
    """A status by shape and word."""
    told = word or WORDS.get(status, status)
    return el("span", shape(status), el("span", told), class_=f"tag is-{_class(status)}")


def _class(status: str) -> str:
    known = ("success", "failed", "timeout", "cancelled", "rejected", "you", "waits", "running")
    return status if status in known else "other"


def moment(written: Any, *, day: bool = True) -> Markup | None:
    """A time in UTC as people say it, with the exact one for programs; None for none."""
    try:
        then = datetime.strptime(str(written), "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return None
    told = f"{then:%H:%M}" if not day else f"{date_told(str(written)[:10])}, {then:%H:%M} UTC"
    return el("time", told, datetime=str(written))


def date_told(day: str, *, weekday: bool = False) -> str:
    """`25 Nov`, `Wed 25 Nov`; the text itself if it is no date."""
    try:
        then = datetime.strptime(day, "%Y-%m-%d")
    except ValueError:
        return day
    told = f"{then.day} {_MONTHS[then.month - 1]}"
    return f"{_WEEKDAYS[then.weekday()]} {told}" if weekday else told


def lasted(seconds: Any) -> str:
    """`0.08 s`, `12.4 s`, `3 min 5 s`, `1 h 4 min`; empty for none, and for what was not run."""
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not seconds:
        return ""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def command(line: str, why: str = "") -> Markup:
    """A command to be copied: one tap selects all of it."""
    said = el("pre", el("code", line), class_="command")
    return el("div", el("p", why, class_="why") if why else None, said)


def pairs(rows: Iterable[tuple[str, Child]]) -> Markup | None:
    """Names with what they are; those without are left away."""
    told = [el("div", el("dt", name), el("dd", value)) for name, value in rows if value]
    return el("dl", told, class_="pairs") if told else None


def coded(text: str) -> Markup:
    """Text in which what stands between backticks is code, as our hints write commands."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return join(text)
    return join(*(el("code", part) if place % 2 else part for place, part in enumerate(parts)))


def row(title: Child, below: Child, status: Markup) -> Markup:
    """What a task is, with a quiet line under it, and how it stands at the right."""
    return join(
        el("span", el("span", title, class_="what"), el("span", below, class_="when")),
        status,
    )


def error(told: Mapping[str, Any] | None) -> Markup | None:
    """Why a task did not succeed, where, how to mend it and who does."""
    if not told:
        return None
    return el(
        "div",
        el("p", coded(told["message"]), class_="message"),
        el("p", el("code", told["place"])) if told.get("place") else None,
        el("pre", told["excerpt"], class_="excerpt") if told.get("excerpt") else None,
        el("p", el("b", "How to mend it: "), coded(told["hint"])) if told.get("hint") else None,
        el("p", WHO_ACTS[told["action"]], " ", el("span", f"Code {told['code']}", class_="quiet")),
        class_="error",
    )


def checks(found: Sequence[Mapping[str, Any]]) -> Markup | None:
    """Expectations with what came of them."""
    if not found:
        return None
    rows = [
        el(
            "li",
            tag("success" if one["passed"] else "failed", "met" if one["passed"] else "not met"),
            el(
                "span",
                el("code", one["name"]),
                " expected ",
                el("code", one["expected"]),
                ", was ",
                el("code", one["actual"]),
            ),
        )
        for one in found
    ]
    return el("ul", rows, class_="checks")


def logs(found: Sequence[Mapping[str, Any]]) -> list[Markup]:
    """The end of each log, folded."""
    told = []
    for one in found:
        lines = str(one["tail"]).count("\n") + 1
        size = figures.size(one["bytes"])
        title = f"{one['name']}: the last {figures.counted(lines, 'line')} of {size}"
        told.append(fold(title, el("pre", one["tail"], class_="log")))
    return told


def changes(groups: Sequence[Mapping[str, Any]], *, soon: bool, most_open: int = 0) -> list[Markup]:
    """Files by what is done with them, folded."""
    words = _SOON if soon else _DONE
    told: list[Markup] = []
    for group in groups:
        first = group["first"]
        more = group["files"] - len(first)
        items = [el("li", el("code", path)) for path in first]
        if more:
            items.append(el("li", f"and {more:,} more", class_="quiet"))
        said = f"{figures.counted(group['files'], 'file')} {words[group['action']]}"
        kind = f"fold {group['action']}"
        told.append(
            fold(said, el("ul", items, class_="paths"), class_=kind, open_=len(told) < most_open)
        )
    return [el("div", told, class_="folds")] if told else []


def causes(found: Mapping[str, Any], shown: int) -> list[Markup]:
    """What the validator found, the worst first; what is beyond `shown` is folded."""
    items = [
        el(
            "li",
            el(
                "p",
                el("b", one["severity"], class_=f"grade {one['severity']}"),
                " ",
                coded(one["message"]),
            ),
            el(
                "p",
                el("code", one["source"]) if one["source"] else None,
                el("span", f" on {figures.counted(one['pages'], 'page')}"),
                class_="quiet",
            ),
            el("p", coded(one["hint"]), class_="quiet") if one["hint"] else None,
        )
        for one in found["causes"]
    ]
    told: list[Markup] = [el("ul", items[:shown], class_="causes")] if items else []
    if items[shown:]:
        more = figures.counted(len(items) - shown, "more cause")
        told.append(fold(f"{more}", el("ul", items[shown:], class_="causes")))
    if found["more"]:
        told.append(
            el("p", f"And {figures.counted(found['more'], 'cause')} beyond these.", class_="quiet")
        )
    return told


def tally(counts: Mapping[str, int]) -> Markup:
    """`0 errors`, `3 warnings`, … side by side."""
    return el(
        "ul",
        [
            el("li", el("b", f"{number:,}"), el("span", f" {kind}" + ("" if number == 1 else "s")))
            for kind, number in counts.items()
        ],
        class_="tally",
    )


def inline(*parts: Child) -> Markup:
    """Parts with a middle dot between them; empty ones are left away."""
    there = [part for part in parts if part]
    return join(*(join(" · " if place else None, part) for place, part in enumerate(there)))

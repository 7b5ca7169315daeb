"""Charts as inline SVG. Their words stand beside them in HTML, where they can be read at any width;
what is drawn is told to those who do not see it by a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workflow.report.markup import Markup, el

_WIDTH = 336.0
_HEIGHT = 96.0
_GAP = 2.0
_LEAST = 3.0
"""Height of the smallest part of a column, so that one failure among a hundred is seen."""


def columns(days: Sequence[Mapping[str, Any]], label: str) -> Markup:
    """A column a day: what succeeded below, what failed above it in outline, told apart by form as
    well as by colour."""
    step = _WIDTH / max(len(days), 1)
    wide = min(max(step - _GAP, 1.0), 24.0)
    most = max((day["succeeded"] + day["failed"] for day in days), default=0) or 1
    room = _HEIGHT - 4
    drawn: list[Markup] = []
    for place, day in enumerate(days):
        left = place * step + (step - wide) / 2
        top = _HEIGHT
        if not (day["succeeded"] or day["failed"]):
            drawn.append(_box(left, _HEIGHT - 1.5, wide, 1.5, "nil"))
        for kind in ("succeeded", "failed"):
            if not day[kind]:
                continue
            tall = max(day[kind] / most * (room - _LEAST * 2), _LEAST)
            top -= tall
            drawn.append(_box(left, top, wide, tall, kind))
            top -= 1.5
    return _svg(_WIDTH, _HEIGHT, drawn, label, "columns")


def _box(x: float, y: float, width: float, height: float, kind: str) -> Markup:
    # The outline of a failure is drawn inside its box.
    inset = 0.75 if kind == "failed" else 0.0
    return el(
        "rect",
        x=_n(x + inset),
        y=_n(y + inset),
        width=_n(width - 2 * inset),
        height=_n(max(height - 2 * inset, 0.5)),
        rx=1.5,
        class_=kind,
    )


def dots(runs: Sequence[Mapping[str, Any]], median: float, label: str) -> Markup:
    """Durations of runs, the oldest left: a dot for one that succeeded, a cross for one that
    failed, and a line at the median."""
    width, height, edge = 160.0, 44.0, 5.0
    most = max(max((float(run["seconds"]) for run in runs), default=0.0), median) or 1.0

    def level(seconds: float) -> float:
        return height - edge - (height - 2 * edge) * seconds / most

    step = (width - 2 * edge) / max(len(runs) - 1, 1)
    middle = _n(level(median))
    drawn = [el("line", x1=0, y1=middle, x2=_n(width), y2=middle, class_="median")]
    for place, run in enumerate(runs):
        x, y = edge + place * step, level(float(run["seconds"]))
        if run["well"]:
            drawn.append(el("circle", cx=_n(x), cy=_n(y), r=2.2, class_="dot"))
        else:
            arm = 2.6
            cross = (
                f"M{_n(x - arm)} {_n(y - arm)}L{_n(x + arm)} {_n(y + arm)}"
                f"M{_n(x - arm)} {_n(y + arm)}L{_n(x + arm)} {_n(y - arm)}"
            )
            drawn.append(el("path", d=cross, class_="cross"))
    return _svg(width, height, drawn, label, "dots")


def _svg(width: float, height: float, drawn: Sequence[Markup], label: str, kind: str) -> Markup:
    return el(
        "svg",
        drawn,
        class_=f"chart {kind}",
        viewBox=f"0 0 {_n(width)} {_n(height)}",
        role="img",
        aria_label=label,
        focusable="false",
    )


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


_CHECK = "M7.2 12.4l3.3 3.3 6.3-7"
_CROSS = "M8.5 8.5l7 7m0-7l-7 7"
SHAPES: Mapping[str, tuple[str, str]] = {
    # A solid disc, an octagon, a ring, a bar …: told apart without colour.
    "success": ("disc", _CHECK),
    "well": ("disc", _CHECK),
    "failed": ("octagon", _CROSS),
    "timeout": ("octagon", "M12 7.5v5l3 2"),
    "cancelled": ("ring", "M8 12h8"),
    "rejected": ("ring", "M8 12h8"),
    "you": ("disc", "M12 7v6m0 3.6v.2"),
    "waits": ("ring", "M10 9v6m4-6v6"),
    "running": ("dashes", "M10.2 8.4l5.4 3.6-5.4 3.6z"),
    "silent": ("ring", "M12 7.5v5l3 2"),
    "new": ("dashes", ""),
}
_BODIES: Mapping[str, tuple[str, Mapping[str, str | float]]] = {
    "disc": ("circle", {"cx": 12, "cy": 12, "r": 11}),
    "ring": ("circle", {"cx": 12, "cy": 12, "r": 10}),
    "dashes": ("circle", {"cx": 12, "cy": 12, "r": 10}),
    "octagon": ("path", {"d": "M7.6 1.5h8.8l6.1 6.1v8.8l-6.1 6.1H7.6l-6.1-6.1V7.6z"}),
}


def shape(status: str) -> Markup:
    """The sign of a status. The word stands beside it, so it says nothing to a screen reader."""
    body, stroke = SHAPES.get(status, ("ring", ""))
    name, attributes = _BODIES[body]
    drawn = [el(name, class_="body", **attributes)]
    if stroke:
        drawn.append(el("path", class_="stroke", d=stroke))
    return el(
        "svg",
        drawn,
        class_=f"shape {body}",
        viewBox="0 0 24 24",
        aria_hidden="true",
        focusable="false",
    )

"""The page in a real Chromium: at the width of a phone and of a desktop, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.program import Program
from tests.report.browser import Page, axe

WIDTHS = (320, 375, 1280)
EVERY_FOLD = "document.querySelectorAll('details').forEach(d => d.open = true)"
SMALL_TARGETS = """
[...document.querySelectorAll('a, summary')].filter(e => e.checkVisibility()).map(e => {
  const box = e.getBoundingClientRect();
  return [e.textContent, Math.round(box.width), Math.round(box.height)];
}).filter(([, width, height]) => height < 44 || width < 44)
"""
TOO_WIDE = """
[...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect();
  return box.width && (box.right > innerWidth + 1 || box.left < -1);
}).map(e => e.outerHTML.slice(0, 200))
"""


@pytest.fixture(scope="session")
def pages(busy: Program) -> list[Path]:
    """The page about all, that of the task that failed, and that of the one that waits."""
    (waiting,) = (busy.root / "tasks/waiting").glob("*.md")
    failed = max((busy.root / "tasks/failed").glob("*hugo-build-dev.md"))
    for task in (waiting, failed):
        assert busy("report", task.stem).code == 0
    return [busy.root / "results/report.html", *sorted((busy.root / "results/report").iterdir())]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_fit_ask_for_nothing_and_complain_of_nothing(
    browser: Page, pages: list[Path], width: int, dark: bool
) -> None:
    for page in pages:
        browser.show(page, width, dark=dark)
        assert browser.tell("document.documentElement.scrollWidth") == width
        assert browser.tell("innerWidth") == width
        assert browser.tell(TOO_WIDE) == []
        assert browser.tell(SMALL_TARGETS) == []
        browser.tell(EVERY_FOLD)
        assert browser.tell("document.documentElement.scrollWidth") == width
        assert browser.tell(TOO_WIDE) == []
        assert browser.requests == [page.as_uri()]
        assert browser.complaints == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_the_pages_are_accessible(browser: Page, pages: list[Path], width: int, dark: bool) -> None:
    script = axe()
    for page in pages:
        browser.show(page, width, dark=dark, script=True)  # for axe's own timers
        browser.tell(EVERY_FOLD)
        browser.tell(script + ";0")
        found: dict[str, Any] = browser.tell("axe.run()")
        told = [
            f"{rule['id']}: {rule['help']}: {node['html'][:200]} {node['failureSummary'][:300]}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]
        assert told == []
        assert "color-contrast" in {rule["id"] for rule in found["passes"]}


def test_dark_and_light_are_two_grounds(browser: Page, pages: list[Path]) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    seen = []
    for dark in (False, True):
        browser.show(pages[0], 375, dark=dark)
        seen.append(browser.tell(ground))
    assert seen == ["rgb(247, 246, 243)", "rgb(20, 21, 25)"]


def test_one_tap_selects_the_whole_command(browser: Page, pages: list[Path]) -> None:
    browser.show(pages[0], 375)
    told = browser.tell(
        "(() => { const e = document.querySelector('.you .command');"
        " getSelection().selectAllChildren(e);"
        " return [getComputedStyle(e).userSelect, getSelection().toString().trim()]; })()"
    )
    assert told[0] == "all" and told[1].startswith("workflow approve 2") and "\n" not in told[1]


def test_charts_are_drawn_and_have_names(browser: Page, pages: list[Path]) -> None:
    browser.show(pages[0], 375)
    charts = browser.tell(
        "[...document.querySelectorAll('svg[role=img]')].map(e => [e.getAttribute('aria-label'),"
        " [...e.children].every(c => { const b = c.getBoundingClientRect(), s ="
        " e.getBoundingClientRect(); return b.width > 0 && b.left >= s.left - 1 &&"
        " b.right <= s.right + 1 && b.top >= s.top - 1 && b.bottom <= s.bottom + 1 })])"
    )
    assert len(charts) == 4 and all(inside for _, inside in charts)
    assert charts[0][0].startswith("Tasks a day from ") and "Durations of " in charts[1][0]


def test_folds_open_without_script_and_print_shows_what_they_hold(
    browser: Page, pages: list[Path]
) -> None:
    browser.show(pages[0], 1280)
    log = "document.querySelector('details pre.log')"
    assert browser.tell(f"{log}.checkVisibility({{contentVisibilityAuto: true}})") is False
    place = browser.tell(
        f"(() => {{ const s = {log}.closest('details').querySelector('summary');"
        " s.scrollIntoView({block: 'center'}); const b = s.getBoundingClientRect();"
        " return [b.x + b.width / 2, b.y + b.height / 2]; })()"
    )
    for kind in ("mousePressed", "mouseReleased"):
        browser.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1],
                     button="left", clickCount=1)  # fmt: skip
    assert browser.tell(f"{log}.checkVisibility({{contentVisibilityAuto: true}})") is True
    browser.show(pages[0], 1280)
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.tell(f"{log}.getBoundingClientRect().height") > 0
    browser.call("Emulation.setEmulatedMedia", media="")


def test_with_reduced_motion_nothing_moves(browser: Page, pages: list[Path]) -> None:
    browser.show(pages[0], 375)
    mark = "getComputedStyle(document.querySelector('summary'), '::before').transitionDuration"
    assert browser.tell(mark) == "0.15s"
    reduced = {"name": "prefers-reduced-motion", "value": "reduce"}
    browser.call("Emulation.setEmulatedMedia", features=[reduced])
    assert browser.tell(mark) == "0s"

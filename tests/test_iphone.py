"""The success metrics in docs/iphone.md are those of a real run; what asks, Claude Code decides."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.claude.client import Call, bash, make_client, make_stubs, needs_client
from tests.claude.test_client import STUBS, outcome
from tests.landing_page import Recorder, Step, Way, play, rows, to_staging
from workflow.claude.settings import settings
from workflow.config import load_config

PAGE = (Path(__file__).parent.parent / "docs/iphone.md").read_text(encoding="utf-8")
PHONE = 100
"""Characters of a command that a phone's prompt shows."""
WANTED_SECONDS = 120
"""To staging, as the seed plan has it."""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    return play(tmp_path_factory.mktemp("landing") / "demo")


@pytest.fixture(scope="module")
def way(played: Recorder) -> Way:
    return to_staging(played)


def counted(metric: str) -> str:
    row = re.search(rf"^\| {re.escape(metric)} \|[^|]+\|[^|]+\| ([^|]+) \|$", PAGE, re.MULTILINE)
    assert row is not None, metric
    return row[1]


def test_the_table_has_what_a_real_run_gives(way: Way) -> None:
    told = dict(rows(way))
    exact = [name for name in told if not name.startswith("seconds")]
    assert {name: counted(name) for name in exact} == {name: told[name] for name in exact}
    assert way.seconds < WANTED_SECONDS
    assert re.search(r"[\d.]+ s of the machine's; [\d.]+ s with", counted("time to staging"))


def test_one_question_leads_to_staging_and_one_more_to_production(
    played: Recorder, way: Way
) -> None:
    assert len(way.approvals) == 1
    assert [step.words[2] for step in played.steps if step.words[0] == "approve"] == [
        "staging",
        "production",
    ]


def test_the_question_is_short_enough_for_a_phone_and_tells_the_plan(way: Way) -> None:
    (step,) = way.approvals
    assert len(step.line) <= PHONE
    decision, _, reason = step.hooked.partition(": ")
    assert decision == "ask"
    assert reason.startswith("Publish to staging? 10 new")
    shown = [
        re.sub(r"[0-9a-f]{8}|\d+\.\d+\.\d+\.\d+:\d+", "", line) for line in reason.splitlines()
    ]
    page = re.sub(r"[0-9a-f]{8}|\d+\.\d+\.\d+\.\d+:\d+", "", PAGE)
    assert "\n".join(shown) in page, "what docs/iphone.md shows of the prompt"


def calls_of(way: Way, folder: Path) -> dict[str, Call]:
    """What Claude Code does for each step that is its own."""
    calls: dict[str, Call] = {}
    for step in way.of_claude:
        if step.is_written:
            path = folder / "tasks/pending/2026-01-19-1430-content-create-summer.md"
            calls[step.line] = ("Write", {"file_path": str(path), "content": "---\n---\n"})
        else:
            calls[step.line] = bash(step.line)
    return calls


@needs_client
def test_claude_codes_own_client_asks_for_the_approval_alone(way: Way, tmp_path: Path) -> None:
    root = tmp_path / "exchange"
    (root / "tasks/pending").mkdir(parents=True)
    (root / "workflow.yaml").write_text("version: 1\n")
    wanted = settings(load_config(root))
    del wanted["hooks"]
    (root / ".claude").mkdir()
    (root / ".claude/settings.json").write_text(json.dumps(wanted))
    client = make_client(root, make_stubs(tmp_path / "stubs", STUBS))
    client.trust()
    calls = calls_of(way, root)
    told = client.session("go on", list(calls.values()))
    came = {
        line: "ran" if call[0] == "Write" and "created" in said else outcome(said)
        for (line, call), said in zip(calls.items(), told, strict=True)
    }
    approvals = {step.line for step in way.approvals}
    assert {line for line, what in came.items() if what == "asked"} == approvals
    assert {what for line, what in came.items() if line not in approvals} == {"ran"}


def test_the_story_is_told_by_steps_that_the_page_names(way: Way) -> None:
    """The conversation in the page runs the same verbs in the same order, mending aside."""
    verbs = [
        step.words[:2] if step.words[0] == "submit" else step.words[:1] for step in _plain(way)
    ]
    table = PAGE.split("## The landing page")[1].split("## Counted")[0]
    named = [
        ("submit", words.split()[1]) if words.startswith("submit") else (words.split()[0],)
        for words in re.findall(r"`workflow ([^`]+)`", table)
        if not words.startswith("demo")
    ]
    named.insert(1, ("submit", "content-create"))
    until = named.index(("approve",)) + 1
    assert named[:until] == verbs
    assert "content-create" in table


def _plain(way: Way) -> list[Step]:
    """Without the timer, and without the broken template and its mending."""
    return [step for step in way.of_claude if step.words[0] not in ("show", "retry", "plan")]

"""The real Claude Code with our tools: it starts them, uses them, and asks its person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.claude.client import Client, make_client, make_programs, needs_client
from tests.program import Program, make_exchange
from tests.tools_server.test_approving import change, effects, nothing_came_of_it, planned

pytestmark = needs_client

PLUGINS = Path(__file__).parents[1] / "plugins"
PAGE = Path(__file__).parents[2] / "docs/mcp.md"
ALLOWED = ("--allowedTools", "mcp__workflow", "--mcp-config", ".mcp.json")


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """The client in an exchange, to which our server was added for all who work there."""
    program = make_exchange(tmp_path)
    change(program, "first")
    programs = make_programs(tmp_path / "bin")
    path = programs / "workflow"
    path.write_text(path.read_text().replace("PYTHONPATH=", f"PYTHONPATH={PLUGINS}:"))
    client = make_client(program.root, programs)
    client.trust()
    added = client("mcp", "add", "workflow", "--scope", "project", "--", "workflow", "mcp")
    assert added.code == 0, added.err
    return client


def test_it_submits_a_task_and_reads_the_envelope(client: Client) -> None:
    program = Program(client.folder)
    documented = PAGE.read_text().split("```json\n")[1].split("```")[0]
    assert json.loads((client.folder / ".mcp.json").read_text()) == json.loads(documented)
    submit = ("mcp__workflow__submit", {"type": "noop", "wait": 30})
    wrong = ("mcp__workflow__show", {"id": "none"})

    submitted, shown = client.session("go", [submit, wrong], *ALLOWED)

    told = json.loads(submitted)
    assert told["ok"] and told["data"]["status"] == "success"
    task = program("show", told["data"]["task_id"], "--json").data["task"]
    assert task["created_by"] == "claude-code"
    assert shown.startswith("error: there is no task 'none'")


def test_where_nobody_sits_before_it_nothing_is_approved(client: Client) -> None:
    program = Program(client.folder)
    plan = planned(program)
    (told,) = client.session("go", [("mcp__workflow__approve", plan)], *ALLOWED)
    assert told.startswith("error: the person gave no answer: nothing was approved")
    assert f"workflow approve {plan['id']} staging {plan['digest']}" in told
    nothing_came_of_it(program, plan)


def test_the_question_that_it_asks_is_ours_and_its_answer_counts(client: Client) -> None:
    """A hook of the owner's stands in for the person: without a terminal the client shows none."""
    program = Program(client.folder)
    plan = planned(program)
    answer = {"hookEventName": "Elicitation", "action": "accept", "content": {"approve": True}}
    said = json.dumps({"hookSpecificOutput": answer})
    hook = {"type": "command", "command": f"cat > asked.json; echo '{said}'"}
    folder = client.folder / ".claude"
    folder.mkdir()
    hooks = {"hooks": {"Elicitation": [{"hooks": [hook]}]}}
    (folder / "settings.json").write_text(json.dumps(hooks))

    calls = [("mcp__workflow__approve", {**plan, "wait": 30})]
    (told,) = client.session("go", calls, *ALLOWED)

    assert json.loads(told)["data"]["status"] == "success", told
    assert effects(program) == 1
    asked = json.loads((client.folder / "asked.json").read_text())
    assert asked["mcp_server_name"] == "workflow"
    assert asked["message"].startswith("Run release? 1 changed, 0 deleted\nto the folder live\n")

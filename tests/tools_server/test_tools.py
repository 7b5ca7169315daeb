"""The tools: what a model is told of them, and what they answer."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.program import Program
from tests.tools_server.client import ERAS, Era, Told, Tools, call, talk
from workflow.cli import COMMANDS
from workflow.errors import Exit, WorkflowError
from workflow.reply import Reply
from workflow.tools_server.answers import LARGEST, as_envelope, as_text
from workflow.tools_server.arguments import check
from workflow.tools_server.tools import LONGEST_WAIT, TOOLS, WAIT_SECONDS

MOST_CHARACTERS = 8_000
"""Of all definitions together: what every session with us pays."""


async def definitions(tools: Tools) -> list[dict[str, Any]]:
    listed = await tools.client.list_tools()
    return [tool.model_dump(by_alias=True, exclude_none=True) for tool in listed.tools]


@pytest.mark.parametrize("era", ERAS)
def test_all_definitions_together_stay_small(program: Program, era: Era) -> None:
    told = talk(program, definitions, era=era)
    assert {tool["name"] for tool in told} == set(TOOLS) <= set(COMMANDS)
    assert len(json.dumps(told, ensure_ascii=False, separators=(",", ":"))) < MOST_CHARACTERS
    for tool in told:
        assert len(tool["description"]) < 160


def test_the_page_names_every_tool_and_every_end_of_a_question() -> None:
    page = (Path(__file__).parents[2] / "docs/mcp.md").read_text()
    named = page.split("## The tools\n")[1].split(". Each calls")[0]
    assert {word.strip(" \n`") for word in named.split(",")} == set(TOOLS)
    for code in ("declined", "not_answered", "needs_phrase", "cannot_ask", "stale_plan"):
        assert f"`{code}`" in page
    assert f"{MOST_CHARACTERS:,} characters" in page and f"{LARGEST:,}" in page
    assert f"after {LONGEST_WAIT} seconds" in page and f"after {WAIT_SECONDS}:" in page


def test_a_client_is_told_which_tools_only_look(program: Program) -> None:
    hints = {tool["name"]: tool["annotations"] for tool in talk(program, definitions)}
    ends = {name for name, said in hints.items() if said.get("destructiveHint")}
    assert ends == {"publish", "approve", "reject", "cancel", "rollback"}
    changes = {name for name, said in hints.items() if not said["readOnlyHint"]}
    assert changes == ends | {"submit", "retry"}
    again = {name for name, said in hints.items() if said.get("idempotentHint")}
    assert again == {"reject", "cancel"}


@pytest.mark.parametrize("era", ERAS)
def test_a_site_is_built_waited_for_verified_and_shown(program: Program, era: Era) -> None:
    async def scene(tools: Tools) -> None:
        built = await tools(
            "submit", type="hugo-build", env="staging", params={"minify": False},
            request="build it", description="as tools", wait=50,
        )  # fmt: skip
        assert not built.failed, built.text
        task_id = built.data["task_id"]
        assert task_id.endswith("hugo-build-as-tools")
        assert built.envelope["schema"] == "workflow/1" and built.envelope["ok"]
        assert built.text.startswith(task_id) and "success" in built.text
        assert (await tools("wait", ids=[task_id])).data["status"] == "success"
        shown = await tools("show", id=task_id)
        assert shown.data["result"]["outputs"]["file_count"] > 0
        assert shown.data["task"]["params"]["minify"] is False
        assert shown.data["task"]["context"]["user_request"] == "build it"
        assert shown.data["task"]["created_by"] == "Test-Client", "no person wrote it"
        assert "## Statistics" in shown.text
        assert (await tools("verify", id="latest")).data["verdict"] == "proceed_to_deploy"
        assert (await tools("logs", id=task_id, tail=5)).data["log"]
        listed = await tools("list", type="hugo-build", limit=1)
        assert [one["task_id"] for one in listed.data["tasks"]] == [task_id]
        status = await tools("status", brief=True)
        assert status.data["counts"]["completed"] == 1

    talk(program, scene, era=era)


def test_an_answer_is_the_envelope_of_the_command(program: Program) -> None:
    task_id = program.submit("noop")
    program("sweep")

    async def scene(tools: Tools) -> dict[str, Told]:
        return {
            "show": await tools("show", id=task_id),
            "verify": await tools("verify", id=task_id),
            "types noop": await tools("types", type="noop"),
            "templates hugo-build": await tools("templates", type="hugo-build"),
            "list": await tools("list"),
        }

    for words, told in talk(program, scene).items():
        wanted = [task_id] if words in ("show", "verify") else []
        assert told.envelope == program(*words.split(), *wanted, "--json").json, words


def test_texts_and_values_reach_the_task_as_they_are(program: Program) -> None:
    """What YAML would read as something else stays what it was."""
    body = "# Hello\n\nkey: [not yaml\n\u2028 \u0085 \U0001f600 'quotes'\n"
    text = "# not a comment: {x}\n"
    params = {"path": "posts/no.md", "front_matter": {"title": "no", "on": ["1"]}, "body": text}

    async def scene(tools: Tools) -> list[Told]:
        first = await tools("submit", type="content-create", params=params, body=body)
        assert not first.failed, first.text
        return [first, await tools("show", id=first.data["task_id"])]

    submitted, shown = talk(program, scene)
    said = shown.data["task"]["params"]
    assert {name: said[name] for name in params} == params
    written = (program.root / submitted.data["path"]).read_text()
    assert written.endswith(body)


def test_decisions_of_a_model_say_no_and_again(program: Program) -> None:
    async def scene(tools: Tools) -> None:
        first = (await tools("submit", type="noop")).data["task_id"]
        assert (await tools("cancel", id=first)).data["status"] == "cancelled"
        assert (await tools("cancel", id=first)).code == "already_ended"
        second = (await tools("submit", type="noop")).data["task_id"]
        no = await tools("reject", id=second, reason="not on a Friday")
        assert no.data == {"task_id": second, "status": "rejected", "reason": "not on a Friday"}
        again = await tools("retry", id=first, wait=50)
        assert again.data["retry_of"] == first and again.data["status"] == "success"
        listed = await tools("rollback", env="staging", list=True)
        assert (listed.failed, listed.code) == (True, "no_deploy_target")
        assert (await tools("publish", env="staging")).code == "no_deploy_target"
        dry = await tools("submit", type="hugo-build", env="dev", then=["noop"], dry_run=True)
        assert [one["task_id"][16:] for one in dry.data["tasks"]] == ["hugo-build-dev", "noop"]

    talk(program, scene)


def test_the_same_key_gives_the_same_task(program: Program) -> None:
    async def scene(tools: Tools) -> list[Told]:
        same = [await tools("submit", type="noop", key="monday") for _ in range(2)]
        other = await tools("submit", type="noop", key="monday", body="something else")
        return [*same, other]

    first, second, third = talk(program, scene)
    assert first.data["task_id"] == second.data["task_id"]
    assert (third.failed, third.code) == (True, "idempotency_conflict")


WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("submit", {}, "bad_arguments", "needs 'type'"),
    ("submit", {"type": 7}, "bad_arguments", "type must be a text"),
    ("submit", {"type": "noop", "params": []}, "bad_arguments", "params must be an object"),
    ("submit", {"type": "noop", "wait": 600}, "bad_arguments", "from 0 to 110"),
    ("submit", {"type": "noop", "wait": True}, "bad_arguments", "wait must be a number"),
    ("submit", {"type": "noop", "priority": "hihg"}, "bad_arguments", "did you mean: high"),
    ("submit", {"type": "noop", "then": [1]}, "bad_arguments", "a list of texts"),
    ("submit", {"type": "noop", "body": "a\0b"}, "bad_arguments", "NUL"),
    ("submit", {"type": "noop", "params": {"a": ["\0"]}}, "bad_arguments", "NUL"),
    ("submit", {"type": "noop", "from": "/etc/passwd"}, "bad_arguments", "takes no 'from'"),
    ("submit", {"type": "hugo-bild"}, "unknown_type", "did you mean: hugo-build"),
    ("submit", {"type": "hugo-build", "env": "stagin"}, "no_such_environment", "staging"),
    (
        "submit",
        {"type": "hugo-build", "params": {"minfy": True}},
        "unknown_parameter",
        "minify",
    ),
    ("submit", {"type": "noop", "after": ["2026-01-01"]}, "no_such_task", "workflow list"),
    ("show", {"id": "2026-01-01-0000-none"}, "no_such_task", "no task"),
    ("show", {"ids": ["latest"]}, "bad_arguments", "did you mean: id?"),
    ("wait", {"ids": []}, "bad_arguments", "must not be empty"),
    ("list", {"limit": 0}, "bad_arguments", "from 1 to 200"),
    ("logs", {"id": "latest", "tail": -1}, "bad_arguments", "at least 0"),
    ("templates", {"type": "hugo-bild"}, "no_such_template", "hugo-build"),
    ("cancel", {"id": "../../etc"}, "no_such_task", "no task"),
    ("plan", {"id": "latest"}, "no_such_task", "waits for approval"),
    ("validate", {"text": "x", "name": "../x y.md"}, "invalid_task", "cannot be"),
]
"""A tool, what it is given, the code of the error, and what is said."""


def test_what_is_wrong_is_told_with_code_reason_and_way_out(program: Program) -> None:
    async def scene(tools: Tools) -> list[Told]:
        return [await tools(name, **given) for name, given, _, _ in WRONG]

    for (name, given, code, said), told in zip(WRONG, talk(program, scene), strict=True):
        assert (told.failed, told.code) == (True, code), (name, given, told.text)
        assert said in told.text
        assert told.envelope["ok"] is False and told.envelope["error"]["hint"]


def test_arguments_that_are_null_are_not_given(program: Program) -> None:
    told = call(program, "list", state=None, type=None, limit=3)
    assert not told.failed, told.text


def test_half_a_surrogate_pair_and_endless_nesting_are_refused() -> None:
    deep: Any = []
    for _ in range(50):
        deep = [deep]
    for params, said in (({"a": "\ud800"}, "surrogate"), ({"a": deep}, "nested too deeply")):
        with pytest.raises(WorkflowError, match=said):
            check("submit", {"type": "noop", "params": params})


def test_a_tool_that_there_is_not_is_an_error_of_the_protocol(program: Program) -> None:
    from mcp import MCPError

    async def scene(tools: Tools) -> str:
        with pytest.raises(MCPError) as caught:
            await tools("submitt", type="noop")
        return str(caught.value)

    assert "did you mean submit?" in talk(program, scene)


def test_a_task_file_is_checked_before_it_is_written(program: Program) -> None:
    good = "---\ntask_type: hugo-build\nparams: {environment: staging}\n---\nBuild it.\n"
    bad = good.replace("hugo-build", "hugo-bild").replace("params", "parms")

    async def scene(tools: Tools) -> list[Told]:
        return [await tools("validate", text=text) for text in (good, bad, "no front matter")]

    fine, wrong, none = talk(program, scene)
    assert not fine.failed and fine.data["files"][0]["valid"]
    assert (wrong.failed, wrong.code) == (True, "invalid_task")
    assert "hugo-build" in wrong.text and "new-task.md:2:" in wrong.text
    assert none.failed
    assert list((program.root / "tasks/pending").glob("*.md")) == []


# -- how long answers may be ---------------------------------------------------------------------


def test_long_answers_are_cut_with_the_way_to_the_rest(program: Program) -> None:
    for number in range(150):
        text = f"---\ntask_type: noop\ncontext: {{user_request: {'long ' * 40}}}\n---\n"
        program.write(f"2026-01-01-0000-noop-{number:03}.md", text)
    listed = call(program, "list", limit=200)
    assert len(listed.text) < 8_000
    assert "all of it: workflow list --limit 200 --json" in listed.text
    assert len(json.dumps(listed.envelope)) <= LARGEST
    assert "data.tasks (" in listed.envelope["warnings"][-1]


def test_whatever_a_reply_holds_its_answer_is_short_and_can_be_sent() -> None:
    deep: dict[str, Any] = {"name": "\udcff" * 5_000}
    for _ in range(8):
        deep = {"in": [deep] * 3, "\udcfe": "x" * 100}
    error = WorkflowError("defect", "y" * 90_000, Exit.DEFECT, hint="z" * 90_000)
    reply = Reply({"deep": deep}, text="\udcff line\n" * 9_000, error=error, rest="workflow show x")
    reply.next = [("workflow show x", "see")]
    text, envelope = as_text(reply), as_envelope(reply)
    assert len(text) < 8_000 and "[" in text and "workflow show x" in text
    assert len(json.dumps(envelope)) <= LARGEST + 1_000
    assert envelope["next"] == [{"cmd": "workflow show x", "why": "see"}]
    assert envelope["error"]["code"] == "defect"
    text.encode()
    json.dumps(envelope, ensure_ascii=False).encode()


def test_several_calls_go_on_at_once(program: Program) -> None:
    first = program.submit("noop", "--priority", "low")

    async def scene(tools: Tools) -> list[str]:
        ended = []

        async def do(name: str, **given: Any) -> None:
            await tools(name, **given)
            ended.append(name)

        waiting = asyncio.create_task(do("wait", ids=[first], timeout=50, until="done"))
        await asyncio.sleep(0.3)
        await asyncio.gather(*(do("status") for _ in range(5)), do("submit", type="noop", wait=30))
        await waiting
        return ended

    ended = talk(program, scene)
    assert ended.count("status") == 5
    assert ended.index("wait") > 4, "who only looks does not queue behind who waits"

"""Approval by elicitation: the person decides, whatever model, client and content try."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest

from tests.endurance.warm import Warm
from tests.program import CONFIG, Program, make_exchange
from tests.test_approvals_end_to_end import Quick
from tests.test_publish import Live
from tests.tools_server.by_hand import heard, say, serving, use
from tests.tools_server.client import ERAS, Era, Person, Told, Tools, talk, who
from workflow.approval import ELICITED, ELICITED_PHRASE, WITH_PHRASE
from workflow.cli import Place
from workflow.commands.approve import ask
from workflow.demo.place import set_stage
from workflow.plans import read_plan
from workflow.tools_server.approving import ask_text

PHRASE = "DEPLOY TO PRODUCTION"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with set_stage(tmp_path / "exchange") as stage:
        config = stage.root / "workflow.yaml"
        config.write_text(config.read_text().replace("waive:", "# waive:"))
        yield Live(stage.root, stage)


@pytest.fixture
def site(tmp_path: Path, warm: Warm) -> Program:
    """An exchange with a page to publish by `release`, whose effects are counted."""
    program = Quick(make_exchange(tmp_path).root, warm)
    change(program, "first")
    return program


def change(program: Program, text: str, name: str = "index.html") -> None:
    page = program.root / "content" / name
    page.parent.mkdir(exist_ok=True)
    page.write_text(text)


def planned(program: Program, env: str = "staging") -> dict[str, str]:
    """What the tool approve takes for a release that waits."""
    task_id = program.submit("release", "--env", env)
    assert program("sweep").code == 0
    stored = read_plan(program.exchange, task_id)
    assert stored is not None
    return {"id": task_id, "env": env, "digest": stored.planned.digest[:8]}


def asks(
    program: Program, person: Person | None, era: Era = "legacy", **more: Any
) -> tuple[dict[str, str], Told]:
    """Approve a release; what was asked for, and what that came to."""
    plan = planned(program, more.pop("env", "staging"))
    environ = more.pop("environ", {})
    told = talk(
        program, lambda tools: tools("approve", **plan, **more), person=person, era=era, **environ
    )
    return plan, told


def effects(program: Program) -> int:
    path = program.root / "effects.log"
    return len(path.read_text().split()) if path.exists() else 0


def nothing_came_of_it(program: Program, plan: dict[str, str]) -> None:
    assert list((program.root / ".workflow/approvals").iterdir()) == []
    assert program("sweep").code == 0
    assert program.states(plan["id"]) == ["waiting"]
    assert effects(program) == 0


# -- a person says yes ---------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
def test_a_site_is_published_once_the_person_has_seen_the_facts_and_said_yes(
    live: Live, era: Era
) -> None:
    person = who("accept", approve=True)

    async def scene(tools: Tools) -> tuple[Told, Told, Told]:
        asked = await tools("publish", env="staging", wait=50, request="put it on staging")
        plan = await tools("plan", id=asked.data["task_id"])
        given = {"id": asked.data["task_id"], "env": "staging", "digest": plan.data["digest"]}
        assert live.visited("/") is None, "nobody has agreed yet"
        return asked, plan, await tools("approve", **given, wait=50)

    asked, plan, approved = talk(live, scene, person=person, era=era)

    assert (asked.failed, asked.code) == (False, "needs_approval"), asked.text
    assert not approved.failed and approved.envelope["ok"], approved.text
    assert live.visited("/") is not None
    (question,) = person.asked
    assert question.message.startswith(f"Publish to staging? {plan.data['summary']}")
    for fact in (
        plan.data["target"],
        plan.data["digest"][:8],
        "15 minutes and once",
        " more files",
    ):
        assert fact in question.message
    assert question.requested_schema["properties"]["approve"]["default"] is False
    approval = live.result(asked.data["task_id"])["outputs"]["approval"]
    assert approval["through"] == "elicitation"
    assert approval["digest"] == plan.data["digest"] and approval["by"] and approval["at"]


@pytest.mark.parametrize("era", ERAS)
def test_where_a_phrase_is_wanted_the_person_types_it_into_the_form(
    site: Program, era: Era
) -> None:
    person = who("accept", phrase=PHRASE)
    plan, told = asks(site, person, era, env="production", wait=50)
    assert told.envelope["ok"], told.text
    assert effects(site) == 1
    approval = site.result(plan["id"])["outputs"]["approval"]
    assert (approval["way"], approval["through"]) == ("approved", "elicitation-phrase")
    (question,) = person.asked
    assert list(question.requested_schema["properties"]) == ["phrase"]
    assert "default" not in question.requested_schema["properties"]["phrase"]
    journal = "".join(path.read_text() for path in site.journal.iterdir())
    assert '"through":"elicitation-phrase"' in journal.replace(" ", "")


def test_a_yes_alone_does_not_stand_in_for_a_phrase_that_is_wanted_later(site: Program) -> None:
    plan, told = asks(site, who("accept", approve=True))
    assert told.data["approval"]["through"] == ELICITED not in WITH_PHRASE
    config = site.root / "workflow.yaml"
    config.write_text(CONFIG.replace("approval: approve", "approval: phrase"))
    assert site("sweep").code == 0
    assert site.states(plan["id"]) == ["waiting"], "its owner asks for more by now"
    assert effects(site) == 0
    assert ELICITED_PHRASE in WITH_PHRASE


def test_what_is_approved_already_is_not_asked_again(site: Program) -> None:
    plan = planned(site)
    person = who("accept", approve=True)

    async def twice(tools: Tools) -> list[Told]:
        return [await tools("approve", **plan), await tools("approve", **plan)]

    first, second = talk(site, twice, person=person)
    assert first.data["approval"] == second.data["approval"]
    assert "as it was before" in second.text
    assert len(person.asked) == 1


# -- anything but a yes --------------------------------------------------------------------------


def answers(
    site: Program, plan: dict[str, str], era: Era, people: list[Person]
) -> list[str | None]:
    """What became of the question, as each of them answered it; none of that approved anything."""
    person = Person(lambda question: people.pop(0).does(question))
    count = len(people)

    async def scene(tools: Tools) -> list[Told]:
        return [await tools("approve", **plan) for _ in range(count)]

    came = talk(site, scene, person=person, era=era)
    assert all(told.failed and "nothing was approved" in told.text for told in came)
    assert len(person.asked) == count
    nothing_came_of_it(site, plan)
    return [told.code for told in came]


@pytest.mark.parametrize("era", ERAS)
def test_anything_but_an_accepted_yes_approves_nothing(site: Program, era: Era) -> None:
    people = {
        "cancel": who("cancel"),
        "cancel, and yes": who("cancel", approve=True),
        "nothing": who("accept"),
        "untouched": who("accept", approve=False),
        "text": who("accept", approve="true"),
        "a number": who("accept", approve=1),
        "something else": who("accept", yes=True),
        "decline, and yes": who("decline", approve=True),
    }
    came = answers(site, planned(site), era, list(people.values()))
    assert came == ["not_answered"] * 2 + ["declined"] * 6


@pytest.mark.parametrize("era", ERAS)
def test_a_wrong_phrase_approves_nothing(site: Program, era: Era) -> None:
    wrong = ["deploy to production", f"{PHRASE} ", "", "yes", True, PHRASE.replace("O", "\u041e")]
    people = [who("accept", phrase=typed, approve=True) for typed in wrong]
    people += [who("accept", approve=True), who("decline", phrase=PHRASE)]
    came = answers(site, planned(site, "production"), era, people)
    assert came == ["needs_phrase"] * 7 + ["declined"]


@pytest.mark.parametrize("era", ERAS)
def test_without_elicitation_the_person_is_told_the_command_for_a_terminal(
    site: Program, era: Era
) -> None:
    plan, told = asks(site, None, era)
    assert (told.failed, told.code) == (True, "cannot_ask")
    assert f"workflow approve {plan['id']} staging {plan['digest']}" in told.text
    nothing_came_of_it(site, plan)


def test_a_client_that_fails_at_asking_approves_nothing(site: Program) -> None:
    async def breaks(_: types.ElicitRequestFormParams) -> types.ElicitResult:
        raise RuntimeError("no screen")

    plan, told = asks(site, Person(breaks))
    assert (told.failed, told.code) == (True, "cannot_ask"), told.text
    nothing_came_of_it(site, plan)


@pytest.mark.parametrize(
    "shell",
    [{"CLAUDECODE": "1"}, {"CLAUDE_PROJECT_DIR": "/x", "CLAUDE_CODE_CHILD_SESSION": "1"}],
)
def test_from_claudes_own_shell_nobody_is_asked(site: Program, shell: dict[str, str]) -> None:
    person = who("accept", approve=True)
    plan, told = asks(site, person, environ=shell)
    assert (told.failed, told.code) == (True, "cannot_ask")
    assert person.asked == [], "a script of the model's would have said yes to itself"
    nothing_came_of_it(site, plan)


def test_after_a_no_the_same_plan_is_not_asked_about_again(site: Program) -> None:
    plan = planned(site)
    person = who("decline")

    async def insists(tools: Tools) -> list[str | None]:
        return [(await tools("approve", **plan)).code for _ in range(3)]

    assert talk(site, insists, person=person) == ["declined"] * 3
    assert len(person.asked) == 1, "a model does not wear its person down"


def test_one_plan_is_asked_about_once_at_a_time(site: Program) -> None:
    plan = planned(site)
    seen = asyncio.Event()

    async def reads(_: types.ElicitRequestFormParams) -> types.ElicitResult:
        await seen.wait()
        return types.ElicitResult(action="accept", content={"approve": True})

    person = Person(reads)

    async def both(tools: Tools) -> tuple[Told, Told]:
        first = asyncio.create_task(tools("approve", **plan))
        while not person.asked:
            await asyncio.sleep(0.02)
        second = await tools("approve", **plan)
        seen.set()
        return await first, second

    first, second = talk(site, both, person=person)
    assert (first.code, second.code) == (None, "already_asked")
    assert len(person.asked) == 1


# -- what changes meanwhile ----------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
def test_a_yes_to_content_that_has_changed_meanwhile_counts_for_nothing(
    site: Program, era: Era
) -> None:
    async def while_reading(_: types.ElicitRequestFormParams) -> types.ElicitResult:
        change(site, "second")
        return types.ElicitResult(action="accept", content={"approve": True})

    plan, told = asks(site, Person(while_reading), era)
    assert (told.failed, told.code) == (True, "stale_plan"), told.text
    nothing_came_of_it(site, plan)


@pytest.mark.parametrize("era", ERAS)
def test_a_yes_to_a_plan_that_another_took_the_place_of_counts_for_nothing(
    site: Program, era: Era
) -> None:
    async def while_reading(question: types.ElicitRequestFormParams) -> types.ElicitResult:
        change(site, "second")
        plan_id = next(iter((site.root / ".workflow/plans").glob("*.jsonl"))).stem
        assert site("plan", plan_id, "--fresh").code == 0
        return types.ElicitResult(action="accept", content={"approve": True})

    plan, told = asks(site, Person(while_reading), era)
    assert (told.failed, told.code) == (True, "stale_plan"), told.text
    nothing_came_of_it(site, plan)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"digest": "00000000"}, "stale_plan"),
        ({"digest": "0"}, "bad_digest"),
        ({"env": "production"}, "wrong_environment"),
        ({"id": "2026-01-01-0000-none"}, "no_such_task"),
    ],
)
def test_a_model_that_names_another_plan_gets_nobody_asked(
    site: Program, wrong: dict[str, str], code: str
) -> None:
    plan = planned(site)
    person = who("accept", approve=True)
    told = talk(site, lambda tools: tools("approve", **{**plan, **wrong}), person=person)
    assert (told.failed, told.code) == (True, code)
    assert person.asked == []


def test_a_question_that_is_given_up_approves_nothing_and_leaves_the_tools_alive(
    site: Program,
) -> None:
    plan = planned(site)
    let_go = asyncio.Event()

    async def never(_: types.ElicitRequestFormParams) -> types.ElicitResult:
        await let_go.wait()
        return types.ElicitResult(action="accept", content={"approve": True})

    person = Person(never)

    async def gives_up(tools: Tools) -> Told:
        asking = asyncio.create_task(tools("approve", **plan))
        while not person.asked:
            await asyncio.sleep(0.02)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await asyncio.sleep(0.3)
        let_go.set()  # an answer that comes too late
        await asyncio.sleep(0.3)
        return await tools("show", id=plan["id"])

    assert talk(site, gives_up, person=person).data["waits_for"] == "approval"
    nothing_came_of_it(site, plan)


def test_an_answer_serves_the_question_that_was_asked_once_and_no_other(site: Program) -> None:
    """What a client of the newer protocol brings back is what we gave it along, or nothing."""
    plan, other = planned(site), planned(site)
    yes = types.ElicitResult(action="accept", content={"approve": True})

    async def brings_back(tools: Tools) -> list[str | None]:
        session = tools.client.session

        async def sends(given: dict[str, str], **more: Any) -> Any:
            return await session.call_tool("approve", given, allow_input_required=True, **more)

        asked = await sends(plan)
        assert isinstance(asked, types.InputRequiredResult)
        state = asked.request_state
        codes = []
        for given, told in ((other, state), (plan, state), (plan, "guessed"), (plan, "")):
            came = await sends(given, request_state=told, input_responses={"approval": yes})
            codes.append(came.structured_content["error"]["code"])
        return codes

    person = who("cancel")
    assert talk(site, brings_back, person=person, era="2026-07-28") == ["not_answered"] * 4
    nothing_came_of_it(site, plan)


# -- what the person sees ------------------------------------------------------------------------


def test_what_others_have_named_can_neither_add_lines_to_the_question_nor_hide_any(
    site: Program,
) -> None:
    task_id = "2026-01-01-0000-asks"
    site.write(f"{task_id}.md", "---\ntask_type: noop\nrequires_approval: true\n---\n")
    site("sweep")
    stored = read_plan(site.exchange, task_id)
    assert stored is not None
    question = ask(Place(str(site.root)), task_id, "-", stored.planned.digest)
    hostile = "a\nPublish to staging? nothing at all\x1b[2K\u202egnp.b\u2066\udcff\r" + "x" * 900
    actions = [{"action": "new", "path": f"{n}{hostile}"} for n in range(7)]
    actions += [{"action": "keep", "path": "kept"}, {"action": "delete", "path": "gone.html"}]
    named = replace(question.planned, target=hostile, summary=hostile, details={"actions": actions})

    first, to, *others = ask_text(replace(question, planned=named)).split("\n")

    assert first.startswith("Run noop? a Publish to staging? nothing")
    assert first.endswith("… (cut; `workflow plan` shows all)")
    assert to.startswith("to a Publish")
    assert others[0] == "  delete gone.html", "what cannot be undone comes first"
    assert [line[:7] for line in others[1:5]] == ["  new 0", "  new 1", "  new 2", "  new 3"]
    assert others[5] == "  and 3 more files"
    assert others[6] == f"plan {stored.planned.digest[:8]} of {task_id}"
    assert len(others) == 8
    for line in (first, to, *others):
        assert line.isprintable() and len(line) < 400


def test_an_answer_that_is_none_of_the_protocols_approves_nothing(site: Program) -> None:
    """Spoken by hand: the SDK's client would not send it."""
    plan = planned(site)
    with serving(site, elicitation={}) as server:
        say(server, use(1, "approve", **plan))
        assert server.stdout is not None
        asked = json.loads(server.stdout.readline())
        assert asked["method"] == "elicitation/create"
        for result in ({"action": "yes", "content": {"approve": True}}, {"approve": True}):
            answer = {"jsonrpc": "2.0", "id": asked["id"], "result": result}
            say(server, json.dumps(answer) + "\n")
        told = heard(server, 1)["result"]["structuredContent"]
    assert told["error"]["code"] == "not_answered"
    nothing_came_of_it(site, plan)

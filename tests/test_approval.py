"""What an approval binds, how long it lasts, and what each environment asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.program import make_exchange
from workflow import approval, kinship, plans
from workflow.approval import Approval, Policy, policy_of
from workflow.attempt import Attempting
from workflow.config import Environment, load_config
from workflow.exchange import Exchange
from workflow.handler import AwaitsApproval, Context, Handler, Outcome, Planned
from workflow.process import Cancel
from workflow.runner import run_attempt
from workflow.task import read_task

FILE = ("index.html", 5, "a" * 64)
OTHER = ("über uns/a+b.html", 7, "b" * 64)
GIVEN: dict[str, Any] = {
    "kind": "hugo-deploy-staging",
    "environment": "staging",
    "target": {"bucket": "klmcrm.com", "prefix": ""},
    "params": {"force": False},
    "manifest": [FILE, OTHER],
}
PLANNED = Planned(digest="c" * 64, environment="staging", target="s3://b", summary="1 new")


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return make_exchange(tmp_path).exchange


def make(**changes: Any) -> Approval:
    made = approval.make_approval("t", "release", PLANNED, through="command", minutes=15)
    return replace(made, **changes)


# -- the digest --------------------------------------------------------------------------------


def test_a_digest_is_made_as_its_documentation_says() -> None:
    text = json.dumps(
        [
            "workflow/approval/1", GIVEN["kind"], GIVEN["environment"], GIVEN["target"],
            GIVEN["params"], [list(OTHER), list(FILE)],
        ],
        sort_keys=True, separators=(",", ":"), ensure_ascii=True,
    )  # fmt: skip
    assert approval.digest(**GIVEN) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "hugo-deploy-production"},
        {"environment": None},
        {"target": {"bucket": "klmcrm.com", "prefix": "blog/"}},
        {"target": {"bucket": "klmcrm.com"}},
        {"params": {"force": True}},
        {"params": {"force": 0}},
        {"manifest": [FILE]},
        {"manifest": [FILE, FILE, OTHER]},
        {"manifest": [FILE, (*OTHER[:2], "c" * 64)]},
        {"manifest": [FILE, (OTHER[0], 8, OTHER[2])]},
        {"manifest": [FILE, ("uber uns/a+b.html", *OTHER[1:])]},
        {"manifest": [FILE, (*OTHER, "gzip")]},
        {"manifest": [[*FILE, *OTHER]]},
        {"manifest": [('index.html",5', 5, "a" * 64), OTHER]},
    ],
)
def test_anything_that_is_bound_changes_the_digest(changed: dict[str, Any]) -> None:
    assert approval.digest(**{**GIVEN, **changed}) != approval.digest(**GIVEN)


def test_the_order_of_files_and_keys_does_not() -> None:
    turned = {**GIVEN, "manifest": iter([OTHER, list(FILE)]), "target": {"prefix": "", "bucket":
              "klmcrm.com"}}  # fmt: skip
    assert approval.digest(**turned) == approval.digest(**GIVEN)


def test_a_name_that_is_no_text_can_be_bound() -> None:
    assert approval.digest(**{**GIVEN, "manifest": [("\udce4", 1, "a" * 64)]})


def test_what_json_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError):
        approval.digest(**{**GIVEN, "params": {"when": object()}})


_files = st.lists(st.tuples(st.text(max_size=6), st.integers(0, 9), st.text(max_size=3)))


@given(_files, _files)
def test_two_contents_share_a_digest_only_if_they_are_the_same(a: Any, b: Any) -> None:
    same = approval.digest("k", None, {}, {}, a) == approval.digest("k", None, {}, {}, b)
    assert same == (sorted(a) == sorted(b))


# -- the policy --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said", "required", "policy"),
    [
        ("dev", None, False, "none"),
        ("development", None, False, "none"),
        ("local", None, False, "none"),
        ("qa", None, False, "approve"),
        ("staging", None, False, "approve"),
        ("production", None, False, "approve"),
        (None, None, False, "approve"),
        ("dev", "phrase", False, "phrase"),
        ("production", "none", False, "none"),
        ("production", "none", True, "approve"),
        ("dev", None, True, "approve"),
        ("production", "phrase", True, "phrase"),
    ],
)
def test_what_an_environment_asks_for(
    name: str | None, said: Policy | None, required: bool, policy: Policy
) -> None:
    environment = Environment(base_url="http://localhost/", approval=said)
    assert policy_of(name, environment, required=required) == policy


# -- how long it lasts -------------------------------------------------------------------------


def test_an_approval_lives_for_its_minutes() -> None:
    assert make().is_live()
    assert make().note()["digest"] == PLANNED.digest


def test_a_clock_that_was_set_back_a_little_takes_nothing_from_it() -> None:
    assert make(at="2999-01-01T00:00:00Z", expires_at="2999-01-01T00:15:00Z").is_live()


DEAD: dict[str, dict[str, Any]] = {
    "its time is over": {"expires_at": "2026-01-01T00:00:00Z"},
    "it begins later, by the clock of a boot that is over": {
        "at": "2999-01-01T00:00:00Z",
        "expires_at": "2999-01-01T00:15:00Z",
        "boot": "another",
    },
    "so much has passed since boot": {"expires_since_boot": 1.0},
}


@pytest.mark.parametrize("why", DEAD)
def test_an_approval_is_over_if(why: str) -> None:
    assert not make(**DEAD[why]).is_live()


def test_of_another_boot_only_the_clock_tells() -> None:
    assert make(boot="another", expires_since_boot=0.0).is_live()
    assert not make(boot="another", expires_at="2026-01-01T00:00:00Z").is_live()


@pytest.mark.parametrize(
    ("through", "policy", "enough"),
    [
        ("terminal", "approve", True),
        ("claude-code", "approve", True),
        ("command", "phrase", False),
        ("claude-code", "phrase", False),
        ("phrase", "phrase", True),
        ("witnessed", "phrase", True),
    ],
)
def test_the_way_of_an_approval_is_to_be_that_of_the_policy(
    through: str, policy: Policy, enough: bool
) -> None:
    assert make(through=through).satisfies(policy) == enough


def test_a_clock_that_was_set_back_does_not_prolong_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given = make()
    later = kinship.since_boot() + 16 * 60
    monkeypatch.setattr(kinship, "since_boot", lambda: later)
    assert not given.is_live()


# -- its file ----------------------------------------------------------------------------------


def test_an_approval_is_given_once_read_and_used_up(exchange: Exchange) -> None:
    given = make(reason="looked at it")
    assert approval.read_approval(exchange, "t") is None
    assert approval.give_approval(exchange, given)
    assert not approval.give_approval(exchange, replace(given, by="another")), "it is not replaced"
    assert approval.read_approval(exchange, "t") == given
    assert approval.use_up_approval(exchange, "t")
    assert not approval.use_up_approval(exchange, "t")
    assert approval.read_approval(exchange, "t") is None


def _written(exchange: Exchange, raw: bytes) -> Approval | None:
    Path(exchange.path(".workflow/approvals/t.json")).write_bytes(raw)
    return approval.read_approval(exchange, "t")


@pytest.mark.parametrize(
    "damage",
    [
        lambda said: {**said, "task_id": "other"},
        lambda said: {**said, "digest": "short"},
        lambda said: {**said, "digest": None},
        lambda said: {**said, "at": 1},
        lambda said: {**said, "expires_since_boot": "for ever"},
        lambda said: {k: v for k, v in said.items() if k != "expires_at"},
        lambda said: [said],
        lambda said: None,
    ],
)
def test_a_file_that_is_no_approval_of_this_task_is_none(
    exchange: Exchange, damage: Callable[[dict[str, Any]], Any]
) -> None:
    said = asdict(make())
    assert _written(exchange, json.dumps(said).encode()) is not None
    assert _written(exchange, json.dumps(damage(said)).encode()) is None
    assert _written(exchange, b"\xff") is None


# -- plans -------------------------------------------------------------------------------------


def test_a_plan_is_kept_with_the_task_that_it_is_of(exchange: Exchange) -> None:
    planned = replace(PLANNED, changed=3, details={"actions": [{"path": "ü"}]})
    plans.write_plan(exchange, "t", "release", {"b": 1, "a": None}, planned)
    short = plans.read_plan(exchange, "t")
    assert short is not None
    assert short.planned == replace(planned, details={})
    whole = plans.read_plan(exchange, "t", details=True)
    assert whole is not None
    assert whole.planned == planned
    assert short.is_of("release", {"a": None, "b": 1})
    assert not short.is_of("release", {"a": None, "b": 2})
    assert not short.is_of("noop", {"a": None, "b": 1})
    assert plans.planned_ids(exchange) == {"t"}
    plans.forget(exchange, "t")
    assert plans.read_plan(exchange, "t") is None
    plans.forget(exchange, "t")


@pytest.mark.parametrize("raw", [b"", b"{}\n", b"[]\n", b"{\n", b'{"planned": {}}\n', b"\xff\n"])
def test_a_plan_that_cannot_be_read_is_none(exchange: Exchange, raw: bytes) -> None:
    Path(exchange.path(".workflow/plans/t.jsonl")).write_bytes(raw)
    assert plans.read_plan(exchange, "t") is None


# -- a handler and its point of no return ------------------------------------------------------


def _ran(folder: Path, run: Callable[[Context], Outcome], **how: Any) -> Any:
    program = make_exchange(folder)
    task, _ = read_task(b"---\ntask_type: noop\n---\n", "t", load_config(program.root))
    task = replace(task, handler=cast(Handler, SimpleNamespace(run=run)))
    config = load_config(program.root)
    return run_attempt(task, Attempting(1, folder / "logs", "worker", config, Cancel(), **how))


def test_a_handler_whose_plan_nobody_agreed_to_comes_back_with_it(tmp_path: Path) -> None:
    def run(context: Context) -> Outcome:
        context.approve(PLANNED)
        raise AssertionError("it must not come so far")

    came = _ran(tmp_path, run)
    assert isinstance(came, AwaitsApproval)
    assert came.planned == PLANNED


@pytest.mark.parametrize("agreed", [False, True])
def test_a_handler_that_waits_of_its_own_accord_is_broken(tmp_path: Path, agreed: bool) -> None:
    def run(context: Context) -> Outcome:
        if agreed:
            context.approve(PLANNED)
        raise AwaitsApproval(PLANNED, "so there")

    came = _ran(tmp_path, run, approve=lambda *_: {"way": "none"})
    assert came.error.code == "handler_defect"


def test_a_handler_passes_its_point_of_no_return_once(tmp_path: Path) -> None:
    def run(context: Context) -> Outcome:
        context.approve(PLANNED)
        context.approve(PLANNED)
        raise AssertionError("it must not come so far")

    came = _ran(tmp_path, run, approve=lambda *_: {"way": "approved", "by": "mark", "through": "x"})
    assert came.error.code == "handler_defect"
    assert came.outputs["approval"]["by"] == "mark", "who agreed is told of what failed too"

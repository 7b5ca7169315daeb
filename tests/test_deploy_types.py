"""Each environment has a deploy of its own, and a task of that type reaches no other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.program import CONFIG, Program
from workflow import document

QA = '  qa: {base_url: "https://qa.example.com/"}\n'
BUILDS = "---\ntask_type: hugo-deploy-{}\n{}---\n"


def params_of(program: Program, task_id: str) -> dict[str, Any]:
    raw = (program.root / f"tasks/pending/{task_id}.md").read_bytes()
    params: dict[str, Any] = document.parse(raw).data["params"]
    return params


@pytest.mark.parametrize("words", [[], ["--env", "production"]])
def test_a_deploy_is_for_the_environment_of_its_type(program: Program, words: list[str]) -> None:
    task_id = program.submit("hugo-deploy-production", *words)
    assert params_of(program, task_id)["environment"] == "production"
    assert task_id.endswith("hugo-deploy-production")


def test_a_deploy_for_another_environment_is_refused(program: Program) -> None:
    asked = program("submit", "hugo-deploy-production", "--env", "staging", "--json")
    assert (asked.code, asked.json["error"]["code"]) == (2, "usage")
    assert "hugo-deploy-staging" in asked.json["error"]["hint"]
    said = program("submit", "hugo-deploy-production", "environment=staging", "--json")
    assert said.code == 2
    assert program.exchange.names("pending") == []


def test_a_task_file_names_no_other_environment_than_its_type_s(program: Program) -> None:
    path = program.write(
        "other.md", BUILDS.format("production", "params:\n  environment: staging\n")
    )
    checked = program("validate", str(path), "--json")
    (problem,) = checked.data["files"][0]["problems"]
    assert (problem["key"], problem["line"]) == ("params.environment", 4)
    assert problem["message"] == "hugo-deploy-production is for production, not for 'staging'"
    assert "hugo-deploy-staging" in problem["hint"]
    program("sweep")
    assert program.result("other")["error"]["code"] == "invalid_task"


def test_every_environment_of_workflow_yaml_has_its_deploy(program: Program) -> None:
    (program.root / "workflow.yaml").write_text(CONFIG + QA)
    task_id = program.submit("hugo-deploy-qa")
    assert params_of(program, task_id)["environment"] == "qa"
    types = {row["name"]: row for row in program("types", "--json").data["types"]}
    assert types["hugo-deploy-qa"]["environment"] == "qa"
    assert types["hugo-deploy-qa"]["publishes"] is True


def test_an_environment_that_is_not_there_is_met_with_the_nearest(program: Program) -> None:
    asked = program("submit", "hugo-deploy-stagin", "--json")
    assert (asked.code, asked.json["error"]["code"]) == (2, "no_such_environment")
    assert asked.json["error"]["did_you_mean"][0] == "hugo-deploy-staging"
    path = program.write("wrong.md", BUILDS.format("stagin", ""))
    (problem,) = program("validate", str(path), "--json").data["files"][0]["problems"]
    assert (problem["key"], problem["line"]) == ("task_type", 2)
    assert problem["did_you_mean"] == ["hugo-deploy-staging"]


def test_what_follows_a_deploy_is_for_its_environment_too(program: Program) -> None:
    ids = program.submit("hugo-deploy-staging", "--then", "hugo-build").split()
    assert params_of(program, ids[1])["environment"] == "staging"


@pytest.mark.parametrize("environment", ["dev", "staging", "production"])
def test_the_template_of_a_deploy_leaves_it_to_the_owner_who_is_asked(
    program: Program, environment: str
) -> None:
    task_id = program.submit(f"hugo-deploy-{environment}")
    raw = (program.root / f"tasks/pending/{task_id}.md").read_bytes()
    data = document.parse(raw).data
    assert not {"requires_approval", "approval_confirmation", "approval_confirmed"} & set(data)
    assert "uploaded_files" in data["expected_outputs"]
    assert {"http_status": "== 200"} in data["expected_outputs"]


def test_an_approval_in_a_file_is_not_submitted_with_it(program: Program) -> None:
    source = program.root / "mine.md"
    source.write_text("---\ntask_type: noop\napproval: {by: mark}\nparams: {message: hi}\n---\n")
    task_id = program.submit("noop", "--from", str(source))
    raw = (program.root / f"tasks/pending/{task_id}.md").read_bytes()
    assert "approval" not in document.parse(raw).data


def test_a_task_that_is_retried_declares_nothing(program: Program) -> None:
    program.write(
        "first.md",
        "---\ntask_type: noop\napproval: {by: mark}\napproval_confirmed: true\n---\n",
    )
    program("sweep")
    again = program("retry", "first").out.strip()
    data = document.parse((program.root / f"tasks/pending/{again}.md").read_bytes()).data
    assert not data["approval"]
    assert data["approval_confirmed"] is False

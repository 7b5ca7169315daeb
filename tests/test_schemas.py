"""The JSON Schemas say what the files may hold, and the files of ours hold that."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from tests.test_config import CONTRACT
from tests.test_task import FULL, MINIMAL
from tests.test_templates import DEPLOY_PRODUCTION, DEPLOY_STAGING, HUGO_BUILD
from workflow import document, yaml12
from workflow.schemas import DIALECT, SCHEMAS, schema
from workflow.templates import builtin_folder

SEED_RESULT = """\
---
# Result Metadata
task_id: 2026-01-19-1430-hugo-build-staging
task_type: hugo-build
status: success  # or failed
completed_at: 2026-01-19T14:30:45Z
duration_seconds: 12.3
worker_id: hugo-builder-laptop

# Outputs (match expected_outputs in task)
outputs:
  build_success: true
  file_count: 247
  errors: []
  warnings: []
  hugo_version: "0.122.0+extended"
  pages_generated: 24

# Full logs
logs: |
  Building sites …
  hugo v0.122.0+extended
  Total in 12345 ms
---

## Build Summary
Build completed successfully for staging environment.
"""


def errors(name: str, data: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema(name))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(data)]


def matter(text: str) -> dict[str, Any]:
    return document.parse(text.encode()).data


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_of_2020_12_and_plain_json(name: str) -> None:
    assert schema(name)["$schema"] == DIALECT
    jsonschema.Draft202012Validator.check_schema(schema(name))
    assert json.loads(json.dumps(schema(name))) == schema(name)


@pytest.mark.parametrize("text", [FULL, MINIMAL, HUGO_BUILD, DEPLOY_STAGING, DEPLOY_PRODUCTION])
def test_the_examples_of_the_plan_are_tasks(text: str) -> None:
    assert errors("task", matter(text)) == []


def test_the_packaged_templates_are_tasks() -> None:
    for path in builtin_folder().glob("*.md"):
        assert errors("task", matter(path.read_text())) == []


def test_all_forms_that_a_task_may_have_are_in_the_schema() -> None:
    for more in (
        {"after": "one"}, {"after": ["one", "two"]}, {"x-own": [1]}, {"expected_outputs": ["a"]},
        {"expected_outputs": {"a": "integer"}}, {"expected_outputs": [{"a": "integer"}]},
        {"not_before": "2026-01-19T14:30:00Z"}, {"retry": {"max_attempts": 3}},
    ):  # fmt: skip
        assert errors("task", {"task_type": "noop", **more}) == []


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"task_type": 5},
        {"task_type": "noop", "priority": "soon"},
        {"task_type": "noop", "after": 5},
        {"task_type": "noop", "timeout_minutes": 0},
        {"task_type": "noop", "params": []},
        {"task_type": "noop", "retry": {"max_attemps": 3}},
        {"task_type": "noop", "expected_outputs": "a"},
        {"task_type": "noop", "expected_outputs": [5]},
    ],
)
def test_what_is_no_task_is_none_by_the_schema_either(data: dict[str, Any]) -> None:
    assert errors("task", data)


def test_the_example_of_the_contract_is_a_configuration() -> None:
    assert errors("config", yaml12.load(CONTRACT).data) == []


@pytest.mark.parametrize(
    "more",
    [{"version": 2}, {"site": {}}, {"sites": {"a": {}}}, {"policies": {"jobs": 0}},
     {"environments": {"a": {"base_url": "x", "approval": "yes"}}}],
)  # fmt: skip
def test_what_is_no_configuration_is_none_by_the_schema_either(more: dict[str, Any]) -> None:
    assert errors("config", {"version": 1}) == []
    assert errors("config", {"version": 1, **more})


def test_a_result_of_the_plan_lacks_only_when_it_started() -> None:
    assert errors("result", matter(SEED_RESULT)) == ["$: 'started_at' is a required property"]


def test_a_result_that_is_no_success_says_why() -> None:
    data = {**matter(SEED_RESULT), "started_at": "2026-01-19T14:30:33Z"}
    assert errors("result", data) == []
    for status in ("failed", "timeout", "cancelled", "rejected"):
        assert errors("result", {**data, "status": status}) == ["$: 'error' is a required property"]
    said = {
        "code": "hugo_missing_template",
        "category": "template",
        "message": "m",
        "action": "fix",
    }
    assert errors("result", {**data, "status": "failed", "error": said}) == []
    assert errors("result", {**data, "status": "done"})
    for wrong in ({"action": "wait"}, {"code": "No Such"}, {"line": 0}, {"message": None}):
        assert errors("result", {**data, "status": "failed", "error": {**said, **wrong}})

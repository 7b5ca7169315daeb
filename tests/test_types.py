"""What `workflow types` says of each task type is so: its example, its parameters, its outputs."""

from __future__ import annotations

import functools
import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.program import CONFIG, Program, make_exchange
from workflow import document, templates
from workflow.config import Config, load_config
from workflow.handlers import TaskType, all_types, find_type
from workflow.task import build_task

COMMANDS_TOO = """\
forms:
  contact: {id: "123456789012345"}
commands:
  count-words:
    summary: Count the words of a page
    argv: [/usr/bin/wc, -w, [--, "{page}"], "{total}", "{more}"]
    parameters:
      page: {type: path, must_be: file, description: a page of the site}
      total: {type: boolean, words: [--total=never], description: leave the sum away}
      more: {type: choice, choices: [content/_index.md, content/posts/one.md],
             description: another page}
    cwd: site
    outputs: {words: {type: integer, pattern: '^\\s*(\\d+)', description: of the last page}}
    safe_to_repeat: true
"""
OFFLINE = (
    "noop", "hugo-build", "site-validate", "content-create", "content-edit", "git-commit",
    "count-words",
)  # fmt: skip
"""Types that need no system but this machine."""


def known() -> list[str]:
    types = [name for name, kind in all_types().items() if kind.package is None]
    return [*types, "count-words"]


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """With a site, its environments, a form and a command, in which nothing is changed."""
    return make_exchange(tmp_path_factory.mktemp("types"), CONFIG + COMMANDS_TOO)


@pytest.fixture(scope="module")
def config(exchange: Program) -> Config:
    found = load_config(exchange.root)
    assert found.problems == ()
    return found


def kind_of(name: str, config: Config) -> TaskType:
    kind = find_type(name, config)
    assert kind is not None
    return kind


@pytest.fixture(scope="module")
def example(exchange: Program, config: Config) -> Callable[[str], dict[str, Any]]:
    """The front matter of the task that a type's example makes. Nothing is written for it."""

    @functools.cache
    def submitted(name: str) -> dict[str, Any]:
        handler: Any = kind_of(name, config).load()
        assert isinstance(handler.EXAMPLE, tuple), f"{name} needs an EXAMPLE"
        ran = exchange("submit", name, *handler.EXAMPLE, "--dry-run")
        assert ran.code == 0, ran.err
        assert exchange.exchange.names("pending") == []
        return document.parse(ran.out.encode()).data

    return submitted


@pytest.mark.parametrize("name", known())
def test_the_example_of_a_type_is_accepted(
    example: Callable[[str], dict[str, Any]], name: str
) -> None:
    assert example(name)["task_type"] == name


@pytest.mark.parametrize("name", known())
def test_every_parameter_and_every_output_of_a_type_is_described(config: Config, name: str) -> None:
    handler: Any = kind_of(name, config).load()
    properties = handler.Params.model_json_schema()["properties"]
    assert [key for key, told in properties.items() if not told.get("description")] == []
    assert handler.OUTPUTS, f"{name} needs OUTPUTS"
    kinds = {"string", "integer", "number", "float", "boolean", "array", "object", "null"}
    for output, said in handler.OUTPUTS.items():
        kind, _, description = said.partition(": ")
        assert set(kind.split(" or ")) <= kinds, f"{name}: {output}: {said}"
        assert description, f"{name}: {output}"


@pytest.mark.parametrize("name", known())
def test_the_template_of_a_type_is_whole_and_its_checks_are_of_its_outputs(
    exchange: Program, config: Config, example: Callable[[str], dict[str, Any]], name: str
) -> None:
    kind = kind_of(name, config)
    handler: Any = kind.load()
    template = kind.template(exchange.root)
    assert template is not None, f"{name} needs workflow/data/templates/{name}.md"
    assert all(f"## {part}" in template.text for part in ("Task Description",))
    written = template.data.get("params") or {}
    assert set(written) <= set(handler.Params.model_fields)
    filled = {**_without_open(written), **example(name)["params"]}
    read = document.parse(document.compose({**template.data, "params": filled}, template.body))
    task = build_task(read, f"2026-01-19-1430-{name}", config)
    expected = {one.name for one in task.expected}
    assert expected <= {*handler.OUTPUTS, "duration_seconds"}, f"{name} does not give all of these"


def _without_open(params: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in params.items()
        if not templates.is_hint(value) and templates.choices(value) is None
    }


@pytest.mark.parametrize("name", known())
def test_types_shows_all_of_a_type(exchange: Program, config: Config, name: str) -> None:
    kind = kind_of(name, config)
    handler: Any = kind.load()
    shown = exchange("types", name, "--json").data
    assert shown["name"] == name
    assert shown["safe_to_repeat"] is kind.safe_to_repeat
    assert shown["example"] == shlex.join(["workflow", "submit", name, *handler.EXAMPLE])
    assert {output["name"] for output in shown["outputs"]} == set(handler.OUTPUTS)
    named = {parameter["name"] for parameter in shown["parameters"]}
    own = {"environment"} if kind.environment else set()
    assert named == set(handler.Params.model_fields) - own
    assert all(parameter["type"] not in ("", "any") for parameter in shown["parameters"]), shown


@pytest.mark.parametrize("name", ["hugo-build", "count-words"])
def test_what_a_person_reads_of_a_type_is_all_of_it(exchange: Program, name: str) -> None:
    shown, text = exchange("types", name, "--json").data, exchange("types", name)
    assert len(text.out) < 8000 and shown["example"] in text.err
    for key in ("parameters", "outputs"):
        assert all(one["name"] in text.out and one["description"] in text.out for one in shown[key])


def test_types_lists_each_in_its_group_with_one_line(exchange: Program, config: Config) -> None:
    told = exchange("types")
    lines = told.out.splitlines()
    for name, kind in all_types(config).items():
        (line,) = [one for one in lines if one.split()[:1] == [name]]
        assert line.startswith(f"  {name} ") and line.endswith(kind.summary)
    headings = [line for line in lines[1:] if not line.startswith(" ")]
    assert headings.count("Commands of workflow.yaml") == 1
    assert len(headings) == len(set(headings))
    assert "Others" not in headings
    assert len(told.out) < 8000


def test_types_answers_outside_an_exchange_too(exchange: Program, tmp_path: Path) -> None:
    away = Program(tmp_path)
    assert "count-words" not in away("types").out
    assert away("types", "noop").code == 0
    (tmp_path / "workflow.yaml").write_text("version: 9\n")
    assert away("types", "--json").json["error"]["code"] == "bad_config"


def test_who_has_to_agree_is_said(exchange: Program) -> None:
    def asks(name: str) -> str:
        return str(exchange("types", name, "--json").data["asks"])

    assert asks("hugo-deploy-production").endswith("phrase for production.")
    assert asks("hugo-deploy-dev").endswith("none for dev.")
    assert asks("noop").startswith("Asks for no approval")


def test_a_choice_of_figures_is_taken_from_the_command_line(tmp_path: Path) -> None:
    program = make_exchange(
        tmp_path,
        CONFIG + "commands:\n  level: {argv: [/bin/echo, '{of}', '{text}'], parameters: "
        "{of: {type: choice, choices: [1, 2]}, text: {}}}\n",
    )
    task_id = program.submit("level", "--set", "of=2", "--set", "text=1.10")
    program("sweep")
    assert program.result(task_id)["logs"] == "2 1.10\n"


@pytest.mark.parametrize("name", OFFLINE)
def test_a_success_gives_exactly_the_outputs_that_are_named(tmp_path: Path, name: str) -> None:
    program = make_exchange(tmp_path, CONFIG + COMMANDS_TOO)
    kind = kind_of(name, load_config(program.root))
    handler: Any = kind.load()
    _prepare(program, name)
    task_id = program.submit(name, *handler.EXAMPLE)
    program("sweep")
    result = program.result(task_id)
    assert result["status"] == "success", json.dumps(result.get("error"))
    assert set(result["outputs"]) == set(handler.OUTPUTS)
    assert result["verification"]["verdict"] == kind.proceed, result["verification"]


def _prepare(program: Program, name: str) -> None:
    """What the example of a type finds there."""
    if name == "git-commit":
        site = program.root / "site"
        for words in (
            ["init", "-q", "-b", "main"],
            ["config", "user.name", "Somebody"],
            ["config", "user.email", "somebody@example.org"],
            ["add", "."],
            ["commit", "-qm", "The site"],
        ):
            subprocess.run(["git", *words], cwd=site, env=program.environ, check=True)
        (site / "content/posts/one.md").write_text("---\ntitle: One\n---\nThe first, changed.\n")
    if name == "site-validate":
        public = program.root / "site/public"
        public.mkdir()
        (public / "index.html").write_text(
            "<!doctype html><html lang=en><head><meta charset=utf-8><title>Welcome to us all"
            "</title></head><body><h1>Welcome</h1></body></html>"
        )

"""What docs/ says is so: commands and options, links, examples, and tables made from the models."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests import doc_tables
from tests.program import Program
from workflow import document, expectations, yaml12
from workflow.cli import COMMANDS
from workflow.config import load_config
from workflow.schemas import RESULT
from workflow.task import build_task

REPOSITORY = Path(__file__).parent.parent
DOCS = sorted((REPOSITORY / "docs").glob("*.md"))
PAGES = [REPOSITORY / "README.md", REPOSITORY / "deploy/README.md", *DOCS]
NAMES = [str(path.relative_to(REPOSITORY)) for path in PAGES]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<!!)\[(?:[^\]\\]|\\.)*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
OURS = re.compile(r"^(?:\$ )?(?:~/\S*/)?workflow (?=[a-z-])(.*)$", re.MULTILINE)


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def commands(text: str) -> Iterator[list[str]]:
    """The words of every `workflow …` in a text: in blocks, and between backticks."""
    blocks = [block for kind, block in FENCE.findall(text) if kind in ("", "sh")]
    lines = [line for block in blocks for line in OURS.findall(block.replace("\\\n", " "))]
    spans = re.findall(r"`workflow ([^`]+)`", FENCE.sub("", text).replace("\n", " "))
    for words in [*lines, *spans]:
        words = re.split(r"\s[|>&;]{1,2}\s|\\\|", words)[0]
        yield shlex.split(words, comments=True)


@pytest.fixture(scope="module")
def helped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    program = Program(tmp_path_factory.mktemp("help"))
    yield cache(lambda *words: program(*words, "--help").out)


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_no_page_names_a_command_or_an_option_that_is_not_there(path: Path, helped: object) -> None:
    assert callable(helped)
    wrong = []
    for words in commands(text_of(path)):
        while words and words[0].startswith("--root"):
            words = words[1:] if "=" in words[0] else words[2:]
        if not words or words[0] in ("COMMAND", "…"):
            continue
        if words[0].startswith("-"):
            known = helped()
            name, rest = "", words
        else:
            name, rest = words[0], words[1:]
            known = helped(name) if name in COMMANDS else ""
        rest = rest[: rest.index("--")] if "--" in rest else rest
        options = [word.split("=")[0] for word in rest if re.match(r"--?[a-z]", word)]
        told = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", known))
        missing = [option for option in options if option not in told]
        if not known or missing:
            wrong.append((name, missing))
    assert wrong == []


def test_the_reader_of_commands_finds_those_that_are_wrong() -> None:
    text = (
        "`workflow nonsense` and `workflow sweep --never\n--jobs 2`\n"
        "```\n$ workflow list --limit 3   # newest\nother\n```\n"
        "```yaml\nworkflow show: no\n```\n"
    )
    assert list(commands(text)) == [
        ["list", "--limit", "3"],
        ["nonsense"],
        ["sweep", "--never", "--jobs", "2"],
    ]


def anchors(text: str) -> set[str]:
    """The names of a page's headings, as GitHub makes them."""
    found: dict[str, int] = {}
    names = set()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE):
        bare = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        kept = [
            sign
            for sign in bare.strip().lower()
            if sign in "-_ " or unicodedata.category(sign)[0] in ("L", "N", "M")
        ]
        name = "".join(kept).replace(" ", "-")
        times = found.get(name, 0)
        found[name] = times + 1
        names.add(f"{name}-{times}" if times else name)
    return names


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    dead = []
    prose = re.sub(r"`[^`]*`", "", FENCE.sub("", text_of(path)))
    for first, second in LINK.findall(prose):
        link = first or second
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        there = target.exists() and target.is_relative_to(REPOSITORY)
        if not there or (
            anchor and target.suffix == ".md" and anchor not in anchors(text_of(target))
        ):
            dead.append(link)
    assert dead == []


def test_headings_get_the_names_that_github_gives_them() -> None:
    text = (
        "# `environments.NAME.deploy.objects[]`\n## Who acts\n## Who acts\n## A [link](x.md), 1 %\n"
    )
    assert anchors(text) == {
        "environmentsnamedeployobjects",
        "who-acts",
        "who-acts-1",
        "a-link-1-",
    }


def test_the_table_of_contents_has_every_page_once() -> None:
    listed = re.findall(
        r"^\d+\. \[([\w-]+\.md)\]", text_of(REPOSITORY / "docs/README.md"), re.MULTILINE
    )
    assert sorted(listed) == [path.name for path in DOCS if path.name != "README.md"]


@pytest.mark.parametrize("path", DOCS, ids=[path.name for path in DOCS])
def test_tables_of_keys_are_those_of_the_models(path: Path) -> None:
    text = text_of(path)
    assert doc_tables.replaced(text) == text, "run python -m tests.doc_tables"


def test_each_generated_table_stands_in_a_page() -> None:
    everything = "".join(map(text_of, DOCS))
    absent = {"verification", "checks"}  # told in words, beside the verdicts
    marks = set(re.findall(r"<!-- made from the models: (\w+) -->", everything))
    assert marks == doc_tables.tables().keys() - absent


def yaml_blocks(name: str) -> list[str]:
    return [
        block
        for kind, block in FENCE.findall(text_of(REPOSITORY / f"docs/{name}"))
        if kind == "yaml"
    ]


def test_both_whole_configurations_can_be_used_as_they_are(program: Program) -> None:
    whole = [block for block in yaml_blocks("configuration.md") if block.startswith("version:")]
    assert len(whole) == 2
    for block in whole:
        (program.root / "workflow.yaml").write_text(block)
        assert load_config(program.root).problems == ()


def test_every_task_that_is_shown_is_one_that_can_be_run(program: Program) -> None:
    config = load_config(program.root)
    shown = [block for block in yaml_blocks("tasks.md") if "\ntask_type:" in block]
    tasks = [block for block in shown if "\noutputs:" not in block]
    assert len(tasks) == 3
    for block in tasks:
        task = build_task(document.parse(block.encode()), "2026-01-19-1430-shown", config)
        assert task.warnings == () or "task_id says" in task.warnings[0]


def test_the_result_that_is_shown_has_the_keys_of_a_result() -> None:
    (block,) = (block for block in yaml_blocks("tasks.md") if "\noutputs:" in block)
    shown = document.parse(block.encode())
    assert shown.data.keys() <= RESULT["properties"].keys()
    assert set(RESULT["required"]) <= shown.data.keys()


def test_every_condition_that_is_told_is_one(program: Program) -> None:
    table = text_of(REPOSITORY / "docs/tasks.md").split("| condition | holds if")[1]
    rows = table.split("\n\n")[0].splitlines()[2:]
    told = [
        condition for row in rows for condition in re.findall(r"`([^`]+)`", row.split(" | ")[0])
    ]
    assert len(told) > 15
    for condition in told:
        if not condition.startswith("- "):
            written = yaml12.load(condition).data  # as it stands in a file: in quotes or not
            assert expectations.parse([{"output": written}]), condition
    both = [block for block in yaml_blocks("tasks.md") if block.startswith("expected_outputs:")]
    config = load_config(program.root)
    for block in both:
        text = f"---\ntask_type: noop\n{block}---\n"
        assert build_task(document.parse(text.encode()), "shown", config).expected

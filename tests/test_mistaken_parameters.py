"""What a person is told who gets a task's parameters wrong, at the command line and in a file."""

from __future__ import annotations

import pytest

from tests.program import Program

SECTIONS = "sections=[{heading: A, action: delete, text: x}]"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        pytest.param(
            ("content-edit", "path=posts/one.md"),
            "params: says no edit: give one of set, unset, append, replace, sections, append_text",
            "see `workflow types content-edit` for what each parameter takes",
            id="a rule over all of them",
        ),
        pytest.param(
            ("git-commit", "paths=[../x]", "message=m"),
            "params.paths.0: may not hold '..', '.' or an empty part",
            "see `workflow types git-commit` for what each parameter takes",
            id="one entry of a list that may not be empty",
        ),
        pytest.param(
            ("git-commit", "paths=[]", "message=m"),
            "params.paths: must have at least 1 item(s)",
            "see `workflow types git-commit` for what each parameter takes",
            id="an empty list",
        ),
        pytest.param(
            ("content-edit", "path=posts/one.md", SECTIONS),
            "params.sections.0.action: input should be 'replace' or 'append'",
            "see `workflow types content-edit` for what each parameter takes",
            id="a word deep in a list",
        ),
        pytest.param(
            ("content-edit", "path=posts/one.md", "replace=[{old: 5, new: six}]"),
            "params.replace.0.old: input should be a valid string",
            "see `workflow types content-edit` for what each parameter takes",
            id="a number deep in a list",
        ),
        pytest.param(
            ("content-edit", "path=posts/one.md", "replace={old: a, new: b}"),
            "params.replace: must be a list",
            "see `workflow types content-edit` for what each parameter takes",
            id="no list",
        ),
        pytest.param(
            ("content-create", "path=posts/new.md", "front_matter={title: Offer"),
            "params.front_matter: must be a mapping of 'key: value'",
            "it cannot be read as YAML: the brace that is opened here is never closed",
            id="a brace that is not closed",
        ),
    ],
)
def test_submit_says_what_is_wrong_and_where_to_look(
    program: Program, words: tuple[str, ...], message: str, hint: str
) -> None:
    told = program("submit", *words, "--json")
    assert (told.code, told.json["error"]["message"]) == (2, message)
    assert told.json["error"]["hint"] == hint
    assert not list((program.root / "tasks/pending").glob("*.md"))


def test_text_is_taken_for_text_wherever_text_is_asked_for(program: Program) -> None:
    said = program("submit", "noop", "message=5", "--dry-run")
    assert "message: '5'" in said.out
    said = program("submit", "content-create", "path=p.md", "body=[a, b]", "--dry-run")
    assert "body: '[a, b]'" in said.out


def test_of_a_chain_the_link_is_named_that_lacks_something(program: Program) -> None:
    told = program("submit", "noop", "--then", "git-commit", "--json")
    assert "`workflow types git-commit`" in told.json["error"]["hint"]


def test_the_first_sentence_of_a_refused_file_names_the_key_and_the_help_fits(
    program: Program,
) -> None:
    program.write("up.md", "---\ntask_type: content-create\nparams: {path: ../x.md}\n---\n")
    program.write("key.md", "---\ntask_type: noop\nparams:\n  kay: 1\n---\n")
    program.write("soon.md", "---\ntask_type: noop\ntimeout_minutes: soon\n---\n")
    program.write("type.md", "---\ntask_type: nope\n---\n")
    program("sweep")
    results = {name: program.result(name) for name in ("up", "key", "soon", "type")}
    assert {name: one["body"].split("\n\n")[0].strip() for name, one in results.items()} == {
        "up": "The task file up.md cannot be run: params.path: has '..' where a name has to be at "
        "line 3.",
        "key": "The task file key.md cannot be run: params.kay: unknown key at line 4.",
        "soon": "The task file soon.md cannot be run: timeout_minutes: input should be a valid "
        "number, unable to parse string as a number at line 3.",
        "type": "The task file type.md cannot be run: there is no task type 'nope' at line 2.",
    }
    assert results["up"]["error"]["message"] == "params.path: has '..' where a name has to be"
    assert results["up"]["error"]["hint"] == "see `workflow types content-create`"
    assert results["soon"]["error"]["hint"] == "see `workflow schema task`"


def test_the_program_alone_tells_its_commands_and_no_error(program: Program) -> None:
    told = program()
    assert told.code == 2 and told.err.startswith("Usage: workflow ")
    assert "error:" not in told.err and "submit " in told.err

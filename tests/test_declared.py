"""Commands that workflow.yaml declares: what a task can fill in, and all that it cannot."""

from __future__ import annotations

import json
import os
import signal
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.program import CONFIG, Program, make_exchange
from workflow.config import Config, load_config
from workflow.declared import program
from workflow.declared.arguments import arguments
from workflow.errors import Problem
from workflow.handlers import TASK_TYPES, find_type
from workflow.settings.commands import OURS, OURS_TOO, Command, misplaced
from workflow.task import InvalidTask, Task, read_task

HEAD = "version: 1\nsites: {main: {path: site}}\ncommands:\n"
"""Three lines; what follows begins in the fourth."""


def config(root: Path, commands: str) -> Config:
    text = HEAD + textwrap.indent(textwrap.dedent(commands).strip("\n"), "  ") + "\n"
    (root / "workflow.yaml").write_text(text)
    return load_config(root)


def problems(root: Path, commands: str) -> list[Problem]:
    return list(config(root, commands).problems)


def task(found: Config, params: dict[str, Any], name: str = "it") -> Task:
    matter = json.dumps({"task_type": name, "params": params})
    return read_task(f"---\n{matter}\n---\n".encode(), "2026-01-19-1430-it", found)[0]


def refused(found: Config, params: dict[str, Any], name: str = "it") -> list[str]:
    with pytest.raises(InvalidTask) as caught:
        task(found, params, name)
    return [f"{problem.key}: {problem.message}" for problem in caught.value.problems]


def argv(found: Config, **params: Any) -> list[str]:
    """What the program would be given."""
    checked = task(found, params).params
    values = {key: value for key, value in checked if value is not None}
    return arguments(found.commands["it"], values)


# -- what is said of a command when workflow.yaml is read --------------------------------------

WRONG = [
    ("an unknown placeholder", "it: {argv: [a, '{fil}', '{file}'], parameters: {file: {}}}",
     "{fil} is not among `parameters`: did you mean {file}?", "commands.it.argv.1"),
    ("a placeholder without parameters", "it: {argv: [a, '{x}']}",
     "{x} is not among `parameters`, with its type", "commands.it.argv.1"),
    ("a placeholder in the program", "it: {argv: ['tools/{x}'], parameters: {x: {}}}",
     "is the program, which is fixed", "commands.it.argv.0"),
    ("a group in the program's place", "it: {argv: [[a, b]]}",
     "is the program, which is fixed", "commands.it.argv.0"),
    ("an option for a program", "it: {argv: [--help]}", "is no program", "commands.it.argv.0"),
    ("no arguments at all", "it: {argv: []}", "at least 1 item", "commands.it.argv"),
    ("an empty group", "it: {argv: [a, []]}", "an empty group", "commands.it.argv.1"),
    ("a group in a group", "it: {argv: [a, [b, [c]]]}", "must be text", "commands.it.argv.1"),
    ("a truth value", "it: {argv: [a, true]}", "in quotes", "commands.it.argv.1"),
    ("a fraction, which is 1.1 and not 1.10", "it: {argv: [a, 1.10]}", "in quotes",
     "commands.it.argv.1"),
    ("a single brace", "it: {argv: [a, 'x{']}", "write {{ for the sign", "commands.it.argv.1"),
    ("a NUL", 'it: {argv: [a, "\\0"]}', "NUL", "commands.it.argv.1"),
    ("an unused parameter", "it: {argv: [a], parameters: {x: {}}}",
     "is not used: {x} stands nowhere", "commands.it.parameters.x"),
    ("a group that is never left out", "it: {argv: [a, [b, '{x}']], parameters: {x: {default: y}}}",
     "never left out", "commands.it.argv.1"),
    ("an option's name from a task", "it: {argv: [a, '--{x}'], parameters: {x: {}}}",
     "part of the option --", "commands.it.argv.1"),
    ("letters behind a short option", "it: {argv: [a, '-o{x}'], parameters: {x: {}}}",
     "write -o=", "commands.it.argv.1"),
    ("a boolean inside an argument",
     "it: {argv: [a, 'x{b}'], parameters: {b: {type: boolean, words: [-b]}}}",
     "a boolean is an argument by itself", "commands.it.argv.1"),
    ("a boolean without words", "it: {argv: [a, '{b}'], parameters: {b: {type: boolean}}}",
     "needs `words`", "commands.it.parameters.b"),
    ("a choice without choices", "it: {argv: [a, '{c}'], parameters: {c: {type: choice}}}",
     "needs `choices`", "commands.it.parameters.c"),
    ("a default of another type",
     "it: {argv: [a, '{n}'], parameters: {n: {type: integer, default: five}}}",
     "must be a whole number", "commands.it.parameters.n.default"),
    ("a default beyond its bounds",
     "it: {argv: [a, '{n}'], parameters: {n: {type: integer, maximum: 4, default: 5}}}",
     "must be at most 4", "commands.it.parameters.n.default"),
    ("a default that is no choice",
     "it: {argv: [a, '{c}'], parameters: {c: {type: choice, choices: [x], default: z}}}",
     "must be one of x", "commands.it.parameters.c.default"),
    ("a default that its pattern refuses",
     "it: {argv: [a, '{s}'], parameters: {s: {pattern: '[a-z]+', default: ABC}}}",
     "does not match the pattern", "commands.it.parameters.s.default"),
    ("a bad pattern", "it: {argv: [a, '{s}'], parameters: {s: {pattern: '['}}}",
     "is not a regular expression", "commands.it.parameters.s.pattern"),
    ("a key of another type",
     "it: {argv: [a, '{s}'], parameters: {s: {type: date, pattern: x}}}",
     "is for string, not for date", "commands.it.parameters.s.pattern"),
    ("bounds that leave nothing",
     "it: {argv: [a, '{n}'], parameters: {n: {type: integer, minimum: 5, maximum: 4}}}",
     "is more than maximum", "commands.it.parameters.n.minimum"),
    ("lengths that leave nothing",
     "it: {argv: [a, '{s}'], parameters: {s: {min_length: 5, max_length: 4}}}",
     "is more than max_length", "commands.it.parameters.s.min_length"),
    ("a needed text of which no example is known",
     "it: {argv: [a, '{s}'], parameters: {s: {pattern: '[A-Z]{3}'}}}",
     "needs an `example`", "commands.it.parameters.s"),
    ("a name of Python's", "it: {argv: [a, '{copy}'], parameters: {copy: {}}}",
     "cannot be called copy", "commands.it.parameters.copy"),
    ("a name in capitals", "it: {argv: [a, '{X}'], parameters: {X: {}}}",
     "may hold a-z, 0-9 and _ only", "commands.it.parameters.X"),
    ("a site from a task", "it: {argv: [a, '{site_path}'], parameters: {site_path: {}}}",
     "cannot be called site_path", "commands.it.parameters.site_path"),
    ("an environment that is free text",
     "it: {argv: [a, '{environment}'], parameters: {environment: {}}}",
     "must be a choice", "commands.it.parameters.environment"),
    ("an exit code that is none", "it: {argv: [a], exit_codes: {300: retry}}",
     "no exit code from 1 to 255", "commands.it.exit_codes.300"),
    ("another meaning of 0", "it: {argv: [a], exit_codes: {0: fix}}",
     "no exit code from 1 to 255", "commands.it.exit_codes.0"),
    ("an output that is read nowhere", "it: {argv: [a], outputs: {n: integer}}",
     "nothing says how it is read", "commands.it.outputs.n"),
    ("JSON for nothing", "it: {argv: [a], json: whole}", "no output is read", "commands.it.json"),
    ("an output of an unknown type", "it: {argv: [a], json: whole, outputs: {n: int}}",
     "should be 'string', 'integer'", "commands.it.outputs.n.type"),
    ("an output's bad pattern", "it: {argv: [a], outputs: {n: {type: string, pattern: '(['}}}",
     "is not a regular expression", "commands.it.outputs.n.pattern"),
    ("text without a group", "it: {argv: [a], outputs: {n: {type: string, pattern: 'x'}}}",
     "needs a group", "commands.it.outputs.n.pattern"),
    ("a list from a pattern", "it: {argv: [a], outputs: {n: {type: array, pattern: '(x)'}}}",
     "no array", "commands.it.outputs.n.pattern"),
    ("an output that is ours",
     "it: {argv: [a], outputs: {exit_code: {type: integer, pattern: x}}}",
     "cannot be called exit_code", "commands.it.outputs.exit_code"),
    ("a variable that is none", "it: {argv: [a], environment: {pass: [A-B]}}",
     "no name of an environment variable", "commands.it.environment.pass.0"),
    ("a secret in the file", "it: {argv: [a], environment: {set: {MY_TOKEN: abcdefgh123}}}",
     "looks like a secret", "commands.it.environment.set.MY_TOKEN"),
    ("a lock that is none", "it: {argv: [a], exclusive: [A/B]}", "may hold a-z",
     "commands.it.exclusive"),
    ("a key that is not known", "it: {argv: [a], timeout: 5}", "unknown key",
     "commands.it.timeout"),
]  # fmt: skip


@pytest.mark.parametrize(("_", "commands", "message", "key"), WRONG, ids=[w[0] for w in WRONG])
def test_what_is_wrong_is_told_at_its_line_and_stops_no_other_command(
    tmp_path: Path, _: str, commands: str, message: str, key: str
) -> None:
    found = config(tmp_path, commands + "\nwell: {argv: [b]}")
    (problem,) = found.problems
    assert message in problem.message
    assert (problem.key, problem.line) == (key, 4)
    assert problem.column is not None
    assert list(found.commands) == ["well"]
    assert "commands.it" in found.broken


def test_all_that_is_wrong_is_told_at_once_each_at_its_own_line(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
        it:
          argv:
            - tool
            - "{wdth}"
            - [--x, "{y}"]
          parameters:
            width: {type: integer}
            y: {default: z}
          exit_codes: {999: fix}
        """,
    )
    assert [(p.line, p.column, p.key) for p in found] == [
        (7, 9, "commands.it.argv.1"),
        (8, 9, "commands.it.argv.2"),
        (10, 7, "commands.it.parameters.width"),
        (12, 18, "commands.it.exit_codes.999"),
    ]


def test_no_command_takes_the_name_of_a_type_of_ours(tmp_path: Path) -> None:
    command = Command.model_validate({"argv": ["a"]})
    names = ["hugo-deploy-qa", "noop", "mine"]
    assert [place for place, _ in misplaced(dict.fromkeys(names, command), [], [])] == [
        ("hugo-deploy-qa",), ("noop",),
    ]  # fmt: skip
    known = {name for name in TASK_TYPES if not name.startswith(OURS_TOO)}
    assert known <= set(OURS)
    found = config(tmp_path, "noop: {argv: [a]}\nhugo-deploy-qa: {argv: [a]}")
    for name in ("noop", "hugo-deploy-qa"):
        kind = find_type(name, found)
        assert kind is not None and kind.command is None


def test_a_site_and_environments_that_are_nowhere_listed_are_told() -> None:
    written = {
        "argv": ["a", "{environment}"],
        "site": "mian",
        "parameters": {"environment": {"type": "choice", "choices": ["dev", "qa"]}},
    }
    commands = {"it": Command.model_validate(written)}
    assert list(misplaced(commands, ["main"], ["dev"])) == [
        (("it", "site"), "there is no site 'mian'; did you mean main?"),
        (("it", "parameters", "environment", "choices", 1), "there is no environment 'qa'"),
    ]


# -- from values to arguments ------------------------------------------------------------------

ALL = """
it:
  argv: [tool, "{text}", "--as={text}", [--size, "{wide}x{high}"], "{fast}", "{of}", "{day}",
         "{{literal}}", [--ratio, "{ratio}"], "{count}"]
  parameters:
    text: {}
    wide: {type: integer}
    high: {type: integer}
    fast: {type: boolean, words: [--fast, --no-check]}
    of: {type: choice, choices: [a, 2, -b], default: a}
    day: {type: date}
    ratio: {type: number, minimum: 0.25}
    count: {type: integer, default: 3}
"""


def test_values_fill_arguments_and_groups_come_and_go_as_a_whole(tmp_path: Path) -> None:
    found = config(tmp_path, ALL)
    assert found.problems == ()
    least = {"text": "two words; $(rm) `x` *", "day": "2026-01-19"}
    assert argv(found, **least) == [
        "two words; $(rm) `x` *", "--as=two words; $(rm) `x` *", "a", "2026-01-19", "{literal}",
        "3",
    ]  # fmt: skip
    more = {"wide": 10, "high": 20, "fast": True, "of": "-b", "ratio": 0.5}
    assert argv(found, **least, **more)[2:] == [
        "--size", "10x20", "--fast", "--no-check", "-b", "2026-01-19", "{literal}", "--ratio",
        "0.5", "3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"text": "-rf"}, "params.text: must not begin with '-'"),
        ({"text": "-"}, "params.text: must not begin with '-'"),
        ({"text": "a\0b"}, "params.text: holds the control character U+0000"),
        ({"text": "a\nb"}, "params.text: holds the control character U+000A"),
        ({"text": "a\x1b[2J"}, "params.text: holds the control character U+001B"),
        ({"text": "a\u2028b"}, "params.text: holds the control character U+2028"),
        ({"text": "\x9b1m"}, "params.text: holds the control character U+009B"),
        ({"text": ""}, "params.text: must have 1 to 1000 characters, and has 0"),
        ({"text": "x" * 1001}, "params.text: must have 1 to 1000 characters, and has 1001"),
        ({"text": ["-rf", "/"]}, "params.text: input should be a valid string"),
        ({"text": {"a": "b"}}, "params.text: input should be a valid string"),
        ({"text": None}, "params.text: input should be a valid string"),
        ({}, "params.text: the key 'text' is missing"),
        ({"wide": 1}, "params.high: is needed together with wide"),
        ({"wide": 1.5, "high": 1}, "params.wide: input should be a valid integer"),
        ({"wide": True, "high": 1}, "params.wide: input should be a valid integer"),
        ({"wide": 10**30, "high": 1}, "params.wide: is too large a number"),
        ({"ratio": 0.1}, "params.ratio: must be at least 0.25"),
        ({"ratio": ".inf"}, "params.ratio: input should be a valid number"),
        ({"fast": "yes"}, "params.fast: input should be a valid boolean"),
        ({"of": "c"}, "params.of: input should be 'a', '2' or '-b'"),
        ({"of": 2}, "params.of: input should be 'a', '2' or '-b'"),
        ({"day": "tomorrow"}, "params.day: must be a date: 2026-01-19"),
        ({"day": "2026-02-30"}, "params.day: must be a date: 2026-01-19"),
        ({"day": "2026-W01-1"}, "params.day: must be a date: 2026-01-19"),
        ({"count": -5}, "params.count: must not begin with '-'"),
        ({"more": "x"}, "params.more: unknown key"),
        ({"argv": ["sh"]}, "params.argv: unknown key"),
    ],
)
def test_what_is_no_such_value_is_refused_before_anything_runs(
    tmp_path: Path, params: dict[str, Any], said: str
) -> None:
    found = config(tmp_path, ALL)
    given = {"text": "x", "day": "2026-01-19", **params}
    if not params:
        del given["text"]
    (problem,) = refused(found, given)
    assert problem.startswith(said)


def test_a_dash_may_follow_a_fixed_double_dash_or_a_fixed_option(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        """
        it: {argv: [a, "--x={x}", "-j{j}", --, "{y}"],
             parameters: {x: {}, y: {}, j: {type: integer, minimum: 1}}}
        maybe: {argv: [a, [--, "{x}"], "{y}"], parameters: {x: {}, y: {}}}
        """,
    )
    assert found.problems == ()
    assert argv(found, x="-rf", y="--force", j=4) == ["--x=-rf", "-j4", "--", "--force"]
    assert task(found, {"x": "-f", "y": "-g"}, "maybe").params
    assert refused(found, {"y": "-g"}, "maybe") == [
        "params.y: must not begin with '-': the program would see an option in it"
    ]


@given(st.text(min_size=1, max_size=30))
def test_a_value_is_one_argument_or_refused(text: str) -> None:
    command = Command.model_validate(
        {"argv": ["a", "{x}", "--o={x}", "--", "{x}", "end"], "parameters": {"x": {}}}
    )
    if command.parameters["x"].fault(text) is None:
        assert arguments(command, {"x": text}) == [text, f"--o={text}", "--", text, "end"]
    else:
        assert any(ord(sign) < 32 or ord(sign) > 126 for sign in text)


def test_a_pattern_that_takes_for_ever_refuses_the_value(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        "it: {argv: [a, '{x}'], parameters: {x: {pattern: '(a|a|b?)+c', \
example: c}}}",
    )
    assert found.problems == ()
    started = time.monotonic()
    assert "must match the pattern" in refused(found, {"x": "a" * 60 + "!"})[0]
    assert time.monotonic() - started < 20
    assert "must match the pattern" in refused(found, {"x": "cc\u00e4"})[0]


# -- run by the real program -------------------------------------------------------------------

TOOL = """\
#!/bin/sh
for one in "$@"; do printf '[%s]\\n' "$one"; done
"""
RUN = (
    CONFIG
    + """\
policies: {retry: {max_attempts: 1}}
commands:
  show: {argv: [tools/show, "{a}", --, "{b}"], parameters: {a: {}, b: {}}}
  tell:
    argv: [/bin/sh, tools/tell, "{how}"]
    parameters: {how: {type: choice, choices: [well, noise, wrong, none, nan, list, last]}}
    json: last-line
    outputs:
      pages: integer
      saved: {type: number, pattern: 'saved ([0-9.,]+)'}
      lines: {type: integer, pattern: '^line$'}
      warned: {type: boolean, pattern: 'WARN'}
  whole: {argv: [/bin/cat, "{file}"], json: whole, outputs: {n: integer, deep: object},
          parameters: {file: {type: path, must_be: file, folder: texts}}}
  end: {argv: [/bin/sh, -c, 'echo "last words"; exit $1', sh, "{code}"],
        parameters: {code: {type: integer, minimum: 0, maximum: 255}},
        exit_codes: {3: fix, 24: success, 75: retry}}
  kill: {argv: [/bin/sh, -c, 'kill -SEGV $$']}
  env: {argv: [/bin/sh, -c, 'env | sort'], cwd: texts,
        environment: {pass: [GREETING, SECRET_TOKEN], set: {MODE: live}},
        outputs: {seen: {type: string, pattern: '^GREETING=(.*)$'}}}
  new: {argv: [/bin/cp, texts/one.json, "{to}"],
        parameters: {to: {type: path, must_be: absent, folder: texts}}}
  look: {argv: [/bin/ls, "{at}"], parameters: {at: {type: path}}, exclusive: site}
  nowhere: {argv: [tools/not-there]}
  unknown: {argv: [no-such-program-anywhere]}
  plain: {argv: [tools/plain]}
  elsewhere: {argv: [/bin/true], cwd: not-there}
  slow: {argv: [/bin/sleep, 60], timeout_minutes: 0.01}
"""
)
TELL = """\
line; line
printf 'line\\nline\\nsaved 1,204.5 MB\\r\\n\\377\\376\\n'
case $1 in
well) printf 'before {"pages": 1}\\n{"pages": 7}\\nWARN of something' ;;
noise) head -c 30000000 /dev/zero | tr '\\0' x; printf '\\n{"pages": 8}' ;;
wrong) echo '{"pages": "seven"}' ;;
none) echo '{"sites": 1}' ;;
nan) echo '{"pages": NaN}' ;;
list) echo '[1]' ;;
last) printf '{"pages": 9}\\nbye' ;;
esac
"""


@pytest.fixture
def shop(tmp_path: Path) -> Program:
    """An exchange whose workflow.yaml declares commands."""
    program = make_exchange(tmp_path, RUN)
    for name, text in {
        "show": TOOL,
        "tell": TELL.replace("line; line\n", ""),
        "plain": TOOL,
    }.items():
        path = program.root / "tools" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o644 if name == "plain" else 0o755)
    texts = program.root / "texts"
    texts.mkdir()
    (texts / "one.json").write_text('{"n": 1,\n "deep": {"a": [1]}}')
    return program


def sweep(program: Program, tasks: dict[str, str], **environ: str) -> dict[str, dict[str, Any]]:
    """Run tasks, given as `name: type {params}`, and give their results."""
    for name, text in tasks.items():
        kind, _, params = text.partition(" ")
        program.write(f"{name}.md", f"---\ntask_type: {kind}\nparams: {params or '{}'}\n---\n")
    program("sweep", **environ)
    return {name: program.result(name) for name in tasks}


def codes(results: dict[str, dict[str, Any]]) -> dict[str, tuple[str, str]]:
    errors = {name: result.get("error", {}) for name, result in results.items()}
    return {name: (e.get("code", "none"), e.get("action", "none")) for name, e in errors.items()}


def test_a_task_of_a_declared_type_runs_its_program_without_a_shell(shop: Program) -> None:
    task_id = shop.submit("show", "--set", "a=$(id); `id` | x > y", "--set", "b=-rf *")
    shop("sweep")
    result = shop.result(task_id)
    assert (result["status"], result["outputs"]) == ("success", {"exit_code": 0})
    assert result["body"].strip().splitlines()[0] == "show ended well."
    assert result["logs"].splitlines() == ["[$(id); `id` | x > y]", "[--]", "[-rf *]"]
    assert shop("verify", task_id).code == 0


def test_what_a_command_told_becomes_its_outputs_or_a_clear_error(shop: Program) -> None:
    results = sweep(
        shop,
        {how: f"tell {{how: {how}}}"
         for how in ("well", "noise", "wrong", "none", "nan", "list", "last")},
    )  # fmt: skip
    told = {"exit_code": 0, "saved": 1204.5, "lines": 2, "warned": False}
    assert results["well"]["outputs"] == {**told, "pages": 7, "warned": True}
    assert results["noise"]["outputs"] == {**told, "pages": 8}
    assert results["last"]["outputs"] == {**told, "pages": 9}
    assert results["wrong"]["outputs"] == told
    failed = {name: code for name, code in codes(results).items() if code[0] != "none"}
    assert failed == {
        "wrong": ("output_invalid", "escalate"), "none": ("output_missing", "escalate"),
        "nan": ("output_not_json", "escalate"), "list": ("output_not_json", "escalate"),
    }  # fmt: skip
    assert results["wrong"]["error"]["message"] == (
        'tell told pages wrongly: it should be of the type integer, and is "seven"'
    )
    assert "tell did not tell pages" in results["none"]["error"]["message"]


def test_all_that_was_printed_may_be_the_json(shop: Program) -> None:
    texts = shop.root / "texts"
    (texts / "list.json").write_text("[1]")
    (texts / "two.json").write_text('{"n": 1}\n{"n": 2}')
    (texts / "huge.json").write_text('{"n": 1, "deep": {"a": "' + "x" * 200_000 + '"}}')
    (texts / "deep.json").write_text('{"n": 1, "deep": ' + "[" * 100_000)
    (texts / "larger.json").write_text(" " * 2_000_000 + '{"n": 1, "deep": {}}')
    (texts / "empty.json").write_text("")
    names = ("one", "list", "two", "huge", "deep", "larger", "empty")
    results = sweep(shop, {name: f"whole {{file: {name}.json}}" for name in names})
    assert results["one"]["outputs"] == {"exit_code": 0, "n": 1, "deep": {"a": [1]}}
    assert {name: code for name, (code, _) in codes(results).items()} == {
        "one": "none", "list": "output_not_json", "two": "output_not_json",
        "huge": "output_invalid", "deep": "output_not_json", "larger": "output_not_json",
        "empty": "output_not_json",
    }  # fmt: skip


def test_an_exit_code_means_what_the_owner_says(shop: Program) -> None:
    results = sweep(
        shop,
        {f"c{code}": f"end {{code: {code}}}" for code in (0, 1, 3, 24, 75)} | {"k": "kill"},
    )
    assert codes(results) == {
        "c0": ("none", "none"), "c1": ("command_failed", "escalate"),
        "c3": ("command_failed", "fix"), "c24": ("none", "none"),
        "c75": ("command_failed", "retry"), "k": ("command_killed", "escalate"),
    }  # fmt: skip
    assert results["c24"]["outputs"] == {"exit_code": 24}
    assert results["c3"]["outputs"] == {"exit_code": 3}
    assert results["c1"]["error"]["message"] == "end ended with 1: last words"
    assert "SIGSEGV" in results["k"]["error"]["message"]


def test_a_command_sees_the_variables_that_its_owner_names_and_no_secret_is_kept(
    shop: Program,
) -> None:
    secret = "s3cr3t-of-nobody-0815"
    results = sweep(shop, {"it": "env"}, GREETING="hello", SECRET_TOKEN=secret, OTHER="x", MODE="y")
    log = (shop.root / "results").rglob("attempt-1.log")
    printed = next(log).read_text()
    seen = dict(line.split("=", 1) for line in printed.splitlines())
    basics = {"PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ"}
    assert set(seen) - basics == {"GREETING", "SECRET_TOKEN", "MODE", "PWD", "WORKFLOW_RUN"} | (
        set(seen) & {"OLDPWD", "SHLVL", "_"}  # of the shell's own
    )
    assert (seen["MODE"], seen["GREETING"]) == ("live", "hello")
    assert seen["PWD"] == os.path.realpath(shop.root / "texts")
    assert results["it"]["outputs"]["seen"] == "hello"
    for path in shop.root.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path


def test_a_path_stays_inside_its_folder(shop: Program) -> None:
    texts = shop.root / "texts"
    (texts / "in").symlink_to("one.json")
    (texts / "out").symlink_to("/etc/passwd")
    (texts / "up").symlink_to("..")
    (texts / "dangling").symlink_to("../made-elsewhere")
    (texts / "-rf").write_text('{"n": 1, "deep": {}}')
    wanted = {
        "in": "none", "./one.json": "none", str(texts / "one.json"): "none", "-rf": "none",
        "out": "path_not_allowed", "up/workflow.yaml": "path_not_allowed",
        "../workflow.yaml": "path_not_allowed", "/etc/passwd": "path_not_allowed",
        ".": "path_not_allowed", "none.json": "path_not_there", "~/x": "path_not_there",
    }  # fmt: skip
    results = sweep(
        shop, {f"t{n}": f"whole {json.dumps({'file': path})}" for n, path in enumerate(wanted)}
    )
    found = [code for code, _ in codes(results).values()]
    assert dict(zip(wanted, found, strict=True)) == wanted
    fresh = {
        "two.json": "none", "one.json": "path_is_there", "dangling": "path_is_there",
        "up/three.json": "path_not_allowed", "no/such.json": "path_not_there",
        "../four.json": "path_not_allowed", "sub/../five.json": "none",
    }  # fmt: skip
    results = sweep(
        shop, {f"n{n}": f"new {json.dumps({'to': path})}" for n, path in enumerate(fresh)}
    )
    found = [code for code, _ in codes(results).values()]
    assert dict(zip(fresh, found, strict=True)) == fresh
    assert not (shop.root / "made-elsewhere").exists()
    assert not (shop.root / "three.json").exists()


def test_what_is_not_there_is_told_with_who_acts(shop: Program) -> None:
    results = sweep(
        shop,
        {name: name for name in ("nowhere", "unknown", "plain", "elsewhere", "slow")}
        | {"look": "look {at: content}"},
    )
    assert codes(results) == {
        "nowhere": ("program_not_found", "escalate"), "unknown": ("program_not_found", "escalate"),
        "plain": ("program_not_found", "escalate"), "elsewhere": ("folder_missing", "escalate"),
        "slow": ("timeout", "escalate"), "look": ("none", "none"),
    }  # fmt: skip
    assert results["plain"]["error"]["hint"].startswith("chmod +x ")
    assert results["slow"]["status"] == "timeout"


def test_the_doctor_knows_a_folder_of_a_parameter_that_is_not_there(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        """
        it:
          argv: [ls, --, "{at}"]
          parameters: {at: {type: path, folder: site/statc, example: images}}
        """,
    )
    ((said, hint),) = program.missing(found.commands["it"], found)
    assert said == f"the folder that at has to lie in does not exist: {tmp_path}/site/statc"
    assert "parameters.at.folder" in hint
    (tmp_path / "site/statc").mkdir(parents=True)
    assert list(program.missing(found.commands["it"], found)) == []


def test_two_that_need_the_same_never_run_at_once(tmp_path: Path) -> None:
    body = "echo $1 >> order; sleep 0.2; echo $1 >> order"
    commands = "".join(
        f"  {name}: {{argv: [/bin/sh, -c, '{body}', sh, {name}], exclusive: {lock}}}\n"
        for name, lock in (("one", "press"), ("two", "[press]"), ("three", "[site, press]"))
    )
    program = make_exchange(tmp_path, f"{CONFIG}policies: {{jobs: 3}}\ncommands:\n{commands}")
    sweep(program, {name: name for name in ("one", "two", "three")})
    order = (program.root / "order").read_text().split()
    assert order[::2] == order[1::2]
    config = load_config(program.root)
    assert task(config, {}, "three").resources == {
        os.path.realpath(program.root / "site"), "command:press",
    }  # fmt: skip


@pytest.mark.parametrize("safe", [True, False])
def test_one_that_was_cut_off_is_repeated_only_if_its_owner_says_so(
    tmp_path: Path, safe: bool
) -> None:
    body = 'echo $$ >> runs; [ "$(wc -l < runs)" -gt 1 ] || exec sleep 600'
    program = make_exchange(
        tmp_path,
        f"{CONFIG}commands:\n  it: {{argv: [/bin/sh, -c, '{body}'], "
        f"safe_to_repeat: {str(safe).lower()}}}\n",
    )
    program.write("t.md", "---\ntask_type: it\n---\n")
    sweeping = program.start("sweep")
    until = time.monotonic() + 30
    pids = program.root / "runs"
    while not (pids.exists() and pids.read_text().endswith("\n")) and time.monotonic() < until:
        time.sleep(0.02)
    sweeping.send_signal(signal.SIGKILL)
    sweeping.wait()
    os.kill(int(pids.read_text()), signal.SIGKILL)  # it outlived the sweep, and held the task
    while not program.exchange.result("t") and time.monotonic() < until:
        program("sweep")
    result = program.result("t")
    runs = len(pids.read_text().split())
    if safe:
        assert (result["status"], runs) == ("success", 2)
    else:
        assert (result["error"]["code"], runs) == ("interrupted", 1)


# -- beside the other types --------------------------------------------------------------------


def test_a_broken_command_is_told_wherever_types_are_and_stops_nothing(tmp_path: Path) -> None:
    program = make_exchange(
        tmp_path,
        CONFIG + "commands:\n  bad: {argv: [a, '{x}']}\n  well: {argv: [/bin/true]}\n"
        "  noop: {argv: [/bin/false]}\n",
    )
    listed = program("types", "--json")
    assert listed.code == 0
    names = [row["name"] for row in listed.data["types"]]
    assert names.count("noop") == 1 and "well" in names and "bad" not in names
    said = "\n".join(listed.json["warnings"])
    assert "bad cannot be used: workflow.yaml:9:" in said
    assert "noop" in said
    asked = program("submit", "bad", "--json")
    assert (asked.code, asked.json["error"]["code"]) == (2, "unknown_type")
    assert "workflow.yaml:9:" in asked.json["error"]["message"]
    results = sweep(program, {"w": "well", "n": "noop"})
    assert {name: result["status"] for name, result in results.items()} == {
        "w": "success", "n": "success",
    }  # fmt: skip
    assert results["n"]["outputs"] == {"message": "Nothing was to be done."}
    findings = program("doctor", "--json").data["findings"]
    assert any("argv" in f["message"] for f in findings if f["state"] == "failed")


def test_the_template_of_a_command_is_its_own_and_the_exchange_s_comes_first(
    shop: Program,
) -> None:
    shown = shop("templates", "tell")
    assert "how: well | noise" in shown.out
    assert "  - pages: integer" in shown.out
    listed = {row["task_type"]: row for row in shop("templates", "--json").data["templates"]}
    assert listed["tell"] == {
        "task_type": "tell", "source": "commands.tell in workflow.yaml", "runnable": True,
    }  # fmt: skip
    shop.write(
        "end.md",
        "---\ntask_type: end\nparams: {code: 0}\n"
        "expected_outputs: [{exit_code: == 0}]\n---\nOurs.\n",
        "tasks/templates",
    )
    assert "Ours." in shop("templates", "end").out
    task_id = shop.submit("end")
    shop("sweep")
    checks = shop.result(task_id)["verification"]["checks"]
    assert [(check["name"], check["passed"]) for check in checks] == [("exit_code", True)]


def test_the_environment_of_a_command_is_one_of_its_choices(tmp_path: Path) -> None:
    program = make_exchange(
        tmp_path,
        CONFIG + "commands:\n  purge: {argv: [/bin/echo, '{environment}'], parameters: "
        "{environment: {type: choice, choices: [dev, staging]}}}\n",
    )
    task_id = program.submit("purge", "--env", "staging")
    program("sweep")
    result = program.result(task_id)
    assert (result["environment"], result["logs"]) == ("staging", "staging\n")
    refused = program("submit", "purge", "--env", "production")
    assert refused.code != 0 and "should be 'dev' or 'staging'" in refused.err


def test_the_example_of_the_documentation_is_right(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent / "docs/commands.md").read_text()
    text = page.split("```yaml\n", 1)[1].split("```", 1)[0]
    (tmp_path / "workflow.yaml").write_text("version: 1\nsites: {main: {path: site}}\n" + text)
    found = load_config(tmp_path)
    assert found.problems == ()
    assert task(found, {"folder": "images", "quality": 0.8, "fast": True}, "resize-pictures").params


def test_what_a_command_needs_and_has_not_is_found_before_it_runs(shop: Program) -> None:
    found = load_config(shop.root)
    lacks = {
        name: [message for message, _ in program.missing(command, found)]
        for name, command in found.commands.items()
    }
    wrong = {name: said for name, said in lacks.items() if said}
    assert set(wrong) == {"nowhere", "unknown", "plain", "elsewhere"}
    assert wrong["nowhere"] == [f"{shop.root}/tools/not-there does not exist"]

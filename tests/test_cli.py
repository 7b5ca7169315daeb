"""How every command behaves: its answers, its exit codes, its manners."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.program import CONFIG, Program
from workflow.cli import COMMANDS
from workflow.doctor.ground import file_system_kind

READERS = [
    ["status"], ["list"], ["types"], ["types", "hugo-build"], ["templates"], ["schema", "task"],
    ["templates", "hugo-build"], ["doctor"], ["sweep"], ["archive"], ["submit", "noop"],
    ["show", "nothing"], ["wait", "nothing"], ["verify", "nothing"], ["cancel", "nothing"],
    ["retry", "nothing"], ["logs", "nothing"], ["validate", "nothing.md"], ["init", "."],
    ["list", "--stat", "x"], ["submit"], ["submit", "hugo-biuld"], ["nonsense"],
]  # fmt: skip


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_every_answer_is_one_envelope_errors_included(program: Program, words: list[str]) -> None:
    ran = program(*words, "--json")
    told = ran.json
    assert set(told) == {"schema", "ok", "data", "error", "next", "warnings"}
    assert told["schema"] == "workflow/1"
    assert told["ok"] is (ran.code == 0)
    assert (told["error"] is None) is (ran.code == 0)
    if told["error"]:
        assert {"code", "message", "hint", "did_you_mean", "retryable"} <= set(told["error"])
    assert all(set(step) == {"cmd", "why"} for step in told["next"])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(program: Program, name: str) -> None:
    ran = program(name, "--help")
    assert ran.code == 0
    assert f"workflow {name}" in ran.out.split("Examples:")[1]


def test_help_names_every_command(program: Program) -> None:
    told = program("--help").out
    assert all(f"  {name} " in told for name in COMMANDS)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["sweeep"], 2, "sweep"),
        (["submit", "hugo-biuld"], 2, "hugo-build"),
        (["submit", "hugo-build", "--env", "stagin"], 2, "staging"),
        (["submit", "hugo-build", "--set", "minfy=true"], 2, "minify"),
        (["submit", "hugo-build", "--set", "minify"], 2, "KEY=VALUE"),
        (["submit", "noop", "--priority", "hihg"], 2, "high"),
        (["submit", "noop", "--after", "2026-01-01"], 5, "workflow list"),
        (["list", "--state", "complete"], 2, "completed"),
        (["show", "2026"], 5, "no task"),
        (["schema", "tsk"], 2, "task"),
        (["templates", "hugo-bild"], 2, "hugo-build"),
        (["archive", "--month", "January"], 2, "2026-01"),
        (["show", "latest"], 5, "no task yet"),
        (["types", "hugo-deploy-stagin"], 2, "hugo-deploy-staging"),
        (["wait", "x", "--timeout", "abc"], 2, "'abc' is not a number"),
        (["sweep", "--jobs", "x"], 2, "is not a whole number"),
        (["wait", "x", "--until", "lunch"], 2, "approval"),
    ],
)
def test_wrong_use_names_the_thing_and_what_was_meant(
    program: Program, words: list[str], code: int, said: str
) -> None:
    ran = program(*words)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_without_an_exchange_every_command_says_how_to_make_one(program: Program) -> None:
    (program.root / "workflow.yaml").unlink()
    for words in (["status"], ["submit", "noop"], ["sweep"], ["list"]):
        ran = program(*words)
        assert ran.code == 2
        assert "workflow init" in ran.err


@pytest.mark.parametrize("place", ["before", "after", "environment", "below"])
def test_the_exchange_is_found_wherever_it_is_named(program: Program, place: str) -> None:
    elsewhere = program.root.parent / "elsewhere"
    elsewhere.mkdir()
    root = str(program.root)
    words, environ, folder = {
        "before": (["--root", root, "submit", "noop"], {}, elsewhere),
        "after": (["submit", "noop", "--root", root], {}, elsewhere),
        "environment": (["submit", "noop"], {"WORKFLOW_ROOT": root}, elsewhere),
        "below": (["submit", "noop"], {}, program.root / "site" / "content"),
    }[place]
    ran = subprocess.run(
        program.argv(*words), cwd=folder, env={**program.environ, **environ},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert program.states(ran.stdout.strip()) == ["pending"]


@pytest.mark.parametrize("place", ["before", "after"])
def test_what_comes_next_names_the_exchange_that_was_named(program: Program, place: str) -> None:
    task_id = program.submit("noop")
    folder = str(program.root.parent)

    def run(*words: str) -> dict[str, Any]:
        named = ["--root", "exchange"]
        all_words = [*named, *words] if place == "before" else [*words, *named]
        ran = subprocess.run(
            program.argv(*all_words, "--json"), cwd=folder, env=program.environ,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        told: dict[str, Any] = json.loads(ran.stdout)
        return told

    told = run("list")
    assert told["next"][0]["cmd"] == f"workflow --root exchange show {task_id}"
    hint = run("retry", task_id)["error"]["hint"]
    assert hint == f"workflow --root exchange wait {task_id}"
    ran = subprocess.run(
        program.argv("--root", "exchange", "sweep"), cwd=folder, env=program.environ,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"next: workflow --root exchange show {task_id}" in ran.stderr
    here = program("list", "--root", str(program.root), "--json").json
    assert here["next"][0]["cmd"] == f"workflow show {task_id}", "found without"


# -- submit ------------------------------------------------------------------------------------


def test_submit_writes_into_pending_and_nowhere_else(program: Program) -> None:
    before = {p for p in program.root.rglob("*") if "pending" not in p.parts}
    program.submit("hugo-build", "--env", "staging")
    assert {p for p in program.root.rglob("*") if "pending" not in p.parts} == before


def test_ids_in_one_minute_get_a_suffix(program: Program) -> None:
    ids = [program.submit("noop") for _ in range(3)]
    assert len(set(ids)) == 3
    program("sweep")
    assert program.submit("noop") not in ids, "nor is the id of one that has ended taken again"


def test_a_submitted_file_says_all_that_the_task_format_asks_for(program: Program) -> None:
    task_id = program.submit(
        "hugo-build", "--env", "staging", "--set", "minify=false", "--priority", "high",
        "--request", "Deploy it: now", "--description", "Updated homepage hero",
    )  # fmt: skip
    told = program("show", task_id, "--json").data["task"]
    assert task_id.endswith("-hugo-build-updated-homepage-hero")
    assert told["task_id"] == task_id
    assert told["status"] == "pending"
    assert told["priority"] == "high"
    assert told["context"] == {
        "user_request": "Deploy it: now", "description": "Updated homepage hero",
    }  # fmt: skip
    assert told["params"]["environment"] == "staging"
    assert told["params"]["base_url"] == "https://staging.example.com/"
    assert told["params"]["minify"] is False
    assert told["expected_outputs"]
    assert "<" not in json.dumps(told["params"]), "no placeholder is left"


def test_the_same_key_gives_the_same_task_and_another_wish_is_a_conflict(program: Program) -> None:
    first = program.submit("noop", "--key", "k1", "--set", "message=a")
    assert program.submit("noop", "--key", "k1", "--set", "message=a") == first
    other = program("submit", "noop", "--key", "k1", "--set", "message=b")
    assert other.code == 6
    assert "params" in other.err
    program("sweep")
    assert program.submit("noop", "--key", "k1", "--set", "message=a") == first, "ended, too"
    assert program.submit("noop", "--key", "k2", "--set", "message=a") != first


def test_a_dry_run_shows_the_file_and_writes_nothing(program: Program) -> None:
    ran = program("submit", "hugo-build", "--env", "dev", "--dry-run")
    assert ran.code == 0
    assert "task_type: hugo-build" in ran.out
    assert os.listdir(program.root / "tasks/pending") == []


def test_a_task_can_start_from_a_file_and_a_body_from_another(program: Program) -> None:
    source = program.root / "wish.md"
    source.write_text("---\ntask_type: noop\nmood: glad\nparams: {message: hi}\n---\nold body\n")
    task_id = program.submit("noop", "--from", "wish.md", "--body-file", "-")
    data = program("show", task_id, "--json").data["task"]
    assert (data["mood"], data["params"]) == ("glad", {"message": "hi"})
    assert "old body" not in (program.root / f"tasks/pending/{task_id}.md").read_text()
    assert program("submit", "hugo-build", "--from", "wish.md").code == 2
    source.write_text("no front matter")
    assert program("submit", "noop", "--from", "wish.md").code == 7


def test_text_that_looks_like_a_number_stays_text_where_text_is_asked_for(program: Program) -> None:
    task_id = program.submit("noop", "message=0123")
    program("sweep")
    assert program.result(task_id)["outputs"]["message"] == "0123"


def test_a_chain_with_a_wrong_link_is_not_begun(program: Program) -> None:
    assert program("submit", "noop", "--then", "nop").code == 2
    assert os.listdir(program.root / "tasks/pending") == []


# -- waiting -----------------------------------------------------------------------------------


def test_waiting_without_a_sweeper_says_so(program: Program) -> None:
    task_id = program.submit("noop")
    ran = program("wait", task_id, "--timeout", "0.2")
    assert ran.code == 8
    assert "workflow sweep" in ran.err


def test_waiting_gives_up_with_75_while_a_sweeper_is_alive(program: Program) -> None:
    program("sweep")
    task_id = program.submit("noop")
    ran = program("wait", task_id, "--timeout", "0.2")
    assert (ran.code, f"workflow wait {task_id}" in ran.err) == (75, True)


def test_submit_can_wait_for_the_result(program: Program) -> None:
    program("sweep")
    submitting = program.start("submit", "noop", "--wait", "30")
    while not os.listdir(program.root / "tasks/pending"):
        assert submitting.poll() is None
    program("sweep")
    assert submitting.wait(30) == 0


def test_tasks_are_listed_newest_first_also_within_a_minute(program: Program) -> None:
    for number, name in enumerate(["2026-01-01-0000-b", "2026-01-01-0000-a", "2025-12-31-2359-c"]):
        file = program.write(f"{name}.md", "---\ntask_type: noop\n---\n", "tasks/completed")
        program.age(file, 100 - number)
    by_hand = program.write("by-hand.md", "---\ntask_type: noop\n---\n", "tasks/completed")
    program.age(by_hand, 100)
    order = ["by-hand", "2026-01-01-0000-a", "2026-01-01-0000-b", "2025-12-31-2359-c"]
    for limit in (4, 3):
        told = program("list", "--limit", str(limit), "--json").data["tasks"]
        assert [task["task_id"] for task in told] == order[:limit]


# -- show, verify, logs, validate --------------------------------------------------------------


def test_a_unique_beginning_serves_as_an_id(program: Program) -> None:
    program.write("2026-01-01-0000-noop-a.md", "---\ntask_type: noop\n---\n")
    program.write("2026-01-01-0000-noop-b.md", "---\ntask_type: noop\n---\n")
    program("sweep")
    assert program("show", "2026-01-01-0000-noop-a").code == 0
    both = program("show", "2026-01-01")
    assert both.code == 2
    assert "2026-01-01-0000-noop-b" in both.err


def test_fields_of_an_answer_are_printed_alone(program: Program) -> None:
    program.submit("noop", "message=hi")
    program("sweep")
    assert program("show", "latest", "--field", "data.result.outputs.message").out == "hi\n"
    assert program("list", "--field", "data.tasks.0.status").out == "success\n"
    assert program("show", "latest", "--field", "ok").out == "true\n"
    missing = program("show", "latest", "--field", "data.statsu")
    assert missing.code == 2
    assert "status" in missing.err


def test_the_log_of_a_task_is_whole_and_short_on_demand(program: Program) -> None:
    program.submit("hugo-build", "--env", "dev")
    program("sweep")
    whole = program("logs", "latest").out
    assert "Total in" in whole
    assert program("logs", "latest", "--tail", "1").out.strip() == whole.strip().splitlines()[-1]
    assert program("logs", "latest", "-f").out.strip() == whole.strip()


def test_plain_answers_stay_short_and_say_where_the_rest_is(program: Program) -> None:
    for number in range(120):
        name = f"2026-01-01-0000-noop-{number:03}-{'x' * 60}.md"
        program.write(name, "---\ntask_type: noop\n---\n", "tasks/completed")
    ran = program("list", "--limit", "200", CLAUDECODE="1")
    assert len(ran.out) < 8000
    assert "--json" in ran.out.splitlines()[-1]
    assert len(program("list", "--limit", "200", "--json").data["tasks"]) == 120


def test_validate_says_all_problems_at_once_and_exits_with_7(program: Program) -> None:
    file = program.root / "wrong.md"
    file.write_text(
        "---\ntask_type: hugo-build\npriority: hi\nparams:\n  minfy: true\n"
        "expected_outputs: [{a: integr}]\n---\n"
    )
    ran = program("validate", "wrong.md")
    assert ran.code == 7
    assert [
        place for place in ("wrong.md:3:1", "wrong.md:5:3", "wrong.md:6:") if place in ran.out
    ] == ["wrong.md:3:1", "wrong.md:5:3", "wrong.md:6:"]
    assert "minify" in ran.out
    file.write_text("---\ntask_type: noop\n---\n")
    assert program("validate", "wrong.md").out == "wrong.md: fine\n"


def test_validate_remarks_on_a_key_that_is_only_nearly_one(program: Program) -> None:
    (program.root / "odd.md").write_text("---\ntask_type: noop\nprioritty: high\n---\n")
    ran = program("validate", "odd.md")
    assert (ran.code, ran.out) == (0, "odd.md: can be run, but is it what was meant?\n")
    assert "did you mean priority?" in ran.err
    told = program("validate", "odd.md", "--json").data["files"][0]
    assert (told["valid"], "prioritty" in told["warnings"][0]) == (True, True)


def test_the_type_of_a_deploy_is_known_where_its_environment_is(program: Program) -> None:
    config = program.root / "workflow.yaml"
    config.write_text(CONFIG + "  preview: {base_url: 'http://localhost/'}\n")
    assert program("types", "hugo-deploy-preview").code == 0
    assert program("types", "hugo-deploy-production").code == 0
    ran = program("types", "hugo-deploy-previw", "--json").json
    assert ran["error"]["code"] == "unknown_type"
    assert ran["error"]["did_you_mean"][0] == "hugo-deploy-preview"


def test_what_is_missing_in_a_command_is_told_with_its_meaning(program: Program) -> None:
    ran = program("plan")
    assert ran.code == 2
    assert "Missing argument 'ID'" in ran.err
    assert "`latest`: the newest that waits; see `workflow plan --help`" in ran.err
    assert "E: staging, production" in program("publish").err


# -- init and doctor ---------------------------------------------------------------------------


def test_init_makes_an_exchange_that_builds_and_never_overwrites(program: Program) -> None:
    made = program("init", "../new", "--site", "site")
    assert made.code == 0
    new = program.root.parent / "new"
    config = (new / "workflow.yaml").read_text()
    (new / "workflow.yaml").write_text(config + "# mine\n")
    again = program("init", "../new", "--site", "site")
    assert "left alone  workflow.yaml" in again.out
    assert (new / "workflow.yaml").read_text().endswith("# mine\n")
    program("--root", str(new), "submit", "hugo-build")
    program("--root", str(new), "sweep")
    assert program("--root", str(new), "verify", "latest").code == 0


def test_init_takes_the_sites_own_address_for_production(program: Program) -> None:
    program("init", "../new", "--site", "site")
    text = (program.root.parent / "new/workflow.yaml").read_text()
    assert "base_url: https://example.org/" in text
    assert "base_url: https://staging.example.org/" in text
    assert "path: ../exchange/site" in text


@pytest.mark.parametrize(
    ("name", "text", "address"),
    [
        ("hugo.yaml", "baseURL: https://www.klm.example/\n", "https://staging.klm.example/"),
        ("config/_default/hugo.json", '{"baseurl": "https://a.example/"}', "staging.a.example"),
        ("hugo.toml", "baseURL = 'http://localhost:1313/'\n", "https://staging.example.com/"),
        ("hugo.toml", "title = 'none'\n", "https://staging.example.com/"),
    ],
)
def test_an_address_that_nobody_could_follow_is_not_taken_and_that_is_said(
    program: Program, name: str, text: str, address: str
) -> None:
    site = program.root / "another"
    (site / name).parent.mkdir(parents=True)
    (site / name).write_text(text)
    ran = program("init", "../new", "--site", str(site))
    assert address in (program.root.parent / "new/workflow.yaml").read_text()
    assert ("made-up addresses" in ran.err) == ("example.com" in address)


def test_init_tells_the_templates_in_one_line_and_what_to_do_first(program: Program) -> None:
    ran = program("init", "../new", "--site", "site")
    assert re.search(r"^made +tasks/templates/: \d+ templates$", ran.out, re.MULTILINE)
    assert "noop.md" not in ran.out
    assert "where the site is published" in ran.err
    ran = program("init", "../new", "--site", "site", "--json")
    assert ran.data["made"] == []


def test_init_says_nothing_of_sites_where_workflow_yaml_has_them(program: Program) -> None:
    ran = program("init", ".")
    assert ran.code == 0
    assert "Hugo site" not in ran.err and "made-up" not in ran.err
    assert "where the site is published" not in ran.err
    ran = program("init", "../none")
    assert "no Hugo site named" in ran.err


def test_doctor_names_the_place_in_workflow_yaml_once(program: Program) -> None:
    (program.root / "workflow.yaml").write_text(CONFIG + "polices: {jobs: 3}\n")
    ran = program("doctor")
    assert ran.code == 2
    assert re.search(r"^error: workflow\.yaml:\d+:\d+: polices: unknown key", ran.err, re.MULTILINE)


def test_doctor_says_what_is_missing_and_mends_what_it_can(program: Program) -> None:
    (program.root / "tasks/waiting").rmdir()
    config = CONFIG.replace("path: site", "path: gone") + "hugo: {path: /nowhere/hugo}\n"
    (program.root / "workflow.yaml").write_text(config)
    findings = program("doctor", "--json")
    assert findings.code == 2
    states = {f["subject"]: f["state"] for f in findings.data["findings"]}
    assert states["site main"] == states["hugo"] == "failed"
    assert states["folders"] == "warning"
    assert all(f["mend"] for f in findings.data["findings"] if f["state"] != "ok")

    program("doctor", "--fix")
    assert (program.root / "tasks/waiting").is_dir()

    (program.root / "workflow.yaml").write_text(CONFIG)
    program("sweep")
    assert program("doctor").code == 0


# -- manners -----------------------------------------------------------------------------------


def _on_a_terminal(program: Program, *words: str, **environ: str) -> str:
    """What the program prints on a real (pseudo) terminal."""
    leader, follower = pty.openpty()
    environment = {**program.environ, "TERM": "xterm-256color", "COLUMNS": "120", **environ}
    environment = {key: value for key, value in environment.items() if value}
    child = subprocess.Popen(
        program.argv(*words), cwd=program.root, env=environment,
        stdin=follower, stdout=follower, stderr=follower,
    )  # fmt: skip
    os.close(follower)
    seen = b""
    while True:
        try:
            chunk = os.read(leader, 65_536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(leader)
    child.wait()
    return seen.decode()


def test_colour_is_for_terminals_only(program: Program) -> None:
    program.submit("noop")
    assert "\033[" in _on_a_terminal(program, "list", NO_COLOR="")
    assert "\033[" not in _on_a_terminal(program, "list", NO_COLOR="", CLAUDECODE="1")
    assert "\033[" not in program("list").out
    assert "\033[3" not in _on_a_terminal(program, "list", NO_COLOR="1")


def test_what_is_still_to_come_is_no_error(program: Program) -> None:
    parked = program.submit("release", "--env", "staging")
    program("sweep")
    for command in ("verify", "wait"):
        more = ["--until", "approval"] if command == "wait" else []
        told = _on_a_terminal(program, command, parked, *more, NO_COLOR="")
        assert "\033[33mnote:\033[0m" in told
        assert "error:" not in told
    assert "\033[31merror:" in _on_a_terminal(program, "show", "nobody", NO_COLOR="")


@pytest.mark.parametrize("command", ["sweep", "status", "show", "plan", "list"])
def test_on_a_terminal_lines_are_folded_where_their_text_began(
    program: Program, command: str
) -> None:
    for name in ("one", "two"):
        (program.root / "content").mkdir(exist_ok=True)
        (program.root / "content" / f"{name * 30}.html").write_text(name)
    parked = program.submit("release", "--env", "staging", "--description", "a long name " * 3)
    if command != "sweep":
        program("sweep")
    words = [parked] if command in ("show", "plan") else []
    seen = _on_a_terminal(program, command, *words, NO_COLOR="1", COLUMNS="80")
    seen = re.sub(r"\033\[[?\d;]*[A-Za-z]", "", seen)
    lines = [line.rstrip() for line in seen.replace("\r", "\n").splitlines()]
    too_long = [
        line
        for line in lines
        if len(line) > 80 and len(line.split()) > 1 and "workflow " not in line
    ]
    assert too_long == []
    assert "workflow approve" in seen.replace("\n", " ")
    plain = program(command, *words)
    if command in ("show", "status"):
        assert max(map(len, plain.out.splitlines())) > 100, "no terminal, nothing folded"


def test_a_list_on_a_narrow_terminal_tells_below_each_id_what_came_of_it(program: Program) -> None:
    message = "words that go on and on " * 5
    task_id = program.submit("noop", "--description", "a b c d e f", f"message={message}")
    program("sweep")
    seen = _on_a_terminal(program, "list", NO_COLOR="1", COLUMNS="80").splitlines()
    rows = [number for number, line in enumerate(seen) if line.startswith(task_id)]
    assert len(rows) == 1
    below = seen[rows[0] + 1]
    assert below.startswith("    ") and len(below.split()) > 3


def test_a_path_is_told_whole_on_a_terminal(program: Program) -> None:
    path = "/".join(["content", *(f"folder-{number}" for number in range(20))])
    program.submit("noop", f"message={path} is a path")
    program("sweep")
    seen = _on_a_terminal(program, "show", "latest", NO_COLOR="1", COLUMNS="80")
    assert path in seen


def test_a_sweep_on_a_terminal_shows_what_happens(program: Program) -> None:
    task_id = program.submit("noop")
    seen = _on_a_terminal(program, "sweep", NO_COLOR="")
    assert task_id in seen
    assert "success" in seen
    assert "Nothing to do." in _on_a_terminal(program, "sweep", NO_COLOR="")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("workflow sub", "submit"),
        ("workflow submit hugo", "hugo-build"),
        ("workflow submit hugo-build --env st", "staging"),
        ("workflow show 2026-01", "2026-01-01-0000-noop"),
        ("workflow list --sta", "--state"),
    ],
)
def test_the_shell_completes_commands_types_environments_and_ids(
    program: Program, typed: str, offered: str
) -> None:
    program.write("2026-01-01-0000-noop.md", "---\ntask_type: noop\n---\n")
    words = typed.split(" ")
    ran = program(
        _WORKFLOW_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=str(len(words) - 1)
    )
    assert offered in ran.out.split()


def test_a_defect_of_ours_is_told_as_one(program: Program) -> None:
    code = (
        "import sys, workflow.overview\n"
        "def broken(*_a, **_k): raise KeyError('oops')\n"
        "workflow.overview.select = broken\n"
        "from workflow.cli import run\n"
        "sys.exit(run(['list', '--json']))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=program.root, env=program.environ,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(ran.stdout)
    assert (ran.returncode, told["error"]["code"]) == (1, "defect")
    assert "Traceback" in ran.stderr


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/srv/x", "ext4"), ("/mnt/share/x", "nfs4"), ("/mnt/shared", "ext4"), ("/a b/c", "cifs")],
)
def test_doctor_knows_the_file_system_that_a_path_lies_on(path: str, kind: str) -> None:
    mounts = (
        "/dev/vda / ext4 rw 0 0\nproc /proc proc rw 0 0\n"
        "server:/x /mnt/share nfs4 rw 0 0\n//server/y /a\\040b cifs rw 0 0\n"
    )
    assert file_system_kind(mounts, path) == kind


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("words", ["types", "list --json", "status --field data"])
def test_an_answer_that_cannot_be_written_is_no_success(program: Program, words: str) -> None:
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            program.argv(*words.split()), cwd=program.root, env=program.environ,
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert ran.returncode == 1
    assert "No space left on device" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_whoever_has_seen_enough_is_no_failure(program: Program) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run(
        program.argv("types"), cwd=program.root, env=program.environ,
        stdout=writer, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_sweep_without_any_stream_runs_its_tasks_and_writes_into_no_file_by_mistake(
    program: Program,
) -> None:
    task_id = program.submit("program", "--set", "script=echo out; echo err >&2")
    ran = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *program.argv("sweep")],
        cwd=program.root, env=program.environ, check=False,
    )  # fmt: skip
    assert ran.returncode == 0
    assert program.states(task_id) == ["completed"]
    (log,) = program.root.glob(f"results/*/{task_id}.logs/attempt-1.log")
    assert sorted(log.read_text().split()) == ["err", "out"]
    journal = [path for path in program.root.glob(".workflow/journal/*") if path.is_file()]
    assert journal
    assert all(json.loads(line) for path in journal for line in path.read_text().splitlines())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_switch_has_no_opposite_that_nobody_asked_for(program: Program, name: str) -> None:
    told = program(name, "--help").out
    assert "--json" in told
    assert not re.findall(r"--[a-z-]+ ?/ ?--no-[a-z-]+", told)

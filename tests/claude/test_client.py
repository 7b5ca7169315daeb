"""What the real Claude Code makes of the files: its own rules decide, its own hooks run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.claude.client import (
    Call,
    Client,
    bash,
    find_client,
    make_client,
    make_programs,
    make_stubs,
    needs_client,
)
from tests.claude.test_hook import APPROVE, TASK, wait_for_approval
from tests.program import CONFIG, Program, make_exchange
from workflow.claude import install, plugin
from workflow.claude.settings import settings
from workflow.config import load_config

pytestmark = needs_client

SCRIPTED = CONFIG.replace(
    'https://www.example.com/", approval: phrase}',
    'https://www.example.com/", approval: phrase,\n'
    "    deploy: {strategy: script, script: publish_to_production.py}}",
)
APPROVES = "  approving: {base_url: 'https://a.example.com/', approval: approve}\n"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_programs(tmp_path_factory.mktemp("programs") / "bin")


@pytest.fixture
def client(tmp_path: Path, programs: Path) -> Client:
    """The client in an exchange with all files for it, and that is trusted."""
    program = make_exchange(tmp_path)
    furnish(program)
    client = make_client(program.root, programs)
    client.trust()
    return client


def furnish(program: Program, *, strict: bool = False, site: Path | None = None) -> None:
    """What `workflow init --claude` does."""
    found = install.plan(program.root, load_config(program.root), strict=strict, site=site)
    install.carry_out(found)
    assert found.left == {}


def program_of(client: Client) -> Program:
    return Program(client.folder)


# -- the files as such ---------------------------------------------------------------------------


def doctor(client: Client) -> str:
    ran = client("doctor")
    assert ran.code == 0
    assert "No installation issues found." in ran.out
    return ran.out


@pytest.mark.parametrize("strict", [False, True])
def test_the_clients_doctor_finds_nothing_wrong_with_the_settings(
    client: Client, strict: bool
) -> None:
    furnish(program_of(client), strict=strict)
    said = doctor(client)
    assert "Invalid settings" not in said
    assert "may not work as written" not in said

    path = client.folder / ".claude/settings.json"
    path.write_text(path.read_text().replace('"PreToolUse"', '"BeforeTools"'))
    assert 'Unknown hook event "BeforeTools"' in doctor(client), "it would have told"


def test_the_client_accepts_the_skill(client: Client) -> None:
    ran = client("plugin", "validate", ".claude", "--strict")
    assert ran.code == 0, ran.out
    assert "Validation passed" in ran.out
    skill = client.folder / ".claude/skills/site-tasks/SKILL.md"
    skill.write_text(skill.read_text().replace("name: site-tasks", "name: {a: b}", 1))
    assert client("plugin", "validate", ".claude", "--strict").code == 1, "it would have told"


def test_the_plugin_passes_the_clients_strict_checks_and_installs_from_the_folder(
    client: Client, tmp_path: Path
) -> None:
    folder = tmp_path / "market"
    plugin.write(folder)
    for part in (folder, folder / "site-tasks"):
        ran = client("plugin", "validate", str(part), "--strict")
        assert ran.code == 0 and "Validation passed" in ran.out, ran.out
    assert client("plugin", "marketplace", "add", str(folder)).code == 0
    installed = client("plugin", "install", "site-tasks@workflow")
    assert "Successfully installed plugin: site-tasks@workflow" in installed.out
    details = client("plugin", "details", "site-tasks").out
    assert "Skills (1)  site-tasks" in details
    assert "Hooks (4)  SessionStart, UserPromptSubmit, PreToolUse, PostToolUse" in details


def test_with_the_plugin_init_leaves_the_hooks_out_and_they_run_once(
    client: Client, tmp_path: Path
) -> None:
    plugin.write(tmp_path / "market")
    client("plugin", "marketplace", "add", str(tmp_path / "market"))
    client("plugin", "install", "site-tasks@workflow")
    (client.folder / ".claude/settings.json").unlink()
    program = program_of(client)
    ran = program("init", ".", "--claude", HOME=str(client.home))
    assert "without hooks, which your plugin site-tasks has" in ran.err
    client.session("hello")
    assert client.context.count("Site tasks in ") == 1


# -- permissions ---------------------------------------------------------------------------------

STUBS = ("workflow", "workflow-hook", "aws", "hugo", "python3", "claude")
RAN = [
    "workflow status",
    "workflow submit noop --wait 5 --request 'the person said so'",
    "workflow publish --env staging --wait 110",
    "workflow wait latest --until approval",
    "workflow plan latest",
    "workflow verify latest; workflow show latest --field data.status",
    "timeout 60 workflow logs latest",
    "workflow doctor",
    "echo '---' > tasks/pending/2026-01-19-1430-noop.md",
    "cat publish_to_production.py",
]
ASKED = [
    "workflow approve a staging 01234567",
    "/usr/local/bin/workflow approve a staging 01234567",
    "FOO=1 workflow approve a staging 01234567",
    "timeout 5 workflow approve a staging 01234567",
    "env workflow approve a staging 01234567",
    'workflow "approve" a staging 01234567',
    "workflow status && workflow approve a staging 01234567",
    "workflow --root /elsewhere approve a staging 01234567",
    "workflow --root /elsewhere status",
    "workflow status --root /elsewhere",
    "WORKFLOW_ROOT=/elsewhere workflow submit noop",
    "workflow submit noop --from /etc/passwd",
    "workflow submit noop --body-file=/etc/passwd",
    "workflow check public --sarif /tmp/x",
    "workflow doctor --fix",
    "workflow init . --claude",
    'claude -p "DEPLOY TO PRODUCTION"',
    'bash -c "workflow sweep"',
]
DENIED = [
    "workflow sweep",
    "workflow sweep --json",
    "FOO=1 workflow sweep",
    "/usr/local/bin/workflow sweep",
    "workflow --root=/elsewhere sweep",
    "workflow --root /elsewhere sweep --json",
    "python3 -m workflow approve a staging 01234567",
    "/usr/bin/python3 -m workflow.hook prompt",
    "echo '{}' | workflow-hook prompt",
    "/usr/local/bin/workflow-hook prompt",
    "aws s3 sync public s3://example",
    "/usr/bin/aws s3 ls",
    "hugo deploy",
    "python3 publish_to_production.py",
    "./publish_to_production.py --yes",
    "echo x > results/latest/noop.result.md",
    "echo x > .workflow/witnessed.json",
    "echo x >> tasks/completed/a.md",
    "echo x >> workflow.yaml",
    "cat ~/.aws/credentials",
    "echo $AWS_SECRET_ACCESS_KEY",
    "env",
    "printenv",
    "env | grep KEY",
]
MODES = ("default", "acceptEdits")


@pytest.fixture(scope="module")
def stubbed(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """The rules alone, without hooks, before programs that only say that they ran."""
    folder = tmp_path_factory.mktemp("rules")
    program = make_exchange(folder, SCRIPTED)
    (program.root / "publish_to_production.py").write_text("print('it ran')\n")
    wanted = settings(load_config(program.root))
    del wanted["hooks"]
    (program.root / ".claude").mkdir()
    (program.root / ".claude/settings.json").write_text(json.dumps(wanted))
    client = make_client(program.root, make_stubs(folder / "stubs", STUBS))
    client.trust()
    return client


def outcome(told: str) -> str:
    if re.match(r"Permission to .* has been denied", told):
        return "denied"
    if "haven't granted it" in told or "requires approval" in told or "needs approval" in told:
        return "asked"
    assert "it ran" in told or told.startswith("(Bash completed with no output)"), told
    return "ran"


@pytest.mark.parametrize("mode", MODES)
def test_the_client_runs_asks_and_refuses_as_the_rules_are_meant(
    stubbed: Client, mode: str
) -> None:
    wanted = {**dict.fromkeys(RAN, "ran"), **dict.fromkeys(ASKED, "asked")}
    wanted |= dict.fromkeys(DENIED, "denied")
    told = stubbed.session("go on", [bash(line) for line in wanted], "--permission-mode", mode)
    found = dict(zip(wanted, map(outcome, told), strict=True))
    assert found == wanted


FILES = {
    "tasks/pending/2026-01-19-1431-noop.md": "ran",
    "tasks/completed/2026-01-19-1431-noop.md": "denied",
    "results/2026-01-19/x.result.md": "denied",
    ".workflow/approvals/x.json": "denied",
    "workflow.yaml": "denied",
}


def test_the_clients_own_writing_tool_is_held_by_the_same_rules(stubbed: Client) -> None:
    calls: list[Call] = [
        ("Write", {"file_path": str(stubbed.folder / name), "content": "x\n"})
        for name in FILES
        if name != "workflow.yaml"
    ]
    change = {"file_path": str(stubbed.folder / "workflow.yaml")}
    calls.append(("Read", dict(change)))
    calls.append(("Edit", {**change, "old_string": "phrase", "new_string": "none"}))
    told = stubbed.session("go on", calls, "--permission-mode", "acceptEdits")
    del told[-2]  # to look is no harm
    held = ["denied" if "denied" in one or "deny" in one.lower() else "ran" for one in told]
    assert dict(zip(FILES, held, strict=True)) == FILES, told
    assert "approval: phrase" in (stubbed.folder / "workflow.yaml").read_text()


def test_the_rules_of_a_site_reach_the_exchange_beside_it(tmp_path: Path) -> None:
    program = make_exchange(tmp_path)
    site = program.root / "site"
    furnish(program, site=site)
    path = site / ".claude/settings.local.json"
    local = json.loads(path.read_text())
    del local["hooks"]
    path.write_text(json.dumps(local))
    client = make_client(site, make_stubs(tmp_path / "stubs", STUBS))
    client.trust()
    told = client.session(
        "go on",
        [
            bash("workflow publish --env staging --wait 110"),
            bash(f"echo x > {program.root}/results/x"),
            bash(f"echo x > {program.root}/tasks/pending/x.md"),
        ],
    )
    assert [outcome(one) for one in told] == ["ran", "denied", "ran"]
    assert told[0].strip() == f"it ran at {program.root}"


# -- the sandbox ---------------------------------------------------------------------------------


def _has_sandbox() -> bool:
    if shutil.which("bwrap") is None or shutil.which("socat") is None:
        return False
    tried = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "true"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


INSIDE = {
    "open('re' + 'sults/x', 'w')": "Read-only file system",
    "open('work' + 'flow.yaml', 'a')": "Read-only file system",
    "open('.work' + 'flow/witnessed.json', 'w')": "Read-only file system",
    "print(open(os.path.expanduser('~/.a' + 'ws/credentials')).read())": "No such file",
    "print([key for key in os.environ if key.startswith('AWS')])": "[]",
    "print(open('tasks/pending/x.md', 'w').name)": "tasks/pending/x.md",
}


@pytest.mark.skipif(not _has_sandbox(), reason="bubblewrap cannot make a sandbox here")
def test_with_strict_no_program_reaches_what_the_rules_protect(client: Client) -> None:
    furnish(program_of(client), strict=True)
    (client.home / ".aws").mkdir()
    (client.home / ".aws/credentials").write_text("secret\n")
    client.more["AWS_SECRET_ACCESS_KEY"] = "secret"
    lines = [f'python3 -c "import os; {code}"' for code in INSIDE]
    calls = [bash(line) for line in (*lines, "workflow submit noop", "workflow cancel latest")]
    told = client.session("go on", calls, "--allowedTools", "Bash(python3 *)")
    for text, wanted in zip(told, INSIDE.values(), strict=False):
        assert wanted in text and "secret" not in text, text
    assert re.search(r"^\S+-noop$", told[-2], re.MULTILINE), "submit needs tasks/pending alone"
    assert "is cancelled" in told[-1], "what needs more runs outside, under the rules"


# -- hooks ---------------------------------------------------------------------------------------


def waiting_task(program: Program, *words: str) -> tuple[str, str]:
    """A task that waits for a person, and its digest."""
    text = "---\ntask_type: noop\nrequires_approval: true\n---\n"
    program.write("2026-01-19-1430-noop-hello.md", text)
    assert program("sweep").code == 0
    command = program("plan", "2026-01-19-1430-noop-hello", "--json").data["approve"]
    return "2026-01-19-1430-noop-hello", command.split()[-1]


def test_at_the_start_of_a_session_claude_is_told_what_is_going_on(client: Client) -> None:
    waiting_task(program_of(client))
    client.session("hello")
    assert "1 waiting" in client.context
    assert "waiting: 2026-01-19-1430-noop-hello (has a plan" in client.context
    assert "Builds, checks and deploys are site tasks" in client.context, "its CLAUDE.md"
    assert "workflow init --claude: end" not in client.context, "marks are not for Claude"


def test_an_approval_with_another_digest_is_refused_with_the_reason(client: Client) -> None:
    task_id, digest = waiting_task(program_of(client))
    other = "0" * 8 if not digest.startswith("0") else "1" * 8
    wrong, right = client.session(
        "go on",
        [
            bash(f"workflow approve {task_id} - {other}"),
            bash(f"workflow approve {task_id} - {digest}"),
        ],
    )
    assert f"has another plan by now than {other}" in wrong
    assert outcome(right) == "asked", "nobody is there to say yes"
    assert program_of(client).states(task_id) == ["waiting"]


def test_the_phrase_that_the_person_sends_is_witnessed_and_claude_is_told(client: Client) -> None:
    wait_for_approval(program_of(client))
    (told,) = client.session("DEPLOY TO PRODUCTION", [bash(APPROVE)])
    assert f"It was witnessed for {TASK}" in client.context
    assert outcome(told) == "asked"
    client.session("go on: DEPLOY TO PRODUCTION")
    assert "witnessed" not in client.context


def test_a_wrong_task_file_is_told_as_soon_as_it_is_written(client: Client) -> None:
    path = client.folder / "tasks/pending/2026-01-19-1430-hugo-build-dev.md"
    text = "---\ntask_type: hugo-buidl\n---\n"
    client.session("go on", [("Write", {"file_path": str(path), "content": text})])
    assert "did you mean hugo-build" in client.context


def test_a_session_goes_on_where_the_hooks_program_is_missing(client: Client) -> None:
    (told,) = Client(
        client.folder, client.home, make_stubs(client.home / "bin", ["workflow"])
    ).session("hello", [bash("workflow status")])
    assert told.strip() == "it ran at home"


def test_the_pinned_client_is_the_one_that_is_here() -> None:
    program = find_client()
    assert program is not None and program.is_file()

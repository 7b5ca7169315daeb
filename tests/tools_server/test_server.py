"""The server as a process: its exchange, its stdout, its end, and what a client gives up."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.program import CONFIG, Program, slow_hugo
from tests.tools_server.by_hand import OPENING, heard, say, serving, use
from tests.tools_server.client import Told, Tools, call, talk

# -- start and end -------------------------------------------------------------------------------


def test_the_end_of_stdin_ends_it_with_0_and_stdout_has_nothing_but_the_protocol(
    program: Program,
) -> None:
    ran = program("mcp", stdin="")
    assert (ran.code, ran.out) == (0, "")
    ran = program("mcp", stdin=OPENING + "this is no JSON\n" + use(1, "submit", type="noop"))
    assert ran.code == 0, ran.err
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in ran.out.splitlines())


def test_a_client_that_leaves_while_a_task_is_waited_for_ends_it_at_once(program: Program) -> None:
    task_id = program.submit("noop")
    with serving(program) as server:
        say(server, use(1, "wait", ids=[task_id], timeout=100, until="done"))
        say(server, use(2, "status"))
        heard(server, 2)
        assert server.stdin is not None
        server.stdin.close()
        began = time.monotonic()
        assert server.wait(timeout=60) == 0
        assert time.monotonic() - began < 3


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15)])
def test_a_signal_ends_it(program: Program, sent: signal.Signals, code: int) -> None:
    with serving(program) as server:
        server.send_signal(sent)
        assert server.wait(timeout=60) == code


def test_killed_it_takes_no_task_with_it(program: Program, tmp_path: Path) -> None:
    hugo, pipe = slow_hugo(tmp_path)
    (program.root / "workflow.yaml").write_text(f"{CONFIG}hugo: {{path: {hugo}}}\n")
    with serving(program) as server:
        say(server, use(1, "submit", type="hugo-build", env="dev", wait=50))
        until(lambda: (tmp_path / "begun").exists())
        assert sweeps_below(server.pid), "the sweep is a process of its own"
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
    with pipe.open("w"):
        pass
    (task_id,) = [one["task_id"] for one in program("list", "--json").data["tasks"]]
    assert program("wait", task_id, "--timeout", "30").code == 0


def test_a_sweep_that_it_started_is_reaped_when_it_ends(program: Program) -> None:
    with serving(program) as server:
        say(server, use(1, "submit", type="noop", wait=50))
        assert heard(server, 1)["result"]["isError"] is False
        until(lambda: not psutil.Process(server.pid).children())


def sweeps_below(pid: int) -> list[psutil.Process]:
    return [one for one in psutil.Process(pid).children() if "sweep" in one.cmdline()]


def until(true: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


# -- which exchange ------------------------------------------------------------------------------


def test_without_an_exchange_it_says_so_before_the_protocol(tmp_path: Path) -> None:
    ran = Program(tmp_path)("mcp")
    assert (ran.code, ran.out) == (2, "")
    assert "no workflow.yaml" in ran.err


def test_root_names_the_exchange_and_what_it_says_to_run_names_it_too(
    program: Program, tmp_path: Path
) -> None:
    elsewhere = Program(tmp_path / "elsewhere")
    elsewhere.root.mkdir()

    async def scene(tools: Tools) -> Told:
        return await tools("submit", type="noop")

    told = talk(elsewhere, scene, words=("--root", str(program.root), "mcp"))
    assert program.states(told.data["task_id"]) == ["pending"]
    assert told.envelope["next"][0]["cmd"].startswith(f"workflow --root {program.root} wait ")


def test_it_stays_with_its_exchange_and_reads_the_configuration_anew(program: Program) -> None:
    async def scene(tools: Tools) -> list[Told]:
        first = await tools("submit", type="hugo-build", env="beta")
        config = program.root / "workflow.yaml"
        beta = "environments:\n  beta: {base_url: 'http://localhost/'}"
        config.write_text(CONFIG.replace("environments:", beta))
        second = await tools("submit", type="hugo-build", env="beta", dry_run=True)
        (program.root.parent / "workflow.yaml").write_text(CONFIG)
        config.unlink()
        return [first, second, await tools("list")]

    first, second, third = talk(program, scene)
    assert first.code == "no_such_environment"
    assert second.code is None
    assert third.code == "no_exchange", "and not the one in the folder above"


def test_what_lies_in_the_folder_it_stands_in_is_not_run(program: Program) -> None:
    """A sweep is started by the name of our package, and content may bring one of that name."""
    package = program.root / "workflow"
    package.mkdir()
    for name in ("__init__", "__main__"):
        text = "import pathlib; pathlib.Path('ran').touch()\n"
        (package / f"{name}.py").write_text(text)
    script = "import sys; sys.path.pop(0); from workflow.__main__ import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", script, "mcp"], cwd=program.root, env=program.environ,
        input=OPENING + use(1, "submit", type="noop", wait=20), text=True, capture_output=True,
        check=True, timeout=60,
    )  # fmt: skip
    assert '"id":0' in ran.stdout
    until(lambda: not list((program.root / "tasks/pending").glob("*.md")))
    assert not (program.root / "ran").exists()


def test_without_the_extra_the_one_command_that_installs_it_is_told(
    program: Program, tmp_path: Path
) -> None:
    hiding = tmp_path / "hiding/sitecustomize.py"
    hiding.parent.mkdir()
    hiding.write_text("import sys\nsys.modules['mcp'] = sys.modules['mcp_types'] = None\n")
    path = f"{hiding.parent}:{program.environ['PYTHONPATH']}"
    ran = program("mcp", PYTHONPATH=path)
    assert (ran.code, ran.out) == (2, "")
    assert "in the folder of its checkout, pip install '.[mcp]'" in ran.err
    told = program("mcp", "--json", PYTHONPATH=path).json
    assert told["error"]["code"] == "missing_extra"
    assert program("list", PYTHONPATH=path).code == 0, "nothing else needs it"


def test_no_other_command_imports_it(program: Program) -> None:
    script = (
        "import sys, importlib; from workflow.cli import COMMANDS, run\n"
        "for name in COMMANDS: importlib.import_module(f'workflow.commands.{name}')\n"
        "print([n for n in sys.modules if n.split('.')[0] in ('mcp', 'mcp_types', 'starlette')])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], env=program.environ, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert ran.stdout == "[]\n"


# -- waiting -------------------------------------------------------------------------------------


def test_a_wait_tells_how_it_goes_on_and_ends_before_its_client_gives_up(program: Program) -> None:
    task_id = program.submit("noop")
    (program.root / ".workflow/last-sweep").touch()
    heard: list[tuple[float, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message))

    async def scene(tools: Tools) -> Any:
        given = {"ids": [task_id], "timeout": 4.2}
        return await tools.client.call_tool("wait", given, progress_callback=hear)

    came = talk(program, scene)
    assert came.is_error is False
    assert came.structured_content["error"]["code"] == "still_running"
    assert came.structured_content["error"]["retryable"] is True
    assert len(heard) == 2 and heard[1][0] > heard[0][0]
    assert heard[0][1] == "wait: 2 s"


def test_a_wait_that_is_given_up_ends_and_the_tools_go_on(program: Program) -> None:
    task_id = program.submit("noop")
    (program.root / ".workflow/last-sweep").touch()

    async def scene(tools: Tools) -> int:
        waits = [asyncio.create_task(tools("wait", ids=[task_id], timeout=100)) for _ in range(70)]
        await asyncio.sleep(1)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        async with asyncio.timeout(5):
            return len((await tools("list")).data["tasks"])

    assert talk(program, scene) == 1


def test_the_policy_says_whether_a_sweep_is_started(program: Program) -> None:
    with (program.root / "workflow.yaml").open("a") as config:
        config.write("policies: {submit_starts_sweep: never}\n")
    told = call(program, "submit", type="noop", wait=1)
    assert program.states(told.data["task_id"]) == ["pending"]
    assert "workflow sweep" in told.text


def test_what_is_printed_beside_the_protocol_goes_to_stderr(program: Program) -> None:
    """A plan is made here, and whatever its handler prints must not break what the client reads."""
    (program.root / "content").mkdir()
    (program.root / "content/index.html").write_text("x")
    task_id = program.submit("release", "--env", "staging")
    noisy = program.root.parent / "noisy/sitecustomize.py"
    noisy.parent.mkdir()
    noisy.write_text(
        "import os, workflow.approval as approval\n"
        "real = approval.digest\n"
        "def digest(*given):\n"
        "    print('loud'); os.write(1, b'louder\\n'); os.system('echo loudest')\n"
        "    return real(*given)\n"
        "approval.digest = digest\n"
    )
    path = f"{noisy.parent}:{program.environ['PYTHONPATH']}"
    told = talk(program, lambda tools: tools("plan", id=task_id), PYTHONPATH=path)
    assert told.data["digest"]
    log = (program.root.parent / "server.log").read_text()
    assert all(word in log for word in ("loud\n", "louder\n", "loudest\n"))

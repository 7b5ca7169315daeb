"""The server, spoken to line by line: what no well-behaved client sends."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.program import Program


def request(number: int, method: str, params: dict[str, Any]) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n"


def use(number: int, name: str, **given: Any) -> str:
    return request(number, "tools/call", {"name": name, "arguments": given})


def opening(**capabilities: Any) -> str:
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": capabilities,
        "clientInfo": {"name": "by hand", "version": "1"},
    }
    initialized = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"})
    return f"{request(0, 'initialize', hello)}{initialized}\n"


OPENING = opening()


@contextmanager
def serving(program: Program, **capabilities: Any) -> Iterator[subprocess.Popen[str]]:
    """The server, spoken to line by line."""
    with subprocess.Popen(
        program.argv("mcp"),
        cwd=program.root,
        env=program.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            say(server, opening(**capabilities))
            heard(server, 0)
            yield server
        finally:
            server.kill()


def say(server: subprocess.Popen[str], lines: str) -> None:
    assert server.stdin is not None
    server.stdin.write(lines)
    server.stdin.flush()


def heard(server: subprocess.Popen[str], number: int) -> dict[str, Any]:
    """The answer to a request; each line before it is one of the protocol's."""
    assert server.stdout is not None
    for line in server.stdout:
        said: dict[str, Any] = json.loads(line)
        assert said["jsonrpc"] == "2.0"
        if said.get("id") == number:
            return said
    raise AssertionError("it ended")

"""The real Claude Code, with a model that says what a test wants it to say.

The client is the npm package in the version that the texts were written for; `make claude-client`
installs it. It runs in a home folder of its own, and what it takes for its API is a server on this
machine: so its own rules decide, and its own hooks run, without login and without network.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.program import Ran

VERSION = "2.1.330"
REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "build/claude-code"
SECONDS = 90

Call = tuple[str, dict[str, Any]]
"""A tool and what it is given."""


def find_client() -> Path | None:
    """The client's program, of the version that is pinned; None if it is not installed."""
    for path in sorted(FOLDER.glob("node_modules/@anthropic-ai/claude-code-*/claude")):
        package = json.loads((path.parent / "package.json").read_text())
        if package["version"] == VERSION:
            return path
    return None


needs_client = pytest.mark.skipif(
    find_client() is None, reason=f"Claude Code {VERSION} is not installed: make claude-client"
)


def bash(command: str) -> Call:
    return "Bash", {"command": command, "description": "a test"}


@dataclass
class Client:
    """The client in a folder, with a home of its own."""

    folder: Path
    home: Path
    programs: Path
    """Where `workflow` and `workflow-hook` are found."""
    more: dict[str, str] = field(default_factory=dict)
    """Variables of the person's shell."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """What was sent to the model in the last session."""

    def __call__(self, *words: str, **environ: str) -> Ran:
        program = find_client()
        assert program is not None
        ran = subprocess.run(
            [str(program), *words],
            cwd=self.folder,
            env={**self._environ(), **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def _environ(self) -> dict[str, str]:
        self.home.mkdir(exist_ok=True)
        return {
            "HOME": str(self.home),
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            # Whatever it might ask of the network, nobody answers.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "HTTP_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "127.0.0.1",
            **self.more,
        }

    def trust(self) -> None:
        """What the person answers once: the folder's `allow` rules count from then on."""
        self.home.mkdir(exist_ok=True)
        trusted = {"hasTrustDialogAccepted": True}
        known = {"hasCompletedOnboarding": True, "projects": {str(self.folder.resolve()): trusted}}
        (self.home / ".claude.json").write_text(json.dumps(known))

    def session(self, prompt: str, calls: Sequence[Call] = (), *words: str) -> list[str]:
        """One prompt, answered by these calls of tools, one after the other; gives what each came
        to, as the model is told."""
        self.asked = []
        with _model(calls, self.asked) as address:
            ran = self(
                *("-p", prompt, "--output-format", "json", *words),
                ANTHROPIC_API_KEY="none",
                ANTHROPIC_BASE_URL=address,
            )
        assert ran.code == 0, ran.out + ran.err
        return _results(self.asked, len(calls))

    @property
    def context(self) -> str:
        """All that the model was told in the last session."""
        return json.dumps(self.asked[-1], ensure_ascii=False)


def make_programs(folder: Path) -> Path:
    """A folder for the PATH with our two programs, whatever is installed where."""
    folder.mkdir()
    for name, module in (("workflow", "workflow"), ("workflow-hook", "workflow.hook")):
        path = folder / name
        path.write_text(
            f'#!/bin/sh\nPYTHONPATH={REPOSITORY} exec {sys.executable} -m {module} "$@"\n'
        )
        path.chmod(0o755)
    return folder


def make_stubs(folder: Path, names: Sequence[str]) -> Path:
    """A folder for the PATH with programs that only say that they ran."""
    folder.mkdir()
    for name in names:
        path = folder / name
        path.write_text("#!/bin/sh\necho it ran at ${WORKFLOW_ROOT:-home}\n")
        path.chmod(0o755)
    return folder


@contextmanager
def _model(calls: Sequence[Call], asked: list[dict[str, Any]]) -> Iterator[str]:
    """A server for the one endpoint of the API that a session needs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._answer(404, "application/json", b"{}")

        do_HEAD = do_GET

        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or "{}")
            if not self.path.startswith("/v1/messages?") or not said.get("tools"):
                self.do_GET()
                return
            asked.append(said)
            self._answer(200, "text/event-stream", _stream(said, calls))

        def _answer(self, code: int, kind: str, body: bytes) -> None:
            self.send_response(code)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _blocks(asked: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    contents = [message["content"] for message in asked["messages"]]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return [block for block in blocks if block.get("type") == kind]


def _results(asked: list[dict[str, Any]], count: int) -> list[str]:
    found = {block["tool_use_id"]: block["content"] for block in _blocks(asked[-1], "tool_result")}
    return [_text(found[f"toolu_{number}"]) for number in range(count)]


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(one["text"] for one in content)


def _stream(asked: dict[str, Any], calls: Sequence[Call]) -> bytes:
    """The next call of a tool, or the end of the turn, as the API streams it."""
    number = len(_blocks(asked, "tool_result"))
    message = {
        "id": f"msg_{number}", "type": "message", "role": "assistant", "model": asked["model"],
        "content": [], "stop_reason": None, "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    if number < len(calls):
        name, given = calls[number]
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(given)}
        reason = "tool_use"
    else:
        block, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": "Done."}
        reason = "end_turn"
    ended = {"stop_reason": reason, "stop_sequence": None}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events).encode()


def make_client(folder: Path, programs: Path) -> Client:
    return Client(folder, folder.parent / "claude-home", programs)

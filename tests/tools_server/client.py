"""The official SDK's client, over stdin and stdout, with the real program as its server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import mcp_types as types
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.program import SECONDS, Program

Era = Literal["legacy", "2026-07-28"]
ERAS: tuple[Era, ...] = ("legacy", "2026-07-28")
"""The protocol with a handshake, and the one without: a client speaks either."""
T = TypeVar("T")


@dataclass(frozen=True)
class Told:
    """What a call came to."""

    failed: bool
    text: str
    envelope: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.envelope["data"]
        return data

    @property
    def code(self) -> str | None:
        error = self.envelope["error"]
        return None if error is None else str(error["code"])


@dataclass
class Person:
    """Who sits before the client: sees each question, and does what a test says."""

    does: Callable[[types.ElicitRequestFormParams], Awaitable[types.ElicitResult]]
    asked: list[types.ElicitRequestFormParams] = field(default_factory=list)

    async def __call__(self, context: Any, params: Any) -> types.ElicitResult:
        self.asked.append(params)
        return await self.does(params)


def who(action: Literal["accept", "decline", "cancel"], **content: Any) -> Person:
    """A person who always does the same."""

    async def does(_: types.ElicitRequestFormParams) -> types.ElicitResult:
        return types.ElicitResult(action=action, content=content or None)

    return Person(does)


@dataclass
class Tools:
    """The tools of one server."""

    client: Client

    async def __call__(self, name: str, /, **given: Any) -> Told:
        came = await self.client.call_tool(name, given)
        (text,) = came.content
        assert isinstance(text, types.TextContent)
        return Told(came.is_error, text.text, came.structured_content)


@asynccontextmanager
async def _tools(
    program: Program,
    person: Person | None,
    era: Era,
    words: tuple[str, ...],
    environ: dict[str, str],
) -> Any:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "workflow", *words],
        env={**program.environ, **environ},
        cwd=program.root,
    )
    with Path(program.root.parent / "server.log").open("a") as log:
        client = Client(
            stdio_client(server, errlog=log),
            mode=era,
            elicitation_callback=person,
            client_info=types.Implementation(name="Test Client!", version="1"),
        )
        async with client:
            yield Tools(client)


def talk(
    program: Program,
    scene: Callable[[Tools], Coroutine[Any, Any, T]],
    *,
    person: Person | None = None,
    era: Era = "legacy",
    words: tuple[str, ...] = ("mcp",),
    **environ: str,
) -> T:
    """Start the server, play the scene with its tools, and let it end."""

    async def play() -> T:
        async with asyncio.timeout(SECONDS), _tools(program, person, era, words, environ) as tools:
            return await scene(tools)

    return asyncio.run(play())


def call(program: Program, name: str, /, *, person: Person | None = None, **given: Any) -> Told:
    """One call of one tool."""
    return talk(program, lambda tools: tools(name, **given), person=person)

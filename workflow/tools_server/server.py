"""The tools over stdin and stdout, as the official SDK speaks the protocol.

Each call runs in a thread of its own, so that several go on at once; one that its client gives up
ends at its next look. Nothing but the protocol is ever written to stdout: while the SDK serves,
what anything else prints there goes to stderr. No handler runs here: sweeps are started beside us,
as `submit` starts them.
"""

from __future__ import annotations

import io
import os
import re
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Any, TypeVar

import anyio
import mcp_types as types
from anyio import from_thread, to_thread
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata

from workflow import __version__
from workflow.boundary import defect
from workflow.cli import Place
from workflow.commands.approve import Question, agreed, ask
from workflow.errors import Exit, WorkflowError, nearest
from workflow.reply import Reply
from workflow.tools_server import approving
from workflow.tools_server.answers import as_envelope, as_text
from workflow.tools_server.arguments import check
from workflow.tools_server.tools import APPROVE, INSTRUCTIONS, TOOLS, Given

_PROGRESS_SECONDS = 2.0
_APPROVAL = "approval"
"""What the one input is called that we ever ask a client for."""
_MOST_OPEN = 20
_MOST_AT_ONCE = 64

Context = ServerRequestContext[Any, Any]
T = TypeVar("T")
Answer = types.CallToolResult | types.InputRequiredResult


def serve(root: str, *, named: str | None) -> None:
    """Serve the exchange in `root` until stdin ends. `named`: how --root called it, if it did."""
    desk = _Desk(root, named)
    server: Server[Any] = Server(
        "workflow",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=_list,
        on_call_tool=desk.call,
    )

    async def run() -> None:
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # what is printed beside it, when it is printed
    # The thread that waits for stdin would outlive an interrupt until its next line.
    signal.signal(signal.SIGINT, lambda *_: os._exit(Exit.INTERRUPTED))
    anyio.run(run)


async def _list(_: Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    return types.ListToolsResult(tools=[_definition(name) for name in TOOLS])


def _definition(name: str) -> types.Tool:
    tool = TOOLS[name]
    hints = types.ToolAnnotations(read_only_hint=True)
    if tool.effect != "looks":
        hints = types.ToolAnnotations(
            read_only_hint=False,
            destructive_hint=tool.effect == "destroys",
            idempotent_hint=tool.repeatable,
        )
    return types.Tool(
        name=name, description=tool.description, input_schema=tool.schema(), annotations=hints
    )


@dataclass
class _Open:
    """A question that a client took along, to come back with the answer."""

    question: Question
    given: Given
    asked_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class _Desk:
    """One client's calls, and what the person was asked meanwhile."""

    root: str
    named: str | None
    asking: set[tuple[str, str]] = field(default_factory=set)
    """Tasks and digests that the person is looking at."""
    declined: set[tuple[str, str]] = field(default_factory=set)
    """Those to which they said no: nobody is asked until they give in."""
    open: dict[str, _Open] = field(default_factory=dict)
    """By the name that the client was given for it."""
    threads: anyio.CapacityLimiter = field(
        # Of our own: calls that wait must leave those to the SDK with which it reads and writes.
        default_factory=lambda: anyio.CapacityLimiter(_MOST_AT_ONCE)
    )

    async def call(self, context: Context, params: types.CallToolRequestParams) -> Answer:
        """Answer a call of a tool. Raises MCPError for a tool that there is not."""
        name = params.name
        if name not in TOOLS:
            near = nearest(name, list(TOOLS))
            meant = f"; did you mean {near[0]}?" if near else ""
            raise MCPError(types.INVALID_PARAMS, f"there is no tool {name[:60]!r}{meant}")
        place = Place(self.root, author=_author(context), pulse=from_thread.check_cancelled)
        async with _progress(context, name):
            try:
                given = check(name, params.arguments or {})
                if name == APPROVE:
                    came = await self._approve(context, params, place, given)
                else:
                    came = await self._in_thread(TOOLS[name].answer, place, given)
            except WorkflowError as error:
                came = Reply.of_error(error)
            except Exception as error:
                came = defect(error)
        return came if isinstance(came, types.InputRequiredResult) else self._told(came)

    def _told(self, reply: Reply) -> types.CallToolResult:
        reply = reply.pointed_at(self.named)
        return types.CallToolResult(
            content=[types.TextContent(text=as_text(reply))],
            structured_content=as_envelope(reply),
            is_error=reply.error is not None and not reply.not_yet,
        )

    async def _approve(
        self, context: Context, params: types.CallToolRequestParams, place: Place, given: Given
    ) -> Reply | types.InputRequiredResult:
        """Ask the person; let it count if they agree. Raises WorkflowError if they do not.

        The client of a protocol since 2026-07-28 takes the question along and calls again with the
        answer; one of an earlier protocol is asked in between.
        """
        if params.request_state is not None:
            question = self._taken_along(params.request_state, given)
            action, content = _answer_in(params.input_responses)
        else:
            question = await self._in_thread(ask, place, given["id"], given["env"], given["digest"])
            if question.before is not None:
                return await self._agreed(place, question, "", given)
            self._refuse_to_ask(context, question)
            request = _request(question)
            if not context.session.can_send_request:
                return self._to_take_along(question, given, request)
            action, content = await self._asked(context, question, request)
        if action == "decline":
            self.declined.add(_mark(question))
        through = approving.way(question, action, content)
        return await self._agreed(place, question, through, given)

    async def _agreed(self, place: Place, question: Question, through: str, given: Given) -> Reply:
        counts = partial(agreed, reason=None, seconds=given.get("wait"))
        return await self._in_thread(counts, place, question, through)

    async def _in_thread(self, function: Callable[..., T], *given: object) -> T:
        return await to_thread.run_sync(partial(function, *given), limiter=self.threads)

    def _refuse_to_ask(self, context: Context, question: Question) -> None:
        started_by = approving.whose_shell()
        if started_by is not None:
            raise approving.cannot_ask(question, started_by)
        if not _shows_forms(context):
            raise approving.cannot_ask(question, "this client cannot ask a person (elicitation)")
        if _mark(question) in self.declined:
            raise approving.refused(question)
        if _mark(question) in self.asking:
            raise WorkflowError(
                "already_asked",
                "the person is being asked about this plan already",
                Exit.RUNNING,
                hint="wait for that call's answer",
                retryable=True,
            )

    async def _asked(
        self, context: Context, question: Question, request: types.ElicitRequest
    ) -> tuple[str, Mapping[str, Any] | None]:
        """What the person did with the question."""
        self.asking.add(_mark(question))
        try:
            with anyio.move_on_after(approving.PATIENCE_SECONDS):
                came = await context.session.send_request(
                    request,
                    types.ElicitResult,
                    metadata=ServerMessageMetadata(related_request_id=context.request_id),
                )
                return came.action, came.content
        except ValueError:
            pass  # what came is no answer of the protocol's
        except MCPError as error:
            why = f"this client did not ask the person ({error.error.message[:200]})"
            raise approving.cannot_ask(question, why) from error
        finally:
            self.asking.discard(_mark(question))
        raise approving.unanswered(question)

    def _to_take_along(
        self, question: Question, given: Given, request: types.ElicitRequest
    ) -> types.InputRequiredResult:
        self.open = {
            handle: one for handle, one in self.open.items() if not approving.overdue(one.asked_at)
        }
        while len(self.open) >= _MOST_OPEN:
            del self.open[next(iter(self.open))]
        # The client gets a name for what we keep, which nobody guesses and which serves once.
        handle = secrets.token_urlsafe(32)
        self.open[handle] = _Open(question, dict(given))
        return types.InputRequiredResult(input_requests={_APPROVAL: request}, request_state=handle)

    def _taken_along(self, handle: str, given: Given) -> Question:
        """The question that was asked. Raises WorkflowError if it stands no longer."""
        asked = self.open.pop(handle, None)
        if asked is None or approving.overdue(asked.asked_at) or asked.given != given:
            raise WorkflowError(
                "not_answered",
                "what was asked stands no longer: nothing was approved",
                Exit.NEEDS_APPROVAL,
                hint="call approve anew",
                retryable=True,
            )
        return asked.question


def _mark(question: Question) -> tuple[str, str]:
    return question.task.task_id, question.planned.digest


def _request(question: Question) -> types.ElicitRequest:
    return types.ElicitRequest(
        params=types.ElicitRequestFormParams(
            message=approving.ask_text(question), requested_schema=approving.form(question)
        )
    )


def _answer_in(responses: types.InputResponses | None) -> tuple[str, Mapping[str, Any] | None]:
    came = (responses or {}).get(_APPROVAL)
    return (came.action, came.content) if isinstance(came, types.ElicitResult) else ("cancel", None)


def _shows_forms(context: Context) -> bool:
    able = context.session.client_capabilities
    asks = able.elicitation if able is not None else None
    # Before there were two kinds, a bare `elicitation` meant forms.
    return asks is not None and (asks.form is not None or asks.url is None)


def _author(context: Context) -> str:
    """Who writes the tasks: the client, by the name that it gives itself."""
    told = context.session.client_params
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", told.client_info.name) if told is not None else ""
    return name.strip("-")[:60] or "mcp-client"


@asynccontextmanager
async def _progress(context: Context, doing: str) -> AsyncIterator[None]:
    """Tell the client now and then that we are at it, if it asked to be told."""
    began = monotonic()

    async def tell() -> None:
        while True:
            await anyio.sleep(_PROGRESS_SECONDS)
            seconds = round(monotonic() - began, 1)
            await context.session.report_progress(seconds, message=f"{doing}: {seconds:.0f} s")

    async with anyio.create_task_group() as group:
        group.start_soon(tell)
        yield
        group.cancel_scope.cancel()

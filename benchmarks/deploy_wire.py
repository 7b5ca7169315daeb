"""A wire with delay between a tool and a server, on which requests are counted.

`python -m benchmarks.deploy_wire PORT` prints the port at which it listens and hands all bytes on
to PORT. Told a number of seconds on its standard input it hands on what clients say so much later,
and answers with how many requests there were since the last time. A process of its own that never
looks into a request beyond its first line: whoever measures through it must not measure it.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_REQUEST = re.compile(rb"(GET|HEAD|PUT|POST|DELETE) \S* HTTP/1\.[01]\r\n")


@dataclass(frozen=True)
class Wire:
    endpoint: str
    relay: subprocess.Popen[str]

    def delay(self, seconds: float) -> Counter[str]:
        """From now on each request comes so much later; which there were since the last call."""
        assert self.relay.stdin is not None and self.relay.stdout is not None
        self.relay.stdin.write(f"{seconds}\n")
        self.relay.stdin.flush()
        return Counter(json.loads(self.relay.stdout.readline()))


@contextmanager
def wire(endpoint: str) -> Iterator[Wire]:
    """A wire to `endpoint`, without delay at first."""
    host, _, port = endpoint.rpartition(":")
    relay = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.deploy_wire", port],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with relay:
        assert relay.stdin is not None and relay.stdout is not None
        try:
            yield Wire(f"{host}:{int(relay.stdout.readline())}", relay)
        finally:
            relay.stdin.close()


@dataclass
class _State:
    port: int
    seconds: float
    counted: Counter[str]


class _Client(asyncio.Protocol):
    """The end at which a tool is connected."""

    def __init__(self, state: _State) -> None:
        self.state = state
        self.on_its_way: deque[bytes] = deque()
        self.server: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.pause_reading()
        self.loop = asyncio.get_running_loop()
        self.connecting = self.loop.create_task(self.connect())

    async def connect(self) -> None:
        try:
            self.server, _ = await self.loop.create_connection(
                lambda: _Server(self.transport), "127.0.0.1", self.state.port
            )
        except OSError:
            self.transport.close()
        else:
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if request := _REQUEST.match(data):
            self.state.counted[request[1].decode()] += 1
        self.on_its_way.append(data)
        if self.state.seconds:
            self.loop.call_later(self.state.seconds, self.deliver)
        else:
            self.deliver()

    def deliver(self) -> None:
        # The oldest, whichever timer this is: timers of the same instant have no order.
        data = self.on_its_way.popleft()
        if self.server is not None:
            self.server.write(data)

    def connection_lost(self, reason: Exception | None) -> None:
        if self.server is not None:
            self.loop.call_later(self.state.seconds, self.server.close)


class _Server(asyncio.Protocol):
    """The end at which the server is connected."""

    def __init__(self, client: asyncio.Transport) -> None:
        self.client = client

    def data_received(self, data: bytes) -> None:
        self.client.write(data)

    def connection_lost(self, reason: Exception | None) -> None:
        self.client.close()


async def _serve(port: int) -> None:
    state = _State(port, 0, Counter())
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Client(state), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        state.seconds = float(line)
        print(json.dumps(state.counted), flush=True)
        state.counted.clear()
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))

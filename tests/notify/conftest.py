"""An exchange that tells a service on the loopback."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.notify.service import Service, service
from tests.program import CONFIG, Program, make_exchange

NOTIFY = """\
commands:
  nap: {argv: [/bin/sh, -c, 'echo $$ > began; sleep 60'], safe_to_repeat: true}
policies: {retry: {max_attempts: 1}}
notify:
  phone: {via: ntfy}
"""
VARIABLE = "WORKFLOW_NOTIFY_PHONE_SECRET"


@dataclass(frozen=True)
class Telling(Program):
    """A program whose sweeps know where the service is."""

    known: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        return {**super().environ, **self.known}

    def configure(self, notify: str) -> None:
        (self.root / "workflow.yaml").write_text(CONFIG + notify)

    @property
    def state(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads((self.root / ".workflow/notify/state.json").read_text())
        return said

    def settled(self, seconds: float = 60) -> dict[str, Any]:
        """What lies in the outbox once nobody sends any more."""
        import fcntl

        until = time.monotonic() + seconds
        journal = self.root / ".workflow/journal"
        while time.monotonic() < until:
            lock = os.open(self.root / ".workflow/notify/lock", os.O_RDWR | os.O_CREAT)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                state = self.state
            finally:
                os.close(lock)
            end = max((p for p in journal.glob("*.jsonl")), default=None)
            if end is None or state["cursor"] == [end.name, end.stat().st_size]:
                return state
            time.sleep(0.05)
        raise AssertionError("nobody has read the journal to its end")

    def fail(self, name: str = "wrong") -> None:
        """A task that ends as failed."""
        self.write(f"2026-01-19-1430-{name}.md", "---\ntask_type: no-such-type\n---\n")

    def ask(self, name: str = "ask") -> str:
        """A task that waits for somebody's yes."""
        self.write(
            f"2026-01-19-1430-{name}.md", "---\ntask_type: noop\nrequires_approval: true\n---\n"
        )
        return f"2026-01-19-1430-{name}"

    def let_retry(self) -> None:
        """As if the time had come to try again what could not be sent."""
        path = self.root / ".workflow/notify/state.json"
        state = json.loads(path.read_text())
        for one in state["unsent"]:
            one["due"] = time.time() - 1
        path.write_text(json.dumps(state))
        stamp = self.root / ".workflow/parked"
        if stamp.exists():
            times, signature = stamp.read_text().split("\n", 1)
            stamp.write_text(f"{times.split()[0]} {time.time() - 1}\n{signature}")


@pytest.fixture
def phone() -> Iterator[Service]:
    with service() as made:
        yield made


@pytest.fixture
def program(tmp_path: Path, phone: Service) -> Telling:
    made = Telling(make_exchange(tmp_path).root, {VARIABLE: phone.url})
    made.configure(NOTIFY)
    return made

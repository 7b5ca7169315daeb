"""Publishes a folder by leaving a line: a deploy whose effects can be counted.

Its content is every file in the folder `content` of the exchange; what is live stands in live.json.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow import approval, handler
from workflow.config import Config
from workflow.errors import Action, TaskError, TaskFailed
from workflow.handler import Context, Outcome, Planned
from workflow_test_handlers.effect import leave

SUMMARY = "Publish the folder `content` by leaving a line in effects.log"
SAFE_TO_REPEAT = False
PUBLISHES = True


class Params(handler.Params):
    environment: str | None = None
    wait_at: str | None = None
    """`planning` or `sending`: there it says so in a file, and goes on when `go-on` is there."""
    fail: Action | None = None
    """After the point of no return, with this action."""


def resources(params: Params, config: Config) -> Sequence[str]:
    return ()


def _files(config: Config) -> Iterator[tuple[str, int, str]]:
    for path in sorted(config.root.glob("content/**/*")):
        if path.is_file():
            raw = path.read_bytes()
            name = path.relative_to(config.root / "content").as_posix()
            yield name, len(raw), hashlib.sha256(raw).hexdigest()


def _digest(params: Params, config: Config) -> str:
    target = {"folder": "live"}
    return approval.digest("release", params.environment, target, {}, _files(config))


def still_as_planned(params: Params, config: Config, details: Mapping[str, Any]) -> bool:
    return bool(details.get("binds") == _digest(params, config))


def run(context: Context) -> Outcome:
    params: Params = context.params
    config = context.config
    with (config.root / "planned.log").open("a") as log:
        log.write(f"{context.task_id}\n")
    _wait(context, "planning")
    wanted = {name: sha for name, _, sha in _files(config)}
    live: dict[str, str] = {}
    if (config.root / "live.json").exists():
        live = json.loads((config.root / "live.json").read_text())
    actions = [
        {"action": "changed" if name in live else "new", "path": name, "reason": "content differs"}
        for name, sha in wanted.items()
        if live.get(name) != sha
    ]
    gone = [{"action": "deleted", "path": name, "reason": "gone"} for name in live.keys() - wanted]
    planned = Planned(
        digest=_digest(params, config),
        environment=params.environment,
        target="the folder live",
        summary=f"{len(actions)} changed, {len(gone)} deleted",
        changed=len(actions),
        deleted=len(gone),
        details={
            "binds": _digest(params, config),
            "totals": {"changed": len(actions), "deleted": len(gone)},
            "actions": [*actions, *gone],
        },
    )
    context.approve(planned)
    context.record({"live": "partial"})
    _wait(context, "sending")
    with (config.root / "sent.log").open("a") as log:
        log.write(f"{planned.digest}\n")
    leave(context)
    if params.fail is not None:
        raise TaskFailed(TaskError("told_to_fail", "it was told to fail", params.fail))
    aside = config.root / "live.json.new"
    aside.write_text(json.dumps(wanted))
    os.replace(aside, config.root / "live.json")
    return Outcome(outputs={"sent": len(actions)}, verdict="The folder was published.")


def _wait(context: Context, where: str) -> None:
    if context.params.wait_at != where:
        return
    folder = Path(context.config.root)
    (folder / f"is-{where}").touch()
    while not (folder / "go-on").exists():
        context.check()
        time.sleep(0.01)

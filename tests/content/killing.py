"""Content tasks that are killed at each of their steps, and tried again.

    python -m tests.content.killing create|edit ROOT

A process of its own, so that the one that is killed is a fork of something small. Prints how many
steps there were.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.content.desk import Desk
from workflow import durable
from workflow.handler import Outcome

POST = "---\ntitle: 'One'   # short\ntags: [a]\n---\n\nHello.\n"
EDITED = "---\ntitle: 'One'   # short\ntags: [a, sun]\n---\n\nHello.\n\nMore.\n"
MADE = "---\ntitle: N\n---\n\nText.\n"


def create(desk: Desk, attempt: int) -> Outcome:
    return desk.create("deep/new.md", attempt=attempt, front_matter={"title": "N"}, body="Text.")


def check_create(desk: Desk, again: Callable[[], Outcome]) -> None:
    path = desk.content / "deep/new.md"
    assert not path.exists() or path.read_text() == MADE
    outputs = again().outputs
    assert (outputs["created"], outputs["changed"]) == (True, True)
    assert "+Text.\n" in outputs["diff"]
    assert path.read_text() == MADE
    assert os.listdir(path.parent) == ["new.md"]
    shutil.rmtree(path.parent)


def edit(desk: Desk, attempt: int) -> Outcome:
    return desk.edit(append_text="More.", append={"tags": "sun"}, attempt=attempt)


def check_edit(desk: Desk, again: Callable[[], Outcome]) -> None:
    path = desk.content / "posts/one.md"
    assert path.read_text() in (POST, EDITED)
    outputs = again().outputs
    assert path.read_text() == EDITED
    assert outputs["changed"]
    assert outputs["digest_before"] == hashlib.sha256(POST.encode()).hexdigest()
    assert "+More.\n" in outputs["diff"]
    assert sorted(os.listdir(path.parent)) == ["one.md", "two.md"]
    path.write_text(POST)


def die_at(step: int) -> None:
    """Let this process be killed when it begins its step of that number that others could see."""
    left = [step]

    def dying(work: Callable[..., Any]) -> Callable[..., Any]:
        def do(*words: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return work(*words, **more)

        return do

    for name in ("link", "rename", "unlink", "mkdir", "write", "fsync"):
        setattr(os, name, dying(getattr(os, name)))
    durable._SIDE_BY_SIDE = 1


def main(scenario: str, root: str) -> None:
    desk = Desk(Path(root))
    work, check = {"create": (create, check_create), "edit": (edit, check_edit)}[scenario]
    step, killed = 0, True
    while killed:
        step += 1
        child = os.fork()
        if child == 0:
            die_at(step)
            work(desk, 1)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        killed = os.WIFSIGNALED(status)
        assert killed or os.waitstatus_to_exitcode(status) == 0
        check(desk, lambda: work(desk, 2))
        shutil.rmtree(desk.logs)
    print(step - 1)


if __name__ == "__main__":
    main(*sys.argv[1:])

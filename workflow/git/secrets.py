"""What no commit may hold: a push gives it to everybody who can read there, for good.

Names and forms are those that keep a site from being published; added are JotForm's keys under the
name of their variable, and the very secrets of our own environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from workflow.deploy.credentials import has_secret_name
from workflow.deploy.findings import Windows
from workflow.deploy.guards import shown
from workflow.deploy.patterns import matches
from workflow.git.changes import Change
from workflow.git.program import Git, failed_as_a_whole, refusal
from workflow.layout import CONFIG
from workflow.redact import SHORTEST_VALUE

_JOTFORM = re.compile(
    rb"(?i)jotform[_-]?(?:api[_-]?)?key[\"']?[ \t]*[:=][ \t]*[\"']?[0-9a-f]{32}\b"
)
_OURS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "JOTFORM_API_KEY")
_CHUNK = 4 << 20
_OVERLAP = 64 << 10
_FIRST_BYTES = 8192
_MOST_TOLD = 10


def refuse_secrets(
    git: Git,
    files: Iterable[Change],
    allowed: tuple[str, ...],
    *,
    env: Mapping[str, str] | None = None,
    outputs: Mapping[str, Any] | None = None,
) -> None:
    """Raises TaskFailed `secret_in_commit` if a file's name or content is that of a secret.

    `env` leads git to where the blobs are; `outputs` are those of the failure.
    """
    kept = [
        one
        for one in files
        if one.status != "deleted" and not any(matches(pattern, one.path) for pattern in allowed)
    ]
    found = [f"{shown(one.path)}: files of this name hold secrets" for one in kept
             if has_secret_name(one.path)]  # fmt: skip
    blobs = {one.blob: one.path for one in kept if one.mode.startswith("100")}
    for blob, what in _in_blobs(git, list(blobs), env):
        git.context.check()
        found.append(f"{shown(blobs[blob])}: {what}")
    if found:
        more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
        failure = refusal(
            "secret_in_commit",
            f"{found[0]}{more}",
            "escalate",
            "take it out, and replace the secret if others may have seen it; if it is none, list "
            f"the path under git.allow_secrets in {CONFIG}",
            excerpt="\n".join(found[1:_MOST_TOLD]) or None,
            category="content",
        )
        failure.outputs.update(outputs or {})
        raise failure


def _in_blobs(
    git: Git, blobs: list[str], env: Mapping[str, str] | None
) -> Iterator[tuple[str, str]]:
    if not blobs:
        return
    asked = "".join(f"{blob}\n" for blob in blobs).encode()
    # One git for all of them; its answer is a file, read in pieces.
    out = git.scratch / "blobs"
    words = ("cat-file", "--batch")
    finished = git.ask_into(out, *words, stdin=asked, env=env)
    with out.open("rb") as file:
        for blob in blobs:
            header = file.readline().split()
            if len(header) != 3:
                raise failed_as_a_whole(words, finished.returncode, finished.tail)
            for what in _in_one(file, int(header[2])):
                yield blob, what
            file.read(1)
    out.unlink()


def _in_one(file: BinaryIO, size: int) -> Iterator[str]:
    windows, environment_has = Windows(), False
    ours = [os.fsencode(os.environ[name]) for name in _OURS if name in os.environ]
    ours = [value for value in ours if len(value) >= SHORTEST_VALUE]
    tail, is_text, left = b"", True, size
    while left:
        chunk = file.read(min(left, _CHUNK))
        if not chunk:
            break
        if left == size:
            is_text = b"\0" not in chunk[:_FIRST_BYTES]
        left -= len(chunk)
        if is_text:
            windows.look(chunk, overlap=_OVERLAP)
            window = tail + chunk
            held = any(value in window for value in ours) or _JOTFORM.search(window) is not None
            environment_has, tail = environment_has or held, window[-_OVERLAP:]
    for finding in windows.findings:
        yield f"line {finding.line} holds {finding.what}"
    if environment_has and not windows.findings:
        yield "it holds a key of AWS or JotForm"

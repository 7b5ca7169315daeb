"""A result: how a task ended, for programs in the front matter and for people in the body."""

from __future__ import annotations

import functools
import json
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from workflow import document, yaml12
from workflow.errors import Status, TaskError
from workflow.expectations import Verification, one_line

LOG_TAIL_BYTES = 8_192
"""How much of the output stands in the result itself; the whole of it lies beside it."""
_LONGEST_BODY = 100_000
"""Characters of a body, and of the outputs in it, where the result does not fit as it is."""
_MAPPINGS = ("outputs", "error", "verification")
_DEEPEST = 32
"""Levels of outputs; YAML as we read it has 48."""

WHO_ACTS = {
    "fix": "Claude Code can mend this and submit the task again.",
    "retry": "This passes by itself; submit the task again with `workflow retry`.",
    "escalate": "A person has to act; nothing is tried again until then.",
}

LIVE = {
    "untouched": "the site is as it was before",
    "partial": "a mixture of the old and the new site may be live",
    "complete": "all of the new content is live",
    "unknown": "what visitors have now is not known",
}
"""What a deploy that did not succeed has to say of the site, by its output `live`."""

_ESCAPES = re.compile("(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b\n]*(?:\x07|\x1b\\\\)?")
_SECRETIVE = re.compile("(?i)key|token|auth|signature")
"""In every name by which a secret can be known."""
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")


def utc(moment: datetime) -> str:
    """`2026-01-19T14:30:45Z`, as every time in our files is written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@functools.cache
def hostname() -> str:
    """This machine's name, as far as it fits into a worker's."""
    return socket.gethostname().split(".")[0] or "localhost"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a task. `status` is a task's status, or `interrupted` when it was cut off."""

    number: int
    started_at: str
    status: str
    duration_seconds: float | None = None
    error: str | None = None
    """The code of its error."""
    worker_id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        keys = ("number", "started_at", "status", "duration_seconds", "error", "worker_id")
        return {key: getattr(self, key) for key in keys if getattr(self, key) is not None}


@dataclass
class Result:
    """Everything that a result file says."""

    task_id: str
    task_type: str | None
    status: Status
    verdict: str
    """One sentence in plain English, fit for a phone's notification."""
    started_at: str
    completed_at: str
    duration_seconds: float
    worker_id: str
    environment: str | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    error: TaskError | None = None
    verification: Verification | None = None
    attempts: Sequence[Attempt] = ()
    warnings: Sequence[str] = ()
    summary: str = ""
    statistics: Mapping[str, Any] = field(default_factory=dict)
    next_steps: Sequence[str] = ()
    logs: str = ""

    @property
    def day(self) -> str:
        return self.completed_at[:10]

    def front_matter(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "task_id": self.task_id,
            "task_type": self.task_type,
            "status": self.status,
        }
        if self.environment:
            data["environment"] = self.environment
        data |= {
            "started_at": self.started_at,
            "completed_at": self.completed_at,
            "duration_seconds": round(self.duration_seconds, 3),
            "worker_id": self.worker_id,
            "outputs": dict(self.outputs),
        }
        if self.error:
            data["error"] = self.error.as_dict()
        if self.verification:
            data["verification"] = self.verification.as_dict()
        data["attempts"] = [attempt.as_dict() for attempt in self.attempts]
        if self.warnings:
            data["warnings"] = list(self.warnings)
        return data

    def body(self) -> str:
        parts = [" ".join(self.verdict.split())]
        if self.summary:
            parts.append(self.summary)
        if self.error:
            parts += ["## Error", *_error_lines(self.error)]
        if self.statistics:
            rows = [f"- {name}: {_figure(value)}" for name, value in self.statistics.items()]
            parts += ["## Statistics", "\n".join(rows)]
        if self.verification and self.verification.checks:
            parts += ["## Verification", _table(self.verification)]
        if self.warnings:
            parts += ["## Warnings", "\n".join(f"- {text}" for text in self.warnings)]
        if self.next_steps:
            parts += ["## Next Steps", "\n".join(f"- {step}" for step in self.next_steps)]
        return "\n" + "\n\n".join(parts) + "\n"


def render(result: Result) -> bytes:
    """The file. Secrets and control characters are taken out of whatever a tool gave us.

    Never fails: what YAML cannot hold is left out of the front matter, named there, and the
    result is still read by a person.
    """
    clean = _Cleaner().clean
    matter, body = clean(result.front_matter()), clean(result.body())
    matter["logs"] = _log_tail(clean(result.logs))
    try:
        return document.compose(matter, body)
    except ValueError:
        body += f"\n## Outputs\n\n```json\n{_json(matter['outputs'])}\n```\n"
    left_out = "the outputs do not fit into the front matter; they stand in the body"
    matter |= {"outputs": {}, "warnings": [*matter.get("warnings", ()), left_out]}
    if "verification" in matter:
        matter["verification"]["checks"] = []
    try:
        return document.compose(matter, body)
    except ValueError:
        return document.compose(_shortened(matter), body[:_LONGEST_BODY])


def read_result(path: str) -> dict[str, Any]:
    """The front matter of a result file, and its body under `body`. Where somebody put something
    else in the place of a mapping, it is left out.

    Raises document.InvalidDocument for a file that somebody damaged, OSError for one that is gone.
    """
    with open(path, "rb") as file:
        read = document.parse(file.read(yaml12.MAX_BYTES + 1))
    said = {
        key: value
        for key, value in read.data.items()
        if key not in _MAPPINGS or isinstance(value, dict)
    }
    return {**said, "body": read.body}


def verdict_of(body: str) -> str:
    """The first sentence of a result's body."""
    return body.strip().split("\n", 1)[0]


def live_now(outputs: Mapping[str, Any]) -> str:
    """What visitors have after a deploy that did not succeed; empty where its outputs do not say.

    To stand after a sentence, before its full stop.
    """
    said = LIVE.get(str(outputs.get("live")))
    return f"; {said}" if said else ""


def _error_lines(error: TaskError) -> list[str]:
    place = error.place_beside()
    lines = [f"`{place}`: {error.message}" if place else error.message]
    if error.excerpt:
        lines.append("\n".join(f"    {line}" for line in error.excerpt.splitlines()))
    if error.hint:
        lines.append(f"How to mend it: {error.hint}")
    lines.append(f"{WHO_ACTS[error.action]} (code `{error.code}`)")
    return lines


def _table(verification: Verification) -> str:
    rows = [f"Verdict: `{verification.verdict}`: {verification.reason}.", ""]
    rows += ["| check | expected | actual | passed |", "| --- | --- | --- | --- |"]
    for check in verification.checks:
        cells = (check.name, check.expected, one_line(check.actual))
        row = " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells)
        rows.append(f"| {row} | {'yes' if check.passed else 'no'} |")
    return "\n".join(rows)


def _figure(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def clean(value: Any) -> Any:
    """`value` of plain types, without secrets and without what no text file should hold."""
    return _Cleaner().clean(value)


class _Cleaner:
    """Takes secrets, and what no text file should hold, out of what a tool gave us."""

    def __init__(self) -> None:
        from workflow.redact import scrubber  # its patterns take long to compile; readers need none

        self.scrub = scrubber()

    def clean(self, value: Any) -> Any:
        """`value` of plain types, without secrets and without what no text file should hold."""
        # Nearly always there is nothing to take out, and one look at all of it together tells.
        texts: list[str] = []
        if _gather(value, texts):
            together = "\n".join(texts)
            dirty = _UNPRINTABLE.search(together) or _ESCAPES.search(together)
            if not dirty and "\r" not in together and self.scrub(together) == together:
                return yaml12.plain(value)
        return self._cleaned(value)

    def _cleaned(self, value: Any, depth: int = 0) -> Any:
        if isinstance(value, str):
            text = re.sub(r"\r+\n?", "\n", _ESCAPES.sub("", value))
            return self.scrub(_UNPRINTABLE.sub("�", text))
        if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
            plain = yaml12.plain(value)
            return (
                plain
                if plain is None or isinstance(plain, (bool, int, float))
                else self._cleaned(plain, depth)
            )
        if depth > _DEEPEST:
            return "[nested too deeply]"
        if isinstance(value, Mapping):
            pairs = [
                (self._cleaned(str(key)), self._cleaned(item, depth + 1))
                for key, item in value.items()
            ]
            return {key: self._unnamed(key, item) for key, item in pairs}
        return [self._cleaned(item, depth + 1) for item in value]

    def _unnamed(self, name: str, value: Any) -> Any:
        """`value`, unless its name is what tells that it is a secret."""
        if not isinstance(value, str) or not _SECRETIVE.search(name):
            return value
        pair = f"{name}: {value}"
        return value if self.scrub(pair) == pair else "[redacted]"


def _gather(value: Any, texts: list[str], depth: int = 0) -> bool:
    """Put every text in `value` into `texts`, behind its name. False if it nests too deeply."""
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, str):
                texts.append(f"{key}: {item}")
            else:
                texts.append(str(key))
                if not _gather(item, texts, depth + 1):
                    return False
    elif isinstance(value, (list, tuple, set, frozenset)):
        return depth <= _DEEPEST and all(_gather(item, texts, depth + 1) for item in value)
    elif not isinstance(value, (bool, int, float)) and value is not None:
        texts.append(str(value))
    return depth <= _DEEPEST


def _shortened(value: Any) -> Any:
    """The beginning of every text and list: for a result whose parts are of absurd size."""
    if isinstance(value, str):
        return value[:1000]
    if isinstance(value, Mapping):
        return {key: _shortened(item) for key, item in value.items()}
    return [_shortened(item) for item in value[:20]] if isinstance(value, list) else value


def _json(outputs: Any) -> str:
    try:
        return json.dumps(outputs, ensure_ascii=False)[:_LONGEST_BODY]
    except ValueError as error:  # an integer of thousands of digits
        return str(error)


def _log_tail(logs: str) -> str:
    """Whole lines from the end; no trailing blanks, which would forbid YAML's block style."""
    kept: list[str] = []
    size = 0
    for line in reversed([line.rstrip().expandtabs() for line in logs.splitlines()]):
        raw = line.encode()
        size += len(raw) + 1
        if size > LOG_TAIL_BYTES:
            # Of one endless line the end is better than nothing.
            kept += [] if kept else [raw[-LOG_TAIL_BYTES:].decode("utf-8", "ignore")]
            kept.append("[what came before is in the .logs folder]")
            break
        kept.append(line)
    return "\n".join(reversed(kept)).strip("\n") + "\n" if kept else ""

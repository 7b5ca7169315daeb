"""What a publish script told: read from what it printed, by three ways of which the first counts.

1. the last line with a JSON object that has one of our keys;
2. the owner's patterns, `script_options.outputs` in workflow.yaml;
3. what `aws s3 sync`, CloudFront's answers and a plain summary look like.

Nothing is guessed from single lines of progress: a wrong figure is worse than none. The log has
been redacted before it is read here.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow import printed
from workflow.errors import TaskError, TaskFailed
from workflow.layout import CONFIG

if TYPE_CHECKING:
    import regex

COUNTS = ("uploaded_files", "deleted_files", "unchanged_files")
NUMBERS = (*COUNTS, "bytes", "http_status")
TEXTS = ("invalidation_id", "deployment_id", "site_url")
WANTED = (*COUNTS, "bytes", "invalidation_id")
"""Whose absence is worth a warning: all others have a default, or are found out by us."""

TAIL_BYTES = 8 << 20
"""Where the JSON line and values of patterns are looked for; counted is in all of the output."""
SUMMARY_BYTES = 64 << 10
"""Where a summary in plain words is looked for: it stands at the end."""
PATTERN_SECONDS = 10.0
"""For one of the owner's patterns on all of the output. It may be a slow one by mistake."""
LONGEST_TEXT = 1_000


Patterns = Mapping[str, "regex.Pattern[str]"]


@dataclass
class Told:
    """What is known of a run from its output."""

    outputs: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def unknown(self) -> list[str]:
        return [name for name in WANTED if name not in self.outputs]

    def add(self, name: str, value: Any, said_by: str) -> None:
        """Takes what is of the right kind; tells of what is not. What is there already stays."""
        if name in self.outputs:
            return
        if name in COUNTS and isinstance(value, list):
            value = len(value)
        number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        text = isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT
        if name == "site_url":
            text = text and value.startswith(("http://", "https://"))
        if (name in NUMBERS and not number) or (name in TEXTS and not text):
            shown = repr(value)
            shown = shown if len(shown) <= 80 else f"{shown[:79]}…"
            self.warnings.append(f"{said_by} says {shown} for {name}, which it cannot be")
        else:
            self.outputs[name] = value


def compile_patterns(written: Mapping[str, str]) -> Patterns:
    """The owner's patterns. Raises TaskFailed `bad_config` naming the one that is none."""
    # The regex package, because its matching can be given a time limit; re's cannot.
    import regex

    compiled = {}
    for name, pattern in written.items():
        try:
            compiled[name] = regex.compile(pattern, regex.MULTILINE)
        except (regex.error, ValueError, OverflowError, RecursionError) as error:
            raise TaskFailed(
                TaskError(
                    "bad_config",
                    f"script_options.outputs.{name} in {CONFIG} is not a pattern: {error}",
                    "escalate",
                    "configuration",
                    hint=f"correct it in {CONFIG}; its first group is the value, without a group "
                    "its matches are counted",
                )
            ) from error
    return compiled


def read(log: Path, before: int, patterns: Patterns, *, instead: str | None = None) -> Told:
    """What the output in `log` from byte `before` on tells.

    `instead`: the end of the output, to be read in place of a log that a full disk has cut off.
    """
    told = Told()
    if instead is None:
        tail, blocks = _tail(log, before), _blocks(log, before)
    else:
        tail, blocks = instead, iter(())
        told.warnings.append("the log is not whole: nothing that it lists was counted")
    for name, value in _json_line(tail).items():
        told.add(name, value, "the script's JSON line")
    searches = {name: _Search(pattern) for name, pattern in patterns.items()}
    actions = dict.fromkeys(("upload", "copy", "delete"), 0)
    for block in blocks:
        for match in _AWS_CLI.finditer(block):
            actions[match[1]] += 1
        for search in searches.values():
            search.count(block)
    for name, search in searches.items():
        value = search.value(tail, number=name not in TEXTS)
        if search.too_slow:
            told.warnings.append(
                f"script_options.outputs.{name} was given up: it took more than "
                f"{PATTERN_SECONDS:g} s on what the script printed"
            )
        elif value is not None:
            told.add(name, value, f"the pattern script_options.outputs.{name}")
    if any(actions.values()):
        told.add("uploaded_files", actions["upload"] + actions["copy"], "aws s3")
        told.add("deleted_files", actions["delete"], "aws s3")
    for name, value in _plain_words(tail[-SUMMARY_BYTES:]).items():
        told.add(name, value, "the summary")
    return told


class _Search:
    """One of the owner's patterns at work, within its time."""

    def __init__(self, pattern: regex.Pattern[str]) -> None:
        self.too_slow = False
        self._pattern = pattern
        self._counts = pattern.groups == 0
        self._matches: int | None = None
        self._left = PATTERN_SECONDS

    def count(self, block: str) -> None:
        if self._counts:
            self._matches = (self._matches or 0) + sum(1 for _ in self._find(block))

    def value(self, tail: str, *, number: bool) -> int | str | None:
        """How often it matched, or what its first group held the last time that it held a thing."""
        if self._counts:
            return self._matches
        last: str | None = None
        for match in self._find(tail):
            last = match[1] or last
        if last is None:
            return None
        return _number(last) if number else last.strip()

    def _find(self, text: str) -> Iterator[regex.Match[str]]:
        if self.too_slow:
            return
        started = time.monotonic()
        try:
            yield from self._pattern.finditer(text, timeout=max(self._left, 0.001))
        except TimeoutError:
            self.too_slow = True
        self._left -= time.monotonic() - started


def _number(text: str) -> int | str:
    """`1,204` as the number that it is; anything else as it is."""
    text = text.strip()
    return (
        int(text.replace(",", "")) if re.fullmatch(r"\d{1,18}|\d{1,3}(,\d{3}){1,5}", text) else text
    )


def _json_line(text: str) -> dict[str, Any]:
    """Our keys of the last line that holds them in a JSON object.

    A prompt may stand before the object: a script's question ends no line, and nobody types one.
    """
    for line in reversed(text.split("\n")):
        start = line.find("{")
        if start < 0 or not line.rstrip().endswith("}"):
            continue
        try:
            data = json.loads(line[start:])
        except (ValueError, RecursionError):
            continue
        found = {name: data[name] for name in (*NUMBERS, *TEXTS) if name in data}
        if found:
            return found
    return {}


_AWS_CLI = re.compile(r"(?m)^(upload|copy|delete): .*?s3://")
"""Of `aws s3 sync` and `cp`."""


_FIGURE = r"(\d{1,3}(?:,\d{3})+|\d+)(?![\d,]*\d)"


def _summary(words: str) -> re.Pattern[str]:
    """`Uploaded 12 files`, `uploaded: 12`, `12 files uploaded`, `3 uploaded, 2 deleted`."""
    things = r"(?:files?|objects?)"
    ends = r"(?=[ \t]*(?:[,;.)](?:\s|$)|\(|$))"
    return re.compile(
        rf"(?im)\b(?:{words})(?:[ _]{things})?[ \t]*[:=]?[ \t]*{_FIGURE}(?:[ \t]+{things}\b|{ends})"
        rf"|(?:(?<![\w./-]){_FIGURE}[ \t]+{things}[ \t]+(?:were[ \t]+|are[ \t]+)?"
        rf"|(?:^|[,;(:])[ \t]*{_FIGURE}[ \t]+)(?:{words})\b(?![ \t]*[:=])"
    )


_PLAIN = {
    "uploaded_files": _summary("uploaded|published"),
    "deleted_files": _summary("deleted|removed"),
    "unchanged_files": _summary("unchanged|skipped"),
    "bytes": re.compile(
        rf"(?im)\b(?:uploaded|published|sent|transferred)\b.{{0,200}}?\b{_FIGURE}[ \t]+bytes\b"
    ),
    "invalidation_id": re.compile(
        # CloudFront's answer as JSON or as Python prints it: by its address, or by the I with which
        # the ids of invalidations begin
        r"/invalidation/([A-Z0-9]{10,30})\b"
        r"|[\"']Id[\"']: ?[\"'](I[A-Z0-9]{9,30})[\"']"
        r"|(?i:\binvalidation)(?:[^\r\n:=]{0,60}[:=]|(?i: id)?)[ \t]*[\"']?"
        r"(?=[A-Z]*\d)([A-Z0-9]{10,30})\b"
    ),
}


def _plain_words(text: str) -> dict[str, int | str]:
    """What the last summary of each kind says."""
    found: dict[str, int | str] = {}
    for name, pattern in _PLAIN.items():
        for match in pattern.finditer(text):
            value = next(group for group in match.groups() if group)
            found[name] = value if name in TEXTS else int(value.replace(",", ""))
    return found


def _tail(log: Path, before: int) -> str:
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(before, size - TAIL_BYTES))
            return _text(file.read(TAIL_BYTES))
    except OSError:
        return ""


def _blocks(log: Path, before: int) -> Iterator[str]:
    with suppress(OSError):
        for block in printed.blocks(log, before):
            yield block.decode("utf-8", "replace")


def _text(raw: bytes) -> str:
    return printed.plain(raw).decode("utf-8", "replace")

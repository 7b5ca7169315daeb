"""Markdown with YAML front matter: read quickly, changed without touching what was not changed.

A rewrite never dumps a document anew. It cuts the span of the one value out of the text and puts
the new value there; comments, order, quotes, line ends, a byte order mark and the body stay byte
for byte. Then the text is read again, and only if every value is as expected is it given back.
Front matter too unusual for that (a flow mapping at the top, an anchor in use) goes through
ruamel.yaml's round trip, under the same check.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yaml.nodes import MappingNode, ScalarNode

from workflow import yaml12
from workflow.errors import Problem

_BOM = "\ufeff"
_OPENING = re.compile(r"---[ \t]*(?:\r\n|\n|\r)")
_ALIAS = re.compile(r"\s*:\s*(\*[^\s,\[\]{}]+)")
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*((?:[ \t]+#[^\r\n]*)?)")
_TAME = re.compile(r"(?:(?!---)[ -~]{0,80}\n){0,500}")
_CLOSING = re.compile(r"(?<=[\r\n])---[ \t]*(?:\r\n|\n|\r|\Z)")


class InvalidDocument(ValueError):
    """The bytes are not a document that we read. `problems` are all there is to say of it."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.sentence() for problem in problems))
        self.problems = problems


class NotAFile(InvalidDocument):
    """What lies there is a link, a pipe, a folder, …: not ours to read."""


@dataclass(frozen=True)
class Document:
    """A file of ours: `data` is the front matter, `body` all that follows the closing `---`."""

    text: str
    start: int
    """Where the YAML starts in `text`, in characters."""
    end: int
    """Where the closing `---` starts."""
    data: dict[str, Any]
    node: MappingNode | None
    body: str

    def encode(self) -> bytes:
        return self.text.encode("utf-8")

    def place(self, path: yaml12.Path) -> tuple[int, int] | None:
        """Line and column, in the file, of the value at `path`, or of its nearest ancestor."""
        found = yaml12.place(self.node, path)
        return None if found is None else (found[0] + 1, found[1])

    def replace(self, changes: Mapping[str, Any]) -> Document:
        """The document with these top-level values set. What is equal already is not touched.

        Raises ValueError if the change cannot be made without another value changing too.
        """
        document = self
        for key, value in yaml12.plain(changes).items():
            if key in document.data and _same(document.data[key], value):
                continue
            document = document._set(key, value)
        return document

    def _set(self, key: str, value: Any) -> Document:
        expected = {**self.data, key: value}
        for attempt in (self._splice, self._round_trip):
            text = attempt(key, value)
            if text is None:
                continue
            try:
                changed = parse(text.encode("utf-8"))
            except InvalidDocument:
                continue
            if _same(changed.data, expected) and changed.body == self.body:
                return changed
        raise ValueError(f"the front matter cannot take {key!r} without other values changing")

    def _splice(self, key: str, value: Any) -> str | None:
        """The text with one span exchanged; None where a span would not be enough."""
        newline = _newline(self.text)
        if self.node is None or self.node.flow_style:
            return None if self.node else self._insert(f"{key}: {yaml12.dump_inline(value)}", "")
        for name, old in self.node.value:
            if name.value != key:
                continue
            start, end, comment = self._span(name, old)
            space = "" if self.text[start - 1] in " \t" else " "
            new = space + yaml12.dump_inline(value) + comment
            return None if end < start else self.text[:start] + new + self.text[end:]
        indent = " " * self.node.start_mark.column
        block = isinstance(value, (Mapping, list)) and value
        lines = yaml12.dump({key: value}) if block else f"{key}: {yaml12.dump_inline(value)}\n"
        return self._insert(newline.join(indent + line for line in lines.splitlines()), newline)

    def _span(self, name: Any, old: Any) -> tuple[int, int, str]:
        """Where the value of a key starts and ends, and the comment behind its `|` or `key:`."""
        start, end = self.start + old.start_mark.index, self.start + _end(old)
        behind = self.start + name.end_mark.index
        if start < behind:  # an alias; the node is that of its anchor
            alias = _ALIAS.match(self.text, behind)
            return (alias.start(1), alias.end(1), "") if alias else (start, -1, "")
        written = self.text[start:end].rstrip()
        end = min(end, start + len(written))
        if isinstance(old, ScalarNode):
            header = _BLOCK_HEADER.match(written) if old.style in ("|", ">") else None
            return start, end, header[1] if header else ""
        if old.flow_style:
            return start, end, ""
        colon = self.text.index(":", behind) + 1
        return colon, end, self.text[colon:start].rstrip()

    def _insert(self, lines: str, newline: str) -> str:
        newline = newline or _newline(self.text)
        return self.text[: self.end] + lines + newline + self.text[self.end :]

    def _round_trip(self, key: str, value: Any) -> str | None:
        """The text as ruamel.yaml writes it; None where it cannot read or write it."""
        import io

        from ruamel.yaml import YAML
        from ruamel.yaml.nodes import ScalarNode
        from ruamel.yaml.resolver import VersionedResolver

        class Verbatim(VersionedResolver):
            """Plain values are texts, and so are written as they were: `1e3`, `2026-01-19`."""

            def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
                if kind is ScalarNode and value:
                    return self.DEFAULT_SCALAR_TAG
                return super().resolve(kind, value, implicit)

        yaml = YAML(typ="rt")
        yaml.Resolver = Verbatim
        yaml.preserve_quotes = True
        yaml.width = 2**16
        matter = self.text[self.start : self.end].replace("\r\n", "\n")
        written = io.StringIO()
        try:
            tree = yaml.load(matter)
            tree = tree if isinstance(tree, dict) else {}
            tree[key] = yaml.load(f"- {yaml12.dump_inline(value)}")[0]
            yaml.dump(tree, written)
        except Exception:
            return None  # its errors are of many kinds
        matter = written.getvalue().replace("\n", _newline(self.text))
        return self.text[: self.start] + matter + self.text[self.end :]


def parse(raw: bytes) -> Document:
    """The document in `raw`. Raises InvalidDocument with the place and a way to mend it."""
    if len(raw) > yaml12.MAX_BYTES:
        raise InvalidDocument(
            Problem(
                f"larger than the {yaml12.MAX_BYTES} bytes that a file of this kind may have",
                hint="keep large content in the site and name its path in params",
            )
        )
    text = decode(raw)
    opening = _OPENING.match(text, len(_BOM) if text.startswith(_BOM) else 0)
    if opening is None:
        raise InvalidDocument(
            Problem(
                "does not start with front matter",
                line=1,
                column=1,
                hint="the first line must be exactly '---'",
            )
        )
    closing = _CLOSING.search(text, opening.end())
    if closing is None:
        raise InvalidDocument(
            Problem(
                "the front matter is not closed",
                line=yaml12.line_column(text, len(text))[0],
                hint="end it with a line that is exactly '---'",
            )
        )
    matter = text[opening.end() : closing.start()]
    try:
        data, node = yaml12.load(matter)
    except yaml12.InvalidYaml as error:
        raise InvalidDocument(_lower(error.of_file())) from error
    if data is not None and not isinstance(data, dict):
        raise InvalidDocument(
            Problem("the front matter is not a mapping", line=2, hint="write lines of 'key: value'")
        )
    mapping = node if isinstance(node, MappingNode) else None
    return Document(
        text, opening.end(), closing.start(), data or {}, mapping, text[closing.end() :]
    )


def decode(raw: bytes) -> str:
    """The text of a file. Raises InvalidDocument, with the place, if it is not UTF-8."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidDocument(Problem("is UTF-16 text", line=1, hint="save it as UTF-8"))
    if (nul := raw.find(b"\0")) >= 0:
        line, column = _where(raw, nul)
        hint = "save it as UTF-8 text"
        raise InvalidDocument(Problem("contains a NUL byte", line=line, column=column, hint=hint))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _where(raw, error.start)
        message = f"the byte 0x{raw[error.start]:02x} is not UTF-8"
        hint = "save it as UTF-8"
        raise InvalidDocument(Problem(message, line=line, column=column, hint=hint)) from error


def _where(raw: bytes, offset: int) -> tuple[int, int]:
    before = raw[:offset].decode("utf-8", "replace")
    return yaml12.line_column(before, len(before))


def _lower(problem: Problem) -> Problem:
    """The problem one line further down: the YAML starts below the opening `---`."""
    from dataclasses import replace

    return problem if problem.line is None else replace(problem, line=problem.line + 1)


def _end(node: Any) -> int:
    """Where a value ends. The end mark of a block lies behind the comments that follow it."""
    if isinstance(node, ScalarNode) or node.flow_style or not node.value:
        end: int = node.end_mark.index
        return end
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _newline(text: str) -> str:
    first = re.search(r"\r\n|\n|\r", text)
    return first.group() if first else "\n"


def _same(a: Any, b: Any) -> bool:
    """Equality that tells 1 from true and from 1.0, and takes not-a-number for itself."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return list(a) == list(b) and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


def compose(data: Mapping[str, Any], body: str) -> bytes:
    """A new document. Raises ValueError if YAML cannot hold some value of `data`."""
    matter = yaml12.dump(data)
    raw = f"---\n{matter}---\n{body}".encode()
    # Short lines of plain ASCII hold nothing that could be read otherwise than it was written.
    if not _TAME.fullmatch(matter) and not _same(parse(raw).data, yaml12.plain(data)):
        raise ValueError("a value would not read back as it was written")
    return raw


def read_regular(path: str, *, follow: bool = False) -> bytes:
    """The bytes of a file of ours. Raises NotAFile for a link, a pipe, …; FileNotFoundError.

    `follow`: a link to a plain file will do, where only its owner can have made it.
    """
    # Not blocking, not following: a pipe must not hang us, nor a link lead us elsewhere.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise
    except OSError as error:
        what = "a symbolic link" if os.path.islink(path) else f"unreadable: {error.strerror}"
        raise NotAFile(Problem(f"it is {what}, not a plain file")) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotAFile(Problem("it is not a plain file"))
        chunks = []
        left = yaml12.MAX_BYTES + 1
        while left and (chunk := os.read(descriptor, min(left, 65_536))):
            chunks.append(chunk)
            left -= len(chunk)
        return b"".join(chunks)
    finally:
        os.close(descriptor)

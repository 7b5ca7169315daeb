"""YAML as version 1.2 means it, read at C speed, bounded, with the place of every value.

PyYAML's libyaml parser finds the structure; the rules that give plain scalars their types are
those of the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/#103-core-schema), so `no` and
`2026-01-19` are strings. A key is always a string, namely its text. Tags other than the core ones
are refused. So are duplicate keys, and documents that are too deep or that expand to too much
through aliases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from workflow.errors import Problem

MAX_BYTES = 1024 * 1024
"""Largest file of ours that is read, in bytes. Real task files have some two thousand."""
MAX_DEPTH = 48
MAX_NODES = 50_000
"""Most values in a document after its aliases are expanded."""
MAX_CHARACTERS = 4 * MAX_BYTES
"""Most characters in all these values together."""

Path: TypeAlias = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_CORE = (
    (_TAG + "bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    (_TAG + "null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    (_TAG + "int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        _TAG + "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
)
_PATTERNS = {tag: re.compile(f"(?:{pattern})\\Z") for tag, pattern, _ in _CORE}
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_OLD_BREAKS = re.compile("[\x85\u2028\u2029]")
"""Line breaks of YAML 1.1, and so of libyaml; in 1.2 they are characters like any other."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class InvalidYaml(ValueError):
    """The text is not a YAML document that we take; `problem` says why and where."""

    def __init__(self, problem: Problem, *, is_syntax: bool = False) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.is_syntax = is_syntax
        """Whether it would be no YAML to anybody, rather than too much for us."""

    def of_file(self) -> Problem:
        """The problem as it is told of a file that holds YAML, or begins with some."""
        if not self.is_syntax:
            return self.problem
        return replace(self.problem, message=f"not valid YAML: {self.problem.message}")


class Loaded(NamedTuple):
    """A document's plain values, and the nodes that know where each of them stands."""

    data: Any
    node: Node | None


class _Loader(_LOADER):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _tag, _, _first in _CORE:
    _Loader.add_implicit_resolver(_tag, _PATTERNS[_tag], list(_first))


# A document that reaches MAX_DEPTH has this many brackets, an indentation this deep, or a run of
# compact indicators on one line. Only then is the exact depth counted, event by event: the C
# composer recurses on the machine's stack and would crash long before Python could object.
_MAYBE_DEEP = re.compile(
    rf"^[ ]{{{MAX_DEPTH // 2}}}|(?:[-?][ \t]+){{{MAX_DEPTH // 2}}}", re.MULTILINE
)


def load(text: str) -> Loaded:
    """The one document in `text`. Raises InvalidYaml; lines and columns count from 1."""
    stand_ins = _stand_ins(text)
    text = text.translate(stand_ins)
    try:
        if text.count("[") + text.count("{") >= MAX_DEPTH or _MAYBE_DEEP.search(text):
            _check_depth(text)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        from workflow.yaml_faults import explain  # nearly all files have none

        raise InvalidYaml(explain(error, text), is_syntax=True) from error
    except yaml.reader.ReaderError as error:
        line, column = line_column(text, text.find(chr(error.character)))
        message = f"the character U+{error.character:04X} is not allowed"
        hint = "leave it out, or write it as an escape inside double quotes"
        problem = Problem(message, line=line, column=column, hint=hint)
        raise InvalidYaml(problem, is_syntax=True) from error
    except UnicodeEncodeError as error:
        line, column = line_column(text, error.start)
        raise InvalidYaml(Problem("half a surrogate pair", line=line, column=column)) from error
    if node is None:
        return Loaded(None, None)
    return Loaded(_Builder({new: old for old, new in stand_ins.items()}).build(node), node)


def _stand_ins(text: str) -> dict[int, int]:
    """For each break of YAML 1.1 in `text`, a character of the same length that is not in it."""
    found = sorted(set(_OLD_BREAKS.findall(text)))
    if not found:
        return {}
    unused = (c for c in range(0xE000, 0xF900) if chr(c) not in text)
    return {ord(old): new for old, new in zip(found, unused, strict=False)}


def line_column(text: str, index: int) -> tuple[int, int]:
    """The line and column, from 1, of a character; a lone carriage return ends a line too."""
    lines = _LINE_BREAK.split(text[:index])
    return len(lines), len(lines[-1]) + 1


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidYaml(_at(event, f"nested deeper than {MAX_DEPTH} levels"))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _at(thing: Any, message: str, hint: str | None = None) -> Problem:
    mark = thing.start_mark
    return Problem(message, line=mark.line + 1, column=mark.column + 1, hint=hint)


class _Builder:
    """Plain values from nodes. An alias counts whenever it is used, so a bomb meets the bound."""

    def __init__(self, back: Mapping[int, int]) -> None:
        self.back = back
        self.nodes = 0
        self.characters = 0
        self.open: set[int] = set()

    def build(self, node: Node) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise InvalidYaml(_at(node, f"more than {MAX_NODES} values once aliases are expanded"))
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if id(node) in self.open:
            raise InvalidYaml(_at(node, "an alias that contains itself"))
        self.open.add(id(node))
        if len(self.open) > MAX_DEPTH:
            raise InvalidYaml(_at(node, f"nested deeper than {MAX_DEPTH} levels"))
        try:
            if isinstance(node, SequenceNode):
                _only(node, "seq")
                return [self.build(item) for item in node.value]
            _only(node, "map")
            return self._mapping(node)
        finally:
            self.open.discard(id(node))

    def _mapping(self, node: Any) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                hint = "put a value that begins with { or [ into quotes"
                raise InvalidYaml(_at(key_node, "a key must be a single word or string", hint))
            self._scalar(key_node)
            key: str = key_node.value
            if key in built:
                raise InvalidYaml(_doubled(key_node), is_syntax=True)
            built[key] = self.build(value_node)
        return built

    def _scalar(self, node: ScalarNode) -> Any:
        self.characters += len(node.value)
        if self.characters > MAX_CHARACTERS:
            what = f"more than {MAX_CHARACTERS} characters once aliases are expanded"
            raise InvalidYaml(_at(node, what))
        if self.back:
            node.value = node.value.translate(self.back)
        return _scalar(node)


def _doubled(second: ScalarNode) -> Problem:
    return _at(second, f"the key {second.value!r} stands here twice", "keep one of the two")


def _tagged(node: Node) -> Problem:
    hint = "put a value that begins with ! into quotes"
    return _at(node, f"the tag {node.tag!r} is not allowed here", hint)


def _only(node: Node, kind: str) -> None:
    if node.tag != _TAG + kind:
        raise InvalidYaml(_tagged(node))


def _scalar(node: ScalarNode) -> Any:
    tag, value = node.tag, node.value
    if tag == _TAG + "str":
        return value
    if tag not in _PATTERNS:
        raise InvalidYaml(_tagged(node))
    try:
        if not _PATTERNS[tag].match(value):
            raise ValueError
        if tag == _TAG + "null":
            return None
        if tag == _TAG + "bool":
            return value.lower() == "true"
        if tag == _TAG + "int":
            base = {"0o": 8, "0x": 16}.get(value[:2], 10)
            return int(value, base)
        return float(value.lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError as error:
        kind = tag.removeprefix(_TAG)
        short = value if len(value) <= 40 else value[:37] + "..."
        raise InvalidYaml(_at(node, f"{short!r} cannot be read as {kind}")) from error


def place(node: Node | None, path: Path) -> tuple[int, int] | None:
    """Line and column (from 1) of the value at `path`, or of its nearest ancestor that exists.

    For a mapping's entry it is the place of the key, which is where a person looks.
    """
    where = node
    mark = None if node is None else node.start_mark
    for step in path:
        if isinstance(where, MappingNode):
            for key, value in where.value:
                if key.value == str(step):
                    where, mark = value, key.start_mark
                    break
            else:
                break
        elif isinstance(where, SequenceNode) and isinstance(step, int):
            if step >= len(where.value):
                break
            where = where.value[step]
            mark = where.start_mark
        else:
            break
    return None if mark is None else (mark.line + 1, mark.column + 1)


class _Style:
    """How we write, whichever emitter does it.

    What some reader, of YAML 1.1 or 1.2, would take for something else than a string is quoted;
    times are not, since the task format shows them bare.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [rule for rule in rules if rule[0] != _TAG + "timestamp"]
        for first, rules in _DUMPER.yaml_implicit_resolvers.items()
    }

    def ignore_aliases(self, data: object) -> bool:
        return True


class _Dumper(_Style, _DUMPER):  # type: ignore[misc]
    pass


class _WideDumper(_Style, yaml.SafeDumper):
    """Ten times as slow, but leaves emoji as they are; libyaml makes `\\U0001F600` of them."""


def _represent_str(dumper: Any, value: str) -> ScalarNode:
    style = "|" if "\n" in value else None
    if _OLD_BREAKS.search(value) or value.endswith("\n\n") or value == "\n":
        style = '"'  # other readers break lines there; `|+` would have to end with `...`
    return _scalar_node(dumper, value, style)


def _represent_inline(dumper: Any, value: str) -> ScalarNode:
    """Not a block, even if it has several lines."""
    return _scalar_node(dumper, value, '"' if "\n" in value or _OLD_BREAKS.search(value) else None)


def _scalar_node(dumper: Any, value: str, style: str | None) -> ScalarNode:
    node: ScalarNode = dumper.represent_scalar(_TAG + "str", value, style=style)
    return node


class _Inline(_Dumper):
    """Flow style throughout."""


class _WideInline(_WideDumper):
    """Flow style throughout."""


for _dumper in (_Dumper, _WideDumper):
    for _tag, _, _first in _CORE:
        _dumper.add_implicit_resolver(_tag, _PATTERNS[_tag], list(_first))
    # No number in any version, but to readers that are in use.
    _dumper.add_implicit_resolver(_TAG + "int", re.compile(r"[-+]0o[0-7_]+\Z"), ["-", "+"])
    _dumper.add_representer(str, _represent_str)
for _dumper in (_Inline, _WideInline):
    _dumper.add_representer(str, _represent_inline)


def _write(data: Any, dumpers: tuple[Any, Any], **options: Any) -> str:
    text = ""
    for dumper in dumpers:
        text = yaml.dump(data, Dumper=dumper, sort_keys=False, allow_unicode=True, **options)
        if "\\U" not in text:
            break
    return text


def dump(data: Mapping[str, Any]) -> str:
    """`data` as a block of YAML, keys in their order, that reads back as the same values."""
    return _write(plain(data), (_Dumper, _WideDumper), width=100)


def dump_inline(value: Any) -> str:
    """`value` on one line, as it may stand behind `key: `."""
    dumpers = (_Inline, _WideInline)
    text = _write(plain(value), dumpers, default_flow_style=True, width=2**30)
    return text.removesuffix("\n").removesuffix("\n...")


def plain(value: Any) -> Any:
    """`value` of plain types only: what a handler returned may hold tuples, paths or enums."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, Iterator)):
        return [plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return str(value)

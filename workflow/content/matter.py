"""The front matter of a text: where it stands, and what Hugo reads in it.

Where it begins and ends, and what is an error, the validator knows; here is added what its YAML
means to Hugo, whose parser (goccy/go-yaml) has rules of its own: `01234` is 668, `1_000` is a
thousand, `1e3` is a string, and `<<` takes over the keys of another mapping.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from workflow import yaml12
from workflow.content.failure import EditFailed
from workflow.validator.content import front_matter

Kind = Literal["yaml", "toml", "json", "none"]

_KINDS: Mapping[str, Kind] = {"-": "yaml", "+": "toml", "{": "json"}
_BLANK = " \t\r\n\f\v"
_BOM = "\ufeff"
_NEWLINE = re.compile(r"\r\n|\n")
_BASES = {"0x": 16, "0o": 8, "0b": 2}
_DIGITS = {2: "01", 8: "01234567", 10: "0123456789", 16: "0123456789abcdefABCDEF"}
_FLOAT = re.compile(r"-?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
MOST = 2**64 - 1
"""The largest whole number that Hugo reads in YAML; the smallest is -2**63."""


class Matter(NamedTuple):
    """Places in characters of the text."""

    kind: Kind
    start: int
    """Where the inside of the front matter begins: behind the line of the opening mark, or at the
    opening brace."""
    end: int
    """Where it ends: before the closing mark, or behind the closing brace."""
    body: int
    """Where the text begins."""
    data: dict[str, Any]
    """As Hugo reads it, keys in small letters at the top; dates are dates in TOML only."""
    newline: str
    bom: bool


def read(text: str) -> Matter:
    """The front matter of a text. Raises EditFailed `bad_front_matter`, with the place."""
    found = front_matter.read(text)
    if found.error is not None:
        raise EditFailed(
            "bad_front_matter",
            f"Hugo cannot read the front matter: {found.error}",
            "mend it at that line first",
            line=found.line,
            column=found.column,
        )
    bom = text.startswith(_BOM)
    first = _NEWLINE.search(text)
    newline = first[0] if first else "\n"
    begin = len(text) - len(text[bom:].lstrip(_BLANK))
    kind = _KINDS.get(text[begin : begin + 1], "none")
    body = found.body
    if kind == "none":
        return Matter("none", int(bom), int(bom), body, {}, newline, bom)
    if kind == "json":
        after = _NEWLINE.match(text, body)
        start, end, body = begin, body, after.end() if after else body
    else:
        start = begin + 3
        if (after := _NEWLINE.match(text, start)) is not None:
            start = after.end()
        mark = text[begin : begin + 3]
        # The closing mark; in front matter with nothing inside it begins where that ended.
        end = max(text.rfind(f"\n{mark}", begin, body) + 1, start)
    data = merged(plain(kind, text[start:end]))
    return Matter(kind, start, end, body, lowered(data), newline, bom)


def require_untouched(matter: Matter, made: str) -> None:
    """Raises EditFailed `edit_unproved` if a text with another body has other front matter, such as
    a text without any that begins with a dash now."""
    try:
        found = read(made)
    except EditFailed:
        found = None
    if found is None or found[:4] != matter[:4]:
        raise EditFailed(
            "edit_unproved",
            "Hugo would take the beginning of the new text for front matter",
            "begin it with a word, or give the text front matter first",
        )


def plain(kind: Kind, inside: str) -> dict[str, Any]:
    """All keys as they are written, `<<` too, with the values that Hugo gives them.

    Raises ValueError if it cannot be read.
    """
    if kind == "toml":
        return tomllib.loads(inside.replace("\r\n", "\n"))
    if kind == "json":
        data: dict[str, Any] = json.loads(inside, object_pairs_hook=_single)
        return data
    loaded = yaml12.load(inside)
    if loaded.data is None:
        return {}
    if not isinstance(loaded.data, dict):
        raise ValueError("no list of keys with values")
    built: dict[str, Any] = _as_hugo_reads(inside, loaded.node, loaded.data)
    return built


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise EditFailed(
            "bad_front_matter",
            f"the key {double!r} stands there twice in one object",
            "leave one of them: which one counts depends on the reader",
        )
    return data


def _as_hugo_reads(inside: str, node: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _as_hugo_reads(inside, below, value[key])
            for (_, below), key in zip(node.value, value, strict=True)
        }
    if isinstance(value, list):
        pairs = zip(node.value, value, strict=True)
        return [_as_hugo_reads(inside, below, one) for below, one in pairs]
    is_bare = node.style in (None, "") and not inside.startswith(("!", "&"), node.start_mark.index)
    return scalar(node.value, value) if is_bare else value


def scalar(written: str, value: Any) -> Any:
    """What Hugo takes a bare word of YAML for, which YAML 1.2 takes for `value`."""
    if value is None or isinstance(value, bool) or ".inf" in written.lower():
        return value
    if written.lower() == ".nan":
        return value
    number = _number(written)
    return written if number is None else number


def _number(written: str) -> int | float | None:
    if written.startswith("_") or written.count(".") > 1:
        return None
    sign = "-" if written.startswith("-") else ""
    digits = written.removeprefix("+").removeprefix("-").replace("_", "")
    base = _BASES.get(digits[:2], 10)
    if base != 10:
        digits = digits[2:]
    elif "." in digits:
        found = _FLOAT.fullmatch(sign + digits)
        number = float(found[0]) if found else float("inf")
        return None if number in (float("inf"), float("-inf")) else number
    elif digits.startswith("0") and len(digits) > 1:
        base = 8
    if not digits or len(digits) > 70 or digits.strip(_DIGITS[base]):
        return None
    whole = int(sign + digits, base)
    return whole if -(2**63) <= whole <= (0 if sign else MOST) else None


def merged(data: Any) -> Any:
    """With the keys that `<<` takes over from other mappings of the YAML."""
    if isinstance(data, list):
        return [merged(one) for one in data]
    if not isinstance(data, dict):
        return data
    own = {key: merged(value) for key, value in data.items()}
    sources = own.pop("<<", None)
    if sources is None:
        return own
    taken: dict[str, Any] = {}
    for source in sources if isinstance(sources, list) else [sources]:
        if isinstance(source, dict):
            taken = {**source, **taken}
    return {**taken, **own}


def lowered(data: dict[str, Any]) -> dict[str, Any]:
    """Keys in small letters at the top."""
    return {key.lower(): value for key, value in data.items()}

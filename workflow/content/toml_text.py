"""How a value is written in TOML (https://toml.io/en/v1.0.0)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from workflow.content.failure import EditFailed

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_UNSEEN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_UNFIT_FOR_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:[Zz]|[-+]\d{2}:\d{2})?)?"
)
_DATES = frozenset(
    {"date", "lastmod", "modified", "publishdate", "pubdate", "published", "expirydate",
     "unpublishdate"}
)  # fmt: skip
"""https://gohugo.io/content-management/front-matter/#dates"""


def key(name: str) -> str:
    """A key, in quotes only if it has to be."""
    return name if _BARE_KEY.fullmatch(name) else string(name)


def dotted(names: Iterator[str] | tuple[str, ...] | list[str]) -> str:
    """Several keys with dots between them."""
    return ".".join(key(name) for name in names)


def value(given: Any) -> str:
    """On one line. Raises EditFailed `value_impossible`."""
    if isinstance(given, dict):
        pairs = (f"{key(name)} = {value(one)}" for name, one in given.items())
        return "{ " + ", ".join(pairs) + " }" if given else "{}"
    if isinstance(given, list):
        return "[" + ", ".join(value(one) for one in given) + "]"
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, str):
        return string(given)
    if isinstance(given, (datetime, date, time)):
        written = given.isoformat()
        return written.removesuffix("+00:00") + "Z" if written.endswith("+00:00") else written
    if isinstance(given, float):
        return repr(given)
    if isinstance(given, int) and -(2**63) <= given < 2**63:
        return str(given)
    what = "null" if given is None else str(given)[:40]
    hint = "unset the key instead" if given is None else "write it as a string"
    raise EditFailed("value_impossible", f"TOML cannot hold {what}", hint)


def string(text: str) -> str:
    """In double quotes, which hold everything."""
    written = json.dumps(text, ensure_ascii=False)
    return _UNSEEN.sub(lambda one: f"\\u{ord(one[0]):04x}", written)


def string_like(old: str, text: str) -> str:
    """In the quotes that an old string begins with, if they can hold it."""
    if old in ("'''", '"""') or "\n" in text:
        lines = _lines(text)
        if lines is not None:
            return lines
    if old.startswith("'") and "'" not in text and not _CONTROL.search(text):
        return f"'{text}'"
    return string(text)


def _lines(text: str) -> str | None:
    if _UNFIT_FOR_LINES.search(text) or "\n+++" in f"\n{text}":
        return None
    return '"""\n' + text.replace("\\", "\\\\").replace('"""', '""\\"') + '"""'


def table(data: dict[str, Any], above: tuple[str, ...] = ()) -> str:
    """Lines of `key = value`, then the tables in it under headers of their own."""
    lines = [
        f"{key(name)} = {string_like('', one) if isinstance(one, str) else value(one)}\n"
        for name, one in data.items()
        if not _has_header(one)
    ]
    for name, one in data.items():
        path = (*above, name)
        if isinstance(one, dict) and one:
            below = table(one, path)
            header = f"\n[{dotted(path)}]\n"
            lines.append(below if _has_headers_only(one) else header + below)
        elif _has_header(one):
            lines += [f"\n[[{dotted(path)}]]\n{table(row, path)}" for row in one]
    return "".join(lines)


def _has_header(given: Any) -> bool:
    if isinstance(given, list):
        return bool(given) and all(isinstance(one, dict) for one in given)
    return isinstance(given, dict) and bool(given)


def _has_headers_only(given: dict[str, Any]) -> bool:
    return all(_has_header(one) for one in given.values())


def dated(name: str | int, old: Any, given: Any) -> Any:
    """A date where a date is written as a string: a key of Hugo's that is one, or an old value that
    is one."""
    if isinstance(given, dict):
        olds = old if isinstance(old, dict) else {}
        return {key: dated(key, olds.get(key), one) for key, one in given.items()}
    if not isinstance(given, str) or not _MOMENT.fullmatch(given):
        return given
    if not isinstance(old, date) and (old is not None or str(name).lower() not in _DATES):
        return given
    try:
        if len(given) == 10:
            return date.fromisoformat(given)
        return datetime.fromisoformat(given.upper().replace(" ", "T"))
    except ValueError:
        return given

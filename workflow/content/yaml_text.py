"""How a value is written in YAML so that Hugo reads the same value, with as few quotes as can be.

Besides what YAML 1.1 and 1.2 take for something else than a string, this is what Hugo's own parser
does (`0_1`, `+-5`). Dates stand bare: Hugo makes dates of them where it wants dates.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from workflow import yaml12
from workflow.content.failure import EditFailed
from workflow.content.matter import MOST, scalar

_UNSEEN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ue000-\uf8ff]")
_UNFIT_FOR_QUOTES = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_UNFIT_FOR_BLOCK = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|[ ]$|\\A[ \n]|\n\n\\Z",
    re.MULTILINE,
)


def inline(value: Any, *, in_flow: bool = False) -> str:
    """The value on one line. `in_flow`: between brackets or braces."""
    if isinstance(value, dict):
        pairs = (f"{inline(k, in_flow=True)}: {inline(v, in_flow=True)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(inline(one, in_flow=True) for one in value) + "]"
    if not isinstance(value, str):
        return _number(value)
    if not _is_plain(value):
        return single(value) or double(value)
    written = yaml12.dump_inline([value])[1:-1] if in_flow else yaml12.dump_inline(value)
    return written if "\n" not in written else double(value)


def _is_plain(value: str) -> bool:
    """Whether Hugo would take the string for a string if it stood bare, as far as numbers go."""
    return scalar(value, value) == value and not _UNFIT_FOR_QUOTES.search(value)


def _number(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value <= MOST:
        raise EditFailed(
            "value_impossible", f"{value} is too large for Hugo", "write it as a string"
        )
    if isinstance(value, float) and math.isfinite(value) and "." not in repr(value):
        return repr(value).replace("e", ".0e")  # without a dot it is a string to Hugo
    return yaml12.dump_inline(value)


def single(value: str) -> str | None:
    """In single quotes, where they can hold it."""
    if _UNFIT_FOR_QUOTES.search(value):
        return None
    return "'" + value.replace("'", "''") + "'"


def double(value: str) -> str:
    """In double quotes, which hold everything."""
    written = json.dumps(value, ensure_ascii=False)
    return _UNSEEN.sub(lambda one: f"\\u{ord(one[0]):04x}", written)


def literal(value: str, sign: str = "|") -> str | None:
    """As a block, its lines two blanks to the right, where that can hold it. `sign`: `|`, or `>`,
    which holds single lines only."""
    inner = value.removesuffix("\n")
    if not inner or _UNFIT_FOR_BLOCK.search(value) or (sign == ">" and "\n" in inner):
        return None
    header = sign if value.endswith("\n") else f"{sign}-"
    lines = (f"  {line}" if line else "" for line in inner.split("\n"))
    return "\n".join([header, *lines])


def block(value: Any, dash_indent: str = "  ") -> str:
    """The value over several lines where that is more readable. `dash_indent`: how far the dashes
    of a list stand to the right of its key."""
    if isinstance(value, dict) and value:
        return "\n".join(entry(key, one, dash_indent) for key, one in value.items())
    if isinstance(value, list) and value:
        return "\n".join(item(one, dash_indent) for one in value)
    if isinstance(value, str) and "\n" in value:
        return literal(value) or double(value)
    return inline(value)


def entry(key: str, value: Any, dash_indent: str = "  ") -> str:
    """`key: value` in a block, whose lines begin at the margin."""
    name, written = inline(key, in_flow=True), block(value, dash_indent)
    if isinstance(value, dict) and value:
        return f"{name}:\n" + _shifted(written, "  ")
    if isinstance(value, list) and value:
        return f"{name}:\n" + _shifted(written, dash_indent)
    return f"{name}: {written}"


def item(value: Any, dash_indent: str = "  ") -> str:
    """`- value` in a block."""
    written = block(value, dash_indent)
    if isinstance(value, (dict, list)):
        return "- " + _shifted(written, "  ").lstrip(" ")
    return f"- {written}"


def _shifted(lines: str, indent: str) -> str:
    return "\n".join(indent + line if line else line for line in lines.split("\n"))

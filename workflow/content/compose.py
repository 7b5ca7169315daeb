"""A new text with front matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflow.content import json_edit, toml_text, yaml_text
from workflow.content.data_edit import is_same, taken
from workflow.content.failure import EditFailed
from workflow.content.matter import Kind, plain, read


def compose(kind: Kind, data: Mapping[str, Any], body: str, newline: str = "\n") -> str:
    """A text with this front matter, keys in the order given, and this body.

    In TOML the keys of a table stand before its tables, as they must. Dates of Hugo's own keys
    are dates. Raises EditFailed `value_impossible`.
    """
    values = taken(kind, dict(data))
    if kind == "yaml":
        inside = yaml_text.block(values) + "\n" if values else ""
        text = f"---\n{inside}---\n"
    elif kind == "toml":
        values = toml_text.dated("", None, values)
        text = f"+++\n{toml_text.table(values)}+++\n"
    elif kind == "json":
        text = json_edit.write(values) + "\n"
    elif values:
        raise EditFailed("value_impossible", "front matter of no kind has no keys", "name a kind")
    else:
        text = ""
    whole = (text + body.replace("\r\n", "\n")).replace("\n", newline)
    made = read(whole)
    if kind != made.kind or not is_same(plain(kind, whole[made.start : made.end]), values):
        raise EditFailed(
            "value_impossible",
            "a value would not be read back as it was given",
            "give plainer values, or write the body without a mark of front matter",
        )
    return whole

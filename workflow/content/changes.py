"""Changes to a Markdown text with front matter: text in, text out.

Each change cuts the span of one value, or of one section, out of the text and puts the new one
there; comments, order, quotes, line ends and a byte order mark stay as they are. Then the text is
read again, and it is given back only if its data differ by the change that was asked and by
nothing else; if they differ otherwise, the change fails (`edit_unproved`) and nothing is changed.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from workflow.content import json_edit, toml_edit, toml_text, yaml_edit, yaml_text
from workflow.content.compose import compose
from workflow.content.data_edit import (
    is_same,
    list_at,
    require,
    resolved,
    taken,
    value_at,
    with_value,
    without,
)
from workflow.content.failure import EditFailed
from workflow.content.matter import Kind, Matter, plain, read
from workflow.content.paths import parse_path, shown
from workflow.content.sections import append_section, replace_section
from workflow.content.text_edit import replace_text
from workflow.yaml12 import Path

__all__ = [
    "EditFailed", "Kind", "Matter", "Path", "append_section", "append_to", "compose", "parse_path",
    "read", "replace_section", "replace_text", "set_key", "unset_key", "value_at",
]  # fmt: skip

_EDITORS: dict[Kind, ModuleType] = {"yaml": yaml_edit, "toml": toml_edit, "json": json_edit}


def set_key(text: str, path: Path, value: Any) -> str:
    """The text with this value at the path; tables that are missing on the way are made, and front
    matter too. What is equal already is not touched.

    Raises EditFailed `bad_front_matter`, `not_a_mapping`, `not_a_list`, `index_missing`,
    `key_double`, `value_impossible`, `value_shared`, `edit_unproved`.
    """
    matter, data, path = _located(text, path)
    old = value_at(data, path)
    if matter.kind == "none":
        return _begun(text, matter, with_value({}, path, taken("yaml", value)))
    value = taken(matter.kind, value)
    if matter.kind == "toml":
        value = toml_text.dated(path[-1], old, value)
    missing = object()
    if is_same(value_at(data, path, missing), value):
        return text
    if isinstance(old, dict) and isinstance(value, dict) and old and value:
        return _set_keys(text, path, old, value)
    if isinstance(old, list) and isinstance(value, list) and old and value:
        lengthened = _set_entries(text, path, old, value)
        if lengthened is not None:
            return lengthened
    inside = _EDITORS[matter.kind].set_value(
        text[matter.start : matter.end], path, value, matter.newline
    )
    return _proved(text, matter, inside, path, with_value(data, path, value))


def _set_keys(text: str, path: Path, old: dict[str, Any], new: dict[str, Any]) -> str:
    """One key after the other, so that comments of those that stay the same stay too."""
    for key in new:
        text = set_key(text, (*path, key), new[key])
    known = {key.lower() for key in new}
    for key in old:
        if key.lower() not in known:
            text = unset_key(text, (*path, key))
    return text


def _set_entries(text: str, path: Path, old: list[Any], new: list[Any]) -> str | None:
    """Only the end of a list exchanged, where its beginning stays the same; else None."""
    shorter = min(len(old), len(new))
    if not is_same(old[:shorter], new[:shorter]):
        return None
    for one in new[shorter:]:
        text = append_to(text, path, one)
    for number in range(len(old) - 1, shorter - 1, -1):
        text = unset_key(text, (*path, number))
    return text


def unset_key(text: str, path: Path) -> str:
    """The text without the key, or the entry of a list, at the path.

    Raises EditFailed `key_missing` if it is not there, and what `set_key` raises.
    """
    matter, data, path = _located(text, path)
    require(data, path)
    inside = _EDITORS[matter.kind].unset(text[matter.start : matter.end], path)
    wanted = [without(data, path)]
    while matter.kind == "toml" and len(path) > 1 and value_at(wanted[-1], path[:-1]) in ({}, []):
        # A table of TOML that only its keys made goes with the last of them.
        path = path[:-1]
        wanted.append(without(data, path))
    return _proved(text, matter, inside, path, *wanted)


def append_to(text: str, path: Path, value: Any) -> str:
    """The text with one more entry at the end of the list at the path, which is made if nothing is
    there. Raises EditFailed `not_a_list`, and what `set_key` raises."""
    matter, data, path = _located(text, path)
    entries = list_at(data, path)
    if matter.kind == "none" or not (entries or isinstance(value_at(data, path), list)):
        return set_key(text, path, [value])
    value = taken(matter.kind, value)
    if matter.kind == "toml":
        value = toml_text.dated("", entries[-1] if entries else None, value)
    inside = _EDITORS[matter.kind].append(
        text[matter.start : matter.end], path, value, matter.newline
    )
    return _proved(text, matter, inside, path, with_value(data, path, [*entries, value]))


def _located(text: str, path: Path) -> tuple[Matter, dict[str, Any], Path]:
    if not path or not isinstance(path[0], str):
        raise EditFailed("bad_path", "a path begins with a key", "write it as params.hero.title")
    matter = read(text)
    data = {} if matter.kind == "none" else plain(matter.kind, text[matter.start : matter.end])
    return matter, data, resolved(data, path)


def _begun(text: str, matter: Matter, data: dict[str, Any]) -> str:
    """Front matter for a text that has none."""
    inside = f"---\n{yaml_text.block(data)}\n---\n".replace("\n", matter.newline)
    made = text[: matter.body] + inside + text[matter.body :]
    found = read(made)
    if not is_same(plain("yaml", made[found.start : found.end]), data):
        raise _unproved(("",), made)
    return made


def _proved(text: str, matter: Matter, inside: str, path: Path, *wanted: Any) -> str:
    """The text with another inside of its front matter, if that reads as one of those wanted."""
    made = text[: matter.start] + inside + text[matter.end :]
    try:
        found = read(made)
        data = plain(matter.kind, made[found.start : found.end])
    except ValueError as error:
        raise _unproved(path, text) from error
    except EditFailed as error:
        raise _unproved(path, text) from error
    places = (found.kind, found.start, found.end, made[found.body :])
    expected = (matter.kind, matter.start, matter.start + len(inside), text[matter.body :])
    if places != expected or not any(is_same(data, one) for one in wanted):
        raise _unproved(path, text)
    return made


def _unproved(path: Path, text: str) -> EditFailed:
    return EditFailed(
        "edit_unproved",
        f"{shown(path)} cannot be changed without another value of the front matter changing too",
        "it may be shared through an anchor (&) and an alias (*): edit the file as a whole"
        if "&" in text and "*" in text
        else "write the front matter around it more plainly, one key a line",
    )

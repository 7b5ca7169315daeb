"""What the data of front matter have to be after an edit, whatever format they are written in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from workflow import yaml12
from workflow.content.failure import EditFailed
from workflow.content.paths import shown
from workflow.errors import nearest
from workflow.yaml12 import Path


def _entries(value: list[Any]) -> str:
    return "1 entry" if len(value) == 1 else f"{len(value)} entries"


def resolved(data: Any, path: Path) -> Path:
    """The path with its keys spelled as they are there already, since Hugo takes `Title` and
    `title` for one. Raises EditFailed `key_double`, `not_a_mapping`, `not_a_list`, `index_missing`.
    """
    steps: list[str | int] = []
    value = data
    for number, step in enumerate(path):
        here = shown(tuple(steps))
        if isinstance(step, int):
            if not isinstance(value, list):
                raise _no_list(value, here)
            if step >= len(value):
                raise EditFailed(
                    "index_missing",
                    f"{here} has {_entries(value)}, so there is no {shown(path[: number + 1])}",
                    "places count from 0; append to the list to make it longer",
                )
            steps.append(step)
            value = value[step]
            continue
        if value is None:  # `params:` with nothing behind it
            return (*steps, *path[number:])
        if not isinstance(value, dict):
            what = "a list" if isinstance(value, list) else f"the value {value!r}"
            raise EditFailed(
                "not_a_mapping",
                f"{here} is {what[:80]} and has no key {step!r}",
                f"set {here} itself, or one place of it such as {here}[0]",
            )
        name = _spelled(value, step, here)
        if name is None:
            return (*steps, *path[number:])
        steps.append(name)
        value = value[name]
    return tuple(steps)


def _spelled(value: Mapping[str, Any], step: str, here: str) -> str | None:
    if step in value:
        return step
    names = [name for name in value if name.lower() == step.lower()]
    if len(names) > 1:
        raise EditFailed(
            "key_double",
            f"{' and '.join(map(repr, names))} are one key to Hugo, and both stand in "
            f"{here or 'the front matter'}",
            "unset one of them first, spelled exactly as it is",
        )
    return names[0] if names else None


def value_at(data: Any, path: Path, default: Any = None) -> Any:
    """The value at a path, whose keys may be spelled in small or large letters."""
    value = data
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return default
            value = value[step]
            continue
        if not isinstance(value, dict):
            return default
        names = [step] if step in value else [n for n in value if n.lower() == step.lower()]
        if not names:
            return default
        value = value[names[0]]
    return value


def with_value(data: Any, path: Path, value: Any) -> Any:
    """Copy of the data in which the value at the (resolved) path is another one."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        if not isinstance(data, list):
            raise _no_list(data, "")
        return [with_value(o, rest, value) if i == step else o for i, o in enumerate(data)]
    there = data or {}
    return {**there, step: with_value(there.get(step), rest, value)}


def without(data: Any, path: Path) -> Any:
    """Copy of the data in which nothing is at the (resolved) path any more."""
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        if rest:
            return [without(o, rest) if i == step else o for i, o in enumerate(data)]
        return [one for i, one in enumerate(data) if i != step]
    if rest:
        return {key: without(o, rest) if key == step else o for key, o in data.items()}
    return {key: one for key, one in data.items() if key != step}


def require(data: Any, path: Path) -> None:
    """Raises EditFailed `key_missing` unless something is at the (resolved) path."""
    missing = object()
    for depth in range(1, len(path) + 1):
        if value_at(data, path[:depth], missing) is not missing:
            continue
        above = value_at(data, path[: depth - 1])
        names = list(above) if isinstance(above, dict) else []
        inherited = isinstance(above, dict) and "<<" in above
        near = nearest(str(path[depth - 1]), names)
        where = f" in {shown(path[: depth - 1])}" if depth > 1 else ""
        hint = f"there are: {', '.join(names)[:200]}" if names else "there are no keys there"
        if near:
            hint = f"did you mean {' or '.join(near)}?"
        elif inherited:
            hint = "it may come from another mapping through <<: change it there"
        raise EditFailed("key_missing", f"there is no {path[depth - 1]!r}{where}", hint)


def list_at(data: Any, path: Path) -> Sequence[Any]:
    """The list at the (resolved) path, empty where nothing is. Raises EditFailed `not_a_list`."""
    value = value_at(data, path)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _no_list(value, shown(path))
    return value


def _no_list(value: Any, where: str) -> EditFailed:
    what = "nothing" if value is None else f"{value!r}"
    return EditFailed(
        "not_a_list",
        f"{where or 'the front matter'} is no list but {what[:80]}",
        "set it to a list",
    )


def is_same(one: Any, other: Any) -> bool:
    """Equality that tells 1 from true and from 1.0, and takes not-a-number for itself; the order of
    keys says nothing."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return type(one) is type(other) and (one == other or (one != one and other != other))


def taken(kind: str, value: Any) -> Any:
    """`value` of the plain types that a format knows; dates stay dates in TOML, elsewhere they are
    written out."""
    if isinstance(value, Mapping):
        return {str(key): taken(kind, one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [taken(kind, one) for one in value]
    if isinstance(value, date):
        if kind == "toml":
            return value
        written = value.isoformat()
        return written.removesuffix("+00:00") + "Z" if written.endswith("+00:00") else written
    return yaml12.plain(value)

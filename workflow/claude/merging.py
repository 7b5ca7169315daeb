"""Our settings put into a person's settings file, with everything of theirs kept.

What is theirs stays as it is, in its order, keys that we do not know included: entries are added to
lists, keys to mappings, and nothing is changed or taken away.
"""

from __future__ import annotations

import copy
import json
from typing import Any


class NotMergeable(ValueError):
    """The file is not what could be merged into; its text says why."""


def merged(text: str, wanted: dict[str, Any]) -> tuple[str, list[str]]:
    """The settings file with ours in it, and what of ours gave way to theirs.

    The text itself where nothing has to be added. Raises NotMergeable.
    """
    theirs = _parsed(text)
    notes: list[str] = []
    result = copy.deepcopy(theirs)
    _into(result, wanted, (), notes)
    return (text if result == theirs else _written(result, theirs, text)), notes


def written(value: dict[str, Any]) -> str:
    """A new settings file."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _parsed(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_without_doubles)
    except RecursionError as error:
        raise NotMergeable("it is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise NotMergeable(f"it is not JSON: line {error.lineno}: {error.msg}") from error
    if not isinstance(value, dict):
        raise NotMergeable("it holds no JSON object")
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise NotMergeable(f"the key {double!r} stands in it twice")
    return found


def _into(
    theirs: dict[str, Any], wanted: dict[str, Any], path: tuple[str, ...], notes: list[str]
) -> None:
    for key, value in wanted.items():
        here = (*path, key)
        if theirs.get(key) is None:  # missing, or null, which Claude Code rejects in these places
            theirs[key] = copy.deepcopy(value)
        elif isinstance(value, dict) and isinstance(theirs[key], dict):
            _into(theirs[key], value, here, notes)
        elif isinstance(value, list) and isinstance(theirs[key], list):
            present = _handlers(theirs[key]) if path == ("hooks",) else theirs[key]
            theirs[key].extend(copy.deepcopy(one) for one in value if not _has(present, one))
        elif type(value) is not type(theirs[key]) and isinstance(value, (dict, list)):
            raise NotMergeable(f"{'.'.join(here)} in it is not what Claude Code takes there")
        elif value != theirs[key]:
            kept = json.dumps(theirs[key], ensure_ascii=False)
            notes.append(f"{'.'.join(here)} stays {kept}, as you have it")


def _handlers(groups: list[Any]) -> list[Any]:
    """The commands of all groups of an event, whatever else stands in a group."""
    inner = [one.get("hooks") for one in groups if isinstance(one, dict)]
    return [handler for hooks in inner if isinstance(hooks, list) for handler in hooks]


def _has(present: list[Any], wanted: Any) -> bool:
    """Whether an entry is there: a hook by what it runs, since its matcher and timeout may be
    theirs."""
    if not (isinstance(wanted, dict) and "hooks" in wanted):
        return wanted in present
    runs = [(one["command"], one["args"]) for one in wanted["hooks"]]
    there = [(h.get("command"), h.get("args")) for h in present if isinstance(h, dict)]
    return all(one in there for one in runs)


def _written(result: dict[str, Any], theirs: dict[str, Any], text: str) -> str:
    """In the way in which the file is written, if it is one of the usual ones."""
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    body = text.removeprefix(mark) if mark else text
    end = body[len(body.rstrip()) :]
    for indent in (2, 4, "\t", 3, 8, 1):
        for ascii_only in (False, True):
            same = json.dumps(theirs, indent=indent, ensure_ascii=ascii_only)
            if same == body.rstrip().replace("\r\n", "\n"):
                made = json.dumps(result, indent=indent, ensure_ascii=ascii_only)
                return mark + (made.replace("\n", "\r\n") if "\r\n" in body else made) + end
    return mark + json.dumps(result, indent=2, ensure_ascii=False) + (end or "\n")

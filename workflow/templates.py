"""Task templates: tasks/templates/TYPE.md of the exchange, else the one that comes with us.

A template gives a type's defaults. Two forms of value are no defaults but say what to fill in:
`dev | staging | production` is a choice, `<a hint>` is to be replaced or left out.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow import document
from workflow.errors import WorkflowError
from workflow.layout import SUFFIX, TEMPLATES

_CHOICE = re.compile(r"\s*+[^|<>\n]+(?:\s\|\s[^|<>\n]+)+")
_HINT = re.compile(r"\s*<[^<>\n]+>\s*")

_NOT_DEFAULTS = {
    "task_id", "created_at", "status", "after", "not_before", "approval", "approval_confirmed",
    "chain",
}  # fmt: skip
"""Keys that belong to one task and are never taken from a template."""


def choices(value: Any) -> list[str] | None:
    """`dev | staging` -> ["dev", "staging"]; None for any other value."""
    if isinstance(value, str) and _CHOICE.fullmatch(value):
        return [part.strip() for part in value.split(" | ")]
    return None


def is_hint(value: Any) -> bool:
    """Whether a value only says what to fill in: `<environment-specific-url>`."""
    return isinstance(value, str) and _HINT.fullmatch(value) is not None


@dataclass(frozen=True)
class Template:
    task_type: str
    data: Mapping[str, Any]
    body: str
    text: str
    """The whole file."""
    source: str
    """The file's path, relative to the exchange where it lies in it."""

    @property
    def defaults(self) -> dict[str, Any]:
        """Every key that a task of this type takes from here when it has none of its own."""
        return {
            key: value
            for key, value in self.data.items()
            if key not in _NOT_DEFAULTS and key != "params"
        }

    @property
    def params(self) -> dict[str, Any]:
        return {key: value for key, value in self._params() if not _open(value)}

    @property
    def choices(self) -> dict[str, list[str]]:
        """The parameters for which a task must choose, with what there is to choose from."""
        return {key: found for key, value in self._params() if (found := choices(value))}

    @property
    def hints(self) -> set[str]:
        """The parameters that a task replaces or leaves out."""
        return {key for key, value in self._params() if is_hint(value)}

    def _params(self) -> list[tuple[str, Any]]:
        params = self.data.get("params")
        return list(params.items()) if isinstance(params, dict) else []


def _open(value: Any) -> bool:
    return is_hint(value) or choices(value) is not None


def load_template(root: str | os.PathLike[str], task_type: str) -> Template | None:
    """The template of a type; None if it has none. Raises WorkflowError `bad_template`."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", task_type):
        return None
    source = f"{TEMPLATES}/{task_type}{SUFFIX}"
    try:
        raw = document.read_regular(os.path.join(root, source), follow=True)
    except FileNotFoundError:
        packaged = _builtin(task_type)
        if packaged is None:
            return None
        raw, source = packaged, f"built in: {task_type}{SUFFIX}"
    except document.NotAFile as error:
        problem = error.problems[0]
        raise WorkflowError(
            "bad_template", problem.sentence(source), hint=f"mend {source}", problems=[problem]
        ) from error
    return _read(task_type, raw, source)


def read_template(task_type: str, text: str, source: str) -> Template:
    """The template in a text that lies in no file of ours. Raises WorkflowError `bad_template`."""
    return _read(task_type, text.encode(), source)


def _read(task_type: str, raw: bytes, source: str) -> Template:
    try:
        read = _parsed(raw)
    except document.InvalidDocument as error:
        raise WorkflowError(
            "bad_template",
            "; ".join(problem.sentence(source) for problem in error.problems),
            hint=f"mend {source}",
            problems=error.problems,
        ) from error
    return Template(task_type, read.data, read.body, read.text, source)


@functools.lru_cache(maxsize=64)
def _parsed(raw: bytes) -> document.Document:
    """A sweep asks for the same few templates with every task; what changed has other bytes."""
    return document.parse(raw)


@functools.cache
def _builtin(task_type: str) -> bytes | None:
    path = builtin_folder() / (task_type + SUFFIX)
    return path.read_bytes() if path.is_file() else None


def builtin_folder() -> Path:
    """The templates that come with the package, one file a type."""
    return Path(__file__).parent / "data" / "templates"


def template_names(root: str | os.PathLike[str]) -> list[str]:
    """The types that have a template, the exchange's own and ours."""
    folders = [Path(root, TEMPLATES), builtin_folder()]
    return sorted({path.stem for folder in folders for path in folder.glob("*" + SUFFIX)})

"""What a script consists of: its own bytes, and those of the Python files beside it that it uses.

Whoever approves `publish_to_production.py` also approves the `publish_to_staging.py` that it
imports. Found by reading the code, not by running it: what a script loads by a computed name, from
an installed package or from elsewhere is not seen.
"""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


def digest(path: str | os.PathLike[str]) -> str:
    """sha256 of a file, in hex. Raises OSError."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def imported(script: Path) -> dict[str, str]:
    """The Python files beside the script that it imports, itself or through one another.

    Each real path with its sha256, in the order of the paths. Raises OSError.
    """
    # Python looks beside the real file, also when it is started by a link to it.
    start = os.path.realpath(script)
    found: dict[str, str] = {}
    todo = [start]
    while todo:
        for path in _files_named_in(todo.pop(), os.path.dirname(start)):
            if path not in found and path != start:
                found[path] = digest(path)
                todo.append(path)
    return dict(sorted(found.items()))


def _files_named_in(path: str, folder: str) -> Iterator[str]:
    """Every existing file that the imports in the Python file `path` can mean."""
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (SyntaxError, ValueError, RecursionError):
        return  # Python will say so when it is run
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            base = folder
        elif isinstance(node, ast.ImportFrom):
            head = f"{node.module}." if node.module else ""
            names = [head + alias.name for alias in node.names]
            base = os.path.normpath(os.path.join(path, *[os.pardir] * node.level))
            base = base if node.level else folder
        else:
            continue
        for name in names:
            yield from _files_of(base, name.split("."))


def _files_of(base: str, parts: list[str]) -> Iterator[str]:
    """`a.b` is a.py or a/__init__.py, then a/b.py or a/b/__init__.py."""
    for length in range(1, len(parts) + 1):
        stem = os.path.join(base, *parts[:length])
        for candidate in (f"{stem}.py", os.path.join(stem, "__init__.py")):
            if os.path.isfile(candidate):
                yield os.path.realpath(candidate)

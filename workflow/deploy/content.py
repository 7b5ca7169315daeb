"""What lies in a built folder: every file's digest, where it leads, what it gives away.

Every file is read once, and read again only if it may have changed: a cache holds what was found,
by size, times and inode, and by digest for files that were written anew. It is disposable. Of a
file that was written to less than two seconds before it was looked at the times prove nothing: a
second write may leave them as they were, for clocks of file systems are coarse. It is read again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from workflow import durable, publicdir
from workflow.deploy import aliases
from workflow.deploy.content_types import extension
from workflow.deploy.findings import Finding, Windows, findings, rules
from workflow.errors import TaskError, TaskFailed, told
from workflow.layout import CACHE
from workflow.publicdir import File, Found, Manifest, Walk

__all__ = ["Content", "Facts", "Finding", "read_content"]

LARGEST_WHOLE = 8 << 20
"""Bytes of a file that is looked through as a whole; a larger one is in windows, for secrets."""
_OVERLAP = 64 << 10
"""Bytes that two windows share: more than a secret has, with what must stand near it."""
_BINARY = {
    "7z", "aac", "avi", "avif", "bmp", "br", "docx", "eot", "flac", "gif", "gz", "heic", "ico",
    "jpeg", "jpg", "jxl", "m4a", "m4v", "mov", "mp3", "mp4", "oga", "ogg", "ogv", "otf", "pdf",
    "png", "pptx", "rar", "tif", "tiff", "ttf", "wasm", "wav", "webm", "webp", "woff", "woff2",
    "xlsx", "xz", "zip",
}  # fmt: skip
"""Of all others the content tells: no text has a NUL in its first bytes."""
_FIRST_BYTES = 8192
_HTML = {"htm", "html", "xhtml"}
_RACY_NS = 2_000_000_000
_TICK_NS = 100_000_000
"""Of clocks that show fractions of a second: they go on at least every 10 milliseconds."""
_FORMAT = 2
_CHANGING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ESTALE)
"""What opening and reading say of a file that is not any more what it was a moment ago."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A file of the site. `sha256` in hex, `size` in bytes."""

    sha256: str
    size: int
    redirect: str | None
    """Where it leads, as written, if it is the page of a Hugo alias."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Content:
    """Everything in a built folder, and what of it can be published."""

    folder: Path
    """A real path."""
    manifest: Manifest
    facts: Mapping[str, Facts]
    """By path, relative with `/`: regular files, and links to regular files of the folder."""


def read_content(
    folder: Path,
    *,
    cache: Path | None,
    force: bool = False,
    check: Callable[[], None] = lambda: None,
) -> Content:
    """Look at everything in `folder`. `cache` is read unless `force`, and written if that helps.

    `check` is called now and then and may raise. Raises TaskFailed `content_changing` if something
    vanishes or changes meanwhile, `permission_denied` or `system_error` if it cannot be read.
    """
    try:
        return _read_content(folder, cache, force, check)
    except OSError as error:
        raise _unreadable(folder, error) from error


def _read_content(
    folder: Path, cache: Path | None, force: bool, check: Callable[[], None]
) -> Content:
    started = time.time_ns()
    walked = publicdir.walk(folder)
    kept = {} if cache is None or force else _load(cache, walked.root)
    facts: dict[str, Facts] = {}
    rows: dict[str, _Row] = {}
    unread: list[Found] = []
    for file in walked.files:
        row = kept.get(file.path)
        known = None if row is None or row[:4] != _mark(file) else _facts(row)
        if row is None or known is None:
            unread.append(file)
        else:
            rows[file.path], facts[file.path] = row, known
    facts.update(publicdir.read_each(walked.root, unread, partial(_examine, kept), check))
    if cache is not None:
        for file in unread:
            mark = _mark(file)
            lasts = max(mark[1:3]) < started - _RACY_NS
            rows[file.path] = _row(mark if lasts else _NO_MARK, facts[file.path])
        if rows != kept:
            _save(cache, walked.root, rows)
    manifest = walked.manifest(File(path, one.size, one.sha256) for path, one in facts.items())
    for path, _ in manifest.links:
        target = os.path.realpath(walked.root + path).removeprefix(walked.root)
        if target in facts:
            facts[path] = facts[target]
    return Content(Path(walked.root), manifest, facts)


def cache_of(root: Path, site: str) -> Path:
    """Where it is kept what a site's folder held."""
    return root / CACHE / f"content-{site}.json"


def remember(root: Path, site: str, public: Path, walked: Walk, manifest: Manifest) -> None:
    """Note the digests of a folder that has just taken the place of `public`, so that a deploy
    need not read it once more.

    `walked` and `manifest` are of that folder before it did: since then nobody but us could write
    to it. What a file gives away is known only if it had the same bytes before.
    """
    cache, place = cache_of(root, site), os.path.join(os.path.realpath(public), "")
    kept = _load(cache, place)
    marks = {file.path: _mark(file) for file in walked.files}
    moved = 0
    with suppress(OSError):
        moved = os.stat(public).st_ctime_ns  # by the clock of the files themselves
    rows: dict[str, _Row] = {}
    for file in manifest.files:
        mark, row = marks[file.path], kept.get(file.path)
        known = row[5:] if row is not None and file.sha256 in row else [None, None]
        lasts = mark[2] < moved - (_TICK_NS if mark[2] % 1_000_000_000 else _RACY_NS)
        rows[file.path] = [*(mark if lasts else _NO_MARK), file.sha256, *known]
    _save(cache, place, rows)


def _examine(kept: Mapping[str, _Row], file: Found, chunks: Iterable[bytes]) -> tuple[str, Facts]:
    """A file's facts, from its bytes. The same bytes under the same name give the same facts: a
    rebuild that touched every file has none of them searched again."""
    size, kind = file.seen.st_size, extension(file.path)
    if kind in _BINARY or size > LARGEST_WHOLE:
        total, found = hashlib.sha256(), Windows()
        for chunk in chunks:
            total.update(chunk)
            if kind not in _BINARY:
                found.look(chunk, overlap=_OVERLAP)
        return file.path, Facts(total.hexdigest(), size, None, found.findings)
    raw = b"".join(chunks)
    if b"\0" in raw[:_FIRST_BYTES]:
        return file.path, Facts(hashlib.sha256(raw).hexdigest(), size, None, ())
    sha256 = hashlib.sha256(raw).hexdigest()
    row = kept.get(file.path)
    known = None if row is None or sha256 not in row else _facts(row)
    if known is not None and known.sha256 == sha256:
        return file.path, Facts(sha256, size, known.redirect, known.findings)
    redirect = aliases.target(raw) if kind in _HTML else None
    return file.path, Facts(sha256, size, redirect, findings(file.path, raw))


_Row = list[Any]
"""Size, mtime and ctime (ns), inode, sha256, redirect, findings: short, for there are thousands."""


_NO_MARK: _Row = [0, 0, 0, 0]
"""Of no file: what was found holds for these bytes only, and they are read again."""


def _mark(file: Found) -> _Row:
    seen = file.seen
    return [seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino]


def _row(mark: _Row, facts: Facts) -> _Row:
    told_of = [list(astuple(finding)) for finding in facts.findings]
    return [*mark, facts.sha256, facts.redirect, told_of]


def _facts(row: _Row) -> Facts | None:
    try:
        size, _, _, _, sha256, redirect, told_of = row
        return Facts(sha256, size, redirect, tuple(Finding(*one) for one in told_of))
    except (TypeError, ValueError):
        return None


def _load(cache: Path, root: str) -> dict[str, _Row]:
    """What was found before; nothing if the cache is missing, broken, or not of this folder."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        said = json.loads(cache.read_bytes())
        if said["version"] == _version() and said["root"] == root:
            return {path: row for path, row in said["files"].items() if isinstance(row, list)}
    return {}


def _save(cache: Path, root: str, rows: Mapping[str, _Row]) -> None:
    said = {"version": _version(), "root": root, "files": rows}
    raw = json.dumps(said, separators=(",", ":")).encode()
    aside = cache.with_name(f".{cache.name}.{os.getpid()}{durable.TEMPORARY}")
    with suppress(OSError):  # without it the next look takes longer, that is all
        aside.write_bytes(raw)
        aside.replace(cache)


def _version() -> str:
    return f"{_FORMAT} {rules()}"


def _unreadable(folder: Path, error: OSError) -> TaskFailed:
    if error.errno in _CHANGING:
        return TaskFailed(
            TaskError(
                "content_changing",
                f"{folder} changes while it is being read: {told(error)}",
                "retry",
                "content",
                hint="let the build that writes to it finish, then run the task again",
            )
        )
    code = "permission_denied" if isinstance(error, PermissionError) else "system_error"
    return TaskFailed(
        TaskError(
            code,
            f"{folder} cannot be read: {told(error)}",
            "escalate",
            "environment",
            hint="give the user who runs the sweep the right to read it",
        )
    )

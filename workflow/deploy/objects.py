"""How each file of the site is stored: its type, for how long caches may keep it, its encoding.

By default, with Hugo in mind:

    fingerprinted   main.min.066e….css, cover_hu_….png    a year, immutable
    assets          images, styles, scripts, documents    an hour
    pages           HTML, feeds, sitemap, robots.txt, …   asked for anew each time

Pages are what names assets: they are sent last, when all that they name is there.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workflow import config
from workflow.deploy.aliases import location
from workflow.deploy.content import Content, Facts
from workflow.deploy.content_types import content_type, extension, shrinks
from workflow.deploy.fingerprints import is_fingerprinted
from workflow.deploy.patterns import matches
from workflow.errors import TaskError, TaskFailed

__all__ = ["Phase", "Wanted", "body", "is_fingerprinted", "phase", "wanted"]

Phase = Literal["fingerprinted", "assets", "pages"]

LARGEST_COMPRESSED = 16 << 20
"""Bytes: it is done in memory, and what is larger goes in parts, as it is."""
SMALLEST_COMPRESSED = 1024
"""Bytes: what is smaller travels in one packet either way."""

_CACHE_CONTROL: dict[Phase, str] = {
    "fingerprinted": "public, max-age=31536000, immutable",
    "assets": "public, max-age=3600",
    "pages": "public, max-age=0, must-revalidate",
}
_PAGES = frozenset(
    {"atom", "htm", "html", "json", "jsonld", "md", "rss", "txt", "webmanifest", "xhtml", "xml"}
)
"""What readers, crawlers and search in the page follow to other files."""
_WORKERS = frozenset({"service-worker.js", "serviceworker.js", "sw.js"})
"""Lists of assets in the shape of a script; an old one kept by a cache holds the old site."""

_ENCODINGS = {"gzip": "gzip", "brotli": "br"}
_BROTLI_QUALITY = 6
"""Pages become 12 % smaller than with gzip in the same time; 11 saves 10 % more, and takes fifty
times as long, which a first publish of thousands of pages would wait for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object as it is to be. `size` and `sha256` are those of the file it is made from."""

    path: str
    size: int
    sha256: str
    headers: dict[str, str]
    """By their HTTP names, as they are sent."""
    phase: Phase


def wanted(content: Content, deploy: config.Deploy, base_url: str) -> dict[str, Wanted]:
    """Every object that the site consists of, by its path.

    Raises TaskFailed `brotli_missing` if one is to be compressed by what is not installed.
    """
    made = {
        path: Wanted(path, facts.size, facts.sha256, *_stored(path, facts, deploy, base_url))
        for path, facts in content.facts.items()
    }
    if any(one.headers.get("Content-Encoding") == "br" for one in made.values()):
        _brotli()  # missing, it must be missed now and not half-way
    return made


def phase(path: str) -> Phase:
    """When a file is sent: see above."""
    if os.path.basename(path) in _WORKERS:
        return "pages"
    if is_fingerprinted(path):
        return "fingerprinted"
    return "pages" if extension(path) in _PAGES else "assets"


def body(raw: bytes, headers: Mapping[str, str]) -> bytes:
    """What is stored of a file whose bytes are `raw`: the same for the same bytes and headers.

    Raises TaskFailed `brotli_missing`.
    """
    encoding = headers.get("Content-Encoding")
    if encoding == "gzip":
        return zlib.compress(raw, 9, wbits=31)  # its header has neither a time nor a name
    if encoding == "br":
        compressed: bytes = _brotli().compress(raw, quality=_BROTLI_QUALITY)
        return compressed
    return raw


def _stored(
    path: str, facts: Facts, deploy: config.Deploy, base_url: str
) -> tuple[dict[str, str], Phase]:
    rules = [rule for rule in deploy.objects if matches(rule.match, path)]
    when = phase(path)
    kind = _last(rule.content_type for rule in rules) or content_type(path)
    headers = {
        "Content-Type": kind,
        "Cache-Control": _last(rule.cache_control for rule in rules) or _CACHE_CONTROL[when],
    }
    compress = _last(rule.compress for rule in rules) or deploy.compress
    fits = SMALLEST_COMPRESSED <= facts.size <= LARGEST_COMPRESSED
    if compress != "none" and fits and shrinks(kind):
        headers["Content-Encoding"] = _ENCODINGS[compress]
    if deploy.redirects and facts.redirect is not None:
        to = location(path, facts.redirect, base_url)
        if to is not None:
            headers["x-amz-website-redirect-location"] = to
    return headers, when


def _last(said: Iterable[str | None]) -> str | None:
    """Of several rules the last one that says anything."""
    return next((value for value in reversed(list(said)) if value is not None), None)


def _brotli() -> Any:
    try:
        import brotli
    except ImportError as error:
        raise TaskFailed(
            TaskError(
                "brotli_missing",
                "workflow.yaml asks for brotli, and the Python package brotli is not installed",
                "escalate",
                "environment",
                hint="install brotli where workflow is installed, or say `compress: gzip`",
            )
        ) from error
    return brotli

"""How each file of the site is stored: its type, for how long caches may keep it, its encoding.

By default, with Hugo in mind:

    fingerprinted   main.min.066e….css, cover_hu_….png    a year, immutable
    assets          images, styles, scripts, documents    an hour
    pages           HTML, feeds, sitemap, robots.txt, …   asked for anew each time

Pages are what names assets: they are sent last, when all that they name is there.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
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
    stored = _Stored(deploy, base_url)
    made = {
        path: Wanted(path, facts.size, facts.sha256, *stored(path, facts))
        for path, facts in content.facts.items()
    }
    if any(one.headers.get("Content-Encoding") == "br" for one in made.values()):
        _brotli()  # missing, it must be missed now and not half-way
    return made


def phase(path: str) -> Phase:
    """When a file is sent: see above."""
    return _phase(path.rpartition("/")[2])


@lru_cache(maxsize=1024)  # nearly all pages are called index.html
def _phase(name: str) -> Phase:
    if name in _WORKERS:
        return "pages"
    if is_fingerprinted(name):
        return "fingerprinted"
    return "pages" if extension(name) in _PAGES else "assets"


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


class _Stored:
    """How files are stored: their headers, and when they are sent. Files that are stored alike
    share one dictionary."""

    def __init__(self, deploy: config.Deploy, base_url: str) -> None:
        self.deploy = deploy
        self.base_url = base_url
        self._alike: dict[tuple[str, str, str, str | None], dict[str, str]] = {}

    def __call__(self, path: str, facts: Facts) -> tuple[dict[str, str], Phase]:
        deploy, when = self.deploy, phase(path)
        kind, control, compress = content_type(path), _CACHE_CONTROL[when], deploy.compress
        for rule in deploy.objects:  # of several the last one that says anything
            if matches(rule.match, path):
                kind = rule.content_type or kind
                control = rule.cache_control or control
                compress = rule.compress or compress
        if not SMALLEST_COMPRESSED <= facts.size <= LARGEST_COMPRESSED:
            compress = "none"
        to = None
        if deploy.redirects and facts.redirect is not None:
            to = location(path, facts.redirect, self.base_url)
        alike = (kind, control, compress, to)
        headers = self._alike.get(alike)
        if headers is None:
            headers = self._alike[alike] = _headers(*alike)
        return headers, when


def _headers(kind: str, control: str, compress: str, to: str | None) -> dict[str, str]:
    headers = {"Content-Type": kind, "Cache-Control": control}
    if compress != "none" and shrinks(kind):
        headers["Content-Encoding"] = _ENCODINGS[compress]
    if to is not None:
        headers["x-amz-website-redirect-location"] = to
    return headers


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

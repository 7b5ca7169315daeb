"""Names that hold a fingerprint of their file's content: other content has another name.

Such a file may be cached for ever. A name taken for one wrongly keeps visitors on old content for
a year, one that is missed costs an hour's caching: in doubt it is none.

    main.min.066ec9cf…(32, 64, 96 or 128 hex digits).css    Hugo's resources.Fingerprint
    cover_hu_c4b3903900ae227b.png, cover_hu59e0d9…_600x0_resize_q75.jpg    Hugo's images
    runtime.4f2a1b9c.js, chunk-9d41c07b3e.css               webpack, Parcel, esbuild, Gatsby
    index-B3xY_9aZ.js                                       Vite, Rollup
"""

from __future__ import annotations

import re

from workflow.deploy.content_types import extension

_NEVER = frozenset({"htm", "html", "xhtml", "xml", "rss", "atom", "txt", "webmanifest"})
"""Have addresses that people and machines remember."""

# Of bundles only: photographs and documents get their names from people.
_BUNDLED = frozenset({"css", "js", "map", "mjs", "wasm", "woff", "woff2"})

_HUGO = re.compile(
    r".+\.(?:[0-9a-f]{32}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})(?:\.[A-Za-z0-9]+){1,2}"
)
_HUGO_IMAGE = re.compile(r".*_hu_?[0-9a-f]{14,32}(?:_[A-Za-z0-9_.-]*)?\.(?:[a-z]+)")
_HEX = re.compile(r".+[.-]([0-9a-f]{8,64})(?:\.(?:min|bundle|chunk))?\.[a-z0-9]+(?:\.map)?")
_MIXED = re.compile(r".+-([A-Za-z0-9_-]{8})\.[a-z0-9]+(?:\.map)?")
_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])")
_WORDS = re.compile(r"[A-Za-z]?[a-z]*(?:[A-Z][a-z]*)*[0-9]+[a-z]?")
"""`Version2`, `release24`: what a person may have written."""


def is_fingerprinted(path: str) -> bool:
    """Whether the content of what is called so can never change."""
    name = path.rsplit("/", 1)[-1]
    kind = extension(name)
    if kind in _NEVER:
        return False
    if _HUGO.fullmatch(name) or _HUGO_IMAGE.fullmatch(name):
        return True
    if kind not in _BUNDLED:
        return False
    return _is_hex_digest(name) or _is_mixed_digest(name)


def _is_hex_digest(name: str) -> bool:
    found = _HEX.fullmatch(name)
    if found is None or _WORDS.fullmatch(found[1]):
        return False
    digits = sum(letter.isdigit() for letter in found[1])
    # Both kinds, twice: neither a number, nor a word, nor a date with a letter.
    return 2 <= digits <= len(found[1]) - 2 and not _DATE.match(found[1])


def _is_mixed_digest(name: str) -> bool:
    found = _MIXED.fullmatch(name)
    if found is None or _WORDS.fullmatch(found[1]):
        return False
    text = found[1]
    return (
        any(letter.isdigit() for letter in text)
        and any(letter.islower() for letter in text)
        and any(letter.isupper() for letter in text)
    )

"""Links to this machine in a built site: to localhost, 127.0.0.1, …, which nobody else can follow.

What leads somewhere is a link: attributes, styles, elements of a sitemap or feed, values in JSON.
An address in prose or in a sample of code is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from workflow.deploy.content_types import extension
from workflow.deploy.markup import TAG, attributes

_LONGEST = 120
"""Characters of an address that are told."""

_HOST = (
    rb"(?:(?i:localhost)\.?|127(?:\.[0-9]{1,3}){3}|0\.0\.0\.0|\[::1?\])(?::[0-9]{1,5})?(?![\w.-])"
)
# Without its query, which may hold anything. JSON may write `\/` for a slash.
_URL = rb"(?i:https?):(?:\\?/){2}" + _HOST + rb"[^\s\"'<>()\\,?#&]*(?:\\/[^\s\"'<>()\\,?#&]*)*"
_IN_QUERY = rb"(?i:https?%3A%2F%2F(?:localhost|127\.[\d.]+|0\.0\.0\.0)(?:%3A\d+)?)(?![\w.-])"
_ADDRESS = re.compile(_URL + rb"|" + _IN_QUERY)

# Nearly every file fails these: they start with a byte that is rare.
_MAY_LINK = re.compile(rb":(?:\\?/){2}" + _HOST)
_MAY_SHARE = re.compile(rb"%(?i:3A%2F%2F(?:localhost|127\.|0\.0\.0\.0))")

_LINKING = {
    "action", "background", "cite", "content", "data", "formaction", "href", "imagesrcset",
    "longdesc", "manifest", "ping", "poster", "src", "srcset", "style", "url", "xlink:href",
    "xml:base",
}  # fmt: skip
_VALUE = re.compile(  # `URL`, `0; url=URL`, `url(URL)`; not `Open URL in your browser`
    rb"(?:\A\s*|\A\s*[\d.]+\s*[;,]\s*(?i:url)\s*=\s*[\"']?|(?i:url)\(\s*[\"']?)" + _URL
)
_IN_SRCSET = re.compile(rb"(?:\A|,|\s)" + _URL)
_SHARED = re.compile(_IN_QUERY)
_ELEMENT = re.compile(
    rb"<(?i:[\w-]+:)?(?i:loc|link|guid|id|url|uri|icon|logo|docs|comments)\b[^<>]*>\s*"
    rb"(?:<!\[CDATA\[\s*)?" + _URL
)
_CSS = re.compile(rb"(?i:url\(|@import)\s*[\"']?" + _URL)
_JSON = re.compile(rb"\"[\w@:$ -]{1,80}\"\s*:\s*(?:\[\s*)?\"" + _URL)
_PLAIN = re.compile(rb"(?im:^[ \t]*sitemap[ \t]*:[ \t]*)" + _URL + rb"|\]\(\s*<?" + _URL)

_XML = frozenset({"atom", "rss", "xml", "xsl"})
_MARKUP = _XML | {"htm", "html", "svg", "xhtml"}
_BY_KIND = {
    "css": _CSS,
    "geojson": _JSON,
    "js": _JSON,
    "json": _JSON,
    "jsonld": _JSON,
    "md": _PLAIN,
    "mjs": _JSON,
    "txt": _PLAIN,
    "webmanifest": _JSON,
}
_CODE = {
    b"script": (_JSON, re.compile(rb"</(?i:script)|\Z")),
    b"style": (_CSS, re.compile(rb"</(?i:style)|\Z")),
}
"""Elements whose content is no markup: what to look for in it, and where it ends."""


def local_links(path: str, raw: bytes) -> Iterator[tuple[int, str]]:
    """Where in the file the links to this machine are, and each in words."""
    if not _may_link(raw):
        return
    kind = extension(path)
    if kind in _XML:
        yield from _all(_ELEMENT, raw)
    if kind in _MARKUP:
        yield from _in_markup(raw)
    elif kind in _BY_KIND:
        yield from _all(_BY_KIND[kind], raw)


def _may_link(raw: bytes) -> bool:
    return bool(_MAY_LINK.search(raw) or _MAY_SHARE.search(raw))


def _all(
    pattern: re.Pattern[bytes], raw: bytes, start: int = 0, end: int | None = None
) -> Iterator[tuple[int, str]]:
    for found in pattern.finditer(raw, start, len(raw) if end is None else end):
        yield found.start(), f"a link to {_address(found[0])}"


def _in_markup(raw: bytes) -> Iterator[tuple[int, str]]:
    at = 0
    while tag := TAG.search(raw, at):
        at = tag.end()
        if tag["name"] is None:
            continue  # a comment
        if _may_link(tag["said"]):
            for name, value in _links(tag["said"]):
                yield tag.start(), f"<{tag['name'].decode()} {name}>, a link to {_address(value)}"
        if tag["name"].lower() in _CODE:
            pattern, closing = _CODE[tag["name"].lower()]
            end = closing.search(raw, at)
            assert end is not None
            yield from _all(pattern, raw, at, end.start())
            at = end.end()


def _links(said: bytes) -> Iterator[tuple[str, bytes]]:
    """Those of a tag's attributes that lead to this machine."""
    for name, value in attributes(said):
        if name in _LINKING or name.startswith("data-"):
            leads = _IN_SRCSET if name.endswith("srcset") else _VALUE
            if leads.search(value) or (name == "href" and _SHARED.search(value)):
                yield name, value


def _address(text: bytes) -> str:
    found = _ADDRESS.search(text)
    said = (found[0] if found else b"this machine").decode("utf-8", "replace").replace("\\", "")
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"

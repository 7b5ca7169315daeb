"""What S3 says in XML: pages of a listing, and the keys that could not be deleted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple
from urllib.parse import unquote_plus
from xml.etree import ElementTree


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing shows it."""

    etag: str
    """Without quotes. A digest of the content only for what was sent whole and without KMS."""
    size: int
    modified: str
    """UTC, as the server writes it: `2026-01-19T14:30:45.000Z`."""


class Page(NamedTuple):
    """Some of the objects, in whatever order the server likes."""

    objects: list[tuple[str, Listed]]
    folders: list[str]
    """Prefixes that stand for all keys below them, if a delimiter was asked for."""
    next: str | None
    """Continues the listing; None at its end."""


class NotRead(Exception):
    """What came is not what S3 says."""


def read_page(body: bytes) -> Page:
    """An answer to ListObjectsV2. Raises NotRead."""
    root = _root(body, "ListBucketResult")
    space = root.tag[: -len("ListBucketResult")]
    plain = root.findtext(f"{space}EncodingType") != "url"
    key_, etag_, size_, time_ = (f"{space}{n}" for n in ("Key", "ETag", "Size", "LastModified"))

    def decoded(text: str | None) -> str:
        if not text:
            raise NotRead("an object without a key")
        return text if plain else unquote_plus(text, errors="strict")

    try:
        objects = []
        for one in root.iterfind(f"{space}Contents"):
            said = {child.tag: child.text or "" for child in one}
            etag = said.get(etag_, "").strip('"')
            listed = Listed(etag, int(said.get(size_, "")), said.get(time_, ""))
            objects.append((decoded(said.get(key_)), listed))
        folders = [
            decoded(one.findtext(f"{space}Prefix"))
            for one in root.iterfind(f"{space}CommonPrefixes")
        ]
    except ValueError as error:
        raise NotRead(f"an object that is none: {error}") from error
    if root.findtext(f"{space}IsTruncated") != "true":
        return Page(objects, folders, None)
    following = root.findtext(f"{space}NextContinuationToken")
    if not following:
        raise NotRead("a page with others to follow, and no way to them")
    return Page(objects, folders, following)


def folders(prefix: str, keys: Sequence[str]) -> list[str]:
    """The folders right below the prefix that the keys lie in."""
    ends = {key: key.find("/", len(prefix)) + 1 for key in keys if key.startswith(prefix)}
    return sorted({key[:end] for key, end in ends.items() if end})


def write_deletion(keys: Iterable[str]) -> bytes:
    """The body of DeleteObjects; the answer names those that could not be deleted."""
    named = "".join(f"<Object><Key>{_escaped(key)}</Key></Object>" for key in keys)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Quiet>true</Quiet>{named}</Delete>"
    ).encode()


def is_xml(key: str) -> bool:
    """Whether XML 1.0 can hold the key at all."""
    return all(c >= " " or c in "\t\n\r" for c in key) and "￾" not in key and "￿" not in key


def read_deletion(body: bytes) -> dict[str, tuple[str, str]]:
    """Key → (code, message) of what DeleteObjects could not delete. Raises NotRead."""
    root = _root(body, "DeleteResult")
    space = root.tag[: -len("DeleteResult")]
    return {
        one.findtext(f"{space}Key") or "": (
            one.findtext(f"{space}Code") or "",
            one.findtext(f"{space}Message") or "",
        )
        for one in root.iterfind(f"{space}Error")
    }


def read_texts(body: bytes, root: str, *names: str) -> list[str]:
    """The texts of these elements right below the root of this name. Raises NotRead."""
    found = _root(body, root)
    space = found.tag[: -len(root)]
    texts = [found.findtext(f"{space}{name}") for name in names]
    if not all(texts):
        raise NotRead(f"{root} without {' or '.join(names)}")
    return [text or "" for text in texts]


def _root(body: bytes, name: str) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise NotRead(f"no XML: {error}") from error
    if root.tag.rpartition("}")[2] != name:
        raise NotRead(f"a {root.tag.rpartition('}')[2]} instead of a {name}")
    return root


def _escaped(key: str) -> str:
    # A parser would make one line feed of what a key may hold as line ends.
    plain = escape(key, quote=False)
    return plain.replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", "&#9;")

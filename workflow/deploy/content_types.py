"""Content types of what a website consists of.

A table of our own: that of the machine differs from machine to machine, and a type that is wrong
in production only is found last.
"""

from __future__ import annotations

import os
from functools import lru_cache

UNKNOWN = "application/octet-stream"

_TEXT = {
    "css": "text/css",
    "csv": "text/csv",
    "htm": "text/html",
    "html": "text/html",
    "ics": "text/calendar",
    "js": "text/javascript",
    "log": "text/plain",
    "md": "text/markdown",
    "mjs": "text/javascript",
    "srt": "text/plain",
    "text": "text/plain",
    "tsv": "text/tab-separated-values",
    "txt": "text/plain",
    "vcf": "text/vcard",
    "vtt": "text/vtt",
    "atom": "application/atom+xml",
    "geojson": "application/geo+json",
    "json": "application/json",
    "jsonld": "application/ld+json",
    "map": "application/json",
    "rss": "application/rss+xml",
    "svg": "image/svg+xml",
    "topojson": "application/json",
    "webmanifest": "application/manifest+json",
    "xhtml": "application/xhtml+xml",
    # Feeds too, whose name is index.xml with Hugo: every reader takes them, and browsers show
    # them where they would save an application/rss+xml.
    "xml": "application/xml",
    "xsl": "application/xslt+xml",
    "yaml": "application/yaml",
    "yml": "application/yaml",
}
"""Told to be UTF-8, which is what Hugo writes."""

_OTHER = {
    "7z": "application/x-7z-compressed",
    "aac": "audio/aac",
    "apng": "image/apng",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "eot": "application/vnd.ms-fontobject",
    "epub": "application/epub+zip",
    "flac": "audio/flac",
    "gif": "image/gif",
    "glb": "model/gltf-binary",
    "gz": "application/gzip",
    # As browsers recognise it; its registered name is younger than half of them.
    "ico": "image/x-icon",
    "jfif": "image/jpeg",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "jxl": "image/jxl",
    "m4a": "audio/mp4",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "ogv": "video/ogg",
    "opus": "audio/ogg",
    "otf": "font/otf",
    "pdf": "application/pdf",
    "png": "image/png",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "rtf": "application/rtf",
    "tar": "application/x-tar",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "ttf": "font/ttf",
    "wasm": "application/wasm",
    "wav": "audio/wav",
    "weba": "audio/webm",
    "webm": "video/webm",
    "webp": "image/webp",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}

_NAMES = {"apple-app-site-association": "application/json; charset=utf-8"}
"""Files without an extension whose readers insist on a type."""

_TYPES = {**{ext: f"{kind}; charset=utf-8" for ext, kind in _TEXT.items()}, **_OTHER}

_ALSO_SHRINK = {"application/vnd.ms-fontobject", "application/wasm", "font/otf", "font/ttf"}
"""Beside text: formats that are not compressed by themselves."""
_SHRINK = {*_TEXT.values(), *_ALSO_SHRINK, "application/javascript", "application/x-javascript"}


def content_type(path: str) -> str:
    """The Content-Type of a file, by its name; UNKNOWN if that says nothing."""
    return _content_type(path.rpartition("/")[2])


@lru_cache(maxsize=1024)  # nearly all pages are called index.html
def _content_type(name: str) -> str:
    return _NAMES.get(name) or _TYPES.get(extension(name), UNKNOWN)


def extension(path: str) -> str:
    """What follows the last dot of the file's name, in small letters; empty if nothing does."""
    return os.path.splitext(path)[1][1:].lower()


def shrinks(content_type: str) -> bool:
    """Whether compression makes files of this type smaller."""
    kind = content_type.split(";")[0].strip().lower()
    return kind in _SHRINK or kind.startswith("text/") or kind.endswith(("+json", "+xml"))

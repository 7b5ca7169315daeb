"""Which files of a site have facts, and the facts of one of them."""

from __future__ import annotations

import hashlib

from workflow.validator.facts import Facts

_PAGES = frozenset({"html", "htm", "xhtml"})
_OTHERS = frozenset({"css", "xml", "rss", "atom", "rdf", "webmanifest"})
_NAMED = ("manifest.json",)


def may_have_facts(path: str) -> bool:
    """Whether this file (its path in the site, with `/`) is to be read at all, by its name."""
    name = path[path.rfind("/") + 1 :].lower()
    extension = name[name.rfind(".") + 1 :]
    return extension in _PAGES or extension in _OTHERS or name in _NAMED or path == "robots.txt"


def key_of(path: str, raw: bytes) -> bytes:
    """By what the facts are kept: a page's by its bytes, another file's by its path as well, for
    what a sitemap or a feed is hangs on its name."""
    total = hashlib.blake2b(digest_size=16)
    if not _is_page(path):
        total.update(b"%s\0" % path.encode("utf-8", "surrogateescape"))
    total.update(raw)
    return total.digest()


def examine(path: str, raw: bytes) -> Facts | None:
    """The facts of a file that may have some; None if it turns out to be of another kind."""
    # Each of these is wanted only for files that have changed, and takes a while to be imported.
    if _is_page(path):
        from workflow.validator.pages import parser

        return parser.page(raw)
    if path.lower().endswith(".css"):
        from workflow.validator.files import sheets

        return sheets.sheet(raw)
    from workflow.validator.files import documents

    match documents.kind_of(path, raw):
        case "feed":
            return documents.feed(raw)
        case "sitemap":
            return documents.sitemap(raw)
        case "robots":
            return documents.robots(raw)
        case "manifest":
            return documents.manifest(raw)
        case None:
            return None


def _is_page(path: str) -> bool:
    return path[path.rfind(".") + 1 :].lower() in _PAGES

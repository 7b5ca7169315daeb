"""Files beside the pages that name addresses: feeds, sitemaps, robots.txt, web app manifests.

Sources: RFC 9309 (robots.txt), W3C Web Application Manifest; see `feeds` and `sitemaps` for theirs.
"""

from __future__ import annotations

import re
from typing import Literal

from workflow.validator.facts import Manifest, Ref, Robots
from workflow.validator.files.feeds import feed
from workflow.validator.files.sitemaps import sitemap
from workflow.validator.files.well_formed import clean

__all__ = ["Kind", "feed", "kind_of", "manifest", "robots", "sitemap"]

Kind = Literal["feed", "sitemap", "robots", "manifest"]

_MOST_BAD_LINES = 20
"""Of robots.txt: whoever serves a page of HTML by that name need not see it line by line."""

_ROOT = re.compile(
    r"\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*|<!DOCTYPE(?:[^\[>]|\[[^\]]*\])*>\s*)*"
    r"<(?:[\w.-]+:)?([\w.-]+)",
    re.DOTALL,
)
_ROOTS: dict[str, Kind] = {
    "rss": "feed", "feed": "feed", "RDF": "feed", "urlset": "sitemap", "sitemapindex": "sitemap",
}  # fmt: skip
_FEEDS = ("feed.xml", "rss.xml", "atom.xml")
_MANIFEST_MEMBERS = (b'"icons"', b'"start_url"', b'"short_name"', b'"display"')


def kind_of(path: str, raw: bytes) -> Kind | None:
    """What this file is: by its path (relative to the site, with `/`), and XML by its root element.

    A file that is called a sitemap or a feed is one, whatever it holds.
    """
    if path == "robots.txt":
        return "robots"
    name = path.rsplit("/", 1)[-1].lower()
    extension = name.rsplit(".", 1)[-1]
    if extension == "webmanifest":
        return "manifest"
    if name == "manifest.json":  # which programs that build sites use for tables of their own
        return "manifest" if any(member in raw for member in _MANIFEST_MEMBERS) else None
    if extension not in ("xml", "rss", "atom", "rdf"):
        return None
    root = _ROOT.match(_beginning(raw))
    kind = _ROOTS.get(root[1]) if root else None
    if kind is None and name == "sitemap.xml":
        return "sitemap"
    if kind is None and (name in _FEEDS or extension in ("rss", "atom")):
        return "feed"
    return kind


def _beginning(raw: bytes) -> str:
    head = raw[:8192]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace").removeprefix("\ufeff")
    return head.decode("utf-8-sig", "replace")


# robots.txt

_KNOWN = ("user-agent", "allow", "disallow", "sitemap")
_ALSO_KNOWN = {"clean-param", "content-signal", "content-usage", "crawl-delay", "host", "license",
    "noindex", "request-rate", "visit-time"}  # fmt: skip


def robots(raw: bytes) -> Robots:
    """The groups and sitemaps of robots.txt, by RFC 9309. Lines with an unknown name are passed
    over, but not those whose name is a known one misspelt."""
    refs: dict[Ref, bool] = {}
    groups: list[tuple[list[str], list[tuple[bool, str]]]] = []
    bad_lines: list[tuple[int, str]] = []
    is_open = False
    for number, line in enumerate(_lines(raw), 1):
        text = line.partition("#")[0].strip()
        key, colon, value = text.partition(":")
        key, value = key.strip().lower(), value.strip()
        is_bad = False
        if key == "user-agent" and value:
            if not is_open:
                groups.append(([], []))
            is_open = True
            groups[-1][0].append(value.lower())
        elif key in ("allow", "disallow") and colon and groups:
            is_open = False
            if value.startswith(("/", "*")):
                groups[-1][1].append((key == "allow", value))
            is_bad = value != "" and not value.startswith(("/", "*"))
        elif key == "sitemap" and value:
            refs[Ref("sitemap", value, "sitemap", "text")] = True
        elif text:
            is_bad = not colon or key in _KNOWN or _is_misspelt(key)
        if is_bad and len(bad_lines) < _MOST_BAD_LINES:
            bad_lines.append((number, line.strip()))
    return Robots(
        refs=tuple(refs),
        groups=tuple((tuple(agents), tuple(rules)) for agents, rules in groups),
        bad_lines=tuple(bad_lines),
    )


def _lines(raw: bytes) -> list[str]:
    text = raw.decode("utf-8-sig", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _is_misspelt(key: str) -> bool:
    if key in _ALSO_KNOWN:
        return False
    from difflib import get_close_matches

    return bool(get_close_matches(key, _KNOWN, n=1, cutoff=0.8))


# Web app manifests


def manifest(raw: bytes) -> Manifest:
    """The icons, screenshots and pages that a web app manifest names."""
    import json

    try:
        said = json.loads(raw.decode("utf-8-sig"), parse_constant=_no_number)
    except UnicodeDecodeError:
        return Manifest(error="it is not written in UTF-8")
    except json.JSONDecodeError as error:
        return Manifest(error=f"line {error.lineno}, column {error.colno}: {error.msg}")
    except (ValueError, RecursionError) as error:
        return Manifest(error=f"it is no JSON: {error}")
    if not isinstance(said, dict):
        return Manifest(error="it is no JSON object")
    refs: dict[Ref, bool] = {}
    faults: list[str] = []

    def add(kind: str, url: object, member: str, attribute: str) -> None:
        if isinstance(url, str):
            if clean(url):
                refs[Ref(kind, clean(url), member, attribute)] = True
        elif url is not None:
            faults.append(f"{attribute} of {member} is no string")

    def objects(holder: dict[str, object], member: str) -> list[dict[str, object]]:
        listed = holder.get(member, [])
        if isinstance(listed, list) and all(isinstance(one, dict) for one in listed):
            return listed
        faults.append(f"{member} is no list of objects")
        return []

    def pictures(holder: dict[str, object], member: str, kind: str) -> None:
        for one in objects(holder, member):
            if not one.get("src"):
                faults.append(f"one of {member} has no src")
            add(kind, one.get("src"), member, "src")

    add("link", said.get("start_url"), "start_url", "text")
    pictures(said, "icons", "icon")
    pictures(said, "screenshots", "image")
    for shortcut in objects(said, "shortcuts"):
        add("link", shortcut.get("url"), "shortcuts", "url")
        pictures(shortcut, "icons", "icon")
    return Manifest(tuple(refs), faults[0] if faults else None)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")

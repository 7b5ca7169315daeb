"""Rules on the Markdown that a site is made from, before it is built."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow.validator.findings import Finding, Rule

if TYPE_CHECKING:
    from workflow.validator.content.links import Links, Place
    from workflow.validator.content.shortcodes import Shortcode
    from workflow.validator.content.sources import Source

RULES: tuple[Rule, ...] = (
    Rule(
        "content-link-broken",
        "error",
        "A link in the Markdown leads to nothing.",
        "Correct the address, or use {{< relref >}}, which stops the build when it is wrong.",
    ),
    Rule(
        "content-fragment",
        "warning",
        "A link in the Markdown names a heading or id that is not there.",
        "Name a heading by its id: its words in small letters, with dashes for blanks.",
    ),
    Rule(
        "content-image-broken",
        "error",
        "A picture in the Markdown is not there.",
        "Correct the address; a picture beside index.md belongs to its page.",
    ),
    Rule(
        "content-ref-broken",
        "error",
        "A ref or relref names no page, which stops the build.",
        "Name the page by its path in content/, beginning with a slash.",
    ),
    Rule(
        "content-front-matter",
        "error",
        "Front matter cannot be read, or means something else than it seems to.",
        "Correct it at that line.",
    ),
    Rule(
        "content-title-missing",
        "warning",
        "A page has no title.",
        "Give it a title in its front matter.",
    ),
    Rule(
        "content-date",
        "warning",
        "A date is hardly meant.",
        "Write dates as 2026-01-31.",
    ),
    Rule(
        "content-shortcode",
        "error",
        "A shortcode is not closed, or not written as one, which stops the build.",
        "Close it with {{< /name >}}, or as {{< name />}}; show one with {{</* name */>}}.",
    ),
    Rule(
        "content-shortcode-unknown",
        "error",
        "A shortcode has no template, which stops the build.",
        "Correct its name, or add layouts/_shortcodes/NAME.html.",
    ),
    Rule(
        "content-alt-missing",
        "warning",
        "A picture in the Markdown has no text for those who cannot see it.",
        "Say between the brackets what it shows: `![A red door](door.jpg)`.",
    ),
)

_DATES = {
    "date": "date", "publishdate": "publishDate", "pubdate": "pubdate", "published": "published",
    "lastmod": "lastmod", "modified": "modified", "expirydate": "expiryDate",
    "unpublishdate": "unpublishdate",
}  # fmt: skip
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST = timedelta(days=3660)
_TRUTHS = ("true", "false", "t", "f", "1", "0")
"""What Hugo reads as yes or no."""
_LONGEST = 120


def content_findings(
    site_folder: Path,
    *,
    content: Path,
    public: Path | None = None,
    base_url: str | None = None,
    check: Callable[[], None] = lambda: None,
) -> list[Finding]:
    """What is wrong with the Markdown below `content` of the Hugo site in `site_folder`.

    `public`: the built site, if there is one, which has more than content can tell of. `base_url`:
    links to it in full are links within the site; None: as the site's configuration says. `page`
    of a finding is the file's path from the site's folder. Raises FileNotFoundError if there is no
    such content, OSError if it cannot be read. `check` is called often, and ends it by raising.
    """
    # What reads Markdown, YAML and TOML is not loaded for a table of rules.
    from workflow.validator.content import hugo_project
    from workflow.validator.content import tree as content_tree
    from workflow.validator.content.links import Links

    if not content.is_dir():
        raise FileNotFoundError(f"there is no folder {content}")
    project = hugo_project.read(site_folder, content)
    tree = content_tree.read(site_folder, project, check)
    built = public if public is not None and public.is_dir() else None
    links = Links(tree, built, base_url or project.base_url)
    inside = os.path.relpath(os.path.realpath(content), os.path.realpath(site_folder))
    root = "" if inside == "." else inside.replace(os.sep, "/") + "/"
    found: list[Finding] = []
    for source in sorted(tree.sources, key=lambda one: one.path):
        if source.path.startswith(root):
            found += findings_of(source, links)
            check()
    return found


def findings_of(source: Source, links: Links) -> Iterator[Finding]:
    """What is wrong with one file."""
    yield from _of_front_matter(source)
    if not source.is_markdown or source.matter.error is not None:
        return
    yield from _of_shortcodes(source, links)
    first = source.text.count("\n", 0, source.matter.body)
    for one in source.read.references:
        place = links.leads(source, one)
        line, column = first + one.line, one.column
        if one.line == 1:  # the text may begin in the line where the front matter ends
            column += source.matter.body - (source.text.rfind("\n", 0, source.matter.body) + 1)
        code = "content-image-broken" if one.kind == "image" else "content-link-broken"
        yield from _of_place(source, links, place, code, one.url, line, column)
        if not one.has_alt:
            said = f"the picture {one.url} has no text beside it"
            yield _finding("content-alt-missing", source, said, line, column, one.url)


def _of_place(
    source: Source, links: Links, place: Place, code: str, url: str, line: int, column: int
) -> Iterator[Finding]:
    if place.kind in ("missing", "unpublished"):
        yield _finding(code, source, place.detail, line, column, url)
    elif place.kind == "found" and not links.has_fragment(place):
        where = "this page" if place.source is source else place.source and place.source.path
        said = f"nothing on {where} is named #{place.fragment}"
        yield _finding("content-fragment", source, said, line, column, url)


# -- front matter --------------------------------------------------------------------------------


def _of_front_matter(source: Source) -> Iterator[Finding]:
    matter = source.matter
    if matter.error is not None:
        yield _finding("content-front-matter", source, matter.error, matter.line, matter.column)
        return
    is_page = source.key is not None and not source.is_resource and source.name != "_index"
    title = matter.data.get("title")
    if is_page and (title is None or not str(title).strip()):
        line = matter.lines.get("title", 1)
        said = "the title is empty" if "title" in matter.data else "the page has no title"
        yield _finding("content-title-missing", source, said, line, 1)
    draft = matter.data.get("draft")
    if isinstance(draft, str) and draft.lower() not in _TRUTHS:
        said = f"draft is the word {draft!r}, which Hugo takes for false: the page is published"
        yield _finding("content-front-matter", source, said, matter.lines.get("draft", 1), 1)
    yield from _of_dates(source)


def _of_dates(source: Source) -> Iterator[Finding]:
    from workflow.validator.content.front_matter import moment

    read: dict[str, datetime] = {}
    for key, name in _DATES.items():
        value = source.matter.data.get(key)
        if value in (None, ""):
            continue
        line = source.matter.lines.get(key, 1)
        date = moment(value)
        if date is None:
            said = f"{name} is no date that Hugo can read: {_short(value)}"
            yield _finding("content-front-matter", source, said, line, 1)
        elif not _EARLIEST <= date <= datetime.now(UTC) + _LATEST:
            said = f"{name} is {date:%Y-%m-%d}, as Hugo reads {_short(value)}"
            yield _finding("content-date", source, said, line, 1)
        else:
            read[key] = date
    begins = read.get("publishdate") or read.get("date")
    expires = read.get("expirydate") or read.get("unpublishdate")
    if begins is not None and expires is not None and expires <= begins:
        line = source.matter.lines.get("expirydate") or source.matter.lines["unpublishdate"]
        said = f"the page expires on {expires:%Y-%m-%d}, before it is published ({begins:%Y-%m-%d})"
        yield _finding("content-date", source, said, line, 1)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


# -- shortcodes ----------------------------------------------------------------------------------


def _of_shortcodes(source: Source, links: Links) -> Iterator[Finding]:
    for fault in source.shortcodes.faults:
        code = "content-shortcode-unknown" if fault.is_unknown else "content-shortcode"
        yield _finding(code, source, fault.message, *_line_column(source, fault.at))
    for one in source.shortcodes.shortcodes:
        name = one.name.lower()
        if one.is_closing:
            continue
        line, column = _line_column(source, one.start)
        if _is_in_comment(source, one.start) and name not in ("ref", "relref"):
            continue
        if name in ("ref", "relref"):
            yield from _of_ref(source, links, one, line, column)
        elif name == "figure":
            yield from _of_figure(source, links, one, line, column)


def _of_ref(
    source: Source, links: Links, one: Shortcode, line: int, column: int
) -> Iterator[Finding]:
    written = one.value("path", "0")
    if written is None:
        said = f"{one.name} says no page"
        yield _finding("content-ref-broken", source, said, line, column)
        return
    place = links.ref(source, written)
    if place.kind == "found" and _is_in_comment(source, one.start):
        return  # Hugo looks for the page all the same, but nobody follows the link
    yield from _of_place(source, links, place, "content-ref-broken", written, line, column)


def _of_figure(
    source: Source, links: Links, one: Shortcode, line: int, column: int
) -> Iterator[Finding]:
    """Hugo's own figure: a picture, perhaps within a link."""
    from workflow.validator.content.markdown import Reference

    picture, link = one.value("src"), one.value("link")
    if picture:
        place = links.file(source, picture)
        yield from _of_place(source, links, place, "content-image-broken", picture, line, column)
        if not (one.value("alt") or one.value("caption")):
            said = f"the picture {picture} has neither alt nor caption"
            yield _finding("content-alt-missing", source, said, line, column, picture)
    if link:
        place = links.leads(source, Reference("link", link, line, column))
        yield from _of_place(source, links, place, "content-link-broken", link, line, column)


def _is_in_comment(source: Source, at: int) -> bool:
    text = source.shortcodes.text
    return text.rfind("<!--", 0, at) > text.rfind("-->", 0, at)


# -- telling -------------------------------------------------------------------------------------


def _line_column(source: Source, at: int) -> tuple[int, int]:
    whole = source.matter.body + at
    return source.text.count("\n", 0, whole) + 1, whole - source.text.rfind("\n", 0, whole)


def _finding(
    code: str, source: Source, message: str, line: int, column: int, url: str | None = None
) -> Finding:
    return Finding(
        code,
        source.path,
        message,
        url=url,
        line=line,
        column=column,
        excerpt=_excerpt(source.text, line, column),
        source=f"{source.path}:{line}",
    )


def _excerpt(text: str, line: int, column: int) -> str | None:
    lines = text.split("\n")
    if line > len(lines):
        return None
    whole = lines[line - 1]
    start = max(0, min(column - 1 - _LONGEST // 3, len(whole) - _LONGEST))
    return whole[start : start + _LONGEST].strip() or None

"""Hugo's shortcodes in a text: where they are, and whether each is closed.

Hugo looks for them before it looks for Markdown, so they work in code blocks and comments too, and
one that is unknown there stops the build. `{{</* name */>}}` is how one is only shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

_START = re.compile(r"\{\{([<%])")
_QUOTED = r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|\\["`]'
_WHOLE = {
    sign: re.compile(
        rf"\{{\{{{sign}\s*(?P<closing>/?)\s*(?P<name>[^\W][\w\-/.]*|)"
        rf"(?P<given>(?:{_QUOTED}|(?!\{{\{{)[^\"`])*?)(?P<closed>/?)\s*{end}\}}\}}"
    )
    for sign, end in (("<", ">"), ("%", "%"))
}
_COMMENT = {
    "<": re.compile(r"\{\{</\*.*?\*/>\}\}", re.DOTALL),
    "%": re.compile(r"\{\{%/\*.*?\*/%\}\}", re.DOTALL),
}
_PARAMETER = re.compile(
    r"(?:(?P<name>[\w\-.]+)\s*=\s*)?(?:\"(?P<quoted>(?:[^\"\\\n]|\\.)*)\"|`(?P<raw>[^`]*)`"
    r"|(?P<bare>[^\s\"`=]+))"
)
_INNER = re.compile(r"\.Inner(?:Deindent)?\b")
_TEMPLATE_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_RENDERS_MARKDOWN = re.compile(r"markdownify|RenderString|\bpartial\b|safeHTML|RenderShortcodes")
STAND_IN = "\ue000"
"""Stands in the text for each character of a shortcode."""

EMBEDDED: Mapping[str, str] = {
    "comment": ".Inner", "details": ".Inner | markdownify", "figure": "", "gist": "",
    "highlight": ".Inner", "instagram": "", "param": "", "qr": ".Inner", "ref": "", "relref": "",
    "vimeo": "", "x": "", "youtube": "",
    # Gone in newer versions, which say so themselves.
    "twitter": "", "tweet": "", "twitter_simple": "", "instagram_simple": "", "vimeo_simple": "",
    "x_simple": "",
}  # fmt: skip
"""Hugo's own, with what matters of their templates."""


class Shortcode(NamedTuple):
    """One `{{< name … >}}`."""

    name: str
    start: int
    end: int
    """In characters of the text, as `start`."""
    is_closing: bool
    is_closed: bool
    """`{{< name />}}`"""
    is_markdown: bool
    """`{{% name %}}`"""
    values: tuple[tuple[str, str], ...]
    """(name, value) of each parameter; of one without a name, its number from 0."""

    def value(self, *names: str) -> str | None:
        """The parameter of the first of these names that is given."""
        given = dict(self.values)
        return next((given[name] for name in names if name in given), None)


class Fault(NamedTuple):
    """What Hugo refuses."""

    at: int
    message: str
    is_unknown: bool = False


class Read(NamedTuple):
    """A text and its shortcodes."""

    shortcodes: tuple[Shortcode, ...]
    faults: tuple[Fault, ...]
    text: str
    """The text, as long as before, with a sign that means nothing in place of shortcodes and of
    what they hold that is no Markdown."""


def read(text: str, templates: Mapping[str, str], *, are_all_known: bool) -> Read:
    """All shortcodes of a text.

    `templates`: source by name in small letters. `are_all_known`: there are no others.
    """
    if "{{<" not in text and "{{%" not in text:
        return Read((), (), text)
    faults: list[Fault] = []
    found = list(_found(text, faults.append))
    blanked: list[tuple[int, int]] = [(one.start, one.end) for one in found if one.name]
    real = [one for one in found if one.name and not one.name.startswith("/*")]
    faults += _pairs(real, templates, are_all_known, blanked)
    return Read(tuple(real), tuple(sorted(faults)), _blanked(text, blanked) if blanked else text)


def _found(text: str, refuse: Callable[[Fault], None]) -> Iterator[Shortcode]:
    at = 0
    while (start := _START.search(text, at)) is not None:
        sign, begin = start[1], start.start()
        if text.startswith("/*", begin + 3):
            comment = _COMMENT[sign].match(text, begin)
            if comment is None:
                refuse(Fault(begin, "a shortcode that is only to be shown is not ended by */"))
                return
            at = comment.end()
            yield Shortcode("/*", begin, at, False, False, False, ())
            continue
        whole = _WHOLE[sign].match(text, begin)
        if whole is None:
            end = ">}}" if sign == "<" else "%}}"
            said = f"a shortcode begins that nothing ends: no {end}, or a quote that is not closed"
            refuse(Fault(begin, said))
            return
        at = whole.end()
        if not whole["name"]:
            refuse(Fault(begin, "a shortcode has no name"))
            continue
        yield Shortcode(
            whole["name"], begin, at, bool(whole["closing"]), bool(whole["closed"]), sign == "%",
            tuple(_values(whole["given"])),
        )  # fmt: skip


def _values(given: str) -> Iterator[tuple[str, str]]:
    for number, one in enumerate(_PARAMETER.finditer(given)):
        value = one["quoted"] if one["quoted"] is not None else (one["raw"] or one["bare"] or "")
        yield one["name"] or str(number), value.replace('\\"', '"')


def _pairs(
    found: list[Shortcode],
    templates: Mapping[str, str],
    are_all_known: bool,
    blanked: list[tuple[int, int]],
) -> Iterator[Fault]:
    """What is unknown, not closed, or closed without need; what holds no Markdown is blanked."""
    opened: list[Shortcode] = []
    for one in found:
        name = one.name.lower()
        template = templates.get(name)
        is_inline = name.endswith(".inline")
        if template is None and not is_inline and are_all_known and not one.is_closing:
            said = f"there is no shortcode {one.name}"
            said += ": a blank is missing before the slash" if name.endswith("/") else ""
            yield Fault(one.start, said, True)
            continue
        if one.is_closing:
            yield from _closed(one, opened, templates, are_all_known, blanked)
        elif not one.is_closed and (is_inline or template is None or _holds(name, template)):
            opened.append(one)
    for one in opened:
        if _must_be_closed(one, templates):
            yield Fault(one.start, f"the shortcode {one.name} is opened here and never closed")


def _closed(
    one: Shortcode,
    opened: list[Shortcode],
    templates: Mapping[str, str],
    are_all_known: bool,
    blanked: list[tuple[int, int]],
) -> Iterator[Fault]:
    inside: list[Shortcode] = []
    while opened and opened[-1].name != one.name:
        inside.append(opened.pop())
    if opened:
        start = opened.pop()
        for other in reversed(inside):
            if _must_be_closed(other, templates):
                yield Fault(
                    other.start,
                    f"the shortcode {other.name} is opened here and not closed within {one.name}",
                )
        if not start.is_markdown and not _is_markdown_inside(start.name.lower(), templates):
            blanked.append((start.end, one.start))
        return
    opened += reversed(inside)
    template = templates.get(one.name.lower())
    if template is not None and not _holds(one.name.lower(), template):
        yield Fault(one.start, f"the shortcode {one.name} holds no text and cannot be closed")
    elif template is not None or not are_all_known:
        yield Fault(one.start, f"the shortcode {one.name} is closed here and was not opened")


def _holds(name: str, template: str) -> bool:
    """Whether a template uses what stands between opening and closing."""
    return _INNER.search(_TEMPLATE_COMMENT.sub("", template)) is not None


def _must_be_closed(one: Shortcode, templates: Mapping[str, str]) -> bool:
    name = one.name.lower()
    template = templates.get(name)
    return name.endswith(".inline") or (template is not None and _holds(name, template))


def _is_markdown_inside(name: str, templates: Mapping[str, str]) -> bool:
    template = templates.get(name)
    return template is None or _RENDERS_MARKDOWN.search(template) is not None


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    parts = []
    at = 0
    for start, end in sorted(spans):
        if end <= at:
            continue
        parts.append(text[at : max(at, start)])
        parts.append(
            "\n".join(STAND_IN * len(line) for line in text[max(at, start) : end].split("\n"))
        )
        at = end
    return "".join(parts) + text[at:]

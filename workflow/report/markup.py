"""HTML by elements: whatever is no `Markup` is text and is escaped, wherever it is put.

So nothing that a task says can become markup: there is no way to write a text unescaped but to
call it Markup, and only this package's own words are.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import TypeAlias
from urllib.parse import urlsplit

from workflow.report.inert import visible

Child: TypeAlias = "str | int | float | Iterable[Child] | None"

_VOID = frozenset({"meta", "link"})
_DRAWN = frozenset({"circle", "rect", "path", "line"})
"""Elements of SVG, which have no content here and say so."""
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def escaped(text: str) -> Markup:
    """`text` for an element's content or a quoted attribute."""
    return Markup(html.escape(visible(_CONTROLS.sub("�", text)), quote=True))


def join(*children: Child) -> Markup:
    """Children one after another; None is nothing."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Markup):
            parts.append(child)
        elif isinstance(child, str):
            parts.append(escaped(child))
        elif isinstance(child, (int, float)):
            parts.append(escaped(str(child)))
        else:
            parts.append(join(*child))
    return Markup("".join(parts))


def el(name: str, /, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """An element. `class_` is `class`, `_` in names is `-`; None and False leave one away."""
    said = "".join(
        f" {key.rstrip('_').replace('_', '-')}"
        + ("" if value is True else f'="{escaped(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Markup(f"<{name}{said}>")
    if name in _DRAWN:
        return Markup(f"<{name}{said}/>")
    return Markup(f"<{name}{said}>{join(*children)}</{name}>")


def address(url: str | None, **attributes: str) -> Markup | None:
    """A link to a page in the web, shown by its address; plain text for what is none."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return escaped(url)
    if (
        url != url.strip()
        or parts.scheme not in ("http", "https")
        or not parts.netloc
        or "@" in parts.netloc
    ):
        return escaped(url)
    shown = url.split("://", 1)[1].rstrip("/")
    return el("a", shown, href=url, rel="noreferrer noopener", **attributes)

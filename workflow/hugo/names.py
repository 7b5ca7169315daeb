"""What a Hugo site has that a wrong name may have meant: read from its folders when asked."""

from __future__ import annotations

import os
from collections.abc import Iterator

from workflow.errors import nearest

_BUILT_IN_SHORTCODES = (
    "details", "figure", "gist", "highlight", "instagram", "param", "qr", "ref", "relref", "tweet",
    "vimeo", "x", "youtube",
)  # fmt: skip
_MOST = 20_000
"""Files looked at in one folder: a hint is not worth more."""


def like(kind: str, name: str, site: str) -> str | None:
    """The existing thing that `name` most likely meant, by the whole name or by its last part.

    `kind`: shortcode, partial, template, page or theme; `site`: the site's folder.
    """
    known: dict[str, str] = {}
    for there in _names(kind, site):
        known.setdefault(there.strip("/"), there)
        stem = os.path.splitext(there)[0]
        known.setdefault(stem.strip("/"), there)
        if os.path.basename(stem) in ("index", "_index"):
            stem = os.path.dirname(stem)
        known.setdefault(os.path.basename(stem), there)
    words = [word for word in known if word]
    asked = name.split("#")[0].strip("/")
    last = os.path.splitext(os.path.basename(asked))[0]
    found = nearest(asked, words) or nearest(last, words)
    return known[found[0]] if found else None


def template_file(name: str, site: str) -> str | None:
    """Where a template lies whose name Hugo gives without its folder; None unless it is certain."""
    layouts = os.path.join(site, "layouts")
    ending = "/" + name.removeprefix("_partials/").removeprefix("_shortcodes/")
    found = [path for path in _files(layouts) if f"/{path}".endswith(ending)]
    return os.path.join(layouts, found[0]) if len(found) == 1 else None


def _names(kind: str, site: str) -> Iterator[str]:
    """What the site and its themes have of a kind: shortcode, partial, template, page or theme."""
    if kind == "theme":
        yield from _listed(os.path.join(site, "themes"))
        return
    if kind == "page":
        for path in _files(os.path.join(site, "content")):
            yield "/" + path
        return
    if kind == "shortcode":
        yield from _BUILT_IN_SHORTCODES
    below = {"shortcode": ("shortcodes", "_shortcodes"), "partial": ("partials", "_partials")}
    themes = os.path.join(site, "themes")
    for home in [site, *(os.path.join(themes, theme) for theme in _listed(themes))]:
        for folder in below.get(kind, ("",)):
            for path in _files(os.path.join(home, "layouts", folder)):
                yield os.path.splitext(path)[0] if kind == "shortcode" else path


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _files(folder: str) -> Iterator[str]:
    count = 0
    for path, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield os.path.relpath(os.path.join(path, name), folder)
            count += 1
            if count >= _MOST:
                return

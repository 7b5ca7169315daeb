"""What is wrong with one reference, if anything: at most one thing, the worst."""

from __future__ import annotations

import re
from typing import NamedTuple

from workflow.validator.facts import Ref
from workflow.validator.links import urls
from workflow.validator.links.resolving import Resolver, Verdict

BROKEN = {
    "link": "link-broken",
    "image": "image-broken",
    "srcset": "srcset-broken",
    "media": "media-broken",
    "frame": "frame-broken",
    "script": "script-broken",
    "style": "style-broken",
    "css": "css-broken",
    "preload": "preload-broken",
    "icon": "icon-broken",
    "manifest": "manifest-broken",
    "use": "use-broken",
    "form": "form-action-broken",
    "refresh": "refresh-broken",
    "canonical": "canonical-broken",
    "alternate": "hreflang-broken",
    "feed": "link-broken",
    "rel": "link-broken",
    "cite": "cite-broken",
    "og": "og-broken",
    "jsonld": "jsonld-broken",
}
"""The rule of each kind of reference for what is not there."""

_PAGES = frozenset(("link", "frame", "form", "refresh", "rel", "feed", "canonical", "alternate"))
"""Kinds that lead to pages, which may be folders."""
_FOLLOWED = frozenset(("link", "frame", "refresh"))
"""Kinds that take a visitor somewhere: through aliases, and to a fragment."""
_WAYS = frozenset(("link", "frame", "form", "rel"))
"""Kinds by which visitors and crawlers come to a page."""
_SAID = frozenset(("canonical", "alternate", "cite", "og", "jsonld"))
"""Kinds that nobody follows or loads, but programs read."""
_LOADED = frozenset(BROKEN) - _SAID - {"link", "refresh", "rel", "feed"}
"""Kinds that browsers hold back on a page that came by https, if they are not to come by it."""
_NO_PAGES = {
    "image": "image",
    "srcset": "image",
    "icon": "icon",
    "script": "script",
    "style": "style sheet",
}
"""What is meant where no page can be, by the kind of the reference."""
EMPTY_PARAMETER = "An empty parameter becomes the home page by absURL: ask for it (`with`) before."
_LOCAL_SCHEME = re.compile(r"(?:file|localhost|[a-z]):", re.IGNORECASE)
_ODD = re.compile(r"\\|%2f|%5c|%(?![0-9a-f]{2})|^(?:\w+:)?//[^/]*@", re.IGNORECASE)
_RARE = re.compile(r"[\\%@+]|^http:", re.IGNORECASE)
_HTTP = re.compile(r"http:", re.IGNORECASE)
_ODD_OUTSIDE = re.compile(r"\\|^(?:\w+:)?//[^/]*@")
_ODD_NAMES = {
    "\\": "a backslash, which only browsers take for a slash",
    "%2f": "%2F, which some servers take for a slash and some do not",
    "%5c": "%5C, a backslash, which some servers take for a slash",
    "%": "a % without two hexadecimal digits, which is written %25",
}
_SHOWN = 100
"""Characters of a reference in a message."""


class Problem(NamedTuple):
    """What a finding says of a reference, wherever it stands."""

    code: str
    message: str
    hint: str | None = None


class Judged(NamedTuple):
    """A reference that was looked at."""

    problem: Problem | None
    target: str | None
    """The file of this site that it takes a visitor to."""


FINE = Judged(None, None)


def judge(resolver: Resolver, page: str, base: str | None, ref: Ref, scheme: str | None) -> Judged:
    """Look at a reference on `page`, whose `base` element says `base`; `scheme` is that of the
    site's base URL, None if it is not known."""
    verdict = resolver.resolve(page, base, ref.url)
    problem = _problem(resolver, page, base, ref, verdict, scheme)
    target = verdict.path if ref.kind in _WAYS else None
    return FINE if problem is None and target is None else Judged(problem, target)


def _problem(
    resolver: Resolver, page: str, base: str | None, ref: Ref, verdict: Verdict, scheme: str | None
) -> Problem | None:
    match verdict.kind:
        case "found":
            return (
                _a_page(resolver, ref, verdict)
                or _beyond(resolver, page, base, ref, verdict)
                or _spelled(ref, scheme, True)
            )
        case "external":
            return _local(ref, verdict) or _spelled(ref, scheme, False)
        case "skipped":
            if _LOCAL_SCHEME.match(ref.url):
                return Problem("link-localhost", f"{_shown(ref.url)} is there on one machine only")
            return None
        case "folder" if ref.kind in _PAGES:
            worse = _beyond(resolver, page, base, ref, verdict)
            if worse is not None and worse.code != "link-redirect":
                return worse
            return Problem("link-folder", verdict.detail)
        case "folder" if ref.kind in _SAID:
            return None
        case "no-index" if ref.kind in _PAGES and ref.kind not in _SAID:
            return Problem("link-no-index", verdict.detail)
        case "case":
            return Problem("link-case", verdict.detail)
        case "outside":
            return Problem("link-outside", verdict.detail)
        case "invalid" if ref.kind not in _SAID:
            is_mail = urls.scheme_of(urls.clean(ref.url)) == "mailto"
            code = "mail-invalid" if is_mail else "link-invalid"
            return Problem(code, f"{_shown(ref.url)} leads nowhere: {verdict.detail}")
        case "invalid":
            message = f"{_shown(ref.url)} is no address: {verdict.detail}"
            return Problem(BROKEN[ref.kind], message)
    return Problem(BROKEN[ref.kind], verdict.detail)


def _a_page(resolver: Resolver, ref: Ref, verdict: Verdict) -> Problem | None:
    """Where a picture, a script or a style sheet should be, and a page is."""
    path = verdict.path
    wanted = _NO_PAGES.get(ref.kind)
    if wanted is None or path is None or not path.endswith((".html", ".htm")):
        return None
    if ref.url.startswith("#"):  # a part of the page's own drawing
        return None
    hint = EMPTY_PARAMETER if resolver.shown(path) == resolver.root else None
    return Problem(BROKEN[ref.kind], f"{resolver.shown(path)} is a page, and no {wanted}", hint)


def _beyond(
    resolver: Resolver, page: str, base: str | None, ref: Ref, verdict: Verdict
) -> Problem | None:
    """What is wrong behind a file that is there: an alias, or a fragment that nothing has."""
    path = verdict.path
    is_followed = ref.kind in _FOLLOWED
    if path is None or not (is_followed or ref.kind == "use"):
        return None
    final = resolver.leads_to(path) if is_followed else None
    if final is not None:
        name = resolver.shown(path)
        if final.kind in ("external", "skipped"):
            return None
        if final.kind not in ("found", "folder") or final.path is None:
            return Problem(BROKEN[ref.kind], f"{name} leads on to nothing: {final.detail}")
        if not resolver.has_fragment(final.path, verdict.fragment or ""):
            path = final.path
        else:
            message = f"{name} only leads on to {resolver.shown(final.path)}"
            return Problem("link-redirect", message)
    fragment = verdict.fragment
    if not fragment or resolver.has_fragment(path, fragment):
        return None
    # The answer to a whole address is told on other pages too.
    is_own = base is None and path == page and ref.url.startswith("#")
    where = "this page" if is_own else resolver.shown(path)
    message = f"nothing in {where} has the id {_shown(urls.decoded(fragment))}"
    near = resolver.near_fragment(path, fragment)
    if near is not None:
        message += f"; is {near} meant?"
    hint = None
    if base is not None and ref.url.startswith("#"):
        hint = f"The base element turns it into {base}{ref.url}; write the page's own address too."
    return Problem("use-broken" if ref.kind == "use" else "link-fragment", message, hint)


def _local(ref: Ref, verdict: Verdict) -> Problem | None:
    host = (verdict.address or "//").split("/", 3)[2]
    if not host or not urls.is_local(host.partition("?")[0]):
        return None
    message = f"{host} is not there for visitors"
    if ref.url[:1] in ("/", "\\") and not {".", ":"}.intersection(host):
        message = f"// makes {host} the name of a host; is /{ref.url.lstrip('/' + chr(92))} meant?"
    return Problem("link-localhost", message)


def _spelled(ref: Ref, scheme: str | None, is_local: bool) -> Problem | None:
    """What is wrong with how a reference is written that leads to where it should."""
    url = ref.url
    if _RARE.search(url) is None:
        return None
    if _HTTP.match(url) and scheme != "http":
        if ref.kind == "link":
            return Problem("link-insecure", f"{_shown(url)} is read by http")
        if scheme and ref.kind in _LOADED:
            return Problem("mixed-content", f"{_shown(url)} is to come by http to a page by https")
    path = url.partition("#")[0].partition("?")[0]
    found = (_ODD if is_local else _ODD_OUTSIDE).search(path)
    if found is not None:
        what = _ODD_NAMES.get(found[0].lower(), "a user's name, which browsers warn of")
        return Problem("link-untidy", f"{_shown(url)} holds {what}")
    if is_local and "+" in path:
        return Problem("link-plus", f"S3 reads the + in {_shown(url)} as a blank")
    return None


def _shown(url: str) -> str:
    return url if len(url) <= _SHOWN else url[: _SHOWN - 1] + "…"

"""Which addresses embed a JotForm form, and which form."""

from __future__ import annotations

import re

# Whoever pays has a host of his own (acme.jotform.com); forms in the EU and under HIPAA have theirs.
_ADDRESS = re.compile(
    r"(?:https?:)?//(?:[\w-]+\.)*jotform(?:eu)?\.(?:com|me|co|us|ca|net)(?::\d+)?(?=[/?#]|$)([^?#]*)",
    re.IGNORECASE | re.ASCII,
)
# Pages about forms, and files that embedding needs, on the hosts that serve forms too.
_HOUSE = re.compile(
    r"/(?:$|blog|help|pricing|templates|form-templates|pdf-templates|features|products|signup|login"
    r"|about|contact|enterprise|terms|privacy|security|hipaa|gdpr|integrations|apps|myforms"
    r"|answers|developers|tables|sign|ai|mobile|static|js|css|images|s|uploads|widgets|resources)"
    r"(?:/|$)",
    re.IGNORECASE,
)
_FORM = re.compile(r"/(?:jsform/|form/|submit/)?(\d{6,20})/?", re.ASCII)
_JSFORM = re.compile(r"/jsform(?:/|$)", re.IGNORECASE)
_FRAME_ID = re.compile(r"JotFormIFrame-(.*)", re.DOTALL)

KINDS = {"script": "script", "iframe": "iframe", "a": "link", "area": "link"}


def embedded(element: str, url: str, element_id: str | None = None) -> tuple[str, str] | None:
    """(kind, id of the form) if the element embeds a form or links to one, see `Page.forms`; (kind,
    address) if it means to and names none rightly; None if it has nothing to do with forms.

    An iframe's own id (`JotFormIFrame-ID`) stands in for an address that a script will set, and
    must agree with one that is there.
    """
    kind = KINDS.get(element, "other")
    framed = _FRAME_ID.fullmatch(element_id or "") if kind == "iframe" else None
    address = _ADDRESS.match(url)
    if not address:
        return (kind, framed[1]) if framed and not url else None
    path = address[1]
    form = _FORM.fullmatch(path)
    if form:
        return (kind, url if framed and framed[1] != form[1] else form[1])
    is_meant = _JSFORM.match(path) if kind == "script" else not _HOUSE.match(path or "/")
    return (kind, url) if is_meant or framed else None

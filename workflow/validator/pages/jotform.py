"""Which addresses embed a JotForm form, and which form."""

from __future__ import annotations

import re

KINDS = {"script": "script", "iframe": "iframe", "a": "link", "area": "link"}

# Customers may have hosts of their own (acme.jotform.com) besides those of the EU and for HIPAA.
_ADDRESS = re.compile(
    r"(?:https?:)?//(?P<host>(?:[\w-]+\.)*)jotform(?:eu)?\.(?:com|me|co|us|ca|net)(?::\d+)?"
    r"(?=[/?#]|$)(?P<path>[^?#]*)",
    re.IGNORECASE | re.ASCII,
)
_FORM = re.compile(r"/(?:jsform/|form/|submit/)?(\d{6,20})(?:/prefill/[\w-]+)?/?", re.ASCII)
_CUSTOM = re.compile(r"/(?!jsform/|form/|submit/)[\w.-]+/[\w.-]+/?")
"""An address that its owner chose: `/acme/contact`. It names a form, but not its id."""
_FORM_HOST = re.compile(r"(?:form|submit|eu|hipaa)\.", re.IGNORECASE)
_FRAME_ID = re.compile(r"JotFormIFrame-(.*)", re.DOTALL)


def embedded(element: str, url: str, element_id: str = "") -> tuple[str, str] | None:
    """(kind, id of the form) if the element embeds a form or links to one, see `Page.forms`; (kind,
    address) if it means to and names none; None if it has nothing to do with a form.

    An iframe's own id (`JotFormIFrame-ID`) stands in for an address that a script will set, and
    must agree with one that is there.
    """
    kind = KINDS.get(element, "other")
    framed = _FRAME_ID.fullmatch(element_id)
    if framed and not url:
        return kind, framed[1]
    address = _ADDRESS.match(url)
    if not address:
        return None
    host, path = address["host"], address["path"]
    form = _FORM.fullmatch(path)
    if form:
        agree = framed is None or framed[1] == form[1]
        return kind, form[1] if agree else url
    if kind == "script":
        is_meant = path.lower().startswith("/jsform")
    elif kind == "iframe":
        is_meant = not _CUSTOM.fullmatch(path)
    else:
        is_form_host = _FORM_HOST.match(host) is not None
        is_meant = is_form_host and path not in ("", "/") and not _CUSTOM.fullmatch(path)
    return (kind, url) if is_meant else None

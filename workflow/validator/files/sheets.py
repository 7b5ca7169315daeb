"""What a style sheet, a style element or a style attribute loads, by CSS Syntax Level 3.

Only what matters for addresses is told apart: comments, strings, escapes, `url()`, `@import`, and
the functions that take an address as a string. All the rest is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from workflow.validator.facts import Ref, Sheet

_BLANKS = r"[ \t\n\r\f]*+"
_INSIDE = r"(?:[^{0}\\\n\r\f]|\\(?:\r\n|.))*+"
_QUOTED = "|".join(rf"{quote}{_INSIDE.format(quote)}(?:{quote}|\Z)" for quote in "\"'")
# The end of a line ends a string that is not closed, too; it is a fault then, and no address.
_STRING = "|".join(rf"{quote}{_INSIDE.format(quote)}{quote}?" for quote in "\"'")
_COMMENT = r"/\*.*?(?:\*/|\Z)"
_BETWEEN = rf"(?:[ \t\n\r\f]|{_COMMENT})*+"
_HEX = r"[0-9a-f]{1,6}(?:\r\n|[ \t\n\r\f])?"
# A quoted address may have modifiers behind it. One without quotes that holds a blank, a quote or
# an open parenthesis is no address, and all of it up to the next closing one is passed over.
_URL = (
    rf"(?:url|src)\({_BLANKS}(?:(?P<quoted>{_QUOTED})"
    rf"|(?P<bare>(?:[^\s\"'()\\]|\\(?:{_HEX}|[^\n\r\f]))++){_BLANKS}(?:\)|\Z)"
    r"|(?![\"'])(?:[^)\\]|\\.)*+\)?)"
)
_TOKEN = re.compile(
    rf"{_COMMENT}|\\.|{_STRING}|(?<![\w-])(?:{_URL}|(?P<images>(?:(?:-webkit-)?image-set|image)\())"
    r"|@(?P<at>import|namespace|(?:-moz-)?document)(?![\w-])",
    re.IGNORECASE | re.DOTALL,
)
_IMPORTED = re.compile(rf"{_BETWEEN}(?:{_URL}|(?P<string>{_QUOTED}))", re.IGNORECASE | re.DOTALL)
# They name a namespace, or the pages for which something holds, and load nothing.
_NAMESPACE = re.compile(rf"(?:{_COMMENT}|{_STRING}|[^;])*+", re.DOTALL)
_DOCUMENT = re.compile(rf"(?:{_COMMENT}|{_STRING}|[^{{])*+", re.DOTALL)
_IN_IMAGES = re.compile(
    rf"{_COMMENT}|\\.|(?P<string>{_STRING})|(?<![\w-]){_URL}|(?P<open>\()|(?P<close>\))",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPE = re.compile(rf"\\(?:({_HEX})|(\r\n|.)|\Z)", re.IGNORECASE | re.DOTALL)
_HINTS = ("url(", "import", "image-set(", "image(", "src(")
_CHARSET = re.compile(rb'@charset "([^"]{1,40})";')
_AROUND = "".join(map(chr, range(33)))
_LINE_ENDS = str.maketrans("", "", "\t\n\r")


def sheet(raw: bytes) -> Sheet:
    """The facts of a style sheet. A fragment alone names no file there, and is left out."""
    refs = css_refs(_decoded(raw), "css", "text")
    return Sheet(tuple(ref for ref in refs if not ref.url.startswith("#")))


def css_refs(text: str, element: str, attribute: str) -> list[Ref]:
    """What this CSS loads: kind `css`, or `style` for what it imports; each once, in order.

    Addresses that hold their data (`data:`), or nothing, lead nowhere and are left out.
    """
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS):
        return []
    found = {}
    for kind, value in _loaded(text):
        url = _unescaped(value).strip(_AROUND).translate(_LINE_ENDS)
        # Microsoft's own: behaviours that are built into a browser of theirs.
        if url and not url.lower().startswith(("data:", "#default#")):
            found[Ref(kind, url, element, attribute)] = True
    return list(found)


def _loaded(text: str) -> Iterator[tuple[str, str]]:
    """(kind, address as written) of everything that is loaded."""
    at = 0
    while token := _TOKEN.search(text, at):
        at = token.end()
        url = _address(token)
        if url is not None:
            yield "css", url
        elif rule := token["at"]:
            if rule.lower() == "import":
                named = _IMPORTED.match(text, at)
                if named:
                    at = named.end()
                    url = named["string"] and _inner(named["string"])
                    url = _address(named) if url is None else url
                    if url is not None:
                        yield "style", url
            else:
                skipped = (_NAMESPACE if rule.lower() == "namespace" else _DOCUMENT).match(text, at)
                at = skipped.end() if skipped else at
        elif token["images"]:
            inside, at = _images(text, at)
            for url in inside:
                yield "css", url


def _images(text: str, at: int) -> tuple[list[str], int]:
    """The addresses in an image-set() or image() whose parenthesis ends at `at`, and its end.

    Strings in functions within it are no addresses: `type("image/avif")`.
    """
    found = []
    depth = 1
    while depth and (token := _IN_IMAGES.search(text, at)):
        at = token.end()
        url = _address(token)
        if url is not None:
            found.append(url)
        elif token["string"] and depth == 1:
            found.append(_inner(token["string"]))
        # An address in quotes leaves its parenthesis open, for modifiers.
        depth += bool(token["open"] or token["quoted"]) - bool(token["close"])
    return found, at


def _address(token: re.Match[str]) -> str | None:
    quoted: str | None = token["quoted"]
    bare: str | None = token["bare"]
    return bare if quoted is None else _inner(quoted)


def _inner(quoted: str) -> str:
    return quoted[1:-1] if len(quoted) > 1 and quoted[-1] == quoted[0] else quoted[1:]


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(_character, value) if "\\" in value else value


def _character(escape: re.Match[str]) -> str:
    digits, other = escape.groups()
    if digits:
        number = int(digits.strip(), 16)
        is_none = number == 0 or number > 0x10FFFF or 0xD800 <= number <= 0xDFFF
        return "\N{REPLACEMENT CHARACTER}" if is_none else chr(number)
    # A line that is continued.
    return "" if other is None or other[0] in "\n\r\f" else str(other)


def _decoded(raw: bytes) -> str:
    """The text, by its byte order mark, its @charset, or else as UTF-8."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    declared = _CHARSET.match(raw)
    if declared:
        try:
            return raw.decode(declared[1].decode("ascii", "replace"), "replace")
        except LookupError:
            pass
    return raw.decode("utf-8", "replace")

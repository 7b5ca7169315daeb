"""A reference against a page's address, by the rules of browsers (URL standard).

Where the standard is so forgiving that nobody can have meant the outcome (`http:/x`, `https:///x`),
the reference is called invalid instead: it is a slip of the pen.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_to_bytes

WEB = ("http", "https")
PORTS = {"http": "80", "https": "443"}

_AROUND = "".join(map(chr, range(0x21)))
_LINE_ENDS = str.maketrans("", "", "\t\n\r")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_AUTHORITY = re.compile(r"[^/\\?#]*")
_SLASHES = re.compile(r"[/\\]*")
_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
_NO_HOST = re.compile(r"[\x00-\x20\x7f#/:<>?@\[\\\]^|%]")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
# What browsers send as it is; `%` too, for what is encoded already.
_SENT = "/%:@!$&'()*+,;=|[]~?"
_TO_ENCODE = re.compile(rf"[^\w.\-{re.escape(_SENT)}]", re.ASCII)
_NO_TEXT = re.compile(r"[\ud800-\udfff]")
_LOCAL = re.compile(
    r"[^.\[]+|.*\.(?:localhost|local)|(?:127|10)\..*|192\.168\..*|169\.254\..*"
    r"|172\.(?:1[6-9]|2\d|3[01])\..*|0\.0\.0\.0|\[(?:::1?|f[cd][^\]]*|fe80[^\]]*"
    r"|::ffff:(?:7f|a)[0-9a-f]{2}:[^\]]*)\]"
)


class InvalidAddress(ValueError):
    """The reference is no address; the text says why, for people."""


class Address(NamedTuple):
    """An absolute address, taken apart."""

    scheme: str
    """In small letters."""
    host: str
    """As it is asked for: ASCII, small letters, with the port unless it is the scheme's own. Empty
    for addresses without one (`mailto:`)."""
    path: str
    """Still percent-encoded as written. Of the web: begins with `/`, holds no dot segments. Of
    other schemes: all that stands before `?` and `#`."""
    query: str | None
    fragment: str | None
    """Raw, without its `#`."""


def clean(url: str) -> str:
    """The reference without what browsers drop: blanks around it, tabs and line ends in it."""
    return url.strip(_AROUND).translate(_LINE_ENDS)


def scheme_of(url: str) -> str | None:
    """The scheme that the reference names, in small letters; None if it is relative."""
    found = _SCHEME.match(url)
    return found[1].lower() if found else None


def parse(url: str, base: Address | None = None) -> Address:
    """The address that a reference leads to on a page at `base`, an address of the web.

    Raises InvalidAddress, also for a relative reference without a base.
    """
    url = clean(url)
    scheme = scheme_of(url)
    if scheme is None:
        if base is None:
            raise InvalidAddress("it is relative, to nothing")
        return _relative(url, base)
    rest = url[len(scheme) + 1 :]
    if scheme in WEB:
        slashes = len(_SLASHES.match(rest)[0])  # type: ignore[index]
        if slashes != 2:
            count = "fewer" if slashes < 2 else "more"
            raise InvalidAddress(f"after {scheme}: stand {count} than two slashes")
        return _with_host(scheme, rest[2:])
    rest, fragment = _cut(rest, "#")
    path, query = _cut(rest, "?")
    return Address(scheme, "", path, query, fragment)


def _relative(url: str, base: Address) -> Address:
    rest, fragment = _cut(url, "#")
    path, query = _cut(rest, "?")
    if "\\" in path:
        path = path.replace("\\", "/")
    if path.startswith("//"):
        return _with_host(base.scheme, url[2:])
    if not path:
        query = base.query if query is None else query
        return Address(base.scheme, base.host, base.path, query, fragment)
    if not path.startswith("/"):
        path = base.path[: base.path.rindex("/") + 1] + path
    return Address(base.scheme, base.host, without_dots(path), query, fragment)


def _with_host(scheme: str, rest: str) -> Address:
    authority = _AUTHORITY.match(rest)[0]  # type: ignore[index]
    rest, fragment = _cut(rest[len(authority) :], "#")
    path, query = _cut(rest, "?")
    host, port = _host_and_port(authority.rpartition("@")[2])
    if port is not None and port != PORTS[scheme]:
        host = f"{host}:{port}"
    return Address(scheme, host, without_dots(path.replace("\\", "/") or "/"), query, fragment)


def _cut(text: str, mark: str) -> tuple[str, str | None]:
    before, found, after = text.partition(mark)
    return before, after if found else None


def without_dots(path: str) -> str:
    """The path with `.` and `..` followed, also where they are percent-encoded; nothing leads above
    the root."""
    if _DOTS.search(path) is None:
        return path
    kept: list[str] = []
    parts = path[1:].split("/")
    for at, part in enumerate(parts):
        plain = part.lower().replace("%2e", ".")
        if plain in (".", ".."):
            if plain == ".." and kept:
                kept.pop()
            if at == len(parts) - 1:
                kept.append("")
        else:
            kept.append(part)
    return "/" + "/".join(kept)


def _host_and_port(text: str) -> tuple[str, str | None]:
    if text.startswith("["):
        inner, closed, after = text[1:].partition("]")
        if not closed or (after and not after.startswith(":")):
            raise InvalidAddress(f"{text} is no host")
        return f"[{_ipv6(inner)}]", _port(after[1:])
    name, _, port = text.partition(":")
    return ascii_host(name), _port(port)


def _port(text: str) -> str | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) < 1 << 16):
        raise InvalidAddress(f"{text} is no port")
    return str(int(text))


def _ipv6(text: str) -> str:
    # Few sites name such a host, and the module takes a while to load.
    from ipaddress import IPv6Address

    try:
        if "%" in text:
            raise ValueError
        address = IPv6Address(text)
    except ValueError:
        raise InvalidAddress(f"[{text}] is no host") from None
    mapped = address.ipv4_mapped
    if mapped is not None:
        return f"::ffff:{int(mapped) >> 16:x}:{int(mapped) & 0xFFFF:x}"
    return address.compressed


def ascii_host(name: str) -> str:
    """A host's name as it is asked for: small letters, `xn--` for what is not ASCII, without the
    dot at its end. Raises InvalidAddress.

    As browsers do it (UTS 46, non-transitional): `straße.de` keeps its ß. Python's own codec does
    not, and raises where browsers do not.
    """
    host = unquote(name) if "%" in name else name
    if not host.isascii():
        host = unicodedata.normalize("NFKC", host.lower().replace("\u3002", "."))
        host = ".".join(
            label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
            for label in host.replace("\u00ad", "").split(".")
        )
    host = host.lower().removesuffix(".")
    if not host:
        raise InvalidAddress("it names no host")
    if _NO_HOST.search(host) or "" in host.split("."):
        raise InvalidAddress(f"{name} is no host")
    if host in WEB:
        raise InvalidAddress("it begins twice")
    return _ipv4(host) if _NUMBER.fullmatch(host.rpartition(".")[2]) else host


def _ipv4(host: str) -> str:
    """`127.1`, `0x7f.0.0.1` and `2130706433` are all 127.0.0.1 to browsers."""
    parts = host.split(".")
    try:
        numbers = [
            int(part, 16 if part[:2] == "0x" else 8 if part[0] == "0" and len(part) > 1 else 10)
            for part in parts
        ]
    except ValueError:
        numbers = []
    last = 256 ** (5 - len(parts)) if len(parts) <= 4 else 0
    if not numbers or max(numbers[:-1], default=0) > 255 or numbers[-1] >= last:
        raise InvalidAddress(f"{host} is no host")
    whole = numbers[-1] + sum(one << 8 * (3 - at) for at, one in enumerate(numbers[:-1]))
    return ".".join(str(whole >> shift & 255) for shift in (24, 16, 8, 0))


def is_local(host: str) -> bool:
    """Whether the host (of an Address) is this machine, or in a network that visitors are not in:
    localhost, 127.*, [::1], private ranges, *.local, and names without a dot."""
    name = host if host.endswith("]") else host.partition(":")[0]
    if host.startswith("["):
        name = host[: host.index("]") + 1]
    return _LOCAL.fullmatch(name) is not None


def as_text(address: Address) -> str:
    """The address of the web as it is sent, without its fragment."""
    sent = address.path if address.query is None else f"{address.path}?{address.query}"
    if _TO_ENCODE.search(sent):
        sent = quote(sent, safe=_SENT)
    return f"{address.scheme}://{address.host}{sent}"


def decoded(path: str) -> str:
    """The name that a server reads in a path: percent-encoding undone, once. `%ZZ` stays as it is,
    and bytes that are no UTF-8 become what Python makes of them in file names."""
    if "%" not in path:
        return path
    raw = unquote_to_bytes(path.encode("utf-8", "surrogatepass"))
    return raw.decode("utf-8", "surrogateescape")


def encoded(name: str) -> str:
    """A file's name as a path: what means something in an address, or is no UTF-8, is encoded."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return quote(name.encode("utf-8", "surrogateescape"))
    for mark in "%#?\\":
        if mark in name:
            name = name.replace(mark, f"%{ord(mark):02X}")
    return name


def printable(text: str) -> str:
    """The text as every file and terminal can hold it: bytes that are no UTF-8, as paths and names
    of files may have them, are percent-encoded."""
    if text.isascii() or _NO_TEXT.search(text) is None:
        return text
    return _NO_TEXT.sub(lambda half: _byte(ord(half[0]) - 0xDC00), text)


def _byte(value: int) -> str:
    return f"%{value:02X}" if 0x80 <= value <= 0xFF else "\ufffd"

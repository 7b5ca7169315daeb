"""Addresses of other schemes than the web's: nothing to follow, but some are a slip of the pen."""

from __future__ import annotations

import re
from urllib.parse import unquote

from workflow.validator.links.urls import WEB, Address

_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_MAIL_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
_MAIL_FIELD = re.compile(r"(?:^|&)(?:to|cc|bcc)=([^&]*)", re.IGNORECASE)
_PORT = re.compile(r"\d+(?:/|$)")
_NUMBERS = ("tel", "sms", "callto")
_HOSTS = ("ftp", "ftps", "ws", "wss")


def fault(address: Address) -> str | None:
    """What is wrong with an address of another scheme than the web's; None if nothing is."""
    scheme, path = address.scheme, address.path
    if scheme == "mailto":
        return _mail_fault(path, address.query or "")
    if scheme in _NUMBERS and not path.strip() and not address.query:
        return "it names no number"
    if scheme in _HOSTS and not path.strip("/\\"):
        return "it names no host"
    if "." in scheme and _PORT.match(path):
        return "a host stands where the scheme belongs; is https:// meant?"
    if any(_is_slip(scheme, meant) for meant in WEB):
        return f"there is no scheme {scheme}:; is http: or https: meant?"
    return None


def _mail_fault(path: str, query: str) -> str | None:
    # RFC 6068: the addresses may stand in `to` alone, and a mere subject is a form letter.
    if not path and not query:
        return "it names no address"
    if _BAD_ESCAPE.search(path):
        return "a % in it is not followed by two hexadecimal digits"
    if path.startswith("//"):
        return "the address follows mailto: at once, without slashes"
    lists = [path] if path else []
    for one in lists + _MAIL_FIELD.findall(query):
        for address in one.split(","):
            if not _MAIL_ADDRESS.fullmatch(unquote(address).strip()):
                return f"{unquote(address) or 'nothing'} is no mail address"
    return None


def _is_slip(word: str, meant: str) -> bool:
    """Whether one letter is missing, too many, wrong, or two have changed places."""
    if word == meant or abs(len(word) - len(meant)) > 1 or word in WEB:
        return False
    at = 0
    while at < min(len(word), len(meant)) and word[at] == meant[at]:
        at += 1
    swapped = meant[:at] + meant[at : at + 2][::-1] + meant[at + 2 :]
    # What follows the letter that is wrong, too many or missing.
    rest = word[at + (len(word) >= len(meant)) :]
    return word == swapped or rest == meant[at + (len(meant) >= len(word)) :]

"""Where a channel leads: its address and token, from the environment or else from the keychain.

Both are taken out of whatever this process prints or writes from then on.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from workflow import keychain, redact
from workflow.settings.forms import LOOPBACK
from workflow.settings.notify import (
    Channel,
    address_entry,
    address_variable,
    token_entry,
    token_variable,
)

_LONGEST = 4_000
"""Characters of an address or a token."""


class NoSecret(Exception):
    """There is no usable address or token; `str` says why, and `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Secret:
    address: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    source: str = ""
    """Where the address was found, for people."""


def find(name: str, channel: Channel) -> Secret:
    """Raises NoSecret."""
    if channel.via == "macos":
        return Secret("")
    address, source = _find("address", address_variable(name), address_entry(name))
    if channel.via != "apprise":
        _check_address(address, address_variable(name), address_entry(name))
    token = None
    if channel.token:
        token, _ = _find("token", token_variable(name), token_entry(name))
    return Secret(address, token, source)


def _find(what: str, variable: str, entry: str) -> tuple[str, str]:
    hint = f"set {variable} where sweeps are started"
    if keychain.is_there():
        hint += f", or store it with `{keychain.how_to_store(entry)}`, which asks for it"
    found = os.environ.get(variable, "").strip()
    source = f"the environment variable {variable}"
    if not found:
        try:
            found = keychain.look_up(entry)
        except keychain.NotGiven as error:
            said = f"it has no {what}: {variable} is not set, and {error}"
            raise NoSecret(said, hint) from None
        source = f"the keychain's entry {entry}"
    redact.hide(found)
    if len(found) > _LONGEST or not found.isprintable() or not found.isascii() or " " in found:
        raise NoSecret(f"what {source} holds is no {what}", hint)
    return found, source


def _check_address(address: str, variable: str, entry: str) -> None:
    """Raises NoSecret for one to which nothing secret may be sent; it is not shown."""
    hint = f"correct {variable}, or the keychain's entry {entry}"
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - raises ValueError if it is none
    except ValueError:
        raise NoSecret("its address is none such as https://ntfy.sh/TOPIC", hint) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NoSecret("its address is none such as https://ntfy.sh/TOPIC", hint)
    if parts.username is not None:
        raise NoSecret("its address holds a user's name; what it takes is a token", hint)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise NoSecret("its address must start with https://: anybody could read along", hint)

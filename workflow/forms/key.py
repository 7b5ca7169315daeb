"""Where JotForm's API key is found: the environment, else the keychain of this machine.

The key leaves this package only as a header of a request to JotForm.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from workflow import keychain
from workflow.errors import TaskError, TaskFailed
from workflow.settings.forms import JotForm as Settings

_KEY = re.compile(r"[A-Za-z0-9._-]{16,128}")


@dataclass(frozen=True)
class Key:
    value: str = field(repr=False)
    source: str
    """Where it was found, for people."""


def find_key(settings: Settings) -> Key:
    """Raises TaskFailed `no_jotform_key`."""
    variable = settings.key_variable
    written = os.environ.get(variable, "").strip()
    if written:
        return _checked(written, f"the environment variable {variable}", settings)
    try:
        found = keychain.look_up(settings.keychain)
    except keychain.NotGiven as error:
        raise _missing(str(error), settings) from None
    return _checked(found, f"the keychain's entry {settings.keychain}", settings)


def how_to_store(settings: Settings) -> str:
    """The command by which a person stores the key, which it asks for: it stands in no history."""
    return keychain.how_to_store(settings.keychain)


def _checked(value: str, source: str, settings: Settings) -> Key:
    if not _KEY.fullmatch(value):
        raise _no_key(f"what {source} holds is no key", settings)
    return Key(value, source)


def _missing(reason: str, settings: Settings) -> TaskFailed:
    variable = settings.key_variable
    return _no_key(f"the environment variable {variable} is not set, and {reason}", settings)


def _no_key(reason: str, settings: Settings) -> TaskFailed:
    return TaskFailed(
        TaskError(
            "no_jotform_key",
            f"there is no API key for JotForm: {reason}",
            "escalate",
            "configuration",
            hint="make one at https://www.jotform.com/myaccount/api, then store it with "
            f"`{how_to_store(settings)}`, which asks for it",
        )
    )

"""Any service that apprise knows: https://github.com/caronc/apprise.

It says no more than yes or no. A no that comes at once is a refusal; one that comes after a time
limit of its own may mean that the service has the message and was slow to say so.
"""

from __future__ import annotations

import importlib.util
import logging
import time
from collections.abc import Callable

from workflow.notify.answer import Answer, refused, sent, unknown
from workflow.notify.messages import Message
from workflow.notify.secret import Secret

_AT_ONCE = 3.5
"""Seconds: below apprise's limits for a connection and for an answer, which are 4."""


def missing() -> str | None:
    """What has to be installed; None if it is there."""
    if importlib.util.find_spec("apprise") is None:
        return "apprise is not installed: in this program's checkout, pip install '.[notify]'"
    return None


def notify(message: Message, secret: Secret, on_its_way: Callable[[], None]) -> Answer:
    if (lacks := missing()) is not None:
        return refused(lacks)
    import apprise

    # What it says of a failure may quote the address.
    logging.getLogger("apprise").disabled = True
    # No plugins from files: the address alone decides which service it is, and all are apprise's.
    service = apprise.Apprise(asset=apprise.AppriseAsset(plugin_paths=[], async_mode=False))
    if not service.add(secret.address):
        return refused("apprise does not know such an address", final=True)
    kinds = {"failure": "failure", "production": "success", "done": "success"}
    kind = kinds.get(message.event or "", "info")
    on_its_way()
    began = time.monotonic()
    took = service.notify(
        body=message.text, title=message.title, notify_type=kind, body_format="text"
    )
    if took:
        return sent("apprise sent it")
    if time.monotonic() - began < _AT_ONCE:
        return refused("apprise could not send it: try the address with its own `apprise -vv`")
    return unknown("apprise was given no answer in time")

"""Sending one message over one channel, within a time limit, whatever the service does."""

from __future__ import annotations

import threading
from collections.abc import Callable

from workflow.notify import desktop, posting, through_apprise
from workflow.notify.answer import Answer, refused, unknown
from workflow.notify.messages import Message
from workflow.notify.secret import NoSecret, find
from workflow.settings.notify import Channel

SECONDS = 20.0
"""For all of it: looking up a name may hang, and a service may answer a byte a second."""


def send(
    name: str,
    channel: Channel,
    message: Message,
    on_its_way: Callable[[], None] = lambda: None,
) -> Answer:
    """Send it. `on_its_way` is called when it may arrive from then on; never raises but what that
    raises."""
    try:
        secret = find(name, channel)
    except NoSecret as error:
        return refused(f"{error}; {error.hint}")
    came: list[Answer | BaseException] = []
    left = threading.Event()
    over = threading.Lock()
    late = False

    def leaves() -> None:
        with over:
            if late:
                raise TimeoutError  # nobody waits for it any more: it must not be sent
            on_its_way()
            left.set()

    def work() -> None:
        try:
            match channel.via:
                case "ntfy":
                    came.append(posting.post_to_ntfy(message, secret, leaves))
                case "json":
                    came.append(posting.post_json(message, secret, leaves))
                case "apprise":
                    came.append(through_apprise.notify(message, secret, leaves))
                case "macos":
                    came.append(desktop.show(message, leaves))
        except BaseException as error:
            came.append(error)

    thread = threading.Thread(target=work, name=f"notify {name}", daemon=True)
    thread.start()
    thread.join(SECONDS)
    with over:
        late = True
    answer = came[0] if came else TimeoutError()
    if isinstance(answer, Answer):
        return answer
    if isinstance(answer, OSError) and not isinstance(answer, TimeoutError):
        raise answer  # of the outbox: the disk is full, …
    said = (
        f"no answer within {SECONDS:g} s"
        if isinstance(answer, TimeoutError)
        else f"a defect of ours: {type(answer).__name__}"
    )
    return unknown(said) if left.is_set() else refused(said)


def missing(channel: Channel) -> str | None:
    """What this machine lacks for a channel; None if it could serve."""
    if channel.via == "macos":
        return desktop.missing()
    return through_apprise.missing() if channel.via == "apprise" else None

"""workflow notify"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from workflow.cli import Place, command
from workflow.commands import choices
from workflow.errors import WorkflowError, nearest
from workflow.reply import Reply

if TYPE_CHECKING:
    from workflow.notify.outbox import Outbox
    from workflow.settings.notify import Channel


_FIRST = "write `notify: {phone: {via: ntfy}}` into workflow.yaml, say: see docs/notifications.md"


@command
def run(
    place: Place,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[CHANNEL]", help="This one only.", autocompletion=choices.channels),
    ] = None,
    test: Annotated[
        bool, typer.Option("--test", help="Send a message now and say what came back.")
    ] = False,
) -> Reply:
    """The ways to reach a person: what each is for, and whether it took what was sent.

    Exit 2 if a test does not arrive, as far as the service says.

    \b
    workflow notify
    workflow notify phone --test
    """
    config = place.config()
    channels = dict(config.notify)
    if name is not None:
        if name not in channels:
            raise WorkflowError(
                "no_such_channel",
                f"workflow.yaml has no channel {name!r} under notify:",
                hint=f"it has: {', '.join(channels) or 'none'}; see docs/notifications.md",
                did_you_mean=nearest(name, list(channels)),
            )
        channels = {name: channels[name]}
    if not channels and test:
        raise WorkflowError("no_such_channel", "workflow.yaml has no channel to test", hint=_FIRST)
    if not channels:
        return Reply(data={"channels": []}, text=f"Nobody is told anything: {_FIRST}.")
    return _tested(channels) if test else _listed(place, channels)


def _tested(channels: dict[str, Channel]) -> Reply:
    from workflow.notify.messages import TEST
    from workflow.notify.services import send

    answers = {name: send(name, channel, TEST) for name, channel in channels.items()}
    reply = Reply(
        data={
            "channels": [
                {"channel": name, "outcome": answer.outcome, "said": answer.said}
                for name, answer in answers.items()
            ]
        }
    )
    reply.table = (
        ("", "CHANNEL", ""),
        [
            ["ok" if answer.outcome == "sent" else "failed", name, answer.said]
            for name, answer in answers.items()
        ],
    )
    failed = [name for name, answer in answers.items() if answer.outcome != "sent"]
    if failed:
        error = WorkflowError(
            "not_notified",
            f"{failed[0]}: {answers[failed[0]].said}",
            hint="see docs/notifications.md",
            retryable=not answers[failed[0]].final,
        )
        reply.error, reply.exit = error, error.exit
    return reply


def _listed(place: Place, channels: dict[str, Channel]) -> Reply:
    from workflow.notify import outbox as outboxes

    outbox = outboxes.read(place.exchange())
    told = [_told(name, channel, outbox) for name, channel in channels.items()]
    reply = Reply(data={"channels": told})
    reply.table = (
        ("CHANNEL", "VIA", "OF", "FOR", "LAST SENT"),
        [
            [
                one["channel"],
                one["via"],
                ", ".join(one["events"]),
                ", ".join(one["environments"]) or "all",
                one["last_sent"] or "never",
            ]
            for one in told
        ],
    )
    for one in told:
        for message in one["unsent"]:
            said = f"{one['channel']}: “{message['title']}” waits to be sent"
            reply.warnings.append(said + (f": {message['why']}" if message["why"] else ""))
        for message in one["given_up"]:
            said = f"{one['channel']}: “{message['title']}” was given up at {message['at']}"
            reply.warnings.append(f"{said}: {message['why']}")
    reply.next = [(f"workflow notify {told[0]['channel']} --test", "send a message now")]
    return reply


def _told(name: str, channel: Channel, outbox: Outbox | None) -> dict[str, Any]:
    unsent = [one for one in outbox.unsent if one.channel == name] if outbox else []
    given_up = [one for one in outbox.given_up if one["channel"] == name] if outbox else []
    return {
        "channel": name,
        "via": channel.via,
        "events": list(channel.events),
        "environments": list(channel.environments),
        "last_sent": outbox.sent.get(name) if outbox else None,
        "unsent": [
            {"title": one.message.title, "tries": one.tries, "why": one.why} for one in unsent
        ],
        "given_up": given_up,
    }

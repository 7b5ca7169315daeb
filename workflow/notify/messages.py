"""What people are told: one message an event and look, however many tasks it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from workflow.config import Config
from workflow.figures import counted
from workflow.notify.happenings import Happening, Seen
from workflow.result import clean
from workflow.settings.notify import Channel, Event, is_click

LONGEST = 199
"""Characters of a text: what a phone's lock screen shows of it."""
_LONGEST_COMMAND = 120
"""Beyond this an id is left away, and the command that lists it is said."""

_PRIORITY: Mapping[Event, int] = {"approval": 4, "failure": 4, "production": 3, "done": 2}
"""As ntfy has it: 3 is the usual one, 5 the highest."""
_TAG: Mapping[Event, str] = {
    "approval": "raised_hand",
    "failure": "rotating_light",
    "production": "rocket",
    "done": "white_check_mark",
}
"""ntfy's names of emoji."""


@dataclass(frozen=True)
class Message:
    """A text without secrets, ready to be sent."""

    event: Event | None
    """None for a test."""
    title: str
    text: str
    priority: int = 3
    tag: str = "wave"
    click: str | None = None
    environments: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    """Some of those that it is about."""


TEST = Message(None, "workflow: a test", "This is how messages arrive.\nworkflow status")


def messages(seen: Seen, channel: Channel, config: Config) -> list[Message]:
    """What this channel is told of what was seen."""
    wanted = [
        one
        for one in seen.happenings
        if one.event in channel.events
        and (not channel.environments or one.environment in channel.environments)
    ]
    events: tuple[Event, ...] = ("failure", "approval", "production")
    said = [
        _about(event, some, channel, config)
        for event in events
        if (some := [one for one in wanted if one.event == event])
    ]
    # Whoever was just told of each of them knows that they are done.
    told = {one.task_id for one in wanted if one.event != "approval"}
    if "done" in channel.events and seen.idle and seen.ended > len(told):
        said.append(_all_done(seen, channel))
    return said


def _about(event: Event, some: list[Happening], channel: Channel, config: Config) -> Message:
    first = some[0]
    places = tuple(dict.fromkeys(one.environment for one in some if one.environment))
    where = ", ".join(places[:3]) + (", …" if len(places) > 3 else "")
    number = len(some)
    if event == "approval":
        title = f"Approve {where or 'a task'}?" if number == 1 else f"{number} wait for approval"
        command = f"workflow plan {first.task_id}" if number == 1 else "workflow status"
        listing = "workflow plan latest" if number == 1 else command
        sentence = f"{where}: {first.sentence}" if where else first.sentence
        if number > 1:
            sentence = "; ".join(_one_of_many(one) for one in some[:3])
    elif event == "failure":
        title = f"Failed: {where}" if where else "Failed"
        title = title if number == 1 else f"{counted(number, 'task')} failed"
        listing = "workflow list --state failed"
        command = f"workflow show {first.task_id}" if number == 1 else listing
        sentence = first.sentence if number == 1 else f"The first: {first.sentence}"
    else:
        title = f"Done: {where}"
        listing = "workflow list --state completed"
        command = f"workflow verify {first.task_id}" if number == 1 else listing
        sentence = first.sentence if number == 1 else f"{number} deploys; {first.sentence}"
    command = command if len(command) <= _LONGEST_COMMAND else listing
    click = channel.click or (_site(places, config) if event == "production" else None)
    return Message(
        event,
        _line(title, 80),
        fitted(sentence, command),
        _PRIORITY[event],
        _TAG[event],
        click,
        places,
        tuple(one.task_id for one in some[:10]),
    )


def _one_of_many(one: Happening) -> str:
    return f"{one.environment}: {one.sentence}" if one.environment else one.sentence


def _all_done(seen: Seen, channel: Channel) -> Message:
    ways = f"{seen.succeeded} succeeded" + (f", {seen.failed} failed" if seen.failed else "")
    sentence = f"{counted(seen.ended, 'task')} ended: {ways}. Nothing is left to do."
    text = fitted(sentence, "workflow list")
    return Message("done", "All done", text, _PRIORITY["done"], _TAG["done"], channel.click)


def _site(places: Iterable[str], config: Config) -> str | None:
    """The address of the site that was published."""
    for place in places:
        known: Any = config.environments.get(place)
        if known is not None and is_click(known.base_url):
            return str(known.base_url)
    return None


def fitted(sentence: str, command: str) -> str:
    """Both on a line of their own, within LONGEST; what has to give way is the sentence."""
    return f"{_line(sentence, LONGEST - len(command) - 1)}\n{command}"


def _line(text: str, longest: int) -> str:
    """Without secrets, control characters and line ends, within so many characters."""
    line = " ".join(str(clean(text)).split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"

"""What workflow.yaml says of notifications: over which channels, of what, for which environments.

Where a channel leads (an address that is as good as a password, a token) stands in the environment
or in the keychain, never here.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator

from workflow.settings import Strict

Event = Literal["approval", "failure", "production", "done"]
EVENTS: tuple[Event, ...] = get_args(Event)
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class Channel(Strict):
    """One way to reach a person."""

    via: Literal["ntfy", "json", "apprise", "macos"] = Field(
        description="ntfy: a POST as ntfy takes it; json: a POST of one JSON object; apprise: any "
        "service that apprise knows; macos: a notification on this Mac"
    )
    events: tuple[Event, ...] = Field(
        default=("approval", "failure", "production"),
        min_length=1,
        description="approval: a task waits for somebody's yes; failure: a task failed; "
        "production: a deploy to production is done; done: nothing is left to do",
    )
    environments: tuple[Name, ...] = Field(
        default=(), description="only what concerns these; default: everything"
    )
    token: bool = Field(
        default=False, description="for ntfy and json: send a token, kept beside the address"
    )
    click: str | None = Field(
        default=None,
        description="address that a tap on the message opens; default: the site, after a deploy",
    )

    @field_validator("click")
    @classmethod
    def _can_be_opened(cls, click: str | None) -> str | None:
        if click is not None and not is_click(click):
            raise ValueError("must be an address that starts with https:// or http://")
        return click


def is_click(address: str) -> bool:
    """Whether an address fits into a header: no spaces, no line ends, ASCII alone."""
    return re.fullmatch(r"https?://[\x21-\x7e]{1,500}", address) is not None


def address_variable(channel: str) -> str:
    """The environment variable with a channel's address; its name says that it is a secret, so that
    its value is taken out of whatever is printed."""
    return f"WORKFLOW_NOTIFY_{channel.upper().replace('-', '_')}_SECRET"


def token_variable(channel: str) -> str:
    """The same for its token."""
    return f"WORKFLOW_NOTIFY_{channel.upper().replace('-', '_')}_TOKEN"


def address_entry(channel: str) -> str:
    """The keychain's entry for a channel's address, asked where the variable is not set."""
    return f"workflow-notify-{channel}"


def token_entry(channel: str) -> str:
    """The same for its token."""
    return f"workflow-notify-{channel}-token"

"""A task that does nothing: the quickest way to see that the exchange and the timer work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from workflow import handler
from workflow.config import Config
from workflow.handler import Context, Outcome

OUTPUTS: Mapping[str, str] = {"message": "string: what it was told to say"}
EXAMPLE = ("--set", "message=The timer runs.")


class Params(handler.Params):
    message: str = Field(default="Nothing was to be done.", description="what the result says")


def resources(params: Params, config: Config) -> Sequence[str]:
    return ()


def run(context: Context) -> Outcome:
    message: str = context.params.message
    return Outcome(outputs={"message": message}, verdict=message)

"""What workflow.yaml says of an exchange that several machines share."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from workflow.settings import Strict


def _branch(written: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}", written) or re.search(
        r"\.\.|//|/\.|[./]$|\.lock(?:/|$)", written
    ):
        raise ValueError("is no name for a branch, such as site-tasks")
    return written


def _remote(written: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", written):
        raise ValueError("must be the name of a remote, such as origin, not an address")
    return written


class Sync(Strict):
    """Where the machines meet: a branch on a git server. See docs/several-machines.md."""

    branch: Annotated[str, AfterValidator(_branch)] = Field(
        default="site-tasks", description="of its own: no work tree ever shows it"
    )
    remote: Annotated[str, AfterValidator(_remote)] = Field(
        default="origin", description="the server, by the name it has in the exchange's repository"
    )
    grace_seconds: float = Field(
        default=300,
        ge=1,
        le=86_400,
        description="beyond a task's own time limit, before another machine takes it over; clocks "
        "may differ by less",
    )
    accept_approvals: bool = Field(
        default=False,
        description="take approvals that come by the branch: whoever may push to it can then "
        "approve",
    )

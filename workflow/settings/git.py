"""What workflow.yaml lets tasks do with git."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from workflow.settings import Strict


def _pattern(written: str) -> str:
    """What may stand for branches: as git's names, with `*`, `**` and `?` besides."""
    if not re.fullmatch(r"[^\x00-\x20\x7f~^:\[\]\\\s]+", written) or re.search(
        r"\.\.|@\{|//|^[-/]|(?:^|/)\.|/$|\.lock(?:/|$)", written
    ):
        raise ValueError("is no pattern for branches, such as main, claude/* or claude/**")
    return written


def _remote(written: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", written):
        raise ValueError("must be the name of a remote, such as origin, not an address")
    return written


class Git(Strict):
    """Where tasks may commit. `*` is any part of one segment of a branch's name, `**` any number of
    segments: see docs/git.md."""

    branches: tuple[Annotated[str, AfterValidator(_pattern)], ...] = Field(
        default=("claude/*",), description="that tasks may commit to, and create"
    )
    push: bool = Field(default=True, description="whether a task may ask for a push")
    remote: Annotated[str, AfterValidator(_remote)] = Field(
        default="origin", description="where to push, by the name it has in the repository"
    )
    allow_secrets: tuple[str, ...] = Field(
        default=(), description="paths of the repository that only look as if they held secrets"
    )

"""What workflow.yaml lets tasks do with git."""

from __future__ import annotations

from pydantic import Field

from workflow.settings import Strict


class Git(Strict):
    """Where tasks may commit. Patterns: `claude/*`, `main`."""

    branches: tuple[str, ...] = Field(
        default=("claude/*",), description="that tasks may commit to, and create"
    )
    push: bool = Field(default=True, description="whether a task may ask for a push")
    remote: str = Field(default="origin", min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")

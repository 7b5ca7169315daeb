"""How what is wrong with a command is told: all of it at once, each thing at its own place."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

Place = tuple[str | int, ...]


def several(title: str, found: Iterable[tuple[Place, str]]) -> None:
    """Raise all problems at once, each with its own place in the file."""
    errors = [
        InitErrorDetails(
            # As a parameter of the message: pydantic fills in what it finds in braces.
            type=PydanticCustomError("value_error", "{said}", {"said": message}),
            loc=place,
            input=None,
        )
        for place, message in found
    ]
    if errors:
        raise ValidationError.from_exception_data(title, errors)


def pattern_fault(pattern: str) -> str | None:
    try:
        compiled(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is not a regular expression: {error}"
    return None


def compiled(pattern: str) -> re.Pattern[str]:
    """For what workflow.yaml itself holds. What tasks and programs say is matched elsewhere, with
    a time limit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # `[[`: Python may mean more by it one day
        return re.compile(pattern)

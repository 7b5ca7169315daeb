"""Which pages are pages of their own kind, of which search engines and visitors expect less."""

from __future__ import annotations

import re
from functools import lru_cache

from workflow.validator.facts import Page
from workflow.validator.links.resolving import alias_target

HOME = "index.html"

_ERROR = re.compile(
    r"(?:40[0-9]|50[0-9x])(?:/index)?\.html?|(?:.*/)?404\.html?"
    # A page about errors may well be called `docs/404/`; under a language it is one.
    r"|[a-z]{2,3}(?:-[a-z0-9]{2,8})*/404/index\.html?",
    re.IGNORECASE,
)
_PROOF = re.compile(
    r"(?:google[0-9a-f]{8,}|yandex_[0-9a-z]+|pinterest-[0-9a-z]+|.*/?BingSiteAuth)\.html?",
    re.IGNORECASE,
)
_PAGINATED = re.compile(r"((?:.*/)?)page/\d+(?:/index)?\.html")
_UNAVAILABLE = re.compile(r"unavailable_after\s*:\s*(.+)")


def is_alias(page: Page) -> bool:
    """Whether it only leads on to another, as Hugo's aliases do: nobody reads it."""
    return page.refresh is not None and alias_target(page) is not None


def is_error_page(path: str) -> bool:
    """Whether a server shows it at any address where nothing is, and nothing lists it."""
    return _ERROR.fullmatch(path) is not None


def is_proof(path: str) -> bool:
    """Whether it is there for a search engine to know the owner by, and for nobody to read."""
    return _PROOF.fullmatch(path) is not None


def is_paginated(path: str) -> bool:
    """Whether it is a further page of a list, which has the title of the first one by design."""
    return first_of_list(path) is not None


def first_of_list(path: str) -> str | None:
    """The page that a further page of a list belongs to; None if it is none."""
    found = _PAGINATED.fullmatch(path) if "page/" in path else None
    return None if found is None else found[1] + HOME


def hidden_by(page: Page) -> tuple[str, str] | None:
    """(name, content) of the meta that keeps search engines from listing the page, or None. If
    there are several, the one for all crawlers counts before one for some."""
    return _hidden_by(page.robots) if page.robots else None


@lru_cache(maxsize=1024)
def _hidden_by(robots: tuple[tuple[str, str], ...]) -> tuple[str, str] | None:
    # Search engines add up what all of them say, the strictest counts.
    found = [one for one in robots if _hides(one[1])]
    return min(found, key=lambda one: one[0] != "robots", default=None)


def _hides(content: str) -> bool:
    # What follows a colon is the value of another directive: `max-image-preview: none`.
    if not {"noindex", "none"}.isdisjoint(re.split(r"(?<!:)[\s,]+", content)):
        return True
    until = _UNAVAILABLE.search(content)
    return until is not None and _is_past(until[1].strip())


def _is_past(date: str) -> bool:
    """Of RFC 822, RFC 850 and ISO 8601, as Google reads them; what is no date does nothing."""
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        read = datetime.fromisoformat(date.upper())
    except ValueError:
        try:
            read = parsedate_to_datetime(date)
        except ValueError:
            return False
    if read.tzinfo is None:
        read = read.replace(tzinfo=UTC)
    return read < datetime.now(UTC)

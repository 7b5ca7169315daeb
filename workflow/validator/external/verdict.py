"""How other hosts are asked, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from workflow import __version__

State = Literal["ok", "redirected", "broken", "refused", "unreachable", "skipped"]


class External(NamedTuple):
    """What came of asking about an address."""

    state: State
    """redirected: it is there, under an address that is its own for good. broken: nothing is there;
    with a status of 2xx, the page is and what the fragment names is not. refused: visitors may see
    what programs may not. unreachable: this may pass. skipped: not asked."""
    status: int | None
    """The last one; None if no answer came."""
    detail: str
    """For people: why, as a clause. Empty for "ok"."""
    location: str | None = None
    """Where redirects led; of "redirected" the address to link to."""


class Options(NamedTuple):
    """How other hosts are asked.

    Patterns are `example.org`, `*.example.org`, `example.org/blog/*` or `https://example.org/*`,
    with `*` and `?` as in a shell.
    """

    concurrency: int = 16
    """Requests at once, to all hosts together."""
    per_host: int = 2
    """Requests at once to one host."""
    delay: float = 0.25
    """Seconds from one request to the next to the same host."""
    seconds: float = 20.0
    """For one request, to its last byte."""
    total_seconds: float = 600.0
    """For all of them; what is not asked by then is not asked."""
    retries: int = 2
    backoff: float = 2.0
    """Seconds before the first of the retries; each further one waits twice as long."""
    longest_wait: float = 60.0
    """Seconds that a server may ask us to wait (Retry-After)."""
    redirects: int = 10
    allow: tuple[str, ...] = ()
    """Patterns of what is asked; none: everything that is not denied."""
    deny: tuple[str, ...] = ()
    """Patterns of what is not asked, whatever `allow` says."""
    private: tuple[str, ...] = ()
    """Patterns of hosts that are asked although they are this machine, or in its network."""
    headers: Mapping[str, Mapping[str, str]] = MappingProxyType({})
    """Fields for requests, by patterns of hosts or addresses."""
    user_agent: str = f"Mozilla/5.0 (compatible; workflow/{__version__}; link check)"
    accept: frozenset[int] = frozenset()
    """Statuses that are fine besides 2xx."""
    max_age_hours: float = 168.0
    """For how long a good answer is believed."""
    failure_hours: float = 1.0
    """For how long any other answer is."""
    check_fragments: bool = False
    """Whether pages are fetched, to look for what fragments name."""

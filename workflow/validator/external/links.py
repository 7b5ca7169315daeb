"""Links to other hosts: whether something is still there. Off unless somebody asks for it.

    addresses of the site → asked politely, each once (external_rounds) → findings

This module holds what settings and rules are made of; what speaks with the network is imported only
when it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from workflow import __version__
from workflow.validator.facts import Page, Ref
from workflow.validator.findings import Finding, Rule
from workflow.validator.links.resolving import Resolver
from workflow.validator.sites import Site

RULES: tuple[Rule, ...] = (
    Rule(
        "external-broken",
        "error",
        "A link to another host leads to nothing there.",
        "Link to where it is now, or take the link out.",
    ),
    Rule(
        "external-fragment",
        "warning",
        "A page of another host has nothing that the fragment names.",
        "Link to what is there now; if a script makes it there, ignore the finding.",
    ),
    Rule(
        "external-unreachable",
        "warning",
        "Another host gave no whole answer.",
        "Look again later; if it stays so, take the link out.",
    ),
    Rule(
        "external-redirect",
        "notice",
        "A link leads to an address that has moved for good.",
        "Link to the new address.",
    ),
    Rule(
        "external-refused",
        "notice",
        "Another host lets no programs look.",
        "Look at it yourself in a browser.",
    ),
)

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
    """How other hosts are asked."""

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


# Patterns are `example.org`, `*.example.org`, `example.org/blog/*` or `https://example.org/*`, with
# `*` and `?` as in a shell.

_UNASKED = frozenset({"form"})
"""Kinds of references that nobody follows by asking for them."""


def external_addresses(
    site: Site, resolver: Resolver, *, fragments: bool = False
) -> dict[str, None]:
    """All addresses of other hosts that the site refers to, each once, in order.

    With `fragments`, those of pages' links have theirs.
    """
    found: dict[str, None] = {}
    for _, _, address, fragment in _references(site, resolver):
        found[f"{address}#{fragment}" if fragments and fragment else address] = None
    return found


def check_external(
    urls: Iterable[str],
    options: Options = Options(),  # noqa: B008  # a value that nobody can change
    *,
    cache: Path | None = None,
    check: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, External]:
    """Ask about each address, once. The answers are by the addresses as given.

    `cache`: a file for what is to be believed for a while. `check` is called ten times a second and
    ends it all by raising. `say` is told now and then how far it is.
    """
    from workflow.validator.external.rounds import ask_all

    return ask_all(urls, options, cache, check, say)


def external_findings(
    site: Site, resolver: Resolver, results: Mapping[str, External]
) -> Iterator[Finding]:
    """What the answers (see `check_external`) mean for the pages that refer to these addresses."""
    for path, ref, address, fragment in _references(site, resolver):
        result = results.get(f"{address}#{fragment}") if fragment else None
        result = result or results.get(address)
        code = _code(result) if result is not None else None
        if result is None or code is None:
            continue
        yield Finding(
            code,
            path,
            f"{address}: {result.detail}",
            url=ref.url,
            element=ref.element,
            attribute=ref.attribute,
            hint=f"Link to {result.location}." if code == "external-redirect" else None,
        )


def _code(result: External) -> str | None:
    if result.state == "broken":
        is_page_there = result.status is not None and 200 <= result.status < 300
        return "external-fragment" if is_page_there else "external-broken"
    codes = {
        "redirected": "external-redirect",
        "refused": "external-refused",
        "unreachable": "external-unreachable",
    }
    return codes.get(result.state)


def _references(site: Site, resolver: Resolver) -> Iterator[tuple[str, Ref, str, str | None]]:
    """(file, reference, address, fragment) of all that leads to other hosts."""
    for path, facts in sorted(site.facts.items()):
        base = facts.base if isinstance(facts, Page) else None
        for ref in facts.refs:
            if ref.kind in _UNASKED:
                continue
            verdict = resolver.resolve(path, base, ref.url)
            if verdict.kind == "external" and verdict.address is not None:
                fragment = verdict.fragment if ref.kind == "link" else None
                yield path, ref, verdict.address, fragment

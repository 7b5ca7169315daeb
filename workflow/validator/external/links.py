"""Links to other hosts: whether something is still there. Off unless somebody asks for it.

    addresses of the site → asked politely, each once (external_rounds) → findings

This module holds what settings and rules are made of; what speaks with the network is imported only
when it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from workflow.validator.external.verdict import External, Options
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

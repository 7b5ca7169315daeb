"""What robots.txt lets a crawler read, by RFC 9309."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from workflow.validator.facts import Robots
from workflow.validator.links import urls

Rules = tuple[tuple[bool, str], ...]
"""(allow?, path pattern) of one crawler, in the order of the file."""

_TOKEN = re.compile(r"[a-z_-]+")


def rules_for(robots: Robots, agent: str) -> Rules | None:
    """What the groups for a crawler (its product token, small letters) say together; None if none
    is meant for it by name. `*` is whom no group names."""
    found = [rules for agents, rules in robots.groups if agent in map(_token, agents)]
    return tuple(rule for rules in found for rule in rules) if found else None


def _token(agent: str) -> str:
    """`googlebot` of `googlebot/2.1`."""
    found = _TOKEN.match(agent)
    return found[0] if found else agent


def blocks(rules: Rules) -> Callable[[str], str | None]:
    """A function from a path of the host (percent-encoding undone) to the pattern that keeps the
    crawler from it, or None. The longest pattern that matches counts, and of two as long the one
    that allows."""
    compiled = [
        (None if allows else pattern, _regex(pattern))
        for allows, pattern in sorted(rules, key=lambda rule: (-len(rule[1]), not rule[0]))
    ]

    def blocked(path: str) -> str | None:
        return next((pattern for pattern, regex in compiled if regex.match(path)), None)

    return blocked


def _regex(pattern: str) -> re.Pattern[str]:
    """`*` is any number of characters, `$` at the end the end; encoded they mean themselves."""
    is_whole = pattern.endswith("$")
    parts = _literals(pattern.removesuffix("$").split("*"))
    return re.compile(".*?".join(parts) + (r"\Z" if is_whole else ""), re.DOTALL)


def _literals(parts: Iterable[str]) -> list[str]:
    return [re.escape(urls.decoded(part)) for part in parts]

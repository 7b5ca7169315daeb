"""Which files are fetched from the site to see that it serves what was published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain, zip_longest

from workflow.deploy.objects import Wanted
from workflow.deploy.plan import Plan
from workflow.deploy.source import Source
from workflow.deploy.target import Target
from workflow.deploy.verification import Expected, Verified, verify

_UNCHANGED = 3
"""So many that did not change, at most: enough to see that they are still served."""


def see_it_served(
    target: Target,
    source: Source,
    plan: Plan,
    check: Callable[[], None],
    say: Callable[[str], None],
    *,
    types: bool = True,
) -> Verified:
    """Wait until the site serves a sample of what was published; `types` compares their content
    types as well. Raises TaskFailed, as `verify` does."""
    options = target.deploy.verify
    looked_at = expected(source, plan, options.sample)
    if not types:
        looked_at = [replace(one, content_type=None) for one in looked_at]
    return verify(
        target.verify_url, looked_at, seconds=options.timeout_seconds, check=check, say=say
    )


def expected(source: Source, plan: Plan, most: int) -> list[Expected]:
    """At most `most` files: the home page, then what changed, pages and assets in turn and spread
    over the whole site, then a few that did not. The same plan gives the same sample."""
    changed = {step.path for step in plan.sending}
    everything = sorted(source.wanted.values(), key=lambda one: one.path)
    # What a website's redirect answers has no body to compare.
    served = [one for one in everything if "x-amz-website-redirect-location" not in one.headers]
    new = [one for one in served if one.path in changed]
    old = [one for one in served if one.path not in changed]
    home = [one for one in served if one.path == "index.html"]
    picked = chain(
        home, _spread(_in_turn(new), most), _spread(_in_turn(old), min(_UNCHANGED, most))
    )
    unique = {one.path: one for one in picked}
    return [
        Expected(one.path, one.sha256, one.headers.get("Content-Type"), one.size)
        for one in list(unique.values())[:most]
    ]


def _in_turn(files: Sequence[Wanted]) -> list[Wanted]:
    """Pages and assets alternately, each spread evenly, so that every beginning has of both."""
    pages = [one for one in files if one.phase == "pages"]
    assets = [one for one in files if one.phase != "pages"]
    return [one for pair in zip_longest(pages, assets) for one in pair if one is not None]


def _spread(files: Sequence[Wanted], most: int) -> list[Wanted]:
    if len(files) <= most:
        return list(files)
    return [files[number * len(files) // most] for number in range(most)]

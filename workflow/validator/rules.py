"""All rules in one table, and the one pass that holds a site against them.

The modules with the rules are imported when they are needed: `workflow --help` needs none.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from workflow.validator.findings import Finding, Rule

if TYPE_CHECKING:
    from pathlib import Path

    from workflow.validator.external.verdict import Options
    from workflow.validator.links.resolving import Resolver
    from workflow.validator.sites import Site


@functools.cache
def all_rules() -> Mapping[str, Rule]:
    """Every rule by its code, in the order in which the documentation has them."""
    from workflow.validator.content import rules as content_rules
    from workflow.validator.external import links as external
    from workflow.validator.links import link_rules
    from workflow.validator.seo import page_rules, site_rules

    modules = (link_rules, page_rules, site_rules, external, content_rules)
    return {rule.code: rule for module in modules for rule in module.RULES}


def check(
    site: Site,
    progress: Callable[[], None] = lambda: None,
    *,
    external: Options | None = None,
    cache: Path | None = None,
) -> list[Finding]:
    """Everything that the rules find in the site, not yet graded.

    `progress` is called now and then; what it raises (a deadline, say) ends the check. Other hosts
    are asked as `external` says, none without; `cache` is a file for their answers.
    """
    from workflow.validator.links.link_rules import link_findings
    from workflow.validator.links.resolving import Resolver
    from workflow.validator.seo.page_rules import page_findings
    from workflow.validator.seo.site_rules import site_findings

    resolver = Resolver(site)
    found = list(link_findings(site, resolver))
    progress()
    for number, path in enumerate(sorted(site.pages)):
        found += page_findings(path, site.pages[path], site)
        if number % 256 == 0:
            progress()
    found += site_findings(site, resolver)
    if external is not None:
        found += _elsewhere(site, resolver, external, cache, progress)
    return found


def _elsewhere(
    site: Site,
    resolver: Resolver,
    options: Options,
    cache: Path | None,
    progress: Callable[[], None],
) -> Iterator[Finding]:
    from workflow.validator.external import links as external

    addresses = external.external_addresses(site, resolver, fragments=options.check_fragments)
    answers = external.check_external(addresses, options, cache=cache, check=progress)
    return external.external_findings(site, resolver, answers)

"""All rules in one table, and the one pass that holds a site against them.

The modules with the rules are imported when they are needed: `workflow --help` needs none.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from workflow.validator.findings import Finding, Rule

if TYPE_CHECKING:
    from workflow.validator.sites import Site


@functools.cache
def all_rules() -> Mapping[str, Rule]:
    """Every rule by its code, in the order in which the documentation has them."""
    from workflow.validator import external, link_rules, page_rules, site_rules

    modules = (link_rules, page_rules, site_rules, external)
    return {rule.code: rule for module in modules for rule in module.RULES}


def check(site: Site, progress: Callable[[], None] = lambda: None) -> list[Finding]:
    """Everything that the rules find in the site, page after page, not yet graded.

    `progress` is called now and then; what it raises (a deadline, say) ends the check.
    """
    from workflow.validator.link_rules import link_findings
    from workflow.validator.page_rules import page_findings
    from workflow.validator.resolving import Resolver
    from workflow.validator.site_rules import site_findings

    resolver = Resolver(site)
    found = list(link_findings(site, resolver))
    progress()
    for number, path in enumerate(sorted(site.pages)):
        found += page_findings(path, site.pages[path], site)
        if number % 256 == 0:
            progress()
    found += site_findings(site, resolver)
    return found

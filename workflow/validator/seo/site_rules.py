"""All rules that hold pages and files of a site against each other."""

from __future__ import annotations

from collections.abc import Iterator

from workflow.validator.findings import Finding, Rule
from workflow.validator.links.resolving import Resolver
from workflow.validator.seo import (
    canonical_rules,
    double_rules,
    file_rules,
    hreflang_rules,
    robots_rules,
    sitemap_rules,
    social_rules,
)
from workflow.validator.seo.survey import survey
from workflow.validator.sites import Site

RULES: tuple[Rule, ...] = (
    canonical_rules.RULES
    + hreflang_rules.RULES
    + sitemap_rules.RULES
    + robots_rules.RULES
    + double_rules.RULES
    + social_rules.RULES
    + file_rules.RULES
)


def site_findings(site: Site, resolver: Resolver) -> Iterator[Finding]:
    """What is wrong with pages and files as parts of the site."""
    known = survey(site, resolver)
    yield from canonical_rules.canonical_findings(known)
    yield from hreflang_rules.hreflang_findings(known)
    yield from sitemap_rules.sitemap_findings(known)
    yield from robots_rules.robots_findings(known)
    yield from double_rules.double_findings(known)
    yield from social_rules.social_findings(known)
    yield from file_rules.file_findings(known)

"""All rules that a page can be held against by itself."""

from __future__ import annotations

from collections.abc import Iterator

from workflow.validator.facts import Page
from workflow.validator.findings import Finding, Rule
from workflow.validator.seo import body_rules, head_rules
from workflow.validator.seo.page_kinds import is_alias, is_proof
from workflow.validator.sites import Site

RULES: tuple[Rule, ...] = head_rules.RULES + body_rules.RULES


def page_findings(path: str, page: Page, site: Site) -> Iterator[Finding]:
    """What is wrong with one page, looked at alone. Nobody reads an alias, nor the page by which a
    search engine knows the owner: all that is wrong with those is a failed template, or markup that
    is not closed."""
    if page.leftovers:
        yield from body_rules.leftover_findings(path, page)
    if page.unclosed:
        yield body_rules.unclosed_finding(path, page.unclosed)
    if not is_alias(page) and not is_proof(path):
        yield from head_rules.head_findings(path, page, site)
        yield from body_rules.body_findings(path, page, site)

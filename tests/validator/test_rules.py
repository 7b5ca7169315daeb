"""The table of all rules, and that the documentation has it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from workflow.validator.files.reading import read_site
from workflow.validator.findings import Rule, Severity
from workflow.validator.links import link_rules
from workflow.validator.rules import all_rules, check
from workflow.validator.seo import page_rules, site_rules

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "validation.md"


def row(rule: Rule) -> str:
    """A line of the documentation's table."""
    return f"| `{rule.code}` | {rule.severity} | {rule.summary} | {rule.hint} |"


def test_every_rule_is_in_the_documentation_with_severity_and_hint() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    missing = [row(rule) for rule in all_rules().values() if row(rule) not in text]
    assert missing == [], "\n".join(missing)
    listed = re.findall(r"^\| `([a-z0-9-]+)` \| (?:error|warning|notice) \|", text, re.MULTILINE)
    assert listed == list(all_rules())


def test_no_two_rules_have_one_code() -> None:
    modules = (link_rules, page_rules, site_rules)
    codes = [rule.code for module in modules for rule in module.RULES]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.code)
def test_a_rule_says_what_it_finds_and_what_to_do(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+|noindex", rule.code)
    assert rule.severity in get_args(Severity)
    assert rule.summary and rule.hint
    assert "\n" not in rule.summary + rule.hint


def test_a_site_is_held_against_the_rules_of_every_module(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<a href="/gone/">x</a>')
    site = read_site(tmp_path, base_url="https://example.org/", cache=None)
    codes = {one.code for one in check(site)}
    for module in (link_rules, page_rules, site_rules):
        assert codes & {rule.code for rule in module.RULES}, module.__name__


def test_a_check_can_be_ended(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def enough() -> None:
        raise Enough

    (tmp_path / "index.html").write_text("x")
    site = read_site(tmp_path, base_url=None, cache=None)
    with pytest.raises(Enough):
        check(site, enough)

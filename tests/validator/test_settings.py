"""What workflow.yaml says of validation, and what an environment adds to it."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from workflow.config import Config, load_config
from workflow.settings.validate import FailOn, Grade, RuleCode
from workflow.validator import grading, settings
from workflow.validator.external.verdict import Options
from workflow.validator.rules import all_rules

YAML = """\
version: 1
sites: {main: {path: site}}
environments:
  dev: {base_url: "http://localhost:1313/"}
  staging:
    base_url: https://staging.example.com/
    validate:
      rules: {noindex: off, title-long: error}
      ignore:
        - {rule: link-broken, page: "drafts/**", reason: they are not linked yet}
      fail_on: warning
  live: {base_url: "https://www.example.com/", approval: phrase}
validate:
  rules: {title-long: off, h1-many: warning}
  ignore:
    - {url: "https://intranet.example.com/**", reason: only reached from the office}
forms:
  contact: {id: 123456789012345}
  order: {id: "223456789012345"}
"""


def configured(root: Path, text: str = YAML) -> Config:
    (root / "workflow.yaml").write_text(text)
    return load_config(root)


def test_an_environment_adds_to_what_counts_for_all_and_overrides_it(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert config.problems == ()
    wish = settings.configured(config, "main", "staging", None, tmp_path)
    assert wish.grades == {"title-long": "error", "h1-many": "warning", "noindex": "off"}
    assert [one.reason for one in wish.ignores] == [
        "only reached from the office",
        "they are not linked yet",
    ]
    assert wish.fail_on == "warning"
    assert wish.base_url == "https://staging.example.com/"
    assert wish.form_ids == frozenset({"123456789012345", "223456789012345"})
    assert wish.baseline == tmp_path / "baselines" / "main.json"
    assert wish.hugo_site == (tmp_path / "site").resolve()
    dev = settings.configured(config, "main", "dev", None, tmp_path)
    assert dev.grades == {"title-long": "off", "h1-many": "warning"}
    assert (dev.fail_on, len(dev.ignores)) == ("error", 1)


def test_what_the_site_was_built_for_counts_before_the_environments_address(tmp_path: Path) -> None:
    built = "https://preview.example.com/"
    wish = settings.configured(configured(tmp_path), "main", "dev", built, tmp_path)
    assert wish.base_url == built


def test_an_environment_is_production_by_its_name_or_its_phrase(tmp_path: Path) -> None:
    config = configured(tmp_path)
    productive = {
        name: settings.configured(config, "main", name, None, tmp_path).is_production
        for name in config.environments
    }
    assert productive == {"dev": False, "staging": False, "live": True}
    assert settings.is_production("main", "phrase")
    assert not settings.is_production(None)


def test_other_hosts_are_asked_only_if_somebody_says_so(tmp_path: Path) -> None:
    quiet = configured(tmp_path)
    assert settings.configured(quiet, "main", "dev", None, tmp_path).external is None
    asked = settings.configured(quiet, "main", "dev", None, tmp_path, external=True).external
    assert asked == Options()
    text = "version: 1\nvalidate: {external: {enabled: true, allow: [example.org], per_host: 1}}\n"
    always = settings.configured(configured(tmp_path, text), None, None, None, tmp_path).external
    assert always == Options(allow=("example.org",), per_host=1)


def test_without_forms_none_is_unknown(tmp_path: Path) -> None:
    config = configured(tmp_path, "version: 1\n")
    assert settings.configured(config, None, None, None, tmp_path).form_ids is None


WRONG = [
    pytest.param("validate:\n  rules: {link-brokn: off}", "link-broken", 3, id="no rule"),
    pytest.param("validate:\n  rules: {link-broken: warn}", "warning", 3, id="no severity"),
    pytest.param("validate:\n  ignore: [{rule: link-broken}]", None, 3, id="no reason"),
    pytest.param("validate:\n  ignore: [{reason: because}]", None, 3, id="no pattern"),
    pytest.param("validate:\n  fail_on: allways", None, 3, id="no gate"),
    pytest.param("validate:\n  baselin: x", "baseline", 3, id="no key"),
    pytest.param("forms: {contact: {id: abc}}", None, 2, id="no form's id"),
]


@pytest.mark.parametrize(("text", "meant", "line"), WRONG)
def test_what_is_wrong_is_told_with_its_line_and_what_was_meant(
    tmp_path: Path, text: str, meant: str | None, line: int
) -> None:
    config = configured(tmp_path, f"version: 1\n{text}\n")
    (problem,) = config.problems
    assert problem.line == line
    assert "[key]" not in problem.sentence()
    if meant is not None:
        assert meant in problem.did_you_mean


def test_a_wrong_rule_of_one_environment_leaves_the_others_alone(tmp_path: Path) -> None:
    text = YAML.replace("noindex: off", "noindx: off")
    config = configured(tmp_path, text)
    assert list(config.environments) == ["dev", "live"]
    assert "environments.staging" in config.broken


def test_workflow_yaml_knows_every_rule_and_no_other() -> None:
    assert sorted(get_args(RuleCode)) == sorted(all_rules())


def test_both_sides_have_the_same_severities() -> None:
    assert get_args(Grade) == get_args(grading.Grade)
    assert get_args(FailOn) == get_args(grading.FailOn)

"""The task site-validate, from `submit` to a result that a site's owner acts on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.program import Program
from tests.sites import change

HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><title>{{ .Title }} of the sample</title>'
    '<meta name="description" content="{{ .Title }}, told at some length"></head>\n'
)
FOOT = '<footer>\n<a href="/">Home</a>\n</footer></body></html>\n'
LAYOUTS = {
    "layouts/index.html": HEAD + "<body><h1>{{ .Title }}</h1>{{ .Content }}"
    '{{ range site.RegularPages }}<a href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}'
    '<a href="/posts/">Posts</a>{{ partial "foot.html" . }}',
    "layouts/_default/single.html": HEAD + "<body><h1>{{ .Title }}</h1>{{ .Content }}"
    '{{ partial "foot.html" . }}',
    "layouts/_default/list.html": HEAD + '<body><h1>{{ .Title }}</h1>{{ partial "foot.html" . }}',
    "layouts/partials/foot.html": FOOT,
}
POSTS = {
    f"content/posts/p{number}.md": f"---\ntitle: Post number {number}\n---\nText {number}.\n"
    for number in range(6)
}
GONE = "---\ntitle: The first post\n---\n\nSee [the offer](/offer/).\n"


@pytest.fixture
def site(program: Program) -> Path:
    """A site without a mistake, not built yet."""
    return change(program.root / "site", {**LAYOUTS, **POSTS})


def build(program: Program) -> None:
    task_id = program.submit("hugo-build", "--env", "staging")
    program("sweep")
    assert program.result(task_id)["status"] == "success"


def validate(program: Program, *words: str, env: str = "staging") -> dict[str, Any]:
    task_id = program.submit("site-validate", "--env", env, *words)
    assert program("sweep").code == 0
    return program.result(task_id)


def logs(program: Program, result: dict[str, Any]) -> Path:
    (found,) = program.root.glob(f"results/*/{result['task_id']}.logs")
    return found


def test_a_site_without_mistakes_may_be_deployed(program: Program, site: Path) -> None:
    build(program)
    result = validate(program)
    assert result["status"] == "success", result["error"]
    assert result["verification"]["verdict"] == "proceed_to_deploy", result["verification"]
    outputs = result["outputs"]
    assert (outputs["passed"], outputs["error_count"], outputs["errors"]) == (True, 0, [])
    assert outputs["pages"] >= 10
    assert outputs["base_url"] == "https://staging.example.com/"
    assert program("verify", result["task_id"]).code == 0


def test_a_broken_link_fails_with_content_file_line_and_what_to_do(
    program: Program, site: Path
) -> None:
    change(site, {"content/posts/one.md": GONE})
    build(program)
    result = validate(program)
    assert result["status"] == "failed"
    error = result["error"]
    assert (error["code"], error["action"]) == ("findings", "fix")
    assert (error["file"], error["line"]) == ("content/posts/one.md", 5)
    assert "/offer/" in error["message"]
    assert error["hint"]
    outputs = result["outputs"]
    assert (outputs["passed"], outputs["error_count"]) == (False, 1)
    assert outputs["by_rule"]["link-broken"] == 1
    assert outputs["causes"][0]["source"] == "content/posts/one.md:5"
    ran = program("verify", result["task_id"])
    assert ran.code == 3
    assert "/offer/" in ran.err


def test_a_mistake_of_a_template_is_one_cause_with_the_templates_line(
    program: Program, site: Path
) -> None:
    change(site, {"layouts/partials/foot.html": FOOT.replace('"/"', '"/imprint/"')})
    build(program)
    result = validate(program)
    (cause,) = [one for one in result["outputs"]["causes"] if one["code"] == "link-broken"]
    assert cause["template"] is True
    assert "- error link-broken on" in result["body"]
    assert cause["source"] == "layouts/partials/foot.html:2"
    assert cause["pages"] >= 10
    assert result["error"]["file"] == "layouts/partials/foot.html"
    assert len(result["outputs"]["errors"]) == 1


def test_all_findings_lie_beside_the_log_as_json_and_sarif(program: Program, site: Path) -> None:
    change(site, {"content/posts/one.md": GONE})
    build(program)
    result = validate(program)
    folder = logs(program, result)
    said = json.loads((folder / result["outputs"]["findings_file"]).read_text())
    (found,) = [one for one in said["findings"] if one["code"] == "link-broken"]
    assert (found["page"], found["source"]) == ("posts/one/index.html", "content/posts/one.md:5")
    assert found["line"] and found["column"] and "/offer/" in found["excerpt"]
    sarif = json.loads((folder / result["outputs"]["sarif_file"]).read_text())
    assert sarif["version"] == "2.1.0"
    assert len(sarif["runs"][0]["results"]) == len(said["findings"])


def test_the_environment_says_what_counts(program: Program, site: Path) -> None:
    change(site, {"content/posts/one.md": GONE})
    build(program)
    config = program.root / "workflow.yaml"
    text = config.read_text()
    config.write_text(text + "validate: {rules: {link-broken: warning}}\n")
    assert validate(program)["status"] == "success"
    config.write_text(
        text + "validate:\n  ignore: [{url: /offer/, reason: comes in May}, "
        "{page: 'none/**', reason: went long ago}]\n"
    )
    ignored = validate(program)
    assert (ignored["status"], ignored["outputs"]["ignored"]) == ("success", 1)
    assert "went long ago" in ignored["body"]
    config.write_text(text + "validate: {rules: {link-brokn: off}}\n")
    task_id = program.submit("site-validate", "--env", "staging")
    program("sweep")
    refused = program.result(task_id)
    assert (refused["status"], refused["error"]["code"]) == ("failed", "bad_config")
    assert "link-broken" in refused["error"]["message"]


def test_only_new_findings_fail_once_there_is_a_baseline(program: Program, site: Path) -> None:
    change(site, {"content/posts/one.md": GONE})
    build(program)
    assert validate(program)["status"] == "failed"
    written = validate(program, "--set", "update_baseline=true")
    assert written["status"] == "success"
    assert "/offer/" in (program.root / "baselines/main.json").read_text()
    again = validate(program)
    assert (again["status"], again["outputs"]["known"]) == ("success", written["outputs"]["known"])
    change(site, {"content/posts/two.md": GONE.replace("offer", "other")})
    build(program)
    new = validate(program)
    assert (new["status"], "/other/" in new["error"]["message"]) == ("failed", True)


def test_what_was_built_for_another_environment_is_judged_by_its_own_address(
    program: Program, site: Path
) -> None:
    change(site, {"content/posts/one.md": GONE.replace("/offer/", "https://staging.example.com/")})
    build(program)
    result = validate(program, env="dev")
    assert result["outputs"]["built_for"] == "staging"
    assert result["outputs"]["base_url"] == "https://staging.example.com/"
    assert result["status"] == "success", result["error"]
    assert "main for dev, but public/ was built for staging." in result["body"]
    assert "workflow submit hugo-build --env dev" in result["body"]
    assert "Ready for deployment" not in result["body"]
    own = validate(program)
    assert "built_for" not in own["outputs"] and "was built for" not in own["body"]


def test_a_site_that_is_not_built_is_told_so(program: Program) -> None:
    result = validate(program)
    assert (result["error"]["code"], result["error"]["action"]) == ("not_built", "fix")
    assert "workflow submit hugo-build --env staging" in result["error"]["hint"]


def test_a_task_reaches_no_other_folder(program: Program, site: Path) -> None:
    build(program)
    public = str(site / "public")
    assert validate(program, "--set", f"public_dir={public}")["status"] == "success"
    for folder in ("/etc", ".."):
        result = validate(program, "--set", f"public_dir={folder}")
        assert result["error"]["code"] == "not_the_sites_folder"


def test_two_checks_of_one_site_say_the_same(program: Program, site: Path) -> None:
    change(site, {"content/posts/one.md": GONE})
    build(program)
    first, second = validate(program), validate(program)
    assert first["outputs"] == second["outputs"]
    assert (logs(program, first) / "findings.json").read_text() == (
        logs(program, second) / "findings.json"
    ).read_text()

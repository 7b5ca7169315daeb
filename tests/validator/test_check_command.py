"""`workflow check`: any built folder, no exchange, the same rules; for people, programs and CI."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.program import Ran
from workflow.cli import Place, body
from workflow.errors import WorkflowError
from workflow.validator.files import reading

REPOSITORY = Path(__file__).parent.parent.parent


def page(body: str, title: str = "A page of the sample") -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<title>{title}</title><meta name="description" content="About {title}"></head>'
        f"<body><h1>{title}</h1>{body}</body></html>\n"
    )


GOOD = {
    "index.html": page('<a href="/about/">About</a>', "Home of the sample"),
    "about/index.html": page('<a href="/">Home</a>', "About the sample"),
}
BROKEN = {**GOOD, "about/index.html": page('\n<a href="/gone/">Gone</a>', "About the sample")}


class Shell:
    """A folder to stand in, with a built site in `public`, and the program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.home = folder / "home"
        self.home.mkdir()
        self.write(BROKEN)

    def write(self, files: dict[str, str], under: str = "public") -> None:
        for name, text in files.items():
            path = self.folder / under / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def __call__(self, *words: str) -> Ran:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("CLAUDE", "WORKFLOW"))}
        kept.pop("XDG_CACHE_HOME", None)
        ran = subprocess.run(
            [sys.executable, "-m", "workflow", "check", *words],
            cwd=self.folder,
            env={**kept, "HOME": str(self.home), "PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)


@pytest.fixture
def check(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def errors(data: dict[str, Any]) -> list[tuple[str, str]]:
    return [(f["code"], f["page"]) for f in data["findings"] if f["severity"] == "error"]


def test_a_broken_link_is_told_and_ends_with_3(check: Shell) -> None:
    ran = check("public")
    assert ran.code == 3
    assert ran.out.startswith("1 error")
    assert "error link-broken on about/index.html" in ran.out
    assert "link-broken" in ran.err


def test_a_site_without_errors_ends_with_0(check: Shell) -> None:
    check.write(GOOD)
    ran = check("public")
    assert (ran.code, "error " in ran.out) == (0, False), ran.out


def test_a_folder_without_a_page_is_not_well(check: Shell) -> None:
    check.write({"styles.css": "a{color:red}"}, "nothing")
    ran = check("nothing")
    assert ran.code == 2
    assert "there is no page in" in ran.err and "public/" in ran.err


def test_json_has_every_finding_with_its_place_in_one_envelope(check: Shell) -> None:
    ran = check("public", "--json")
    assert (ran.code, ran.json["schema"], ran.json["ok"]) == (3, "workflow/1", False)
    assert ran.json["error"]["code"] == "findings"
    (found,) = [one for one in ran.data["findings"] if one["code"] == "link-broken"]
    assert (found["page"], found["line"], found["url"]) == ("about/index.html", 2, "/gone/")
    assert 'href="/gone/"' in found["excerpt"]
    assert found["hint"] if "hint" in found else ran.data["causes"][0]["hint"]
    assert ran.data["pages"] == 2


def test_a_comment_that_nothing_closes_is_an_error_where_it_begins(check: Shell) -> None:
    check.write(
        {**GOOD, "about/index.html": page("\n<p>x</p>\n  <!-- not yet <p>y</p>", "About it")}
    )
    ran = check("public", "--json")
    (found,) = [one for one in ran.data["findings"] if one["code"] == "markup-unclosed"]
    assert (found["page"], found["severity"]) == ("about/index.html", "error")
    assert (found["line"], found["column"]) == (3, 3)
    assert found["excerpt"].startswith("<!-- not yet <p>y</p>")


def test_one_field_serves_where_a_pipe_would(check: Shell) -> None:
    assert check("public", "--field", "data.error_count").out == "1\n"


@pytest.mark.parametrize(
    "words",
    [
        ["--rule", "link-broken=off"],
        ["--rule", "link-broken=warning"],
        ["--ignore", "page=about/**"],
        ["--ignore", "rule=link-broken,url=/gone/"],
        ["--fail-on", "never"],
    ],
)
def test_the_gate_can_be_told_what_to_let_pass(check: Shell, words: list[str]) -> None:
    assert check("public", *words).code == 0


def test_the_gate_can_be_made_stricter(check: Shell) -> None:
    check.write(GOOD)
    assert check("public", "--rule", "title-short=error", "--fail-on", "notice").code == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere"),
        (["public", "--rule", "link-brokn=off"], "link-broken"),
        (["public", "--rule", "link-broken=loud"], "warning"),
        (["public", "--rule", "link-broken"], "off"),
        (["public", "--ignore", "pages=x"], "page"),
        (["public", "--ignore", "page="], "pattern"),
        (["public", "--fail-on", "errors"], "error"),
        (["public", "--scope", "all"], "content"),
        (["public", "--base-url", "www.example.com"], "--base-url"),
        (["public", "--update-baseline"], "--baseline"),
        (["public", "--config", "nowhere"], "workflow.yaml"),
        (["public", "--sarif", "nowhere/out.sarif"], "there is no folder nowhere"),
    ],
)
def test_wrong_use_is_told_and_ends_with_2(check: Shell, words: list[str], said: str) -> None:
    ran = check(*words)
    assert ran.code == 2, ran.out
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_known_findings_fail_no_more_and_new_ones_do(check: Shell) -> None:
    first = check("public", "--baseline", "known.json")
    assert first.code == 3
    assert "there is no known.json: nothing is known" in first.err
    assert check("public", "--baseline", "known.json", "--update-baseline").code == 0
    again = check("public", "--baseline", "known.json", "--json")
    assert (again.code, again.data["new"]) == (0, 0)
    assert again.data["known"] >= 1
    check.write({"new/index.html": page('<a href="/lost/">x</a>', "A new page here")})
    after = check("public", "--baseline", "known.json", "--json")
    assert after.code == 3
    assert ("link-broken", "new/index.html") in errors(after.data)
    check.write({**GOOD, "new/index.html": page('<a href="/">x</a>', "A new page here")})
    mended = check("public", "--baseline", "known.json", "--json")
    assert (mended.code, mended.data["fixed"]) == (0, 1)
    assert any("baseline" in note for note in mended.json["warnings"])


def test_what_ignores_nothing_is_told(check: Shell) -> None:
    ran = check("public", "--ignore", "page=none/**", "--json")
    assert any("page none/**" in note for note in ran.json["warnings"])


def test_sarif_and_annotations_name_files_as_seen_from_here(check: Shell) -> None:
    ran = check("public", "--sarif", "out.sarif", "--github")
    document = json.loads((check.folder / "out.sarif").read_text())
    results = document["runs"][0]["results"]
    (broken,) = [one for one in results if one["ruleId"] == "link-broken"]
    place = broken["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "public/about/index.html"
    assert place["region"]["startLine"] == 2
    assert "::error file=public/about/index.html,line=2,col=" in ran.out


def test_the_content_file_is_named_where_the_folder_lies_in_a_hugo_site(check: Shell) -> None:
    check.write(
        {
            "hugo.toml": "title = 'x'\n",
            "content/about.md": "---\ntitle: About\n---\n\n[Gone](/gone/)\n",
        },
        "site",
    )
    check.write(BROKEN, "site/public")
    ran = check("site/public", "--github")
    assert "in content/about.md:5:" in ran.out
    assert "::error file=site/content/about.md,line=5,title=link-broken::" in ran.out


def test_facts_are_kept_in_the_users_cache_unless_nothing_is_to_be_kept(check: Shell) -> None:
    check("public", "--no-cache")
    assert not (check.home / ".cache").exists()
    first = check("public", "--json").data["findings"]
    assert list((check.home / ".cache/workflow/validator").iterdir())
    assert check("public", "--json").data["findings"] == first


def test_a_workflow_yaml_counts_for_the_folder_of_one_of_its_sites(check: Shell) -> None:
    (check.folder / "workflow.yaml").write_text(
        "version: 1\nsites: {main: {path: .}}\n"
        "environments:\n  live: {base_url: https://www.example.com/,\n"
        "    validate: {rules: {link-broken: error}}}\n"
        "validate: {rules: {link-broken: notice}}\n"
    )
    assert check("public").code == 0
    assert check("public", "--env", "live").code == 3
    assert check("public", "--rule", "link-broken=error").code == 3
    unknown = check("public", "--env", "liv")
    assert (unknown.code, "live" in unknown.err) == (2, True)
    check.write(BROKEN, "other")
    assert check("other").code == 3, "another folder is none of its business"
    assert check("other", "--config", "workflow.yaml").code == 0
    (check.folder / "workflow.yaml").write_text("version: 1\nvalidate: {rules: {no: off}}\n")
    assert check("other", "--config", ".").code == 2


def test_a_start_without_workflow_yaml_needs_no_heavy_library(check: Shell) -> None:
    heavy = ("pydantic", "rich", "ruamel", "yaml", "requests", "httpx", "boto3", "filelock")
    program = (
        "import sys\nfrom workflow.cli import run\n"
        "run(['check', 'public'])\n"
        f"print('HEAVY', [name for name in {heavy!r} if name in sys.modules])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=check.folder,
        env={**os.environ, "HOME": str(check.home), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "HEAVY []" in ran.stdout, ran.stdout + ran.stderr


@pytest.mark.parametrize("folder", ["site", "site/content", "site/public"])
def test_content_is_checked_before_anything_is_built(check: Shell, folder: str) -> None:
    check.write(
        {
            "hugo.toml": "title = 'x'\n",
            "content/about.md": "---\ntitle: About\n---\n\n[Gone](/gone/) [Home](/)\n",
            "content/_index.md": "---\ntitle: Home\n---\n[About](/about/)\n",
        },
        "site",
    )
    (check.folder / folder).mkdir(exist_ok=True)
    ran = check(folder, "--scope", "content", "--json", "--sarif", "out.sarif")
    assert ran.code == 3, ran.err
    (found,) = [one for one in ran.data["findings"] if one["severity"] == "error"]
    assert (found["page"], found["line"]) == ("content/about.md", 5)
    results = json.loads((check.folder / "out.sarif").read_text())["runs"][0]["results"]
    places = [one["locations"][0]["physicalLocation"] for one in results]
    assert "site/content/about.md" in [one["artifactLocation"]["uri"] for one in places]
    assert check("public", "--scope", "content").code == 2


def test_a_baseline_holds_what_either_scope_finds(check: Shell) -> None:
    check.write(
        {
            "hugo.toml": "title = 'x'\n",
            "content/about.md": "---\ntitle: About\n---\n\n[Gone](/gone/)\n",
        },
        "site",
    )
    check.write(BROKEN, "site/public")
    for scope in ("site", "content"):
        known = ("site/public", "--scope", scope, "--baseline", "known.json")
        assert check(*known, "--update-baseline").code == 0
    for scope in ("site", "content"):
        ran = check("site/public", "--scope", scope, "--baseline", "known.json", "--json")
        assert (ran.code, ran.data["new"], ran.data["fixed"]) == (0, 0, 0), scope


NO_UTF8 = ("caf%E9.html", "link-broken")


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems allow no such names")
def test_bytes_that_are_no_utf_8_are_told_in_every_form(check: Shell) -> None:
    check.write({"index.html": page('<a href="/about/">x</a><a href="/%FCber/">y</a>')})
    name = os.fsencode(check.folder / "public") + b"/caf\xe9.html"
    with open(name, "w") as file:
        file.write(page('\n<a href="/gone/">x</a>', "A file of another age"))
    words = ("public", "--sarif", "out.sarif", "--baseline", "known.json")
    found = check(*words, "--json").data["findings"]
    (broken,) = [one for one in found if one.get("url") == "/%FCber/"]
    assert broken["message"].startswith("/%FCber/ is not there")
    (inside,) = [one for one in found if (one["page"], one["code"]) == NO_UTF8]
    assert inside["line"] == 2
    assert "caf%25E9.html" in (check.folder / "out.sarif").read_text()
    assert check(*words, "--update-baseline").code == 0
    assert check(*words, "--json").data["new"] == 0


def test_a_file_that_vanishes_while_the_folder_is_read_is_no_defect(
    check: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = reading._walk

    def late(root: str, progress: Any) -> Any:
        yield from [*walk(root, progress)]
        (check.folder / "public/about/index.html").unlink()

    monkeypatch.setattr(reading, "_walk", late)
    with pytest.raises(WorkflowError, match="the folder was changed while it was read") as told:
        body("check")(Place(None), str(check.folder / "public"), no_cache=True)
    assert told.value.exit == 2
    assert gc.isenabled()


def test_aliases_do_not_hide_what_a_template_does_on_all_other_pages(check: Shell) -> None:
    alias = '<!doctype html><title>x</title><meta http-equiv="refresh" content="0; url=/about/">'
    for number in range(6):
        check.write(
            {f"{number}/index.html": page('<a href="/gone/">x</a>', f"Page {number} of it")}
        )
        check.write({f"old/{number}/index.html": alias, f"older/{number}/index.html": alias})
    (cause,) = [
        one for one in check("public", "--json").data["causes"] if one.get("url") == "/gone/"
    ]
    assert (cause["template"], cause["pages"]) == (True, 7)
    assert "link-broken on 7 of 8 pages" in check("public").out

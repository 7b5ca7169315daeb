"""content-create: a new file in a site's content, whole, where it belongs, and nowhere else."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.content.desk import Desk
from tests.program import CONFIG, Program, make_exchange
from tests.test_disk_full import fill, mounted, read_only
from workflow.handlers import content_create
from workflow.handlers.content_create import OUTPUTS, Params

MATTER = {
    "title": "Summer: “off” we go",
    "date": "2026-06-01",
    "weight": 7,
    "tags": ["auto", "promo"],
    "params": {"hero": {"title": "Drive"}},
}


# -- what is written -----------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "mark"), [("yaml", "---\n"), ("toml", "+++\n"), ("json", "{\n")])
def test_what_was_written_builds_to_the_page_that_was_asked_for(
    desk: Desk, kind: str, mark: str
) -> None:
    outcome = desk.create(front_matter=MATTER, format=kind, body="Into *summer*.")
    assert desk.read("content/posts/new.md").startswith(mark)
    built = desk.built("posts/new/index.html")
    assert "title=Summer: “off” we go|date=2026-06-01|weight=7|tags=auto,promo|hero=Drive" in built
    assert "<p>Into <em>summer</em>.</p>" in built
    assert outcome.outputs["url"] == "/posts/new/"
    assert f"link={outcome.outputs['url']}" in built


def test_the_result_says_what_was_written(desk: Desk) -> None:
    outcome = desk.create(front_matter={"title": "New"}, body="One two three.")
    told = outcome.outputs
    assert set(told) == set(OUTPUTS)
    assert told["file_path"] == "content/posts/new.md"
    assert (told["created"], told["changed"], told["dry_run"]) == (True, True, False)
    assert told["word_count"] == 3
    assert told["digest_before"] is None
    assert told["digest_after"] == desk.digest("content/posts/new.md")
    assert told["diff"].startswith("--- /dev/null\n+++ b/content/posts/new.md\n@@ ")
    assert told["warnings"] == []
    assert outcome.verdict == "Created content/posts/new.md (3 words), the page /posts/new/."
    assert desk.recorded["digest_after"] == told["digest_after"]
    assert stat.S_IMODE((desk.content / "posts/new.md").stat().st_mode) == 0o644


def test_folders_are_made_on_the_way_and_a_page_may_have_its_own(desk: Desk) -> None:
    outcome = desk.create("2026/summer/index.md", front_matter={"title": "Summer"})
    assert outcome.outputs["url"] == "/2026/summer/"
    desk.create("2026/_index.md", front_matter={"title": "The year"})
    assert "title=Summer" in desk.built("2026/summer/index.html")
    assert os.listdir(desk.content / "2026/summer") == ["index.md"]


def test_a_path_may_begin_with_the_content_folder_as_results_say_it(desk: Desk) -> None:
    assert desk.create("content/posts/a.md").outputs["file_path"] == "content/posts/a.md"


def test_the_format_is_that_of_the_files_beside_it(desk: Desk) -> None:
    desk.write({
        "content/news/a.md": "+++\ntitle = 'A'\n+++\n", "content/news/b/index.md": "+++\n+++\n",
        "content/news/c.md": "---\ntitle: C\n---\n", "content/data/a.md": '{"title": "A"}\n',
    })  # fmt: skip
    assert desk.create("news/new.md", front_matter={"title": "N"}).outputs["changed"]
    assert desk.read("content/news/new.md").startswith("+++")
    desk.create("news/deeper/new.md", front_matter={"title": "N"})
    assert desk.read("content/news/deeper/new.md").startswith("+++")
    desk.create("data/new/index.md", front_matter={"title": "N"})
    assert desk.read("content/data/new/index.md").startswith("{")


def test_a_site_without_content_gets_its_first_file(desk: Desk) -> None:
    subprocess.run(["rm", "-r", desk.content], check=True)
    desk.create("first.md", front_matter={"title": "First"})
    assert desk.read("content/first.md").startswith("---")


def test_a_name_is_written_composed_whichever_way_it_was_typed(desk: Desk) -> None:
    typed = unicodedata.normalize("NFD", "posts/über-uns.md")
    assert desk.create(typed).outputs["file_path"] == "content/posts/über-uns.md"
    assert "über-uns.md" in os.listdir(desk.content / "posts")


def test_a_dry_run_writes_nothing_and_gives_the_diff(desk: Desk) -> None:
    before = desk.snapshot()
    outcome = desk.create("deep/er/new.md", front_matter={"title": "N"}, dry_run=True)
    assert desk.snapshot() == before
    assert outcome.rehearsal
    assert "+title: N\n" in outcome.outputs["diff"]
    assert outcome.outputs["created"] and outcome.outputs["dry_run"]
    assert outcome.verdict.startswith("Dry run: would create content/deep/er/new.md")


def test_a_long_diff_is_cut_and_whole_beside_the_log(desk: Desk) -> None:
    body = "".join(f"Line {number}.\n" for number in range(500))
    told = desk.create(front_matter={"title": "N"}, body=body).outputs["diff"]
    assert len(told) < 4200
    assert re.search(r"\[\d+ more lines: changes\.diff beside the log\]\n$", told)
    assert "+Line 499.\n" in (desk.logs / "changes.diff").read_text()


def test_secrets_in_a_text_do_not_reach_the_kept_diff(desk: Desk) -> None:
    desk.create(front_matter={"title": "N"}, body="key AKIAIOSFODNN7EXAMPLE here")
    assert "AKIAIOSFODNN7EXAMPLE" in desk.read("content/posts/new.md")
    assert "AKIAIOSFODNN7EXAMPLE" not in (desk.logs / "changes.diff").read_text()


# -- what is there already -----------------------------------------------------------------------


def test_a_file_that_is_there_is_never_written_over(desk: Desk) -> None:
    failure = desk.refuse(desk.create, "posts/one.md", front_matter={"title": "Other"})
    assert (failure.error.code, failure.error.action) == ("already_exists", "fix")
    assert failure.outputs["digest_before"] == desk.digest("content/posts/one.md")


def test_a_file_that_has_the_very_bytes_already_is_a_success(desk: Desk) -> None:
    desk.create(front_matter=MATTER, body="Text")
    seen = (desk.content / "posts/new.md").stat()
    again = Desk(desk.root, task_id="another").create(front_matter=MATTER, body="Text")
    assert (again.outputs["created"], again.outputs["changed"]) == (False, False)
    assert again.outputs["diff"] == ""
    assert again.verdict == "Nothing to change: content/posts/new.md is already as it was asked."
    assert (desk.content / "posts/new.md").stat().st_mtime_ns == seen.st_mtime_ns


def test_what_is_to_be_overwritten_is_named_by_its_digest(desk: Desk) -> None:
    (desk.content / "posts/one.md").chmod(0o640)
    digest = desk.digest("content/posts/one.md")
    for wrong in ({}, {"digest": "0" * 64}):
        failure = desk.refuse(desk.create, "posts/one.md", overwrite=True, **wrong)
        assert failure.error.code == "digest_differs"
        assert failure.outputs["digest_before"] == digest
    outcome = desk.create("posts/one.md", overwrite=True, digest=digest, body="New.")
    assert outcome.outputs["digest_before"] == digest
    assert (outcome.outputs["created"], outcome.outputs["changed"]) == (False, True)
    assert desk.read("content/posts/one.md").endswith("\nNew.\n")
    assert stat.S_IMODE((desk.content / "posts/one.md").stat().st_mode) == 0o640


def test_to_overwrite_what_is_gone_is_refused(desk: Desk) -> None:
    failure = desk.refuse(desk.create, "posts/gone.md", overwrite=True, digest="0" * 64)
    assert failure.error.code == "digest_differs"


def test_overwriting_is_judged_as_a_whole_new_text(desk: Desk) -> None:
    text = "---\ntitle: A\ntags: one\n---\nOld.\n"
    desk.write({"content/posts/a.md": text})
    digest = desk.digest("content/posts/a.md")
    failure = desk.refuse(
        desk.create, "posts/a.md", front_matter={"title": "A", "tags": "one"}, overwrite=True,
        digest=digest,
    )  # fmt: skip
    assert failure.error.code == "invalid_content"


def test_a_file_that_somebody_makes_meanwhile_stays(desk: Desk) -> None:
    there = desk.content / "posts/new.md"

    def make() -> None:
        there.write_text("mine")

    desk.before_write = make
    with pytest.raises(Exception, match="is there already"):
        desk.create(front_matter={"title": "N"})
    assert there.read_text() == "mine"
    assert sorted(os.listdir(desk.content / "posts")) == ["new.md", "one.md", "two.md"]


# -- where nothing may be written ----------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "../x.md", "posts/../../x.md", "a/../b.md", "/etc/x.md", "~/x.md", "./x.md", "posts//x.md",
        "posts/x.md/", "a\0.md", "a\x1b[31m.md", "a\u202egpj.md", "a\nb.md", "posts\\x.md",
        ".md", ".hidden.md", "posts/.git/x.md", "x.txt", "x.html", "x", "posts/", "",
        "-rf.md", "posts/-x/a.md", "a?.md", "a#b.md", "a%20.md", "a:b.md", "a*.md", "<a>.md",
        " a.md", "posts /a.md", "dot./a.md", "!!!.md", "…/a.md", "x.MD", "x.markdown",
        f"{'a' * 253}.md", "a/" * 500 + "x.md", "a\ud800.md",
    ],
)  # fmt: skip
def test_a_path_that_is_no_pages_is_refused_before_anything_is_looked_at(path: str) -> None:
    with pytest.raises(ValidationError):
        Params.model_validate({"path": path})


@pytest.mark.parametrize(
    "params",
    [
        {"digest": "0" * 64}, {"overwrite": True, "digest": "abc"}, {"archetype": "../x"},
        {"archetype": "--force"}, {"archetype": "a", "format": "yaml"}, {"format": "xml"},
        {"front_matter": ["title"]}, {"unknown": 1},
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Params.model_validate({"path": "a.md", **params})


@pytest.mark.parametrize("path", ["Good Name.md", "über/日本.md", "a+b.md", "_index.md", "a_b.md"])
def test_names_that_hugo_serves_are_taken(desk: Desk, path: str) -> None:
    told = desk.create(f"x/{path}", front_matter={"title": "N"}).outputs
    assert desk.built(f"{told['url']}index.html".lstrip("/"))


def test_symbolic_links_are_not_followed(desk: Desk, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (desk.content / "linked").symlink_to(outside)
    (desk.content / "posts/link.md").symlink_to(outside / "x.md")
    (desk.content / "inner").symlink_to(desk.content / "posts")
    for path in ("linked/a.md", "linked/deep/a.md", "inner/a.md", "posts/link.md"):
        failure = desk.refuse(desk.create, path, front_matter={"title": "N"})
        assert failure.error.code == "symbolic_link", path
    assert os.listdir(outside) == []


def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere(desk: Desk, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()

    def swap() -> None:
        if not (desk.content / "posts").is_symlink():
            (desk.content / "posts").rename(desk.site / "kept")
            (desk.content / "posts").symlink_to(outside)

    desk.before_write = swap
    with pytest.raises(Exception, match="symbolic link"):
        desk.create(front_matter={"title": "N"})
    assert os.listdir(outside) == []
    assert sorted(os.listdir(desk.site / "kept")) == ["one.md", "two.md"]


def test_content_that_lies_outside_of_the_site_is_out_of_reach(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for folder in ("../elsewhere", str(tmp_path / "elsewhere"), ".", ".git"):
        desk.write({"hugo.toml": f'contentDir = "{folder}"\n'})
        assert desk.refuse(desk.create).error.code == "no_content_folder", folder
    desk.write({"hugo.toml": 'contentDir = "linked"\n'})
    (desk.site / "linked").symlink_to(tmp_path / "elsewhere")
    assert desk.refuse(desk.create).error.code == "symbolic_link"
    assert os.listdir(tmp_path / "elsewhere") == []


def test_each_language_may_have_a_content_folder_of_its_own(desk: Desk) -> None:
    desk.write({
        "hugo.toml": 'baseURL = "https://example.org/"\ndefaultContentLanguage = "de"\n'
        '[languages.en]\ncontentDir = "content/en"\n[languages.de]\ncontentDir = "inhalt"\n',
        "content/en/_index.md": "---\ntitle: E\n---\n", "inhalt/_index.md": "---\ntitle: D\n---\n",
    })  # fmt: skip
    told = desk.create("posts/a.md", front_matter={"title": "A"}).outputs
    assert (told["file_path"], told["url"]) == ("inhalt/posts/a.md", "/posts/a/")
    told = desk.create("content/en/posts/a.md", front_matter={"title": "A"}).outputs
    assert (told["file_path"], told["url"]) == ("content/en/posts/a.md", "/en/posts/a/")
    assert "title=A" in desk.built("en/posts/a/index.html")


def test_a_themes_content_is_not_the_sites(desk: Desk) -> None:
    desk.write({
        "hugo.toml": 'theme = "t"\n', "themes/t/content/about.md": "---\ntitle: A\n---\n",
    })  # fmt: skip
    told = desk.create("themes/t/content/x.md").outputs
    assert told["file_path"] == "content/themes/t/content/x.md"
    assert os.listdir(desk.site / "themes/t/content") == ["about.md"]


def test_names_that_differ_by_case_only_are_one_file_to_a_mac(desk: Desk) -> None:
    for path in ("posts/ONE.md", "Posts/new.md"):
        failure = desk.refuse(desk.create, path)
        assert failure.error.code == "name_collides", path


def test_what_is_no_folder_or_no_file_is_told_as_that(desk: Desk) -> None:
    (desk.content / "dir.md").mkdir()
    os.mkfifo(desk.content / "pipe.md")
    desk.write({"content/plain": "x"})
    assert desk.refuse_code("dir.md") == "not_a_file"
    assert desk.refuse_code("pipe.md") == "not_a_file"
    assert desk.refuse_code("plain/a.md") == "not_a_folder"


def test_a_site_that_is_none_is_told(desk: Desk) -> None:
    (desk.site / "hugo.toml").unlink()
    failure = desk.refuse(desk.create)
    assert (failure.error.code, failure.error.action) == ("site_not_found", "escalate")
    failure = desk.refuse(desk.create, site_path="other")
    assert (failure.error.code, failure.error.action) == ("no_such_site", "fix")
    assert content_create.resources(Params(path="a.md", site_path="other"), desk.config) == ()


def test_a_text_of_fifty_megabytes_is_refused(desk: Desk) -> None:
    failure = desk.refuse(desk.create, body="word " * (10 << 20))
    assert failure.error.code == "file_too_large"
    desk.write({"content/big.md": b"x" * (50 << 20)})
    assert desk.refuse(desk.create, "big.md").error.code == "file_too_large"


# -- archetypes ----------------------------------------------------------------------------------

ARCHETYPE = """\
---
# of landing pages
title: "{{ replace .Name "-" " " | title }}"
draft: true
params:
  form: contact
  path: {{ .File.Path }}
---
Welcome to {{ site.Title }}.
"""


def test_an_archetype_is_made_by_hugo_and_the_tasks_values_are_set_over_it(desk: Desk) -> None:
    desk.write({"archetypes/landing.md": ARCHETYPE})
    desk.create(
        "summer-promo.md", archetype="landing",
        front_matter={"draft": False, "params": {"hero": {"title": "Drive"}}},
    )  # fmt: skip
    assert desk.read("content/summer-promo.md") == (
        '---\n# of landing pages\ntitle: "Summer Promo"\ndraft: false\nparams:\n  form: contact\n'
        "  path: summer-promo.md\n  hero:\n    title: Drive\n---\nWelcome to Sample.\n"
    )
    assert "title=Summer Promo" in desk.built("summer-promo/index.html")


def test_a_body_takes_the_place_of_the_archetypes(desk: Desk) -> None:
    desk.write({"archetypes/landing.md": ARCHETYPE})
    desk.create("a.md", archetype="landing", body="Mine.")
    assert desk.read("content/a.md").endswith("---\n\nMine.\n")


LANGUAGES = '[languages.en]\ncontentDir = "content/en"\n[languages.de]\ncontentDir = "content/de"\n'
MOUNTS = (
    '[[module.mounts]]\nsource = "src/content"\ntarget = "content"\n'
    '[[module.mounts]]\nsource = "src/kinds"\ntarget = "archetypes"\n'
)


@pytest.mark.parametrize(
    ("more", "archetype", "file"),
    [
        pytest.param("", "archetypes/a.md", "content/x/new.md", id="as Hugo has it"),
        pytest.param(LANGUAGES, "archetypes/a.md", "content/de/x/new.md", id="languages"),
        pytest.param(MOUNTS, "src/kinds/a.md", "src/content/x/new.md", id="mounts"),
        pytest.param('theme = "t"\n', "themes/t/archetypes/a.md", "content/x/new.md", id="theme"),
        pytest.param('themesDir = "../far"\ntheme = "t"\n', "../far/t/archetypes/a.md",
                     "content/x/new.md", id="theme elsewhere"),
    ],
)  # fmt: skip
def test_nothing_half_made_lies_in_the_content(
    desk: Desk, more: str, archetype: str, file: str
) -> None:
    desk.write({
        "hugo.toml": f'baseURL = "https://example.org/"\ntitle = "S"\n{more}',
        archetype: "---\ntitle: made of {{ .Name }}\nfrom: {{ .File.Path }}\n---\n",
        **({"src/content/_index.md": "---\n---\n"} if "mounts" in more else {}),
    })  # fmt: skip
    before = desk.snapshot()
    told = desk.create(file, archetype="a", dry_run=True).outputs
    assert "+title: made of new\n+from: x/new.md\n" in told["diff"]
    assert desk.snapshot() == before
    desk.create(file, archetype="a")
    added = desk.snapshot().keys() - before.keys()
    folders = {str(one) for one in (desk.site / file).parents}
    assert added - folders == {str(desk.site / file)}


def test_an_editor_that_the_configuration_names_is_not_started(desk: Desk, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    editor.chmod(0o755)
    desk.write({
        "hugo.toml": f'newContentEditor = "{editor}"\n[security.exec]\nallow = [".*"]\n',
        "archetypes/a.md": "---\ntitle: A\n---\n",
    })  # fmt: skip
    desk.create(archetype="a")
    assert not (tmp_path / "started").exists()


def test_an_archetype_that_is_not_there_is_told_with_those_that_are(desk: Desk) -> None:
    desk.write({"archetypes/landing.md": ARCHETYPE, "archetypes/bundle/index.md": "x"})
    failure = desk.refuse(desk.create, archetype="landin")
    assert failure.error.code == "no_such_archetype"
    assert failure.error.hint is not None and "did you mean landing?" in failure.error.hint
    assert desk.refuse(desk.create, archetype="bundle").error.code == "archetype_is_folder"


def test_an_archetype_that_does_not_work_fails_with_hugos_reason(desk: Desk) -> None:
    desk.write({"archetypes/a.md": "---\ntitle: {{ .Nope.x }}\n---\n"})
    failure = desk.refuse(desk.create, archetype="a")
    assert failure.error.code.startswith("hugo_")
    assert "Nope" in failure.error.message
    desk.write({"archetypes/a.md": b"---\ntitle: \xff\n---\n"})
    assert desk.refuse(desk.create, archetype="a").error.code == "not_utf8"


def test_an_archetype_never_replaces_a_file(desk: Desk) -> None:
    desk.write({"archetypes/a.md": "---\ntitle: A\n---\n"})
    assert desk.refuse(desk.create, "posts/one.md", archetype="a").error.code == "already_exists"


# -- what the machine does not let us do ---------------------------------------------------------


def test_a_full_disk_leaves_nothing_behind(desk: Desk, tmp_path: Path) -> None:
    with mounted(tmp_path) as disk:
        (disk / "content").mkdir()
        desk.write({"hugo.toml": "[[module.mounts]]\nsource='disk'\ntarget='content'\n"})
        subprocess.run(["mkdir", desk.site / "disk"], check=True)
        bind = ["mount", "--bind", str(disk / "content"), str(desk.site / "disk")]
        subprocess.run(bind, check=True)
        try:
            ballast = fill(disk)
            failure = desk.refuse(desk.create, "deep/new.md", body="x" * 100_000)
            assert (failure.error.code, failure.error.action) == ("disk_full", "escalate")
            assert os.listdir(desk.site / "disk") == []
            ballast.unlink()
            assert desk.create("deep/new.md", body="x", attempt=2).outputs["created"]
        finally:
            subprocess.run(["umount", str(desk.site / "disk")], check=True)


def test_a_folder_that_may_not_be_written_is_told(desk: Desk) -> None:
    with read_only(desk.content / "posts"):
        failure = desk.refuse(desk.create, front_matter={"title": "N"})
        assert (failure.error.code, failure.error.action) == ("permission_denied", "escalate")
        assert "content/posts" in failure.error.message


# -- crashes -------------------------------------------------------------------------------------


def steps_survived(desk: Desk, scenario: str) -> int:
    """How many steps of a task were its last one, and well mended; see tests.content.killing."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.content.killing", scenario, str(desk.root)],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return int(ran.stdout)


def test_killed_at_any_step_it_is_whole_or_not_there_and_the_next_attempt_ends_well(
    desk: Desk,
) -> None:
    assert steps_survived(desk, "create") > 10


def test_a_second_attempt_at_an_archetype_does_not_make_it_anew(desk: Desk) -> None:
    desk.write({"archetypes/a.md": "---\ntitle: A\nmade: {{ now.UnixNano }}\n---\n"})
    first = desk.create(archetype="a")
    text = desk.read("content/posts/new.md")
    second = desk.create(archetype="a", attempt=2)
    assert desk.read("content/posts/new.md") == text
    assert second.outputs["digest_after"] == first.outputs["digest_after"]
    assert second.outputs["created"]


# -- as people run it ----------------------------------------------------------------------------


def test_two_tasks_that_want_one_address_do_not_both_get_it(program: Program) -> None:
    ids = [
        program.submit("content-create", "--set", f"path=posts/{name}.md",
                       "--set", "front_matter={title: A, slug: same}")
        for name in ("a", "b", "c")
    ]  # fmt: skip
    assert program("sweep", "--jobs", "3").code == 0
    results = [program.result(one) for one in ids]
    assert sorted(one["status"] for one in results) == ["failed", "failed", "success"]
    (error, _) = [one["error"] for one in results if "error" in one]
    assert error["code"] == "invalid_content"
    assert error["action"] == "fix"
    assert "/posts/same/" in error["message"]


def test_the_example_works_in_a_fresh_exchange(program: Program) -> None:
    task_id = program.submit("content-create", *content_create.EXAMPLE)
    assert program("sweep").code == 0
    result = program.result(task_id)
    assert result["status"] == "success", result["body"]
    assert set(result["outputs"]) == set(OUTPUTS)
    assert result["verification"]["verdict"] == "proceed"


def test_a_result_of_a_refusal_says_all_that_is_wrong(program: Program) -> None:
    task_id = program.submit(
        "content-create", "--set", "path=posts/bad.md",
        "--set", "front_matter={title: A, draft: 'no', tags: one, weight: heavy}",
        "--set", "body={{< nope >}} [gone](/gone/)",
    )  # fmt: skip
    program("sweep")
    result = program.result(task_id)
    codes = [line.split(": ")[1] for line in result["outputs"]["errors"]]
    assert sorted(codes) == [
        "content-link-broken", "content-shortcode-unknown", "field-type", "field-type",
        "field-type",
    ]  # fmt: skip
    assert result["error"]["file"] == "content/posts/bad.md"
    assert result["error"]["hint"] == "write true or false, without quotes"
    assert not (program.root / "site/content/posts/bad.md").exists()
    assert "Nothing was written" in result["body"]


def test_settings_that_are_wrong_let_nothing_pass(tmp_path: Path) -> None:
    program = make_exchange(
        tmp_path, CONFIG + 'content: {sections: {posts: {title: {pattern: "(("}}}}\n'
    )
    task_id = program.submit("content-create", "--set", "path=posts/a.md")
    program("sweep")
    error = program.result(task_id)["error"]
    assert (error["code"], error["action"]) == ("bad_config", "escalate")
    assert "content.sections.posts.title.pattern" in error["message"]

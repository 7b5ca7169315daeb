"""Where nothing can be committed, that is said, with who has to act, and nothing is changed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.git.bench import Bench, git
from workflow.errors import WorkflowError


def diverge(bench: Bench) -> None:
    """A branch `other` that has changed the same lines."""
    bench.git("switch", "-q", "-c", "other")
    bench.write({"content/_index.md": "theirs\n"}).git("commit", "-qam", "Theirs")
    bench.git("switch", "-q", "claude/menu")
    bench.write({"content/_index.md": "ours\n"}).git("commit", "-qam", "Ours")


def begin(bench: Bench, *words: str) -> None:
    ran = subprocess.run(["git", *words], cwd=bench.site, capture_output=True, check=False)
    assert ran.returncode != 0, "it stops at a conflict"


UNDER_WAY: dict[str, tuple[str, Callable[[Bench], object]]] = {
    "merge": ("a merge", lambda bench: begin(bench, "merge", "other")),
    "rebase": ("a rebase", lambda bench: begin(bench, "rebase", "other")),
    "cherry-pick": ("a cherry-pick", lambda bench: begin(bench, "cherry-pick", "other")),
    "bisect": ("a bisect", lambda bench: bench.git("bisect", "start")),
}


@pytest.mark.parametrize("name", UNDER_WAY)
def test_nothing_is_committed_in_the_midst_of(bench: Bench, name: str) -> None:
    what, start = UNDER_WAY[name]
    diverge(bench)
    start(bench)
    bench.write({"content/new.md": "x\n"})
    before = bench.git("status", "--porcelain")
    failure = bench.fail("operation_in_progress", paths="content/new.md")
    assert what in failure.error.message
    assert failure.error.action == "escalate"
    assert bench.git("status", "--porcelain") == before


def test_conflicts_without_a_merge_are_named(bench: Bench) -> None:
    diverge(bench)
    bench.git("stash", "push", "-q") if bench.git("status", "--porcelain") else None
    bench.write({"content/_index.md": "more\n"}).git("stash", "push", "-q")
    bench.write({"content/_index.md": "others\n"}).git("commit", "-qam", "More")
    begin(bench, "stash", "pop")
    failure = bench.fail_unchanged("unmerged_paths")
    assert "content/_index.md" in failure.error.message


def test_a_detached_head_is_no_branch(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"})
    bench.git("switch", "-q", "--detach")
    failure = bench.fail("detached_head")
    assert "git switch" in str(failure.error.hint)
    bench.fail("detached_head", branch="claude/x", create=True)


def test_a_repository_without_a_commit_waits_for_its_first(bench: Bench) -> None:
    shutil.rmtree(bench.site / ".git")
    bench.git("init", "-q", "-b", "claude/x")
    assert bench.fail("no_commits_yet").error.action == "escalate"


def test_a_site_in_no_repository(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(bench.site / ".git")
    assert "git init" in str(bench.fail("no_repository").error.hint)


def test_a_bare_repository_and_git_s_own_folder_have_no_work_tree(bench: Bench) -> None:
    shutil.rmtree(bench.site)
    bench.server.rename(bench.site)
    bench.fail("bare_repository")


def test_a_site_that_is_not_there(bench: Bench) -> None:
    bench.site.rename(bench.root / "elsewhere")
    bench.fail("site_not_found")


def test_a_site_that_workflow_yaml_does_not_list(bench: Bench) -> None:
    with pytest.raises(WorkflowError) as caught:
        bench.run(site_path="../../etc")
    assert caught.value.code == "no_such_site"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_somebody_else_is_left_alone(bench: Bench) -> None:
    for folder, _, files in os.walk(bench.site):
        for name in [".", *files]:
            os.chown(os.path.join(folder, name), 1234, 1234)
    failure = bench.fail("repository_not_yours")
    assert failure.error.action == "escalate"
    assert "safe.directory" in str(failure.error.hint)


def test_broken_settings_of_the_repository_are_quoted(bench: Bench) -> None:
    (bench.site / ".git/config").write_text("[core\n")
    failure = bench.fail("repository_unusable")
    assert "bad config line 1" in failure.error.message


def test_a_commit_without_a_name_is_not_made(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"})
    (bench.root / "home/.gitconfig").write_text("[user]\nname = Ada\n")
    failure = bench.fail_unchanged("no_identity")
    assert "user.email" in str(failure.error.hint)


def test_a_git_that_is_too_old_or_none_is_named(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = tmp_path / "bin/git"
    stand_in.parent.mkdir()
    monkeypatch.setenv("PATH", f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}")
    for script, code in (
        ("echo git version 2.20.1", "git_too_old"),
        ("echo 'xcrun: error: invalid active developer path' >&2; exit 1", "git_unusable"),
    ):
        stand_in.write_text(f"#!/bin/sh\n{script}\n")
        stand_in.chmod(0o755)
        failure = bench.fail(code)
        assert failure.error.action == "escalate"
    assert "invalid active developer path" in failure.error.message


def test_without_git_that_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow.git.surroundings.PLACES", ())
    monkeypatch.setenv("PATH", str(bench.root))
    bench.fail("git_not_found")


def test_a_slip_of_the_pen_in_workflow_yaml_allows_nothing(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"})
    for written in ("{push: fasle}", "{branchs: [main]}", "{remote: -x}", "[main]"):
        failure = bench.configure(f"git: {written}\n").fail_unchanged("bad_config", push=True)
        assert "workflow.yaml:" in failure.error.message


# -- branches ----------------------------------------------------------------------------------


def test_only_branches_that_the_owner_allows_are_committed_to(bench: Bench) -> None:
    bench.git("switch", "-q", "main")
    bench.write({"content/new.md": "x\n"})
    failure = bench.fail_unchanged("branch_not_allowed")
    assert failure.error.action == "fix"
    assert "claude/*" in failure.error.message
    for name in ("main2", "claude", "claude/a/b", "Claude/x", "x/claude/y"):
        bench.fail_unchanged("branch_not_allowed", branch=name, create=True)
    bench.configure("git: {branches: [main]}\n").run()
    assert bench.git("log", "-1", "--format=%s", "main") == "Menu"


@pytest.mark.parametrize(
    "name", ["-f", "claude/..x", "claude/x.lock", "claude/a b", "HEAD", "claude/", "a~1", "a\nb"]
)
def test_what_can_be_no_branch_is_said(bench: Bench, name: str) -> None:
    bench.configure("git: {branches: ['**']}\n")
    bench.fail_unchanged("bad_branch_name", branch=name, create=True)


def test_a_branch_that_is_not_there_is_made_only_if_asked(bench: Bench) -> None:
    failure = bench.fail_unchanged("no_such_branch", branch="claude/promo")
    assert "create: true" in str(failure.error.hint)


def test_a_branch_at_another_commit_is_for_a_person_to_switch_to(bench: Bench) -> None:
    bench.git("switch", "-q", "-c", "claude/other")
    bench.write({"content/x.md": "x\n"}).git("add", ".")
    bench.git("commit", "-qm", "x")
    bench.git("switch", "-q", "claude/menu")
    bench.write({"content/new.md": "x\n"})
    for create in (False, True):
        failure = bench.fail_unchanged("wrong_branch", branch="claude/other", create=create)
        assert "git switch claude/other" in str(failure.error.hint)
        assert failure.error.action == "escalate"


def test_a_branch_of_another_work_tree_is_not_entered(bench: Bench) -> None:
    bench.git("worktree", "add", "-q", "-b", "claude/there", "../there")
    bench.write({"content/new.md": "x\n"})
    bench.fail_unchanged("wrong_branch", branch="claude/there", create=True)


def test_a_linked_work_tree_is_committed_in_like_any_other(bench: Bench) -> None:
    bench.git("worktree", "add", "-q", "-b", "claude/there", "../there")
    bench.configure("").root.joinpath("workflow.yaml").write_text(
        (bench.root / "workflow.yaml").read_text().replace("path: site", "path: there")
    )
    (bench.root / "there/content/new.md").write_text("x\n")
    assert bench.run().outputs["branch"] == "claude/there"
    assert bench.git("branch", "--show-current") == "claude/menu"


def test_a_name_that_a_part_of_another_has_is_said(bench: Bench) -> None:
    bench.configure("git: {branches: ['**']}\n")
    bench.write({"content/new.md": "x\n"})
    bench.fail_unchanged("branch_name_taken", branch="claude/menu/two", create=True)


# -- paths -------------------------------------------------------------------------------------


def test_a_path_that_never_was_is_a_slip_of_the_pen(bench: Bench) -> None:
    failure = bench.fail_unchanged("no_such_path", paths=["content", "content/nwe.md"])
    assert (failure.error.action, failure.error.file) == ("fix", "content/nwe.md")
    bench.write({"content/new.md": "x"})
    hint = bench.fail_unchanged("no_such_path", paths=["content/nwe.md"]).error.hint
    assert hint is not None and hint.startswith("did you mean content/new.md")
    assert hint.endswith("? paths are relative to the site's folder")
    assert "did you" not in (
        bench.fail_unchanged("no_such_path", paths=["a/b.md"]).error.hint or ""
    )


def test_what_is_ignored_is_refused_with_the_line_that_ignores_it(bench: Bench) -> None:
    bench.write({"public/index.html": "x", "content/a.tmp": "x", "content/b.md": "x"})
    failure = bench.fail_unchanged("ignored_path", paths=["content/a.tmp"])
    assert ".gitignore, line 2 (*.tmp)" in failure.error.message
    bench.fail_unchanged("ignored_path", paths=["public/index.html"])
    bench.fail_unchanged("ignored_path", paths=["public"])
    assert bench.run(paths=["content"]).outputs["file_count"] == 1


def test_what_is_tracked_is_committed_even_if_a_pattern_matches_it(bench: Bench) -> None:
    bench.write({"content/a.tmp": "x"}).git("add", "-f", "content/a.tmp")
    bench.git("commit", "-qm", "by force of a person")
    bench.write({"content/a.tmp": "y"})
    assert bench.run(paths=["content/a.tmp"]).outputs["file_count"] == 1


def test_nothing_behind_a_link_is_committed(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/x.md").write_text("x\n")
    (bench.site / "content/linked").symlink_to(tmp_path / "outside")
    (bench.site / "inside").symlink_to("content")
    bench.fail_unchanged("path_is_link", paths="content/linked/x.md")
    bench.fail_unchanged("path_is_link", paths="inside/old.md")


def test_a_pipe_is_no_file(bench: Bench) -> None:
    os.mkfifo(bench.site / "content/pipe")
    bench.fail("not_a_file", paths="content/pipe")


def test_half_of_a_file_is_not_committed(bench: Bench) -> None:
    bench.write({"content/old.md": "staged\n"}).git("add", "content/old.md")
    bench.write({"content/old.md": "and more\n"})
    failure = bench.fail_unchanged("partly_staged")
    assert failure.error.action == "fix"
    bench.git("add", "content/old.md")
    bench.run()
    assert bench.git("show", "HEAD:content/old.md") == "and more"


def test_a_file_that_somebody_lets_git_forget_is_not_committed_again(bench: Bench) -> None:
    bench.git("rm", "-q", "--cached", "content/old.md")
    bench.fail_unchanged("partly_staged")


def test_submodules_are_repositories_of_their_own(bench: Bench) -> None:
    theme = bench.clone("theme")
    bench.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(theme), "themes/t")
    bench.git("commit", "-qm", "Theme")
    bench.write({"themes/t/x.md": "x\n", "themes/y.md": "x\n"})
    for path in ("themes/t", "themes/t/x.md"):
        assert "themes/t" in bench.fail("in_submodule", paths=path).error.message
    assert bench.run(paths="themes").outputs["file_count"] == 1
    git(bench.site / "themes/t", "add", ".")
    git(bench.site / "themes/t", "commit", "-qm", "x")
    bench.task_id = "another"
    bench.fail("in_submodule", paths="themes")


def test_a_repository_inside_is_not_swallowed(bench: Bench) -> None:
    git(bench.site, "init", "-q", "content/inner")
    (bench.site / "content/inner/x.md").write_text("x\n")
    bench.fail("nested_repository")
    git(bench.site / "content/inner", "add", ".")
    git(bench.site / "content/inner", "commit", "-qm", "x")
    bench.fail("nested_repository")


def test_what_a_sparse_checkout_leaves_out_is_told(bench: Bench) -> None:
    bench.git("sparse-checkout", "set", "--no-cone", "/content/", "/hugo.toml", "/.gitignore")
    assert not (bench.site / "static").exists()
    bench.fail_unchanged("outside_sparse_checkout", paths="static/robots.txt")
    bench.write({"static/new.txt": "x\n", "content/new.md": "x\n"})
    assert bench.run(paths=["content"]).outputs["file_count"] == 1
    assert "static/robots.txt" in bench.git("ls-tree", "-r", "--name-only", "HEAD")


def test_a_new_file_outside_of_a_sparse_checkout_is_told(bench: Bench) -> None:
    bench.git("sparse-checkout", "set", "--no-cone", "/content/", "/hugo.toml", "/.gitignore")
    bench.write({"static/new.txt": "x\n"})
    bench.fail_unchanged("outside_sparse_checkout", paths="static/new.txt")


def test_changes_that_git_was_told_not_to_see_are_told(bench: Bench) -> None:
    bench.git("update-index", "--assume-unchanged", "content/old.md")
    bench.write({"content/old.md": "changed\n"})
    bench.fail_unchanged("hidden_from_git", paths="content/old.md")


def test_a_filter_that_is_not_there_is_told_before_the_plain_file_is_committed(
    bench: Bench,
) -> None:
    bench.write({".gitattributes": "*.png filter=lfs\n*.vault filter=crypt\n*.up filter=up\n"})
    bench.write({"static/a.png": b"\x89PNG", "x.vault": "plain\n", "x.up": "x\n"})
    failure = bench.fail_unchanged("filter_missing", paths="static/a.png")
    assert "git lfs install" in str(failure.error.hint)
    bench.git("config", "filter.crypt.clean", "/nowhere/crypt")
    assert "cannot be started" in bench.fail("filter_missing", paths="x.vault").error.message
    bench.git("config", "filter.up.clean", "false")
    bench.git("config", "filter.up.required", "true")
    bench.fail_unchanged("filter_failed", paths="x.up")
    bench.git("config", "filter.up.clean", "tr a-z A-Z")
    bench.run(paths="x.up")
    assert bench.git("cat-file", "blob", "HEAD:x.up") == "X"


def test_line_ends_that_the_repository_refuses(bench: Bench) -> None:
    bench.git("config", "core.autocrlf", "input")
    bench.git("config", "core.safecrlf", "true")
    bench.write({"content/new.md": "a\r\nb\r\n"})
    assert bench.fail_unchanged("line_ends").error.action == "fix"


# -- secrets -----------------------------------------------------------------------------------

KEY = "AKIA" + "Q7" * 8


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".env", "DEBUG=1\n"),
        ("content/id_rsa", "x\n"),
        ("static/server.pem", "x\n"),
        ("content/aws.md", f"the key is\n{KEY}\n"),
        ("content/form.md", f"JOTFORM_API_KEY: {'0af1' * 8}\n"),
        ("content/form2.md", f"https://api.jotform.com/user?apiKey={'0af1' * 8}\n"),
        ("content/big.md", "x" * (5 << 20) + f"\n{KEY}\n"),
        ("content/ours.md", "it is of-our-environment-1234\n"),
    ],
)
def test_no_secret_is_committed_nor_kept_among_git_s_objects(
    bench: Bench, name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOTFORM_API_KEY", "of-our-environment-1234")
    bench.write({name: text})
    objects = sorted((bench.site / ".git/objects").rglob("*"))
    failure = bench.fail_unchanged("secret_in_commit", paths=name)
    assert failure.error.action == "escalate"
    assert name in failure.error.message
    assert KEY not in failure.error.message
    assert sorted((bench.site / ".git/objects").rglob("*")) == objects
    bench.configure(f"git: {{allow_secrets: [/{name}]}}\n").run(paths=name)


def test_deleting_a_secret_is_welcome(bench: Bench) -> None:
    bench.write({"content/aws.md": f"{KEY}\n"}).git("add", ".")
    bench.git("commit", "-qm", "Oh")
    bench.write({"content/aws.md": None})
    assert bench.run().outputs["file_count"] == 1


def test_no_secret_stands_in_the_message(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"})
    assert bench.fail_unchanged("secret_in_commit", body=f"with {KEY}").error.action == "fix"

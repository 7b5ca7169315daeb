"""What is committed is what was named, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.git.bench import TASK, Bench, git
from workflow.handlers import git_commit


def test_the_named_file_is_committed_with_its_message_and_the_trailer(bench: Bench) -> None:
    bench.write({"content/new.md": "a\nb\n"})
    parent = bench.git("rev-parse", "HEAD")
    outcome = bench.run(
        paths="content/new.md", message="A new page", body="Why:\n\n# as asked",
        trailers={"Refs": "T-17"},
    )  # fmt: skip
    head = bench.git("rev-parse", "HEAD")
    assert outcome.outputs == {
        "committed": True,
        "commit": head,
        "branch": "claude/menu",
        "parent": parent,
        "files": [{"path": "content/new.md", "status": "added"}],
        "file_count": 1,
        "insertions": 2,
        "deletions": 0,
        "pushed": False,
        "remote": None,
        "ahead": None,
        "behind": None,
        "warnings": [],
        "dry_run": False,
    }
    message = f"A new page\n\nWhy:\n\n# as asked\n\nRefs: T-17\nWorkflow-Task: {TASK}"
    assert bench.git("log", "-1", "--format=%B") == message
    assert bench.git("show", "--format=", "--name-only") == "content/new.md"
    assert bench.git("log", "-1", "--format=%an %ae") == "Ada ada@example.org"
    assert outcome.verdict == f"Committed 1 file on claude/menu ({head[:7]}): A new page."
    assert bench.recorded[0]["commit"] == head


def test_what_is_staged_besides_stays_staged_and_is_not_committed(bench: Bench) -> None:
    bench.write(
        {
            "content/new.md": "new\n",
            "content/_index.md": "edited\n",
            "static/robots.txt": "staged\n",
            "static/added.txt": "staged\n",
            "layouts/x.html": "untracked\n",
        }
    )
    bench.git("add", "static")
    bench.write({"static/robots.txt": "and edited\n"})
    bench.git("rm", "-q", "--cached", "content/old.md")
    bench.run(paths=["content/new.md", "content/_index.md"])
    assert bench.git("show", "--format=", "--name-status") == (
        "M\tcontent/_index.md\nA\tcontent/new.md"
    )
    assert bench.git("status", "--porcelain").splitlines() == [
        "D  content/old.md", "A  static/added.txt", "MM static/robots.txt",
        "?? content/old.md", "?? layouts/",
    ]  # fmt: skip
    assert bench.git("show", ":static/robots.txt") == "staged"


def test_deletions_modes_and_files_that_have_moved_are_told(bench: Bench) -> None:
    bench.write({"content/moved.md": "old\n", "content/old.md": None})
    (bench.site / "content/_index.md").chmod(0o755)
    outcome = bench.run()
    assert outcome.outputs["files"] == [
        {"path": "content/_index.md", "status": "modified"},
        {"path": "content/moved.md", "status": "added"},
        {"path": "content/old.md", "status": "deleted"},
    ]
    assert (outcome.outputs["insertions"], outcome.outputs["deletions"]) == (1, 1)
    assert bench.git("status", "--porcelain") == ""
    assert bench.git("ls-tree", "HEAD", "content/_index.md").startswith("100755")


@pytest.mark.parametrize(
    "stage",
    [
        ("add", "content"),
        ("add", "--intent-to-add", "content/new.md"),
        ("rm", "-q", "content/old.md"),
    ],
)
def test_named_files_that_are_staged_already_are_committed(
    bench: Bench, stage: tuple[str, ...]
) -> None:
    bench.write({"content/new.md": "new\n"})
    bench.git(*stage)
    (bench.site / "content/old.md").unlink(missing_ok=True)
    bench.run(paths=["content/new.md", "content/old.md"])
    assert bench.git("show", "--format=", "--name-status", "--no-renames") == (
        "A\tcontent/new.md\nD\tcontent/old.md"
    )
    assert bench.git("status", "--porcelain") == ""


def test_a_folder_takes_the_place_of_a_file(bench: Bench) -> None:
    bench.write({"content/old.md": None, "content/old.md/index.md": "x\n"})
    bench.run()
    assert bench.git("status", "--porcelain") == ""
    assert bench.git("ls-files", "content") == "content/_index.md\ncontent/old.md/index.md"


def test_a_link_is_committed_as_a_link(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("aws_secret_access_key")
    (bench.site / "content/link.md").symlink_to(tmp_path / "secret.txt")
    bench.run(paths="content/link.md")
    assert bench.git("ls-tree", "HEAD", "content/link.md").startswith("120000")
    assert bench.git("cat-file", "blob", "HEAD:content/link.md") == str(tmp_path / "secret.txt")


@pytest.mark.parametrize(
    "name",
    ["*.md", ":(glob)*", ":!x.md", "-f", "--all", "a b", "[a].md", "é.md", '"q".md', "\\.md"],
)
def test_a_name_stands_for_itself(bench: Bench, name: str) -> None:
    bench.write({f"content/{name}": "x\n", name: "x\n", "content/other.md": "x\n", "z.md": "x\n"})
    outcome = bench.run(paths=[name, f"content/{name}"])
    assert outcome.outputs["file_count"] == 2
    committed = bench.git("show", "--format=", "--name-only", "-z").split("\0")[:-1]
    assert sorted(committed) == sorted([name, f"content/{name}"])


def test_a_site_below_the_top_of_its_repository_names_paths_from_its_own_folder(
    bench: Bench,
) -> None:
    git(bench.root, "init", "-q", "work")
    os.rename(bench.site, bench.root / "work/site")
    work = bench.root / "work"
    git(work / "site", "config", "core.bare", "false")
    import shutil

    shutil.rmtree(work / "site/.git")
    git(work, "add", ".")
    git(work, "commit", "-q", "-m", "First")
    git(work, "switch", "-q", "-c", "claude/x")
    (bench.root / "site").symlink_to(work / "site")
    bench.write({"content/new.md": "x\n"})
    (work / "content").mkdir()
    (work / "content/new.md").write_text("another\n")
    outcome = bench.run(paths="content/new.md")
    assert outcome.outputs["files"] == [{"path": "content/new.md", "status": "added"}]
    assert git(work, "show", "--format=", "--name-only") == "site/content/new.md"


def test_the_exchange_commits_its_audit_trail(bench: Bench) -> None:
    git(bench.root, "init", "-q")
    (bench.root / ".gitignore").write_text("/site\n/server.git\n/home\n/logs\n")
    git(bench.root, "add", "workflow.yaml", ".gitignore")
    git(bench.root, "commit", "-q", "-m", "First")
    git(bench.root, "switch", "-q", "-c", "claude/audit")
    done = bench.root / "tasks/completed"
    done.mkdir(parents=True)
    (done / "x.md").write_text("---\ntask_type: noop\n---\n")
    bench.run(repository="exchange", paths="tasks/completed")
    assert git(bench.root, "show", "--format=%s", "--name-only") == "Menu\n\ntasks/completed/x.md"
    (bench.root / ".workflow").mkdir(exist_ok=True)
    (bench.root / ".workflow/lock").touch()
    bench.task_id = "another"
    bench.fail("runtime_path", repository="exchange", paths=".workflow/lock")


def test_nothing_to_commit_is_a_success_and_makes_no_branch(bench: Bench) -> None:
    before = bench.state()
    outcome = bench.run(paths=["content"], branch="claude/new", create=True)
    assert outcome.outputs["committed"] is False
    assert outcome.outputs["commit"] is None
    assert outcome.outputs["files"] == []
    assert outcome.verdict == ("Nothing to commit on claude/new: content is as in the last commit.")
    assert bench.state() == before


def test_a_dry_run_tells_all_and_changes_nothing_not_even_an_object(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n", "content/old.md": None})
    before, objects = bench.state(), sorted((bench.site / ".git/objects").rglob("*"))
    index = (bench.site / ".git/index").read_bytes()
    outcome = bench.run(dry_run=True, branch="claude/new", create=True, push=True)
    assert outcome.rehearsal
    assert outcome.outputs["files"] == [
        {"path": "content/new.md", "status": "added"},
        {"path": "content/old.md", "status": "deleted"},
    ]
    assert outcome.verdict == (
        "Dry run: content/new.md, content/old.md would be committed on claude/new, a new branch. "
        "Nothing was changed."
    )
    assert bench.state() == before
    assert sorted((bench.site / ".git/objects").rglob("*")) == objects
    assert (bench.site / ".git/index").read_bytes() == index


def test_a_branch_is_made_where_head_is_and_entered_with_all_that_lies_there(
    bench: Bench,
) -> None:
    bench.write({"content/new.md": "x\n", "static/robots.txt": "staged\n", "z.md": "untracked\n"})
    bench.git("add", "static")
    head = bench.git("rev-parse", "HEAD")
    outcome = bench.run(paths="content/new.md", branch="claude/promo", create=True)
    assert outcome.outputs["branch"] == bench.git("branch", "--show-current") == "claude/promo"
    assert bench.git("rev-parse", "claude/promo~1", "claude/menu").split() == [head, head]
    assert bench.git("status", "--porcelain") == "M  static/robots.txt\n?? z.md"
    assert "moving from claude/menu to claude/promo" in bench.git("reflog", "HEAD")


def test_a_branch_at_the_same_commit_is_entered_if_that_was_asked_for(bench: Bench) -> None:
    bench.git("branch", "claude/same")
    bench.write({"content/new.md": "x\n"})
    failure = bench.fail_unchanged("wrong_branch", branch="claude/same")
    assert (failure.error.action, "create: true" in str(failure.error.hint)) == ("fix", True)
    bench.run(branch="claude/same", create=True)
    assert bench.git("branch", "--show-current") == "claude/same"


def test_a_second_attempt_finds_the_commit_and_makes_no_other(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"})
    first = bench.run()
    bench.write({"content/new.md": "changed since\n"})
    bench.attempt = 2
    second = bench.run()
    assert second.outputs["commit"] == first.outputs["commit"]
    assert second.outputs["committed"] is True
    assert bench.git("rev-list", "--count", "main..HEAD") == "1"


def test_the_commit_is_found_when_somebody_has_switched_away_meanwhile(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"})
    first = bench.run(branch="claude/promo", create=True)
    bench.git("switch", "-q", "main")
    second = bench.run(branch="claude/promo", create=True)
    assert second.outputs["commit"] == first.outputs["commit"]
    assert bench.git("branch", "--show-current") == "main"


def test_another_task_whose_id_begins_alike_is_not_taken_for_this_one(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"})
    bench.task_id = f"{TASK}-2"
    bench.run()
    bench.write({"content/more.md": "x\n"})
    bench.task_id = TASK
    assert bench.run().outputs["files"] == [{"path": "content/more.md", "status": "added"}]


def test_a_long_subject_is_told_and_taken(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"})
    outcome = bench.run(message="x" * 80)
    (warning,) = outcome.outputs["warnings"]
    assert "80 characters" in warning
    assert bench.git("log", "-1", "--format=%s") == "x" * 80


def test_a_large_commit_lists_some_of_its_files_and_counts_all(bench: Bench) -> None:
    bench.write({f"content/p{number}.md": "x\n" for number in range(600)})
    outcome = bench.run()
    assert (len(outcome.outputs["files"]), outcome.outputs["file_count"]) == (500, 600)
    assert bench.git("status", "--porcelain") == ""


def test_no_two_tasks_use_one_work_tree_at_once(bench: Bench) -> None:
    from workflow.config import load_config

    params = git_commit.Params(paths=("content",), message="x")
    used = git_commit.resources(params, load_config(bench.root))
    assert used == (f"git:{bench.site}", str(bench.site))
    elsewhere = params.model_copy(update={"repository": "exchange"})
    assert git_commit.resources(elsewhere, load_config(bench.root)) == (f"git:{bench.root}",)


@pytest.mark.parametrize("kind", ["shared", "shallow", "sha256", "split-index"])
def test_repositories_of_other_kinds(bench: Bench, kind: str) -> None:
    """Objects that are borrowed, a history that is cut off, longer names, an index in two files."""
    bench.site.rename(bench.root / "first")
    if kind == "sha256":
        git(bench.root, "init", "-q", "--object-format=sha256", "site")
        git(bench.root, "init", "-q", "--object-format=sha256", "--bare", "sha256.git")
        bench.git("remote", "add", "origin", f"file://{bench.root}/sha256.git")
        bench.write({"content/old.md": "old\n"}).git("add", ".")
        bench.git("commit", "-qm", "First")
    else:
        words = {"shared": ["--shared"], "shallow": ["--depth=1"]}.get(kind, [])
        source = "first" if kind == "shared" else f"file://{bench.server}"
        git(bench.root, "clone", "-q", *words, source, "site")
        bench.git("remote", "set-url", "origin", f"file://{bench.server}")
    if kind == "split-index":
        bench.git("update-index", "--split-index")
    bench.write({"content/new.md": "x\n", "content/old.md": None, "content/gone.md": "x\n"})
    bench.hook("pre-commit", "echo more >> content/new.md; git add content/new.md; "
               "git rm -q --cached content/gone.md; rm content/gone.md")  # fmt: skip
    outcome = bench.run(branch="claude/x", create=True, push=True)
    assert [one["path"] for one in outcome.outputs["files"]] == ["content/new.md", "content/old.md"]
    assert "a hook left out of the commit: content/gone.md" in outcome.outputs["warnings"]
    assert bench.git("status", "--porcelain") == ""

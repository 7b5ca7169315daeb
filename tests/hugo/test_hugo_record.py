"""The record that a build leaves: for which environment, and of which commit."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.sites import Workshop, isolate, workshop
from workflow import publicdir
from workflow.hugo import record as hugo_record
from workflow.hugo.record import BuildRecord, git_commit, read_record, write_record

RECORD = BuildRecord(
    site="main",
    environment="staging",
    base_url="https://staging.example.org/",
    digest="ab" * 32,
    build_drafts=False,
    build_future=True,
    build_expired=False,
    task_id="2026-01-19-1430-hugo-build-staging",
    built_at=datetime(2026, 1, 19, 14, 30, tzinfo=UTC),
    git_commit="cd" * 20,
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_record(tmp_path, RECORD)
    assert read_record(tmp_path, "main") == RECORD
    assert os.listdir(tmp_path / ".workflow/builds") == ["main.json"]


def test_each_site_has_its_last_record(tmp_path: Path) -> None:
    newer = BuildRecord(**{**vars(RECORD), "environment": "production", "git_commit": None})
    other = BuildRecord(**{**vars(RECORD), "site": "blog"})
    for record in (RECORD, newer, other):
        write_record(tmp_path, record)
    assert read_record(tmp_path, "main") == newer
    assert read_record(tmp_path, "blog") == other
    assert read_record(tmp_path, "shop") is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"site": "main"}', "\xff", '{"built_at": "yesterday"}']
)
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    write_record(tmp_path, RECORD)
    (tmp_path / ".workflow/builds/main.json").write_text(text, encoding="latin-1")
    assert read_record(tmp_path, "main") is None


def test_the_record_of_another_site_is_none(tmp_path: Path) -> None:
    write_record(tmp_path, RECORD)
    path = tmp_path / ".workflow/builds/main.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "site": "blog"}))
    assert read_record(tmp_path, "main") is None


# What a build writes


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    isolate(monkeypatch, tmp_path)
    return workshop(tmp_path)


def test_a_build_says_what_public_was_built_for(site: Workshop) -> None:
    site.build(environment="production", build_drafts=True, build_expired=True)
    record = read_record(site.root, "main")
    assert record is not None
    assert timedelta() <= datetime.now(UTC) - record.built_at < timedelta(minutes=1)
    assert record == BuildRecord(
        site="main",
        environment="production",
        base_url="https://www.example.org/",
        digest=publicdir.manifest(site.public).digest,
        build_drafts=True,
        build_future=False,
        build_expired=True,
        task_id="2026-01-19-1430-hugo-build-staging",
        built_at=record.built_at,
    )


def test_a_build_with_an_address_of_its_own_says_so(site: Workshop) -> None:
    site.build(base_url="https://preview.example.org/")
    record = read_record(site.root, "main")
    assert record is not None and record.base_url == "https://preview.example.org/"


def test_a_build_that_fails_leaves_the_record_of_the_last_one(site: Workshop) -> None:
    site.build()
    before = read_record(site.root, "main")
    site.write({"layouts/index.html": "{{ .Broken"})
    site.fail(environment="production")
    assert read_record(site.root, "main") == before != None  # noqa: E711


def test_a_record_that_cannot_be_written_is_a_warning_for_public_is_new(site: Workshop) -> None:
    (site.root / ".workflow").mkdir()
    (site.root / ".workflow/builds").write_text("in the way")
    outcome = site.build()
    assert outcome.outputs["build_success"] is True
    (warning,) = outcome.outputs["warnings"]
    assert "no deploy will take it" in warning
    assert (site.public / "index.html").exists()
    assert read_record(site.root, "main") is None


def test_a_build_in_a_work_tree_notes_the_commit(site: Workshop) -> None:
    commit = repository(site.root)
    site.build()
    record = read_record(site.root, "main")
    assert record is not None and record.git_commit == commit


# Which commit


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    ran = subprocess.run(
        ["git", *who, *words],
        cwd=folder,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
        check=True,
        capture_output=True,
        text=True,
    )
    return ran.stdout.strip()


def repository(folder: Path) -> str:
    """A repository with one commit, which is returned."""
    folder.mkdir(exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch", "feature/one")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "first")
    return git(folder, "rev-parse", "HEAD")


def test_the_commit_of_a_branch_is_found_from_any_folder_below(tmp_path: Path) -> None:
    commit = repository(tmp_path / "repo")
    (tmp_path / "repo/sites/main").mkdir(parents=True)
    assert git_commit(tmp_path / "repo") == commit
    assert git_commit(tmp_path / "repo/sites/main") == commit


def test_packed_and_detached_it_is_found_too(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    commit = repository(repo)
    git(repo, "tag", "--annotate", "--message", "x", "one")
    git(repo, "pack-refs", "--all")
    assert not (repo / ".git/refs/heads/feature/one").exists()
    assert git_commit(repo) == commit
    git(repo, "checkout", "--quiet", "--detach")
    assert git_commit(repo) == commit


def test_a_linked_work_tree_has_a_commit_of_its_own(tmp_path: Path) -> None:
    repo, tree = tmp_path / "repo", tmp_path / "tree"
    first = repository(repo)
    git(repo, "worktree", "add", "--quiet", "-b", "two", str(tree))
    git(tree, "commit", "--quiet", "--allow-empty", "--message", "second")
    second = git(tree, "rev-parse", "HEAD")
    assert (git_commit(repo), git_commit(tree)) == (first, second)
    assert first != second
    git(repo, "pack-refs", "--all")
    assert git_commit(tree) == second


@pytest.mark.parametrize(
    "files",
    [
        {},
        {".git/HEAD": "ref: refs/heads/main"},
        {".git/HEAD": "nonsense"},
        {".git/HEAD": "ref: refs/heads/main", ".git/refs/heads/main": "nonsense"},
        {".git/HEAD": "ref: refs/heads/main", ".git/packed-refs": "# pack-refs with: peeled\n"},
        {".git": "gitdir: ../nowhere"},
        {".git/HEAD": "\xff\xfe"},
    ],
)
def test_where_git_tells_nothing_there_is_no_commit(tmp_path: Path, files: dict[str, str]) -> None:
    # The temporary folder may itself lie in somebody's work tree.
    files = files or {"HEAD": ""}
    for name, text in files.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="latin-1")
    if (tmp_path / "site/.git").exists():
        assert git_commit(tmp_path / "site") is None
    else:
        assert hugo_record.git_commit(Path("/")) is None

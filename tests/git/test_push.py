"""A push never forces, and puts our commit on top of others' where that is safe."""

from __future__ import annotations

import shlex
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.git.bench import Bench, git, isolate
from workflow import process
from workflow.git.program import Acted
from workflow.git.refusals import not_pushed


@pytest.fixture
def other(bench: Bench) -> Path:
    """Somebody else's clone; the branch is on the server."""
    bench.git("push", "-q", "-u", "origin", "claude/menu")
    clone = bench.clone()
    git(clone, "switch", "-q", "claude/menu")
    return clone


def publish(clone: Path, files: dict[str, str | None], message: str = "Theirs") -> str:
    for name, text in files.items():
        path = clone / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", message)
    git(clone, "push", "-q", "origin", "claude/menu")
    return git(clone, "rev-parse", "HEAD")


def at_server(bench: Bench, branch: str = "claude/menu") -> str:
    return git(bench.server, "rev-parse", f"refs/heads/{branch}")


def test_a_new_branch_is_pushed_and_followed_from_then_on(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"})
    outcome = bench.run(push=True)
    assert outcome.outputs["commit"] == at_server(bench)
    assert (outcome.outputs["pushed"], outcome.outputs["remote"]) == (True, "origin")
    assert (outcome.outputs["ahead"], outcome.outputs["behind"]) == (0, 0)
    assert outcome.verdict.endswith("and pushed it to origin: Menu.")
    assert bench.git("config", "branch.claude/menu.merge") == "refs/heads/claude/menu"
    assert git(bench.server, "branch", "--format=%(refname:short)") == "claude/menu\nmain"


def test_a_branch_that_follows_another_still_does_so(bench: Bench) -> None:
    bench.git("branch", "--set-upstream-to=origin/main")
    bench.write({"content/new.md": "x\n"}).run(push=True)
    assert bench.git("config", "branch.claude/menu.merge") == "refs/heads/main"


def test_without_a_push_it_is_told_how_far_ahead_the_branch_is(bench: Bench, other: Path) -> None:
    outcome = bench.write({"content/new.md": "x\n"}).run()
    assert (outcome.outputs["ahead"], outcome.outputs["behind"]) == (1, 0)
    assert at_server(bench) == outcome.outputs["parent"]


def test_only_the_branch_is_pushed_and_no_tag_of_anybody(bench: Bench) -> None:
    bench.git("config", "push.followTags", "true")
    bench.git("tag", "-a", "-m", "x", "mine")
    bench.git("branch", "claude/wip")
    bench.write({"content/new.md": "x\n"}).run(push=True)
    assert git(bench.server, "tag", "--list") == ""
    assert git(bench.server, "branch", "--list", "claude/wip") == ""


def test_with_nothing_to_commit_the_branch_is_pushed_as_it_is(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"}).run()
    bench.task_id = "2026-01-19-1500-git-commit-push"
    outcome = bench.run(push=True)
    assert (outcome.outputs["committed"], outcome.outputs["pushed"]) == (False, True)
    assert at_server(bench) == bench.git("rev-parse", "HEAD")


def test_a_commit_goes_on_top_of_what_came_first_and_foreign_work_stays(
    bench: Bench, other: Path
) -> None:
    theirs = publish(other, {"content/theirs.md": "x\n", "hugo.toml": "title = 'x'\n"})
    bench.write({"content/new.md": "x\n", "static/robots.txt": "staged\n", "loose.txt": "x\n"})
    bench.git("add", "static")
    bench.write({"static/robots.txt": "and edited\n", "content/old.md": None})
    outcome = bench.run(paths="content/new.md", push=True)
    head = bench.git("rev-parse", "HEAD")
    assert outcome.outputs["commit"] == head == at_server(bench)
    assert outcome.outputs["parent"] == theirs == bench.git("rev-parse", "HEAD~1")
    assert outcome.outputs["files"] == [{"path": "content/new.md", "status": "added"}]
    assert bench.git("show", "--format=", "--name-status") == "A\tcontent/new.md"
    assert (bench.site / "hugo.toml").read_text() == "title = 'x'\n"
    assert bench.git("status", "--porcelain") == (
        " D content/old.md\nMM static/robots.txt\n?? loose.txt"
    )
    assert bench.git("for-each-ref", "refs/workflow") == ""
    assert bench.recorded[-1]["commit"] == head


def test_a_file_that_both_have_changed_in_different_places_is_merged(
    bench: Bench, other: Path
) -> None:
    publish(other, {"content/_index.md": "ONE\ntwo\nthree\nfour\nfive\nsix\nseven\n"})
    bench.write({"content/_index.md": "one\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n"})
    (bench.site / "content/_index.md").chmod(0o755)
    bench.run(push=True)
    assert git(bench.server, "show", "claude/menu:content/_index.md") == (
        "ONE\ntwo\nthree\nfour\nfive\nsix\nSEVEN"
    )
    assert git(bench.server, "ls-tree", "claude/menu", "content/_index.md").startswith("100755")
    assert bench.git("status", "--porcelain") == ""


def test_both_made_the_same_change(bench: Bench, other: Path) -> None:
    publish(other, {"content/_index.md": "same\n", "content/old.md": None})
    bench.write({"content/_index.md": "same\n", "content/old.md": None, "content/n.md": "x\n"})
    outcome = bench.run(push=True)
    assert outcome.outputs["files"] == [{"path": "content/n.md", "status": "added"}]


CONFLICTS: dict[str, tuple[dict[str, str | None], dict[str, str | None], str]] = {
    "the same line": (
        {"content/_index.md": "theirs\n"}, {"content/_index.md": "ours\n"}, "content/_index.md"
    ),
    "changed and deleted": (
        {"content/old.md": None}, {"content/old.md": "ours\n"}, "content/old.md"
    ),
    "deleted and changed": (
        {"content/old.md": "theirs\n"}, {"content/old.md": None}, "content/old.md"
    ),
    "added by both": ({"content/n.md": "a\n"}, {"content/n.md": "b\n"}, "content/n.md"),
    "a folder and a file": (
        {"content/n.md/index.md": "a\n"}, {"content/n.md": "b\n"}, "content/n.md"
    ),
    "a file and a folder": (
        {"content/n.md": "a\n"}, {"content/n.md/index.md": "b\n"}, "content/n.md/index.md"
    ),
    "binary": ({"content/old.md": "\0a\n"}, {"content/old.md": "\0b\n"}, "content/old.md"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFLICTS)
def test_a_conflict_is_for_a_person_and_the_commit_is_kept(
    bench: Bench, other: Path, name: str
) -> None:
    theirs, ours, path = CONFLICTS[name]
    upstream = publish(other, theirs)
    for file, text in ours.items():
        bench.write({file: text})
    bench.write({"static/robots.txt": "staged\n"}).git("add", "static")
    failure = bench.fail("push_conflict", push=True)
    assert failure.error.action == "escalate"
    assert path in failure.error.message
    assert failure.error.message.startswith("claude/menu was not pushed: ")
    commit = bench.git("rev-parse", "HEAD")
    assert (failure.outputs["commit"], failure.outputs["pushed"]) == (commit, False)
    assert commit in failure.summary
    assert at_server(bench) == upstream
    assert bench.git("status", "--porcelain") == "M  static/robots.txt"
    bench.attempt = 2
    before = bench.state()
    assert bench.fail("push_conflict", push=True).outputs["commit"] == commit
    assert bench.state()["index"] == before["index"]


def test_the_command_that_a_refused_push_names_is_one_that_works(bench: Bench, other: Path) -> None:
    publish(other, {"content/_index.md": "THEIRS\n"})
    bench.write({"content/_index.md": "OURS\n", "static/robots.txt": "unfinished\n"})
    bench.git("add", "static")
    hint = bench.fail("push_conflict", push=True, paths="content/_index.md").error.hint
    assert hint is not None
    pull = shlex.split(hint.split("`")[1])
    bench.git("branch", "--unset-upstream")
    ran = subprocess.run(pull, cwd="/", capture_output=True, text=True, check=False)
    assert "content/_index.md" in ran.stdout, ran.stderr  # it came as far as the conflict itself
    bench.write({"content/_index.md": "BOTH\n"}).git("add", "content/_index.md")
    bench.git("-c", "core.editor=true", "rebase", "--continue")
    assert bench.git("log", "-1", "--format=%s") == "Menu"
    assert (bench.site / "static/robots.txt").read_text() == "unfinished\n"


def test_a_file_with_a_merge_driver_is_not_merged_by_us(bench: Bench, other: Path) -> None:
    bench.write({".git/info/attributes": "*.md merge=ours\n"})
    publish(other, {"content/_index.md": "ONE\ntwo\nthree\nfour\nfive\nsix\nseven\n"})
    bench.write({"content/_index.md": "one\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n"})
    bench.fail("push_conflict", push=True)


@pytest.mark.parametrize("staged", [False, True])
def test_files_that_somebody_is_changing_are_not_changed_by_the_server_s(
    bench: Bench, other: Path, staged: bool
) -> None:
    upstream = publish(other, {"hugo.toml": "theirs\n"})
    bench.write({"content/new.md": "x\n", "hugo.toml": "ours, unfinished\n"})
    if staged:
        bench.git("add", "hugo.toml")
    failure = bench.fail("work_tree_in_the_way", push=True)
    assert failure.error.action == "escalate"
    assert "hugo.toml" in failure.error.message
    assert (bench.site / "hugo.toml").read_text() == "ours, unfinished\n"
    assert at_server(bench) == upstream
    assert bench.git("log", "-1", "--format=%s") == "Menu"
    assert bench.git("status", "--porcelain") == f"{'M ' if staged else ' M'} hugo.toml"


def test_an_untracked_file_is_not_overwritten_by_the_server_s(bench: Bench, other: Path) -> None:
    publish(other, {"content/theirs.md": "theirs\n"})
    bench.write({"content/new.md": "x\n", "content/theirs.md": "ours, not named\n"})
    bench.fail("work_tree_in_the_way", push=True, paths="content/new.md")
    assert (bench.site / "content/theirs.md").read_text() == "ours, not named\n"


def test_commits_of_others_are_never_put_elsewhere(bench: Bench, other: Path) -> None:
    bench.write({"content/mine.md": "x\n"}).git("add", ".")
    bench.git("commit", "-qm", "By a person, not pushed")
    upstream = publish(other, {"content/theirs.md": "x\n"})
    bench.write({"content/new.md": "x\n"})
    failure = bench.fail("push_diverged", push=True)
    assert failure.error.action == "escalate"
    assert at_server(bench) == upstream
    assert bench.git("log", "-2", "--format=%s") == "Menu\nBy a person, not pushed"


def test_a_commit_on_top_of_ours_is_neither_pushed_nor_moved(bench: Bench, other: Path) -> None:
    first = bench.write({"content/new.md": "x\n"}).run().outputs["commit"]
    bench.write({"content/mine.md": "x\n"}).git("add", ".")
    bench.git("commit", "-qm", "By a person, on top")
    assert bench.run(push=True).outputs["ahead"] == 1
    assert at_server(bench) == first
    assert bench.git("log", "-1", "--format=%s") == "By a person, on top"


def test_a_push_whose_answer_was_lost_is_known_by_what_the_server_has(
    bench: Bench, other: Path
) -> None:
    ours = bench.write({"content/new.md": "x\n"}).run(push=True).outputs["commit"]
    git(other, "pull", "-q")
    publish(other, {"content/theirs.md": "x\n"})
    bench.attempt = 2
    outcome = bench.run(push=True)
    assert (outcome.outputs["commit"], outcome.outputs["pushed"]) == (ours, True)
    assert outcome.outputs["behind"] == 1


def test_two_who_push_at_once_both_come_through(bench: Bench, other: Path) -> None:
    """The other one is quicker, twice: just before our push is received."""
    left = ["content/a.md", "content/b.md"]

    def overtake(argv: Sequence[Any]) -> None:
        if "push" in argv and left:
            publish(other, {left.pop(): "x\n"})

    bench.before_each = overtake
    bench.write({"content/new.md": "x\n"})
    outcome = bench.run(push=True, paths="content/new.md")
    assert outcome.outputs["commit"] == at_server(bench)
    names = git(bench.server, "ls-tree", "--name-only", "claude/menu", "content/").split()
    assert {"content/a.md", "content/b.md", "content/new.md"} <= set(names)
    assert bench.git("status", "--porcelain") == ""


def test_two_tasks_in_two_clones_race_and_none_is_lost(
    bench: Bench, other: Path, tmp_path: Path
) -> None:
    second = Bench(tmp_path / "second", task_id="2026-01-19-1430-git-commit-second")
    second.root.mkdir()
    second.configure("")
    other.rename(second.site)
    for one, name in ((bench, "a"), (second, "b")):
        one.write({f"content/{name}.md": "x\n"})
    errors: list[BaseException] = []

    def work(one: Bench) -> None:
        try:
            one.run(push=True)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(one,)) for one in (bench, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert git(bench.server, "rev-list", "--count", "main..claude/menu") == "2"
    names = git(bench.server, "ls-tree", "--name-only", "claude/menu", "content/").split()
    assert {"content/a.md", "content/b.md"} <= set(names)


def test_who_is_always_overtaken_gives_up_politely(
    bench: Bench, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.git.push.PAUSE", 0.01)
    monkeypatch.setattr("workflow.git.push.MOST_ROUNDS", 2)
    count = iter(range(100))

    def overtake(argv: Sequence[Any]) -> None:
        if "push" in argv:
            publish(other, {f"content/t{next(count)}.md": "x\n"})

    bench.before_each = overtake
    bench.write({"content/new.md": "x\n"})
    failure = bench.fail("push_raced", push=True, paths="content/new.md")
    assert failure.error.action == "retry"
    assert failure.outputs["commit"] == bench.git("rev-parse", "HEAD")


@pytest.mark.parametrize("swept", [False, True], ids=["before", "after"])
def test_a_branch_that_moves_while_it_is_moved_is_left_where_it_went(
    bench: Bench, other: Path, swept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person commits before, or after, the server's files have come into the work tree."""
    publish(other, {"content/theirs.md": "x\n"})

    def meddle(argv: Sequence[Any]) -> None:
        if "update-ref" in argv and "-d" not in argv:
            monkeypatch.undo()
            isolate(monkeypatch, bench.root)
            if swept:
                bench.git("commit", "-q", "-m", "A person's")
                return
            made = bench.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "A person's")
            bench.git("update-ref", "HEAD", made)

    own = process.run

    def run(argv: Sequence[Any], **named: Any) -> process.Finished:
        meddle(argv)
        return own(argv, **named)

    monkeypatch.setattr("workflow.process.run", run)
    bench.write({"content/new.md": "x\n"})
    assert bench.fail("branch_moved", push=True).error.action == "retry"
    assert (bench.site / "content/theirs.md").exists() is swept
    assert bench.git("log", "-2", "--format=%s") == "A person's\nMenu"
    assert bench.git("status", "--porcelain") == ""


# -- who may push ------------------------------------------------------------------------------


def test_a_push_that_the_owner_does_not_want_is_refused_before_the_commit(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"}).configure("git: {push: false}\n")
    assert bench.fail_unchanged("push_not_allowed", push=True).error.action == "fix"
    bench.configure("git: {remote: backup}\n")
    assert bench.fail_unchanged("no_remote", push=True).error.action == "escalate"


def test_a_hook_of_the_owner_that_refuses_the_push_is_quoted(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"}).hook("pre-push", "echo not today; exit 1")
    failure = bench.fail("hook_refused", push=True)
    assert failure.error.message == "the pre-push hook refused it: not today"
    assert failure.outputs["committed"] is True


def test_the_server_s_rules_are_told_apart_and_quoted(bench: Bench) -> None:
    hook = bench.server / "hooks/pre-receive"
    hook.parent.mkdir()
    for said, code in (
        ("GH006: Protected branch update failed", "protected_branch"),
        ("too large", "push_declined"),
    ):
        hook.write_text(f"#!/bin/sh\necho '{said}'\nexit 1\n")
        hook.chmod(0o755)
        bench.write({"content/new.md": "x\n"})
        failure = bench.fail(code, push=True)
        assert failure.error.action == "escalate"
        assert f"remote: {said}" in bench.log
    hook.unlink()
    bench.attempt = 2
    assert bench.run(push=True).outputs["commit"] == at_server(bench)


@pytest.mark.parametrize(
    ("url", "code", "action"),
    [
        ("file:///nowhere/at-all.git", "remote_not_found", "escalate"),
        ("http://127.0.0.1:9/x.git", "remote_unreachable", "retry"),
        ("http://ada:hunter2secret@127.0.0.1:9/x.git", "remote_unreachable", "retry"),
    ],
)
def test_why_a_server_did_not_answer(
    bench: Bench, url: str, code: str, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    bench.git("remote", "set-url", "origin", url)
    failure = bench.write({"content/new.md": "x\n"}).fail(code, push=True)
    assert failure.error.action == action
    assert failure.outputs["commit"] == bench.git("rev-parse", "HEAD")
    assert "hunter2secret" not in f"{failure.error}{failure.outputs}{bench.log}"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("remote: error: GH006: Protected branch update failed for refs/heads/x.\n"
         "! [remote rejected] x -> x (protected branch hook declined)", "protected_branch"),
        ("remote: GitLab: You are not allowed to push code to protected branches on this project.\n"
         "! [remote rejected] x -> x (pre-receive hook declined)", "protected_branch"),
        ("remote: error: GH013: Repository rule violations found\n"
         "! [remote rejected] x -> x (push declined due to repository rule violations)",
         "push_declined"),
        ("remote: Permission to o/r.git denied to ada.\nfatal: unable to access "
         "'https://github.com/o/r.git/': The requested URL returned error: 403", "no_push_rights"),
        ("git@github.com: Permission denied (publickey).\n"
         "fatal: Could not read from remote repository.", "no_push_rights"),
        ("fatal: could not read Username for 'https://github.com': terminal prompts disabled",
         "no_push_rights"),
        ("fatal: Authentication failed for 'https://github.com/o/r.git/'", "no_push_rights"),
        ("Host key verification failed.\nfatal: Could not read from remote repository.",
         "unknown_host_key"),
        ("ssh: Could not resolve hostname nowhere: Name or service not known\n"
         "fatal: Could not read from remote repository.", "unknown_host"),
        ("fatal: unable to access 'https://x/': Could not resolve host: x", "unknown_host"),
        ("ssh: connect to host x port 22: Connection timed out", "remote_unreachable"),
        ("ssh: connect to host x port 22: Network is unreachable", "remote_unreachable"),
        ("fatal: unable to access 'https://x/': The requested URL returned error: 503",
         "remote_unreachable"),
        ("remote: Repository not found.\nfatal: repository 'https://x/' not found",
         "remote_not_found"),
        ("fatal: something new", "push_failed"),
    ],
)  # fmt: skip
def test_what_servers_say_is_understood(said: str, code: str) -> None:
    failure = not_pushed(Acted(1, said, None), "pushing x to origin")
    assert failure.error.code == code

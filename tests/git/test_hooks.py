"""The owner's hooks and signature are respected, and whatever they do, nothing is lost."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.git.bench import Bench, git
from workflow.errors import TaskFailed

STAGED = {"content/new.md": "new\n", "static/robots.txt": "staged\n", "content/old.md": None}


def with_foreign_work(bench: Bench) -> Bench:
    """Changes to commit, and beside them what somebody has staged and not staged."""
    bench.write(STAGED).git("add", "static")
    bench.write({"static/robots.txt": "and edited\n", "loose.txt": "x\n"})
    return bench


@pytest.mark.parametrize("hook", ["pre-commit", "prepare-commit-msg", "commit-msg"])
def test_a_hook_that_refuses_is_quoted_and_all_is_as_before(bench: Bench, hook: str) -> None:
    with_foreign_work(bench).hook(hook, "echo 'title is missing in new.md' >&2; exit 3")
    failure = bench.fail_unchanged("hook_refused")
    assert failure.error.action == "fix"
    assert failure.error.message == (
        f"the {hook} hook refused the commit: title is missing in new.md"
    )
    assert "title is missing in new.md" in bench.log
    (bench.site / ".git/hooks" / hook).unlink()
    bench.run()
    assert bench.git("status", "--porcelain") == "MM static/robots.txt\n?? loose.txt"


def test_a_branch_that_was_made_for_a_refused_commit_is_gone_again(bench: Bench) -> None:
    with_foreign_work(bench).hook("pre-commit", "exit 1")
    bench.fail_unchanged("hook_refused", branch="claude/promo", create=True)


def test_a_file_and_the_folder_in_its_place_are_put_back_in_the_index_too(bench: Bench) -> None:
    bench.write({"content/old.md": None, "content/old.md/index.md": "x\n"})
    bench.hook("pre-commit", "exit 1")
    bench.fail_unchanged("hook_refused")


def test_hooks_see_the_commit_as_git_shows_it_and_nothing_of_what_started_us(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the sweep is run inside a hook of another repository."""
    for name, value in {
        "GIT_DIR": str(bench.server),
        "GIT_INDEX_FILE": "/nowhere/index",
        "GIT_WORK_TREE": "/nowhere",
        "GIT_AUTHOR_NAME": "Somebody",
        "GIT_AUTHOR_EMAIL": "else@example.org",
        "GIT_COMMITTER_DATE": "2001-01-01T00:00:00Z",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "Else",
        "GIT_ASKPASS": "/nowhere/askpass",
        "JOTFORM_API_KEY": "of-our-environment-1234",
        "WORKFLOW_ROOT": "/nowhere",
        "LC_ALL": "C.UTF-8",
    }.items():
        monkeypatch.setenv(name, value)
    seen = bench.root / "seen"
    env = f"env | grep -E '^(GIT_|JOTFORM|WORKFLOW_ROOT|LC_)' | sort > {seen}-env"
    # A hook of the usual kind looks for its files by a pattern.
    files = f"git diff --cached --name-only -- '*.md' > {seen}-files"
    bench.hook("pre-commit", f"{env}\n{files}")
    for name, text in STAGED.items():
        if text is not None:
            (bench.site / name).write_text(text)
    bench.run()
    told = dict(line.split("=", 1) for line in (bench.root / "seen-env").read_text().splitlines())
    assert (bench.root / "seen-files").read_text() == "content/new.md\n"
    leaked = {"GIT_DIR", "GIT_WORK_TREE", "GIT_COMMITTER_DATE", "JOTFORM_API_KEY", "WORKFLOW_ROOT"}
    assert not leaked & set(told)
    assert "GIT_LITERAL_PATHSPECS" not in told
    assert told["GIT_TERMINAL_PROMPT"] == "0"
    assert told["GIT_EDITOR"] == ":"
    assert told["LC_CTYPE"] == "C.UTF-8"
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_CONFIG_COUNT"):
        monkeypatch.delenv(name)
    assert bench.git("log", "-1", "--format=%an %ae %cn") == "Ada ada@example.org Ada"


def test_a_hook_that_mends_a_file_is_told_and_the_index_follows_it(bench: Bench) -> None:
    with_foreign_work(bench)
    bench.hook("pre-commit", "echo mended >> content/new.md; git add content/new.md")
    outcome = bench.run()
    (warning,) = outcome.outputs["warnings"]
    assert warning == "a hook changed files before they were committed: content/new.md"
    assert bench.git("show", "HEAD:content/new.md") == "new\nmended"
    assert bench.git("status", "--porcelain") == "MM static/robots.txt\n?? loose.txt"


def test_a_hook_that_changes_a_file_after_it_was_taken_is_told(bench: Bench) -> None:
    with_foreign_work(bench).hook("pre-commit", "echo late >> content/new.md")
    (warning,) = bench.run().outputs["warnings"]
    assert "differ from what was committed" in warning and "content/new.md" in warning
    assert bench.git("show", "HEAD:content/new.md") == "new"


def test_a_hook_that_adds_what_was_not_named_keeps_it_from_being_pushed(bench: Bench) -> None:
    with_foreign_work(bench)
    bench.hook("pre-commit", "echo made > content/made.md; git add content/made.md static")
    failure = bench.fail("hook_added_files", paths="content/new.md", push=True)
    assert failure.error.action == "escalate"
    assert "content/made.md, static/robots.txt" in failure.error.message
    assert failure.outputs["commit"] == bench.git("rev-parse", "HEAD")
    assert git(bench.server, "branch", "--list", "claude/*") == ""
    bench.attempt = 2
    bench.fail("hook_added_files", paths="content/new.md", push=True)
    assert git(bench.server, "branch", "--list", "claude/*") == ""
    outcome = bench.run(paths=["content", "static"], push=True)
    assert outcome.outputs["pushed"] is True


def test_what_a_hook_adds_to_a_named_folder_is_in_the_index_too(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"})
    bench.hook("pre-commit", "echo made > content/made.md; git add content/made.md")
    assert bench.run().outputs["file_count"] == 2
    assert bench.git("status", "--porcelain") == ""


def test_a_secret_that_a_hook_writes_is_committed_here_and_not_pushed(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"})
    bench.hook("pre-commit", f"echo {'AKIA' + 'Q7' * 8} > content/new.md; git add content/new.md")
    failure = bench.fail("secret_in_commit", push=True)
    assert failure.outputs["commit"] == bench.git("rev-parse", "HEAD")
    assert git(bench.server, "branch", "--list", "claude/*") == ""


def test_a_hook_that_takes_the_trailer_out_is_told(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"})
    bench.hook("commit-msg", "echo Own words > $1")
    (warning,) = bench.run().outputs["warnings"]
    assert "trailer" in warning
    assert bench.git("log", "-1", "--format=%B") == "Own words"


def test_a_hook_that_hangs_ends_with_the_task_and_all_is_as_before(bench: Bench) -> None:
    with_foreign_work(bench).hook("pre-commit", "exec sleep 600")
    bench.timeout = 0.7
    before = bench.state()
    with pytest.raises(TaskFailed) as caught:
        bench.run(branch="claude/promo", create=True)
    assert caught.value.status == "timeout"
    assert "(in the pre-commit hook)" in caught.value.error.message
    assert bench.state() == before


def test_a_hook_that_hangs_after_the_commit_hides_it_from_nobody(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"}).hook("post-commit", "exec sleep 600")
    bench.timeout = 0.7
    failure = bench.fail("timeout")
    assert failure.outputs["commit"] == bench.git("rev-parse", "HEAD")
    assert bench.git("status", "--porcelain") == ""


def test_a_hook_that_asks_gets_no_answer_and_no_terminal(bench: Bench) -> None:
    with_foreign_work(bench)
    bench.hook(
        "pre-commit", 'read answer && exit 0; read answer < /dev/tty || echo "nobody"; exit 1'
    )
    assert "nobody" in bench.fail_unchanged("hook_refused").error.message


def test_a_hook_that_cannot_be_run_is_for_its_owner(bench: Bench) -> None:
    bench.write({"content/new.md": "x\n"}).hook("pre-commit", "")
    (bench.site / ".git/hooks/pre-commit").write_text("#!/nowhere/python\n")
    failure = bench.fail_unchanged("hook_broken")
    assert failure.error.action == "escalate"


def test_hooks_in_a_folder_of_the_owner_s_choice_are_run(bench: Bench) -> None:
    bench.write({".husky/pre-commit": "#!/bin/sh\nexit 1\n", "content/new.md": "x\n"})
    (bench.site / ".husky/pre-commit").chmod(0o755)
    bench.git("config", "core.hooksPath", ".husky")
    bench.fail_unchanged("hook_refused")


# -- signatures --------------------------------------------------------------------------------


@pytest.fixture
def signer(bench: Bench) -> Path:
    """A key by which the owner signs all commits."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    key = bench.root / "home/key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    known = bench.root / "home/signers"
    known.write_text(f"ada@example.org {key.with_suffix('.pub').read_text()}")
    for name, value in {
        "gpg.format": "ssh",
        "user.signingkey": str(key),
        "commit.gpgsign": "true",
        "gpg.ssh.allowedSignersFile": str(known),
    }.items():
        bench.git("config", name, value)
    return key


def test_commits_are_signed_where_the_owner_signs(bench: Bench, signer: Path) -> None:
    bench.write({"content/new.md": "x\n"}).run()
    assert bench.git("log", "-1", "--format=%G?") == "G"


def test_a_commit_that_is_put_on_top_of_others_is_signed_again(bench: Bench, signer: Path) -> None:
    bench.git("push", "-q", "origin", "claude/menu")
    other = bench.clone()
    git(other, "switch", "-q", "claude/menu")
    (other / "content/theirs.md").write_text("x\n")
    git(other, "add", ".")
    git(other, "commit", "-qm", "Theirs")
    git(other, "push", "-q", "origin", "claude/menu")
    bench.write({"content/new.md": "x\n"}).run(push=True)
    assert bench.git("log", "-2", "--format=%G? %s") == "G Menu\nN Theirs"


def test_a_key_that_is_not_there_makes_no_commit(bench: Bench, signer: Path) -> None:
    signer.unlink()
    signer.with_suffix(".pub").unlink()
    with_foreign_work(bench)
    failure = bench.fail_unchanged("signing_failed")
    assert failure.error.action == "escalate"


def test_a_key_with_a_passphrase_asks_nobody(bench: Bench, signer: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", signer], check=True)
    with_foreign_work(bench)
    bench.fail_unchanged("signing_failed")

"""The demonstration, as somebody sees it who has just cloned the repository."""

from __future__ import annotations

import http.client
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

REPOSITORY = Path(__file__).parent.parent
PAGE = "content/summer-auto-promo-2026.md"
PUBLISHED, CHANGED = "<h1>Drive into summer, 15 % lighter</h1>", "20 % lighter"
POISON = {
    "AWS_PROFILE": "somebody-elses",
    "AWS_ACCESS_KEY_ID": "AKIASOMEBODYELSES",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
}
"""Were any of it used, the demonstration would fail."""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return _environ(tmp_path)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """The demonstration, played once with nobody there: its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    ran = _demo(folder, _environ(folder))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder / "try", ran.stdout, ran.stderr


def _environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "home").mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CLAUDE", "WORKFLOW"))}
    home = str(tmp_path / "home")
    return {**kept, "HOME": home, "PYTHONPATH": str(REPOSITORY), "TERM": "dumb", **POISON}


class Person:
    """Somebody at a terminal."""

    def __init__(self, terminal: int) -> None:
        self.terminal = terminal
        self.seen = ""

    def reads(self, until: str) -> None:
        """Read on until `until` has been shown, or everything was."""
        before = len(self.seen)
        while until not in self.seen[before:]:
            assert select.select([self.terminal], [], [], 60)[0], f"nothing after {self.seen}"
            try:
                read = os.read(self.terminal, 65_536)
            except OSError:  # how Linux says that the other side has closed
                read = b""
            if not read:
                raise AssertionError(f"{until!r} was not shown: {self.seen}")
            self.seen += read.decode("utf-8", "replace").replace("\r\n", "\n")

    def types(self, line: str) -> None:
        os.write(self.terminal, f"{line}\n".encode())


@contextmanager
def at_a_terminal(
    folder: Path, environ: dict[str, str]
) -> Iterator[tuple[Person, subprocess.Popen[bytes]]]:
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "workflow", "demo", "try"],
        cwd=folder, env=environ, stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    try:
        yield Person(ours), running
    finally:
        running.kill()
        running.wait()
        os.close(ours)


def _demo(
    folder: Path, environ: dict[str, str], name: str = "try"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workflow", "demo", name],
        cwd=folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def _get(address: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    try:
        connection.request("GET", "/summer-auto-promo-2026/")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_the_demo_goes_from_a_wish_to_the_production_site_and_back(
    played: tuple[Path, str, str],
) -> None:
    _, said, warned = played
    assert "proceed_to_deploy" in said
    approve = r"^  \$ workflow approve \S+[\s\\]+(\w+)[\s\\]+[0-9a-f]{8}"
    approvals = re.findall(approve, said, re.MULTILINE)
    assert approvals == ["staging", "production"], "each asks once; the small change asks nobody"
    assert "Nobody is there to ask" in said and "You: DEPLOY TO PRODUCTION" in said
    pages = re.findall(
        r"GET http://127\.0\.0\.1:(\d+)/summer-auto-promo-2026/\n  200 OK\n"
        r"  Content-Type: text/html; charset=utf-8\n  Cache-Control: \S.*\n"
        r"  <title>Summer auto promo · Harbor Insurance</title>\n  (<h1>.*</h1>)\n",
        said,
    )
    shown = [page for _, page in pages]
    assert shown[0] == shown[1] == shown[3] == PUBLISHED
    assert CHANGED in shown[2]
    staging, production = pages[0][0], pages[1][0]
    assert [port for port, _ in pages] == [staging, production, staging, staging] != [staging] * 4
    assert [line for line in said.splitlines() if len(line) > 80] == []
    assert "install the timer" not in said + warned
    for value in POISON.values():
        assert value not in said + warned
    with pytest.raises(ConnectionRefusedError):
        _get(f"http://127.0.0.1:{staging}/")


def test_what_the_demo_leaves_is_a_page_with_its_form_on_a_branch_that_was_pushed(
    played: tuple[Path, str, str],
) -> None:
    root, _, _ = played
    built = (root / "site/public/summer-auto-promo-2026/index.html").read_text()
    (form_id,) = re.findall(r"https://form\.jotform\.com/jsform/(\d+)", built)
    assert form_id in (root / "workflow.yaml").read_text()
    log = subprocess.run(
        ["git", "log", "--name-only", "--format=%s", "main..claude/summer-auto-promo"],
        cwd=root / "origin.git", capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert log.split("\n\n") == ["Add the summer auto promo", f"{PAGE}\n"]


def test_the_demo_tells_of_the_broken_template_where_it_is_and_publishes_once_it_is_mended(
    played: tuple[Path, str, str],
) -> None:
    _, said, _ = played
    broken = said.index("broken a template")
    failed = said.index("`layouts/_default/landing.html:", broken)
    assert "Claude Code can mend this and submit the task again." in said[failed:]
    assert broken < failed < said.index("$ workflow retry", failed) < said.index("GET http", failed)


def test_at_a_terminal_a_person_approves_writes_the_phrase_and_opens_both_sites(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    buckets = [tmp_path / f"try/bucket-{name}/objects" for name in ("staging", "production")]
    with at_a_terminal(tmp_path, environ) as (person, running):
        person.reads("Publish it to staging? [Y/n]")
        person.types("n")
        person.reads("next:")
        assert running.wait(30) == 0
        assert [list(bucket.iterdir()) for bucket in buckets] == [[], []]
    with at_a_terminal(tmp_path, environ) as (person, running):
        person.reads("Publish it to staging? [Y/n]")
        person.types("")
        person.reads("or anything else to leave it:")
        person.types("deploy to production, please")
        person.reads("next:")
        assert running.wait(30) == 0
        assert list(buckets[0].iterdir()) and not list(buckets[1].iterdir())
    with at_a_terminal(tmp_path, environ) as (person, running):
        person.reads("Publish it to staging? [Y/n]")
        person.types("y")
        person.reads("or anything else to leave it:")
        person.types("DEPLOY TO PRODUCTION")
        person.reads("Press Enter to end.")
        addresses = re.findall(r"^  (?:staging|production) +(\S+)", person.seen, re.MULTILINE)
        for address in addresses[-2:]:
            status, page = _get(address)
            assert (status, PUBLISHED in page) == (200, True)
        person.types("")
        person.reads("next:")
        assert running.wait(30) == 0


def test_the_demo_touches_no_folder_that_is_not_its_own(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    other = tmp_path / "mine"
    (other / "bucket").mkdir(parents=True)
    (other / "bucket/thesis.txt").write_text("mine")
    (other / "workflow.yaml").write_text("version: 1\n")
    before = sorted(other.rglob("*"))
    refused = _demo(tmp_path, environ, "mine")
    assert (refused.returncode, sorted(other.rglob("*"))) == (2, before)
    (other / "workflow.yaml").unlink()
    assert _demo(tmp_path, environ, "mine").returncode == 2
    assert os.listdir(other) == ["bucket"]

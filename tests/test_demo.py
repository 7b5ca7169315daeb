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
        connection.request("GET", "/summer-auto-promo/")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_the_demo_goes_from_a_build_to_a_published_site_and_back_with_one_approval(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    ran = _demo(tmp_path, environ)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    said = ran.stdout
    assert "proceed_to_deploy" in said
    assert "the shortcode 'ofer' does not exist" in said
    assert "still the one built before" in said
    approvals = re.findall(r"^  \$ workflow approve \S+ staging [0-9a-f]{8,}$", said, re.MULTILINE)
    assert len(approvals) == 1
    assert "Nobody is there to ask" in said
    pages = re.findall(
        r"GET http://127\.0\.0\.1:\d+/summer-auto-promo/\n  200 OK\n"
        r"  Content-Type: text/html; charset=utf-8\n  Cache-Control: \S.*\n"
        r"  <title>Summer auto promo · Harbor Insurance</title>\n  (<h1>.*</h1>)\n",
        said,
    )
    assert len(pages) == 3
    assert pages[0] == pages[2] == PUBLISHED
    assert CHANGED in pages[1]
    assert (tmp_path / "try/site/public/summer-auto-promo/index.html").is_file()
    assert [line for line in said.splitlines() if len(line) > 80] == []
    assert "install the timer" not in said + ran.stderr
    for value in POISON.values():
        assert value not in said + ran.stderr
    (address,) = set(re.findall(r"http://127\.0\.0\.1:\d+/", said.split("GET ")[1].split("\n")[0]))
    with pytest.raises(ConnectionRefusedError):
        _get(address)


def test_at_a_terminal_a_person_approves_and_opens_the_site_and_it_can_be_played_again(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    with at_a_terminal(tmp_path, environ) as (person, running):
        person.reads("Publish it? [Y/n]")
        bucket = tmp_path / "try/bucket/objects"
        assert list(bucket.iterdir()) == []
        person.types("n")
        person.reads("next:")
        assert running.wait(30) == 0
        assert list(bucket.iterdir()) == []
    with at_a_terminal(tmp_path, environ) as (person, running):
        person.reads("Publish it? [Y/n]")
        person.types("")
        person.reads("Press Enter to end.")
        (address,) = re.findall(r"The site is at\s+(\S+)", person.seen)
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

"""No words of a task, a file name, a result or a log become markup, deceive the eye, tell a secret,
lead to another file, or make the page large."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.program import Program
from tests.report.browser import Page
from tests.report.busy import CAUSES, add
from workflow.config import load_config
from workflow.errors import TaskError
from workflow.expectations import Check
from workflow.overview import resolve
from workflow.report.inert import inert
from workflow.report.making import make_board, make_dossier
from workflow.report.markup import address, el

SCRIPT = "</p></pre></style></title><script>alert(1)</script><img src=x onerror=alert(2)>"
OVERRIDE = "\u202egnp.exe\u2066\u200b"
ESCAPES = "\x1b[31mred\x1b[0m\x1b]0;title\x07\x9b2J\x00\x08"
KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYxy"
EVIL = f"{SCRIPT} {OVERRIDE} {ESCAPES} aws_secret_access_key = {SECRET} {KEY}"
RUN = "<script>window.ran = true</script><svg onload='window.ran = true'>"


def hostile(program: Program) -> str:
    """An ended task all of whose words are hostile. Returns its id."""
    now = datetime.now(UTC)
    task_id = f"{now:%Y-%m-%d-%H%M}-evil<b>&\"'"
    evil = EVIL + RUN
    error = TaskError("evil", evil, "fix", file=f"x{RUN}", line=1, excerpt=evil, hint=evil)
    path = add(
        program, task_id, "site-validate", now, environment="dev", status="failed", verdict=evil,
        error=error, outputs={"causes": [{**CAUSES[0], "message": evil, "source": evil}],
                              evil: evil, "site_url": "javascript:alert(1)"},
        checks=[Check(evil[:90], evil, evil, False)], logs=f"{evil}\n" * 3,
    )  # fmt: skip
    # Somebody who writes the file itself is held by none of our own cleaning.
    raw = path.read_text().replace("key = [redacted]", f"key = {SECRET}")
    assert SECRET in raw
    path.write_text(raw)
    log = path.parent / f"{task_id}.logs/attempt-1.log"
    log.write_text(f"{evil}\naws_secret_access_key = {SECRET}\n")
    program.write(
        f"{now:%Y-%m-%d-%H%M}-{RUN.replace('/', '')[:40]}.md",
        f"---\ntask_type: noop\nafter: [later]\nnote: {json.dumps(evil)}\n---\n{evil}\n",
        "tasks/waiting",
    )
    return task_id


def pages_of(program: Program, task_id: str) -> list[Path]:
    assert program("report").code == 0
    assert program("report", task_id).code == 0
    return [program.root / "results/report.html", *(program.root / "results/report").iterdir()]


def test_no_text_becomes_markup_or_script(program: Program, browser: Page) -> None:
    for page in pages_of(program, hostile(program)):
        text = page.read_text(encoding="utf-8")
        assert "&lt;script&gt;alert(1)" in text and "<script" not in text and "<img" not in text
        browser.show(page, 375, script=True)
        assert browser.tell("window.ran") is None
        assert browser.tell("document.querySelectorAll('script, img, [onload]').length") == 0
        assert browser.tell("document.querySelectorAll('[href^=javascript]').length") == 0
        assert browser.complaints == [] and browser.requests == [page.as_uri()]
        browser.tell("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert browser.tell("document.documentElement.scrollWidth") == 375


def test_a_script_that_came_in_all_the_same_would_not_run(program: Program, browser: Page) -> None:
    program("report")
    page = program.root / "results/report.html"
    page.write_text(page.read_text().replace("</main>", f"{RUN}<img src=//127.0.0.1/x></main>"))
    browser.show(page, 375, script=True)
    assert browser.tell("window.ran") is None
    assert any("Content Security Policy" in text for text in browser.complaints)


def test_no_secret_escape_or_override_reaches_a_page(program: Program) -> None:
    for page in pages_of(program, hostile(program)):
        text = page.read_text(encoding="utf-8")
        assert SECRET not in text and KEY not in text and "[redacted]" in text
        assert not set(text) & set("\x00\x07\x08\x1b\x9b\u202e\u2066\u200b")
        assert "red" in text and "[31m" not in text


def test_no_secret_is_in_the_data_either(program: Program) -> None:
    task_id = hostile(program)
    for words in (("report", "--json"), ("report", task_id, "--json")):
        out = program(*words).out
        assert SECRET not in out and KEY not in out and "\\u001b" not in out and "\u202e" not in out


def test_a_log_of_ten_megabytes_costs_a_moment_and_gives_its_end(program: Program) -> None:
    now = datetime.now(UTC)
    task_id = f"{now:%Y-%m-%d-%H%M}-hugo-build-dev"
    error = TaskError("failed", "it failed", "fix")
    path = add(program, task_id, "hugo-build", now, status="failed", error=error, logs="x")
    log = path.parent / f"{task_id}.logs/attempt-1.log"
    with log.open("w") as file:
        for number in range(200_000):
            file.write(f"<line {number:06}> of fifty characters, and a few more\n")
    began = time.monotonic()
    pages = pages_of(program, task_id)
    assert time.monotonic() - began < 5
    for page in pages:
        text = page.read_text()
        assert "&lt;line 199999&gt;" in text and "line 100000" not in text
        assert len(text.encode()) < 200_000


def test_one_endless_line_is_cut(program: Program, browser: Page) -> None:
    now = datetime.now(UTC)
    task_id = f"{now:%Y-%m-%d-%H%M}-noop"
    error = TaskError("failed", "w" * 5000, "fix", hint="i" * 5000)
    add(program, task_id, "noop", now, status="failed", error=error, logs="&" * 10_000_000)
    for page in pages_of(program, task_id):
        assert page.stat().st_size < 100_000
        browser.show(page, 375)
        browser.tell("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert browser.tell("document.documentElement.scrollWidth") == 375


def test_the_page_stays_small_whatever_a_day_brings(program: Program) -> None:
    now = datetime.now(UTC)
    worst = "&\"'<>" * 200
    for number in range(60):
        add(
            program, f"{now:%Y-%m-%d-%H%M}-type-{number:02}", f"type-{number:02}",
            now - timedelta(seconds=number), environment=f"e{number}", status="failed",
            error=TaskError("c", worst * 2, "fix", excerpt=worst * 2, hint=worst * 2),
            verdict=worst, logs=f"{worst}\n" * 100,
            checks=[Check(worst, worst, worst, False)] * 30,
            outputs={"causes": [{**CAUSES[0], "message": worst, "hint": worst}] * 30,
                     **{f"{n} {worst}": worst for n in range(60)}},
        )  # fmt: skip
    for number in range(100):
        program.write(f"{now:%Y-%m-%d-%H%M}-{number:03}-{'n' * 120}.md",
                      "---\ntask_type: noop\nafter: [later]\n---\n", "tasks/waiting")  # fmt: skip
    for page in pages_of(program, f"{now:%Y-%m-%d-%H%M}-type-00"):
        assert page.stat().st_size < 200_000, page
    data = program("report", "--json").data
    assert data["waiting_unseen"] == 60 and data["day"]["more"] == 35


def test_links_and_pipes_in_the_place_of_results_and_logs_are_not_followed(
    program: Program, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    private = tmp_path / "private.md"
    private.write_text("---\nstatus: failed\ntask_type: noop\n---\nthe private text\n")
    error = TaskError("failed", "it failed", "fix")
    task_id = f"{now:%Y-%m-%d-%H%M}-noop"
    path = add(program, task_id, "noop", now, status="failed", error=error, logs="x")
    log = path.parent / f"{task_id}.logs/attempt-1.log"
    log.unlink()
    log.symlink_to(private)
    os.mkfifo(log.with_name("attempt-2.log"))
    (path.parent / f"{task_id}.logs/plan.json").symlink_to(private)
    (path.parent / "2026-01-01-0000-link.result.md").symlink_to(private)
    os.mkfifo(path.parent / "2026-01-01-0000-pipe.result.md")
    program.root.joinpath("results/latest/hugo-deploy-dev.dev.result.md").symlink_to(private)
    for page in pages_of(program, task_id):
        assert "the private text" not in page.read_text()
    assert program("report", "--json").data["bounds"]["unreadable"] == 2


def both(program: Program, task_id: str) -> None:
    """Make the page about all and that about one task, in this process."""
    config = load_config(program.root)
    make_board(program.exchange, config)
    make_dossier(program.exchange, config, resolve(program.exchange, task_id))


@pytest.mark.parametrize(
    "damage",
    [
        b"", b"---\n", b"\xff\xfe\x00", b"---\nstatus: [a]\n---\n", b"---\n- a\n---\n",
        b"---\nstatus: failed\ncompleted_at: yesterday\nduration_seconds: -4\n---\nx\n",
        b"---\nstatus: failed\ntask_type: 7\noutputs: 3\nerror: no\nverification: [x]\n"
        b"attempts: {a: 1}\nwarnings: {}\n---\n",
        b"---\nstatus: failed\noutputs: {causes: [3, {severity: {}, pages: x}]}\n"
        b"error: {line: {a: b}, action: 7}\nverification: {checks: [1, {name: {}}]}\n"
        b"attempts: [1, {number: {}, duration_seconds: x}]\n---\n",
        b"---\nstatus: success\nduration_seconds: .inf\n---\n", b"---\nstatus: success\n"
        b"duration_seconds: .nan\n---\n", b"---\nstatus: success\na: " + b"[" * 5000,
        b"---\nstatus: success\noutputs:\n  a: " + b"x" * 2_000_000 + b"\n---\n",
    ],
)  # fmt: skip
def test_a_damaged_result_stops_no_page(program: Program, damage: bytes) -> None:
    now = datetime.now(UTC)
    for kind in ("hugo-deploy-dev", "site-validate"):
        task_id = f"{now:%Y-%m-%d-%H%M}-{kind}"
        path = add(program, task_id, kind, now, environment="dev", status="failed")
        whole = path.read_bytes()
        for text in (damage, damage + whole):
            path.write_bytes(text)
            both(program, task_id)


def test_a_damaged_plan_and_task_stop_no_page(program: Program) -> None:
    from tests.report.busy import WITH_DEPLOYS, wait_for_approval

    (program.root / "workflow.yaml").write_text(WITH_DEPLOYS)
    task_id = wait_for_approval(program)
    plan = program.root / f".workflow/plans/{task_id}.jsonl"
    first = plan.read_bytes().split(b"\n")[0]
    for rest in (b"", b"[]", b'{"actions": 3}', b'{"actions": [3, {"action": []}], "warnings": 1}'):
        plan.write_bytes(first + b"\n" + rest + b"\n[]\n")
        both(program, task_id)
    program.write(f"{task_id}.md", b"\x00\xff---", "tasks/waiting")
    both(program, task_id)


def test_what_deceives_the_eye_is_shown() -> None:
    heap = "Z" + "\u0301" * 50
    assert inert(f"a{OVERRIDE}b") == "a�gnp.exe��b"
    assert inert(heap) == "Z" + "\u0301" * 3
    family = "\U0001f469\u200d\U0001f467 Müller, שלום"
    assert inert(family) == family
    assert inert({"a\u202eb": ["\u2066"]}) == {"a�b": ["�"]}


def test_attributes_and_addresses_are_held_in_their_quotes() -> None:
    assert el("p", "a", title='" onclick="x') == '<p title="&quot; onclick=&quot;x">a</p>'
    for url in ("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//host/x",
                "https://user:pass@host/", "https://[", " https://a.b"):  # fmt: skip
        assert "<a" not in str(address(url)), url
    assert address('https://a.b/"><script>') == (
        '<a href="https://a.b/&quot;&gt;&lt;script&gt;" rel="noreferrer noopener">'
        "a.b/&quot;&gt;&lt;script&gt;</a>"
    )

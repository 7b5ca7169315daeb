"""content-edit: what was asked for is changed in one step, and nothing else."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.content.desk import Desk
from tests.content.killing import POST as POST_TO_KILL
from tests.content.test_content_create import steps_survived
from tests.program import Program
from tests.test_disk_full import fill, mounted, read_only
from workflow.handlers import content_edit
from workflow.handlers.content_edit import OUTPUTS, Params

POST = """\
---
# The first of all
title:   'One'   # short
date: 2026-01-19
tags: [auto,  boat]
params:
    hero:
        title: "Old"
old_key: x
---

Hello there.

## Prices

Ten.

## Contact

Call.
"""


def lines(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.fixture
def post(desk: Desk) -> Desk:
    return desk.write({"content/posts/one.md": POST})


# -- what is changed -----------------------------------------------------------------------------


def test_all_edits_are_made_in_order_and_the_rest_stays_byte_for_byte(post: Desk) -> None:
    outcome = post.edit(
        set={"params.hero.title": "New", "weight": 3},
        unset=["old_key"],
        append={"tags": ["promo", "sun"]},
        replace=[{"old": "Hello there.", "new": "Hello here."}],
        sections=[
            {"heading": "Prices", "action": "replace", "text": "Twelve."},
            {"heading": "Contact", "action": "append", "text": "Or write."},
        ],
        append_text="The end.",
    )
    assert post.read("content/posts/one.md") == lines(
        POST,
        ('"Old"\nold_key: x\n', '"New"\nweight: 3\n'),
        ("[auto,  boat]", "[auto,  boat,  promo,  sun]"),
        ("there.", "here."),
        ("Ten.", "Twelve."),
        ("Call.\n", "Call.\n\nOr write.\n\nThe end.\n"),
    )
    built = post.built("posts/one/index.html")
    assert "title=One|date=2026-01-19|weight=3|tags=auto,boat,promo,sun|hero=New" in built
    assert "<p>Twelve.</p>" in built
    told = outcome.outputs
    assert set(told) == set(OUTPUTS)
    assert told["digest_before"] == hashlib.sha256(POST.encode()).hexdigest()
    assert told["digest_after"] == post.digest("content/posts/one.md")
    assert (told["url"], told["word_count"], told["changed"]) == ("/posts/one/", 10, True)
    assert "-Ten.\n+Twelve.\n" in told["diff"]
    assert outcome.verdict == "Changed content/posts/one.md: 9 lines added, 5 removed."


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(POST.replace("\n", "\r\n"), id="CRLF"),
        pytest.param("\ufeff" + POST, id="BOM"),
        pytest.param("\ufeff" + POST.replace("\n", "\r\n"), id="BOM and CRLF"),
        pytest.param(POST.rstrip("\n"), id="no line end at the end"),
    ],
)
def test_line_ends_and_byte_order_marks_stay(desk: Desk, text: str) -> None:
    desk.write({"content/posts/one.md": text})
    desk.edit(set={"title": "Uno"}, replace=[{"old": "Ten.", "new": "Twelve."}])
    assert desk.read("content/posts/one.md") == lines(text, ("'One'", "'Uno'"), ("Ten.", "Twelve."))
    assert "title=Uno" in desk.built("posts/one/index.html")


@pytest.mark.parametrize(
    "text",
    ["+++\ntitle = 'One' # a\nweight = 1\n+++\nText.\n", '{"title": "One", "weight": 1}\nText.\n'],
)
def test_toml_and_json_are_edited_too(desk: Desk, text: str) -> None:
    desk.write({"content/posts/one.md": text})
    desk.edit(set={"weight": 12})
    assert desk.read("content/posts/one.md") == lines(text, ("1", "12"))
    assert "weight=12" in desk.built("posts/one/index.html")


def test_rights_of_the_file_stay(post: Desk) -> None:
    (post.content / "posts/one.md").chmod(0o660)
    post.edit(set={"title": "Uno"})
    assert stat.S_IMODE((post.content / "posts/one.md").stat().st_mode) == 0o660


def test_an_edit_that_changes_nothing_says_so_and_writes_nothing(post: Desk) -> None:
    path = post.content / "posts/one.md"
    os.utime(path, ns=(10**18, 10**18))
    outcome = post.edit(set={"title": "One"})
    assert path.stat().st_mtime_ns == 10**18
    assert outcome.outputs["changed"] is False
    assert outcome.outputs["digest_before"] == outcome.outputs["digest_after"]
    assert outcome.verdict == "Nothing to change: content/posts/one.md is already as it was asked."


def test_a_dry_run_gives_the_diff_and_writes_nothing(post: Desk) -> None:
    before = post.snapshot()
    outcome = post.edit(set={"title": "Uno"}, dry_run=True)
    assert post.snapshot() == before
    assert outcome.rehearsal
    assert outcome.outputs["diff"] == (
        "--- a/content/posts/one.md\n+++ b/content/posts/one.md\n@@ -1,6 +1,6 @@\n ---\n"
        " # The first of all\n-title:   'One'   # short\n+title:   'Uno'   # short\n"
        " date: 2026-01-19\n tags: [auto,  boat]\n params:\n"
    )


def test_a_rehearsal_after_the_write_does_not_pass_for_it(post: Desk) -> None:
    post.edit(set={"title": "Uno"})
    assert post.edit(set={"title": "Due"}, dry_run=True).outputs["changed"]


def test_a_file_that_is_spelled_decomposed_is_found_by_its_name(desk: Desk) -> None:
    desk.write({"content/posts/u\u0308ber.md": "---\ntitle: A\n---\n"})
    told = desk.edit("posts/über.md", set={"title": "B"}).outputs
    assert told["file_path"] == "content/posts/u\u0308ber.md"
    assert sorted(os.listdir(desk.content / "posts")) == ["one.md", "two.md", "u\u0308ber.md"]


def test_twenty_thousand_lines_are_compared_in_seconds(desk: Desk) -> None:
    body = "".join(f"{number} ten\n" for number in range(20_000))
    desk.write({"content/posts/one.md": f"---\ntitle: A\n---\n{body}"})
    outcome = desk.edit(replace=[{"old": "ten", "new": "elf", "count": 20_000}])
    assert "20,000 lines added, 20,000 removed" in outcome.verdict
    assert len(outcome.outputs["diff"]) < 4200


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {}, {"dry_run": True}, {"set": {}}, {"set": {"a..b": 1}}, {"unset": ["[0]"]},
        {"append": {"": 1}}, {"replace": [{"old": "", "new": "x"}]}, {"append_text": ""},
        {"replace": [{"old": "a", "new": "x", "count": 0}]}, {"sections": [{"heading": "A"}]},
        {"sections": [{"heading": "A", "action": "remove", "text": ""}]},
        {"set": {"a": 1}, "digest": "abc"}, {"set": {"a": 1}, "path": "../x.md"},
        {"set": {"a": 1}, "path": "hugo.toml"}, {"set": {"a": 1}, "path": "/etc/x.md"},
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Params.model_validate({"path": "a.md", **params})


def test_the_digest_guards_against_a_file_that_has_changed(post: Desk) -> None:
    failure = post.refuse(post.edit, set={"title": "Uno"}, digest="0" * 64)
    assert (failure.error.code, failure.error.action) == ("digest_differs", "fix")
    assert failure.outputs["digest_before"] == post.digest("content/posts/one.md")
    digest = post.digest("content/posts/one.md")
    assert post.edit(set={"title": "Uno"}, digest=digest).outputs["changed"]


def test_a_file_that_is_not_there_is_told_with_what_was_meant(post: Desk) -> None:
    failure = post.refuse(post.edit, "posts/onee.md", set={"title": "A"})
    assert failure.error.code == "no_such_file"
    assert failure.error.hint == "did you mean content/posts/one.md?"
    failure = post.refuse(post.edit, "blog/one.md", set={"title": "A"})
    assert failure.error.hint == "did you mean content/posts/one.md?"
    assert post.refuse(post.edit, "posts/One.md", set={"a": 1}).error.code == "name_collides"


def test_edits_that_fail_are_all_told_and_none_is_made(post: Desk) -> None:
    failure = post.refuse(
        post.edit,
        set={"title": "Uno", "tags.first": 1},
        unset=["nope"],
        replace=[{"old": "Hello", "new": "x", "count": 2}],
        sections=[{"heading": "Contct", "action": "append", "text": "x"}],
    )
    assert (failure.error.code, failure.error.action) == ("not_a_mapping", "fix")
    assert failure.error.message.endswith("; and 3 more edits fail")
    told = [line.partition(":")[0] for line in failure.outputs["errors"]]
    assert told == ["set tags.first", "unset nope", "replace 1", "section 'Contct'"]
    assert failure.error.file == "content/posts/one.md"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"---\ntitle: Caf\xe9\n---\n", "not_utf8"),
        ("---\ntitle: A\n---\n".encode("utf-16"), "not_utf8"),
        (b"---\ntitle: A\n---\n\0\0", "not_utf8"),
        (b"x" * (50 << 20), "file_too_large"),
        (b"---\ntitle: A\n", "bad_front_matter"),
    ],
)
def test_bytes_that_are_no_text_are_left_alone(desk: Desk, raw: bytes, code: str) -> None:
    desk.write({"content/posts/one.md": raw})
    failure = desk.refuse(desk.edit, set={"title": "B"})
    assert (failure.error.code, failure.error.action) == (code, "fix")


def test_what_is_no_plain_file_is_not_opened(desk: Desk, tmp_path: Path) -> None:
    (desk.content / "dir.md").mkdir()
    os.mkfifo(desk.content / "pipe.md")
    (tmp_path / "secret.md").write_text("---\ntitle: S\n---\n")
    (desk.content / "link.md").symlink_to(tmp_path / "secret.md")
    for path, code in (
        ("dir.md", "not_a_file"), ("pipe.md", "not_a_file"), ("link.md", "symbolic_link"),
    ):  # fmt: skip
        assert desk.refuse(desk.edit, path, set={"title": "B"}).error.code == code
    assert (tmp_path / "secret.md").read_text() == "---\ntitle: S\n---\n"


def test_what_somebody_writes_meanwhile_is_kept(post: Desk) -> None:
    path = post.content / "posts/one.md"

    def write() -> None:
        path.write_text("mine")

    post.before_write = write
    with pytest.raises(Exception, match="has changed since") as caught:
        post.edit(set={"title": "Uno"})
    assert caught.value.error.code == "file_changed"  # type: ignore[attr-defined]
    assert caught.value.error.action == "retry"  # type: ignore[attr-defined]
    assert path.read_text() == "mine"
    assert sorted(os.listdir(path.parent)) == ["one.md", "two.md"]


def test_a_file_that_vanishes_meanwhile_is_not_made_again(post: Desk) -> None:
    path = post.content / "posts/one.md"

    def vanish() -> None:
        if (post.logs / "write.json").exists():
            path.unlink(missing_ok=True)

    post.before_write = vanish
    with pytest.raises(Exception, match="is gone since"):
        post.edit(set={"title": "Uno"})
    assert os.listdir(path.parent) == ["two.md"]


def test_a_full_disk_leaves_the_file_as_it_was(post: Desk, tmp_path: Path) -> None:
    with mounted(tmp_path) as disk:
        folder = post.content / "posts"
        subprocess.run(["cp", "-r", f"{folder}/.", disk], check=True)
        subprocess.run(["mount", "--bind", disk, folder], check=True)
        try:
            ballast = fill(disk)
            failure = post.refuse(post.edit, append_text="x" * 100_000)
            assert (failure.error.code, failure.error.action) == ("disk_full", "escalate")
            ballast.unlink()
            assert post.edit(append_text="x", attempt=2).outputs["changed"]
        finally:
            subprocess.run(["umount", folder], check=True)


def test_a_folder_that_is_read_only_is_told(post: Desk) -> None:
    with read_only(post.content):
        failure = post.refuse(post.edit, set={"title": "Uno"})
    assert (failure.error.code, failure.error.action) == ("permission_denied", "escalate")


# -- crashes -------------------------------------------------------------------------------------


def test_killed_at_any_step_the_edit_is_made_once(desk: Desk) -> None:
    desk.write({"content/posts/one.md": POST_TO_KILL})
    assert steps_survived(desk, "edit") > 10


def test_after_a_crash_a_file_that_others_changed_is_not_edited_again(post: Desk) -> None:
    post.edit(append_text="More.")
    with (post.content / "posts/one.md").open("a") as file:
        file.write("By hand.\n")
    failure = post.refuse(post.edit, append_text="More.", attempt=2)
    assert (failure.error.code, failure.error.action) == ("file_changed", "fix")


# -- as people run it ----------------------------------------------------------------------------


def test_the_example_works_in_a_fresh_exchange(program: Program) -> None:
    task_id = program.submit("content-edit", *content_edit.EXAMPLE)
    assert program("sweep").code == 0
    result = program.result(task_id)
    assert result["status"] == "success", result["body"]
    assert set(result["outputs"]) == set(OUTPUTS)
    assert result["verification"]["verdict"] == "proceed"
    text = (program.root / "site/content/posts/one.md").read_text()
    assert "title: The first\n" in text and "lines: 2\n" in text


def test_a_dry_run_is_verified_as_the_rehearsal_that_it_is(program: Program) -> None:
    task_id = program.submit(
        "content-edit", "--set", "path=posts/one.md", "--set", "append_text=More.",
        "--set", "dry_run=true",
    )  # fmt: skip
    program("sweep")
    result = program.result(task_id)
    assert result["status"] == "success"
    assert result["body"].strip().startswith("Dry run: would change content/posts/one.md: ")


def test_two_edits_of_one_file_come_one_after_the_other(program: Program) -> None:
    ids = [
        program.submit("content-edit", "--set", "path=posts/one.md", "--set", f"append_text=N{n}.")
        for n in range(4)
    ]
    program("sweep", "--jobs", "4")
    assert [program.result(one)["status"] for one in ids] == ["success"] * 4
    text = (program.root / "site/content/posts/one.md").read_text()
    assert all(f"\nN{n}.\n" in text for n in range(4))
